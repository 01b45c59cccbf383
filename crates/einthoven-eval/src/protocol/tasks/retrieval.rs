//! Retrieval between recordings and their statements.

use super::{NO_TEXTS, unit};
use crate::error::{Error, Result};
use crate::protocol::judge::{Asked, not_applicable};
use crate::protocol::result::{Outcome, TaskResult};
use crate::retrieval;

/// What tables call it.
const NAME: &str = "retrieval";

/// A record's text are its statements, joined by commas; records without a statement are left out.
pub fn judge(asked: &Asked) -> Result<Vec<TaskResult>> {
    let entries = &asked.records.judged.dataset.entries;
    let kept = &asked.judged.kept;
    let rows: Vec<usize> = (0..kept.len()).filter(|&row| !entries[kept[row]].statements.is_empty()).collect();
    if rows.is_empty() {
        return Ok(vec![not_applicable(NAME, None, None, "no judged record has a statement")]);
    }
    let texts: Vec<String> = rows.iter().map(|&row| entries[kept[row]].statements.join(", ")).collect();
    let failed = |source| Error::Subject { subject: asked.subject.card().name, source };
    let Some(embedded) = asked.subject.embed_texts(&texts).map_err(failed)? else {
        return Ok(vec![not_applicable(NAME, None, None, NO_TEXTS)]);
    };
    let signals = unit(&asked.judged.values.select(&rows))?;
    let result = retrieval::judge(&signals, &unit(&embedded)?, &texts)?;
    let outcome = Outcome::Retrieval(Box::new(result));
    Ok(vec![TaskResult { task: NAME.to_owned(), labels: None, variation: None, outcome }])
}
