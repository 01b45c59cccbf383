//! Carrying a protocol out on a subject.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use einthoven_corpus::{Entry, LabelSet};
use einthoven_random::Streams;

use super::records::{Part, Records, Seen};
use super::result::{FORMAT, Outcome, SubjectResult, TaskResult};
use super::subject::Subject;
use super::task::Task;
use super::{Protocol, tasks};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result};

/// Judges a subject by a protocol; `seen` hears of recordings as they are embedded. When `stop` becomes true, it ends soon.
///
/// Embeddings are computed once for all tasks; recordings that are changed are embedded anew.
///
/// # Errors
/// Those of the subject and of the records; [`Error::Protocol`] for a label set without a labelled record; [`Error::Interrupted`] if
/// asked to stop.
pub fn judge(
    protocol: &Protocol,
    records: &Records,
    subject: &dyn Subject,
    stop: &Arc<AtomicBool>,
    mut seen: impl FnMut(usize),
) -> Result<SubjectResult> {
    let streams = Streams::new(protocol.seed);
    let mut seen = |more: usize| {
        seen(more);
        if stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    };
    let mut asked = Asked {
        protocol,
        records,
        subject,
        streams,
        fitted: records.fitted.embed(subject, None, &mut seen)?,
        chosen: records.chosen.as_ref().map(|part| part.embed(subject, None, &mut seen)).transpose()?,
        judged: records.judged.embed(subject, None, &mut seen)?,
        stop,
        seen: &mut seen,
    };
    if asked.judged.kept.is_empty() || asked.fitted.kept.is_empty() {
        let reason = |seen: &Seen| seen.leftovers.records.first().map_or(String::new(), |record| record.reason.clone());
        let reason = if asked.judged.kept.is_empty() { reason(&asked.judged) } else { reason(&asked.fitted) };
        let problem = format!("{} can be fed no record: {reason}", subject.card().name);
        return Err(Error::Protocol { protocol: protocol.name.clone(), problem });
    }
    let mut results = Vec::new();
    for task in &protocol.tasks {
        results.extend(match task {
            Task::ZeroShot(task) => tasks::zero_shot::judge(&asked, task)?,
            Task::Classifier(task) => tasks::classifier::judge(&mut asked, task)?,
            Task::Probe(task) => tasks::probe::judge(&asked, task)?,
            Task::FineTuning(task) => tasks::fine_tuning::judge(&mut asked, task)?,
            Task::Neighbours(task) => tasks::neighbours::judge(&asked, task)?,
            Task::Retrieval => tasks::retrieval::judge(&asked)?,
            Task::Captioning => tasks::captioning::judge(&mut asked)?,
            Task::Identification => tasks::identification::judge(&asked)?,
            Task::Map(task) => tasks::map::judge(&asked, task)?,
            Task::Cases(task) => tasks::cases::judge(&asked, task)?,
            Task::Varied(task) => tasks::varied::judge(&mut asked, task)?,
        });
    }
    let mut left_out_fitted = asked.fitted.leftovers;
    left_out_fitted.records.extend(asked.chosen.into_iter().flat_map(|seen| seen.leftovers.records));
    Ok(SubjectResult {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: protocol.clone(),
        hash: protocol.hash()?,
        records: records.card(),
        subject: subject.card(),
        left_out_fitted,
        left_out_judged: asked.judged.leftovers,
        tasks: results,
    })
}

/// A subject under a protocol, with what it made of the records.
pub(super) struct Asked<'a> {
    pub protocol: &'a Protocol,
    pub records: &'a Records,
    pub subject: &'a dyn Subject,
    pub streams: Streams,
    pub fitted: Seen,
    pub chosen: Option<Seen>,
    pub judged: Seen,
    pub stop: &'a Arc<AtomicBool>,
    pub seen: &'a mut dyn FnMut(usize) -> Result<()>,
}

/// The records that have a class of a label set, and what the subject made of them.
pub(super) struct Labelled<'a> {
    pub labels: LabelSet,
    /// Places in the part.
    pub indices: Vec<usize>,
    pub entries: Vec<&'a Entry>,
    pub values: Embeddings,
    /// `[record][class]`.
    pub targets: Vec<Vec<bool>>,
    /// Records that the subject was fed and that have no class.
    pub unlabelled: usize,
}

impl<'a> Labelled<'a> {
    /// The labelled ones of the records that were seen.
    pub fn new(protocol: &Protocol, part: &'a Part, labels: &str, seen: &Seen) -> Result<Self> {
        let labels = part.labels(labels)?;
        let rows: Vec<usize> =
            (0..seen.kept.len()).filter(|&row| labels.targets[seen.kept[row]].contains(&true)).collect();
        if rows.is_empty() {
            let problem = format!("no record of {} has a label of {}", part.dataset.name, labels.name);
            return Err(Error::Protocol { protocol: protocol.name.clone(), problem });
        }
        let indices: Vec<usize> = rows.iter().map(|&row| seen.kept[row]).collect();
        Ok(Self {
            entries: indices.iter().map(|&index| &part.dataset.entries[index]).collect(),
            targets: indices.iter().map(|&index| labels.targets[index].clone()).collect(),
            values: seen.values.select(&rows),
            unlabelled: seen.kept.len() - rows.len(),
            indices,
            labels,
        })
    }
}

/// A task that the subject cannot be asked.
pub(super) fn not_applicable(task: &str, labels: Option<&str>, variation: Option<String>, reason: &str) -> TaskResult {
    TaskResult {
        task: task.to_owned(),
        labels: labels.map(str::to_owned),
        variation,
        outcome: Outcome::NotApplicable { reason: reason.to_owned() },
    }
}
