//! Recordings with fewer leads, with noise, at other rates.

use super::{Classified, NO_TEXTS, Scale, probe, zero_shot};
use crate::error::Result;
use crate::protocol::judge::{Asked, Labelled, not_applicable};
use crate::protocol::result::TaskResult;
use crate::protocol::task::Varied;

/// Classifiers are fitted once, on recordings as they are; only the judged ones are changed.
pub fn judge(asked: &mut Asked, task: &Varied) -> Result<Vec<TaskResult>> {
    let part = &asked.records.judged;
    let fitted = Labelled::new(asked.protocol, &asked.records.fitted, &task.labels, &asked.fitted)?;
    let all: Vec<usize> = (0..fitted.indices.len()).collect();
    let heads = probe::fit(&fitted, &all, task.decay)?;
    let words = match &task.prompts {
        Some(prompts) => Some(zero_shot::classes(asked, prompts, &fitted.labels.classes)?),
        None => None,
    };
    let mut results = Vec::new();
    for variation in &task.variations {
        let name = Some(variation.name());
        let seen = part.embed(asked.subject, Some((variation, &asked.streams)), asked.seen)?;
        if seen.kept.is_empty() {
            let reason = seen.leftovers.records.first().map_or("", |record| record.reason.as_str());
            results.push(not_applicable("probe 100 %", Some(&task.labels), name.clone(), reason));
            if words.is_some() {
                results.push(not_applicable("zero-shot", Some(&task.labels), name, reason));
            }
            continue;
        }
        let judged = Labelled::new(asked.protocol, part, &task.labels, &seen)?;
        let classified = Classified {
            task: "probe 100 %".to_owned(),
            variation: name.clone(),
            runs: vec![probe::logits(&heads, &judged)?],
            judged: &judged,
            scale: Scale::Logit,
            bins: 10,
            subgroups: &[],
        };
        results.push(classified.judge(asked)?);
        match &words {
            Some(Some(classes)) => results.push(zero_shot::with_classes(asked, &judged, classes, name, &[])?),
            Some(None) => results.push(not_applicable("zero-shot", Some(&task.labels), name, NO_TEXTS)),
            None => {}
        }
    }
    Ok(results)
}
