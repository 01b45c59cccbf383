//! Captions that a subject writes.

use einthoven_caption::KnowledgeBase;

use crate::captioning::Captions;
use crate::error::{Error, Result, same_length};
use crate::protocol::judge::{Asked, not_applicable};
use crate::protocol::records::CHUNK;
use crate::protocol::result::{Outcome, TaskResult};

/// What tables call it.
const NAME: &str = "captioning";

/// A record's reference are its statements as sentences; records without a statement are left out.
pub fn judge(asked: &mut Asked) -> Result<Vec<TaskResult>> {
    let part = &asked.records.judged;
    let entries = &part.dataset.entries;
    let kept: Vec<usize> =
        asked.judged.kept.iter().copied().filter(|&index| !entries[index].statements.is_empty()).collect();
    if kept.is_empty() {
        return Ok(vec![not_applicable(NAME, None, None, "no judged record has a statement")]);
    }
    let mut generated = Vec::with_capacity(kept.len());
    for chunk in kept.chunks(CHUNK) {
        let failed = |source| Error::Subject { subject: asked.subject.card().name, source };
        // They were read before, to be embedded.
        let recordings =
            chunk.iter().map(|&index| part.recording(index, None)).collect::<std::result::Result<Vec<_>, _>>();
        let recordings = recordings.map_err(|reason| failed(reason.into()))?;
        let Some(captions) = asked.subject.captions(&recordings).map_err(failed)? else {
            return Ok(vec![not_applicable(NAME, None, None, "it writes no captions")]);
        };
        same_length("captions for the recordings", recordings.len(), captions.len())?;
        generated.extend(captions);
        (asked.seen)(chunk.len())?;
    }
    let references: Vec<Vec<String>> = kept.iter().map(|&index| vec![entries[index].statements.join(". ")]).collect();
    let base = KnowledgeBase::built_in()?;
    let result = Captions::new(&generated, &references, &base)?.judge(&asked.protocol.bootstrap, &asked.streams)?;
    let outcome = Outcome::Captioning(Box::new(result));
    Ok(vec![TaskResult { task: NAME.to_owned(), labels: None, variation: None, outcome }])
}
