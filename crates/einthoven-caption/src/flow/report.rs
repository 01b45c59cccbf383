//! How a build came out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::model::Traffic;
use crate::store::{Origin, Record, Source};
use crate::{Error, Withheld};

/// How a build came out, or how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Where the descriptions come from.
    pub origin: Origin,
    /// Statements, each counted as often as it is made.
    pub statements: usize,
    /// Distinct statements.
    pub distinct: usize,
    /// Distinct statements whose description was stored before.
    pub stored: usize,
    /// Distinct statements that no model was asked about, by reason.
    pub withheld: BTreeMap<String, usize>,
    /// Distinct statements to ask about.
    pub to_ask: usize,
    /// Those described by the model.
    pub by_model: usize,
    /// Those described by the knowledge base, because the model's answers had faults.
    pub by_knowledge: usize,
    /// Those described by nobody.
    pub by_nobody: usize,
    /// Those whose request was not answered; a later build asks again.
    pub unanswered: usize,
    /// The faults of rejected answers, by kind.
    pub faults: BTreeMap<String, usize>,
    /// What went between client and server.
    pub traffic: Traffic,
}

/// The file of the last report of an origin.
pub(crate) fn report_file(origin: &Origin) -> String {
    format!("build-{}.json", origin.id())
}

/// A build that is over.
#[derive(Debug)]
pub struct Ended {
    /// How it came out.
    pub report: Report,
    /// Why it ended before all was asked; none if it did not. What was answered until then is stored.
    pub early: Option<Error>,
}

impl Report {
    pub(super) fn new(origin: Origin, plan: &Plan) -> Self {
        let count = |(reason, statements): (&Withheld, &Vec<String>)| (reason.to_string(), statements.len());
        Self {
            origin,
            statements: plan.statements,
            distinct: plan.distinct,
            stored: plan.stored,
            withheld: plan.withheld.iter().map(count).collect(),
            to_ask: plan.ask.len(),
            by_model: 0,
            by_knowledge: 0,
            by_nobody: 0,
            unanswered: 0,
            faults: BTreeMap::new(),
            traffic: Traffic::default(),
        }
    }

    pub(super) fn count(&mut self, record: &Record) {
        match record.source {
            Source::Model => self.by_model += 1,
            Source::Knowledge => self.by_knowledge += 1,
            Source::Nobody => self.by_nobody += 1,
        }
        for fault in &record.faults {
            *self.faults.entry(fault.kind.clone()).or_default() += 1;
        }
    }

    /// What its file in a store is called.
    pub fn file_name(&self) -> String {
        report_file(&self.origin)
    }

    /// How many of the statements to ask about are done.
    pub fn done(&self) -> usize {
        self.by_model + self.by_knowledge + self.by_nobody + self.unanswered
    }
}
