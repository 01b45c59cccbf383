//! A classifier of recordings: any signal encoder with a head for labels that may be true together.

mod config;
mod head;

use candle_core::{DType, Tensor};
use einthoven_nn::{Pass, Scope, without_gradients};

pub use config::{ClassifierConfig, Combine, CropConfig, HeadConfig};
use head::Head;

use crate::{AnyEncoder, ChannelNorm, Error, Result, SignalEncoder, is_decayed};

/// A signal encoder and a head that gives each class a logit.
///
/// With `signal = { kind = "xresnet" }` and the benchmark's [head](HeadConfig) it is xresnet1d101 of the PTB-XL benchmark
/// (Strodthoff et al., IEEE JBHI 2021): its pooled vector is maximum and mean over time. The encoder's parameters are below
/// `encoder.`, the head's below `head.`.
#[derive(Clone, Debug)]
pub struct Classifier {
    config: ClassifierConfig,
    leads: usize,
    classes: usize,
    encoder: AnyEncoder,
    head: Head,
    dtype: DType,
}

impl Classifier {
    /// What the names of the encoder's parameters begin with.
    pub const ENCODER: &'static str = "encoder.";

    /// A classifier with new weights for recordings of `leads` leads.
    ///
    /// # Errors
    /// [`Error::Config`] if the numbers make no model.
    pub fn new(config: &ClassifierConfig, leads: usize, classes: usize, scope: &Scope) -> Result<Self> {
        config.validate(classes)?;
        let encoder = AnyEncoder::new(&config.signal, leads, ChannelNorm::Channels, None, &scope.enter("encoder"))?;
        let head = Head::new(&config.head, encoder.width(), classes, &scope.enter("head"))?;
        Ok(Self { config: config.clone(), leads, classes, encoder, head, dtype: scope.dtype() })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }

    /// Leads of a recording.
    pub fn leads(&self) -> usize {
        self.leads
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The signal encoder.
    pub fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    /// The encoder's pooled vectors of `signals` `[batch, leads, samples]`, seen whole: `[batch, width]`. The first `valid`
    /// samples of each recording are not padding. Only the encoder's uppermost `learning` layers learn, all if there are no more; the
    /// others are [locked](SignalEncoder::forward_locked).
    ///
    /// # Errors
    /// [`Error::Input`] if the signals do not fit the encoder.
    pub fn pooled(&self, signals: &Tensor, valid: Option<&[usize]>, learning: usize, pass: &Pass) -> Result<Tensor> {
        Ok(self.encoder.forward_locked(&signals.to_dtype(self.dtype)?, valid, learning, pass)?.pooled)
    }

    /// What the head makes of pooled vectors `[batch, width]`: logits `[batch, classes]`.
    ///
    /// # Errors
    /// Fails when the vectors have another width.
    pub fn logits(&self, pooled: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.head.forward(pooled, pass)
    }

    /// The probability of each class for `signals` `[batch, leads, samples]`: `[batch · classes]` numbers from 0 to 1, a
    /// recording's side by side. Without gradients; a recording longer than the configured crop is seen in crops.
    ///
    /// # Errors
    /// [`Error::Input`] if the signals do not fit the encoder.
    pub fn probabilities(&self, signals: &Tensor, valid: &[usize]) -> Result<Vec<f64>> {
        let combine = self.config.crop.map(|crop| crop.combine).unwrap_or_default();
        self.over_crops(signals, valid, combine, |pooled| {
            let logits = self.logits(pooled, &Pass::evaluate())?.to_dtype(DType::F64)?;
            let logits: Vec<f64> = logits.flatten_all()?.to_vec1()?;
            Ok(logits.into_iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect())
        })
    }

    /// The pooled vectors of `signals` `[batch, leads, samples]`, `[batch · width]` numbers; their mean over the crops where
    /// a recording is seen in crops. Without gradients.
    ///
    /// # Errors
    /// [`Error::Input`] if the signals do not fit the encoder.
    pub fn embed(&self, signals: &Tensor, valid: &[usize]) -> Result<Vec<f64>> {
        self.over_crops(signals, valid, Combine::Mean, |pooled| {
            Ok(pooled.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
        })
    }

    /// What `read` makes of the pooled vectors of each crop, combined over the crops of a recording.
    fn over_crops(
        &self,
        signals: &Tensor,
        valid: &[usize],
        combine: Combine,
        read: impl Fn(&Tensor) -> Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        let (batch, _, samples) = signals.dims3()?;
        if valid.len() != batch || valid.iter().any(|&count| count > samples) {
            return Err(Error::input("valid samples", format!("{valid:?} do not fit recordings of {samples} samples")));
        }
        without_gradients(|| {
            let Some(crop) = self.config.crop.filter(|crop| crop.samples < samples) else {
                return read(&self.pooled(signals, Some(valid), usize::MAX, &Pass::evaluate())?);
            };
            let mut counts = vec![0.0; batch];
            let mut combined: Vec<f64> = Vec::new();
            for start in crop.starts(samples) {
                let within: Vec<usize> =
                    valid.iter().map(|&count| count.saturating_sub(start).min(crop.samples)).collect();
                // A crop at 0 is always seen, others where they lie within the recording.
                let is_seen = |row: usize| start == 0 || within[row] == crop.samples;
                if !(0..batch).any(is_seen) {
                    break;
                }
                let cropped = signals.narrow(2, start, crop.samples)?.contiguous()?;
                let values = read(&self.pooled(&cropped, Some(&within), usize::MAX, &Pass::evaluate())?)?;
                let width = values.len() / batch;
                combined.resize(values.len(), 0.0);
                for (row, (sums, values)) in combined.chunks_mut(width).zip(values.chunks(width)).enumerate() {
                    if !is_seen(row) {
                        continue;
                    }
                    counts[row] += 1.0;
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        match combine {
                            Combine::Mean => *sum += value,
                            Combine::Max => *sum = sum.max(value),
                        }
                    }
                }
            }
            if combine == Combine::Mean {
                let width = combined.len() / batch.max(1);
                for (sums, count) in combined.chunks_mut(width.max(1)).zip(counts) {
                    sums.iter_mut().for_each(|sum| *sum /= count);
                }
            }
            Ok(combined)
        })
    }

    /// Whether weight decay should act on the parameter of this name, as [`is_decayed`] says for all models.
    pub fn is_decayed(name: &str) -> bool {
        is_decayed(name.strip_prefix(Self::ENCODER).unwrap_or(name))
    }

    /// How many layers of the encoder lie above the one that the parameter of this name belongs to; 0 for the head.
    pub fn layers_above(&self, name: &str) -> usize {
        name.strip_prefix(Self::ENCODER).map_or(0, |name| self.config.signal.layers_above(name))
    }
}
