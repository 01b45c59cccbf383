//! What weights were trained on, and whether they may be passed on.

use std::path::{Path, PathBuf};

use einthoven_corpus::{DatasetCard, Publication};
use einthoven_hub::{Fingerprint, TrainingData};
use einthoven_train::Checkpoint;

use crate::{Encoder, Error, Experiment, Result, SupervisedExperiment};

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
    /// Follows a run on `dataset`, and those before it: the one that it started from, and so on.
    pub fn of(dataset: &str, start_from: Option<&Path>) -> Result<Self> {
        let mut provenance = Self::default();
        let mut next = Some((dataset.to_owned(), start_from.map(Path::to_path_buf)));
        for _ in 0..LONGEST_CHAIN {
            let Some((dataset, start_from)) = next.take() else { return Ok(provenance) };
            provenance.add(&dataset)?;
            let Some(run) = &start_from else { continue };
            if Encoder::is_at(run) {
                provenance.obstacles.push(format!(
                    "the weights began with those of the import {}, which does not say what it was trained on",
                    run.display()
                ));
                continue;
            }
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

/// The dataset of a run, and what it started from.
fn open(run: &Path) -> Result<(String, Option<PathBuf>)> {
    let checkpoint = Checkpoint::open(run)?;
    let (path, config) = (checkpoint.folder().join("config.toml"), checkpoint.config());
    if SupervisedExperiment::is_in(config) {
        let experiment = SupervisedExperiment::parse(&path, config, &[])?;
        return Ok((experiment.data.dataset, experiment.start_from));
    }
    let experiment = Experiment::parse(&path, config, &[])?;
    Ok((experiment.data.dataset, experiment.start_from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_began_with_an_import_are_not_passed_on_unasked() {
        let allowed = Provenance::of("simulated", None).unwrap();
        assert!(allowed.obstacles.is_empty() && allowed.datasets.len() == 1);
        let import = tempfile::tempdir().unwrap();
        std::fs::write(import.path().join("encoder.json"), "{}").unwrap();
        let [obstacle] = &Provenance::of("simulated", Some(import.path())).unwrap().obstacles[..] else { panic!() };
        assert!(obstacle.contains("does not say what it was trained on"), "{obstacle}");
    }
}
