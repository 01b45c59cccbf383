//! What there is to ask.

use std::collections::{BTreeMap, HashSet};

use super::Flow;
use crate::model::Usage;
use crate::store::{Store, statement_key};
use crate::{Result, Screen, Statement, Withheld};

/// The distinct statements of a corpus, and what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Statements, each counted as often as it is made.
    pub statements: usize,
    /// Distinct statements.
    pub distinct: usize,
    /// Distinct statements whose description is stored already.
    pub stored: usize,
    /// Distinct statements that no model is asked about, by reason.
    pub withheld: BTreeMap<Withheld, Vec<String>>,
    /// The statements to ask about, in the order in which they were first made.
    pub ask: Vec<Statement>,
}

/// What carrying out a plan will take, about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Tokens of all requests and answers, if no answer has a fault.
    pub usage: Usage,
    /// Their price in US dollars, if prices are known.
    pub cost_usd: Option<f64>,
}

impl Flow<'_> {
    /// Goes through the statements of a corpus: a request for each distinct one that is not in the store.
    ///
    /// Statements that differ in case, white space and marks at their ends are one.
    pub fn plan<'s>(&self, statements: impl IntoIterator<Item = &'s str>, store: &Store) -> Plan {
        let (screen, origin) = (Screen::new(self.base), self.origin());
        let mut plan = Plan::default();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut keys: HashSet<String> = HashSet::new();
        for text in statements {
            plan.statements += 1;
            // Most statements are made many times in the same letters.
            if !seen.insert(text) || !keys.insert(statement_key(text)) {
                continue;
            }
            plan.distinct += 1;
            match screen.admit(text) {
                Err(reason) => plan.withheld.entry(reason).or_default().push(text.to_owned()),
                Ok(statement) if store.get(&origin, statement.as_str()).is_some() => plan.stored += 1,
                Ok(statement) => plan.ask.push(statement),
            }
        }
        plan
    }

    /// What the plan will take.
    ///
    /// # Errors
    /// Those of [`Prompt::request`](crate::Prompt::request).
    pub fn estimate(&self, plan: &Plan) -> Result<Estimate> {
        let mut usage = Usage::default();
        for statement in &plan.ask {
            let request = self.prompt.request(statement, &(self.evidence)(statement), &[])?;
            usage += self.model.estimate(&request);
        }
        Ok(Estimate { usage, cost_usd: self.model.prices().map(|prices| prices.cost(usage)) })
    }
}
