//! The same metrics for parts of the records.

use einthoven_corpus::Entry;
use einthoven_signal::Sex;
use serde::{Deserialize, Serialize};

use super::classification::{Question, Scores};
use super::task::Subgroup;
use crate::bootstrap::Estimates;
use crate::error::Result;

/// Of fewer records nothing is judged: their metrics would say little and look like any other's.
pub(crate) const FEWEST: usize = 10;
/// The part of the records of which it is not known what they are divided by.
const NOT_KNOWN: &str = "not known";

/// A part of the records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubgroupMetrics {
    /// What records are divided by.
    pub by: Subgroup,
    /// The part, such as `female`; `not known` where the dataset does not say.
    pub part: String,
    /// Its records.
    pub records: usize,
    /// The classes that can be judged in it.
    pub classes: usize,
    /// Means over these classes; `None` where it cannot be judged, for [lack of records](Self::unjudged).
    pub metrics: Option<Estimates>,
}

impl SubgroupMetrics {
    /// Why the part cannot be judged; `None` if it can.
    pub fn unjudged(&self) -> Option<String> {
        match (self.metrics, self.records < FEWEST) {
            (Some(_), _) => None,
            (None, true) => Some(format!("fewer than {FEWEST} records")),
            (None, false) => Some("no class has both positives and negatives".to_owned()),
        }
    }
}

/// Judges each part by itself: those that are known beforehand, those that occur, and that of which nothing is known.
pub(super) fn judge(scores: &Scores, question: &Question) -> Result<Vec<SubgroupMetrics>> {
    let mut judged = Vec::new();
    for &by in question.subgroups {
        let of_record: Vec<Option<&str>> = question.entries.iter().map(|entry| by.part(entry)).collect();
        for part in parts(by, &of_record) {
            let members: Vec<usize> = (0..of_record.len()).filter(|&record| of_record[record] == part).collect();
            let found = if members.len() < FEWEST { None } else { Some(scores.judge(&members, question)?) };
            judged.push(SubgroupMetrics {
                by,
                part: part.unwrap_or(NOT_KNOWN).to_owned(),
                records: members.len(),
                classes: found.as_ref().map_or(0, |found| found.classes.len()),
                metrics: found.filter(|found| !found.classes.is_empty()).map(|found| found.r#macro),
            });
        }
    }
    Ok(judged)
}

/// The parts, in the order of the tables.
fn parts<'a>(by: Subgroup, of_record: &[Option<&'a str>]) -> Vec<Option<&'a str>> {
    let mut parts: Vec<Option<&str>> = by.known_parts().iter().copied().map(Some).collect();
    let mut others: Vec<Option<&str>> = of_record.iter().copied().filter(|part| !parts.contains(part)).collect();
    // What is not known comes last.
    others.sort_by_key(|part| (part.is_none(), *part));
    others.dedup();
    parts.extend(others);
    parts
}

impl Subgroup {
    /// The parts that every dataset is divided into.
    fn known_parts(self) -> &'static [&'static str] {
        match self {
            Self::Sex => &["female", "male"],
            Self::Age => &["below 40", "40 to 59", "60 to 74", "75 and above"],
            Self::Device => &[],
        }
    }

    /// The part that a record belongs to; `None` where that is not known.
    fn part(self, entry: &Entry) -> Option<&str> {
        let place = match self {
            Self::Sex => match entry.sex? {
                Sex::Female => 0,
                Sex::Male => 1,
            },
            Self::Age => match entry.age? {
                0..40 => 0,
                40..60 => 1,
                60..75 => 2,
                _ => 3,
            },
            Self::Device => return entry.device.as_deref(),
        };
        self.known_parts().get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use einthoven_corpus::Location;
    use einthoven_random::Streams;

    use super::*;
    use crate::bootstrap::BootstrapConfig;
    use crate::protocol::{RecordScores, Scale};

    #[test]
    fn parts_are_those_of_every_table_those_that_occur_and_what_is_not_known() {
        let found = parts(Subgroup::Device, &[Some("CS-12"), None, Some("AT-6 C"), Some("CS-12"), None]);
        assert_eq!(found, [Some("AT-6 C"), Some("CS-12"), None]);
        assert_eq!(parts(Subgroup::Sex, &[Some("male"), Some("male")]), [Some("female"), Some("male")]);
        assert_eq!(parts(Subgroup::Sex, &[None]), [Some("female"), Some("male"), None]);
        assert!(parts(Subgroup::Device, &[]).is_empty());
    }

    #[test]
    fn a_part_that_cannot_be_judged_says_why() {
        let devices = [("A", 30), ("B", 12), ("C", FEWEST - 1)];
        let of_record = || devices.iter().flat_map(|&(device, count)| (0..count).map(move |record| (device, record)));
        let entries: Vec<Entry> = of_record().map(|(device, record)| entry(device, record)).collect();
        let entries: Vec<&Entry> = entries.iter().collect();
        // All of B's records have the class, so that there is nothing to tell it from.
        let score = |(device, record): (&str, usize)| RecordScores {
            id: format!("{device}{record}"),
            labels: if device == "B" || record % 3 == 0 { vec!["X".to_owned()] } else { Vec::new() },
            scores: vec![vec![(record as f32 * 0.7).sin()]],
        };
        let scores = Scores {
            classes: vec!["X".to_owned()],
            runs: 1,
            scale: Scale::Cosine,
            records: of_record().map(score).collect(),
        };
        let question = Question {
            unlabelled: 0,
            bins: 0,
            subgroups: &[Subgroup::Device],
            entries: &entries,
            bootstrap: &BootstrapConfig { resamples: 20, level: 0.95 },
            streams: &Streams::new(0),
        };
        let found = judge(&scores, &question).unwrap();
        let told: Vec<_> = found.iter().map(|part| (part.part.as_str(), part.records, part.unjudged())).collect();
        let few = format!("fewer than {FEWEST} records");
        let reasons = [None, Some("no class has both positives and negatives".to_owned()), Some(few)];
        assert_eq!(told, [("A", 30, reasons[0].clone()), ("B", 12, reasons[1].clone()), ("C", 9, reasons[2].clone())]);
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Vec<SubgroupMetrics>>(&json).unwrap(), found);
    }

    fn entry(device: &str, record: usize) -> Entry {
        Entry {
            id: record.to_string(),
            patient: record.to_string(),
            location: Location::Simulated { index: record as u64 },
            codes: Vec::new(),
            statements: Vec::new(),
            report: None,
            age: None,
            sex: None,
            device: Some(device.to_owned()),
            fold: None,
        }
    }
}
