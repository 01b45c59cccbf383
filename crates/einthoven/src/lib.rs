//! Einthoven pretrains models that understand ECGs through words.
//!
//! This crate is the front door: the library's face, and what the `einthoven` command does.
//!
//! - [`signal`]: recordings, file formats, the input contract, the simulator, drawing
//! - [`corpus`]: datasets, labels, captions, the loader
//! - [`caption`]: the knowledge base, language models, the store of descriptions
//! - [`nn`]: differentiable operations, the optimiser
//! - [`models`]: signal encoders, text encoder, ESI
//! - [`train`]: the trainer, checkpoints, logs
//! - [`eval`]: metrics, zero-shot, linear probes, retrieval, queries, versioned protocols, reports
//! - [`export`]: models for other programs: ONNX, PyTorch
//! - [`hub`]: publishing models and pulling them
//!
//! An [`Experiment`] says all of a run; [`pretrain`] carries it out; a [`Model`] opens what comes out. Of a classifier the same do a
//! [`SupervisedExperiment`], [`finetune`] and a [`Classifier`]. [`Trained`] opens any of them, and imports; a [`Pair`] answers texts.

mod assemble;
mod assistant;
mod embedded;
mod encoder;
mod error;
mod experiment;
mod exporting;
mod files;
mod fingerprint;
mod import;
mod judge;
mod model;
mod model_card;
mod overrides;
mod pair;
mod pretrain;
mod probe;
mod protocol;
mod provenance;
mod publish;
mod publishable;
mod recording;
pub mod report;
mod run;
mod search;
mod subjects;
mod supervised;
mod trained;

pub use einthoven_caption as caption;
pub use einthoven_corpus as corpus;
pub use einthoven_eval as eval;
pub use einthoven_export as export;
pub use einthoven_hub as hub;
pub use einthoven_models as models;
pub use einthoven_nn as nn;
pub use einthoven_random as random;
pub use einthoven_signal as signal;
pub use einthoven_train as train;

pub use assemble::Data;
pub use assistant::{Assistant, AssistantConfig, captions_from_store};
pub use embedded::EmbeddedDataset;
pub use encoder::{Encoder, TextTower};
pub use error::{Error, Result};
pub use experiment::{DataConfig, EvaluateConfig, Experiment, TextConfig};
pub use exporting::Export;
pub use files::write_atomically;
pub use import::{Imported, import_encoder, import_esi, import_merl};
pub use judge::{Judged, Judgement, judge};
pub use model::Model;
pub use overrides::in_data_folder;
pub use pair::Pair;
pub use pretrain::{Outcome, find_batch_size, pretrain};
pub use probe::{Probe, Probed, probe};
pub use protocol::{Progress, evaluate};
pub use publish::{Publication, locate};
pub use recording::Reading;
pub use run::RunOptions;
pub use search::{Hit, Search};
pub use subjects::{ClassifierSubject, Measured, Network, SubjectName};
pub use supervised::{
    Classifier, ClassifierJudgement, ClassifierTable, Finetuned, LabelledData, LabelledRecords, SupervisedEvaluate,
    SupervisedExperiment, find_classifier_batch_size, finetune, judge_classifier,
};
pub use trained::Trained;
