//! What weights were trained on, and whether they may be passed on.

use std::path::Path;

use einthoven_corpus::{DatasetCard, Publication};
use einthoven_hub::{Fingerprint, TrainingData};
use einthoven_train::Checkpoint;

use crate::{Error, Experiment, Result};

/// Runs that began with the weights of one another are followed so far.
const LONGEST_CHAIN: usize = 16;

/// What weights were trained on: the run's own data, and those of the runs that it began with.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    /// The datasets, each once.
    pub datasets: Vec<(DatasetCard, TrainingData)>,
    /// What speaks against passing the weights on; empty if nothing does.
    pub obstacles: Vec<String>,
}

impl Provenance {
    /// Follows an experiment and the runs before it.
    pub fn of(experiment: &Experiment) -> Result<Self> {
        let mut provenance = Self::default();
        let mut next = Some(experiment.clone());
        for _ in 0..LONGEST_CHAIN {
            let Some(experiment) = next.take() else { return Ok(provenance) };
            provenance.add(&experiment.data.dataset)?;
            let Some(run) = &experiment.start_from else { continue };
            match open(run) {
                Ok(before) => next = Some(before),
                Err(error) => provenance.obstacles.push(format!(
                    "the weights began with those of {}, which cannot be opened to see what it was trained on ({error})",
                    run.display()
                )),
            }
        }
        if next.is_some() {
            provenance.obstacles.push(format!("more than {LONGEST_CHAIN} runs began with one another's weights"));
        }
        Ok(provenance)
    }

    fn add(&mut self, dataset: &str) -> Result<()> {
        let (card, shards) = match DatasetCard::of_data(dataset) {
            Ok(found) => found,
            Err(error) => {
                self.obstacles.push(format!("the card of dataset `{dataset}` cannot be opened ({error})"));
                return Ok(());
            }
        };
        if self.datasets.iter().any(|(known, _)| *known == card) {
            return Ok(());
        }
        match card.publication {
            Publication::Allowed => {}
            Publication::Forbidden => {
                let name = &card.name;
                self.obstacles.push(format!("the card of dataset `{name}` forbids passing on weights trained on it"));
            }
            Publication::Unstated => self.obstacles.push(format!(
                "the card of dataset `{}` does not say that weights trained on it may be passed on (publication = \"allowed\")",
                card.name
            )),
        }
        let json = serde_json::to_vec(&card).map_err(|error| Error::setting("data.dataset", error.to_string()))?;
        let data = TrainingData {
            name: card.name.clone(),
            version: card.version.clone(),
            licence: card.licence.clone(),
            card: Fingerprint::of_bytes(&json).sha256,
            shards,
        };
        self.datasets.push((card, data));
        Ok(())
    }
}

fn open(run: &Path) -> Result<Experiment> {
    let checkpoint = Checkpoint::open(run)?;
    Experiment::parse(&checkpoint.folder().join("config.toml"), checkpoint.config(), &[])
}
