//! A map of the judged records.

use crate::error::{Error, Result};
use crate::map::Map;
use crate::protocol::judge::{Asked, not_applicable};
use crate::protocol::pictures::MappedRecords;
use crate::protocol::result::{Outcome, TaskResult};
use crate::protocol::task::MapTask;

/// What tables call it.
const NAME: &str = "map";

/// All judged records that the subject was fed, those without a class included.
pub fn judge(asked: &Asked, task: &MapTask) -> Result<Vec<TaskResult>> {
    let labels = asked.records.judged.labels(&task.labels)?;
    let map = match Map::new(&asked.judged.values) {
        Ok(map) => map,
        Err(Error::Map { .. }) => {
            let reason = "too few records can be fed";
            return Ok(vec![not_applicable(NAME, Some(&task.labels), None, reason)]);
        }
        Err(error) => return Err(error),
    };
    let classes_of = |&index: &usize| {
        labels.targets[index].iter().enumerate().filter(|(_, has)| **has).map(|(class, _)| class).collect()
    };
    let of = asked.judged.kept.iter().map(classes_of).collect();
    let outcome = Outcome::Map(Box::new(MappedRecords { map, classes: labels.classes, of }));
    Ok(vec![TaskResult { task: NAME.to_owned(), labels: Some(task.labels.clone()), variation: None, outcome }])
}
