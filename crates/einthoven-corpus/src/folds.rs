//! Folds of one's own: patients dealt out so that labels are spread evenly, files of folds, and the audit for leakage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use einthoven_random::Streams;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::csv_table::Table;
use crate::{Dataset, Error, Result};

/// Deals the patients of a dataset out to `folds` folds and returns the fold of each record, from 1.
///
/// All records of a patient are in one fold. With a label set, each class is spread evenly: as in iterative stratification
/// (Sechidis et al., 2011, doi 10.1007/978-3-642-23808-6_10) the rarest class is dealt out first, here by patients, each to the fold
/// that brings all classes nearest to their shares. The result is a pure function of the records, label set, number of folds and
/// seed.
///
/// # Errors
/// [`Error::Setting`] for fewer than 2 folds; [`Error::UnknownLabelSet`].
pub fn stratified_folds(dataset: &Dataset, labels: Option<&str>, folds: u8, seed: u64) -> Result<Vec<u8>> {
    if folds < 2 {
        return Err(Error::Setting { key: "folds", value: folds.to_string(), expected: "2 to 255" });
    }
    let targets = labels.map(|name| dataset.label_set(name)).transpose()?.map(|set| set.targets);
    let mut by_patient: BTreeMap<&str, Patient> = BTreeMap::new();
    for (index, entry) in dataset.entries.iter().enumerate() {
        let patient = by_patient.entry(&entry.patient).or_default();
        patient.records.push(index);
        let classes = targets.as_ref().map_or(&[][..], |targets| &targets[index]);
        for (class, _) in classes.iter().enumerate().filter(|(_, member)| **member) {
            *patient.classes.entry(class).or_default() += 1;
        }
    }
    let mut patients: Vec<Patient> = by_patient.into_values().collect();
    patients.shuffle(&mut Streams::new(seed).stream("folds", &[]));
    // Those with many records first, while there is room for them everywhere.
    patients.sort_by_key(|patient| std::cmp::Reverse(patient.records.len()));
    let mut result = vec![0; dataset.len()];
    for (patient, fold) in patients.iter().zip(Stratification::new(&patients, usize::from(folds)).run()) {
        patient.records.iter().for_each(|&index| result[index] = fold as u8 + 1);
    }
    Ok(result)
}

/// A patient's records, and how many of them are in each class.
#[derive(Default)]
struct Patient {
    records: Vec<usize>,
    classes: BTreeMap<usize, usize>,
}

/// The dealing out in its course.
struct Stratification<'a> {
    patients: &'a [Patient],
    fold_of: Vec<Option<usize>>,
    /// How many records each class still wants in each fold, as a part of its share, `[class][fold]`.
    wanted: BTreeMap<usize, Vec<f64>>,
    /// Likewise of all records, `[fold]`.
    room: Vec<f64>,
    /// A fold's share of each class, and of all records.
    shares: BTreeMap<usize, f64>,
    share: f64,
    /// Records of each class that are not dealt out.
    left: BTreeMap<usize, usize>,
}

impl<'a> Stratification<'a> {
    fn new(patients: &'a [Patient], folds: usize) -> Self {
        let mut left: BTreeMap<usize, usize> = BTreeMap::new();
        for (&class, &count) in patients.iter().flat_map(|patient| &patient.classes) {
            *left.entry(class).or_default() += count;
        }
        let records: usize = patients.iter().map(|patient| patient.records.len()).sum();
        Self {
            patients,
            fold_of: vec![None; patients.len()],
            wanted: left.keys().map(|&class| (class, vec![1.0; folds])).collect(),
            room: vec![1.0; folds],
            shares: left.iter().map(|(&class, &count)| (class, count as f64 / folds as f64)).collect(),
            share: records as f64 / folds as f64,
            left,
        }
    }

