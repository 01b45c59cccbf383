//! Subject identification: does a recording lie nearest to an earlier one of the same person?
//!
//! The gallery holds the first recording of each patient, in the order given; all later ones are probes. Every probe is
//! compared by cosine with the whole gallery, patients with a single recording included, so that more patients make the
//! task harder. Rank-1 and rank-5 are the fractions of probes whose own patient is among the nearest one or five; a stranger at the
//! same distance comes first, so that an encoder that embeds everything alike recognises nobody.
//!
//! The equal error rate is of verification: over all pairs of a probe and a gallery recording, the point of the ROC curve at
//! which as large a fraction of strangers is accepted as of own recordings refused. The curve's points are joined by straight lines.
//!
//! Recordings of a person resemble each other also by diagnosis, electrodes and device: a good encoder of findings is above
//! chance without knowing persons. Intervals come from patients with probes drawn with replacement, the gallery staying as it is.

use std::collections::HashMap;

use einthoven_random::Streams;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, Estimate, estimates};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result, no_nan, same_length};

/// How well patients are recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentificationResult {
    /// Patients in the gallery, one recording each.
    pub gallery: usize,
    /// Recordings looked up in it.
    pub probes: usize,
    /// Patients that the probes are of.
    pub probed_patients: usize,
    /// Fraction of probes whose nearest gallery recording is their own patient's.
    pub rank_1: Estimate,
    /// Fraction of probes whose own patient is among the nearest five.
    pub rank_5: Estimate,
    /// Rate at which strangers are accepted and own recordings refused alike; 0.5 is chance.
    pub equal_error_rate: Estimate,
    /// Rank-1 of a random order.
    pub chance_rank_1: f64,
    /// Rank-5 of a random order.
    pub chance_rank_5: f64,
}

/// One probed patient.
#[derive(Clone, Debug)]
struct Subject {
    probes: u64,
    within_1: u64,
    within_5: u64,
    /// Own cosines at each threshold or above.
    own: Vec<u32>,
    /// Strangers' cosines above each threshold.
    above: Vec<u32>,
    /// Strangers' cosines at each threshold or above.
    at_least: Vec<u32>,
}

/// Judges embeddings of length one, row `i` a recording of `patients[i]`.
///
/// Draws come from the stream `("bootstrap/identification", [resample])`.
///
/// # Errors
/// [`Error::Length`] if there are not as many patients as embeddings; [`Error::NoProbe`] where no patient has two recordings
/// or there is but one patient; [`Error::NotANumber`] for an embedding that is none.
pub fn identify(
    embeddings: &Embeddings,
    patients: &[String],
    bootstrap: &BootstrapConfig,
    streams: &Streams,
) -> Result<IdentificationResult> {
    same_length("patients of the embeddings", embeddings.rows(), patients.len())?;
    let (gallery, probes) = divide(patients);
    if probes.is_empty() || gallery.len() < 2 {
        return Err(Error::NoProbe { recordings: patients.len(), patients: gallery.len() });
    }
    let gallery_embeddings = embeddings.select(&gallery);
    let compared: Vec<(usize, Vec<f64>)> = probes
        .par_iter()
        .map(|&(row, patient)| {
            let cosines = gallery_embeddings.cosines_with(embeddings.row(row));
            no_nan(&cosines).map(|()| (patient, cosines))
        })
        .collect::<Result<_>>()?;
    let subjects = subjects(&compared);
    let metrics = |times: &[u32]| metrics(&subjects, gallery.len(), times);
    let [rank_1, rank_5, equal_error_rate] =
        estimates(subjects.len(), bootstrap, streams, "bootstrap/identification", metrics)?;
    let chance = |k: usize| k.min(gallery.len()) as f64 / gallery.len() as f64;
    Ok(IdentificationResult {
        gallery: gallery.len(),
        probes: probes.len(),
        probed_patients: subjects.len(),
        rank_1,
        rank_5,
        equal_error_rate,
        chance_rank_1: chance(1),
        chance_rank_5: chance(5),
    })
}

