//! Trained networks of every kind, opened from their folders.

use std::path::Path;

use einthoven_eval::{Embeddings, embed};
use einthoven_nn::Parameters;
use einthoven_signal::{InputContract, Record};

use crate::fingerprint::fingerprint;
use crate::{Classifier, Encoder, Error, Model, Result};

/// What the folder of a run, of a checkpoint or of an import holds.
#[derive(Debug)]
pub enum Trained {
    /// A pretrained model.
    Model(Box<Model>),
    /// An imported encoder.
    Encoder(Box<Encoder>),
    /// A classifier.
    Classifier(Box<Classifier>),
}

impl Trained {
    /// Opens a run folder (its best checkpoint, else its last; `RUN@last` and `RUN@best` choose), a checkpoint folder or the folder of an
    /// import.
    ///
    /// # Errors
    /// Names the file that is missing, cut short, or from another version.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(if Encoder::is_at(path) {
            Self::Encoder(Box::new(Encoder::open(path)?))
        } else if Classifier::is_at(path) {
            Self::Classifier(Box::new(Classifier::open(path)?))
        } else {
            Self::Model(Box::new(Model::open(path)?))
        })
    }

    /// Embeds recordings of any leads, rate and length that the input contract can prepare.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        match self {
            Self::Model(model) => model.embed(records),
            Self::Encoder(encoder) => encoder.embed(records),
            Self::Classifier(classifier) => classifier.embed(records),
        }
    }

    /// Embeds texts into the space of the recordings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a network that reads no texts.
    pub fn embed_texts(&self, texts: &[String]) -> Result<Embeddings> {
        match self {
            Self::Model(model) => {
                Ok(embed::texts(&model.network, &model.tokenizer, texts, model.experiment.train.max_tokens)?)
            }
            Self::Encoder(encoder) => {
                let message = "is a signal encoder without a text tower, which answers no texts";
                Err(Error::setting(encoder.system.clone(), message))
            }
            Self::Classifier(classifier) => {
                let message = "is a classifier, which reads no texts";
                Err(Error::setting(classifier.experiment.name.clone(), message))
            }
        }
    }

    /// SHA-256 of all that decides its embeddings: its input contract and its weights.
    ///
    /// # Errors
    /// [`Error::Setting`] if its contract cannot be written as JSON.
    pub fn fingerprint(&self) -> Result<String> {
        let (contract, parameters): (&InputContract, &Parameters) = match self {
            Self::Model(model) => (model.checkpoint.contract(), &model.parameters),
            Self::Encoder(encoder) => (&encoder.contract, &encoder.parameters),
            Self::Classifier(classifier) => (classifier.contract(), &classifier.parameters),
        };
        fingerprint(contract, &[parameters])
    }
}
