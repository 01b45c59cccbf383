//! What a subject looks at where it is most right and most wrong.

use super::{NO_TEXTS, unit};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result};
use crate::protocol::judge::{Asked, Labelled, not_applicable};
use crate::protocol::pictures::{ExplainedCase, ExplainedCases};
use crate::protocol::result::{Outcome, TaskResult};
use crate::protocol::task::Cases;
use crate::zero_shot::PromptSet;

/// What tables call it.
const NAME: &str = "cases";

/// A recording beside a class that it has.
struct Pair {
    row: usize,
    class: usize,
    rank: f64,
}

/// Every recording stands for its class of the lowest rank among the worst, and of the highest among the best, so that none is shown
/// twice on one side.
pub fn judge(asked: &Asked, task: &Cases) -> Result<Vec<TaskResult>> {
    let judged = Labelled::new(asked.protocol, &asked.records.judged, &task.labels, &asked.judged)?;
    let prompts = PromptSet::open(&task.prompts)?;
    let first = |code: &String| prompts.texts(code).map(|texts| texts.first().cloned().unwrap_or_default());
    let texts: Vec<String> = judged.labels.classes.iter().map(first).collect::<Result<_>>()?;
    let failed = |source| Error::Subject { subject: asked.subject.card().name, source };
    let Some(embedded) = asked.subject.embed_texts(&texts).map_err(failed)? else {
        return Ok(vec![not_applicable(NAME, Some(&task.labels), None, NO_TEXTS)]);
    };
    let mut pairs = pairs(&judged, &unit(&judged.values)?, &unit(&embedded)?)?;
    let mut cases = ExplainedCases::default();
    for (chosen, is_worst) in [(&mut cases.best, false), (&mut cases.worst, true)] {
        pairs.sort_by(|a, b| if is_worst { a.rank.total_cmp(&b.rank) } else { b.rank.total_cmp(&a.rank) });
        let mut rows = Vec::new();
        for pair in &pairs {
            if rows.len() == task.each {
                break;
            }
            if rows.contains(&pair.row) {
                continue;
            }
            rows.push(pair.row);
            chosen.extend(explained(asked, &judged, pair, &texts[pair.class])?);
        }
    }
    if cases == ExplainedCases::default() {
        return Ok(vec![not_applicable(NAME, Some(&task.labels), None, "it explains nothing")]);
    }
    let outcome = Outcome::Cases(Box::new(cases));
    Ok(vec![TaskResult { task: NAME.to_owned(), labels: Some(task.labels.clone()), variation: None, outcome }])
}

/// Each recording with each class that it has, where others lack it.
fn pairs(judged: &Labelled, signals: &Embeddings, texts: &Embeddings) -> Result<Vec<Pair>> {
    let cosines = signals.cosines(texts)?;
    let of = |row: usize, class: usize| cosines[row * texts.rows() + class];
    let mut pairs = Vec::new();
    for class in 0..texts.rows() {
        let (with, without): (Vec<usize>, Vec<usize>) =
            (0..signals.rows()).partition(|&row| judged.targets[row][class]);
        if without.is_empty() {
            continue;
        }
        for row in with {
            let score = of(row, class);
            let less = |&other: &usize| match of(other, class) {
                other if other < score => 1.0,
                other if other == score => 0.5,
                _ => 0.0,
            };
            let rank = without.iter().map(less).sum::<f64>() / without.len() as f64;
            pairs.push(Pair { row, class, rank });
        }
    }
    Ok(pairs)
}

fn explained(asked: &Asked, judged: &Labelled, pair: &Pair, text: &str) -> Result<Option<ExplainedCase>> {
    let failed = |source| Error::Subject { subject: asked.subject.card().name, source };
    let recording =
        asked.records.judged.recording(judged.indices[pair.row], None).map_err(|reason| failed(reason.into()))?;
    let title = format!("{}: {text}", recording.0);
    let drawing = asked.subject.explain(&recording, text, &title).map_err(failed)?;
    Ok(drawing.map(|drawing| ExplainedCase {
        record: recording.0,
        class: judged.labels.classes[pair.class].clone(),
        text: text.to_owned(),
        rank: pair.rank,
        drawing,
    }))
}
