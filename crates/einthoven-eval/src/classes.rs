//! How well scores tell the classes of a label set apart: judged in one way, whatever the scores are of.

use einthoven_random::Streams;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, Estimated, Estimates, Scored, estimate};
use crate::error::{Result, same_length};
use crate::metrics::{Ranking, ScoreTable};

/// A class that occurs and does not always occur.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedClass {
    /// The class's code.
    pub code: String,
    /// Records that have it.
    pub positives: usize,
    /// Records that do not.
    pub negatives: usize,
    /// Its metrics with intervals.
    #[serde(flatten)]
    pub metrics: Estimates,
}

/// A class that is left out because it lacks positives or negatives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The class's code.
    pub code: String,
    /// Records that have it.
    pub positives: usize,
    /// Records that do not.
    pub negatives: usize,
}

/// What [`judge`] finds.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// The classes that occur and do not always occur, in their order.
    pub classes: Vec<JudgedClass>,
    /// Means over these classes.
    pub r#macro: Estimates,
    /// The others.
    pub left_out: Vec<LeftOut>,
}

/// Judges `scored[class][run]`, the classes called `codes`; resamples come from `streams`.
///
/// A class that lacks positives or negatives is left out, of the resamples' strata, too.
pub(crate) fn judge(
    codes: &[String],
    scored: Vec<Vec<Scored>>,
    bootstrap: &BootstrapConfig,
    streams: &Streams,
) -> Result<Judged> {
    let (mut names, mut kept, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for (code, runs) in codes.iter().zip(scored) {
        let ranking = runs.first().map(|scored| &scored.ranking);
        let positives = ranking.map_or(0, Ranking::positives);
        let (code, negatives) = (code.clone(), ranking.map_or(0, Ranking::len) - positives);
        if positives == 0 || negatives == 0 {
            left_out.push(LeftOut { code, positives, negatives });
        } else {
            names.push((code, positives, negatives));
            kept.push(runs);
        }
    }
    let Estimated { classes, r#macro } = estimate(&kept, bootstrap, streams)?;
    let classes = names.into_iter().zip(classes);
    let classes =
        classes.map(|((code, positives, negatives), metrics)| JudgedClass { code, positives, negatives, metrics });
    Ok(Judged { classes: classes.collect(), r#macro, left_out })
}

/// Scores of a single run that only rank.
pub(crate) fn of_one_run(rankings: &[Ranking]) -> Vec<Vec<Scored>> {
    rankings.iter().map(|ranking| vec![ranking.clone().into()]).collect()
}

/// The records ranked for each class; `targets` are `[record][class]`.
pub(crate) fn rankings(scores: &ScoreTable, targets: &[Vec<bool>]) -> Result<Vec<Ranking>> {
    same_length("targets for the records", scores.records().len(), targets.len())?;
    for row in targets {
        same_length("targets of a record", scores.classes().len(), row.len())?;
    }
    (0..scores.classes().len())
        .map(|class| {
            let target: Vec<bool> = targets.iter().map(|row| row[class]).collect();
            Ranking::new(&target, &scores.column(class))
        })
        .collect()
}
