//! A classifier as protocols judge it.

use einthoven_corpus::Leftovers;
use einthoven_eval::Embeddings;
use einthoven_eval::protocol::{Answer, Recording, Rows, Subject, SubjectCard};
use einthoven_hub::Fingerprint;
use einthoven_train::checkpoint::{CONTRACT_FILE, MODEL_FILE};

use super::Classifier;
use super::classifier::Read;
use crate::{Error, Result};

/// A classifier and what tables call it.
#[derive(Debug)]
pub struct ClassifierSubject {
    classifier: Classifier,
    card: SubjectCard,
}

impl ClassifierSubject {
    /// The `classifier` under the name `name`.
    ///
    /// # Errors
    /// [`Error::File`] if its checkpoint cannot be read.
    pub fn new(name: impl Into<String>, classifier: Classifier) -> Result<Self> {
        let mut prints = String::new();
        for file in [MODEL_FILE, CONTRACT_FILE] {
            let path = classifier.checkpoint.folder().join(file);
            let bytes = std::fs::read(&path).map_err(Error::file("read", &path))?;
            prints.push_str(&Fingerprint::of_bytes(&bytes).sha256);
        }
        let contract = classifier.contract();
        let card = SubjectCard {
            name: name.into(),
            kind: format!("classifier of {}", classifier.labels()),
            fed: format!(
                "{} leads, {} samples at {} Hz",
                contract.leads.len(),
                contract.samples,
                contract.sampling_rate
            ),
            fingerprint: Fingerprint::of_bytes(prints.as_bytes()).sha256,
        };
        Ok(Self { classifier, card })
    }
}

impl Subject for ClassifierSubject {
    fn card(&self) -> SubjectCard {
        self.card.clone()
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        let network = &self.classifier.network;
        rows(self.classifier.read(recordings, |signals, valid| network.embed(signals, valid))?, recordings, None)
    }

    fn scores(&self, recordings: &[Recording], labels: &str, classes: &[String]) -> Answer<Option<Rows>> {
        let own = self.classifier.classes();
        let columns = classes.iter().map(|class| own.iter().position(|known| known == class));
        let Some(columns) = columns.collect::<Option<Vec<usize>>>().filter(|_| labels == self.classifier.labels()) else {
            return Ok(None);
        };
        let network = &self.classifier.network;
        let read = self.classifier.read(recordings, |signals, valid| network.probabilities(signals, valid))?;
        rows(read, recordings, Some(&columns)).map(Some)
    }
}

/// The chosen `columns` of what was read of `recordings`, or all.
fn rows(read: Read, recordings: &[Recording], columns: Option<&[usize]>) -> Answer<Rows> {
    let Read { kept, values, refused } = read;
    let width = values.len() / kept.len().max(1);
    let all: Vec<usize> = (0..width).collect();
    let columns = columns.unwrap_or(&all);
    let chosen = |row: &[f64]| columns.iter().map(|&column| row[column] as f32).collect::<Vec<_>>();
    let data: Vec<f32> = values.chunks(width.max(1)).flat_map(chosen).collect();
    let mut leftovers = Leftovers::default();
    for (place, reason) in refused {
        leftovers.push(&recordings[place].0, reason.to_string());
    }
    Ok(Rows { values: Embeddings::new(kept.len(), columns.len(), data)?, kept, refused: leftovers })
}
