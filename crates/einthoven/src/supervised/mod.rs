//! Supervised training: a classifier of the labels of a dataset, from new weights or from an encoder that another run or an
//! import has trained.

mod classifier;
mod data;
mod experiment;
mod finetune;
mod judge;
mod lesson;
mod start;
#[cfg(test)]
mod tests;

pub use classifier::Classifier;
pub use data::LabelledData;
pub use experiment::{ClassifierTable, SupervisedEvaluate, SupervisedExperiment};
pub use finetune::{Finetuned, find_classifier_batch_size, finetune};
pub(crate) use lesson::{Taught, teach};
pub(crate) use start::Start;

pub use judge::{ClassifierJudgement, LabelledRecords, judge_classifier};
