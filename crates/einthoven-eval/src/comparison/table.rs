//! The numbers of one task, a line for each subject and scope.

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::lines;
use super::significance::{self, Test};
use crate::bootstrap::Estimate;
use crate::error::Result;
use crate::protocol::{Outcome, SubjectResult, TaskResult};

/// A difference below this is called one.
const SIGNIFICANT: f64 = 0.05;

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The headline.
    pub title: String,
    /// What was asked.
    pub task: String,
    /// The label set, if there is one.
    pub labels: Option<String>,
    /// How recordings were changed, if they were.
    pub variation: Option<String>,
    /// What it is of; `None` where no subject could be asked.
    pub kind: Option<Kind>,
    /// What the columns are.
    pub metrics: Vec<String>,
    /// The numbers.
    pub lines: Vec<Line>,
    /// Subjects that could not be asked, with the reason.
    pub not_applicable: Vec<(String, String)>,
    /// Every pair of subjects: means first, then classes.
    pub tests: Vec<Test>,
}

/// The numbers of a subject in one scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The subject.
    pub subject: String,
    /// What the numbers are of.
    pub scope: Scope,
    /// Records scored, or positives of a class.
    pub count: usize,
    /// A cell for each metric; `None` where it does not exist.
    pub cells: Vec<Option<Cell>>,
    /// Why there is no number; `None` if there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What numbers are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All records; of classes the mean.
    All,
    /// One class.
    Class(String),
    /// The mean over classes in a part of the records.
    Part(String),
}

/// A number and its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The number.
    pub value: f64,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end of its interval.
    pub high: Option<f64>,
}

/// How a subject stands in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Best,
    /// Not told from the best.
    Level,
    /// Below the best after correction.
    Below,
}

/// The tables of subjects under one protocol.
pub(super) fn tables(results: &[SubjectResult]) -> Result<Vec<Table>> {
    let Some(first) = results.first() else { return Ok(Vec::new()) };
    (0..first.tasks.len()).map(|place| table(&first.tasks[place], results, place)).collect()
}

fn table(head: &TaskResult, results: &[SubjectResult], place: usize) -> Result<Table> {
    let mut table = Table {
        title: head.title(),
        task: head.task.clone(),
        labels: head.labels.clone(),
        variation: head.variation.clone(),
        kind: Kind::of(results, place),
        metrics: Vec::new(),
        lines: Vec::new(),
        not_applicable: Vec::new(),
        tests: Vec::new(),
    };
    let mut scored = Vec::new();
    for result in results {
        let subject = &result.subject.name;
        match result.tasks.get(place).map(|task| &task.outcome) {
            Some(Outcome::NotApplicable { reason }) => table.not_applicable.push((subject.clone(), reason.clone())),
            Some(Outcome::Classification(classification)) => {
                table.fill(lines::classified(subject, classification));
                scored.push((subject.as_str(), &classification.scores));
            }
            Some(Outcome::Retrieval(retrieval)) => {
                table.fill(lines::retrieved(subject, retrieval, result.protocol.bootstrap.level));
            }
            Some(Outcome::Captioning(captioning)) => table.fill(lines::captioned(subject, captioning)),
            Some(Outcome::Identification(found)) => table.fill(lines::identified(subject, found)),
            // It is in the pictures.
            Some(Outcome::Map(_) | Outcome::Cases(_)) | None => {}
        }
    }
    for (index, first) in scored.iter().enumerate() {
        for second in &scored[index + 1..] {
            table.tests.extend(significance::pair(*first, *second)?);
        }
    }
    table.tests.sort_by_key(|test| test.class.is_some());
    significance::correct(&mut table.tests);
    Ok(table)
}

impl Table {
    /// Takes columns and lines of a subject; the columns of one task are those of every subject.
    fn fill(&mut self, (metrics, lines): (Vec<String>, Vec<Line>)) {
        self.metrics = metrics;
        self.lines.extend(lines);
    }

    /// The line of a subject in a scope.
    pub fn line(&self, subject: &str, scope: &Scope) -> Option<&Line> {
        self.lines.iter().find(|line| line.subject == subject && line.scope == *scope)
    }

    /// Whether more than one subject has numbers.
    fn is_contest(&self) -> bool {
        self.lines.iter().filter(|line| line.scope == Scope::All).count() > 1
    }

    /// How a subject stands by the first metric over all records; `None` if it has no number.
    pub(super) fn standing(&self, subject: &str) -> Option<Standing> {
        let first = |line: &Line| line.cells.first().copied().flatten().map(|cell| cell.value);
        let value = first(self.line(subject, &Scope::All)?)?;
        let all = self.lines.iter().filter(|line| line.scope == Scope::All);
        let (best, greatest) = all
            .filter_map(|line| Some((line.subject.as_str(), first(line)?)))
            .fold((subject, value), |best, other| if other.1 > best.1 { other } else { best });
        if value == greatest {
            return Some(if self.is_contest() { Standing::Best } else { Standing::Level });
        }
        let of_pair = |test: &&Test| {
            test.class.is_none() && [&test.first, &test.second].iter().all(|name| *name == subject || *name == best)
        };
        let test = self.tests.iter().find(of_pair);
        let p = test.and_then(|test| test.p_holm);
        Some(if p.is_some_and(|p| p < SIGNIFICANT) { Standing::Below } else { Standing::Level })
    }
}

impl Cell {
    pub(super) fn of(estimate: &Estimate) -> Option<Self> {
        let interval = estimate.interval;
        Some(Self { value: estimate.value?, low: interval.map(|i| i.low), high: interval.map(|i| i.high) })
    }

    /// A share of `count`, with Wilson's score interval (J. Am. Stat. Assoc. 1927).
    pub(super) fn share(value: f64, count: usize, level: f64) -> Self {
        let (n, z) = (count as f64, normal_quantile(0.5 + level / 2.0));
        let centre = (value + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
        Self { value, low: Some((centre - half).max(0.0)), high: Some((centre + half).min(1.0)) }
    }
}

/// The value that a standard normal variable is below with probability `p`, from 0.5 to 1, found by bisection.
fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2) < p { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_wilsons_interval() {
        // The formula, computed apart from this program.
        let cell = Cell::share(0.3, 60, 0.95);
        assert!((cell.low.unwrap() - 0.198_981_661_387_691_08).abs() < 1e-12, "{cell:?}");
        assert!((cell.high.unwrap() - 0.425_087_079_469_144_87).abs() < 1e-12, "{cell:?}");
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert_eq!(Cell::share(0.0, 60, 0.95).low, Some(0.0));
    }
}