    /// The fold of each patient, from 0.
    fn run(mut self) -> Vec<usize> {
        // The rarest class first: it is the hardest to spread.
        while let Some((&class, _)) = self.left.iter().filter(|(_, count)| **count > 0).min_by_key(|(_, count)| **count)
        {
            for index in 0..self.patients.len() {
                if self.fold_of[index].is_none() && self.patients[index].classes.contains_key(&class) {
                    self.put(index);
                }
            }
        }
        for index in 0..self.patients.len() {
            if self.fold_of[index].is_none() {
                self.put(index);
            }
        }
        self.fold_of.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// How much a fold wants a patient: by this the squared deviations, each over its share, fall.
    fn want(&self, patient: &Patient, fold: usize) -> f64 {
        let classes = patient.classes.iter().map(|(class, &count)| count as f64 * self.wanted[class][fold]);
        classes.sum::<f64>() + patient.records.len() as f64 * self.room[fold]
    }

    /// Puts a patient into the first fold that wants it most.
    fn put(&mut self, index: usize) {
        let patient = &self.patients[index];
        let want: Vec<f64> = (0..self.room.len()).map(|fold| self.want(patient, fold)).collect();
        let fold = (1..want.len()).fold(0, |best, fold| if want[fold] > want[best] { fold } else { best });
        self.fold_of[index] = Some(fold);
        self.room[fold] -= patient.records.len() as f64 / self.share;
        for (class, &count) in &patient.classes {
            if let (Some(wanted), Some(left)) = (self.wanted.get_mut(class), self.left.get_mut(class)) {
                wanted[fold] -= count as f64 / self.shares[class];
                *left -= count;
            }
        }
    }
}

/// Which part each record belongs to, as a file says: a CSV table with the columns `id` and `fold` or `split`.
///
/// # Errors
/// Those of a table that is not so; [`Error::Duplicate`] for an id that appears twice.
pub fn read_parts(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut table = Table::open(path.to_owned())?;
    let id = table.column("id")?;
    let part = table.find("fold").map_or_else(|| table.column("split"), Ok)?;
    let mut parts = BTreeMap::new();
    while let Some(row) = table.next() {
        let row = row?;
        let (key, line) = (row.required(id)?.to_owned(), row.line);
        if parts.insert(key.clone(), row.required(part)?.to_owned()).is_some() {
            return Err(Error::Duplicate { path: path.to_owned(), line, key: format!("record {key}") });
        }
    }
    Ok(parts)
}

/// Gives the records of a dataset the folds of a file; those that are not in it have none.
pub(crate) fn apply(dataset: &mut Dataset, path: &Path) -> Result<()> {
    let parts = read_parts(path)?;
    let mut found = false;
    for entry in &mut dataset.entries {
        entry.fold = match parts.get(&entry.id) {
            None => None,
            Some(text) => {
                found = true;
                let fold = text.parse().ok().filter(|&fold: &u8| fold > 0);
                Some(fold.ok_or_else(|| Error::Fold {
                    path: path.to_owned(),
                    id: entry.id.clone(),
                    text: text.clone(),
                })?)
            }
        };
    }
    if found { Ok(()) } else { Err(Error::OtherRecords { path: path.to_owned(), dataset: dataset.name.clone() }) }
}

/// What an [`audit`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Records in each part.
    pub parts: BTreeMap<String, usize>,
    /// The patients with records in several parts: what is learnt of them in one helps in the other.
    pub leaks: Vec<Leak>,
    /// The dataset's records that are in no part.
    pub unassigned: usize,
    /// Ids that the dataset does not have.
    pub unknown: Vec<String>,
}

/// A patient with records in several parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// The patient.
    pub patient: String,
    /// The patient's records in each part.
    pub records: BTreeMap<String, Vec<String>>,
}

/// Looks for patients in more than one part. `parts` says the part of each record by its id, as of [`read_parts`].
pub fn audit(dataset: &Dataset, parts: &BTreeMap<String, String>) -> Audit {
    let mut audit = Audit::default();
    let mut patients: BTreeMap<&str, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for entry in &dataset.entries {
        let Some(part) = parts.get(&entry.id) else {
            audit.unassigned += 1;
            continue;
        };
        *audit.parts.entry(part.clone()).or_default() += 1;
        patients.entry(&entry.patient).or_default().entry(part.clone()).or_default().push(entry.id.clone());
    }
    let leaks = patients.into_iter().filter(|(_, records)| records.len() > 1);
    audit.leaks = leaks.map(|(patient, records)| Leak { patient: patient.to_owned(), records }).collect();
    let known: BTreeSet<&String> = dataset.entries.iter().map(|entry| &entry.id).collect();
    audit.unknown = parts.keys().filter(|id| !known.contains(id)).cloned().collect();
    audit
}
