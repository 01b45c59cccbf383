//! Zero-shot classification.

use super::{Classified, NO_TEXTS, Scale, unit};
use crate::embeddings::Embeddings;
use crate::error::{Error, Result};
use crate::protocol::judge::{Asked, Labelled, not_applicable};
use crate::protocol::result::TaskResult;
use crate::protocol::task::{Subgroup, ZeroShot};
use crate::zero_shot::{PromptSet, class_embeddings};

/// What tables call it.
const NAME: &str = "zero-shot";

pub fn judge(asked: &Asked, task: &ZeroShot) -> Result<Vec<TaskResult>> {
    let judged = Labelled::new(asked.protocol, &asked.records.judged, &task.labels, &asked.judged)?;
    let Some(classes) = classes(asked, &task.prompts, &judged.labels.classes)? else {
        return Ok(vec![not_applicable(NAME, Some(&task.labels), None, NO_TEXTS)]);
    };
    Ok(vec![with_classes(asked, &judged, &classes, None, &task.subgroups)?])
}

/// The embeddings of classes by a prompt set; `None` without a text tower.
pub(super) fn classes(asked: &Asked, prompts: &str, classes: &[String]) -> Result<Option<Embeddings>> {
    let prompts = PromptSet::open(prompts)?;
    let failed = |source| Error::Subject { subject: asked.subject.card().name, source };
    // Nothing is asked of a subject that has no words for anything.
    if asked.subject.embed_texts(&[]).map_err(failed)?.is_none() {
        return Ok(None);
    }
    let embed = |texts: &[String]| match asked.subject.embed_texts(texts).map_err(failed)? {
        Some(embeddings) => unit(&embeddings),
        None => Ok(Embeddings::empty()),
    };
    Ok(Some(class_embeddings(&prompts, classes, embed)?))
}

/// Zero-shot classification with classes that are embedded already.
pub(super) fn with_classes(
    asked: &Asked,
    judged: &Labelled,
    classes: &Embeddings,
    variation: Option<String>,
    subgroups: &[Subgroup],
) -> Result<TaskResult> {
    let cosines = unit(&judged.values)?.cosines(classes)?.into_iter().map(|cosine| cosine as f32).collect();
    Classified {
        task: NAME.to_owned(),
        variation,
        judged,
        runs: vec![Embeddings::new(judged.values.rows(), classes.rows(), cosines)?],
        scale: Scale::Cosine,
        bins: 0,
        subgroups,
    }
    .judge(asked)
}
