//! What can be judged under a protocol: runs, imported encoders, and the baselines that stand beside them in every table.

mod classifier;
mod fed;
mod learner;
mod measured;
mod network;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use einthoven_eval::protocol::Subject;
use einthoven_train::ProgressDisplay;

pub use classifier::ClassifierSubject;
pub use measured::Measured;
pub use network::Network;

use crate::{Error, Experiment, Result, Trained, locate};

/// The word for the baseline of measurements.
const MEASUREMENTS: &str = "measurements";
/// What a random encoder's run or experiment stands behind.
const RANDOM: &str = "random:";

/// A subject as it was asked for: what it is called, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectName {
    /// What tables call it; names its file of results.
    pub name: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// A run, a checkpoint, an imported encoder or a published model.
    Trained(PathBuf),
    /// The encoder of a run, an import or an experiment file with fresh weights.
    Random(PathBuf),
    /// Interval features.
    Measurements,
}

impl SubjectName {
    /// Reads `SUBJECT` or `NAME=SUBJECT`; a subject is `measurements`, `random:RUN`, `random:EXPERIMENT.toml`, or a run.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that cannot be a file's.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, subject) = match text.split_once('=') {
            Some((name, subject)) => (Some(name.to_owned()), subject),
            None => (None, text),
        };
        let what = match (subject, subject.strip_prefix(RANDOM)) {
            (MEASUREMENTS, _) => What::Measurements,
            (_, Some(path)) => What::Random(path.into()),
            _ => What::Trained(subject.into()),
        };
        let name = name.unwrap_or_else(|| what.name());
        let is_plain = |c: char| c.is_alphanumeric() || "._@+-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            let message = "its name is to be a file's: letters, digits and ._@+-; give it one as NAME=SUBJECT";
            return Err(Error::setting(text, message));
        }
        Ok(Self { name, what })
    }

    /// Reads several subjects and adds the baselines: `measurements`, and the first trained encoder with fresh weights unless a random
    /// one is named.
    ///
    /// # Errors
    /// Those of [`SubjectName::parse`]; [`Error::Setting`] for two of one name.
    pub fn with_baselines(texts: &[String]) -> Result<Vec<Self>> {
        let mut subjects = texts.iter().map(|text| Self::parse(text)).collect::<Result<Vec<_>>>()?;
        if !subjects.iter().any(|subject| matches!(subject.what, What::Random(_))) {
            let first = subjects.iter().find_map(|subject| match &subject.what {
                What::Trained(path) => Some((path.clone(), subject.name.clone())),
                _ => None,
            });
            subjects
                .extend(first.map(|(path, name)| Self { name: format!("random-{name}"), what: What::Random(path) }));
        }
        if !subjects.iter().any(|subject| subject.what == What::Measurements) {
            subjects.push(Self { name: MEASUREMENTS.to_owned(), what: What::Measurements });
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = subjects.iter().find(|subject| !seen.insert(&subject.name)) {
            let message = format!("two subjects are called {}; give one another name as NAME=SUBJECT", twice.name);
            return Err(Error::setting("SUBJECT", message));
        }
        Ok(subjects)
    }

    /// Opens the subject; `seed` is that of fresh weights, and `display` says whether its training shows itself where a protocol asks for
    /// fine-tuning.
    ///
    /// # Errors
    /// Those of opening a run, an encoder or an experiment.
    pub fn open(&self, seed: u64, display: ProgressDisplay) -> Result<Box<dyn Subject>> {
        let name = self.name.clone();
        Ok(match &self.what {
            What::Measurements => Box::new(Measured::new(name)),
            What::Trained(path) => of_trained(name, Trained::open(&locate(path)?)?, display)?,
            What::Random(path) if path.extension().is_some_and(|extension| extension == "toml") => {
                Box::new(Network::of_experiment(name, Experiment::load(path, &[])?, seed, display)?)
            }
            What::Random(path) => of_trained(name, Trained::open(&locate(path)?)?.with_fresh_weights(seed)?, display)?,
        })
    }
}

fn of_trained(name: String, trained: Trained, display: ProgressDisplay) -> Result<Box<dyn Subject>> {
    Ok(match trained {
        Trained::Model(model) => Box::new(Network::of_model(name, *model, display)?),
        Trained::Encoder(encoder) => Box::new(Network::of_encoder(name, *encoder, display)?),
        Trained::Classifier(classifier) => Box::new(ClassifierSubject::new(name, *classifier, display)?),
    })
}

impl What {
    /// What it is called by default.
    fn name(&self) -> String {
        let of_path = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self {
            Self::Measurements => MEASUREMENTS.to_owned(),
            Self::Trained(path) => of_path(path),
            Self::Random(path) => {
                let name = of_path(path);
                format!("random-{}", name.strip_suffix(".toml").unwrap_or(&name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Result<Vec<String>> {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        Ok(SubjectName::with_baselines(&texts)?.into_iter().map(|subject| subject.name).collect())
    }

    #[test]
    fn baselines_stand_in_every_table_once() {
        assert_eq!(names(&["runs/a", "runs/b@last"]).unwrap(), ["a", "b@last", "random-a", "measurements"]);
        assert_eq!(names(&["x=runs/a", "random:runs/b"]).unwrap(), ["x", "random-b", "measurements"]);
        assert_eq!(names(&["measurements"]).unwrap(), ["measurements"]);
        assert_eq!(
            names(&["random:experiments/quickstart.toml", "m=measurements"]).unwrap(),
            ["random-quickstart", "m"]
        );
    }

    #[test]
    fn names_are_plain_and_different() {
        for texts in [["runs/a", "other/a"], ["x y=runs/a", "runs/b"], ["..=runs/a", "runs/b"]] {
            let error = names(&texts).unwrap_err();
            assert!(error.to_string().contains("NAME=SUBJECT"), "{error}");
        }
    }
}