/// The rows of the gallery, and of the probes with the place of their patient in the gallery.
fn divide(patients: &[String]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let (mut gallery, mut probes) = (Vec::new(), Vec::new());
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (row, patient) in patients.iter().enumerate() {
        match places.get(patient.as_str()) {
            Some(&place) => probes.push((row, place)),
            None => {
                places.insert(patient, gallery.len());
                gallery.push(row);
            }
        }
    }
    (gallery, probes)
}

/// What the metrics need of each probed patient, given each probe's patient and cosines with the gallery.
fn subjects(compared: &[(usize, Vec<f64>)]) -> Vec<Subject> {
    // The rate of refusals changes at own cosines only: these are the thresholds, falling.
    let mut thresholds: Vec<f64> = compared.iter().map(|(patient, cosines)| cosines[*patient]).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let mut of_patient: HashMap<usize, Vec<&[f64]>> = HashMap::new();
    for (patient, cosines) in compared {
        of_patient.entry(*patient).or_default().push(cosines);
    }
    let mut of_patient: Vec<_> = of_patient.into_iter().collect();
    of_patient.sort_unstable_by_key(|(patient, _)| *patient);
    of_patient.par_iter().map(|(patient, probes)| subject(*patient, probes, &thresholds)).collect()
}

fn subject(patient: usize, probes: &[&[f64]], thresholds: &[f64]) -> Subject {
    let mut own: Vec<f64> = probes.iter().map(|cosines| cosines[patient]).collect();
    let strangers = |cosines: &[f64]| [&cosines[..patient], &cosines[patient + 1..]].concat();
    let nearer = |cosines: &[f64]| strangers(cosines).iter().filter(|&&other| other >= cosines[patient]).count();
    let within = |k: usize| probes.iter().filter(|cosines| nearer(cosines) < k).count() as u64;
    let mut others: Vec<f64> = probes.iter().flat_map(|cosines| strangers(cosines)).collect();
    own.sort_by(|a, b| b.total_cmp(a));
    others.sort_by(|a, b| b.total_cmp(a));
    let count = |sorted: &[f64], accepted: fn(f64, f64) -> bool| {
        thresholds
            .iter()
            .map(|&threshold| sorted.partition_point(|&cosine| accepted(cosine, threshold)) as u32)
            .collect()
    };
    Subject {
        probes: probes.len() as u64,
        within_1: within(1),
        within_5: within(5),
        own: count(&own, |cosine, threshold| cosine >= threshold),
        above: count(&others, |cosine, threshold| cosine > threshold),
        at_least: count(&others, |cosine, threshold| cosine >= threshold),
    }
}

/// Rank-1, rank-5 and equal error rate, each patient counted `times`.
fn metrics(subjects: &[Subject], gallery: usize, times: &[u32]) -> [Option<f64>; 3] {
    let sum = |of: &dyn Fn(&Subject) -> u64| -> f64 {
        subjects.iter().zip(times).map(|(subject, &times)| of(subject) * u64::from(times)).sum::<u64>() as f64
    };
    let probes = sum(&|subject| subject.probes);
    if probes == 0.0 {
        return [None; 3];
    }
    let strangers = probes * (gallery - 1) as f64;
    let refused = |k: usize| 1.0 - sum(&|subject| u64::from(subject.own[k])) / probes;
    let accepted = |k: usize| sum(&|subject| u64::from(subject.at_least[k])) / strangers;
    // Along the curve, as the threshold falls, strangers accepted overtake own recordings refused: find the first threshold.
    let count = subjects.first().map_or(0, |subject| subject.own.len());
    let (mut low, mut high) = (0, count - 1);
    while low < high {
        let middle = (low + high) / 2;
        if accepted(middle) >= refused(middle) { high = middle } else { low = middle + 1 }
    }
    let refused_before = if low == 0 { 1.0 } else { refused(low - 1) };
    let accepted_before = sum(&|subject| u64::from(subject.above[low])) / strangers;
    let rate = if accepted_before >= refused_before {
        // They meet between two own cosines, where no more are refused.
        refused_before
    } else {
        let (before, after) = (accepted_before - refused_before, accepted(low) - refused(low));
        let share = before / (before - after);
        accepted_before + share * (accepted(low) - accepted_before)
    };
    [Some(sum(&|subject| subject.within_1) / probes), Some(sum(&|subject| subject.within_5) / probes), Some(rate)]
}
