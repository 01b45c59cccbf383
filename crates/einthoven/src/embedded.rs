//! The embeddings of a whole dataset.

use einthoven_corpus::{Dataset, Leftovers};
use einthoven_eval::Embeddings;
use einthoven_signal::Record;

use crate::{Error, Result, Trained};

/// Recordings that are in memory at once.
const CHUNK: usize = 64;

/// The recordings of a dataset as a network embeds them.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedDataset {
    /// The recordings' ids, one for each row.
    pub records: Vec<String>,
    /// Their embeddings, `[recordings, width]`.
    pub embeddings: Embeddings,
    /// The recordings that cannot be read or prepared, with the reason for each.
    pub leftovers: Leftovers,
}

impl EmbeddedDataset {
    /// Embeds all recordings of a dataset; `seen` hears how many have been tried so far.
    ///
    /// # Errors
    /// Those of the network; [`Error::Setting`] if not one recording can be embedded.
    pub fn new(trained: &Trained, dataset: &Dataset, mut seen: impl FnMut(usize)) -> Result<Self> {
        let (mut records, mut data, mut leftovers) = (Vec::new(), Vec::new(), Leftovers::default());
        let all: Vec<usize> = (0..dataset.len()).collect();
        let mut tried = 0;
        for chunk in all.chunks(CHUNK) {
            let (mut readable, before) = (Vec::new(), leftovers.count());
            for &index in chunk {
                let id = &dataset.entries[index].id;
                match dataset.record(index) {
                    Ok(record) => readable.push((id.clone(), record)),
                    Err(error) => leftovers.push(id, reason(&error)),
                }
            }
            for (kept, embeddings) in embed(trained, readable, &mut leftovers)? {
                records.extend(kept);
                data.extend_from_slice(embeddings.data());
            }
            // Those that cannot be prepared are known after those that cannot be read.
            let place = |id: &str| chunk.iter().position(|&index| dataset.entries[index].id == id);
            leftovers.records[before..].sort_by_key(|left| place(&left.id));
            tried += chunk.len();
            seen(tried);
        }
        if records.is_empty() {
            let reason = leftovers.records.first().map_or("it is empty", |first| first.reason.as_str());
            return Err(Error::setting(&dataset.name, format!("no recording can be embedded: {reason}")));
        }
        let embeddings = Embeddings::new(records.len(), data.len() / records.len(), data)?;
        Ok(Self { records, embeddings, leftovers })
    }
}

/// What is wrong with a record: its name is said beside.
fn reason(error: &einthoven_corpus::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Embeds recordings together, or one by one where the network cannot be fed one of them.
fn embed(
    trained: &Trained,
    recordings: Vec<(String, Record)>,
    leftovers: &mut Leftovers,
) -> Result<Vec<(Vec<String>, Embeddings)>> {
    match trained.embed(&recordings) {
        Ok(embeddings) => Ok(vec![(recordings.into_iter().map(|(id, _)| id).collect(), embeddings)]),
        Err(Error::Eval(error)) => match (*error, recordings.len()) {
            (einthoven_eval::Error::Record { record, source }, 1) => {
                leftovers.push(record, source.to_string());
                Ok(Vec::new())
            }
            (einthoven_eval::Error::Record { .. }, _) => {
                let singles = recordings.into_iter().map(|recording| embed(trained, vec![recording], leftovers));
                Ok(singles.collect::<Result<Vec<_>>>()?.concat())
            }
            (error, _) => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}
