//! What is in a dataset: labels, ages, sexes, lengths, rates.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use crate::check::shape;
use crate::{Dataset, Leftovers, Result};

/// Statements that are listed, the most frequent first.
const STATEMENTS: usize = 20;

/// The distributions of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// The dataset.
    pub dataset: String,
    /// Number of records.
    pub records: usize,
    /// Number of patients.
    pub patients: usize,
    /// Number of records of each class, by label set.
    pub label_sets: BTreeMap<String, Vec<Count>>,
    /// The most frequent statements.
    pub statements: Vec<Count>,
    /// Records by age, in decades.
    pub ages: Vec<Count>,
    /// Records by sex.
    pub sexes: Vec<Count>,
    /// Records by length, in seconds.
    pub seconds: Vec<Count>,
    /// Records by sampling rate, in Hz.
    pub sampling_rates: Vec<Count>,
    /// Records by fold.
    pub folds: Vec<Count>,
    /// The records whose length and rate could not be read.
    pub unreadable: Leftovers,
}

/// How many records a value has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value.
    pub value: String,
    /// Its records.
    pub records: usize,
}

impl Dataset {
    /// Counts what is in the dataset. Lengths and rates are read from headers where these say them.
    ///
    /// # Errors
    /// None of its own: what cannot be read is in [`Stats::unreadable`].
    pub fn stats(&self) -> Result<Stats> {
        let mut label_sets = BTreeMap::new();
        for name in self.label_sets() {
            let set = self.label_set(name)?;
            let counts = set.classes.iter().zip(set.counts()).filter(|(_, records)| *records > 0);
            let counts = counts.map(|(value, records)| Count { value: value.clone(), records }).collect();
            label_sets.insert(name.to_owned(), by_frequency(counts));
        }
        let shapes: Vec<_> = (0..self.len()).into_par_iter().map(|index| shape(self, index)).collect();
        let mut unreadable = Leftovers::default();
        for (entry, shape) in self.entries.iter().zip(&shapes) {
            if let Err(error) = shape {
                unreadable.push(&entry.id, error.to_string());
            }
        }
        let readable = || shapes.iter().filter_map(|shape| shape.as_ref().ok());
        // Hundredths of a second are enough to tell lengths apart.
        let hundredths = |(rate, samples): &(f64, u64)| (*samples as f64 / rate * 100.0).round() as u64;
        let statements = count(self.entries.iter().flat_map(|entry| &entry.statements), ToString::to_string);
        let ages = self.entries.iter().map(|entry| entry.age.map_or(u8::MAX, |age| age.min(90) / 10 * 10));
        Ok(Stats {
            dataset: self.name.clone(),
            records: self.len(),
            patients: self.entries.iter().map(|entry| &entry.patient).collect::<BTreeSet<_>>().len(),
            label_sets,
            statements: by_frequency(statements).into_iter().take(STATEMENTS).collect(),
            ages: count(ages, |&decade| match decade {
                u8::MAX => "unknown".to_owned(),
                90 => "90+".to_owned(),
                _ => format!("{decade}-{}", decade + 9),
            }),
            sexes: count(
                self.entries.iter().map(|entry| entry.sex.map_or("unknown".to_owned(), |sex| sex.to_string())),
                Clone::clone,
            ),
            seconds: count(readable().map(hundredths), |&hundredths| format!("{}", hundredths as f64 / 100.0)),
            sampling_rates: count(readable().map(|(rate, _)| rate.to_bits()), |&bits| f64::from_bits(bits).to_string()),
            folds: count(self.entries.iter().map(|entry| entry.fold), |fold| {
                fold.map_or("none".to_owned(), |fold| fold.to_string())
            }),
            unreadable,
        })
    }
}

/// How often each value comes, in the order of the values.
pub(crate) fn count<T: Ord>(values: impl Iterator<Item = T>, show: impl Fn(&T) -> String) -> Vec<Count> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts.iter().map(|(value, &records)| Count { value: show(value), records }).collect()
}

pub(crate) fn by_frequency(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_by_key(|count| std::cmp::Reverse(count.records));
    counts
}
