use serde::{Deserialize, Serialize};

use crate::{Error, Result, SignalConfig};

/// The shape of a [`Classifier`](super::Classifier), its leads and classes apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// The signal encoder.
    pub signal: SignalConfig,
    /// What reads the classes off the encoder's pooled vector.
    #[serde(default)]
    pub head: HeadConfig,
    /// The crops that a longer recording is seen in. Absent: it is seen whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<CropConfig>,
}

/// The shape of a classifier's head; the default is one linear layer.
///
/// The head of the PTB-XL benchmark (Strodthoff et al., IEEE JBHI 2021, as fastai makes it) is
/// `{ hidden = [128], batch_norm = true, dropout = 0.5 }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeadConfig {
    /// Widths of the linear layers before the last, a ReLU behind each.
    pub hidden: Vec<usize>,
    /// Whether a batch norm stands before each linear layer.
    pub batch_norm: bool,
    /// Dropout before the last linear layer, from 0 to below 1; half of it before each of the others.
    pub dropout: f64,
}

/// Crops of equal length. Training sees one of each recording, at a random place; a recording is scored by the crops that begin
/// every half a crop and end within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropConfig {
    /// Length in samples, at least 2.
    pub samples: usize,
    /// How the probabilities of the crops become those of the recording.
    #[serde(default)]
    pub combine: Combine,
}

/// How the probabilities of the crops of a recording become its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// The largest, as in the PTB-XL benchmark: what shows in one crop is there.
    #[default]
    Max,
    /// The mean.
    Mean,
}

impl ClassifierConfig {
    pub(super) fn validate(&self, classes: usize) -> Result<()> {
        if classes == 0 {
            return Err(Error::config("classes", "must be at least 1"));
        }
        if self.head.hidden.contains(&0) {
            return Err(Error::config("head.hidden", "every layer needs at least one channel"));
        }
        if !(0.0..1.0).contains(&self.head.dropout) {
            return Err(Error::config("head.dropout", "must be from 0 to below 1"));
        }
        if self.crop.is_some_and(|crop| crop.samples < 2) {
            return Err(Error::config("crop.samples", "must be at least 2"));
        }
        Ok(())
    }
}

impl CropConfig {
    /// Where the crops of a recording of so many samples begin: one at 0 at least.
    pub fn starts(&self, samples: usize) -> impl Iterator<Item = usize> + use<> {
        let last = samples.saturating_sub(self.samples);
        (0..=last).step_by((self.samples / 2).max(1))
    }
}
