//! Patients recognised by an earlier recording.

use super::unit;
use crate::error::{Error, Result};
use crate::identification::identify;
use crate::protocol::judge::{Asked, not_applicable};
use crate::protocol::result::{Outcome, TaskResult};

/// What tables call it.
const NAME: &str = "identification";

/// Among the judged records that the subject was fed, in the dataset's order.
pub fn judge(asked: &Asked) -> Result<Vec<TaskResult>> {
    let entries = &asked.records.judged.dataset.entries;
    let patients: Vec<String> = asked.judged.kept.iter().map(|&index| entries[index].patient.clone()).collect();
    let embeddings = unit(&asked.judged.values)?;
    match identify(&embeddings, &patients, &asked.protocol.bootstrap, &asked.streams) {
        Ok(result) => {
            let outcome = Outcome::Identification(Box::new(result));
            Ok(vec![TaskResult { task: NAME.to_owned(), labels: None, variation: None, outcome }])
        }
        Err(Error::NoProbe { .. }) => Ok(vec![not_applicable(
            NAME,
            None,
            None,
            "no judged patient has two recordings, or there is but one patient",
        )]),
        Err(error) => Err(error),
    }
}
