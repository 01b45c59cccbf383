//! Whether a local copy of a dataset is whole and can be read.

use std::collections::BTreeSet;
use std::path::Path;

use einthoven_signal::{Lead, Note, Record};
use rayon::prelude::*;
use serde::Serialize;

use crate::card::sha256;
use crate::{Dataset, Error, Layout, Location, Result};

/// PhysioNet's list of checksums, in the root of a dataset.
const CHECKSUMS: &str = "SHA256SUMS.txt";

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Records that could be read.
    pub readable: usize,
    /// What is missing or broken.
    pub problems: Vec<Finding>,
    /// What is odd, and no reason not to use the copy.
    pub warnings: Vec<Finding>,
}

/// Something about a record or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The record's id, or the file.
    pub about: String,
    /// What is wrong with it.
    pub what: String,
}

impl Finding {
    fn new(about: impl Into<String>, what: impl Into<String>) -> Self {
        Self { about: about.into(), what: what.into() }
    }
}

/// How a copy is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// The copy holds a part of the dataset on purpose: records and files that the publisher lists and the copy does not are no
    /// problem, and its tables may be others than the published ones.
    pub part: bool,
}

impl Dataset {
    /// Checks a copy of the dataset in the folder `root`: its files against known checksums, every record against what the
    /// card says of leads, rates and lengths. `done` is called after each record.
    pub fn check(&self, root: Option<&Path>, options: CheckOptions, done: &(impl Fn() + Sync)) -> CheckReport {
        let mut report = CheckReport::default();
        for left in &self.missing.records {
            report.problems.push(Finding::new(&left.id, &left.reason));
        }
        self.check_size(options, &mut report);
        if let Some(root) = root.filter(|_| self.card.layout != Layout::Simulated) {
            self.check_files(root, options, &mut report);
        }
        let checked: Vec<_> = (0..self.len())
            .into_par_iter()
            .map(|index| {
                let checked = self.check_record(index);
                done();
                checked
            })
            .collect();
        for (entry, (problems, warnings, readable)) in self.entries.iter().zip(checked) {
            report.readable += usize::from(readable);
            report.problems.extend(problems.into_iter().map(|what| Finding::new(&entry.id, what)));
            report.warnings.extend(warnings.into_iter().map(|what| Finding::new(&entry.id, what)));
        }
        for (code, count) in &self.unknown_codes {
            report
                .warnings
                .push(Finding::new(format!("code {code}"), format!("is not known: {count} records carry it")));
        }
        report
    }

    fn check_size(&self, options: CheckOptions, report: &mut CheckReport) {
        let Some(size) = self.card.size else { return };
        let listed = self.len() + self.missing.count();
        if listed != size.records {
            let what = format!("{listed} records are listed, version {} has {}", self.card.version, size.records);
            report.note(options.part && listed < size.records, Finding::new(&self.name, what));
        }
    }

    fn check_files(&self, root: &Path, options: CheckOptions, report: &mut CheckReport) {
        let mut expected: Vec<(String, String)> =
            self.card.files.iter().map(|file| (file.path.display().to_string(), file.sha256.clone())).collect();
        let from_card = expected.len();
        match std::fs::read_to_string(root.join(CHECKSUMS)) {
            Ok(list) => expected.extend(list.lines().filter_map(checksum_line)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => report.problems.push(Finding::new(CHECKSUMS, error.to_string())),
        }
        let found: Vec<_> = expected.par_iter().map(|(file, _)| sha256(&root.join(file))).collect();
        let mut seen = BTreeSet::new();
        for (index, ((file, digest), found)) in expected.iter().zip(found).enumerate() {
            if !seen.insert(file) {
                continue;
            }
            match found {
                Ok(found) if found == *digest => {}
                Ok(found) => {
                    let what = format!("is not the published file: its SHA-256 is {found}, expected {digest}");
                    // A part of a dataset has tables of its own.
                    report.note(options.part && index < from_card, Finding::new(file, what));
                }
                Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    if !options.part {
                        report.problems.push(Finding::new(file, "is missing"));
                    }
                }
                Err(error) => report.problems.push(Finding::new(file, with_source(&error))),
            }
        }
    }

    /// Problems, warnings, and whether the record can be read.
    fn check_record(&self, index: usize) -> (Vec<String>, Vec<String>, bool) {
        let record = match self.record(index) {
            Ok(record) => record,
            Err(error) => return (vec![with_source(&error)], Vec::new(), false),
        };
        let mut warnings: Vec<String> = record.notes().iter().map(Note::to_string).collect();
        for (lead, missing) in missing_samples(&record) {
            warnings.push(format!("lead {lead} lacks {missing} of {} samples", record.len()));
        }
        (self.departures(&record), warnings, true)
    }

    /// Where a record is not as the card says.
    fn departures(&self, record: &Record) -> Vec<String> {
        let signals = &self.card.signals;
        let mut problems = Vec::new();
        let absent: Vec<&str> =
            signals.leads.iter().filter(|lead| record.lead(lead).is_none()).map(Lead::name).collect();
        if !absent.is_empty() {
            problems.push(format!("lacks the leads {}", absent.join(", ")));
        }
        for (lead, missing) in missing_samples(record) {
            if missing == record.len() {
                problems.push(format!("lead {lead} has no sample"));
            }
        }
        let rate = record.sampling_rate();
        if !signals.sampling_rates.is_empty() && signals.sampling_rates.iter().all(|&known| f64::from(known) != rate) {
            problems.push(format!("its sampling rate is {rate} Hz"));
        }
        // A sample more or less is how recorders round.
        if let Some(seconds) = signals.seconds.filter(|seconds| (record.duration() - seconds).abs() > 1.5 / rate) {
            problems.push(format!("it lasts {} s instead of {seconds} s", record.duration()));
        }
        problems
    }
}

impl CheckReport {
    /// Whether nothing is missing or broken.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    fn note(&mut self, harmless: bool, finding: Finding) {
        if harmless { self.warnings.push(finding) } else { self.problems.push(finding) }
    }
}

/// The leads that lack samples, with how many.
fn missing_samples(record: &Record) -> impl Iterator<Item = (&Lead, usize)> {
    let count = |index| record.row(index).iter().filter(|sample| sample.is_nan()).count();
    record.leads().iter().enumerate().map(move |(index, lead)| (lead, count(index))).filter(|(_, count)| *count > 0)
}

/// `digest  file` or `digest *file`, as sha256sum writes it.
pub(crate) fn checksum_line(line: &str) -> Option<(String, String)> {
    let (digest, file) = line.split_once(' ')?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let file = file.trim_start_matches([' ', '*']).trim_start_matches("./").trim_end();
    (is_digest && !file.is_empty()).then(|| (file.to_owned(), digest.to_ascii_lowercase()))
}

/// An error with its causes, in one line.
fn with_source(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What a record is made of, without its samples where the header says it.
pub(crate) fn shape(dataset: &Dataset, index: usize) -> Result<(f64, u64)> {
    if let Some(Location::File(path)) = dataset.entries.get(index).map(|entry| &entry.location)
        && path.extension().is_some_and(|extension| extension == "hea")
        && let Ok(header) = einthoven_signal::format::wfdb::Header::read(path)
        && let Some(samples) = header.samples
    {
        return Ok((header.sampling_rate, samples));
    }
    let record = dataset.record(index)?;
    Ok((record.sampling_rate(), record.len() as u64))
}
