//! What a store of descriptions is worth: coverage, faults, diversity, length, cost.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::flow::{Report, report_file};
use crate::model::Usage;
use crate::store::{Origin, Record, Source, Store};
use crate::{Error, Result};

/// Descriptions that are shown.
const EXAMPLES: usize = 12;
/// Rejected answers that are shown of each kind.
const EXAMPLES_OF_FAULT: usize = 3;
/// Words from one bar of the histogram to the next.
const BAR: usize = 10;

/// What the descriptions of one origin are worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// Where they come from.
    pub origin: Origin,
    /// Statements in the store.
    pub statements: usize,
    /// How many the model described, the knowledge base, and nobody.
    pub coverage: Coverage,
    /// Answers of the model, those rejected among them.
    pub answers: u64,
    /// The faults of rejected answers by kind, the most frequent first.
    pub faults: Vec<FaultKind>,
    /// How much descriptions differ.
    pub diversity: Diversity,
    /// How long they are, in words.
    pub length: Length,
    /// The tokens of all answers.
    pub usage: Usage,
    /// What they cost, in US dollars, as far as prices were known.
    pub cost_usd: Option<f64>,
    /// Some descriptions, spread over the statements in their order.
    pub examples: Vec<Example>,
    /// The statements that nobody described.
    pub undescribed: Vec<String>,
    /// The last build, with what was withheld or not answered; none in a store that was merged.
    pub build: Option<Report>,
    /// Lines of the store that were passed over.
    pub damage: Vec<String>,
}

/// Statements by who described them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The model.
    pub model: usize,
    /// The knowledge base, after answers of the model that had faults.
    pub knowledge: usize,
    /// Nobody.
    pub nobody: usize,
}

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultKind {
    /// The kind.
    pub kind: String,
    /// How many answers had it.
    pub count: usize,
    /// A few statements, and the reasons that were given.
    pub examples: Vec<Example>,
}

/// A statement and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The statement.
    pub statement: String,
    /// The description, or the reason of a fault.
    pub text: String,
}

/// How much descriptions differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Diversity {
    /// Different descriptions.
    pub distinct: usize,
    /// Different words.
    pub vocabulary: usize,
    /// Different pairs of neighbouring words, as a share of all pairs (distinct-2, Li et al. 2016).
    pub distinct_2: f64,
}

/// How long descriptions are, in words.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Length {
    /// The shortest.
    pub min: usize,
    /// Half are no longer.
    pub median: usize,
    /// 95 % are no longer.
    pub p95: usize,
    /// The longest.
    pub max: usize,
    /// How many have 0 to 9 words, 10 to 19, and so on.
    pub histogram: Vec<usize>,
}

impl Audit {
    /// Looks at the descriptions of one origin; `origin` is the beginning of its id, where a store has several.
    ///
    /// # Errors
    /// [`Error::Origin`]; [`Error::Read`] for the last build's report.
    pub fn of(store: &Store, origin: Option<&str>) -> Result<Self> {
        let origin = store.origin(origin)?.clone();
        let mut records: Vec<&Record> = store.records().iter().filter(|record| record.origin == origin).collect();
        records.sort_by(|a, b| a.statement.cmp(&b.statement));
        let described: Vec<(&str, &str)> = records
            .iter()
            .filter_map(|record| Some((record.statement.as_str(), record.description.as_deref()?)))
            .collect();
        let texts: Vec<&str> = described.iter().map(|(_, text)| *text).collect();
        let mut usage = Usage::default();
        records.iter().for_each(|record| usage += record.usage);
        let costs: Vec<f64> = records.iter().filter_map(|record| record.cost_usd).collect();
        let undescribed = records.iter().filter(|record| record.description.is_none());
        Ok(Self {
            statements: records.len(),
            coverage: Coverage::of(&records),
            answers: records.iter().map(|record| u64::from(record.asked)).sum(),
            faults: faults(&records),
            diversity: Diversity::of(&texts),
            length: Length::of(&texts),
            usage,
            cost_usd: (!costs.is_empty()).then(|| costs.iter().sum()),
            examples: described.iter().step_by(described.len().div_ceil(EXAMPLES).max(1)).map(example).collect(),
            undescribed: undescribed.map(|record| record.statement.clone()).collect(),
            build: build(store, &origin)?,
            damage: store.damage().iter().map(ToString::to_string).collect(),
            origin,
        })
    }

    /// The audit as a page.
    ///
    /// # Errors
    /// [`Error::Page`] if it cannot be drawn.
    pub fn to_html(&self) -> Result<String> {
        const NAME: &str = "audit.html";
        let mut environment = Environment::new();
        environment.add_template(NAME, include_str!("audit.html"))?;
        Ok(environment.get_template(NAME)?.render(Serde(self))?)
    }
}

impl From<minijinja::Error> for Error {
    fn from(source: minijinja::Error) -> Self {
        Self::Page { source: Box::new(source) }
    }
}

impl Coverage {
    fn of(records: &[&Record]) -> Self {
        let count = |source| records.iter().filter(|record| record.source == source).count();
        Self { model: count(Source::Model), knowledge: count(Source::Knowledge), nobody: count(Source::Nobody) }
    }
}

impl Diversity {
    fn of(texts: &[&str]) -> Self {
        let (mut words, mut pairs, mut all) = (BTreeSet::new(), HashSet::new(), 0_usize);
        for text in texts {
            let text: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
            all += text.len().saturating_sub(1);
            pairs.extend(text.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())));
            words.extend(text);
        }
        Self {
            distinct: texts.iter().collect::<HashSet<_>>().len(),
            vocabulary: words.len(),
            distinct_2: if all == 0 { 0.0 } else { pairs.len() as f64 / all as f64 },
        }
    }
}

impl Length {
    fn of(texts: &[&str]) -> Self {
        let mut lengths: Vec<usize> = texts.iter().map(|text| text.split_whitespace().count()).collect();
        lengths.sort_unstable();
        // The smallest length that so large a share of the descriptions does not exceed.
        let at = |percent: usize| lengths.get((lengths.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        let mut histogram = vec![0; lengths.last().map_or(0, |last| last / BAR + 1)];
        lengths.iter().for_each(|length| histogram[length / BAR] += 1);
        Self {
            min: lengths.first().copied().unwrap_or(0),
            median: at(50).unwrap_or(0),
            p95: at(95).unwrap_or(0),
            max: lengths.last().copied().unwrap_or(0),
            histogram,
        }
    }
}

fn example((statement, text): &(&str, &str)) -> Example {
    Example { statement: (*statement).to_owned(), text: (*text).to_owned() }
}

fn faults(records: &[&Record]) -> Vec<FaultKind> {
    let mut kinds: BTreeMap<&str, FaultKind> = BTreeMap::new();
    for record in records {
        for fault in &record.faults {
            let new = || FaultKind { kind: fault.kind.clone(), count: 0, examples: Vec::new() };
            let kind = kinds.entry(&fault.kind).or_insert_with(new);
            kind.count += 1;
            if kind.examples.len() < EXAMPLES_OF_FAULT {
                kind.examples.push(example(&(&record.statement, &fault.reason)));
            }
        }
    }
    let mut kinds: Vec<FaultKind> = kinds.into_values().collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}

/// The report of the last build; one of another version is as good as none.
fn build(store: &Store, origin: &Origin) -> Result<Option<Report>> {
    let path = store.folder().join(report_file(origin));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path, source }),
    }
}
