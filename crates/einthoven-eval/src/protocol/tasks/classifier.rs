//! The subject's own class scores.

use super::{Classified, Scale};
use crate::error::Result;
use crate::protocol::judge::{Asked, Labelled, not_applicable};
use crate::protocol::result::TaskResult;
use crate::protocol::task::Classifier;

/// What tables call it.
const NAME: &str = "classifier";

pub fn judge(asked: &mut Asked, task: &Classifier) -> Result<Vec<TaskResult>> {
    let part = &asked.records.judged;
    let labels = part.labels(&task.labels)?;
    let Some(seen) = part.scores(asked.subject, &labels, asked.seen)? else {
        let reason = "it is no classifier of these classes";
        return Ok(vec![not_applicable(NAME, Some(&task.labels), None, reason)]);
    };
    let judged = Labelled::new(asked.protocol, part, &task.labels, &seen)?;
    let classified = Classified {
        task: NAME.to_owned(),
        variation: None,
        runs: vec![judged.values.clone()],
        judged: &judged,
        scale: Scale::Probability,
        bins: task.bins,
        subgroups: &task.subgroups,
    };
    Ok(vec![classified.judge(asked)?])
}
