//! Saliency: which parts of a recording make a text fit it.
//!
//! A part's attribution is how much of the score, the cosine of the recording's and the text's embedding, is owed to it.
//! [Integrated gradients](integrated_gradients()) say it of each sample and add up to the whole; [occlusion](occlusion()) says it of
//! windows, each on its own, and asks the network only for its output. Both compare with a [flat line](flat_line).
//! [Attention](attention()) says of each moment how much of what the network gathers comes from there, whatever the text. They explain
//! what the *network* looks at, which need not be where the finding is.

mod attention;
mod gradients;
mod occlusion;

use std::ops::Range;

use candle_core::{D, DType, Device, Tensor};
use einthoven_models::{Tokenizer, Towers};
use einthoven_signal::draw::Highlights;
use einthoven_signal::{Crop, InputContract, LimbLeads, Pad, Prepared, Record};
use serde::{Deserialize, Serialize};

pub use attention::attention;
pub use gradients::{TOLERANCE, integrated_gradients};
pub use occlusion::occlusion;

use crate::error::{Error, Result, same_length};

/// Seconds that a column of a drawing stands for, where attributions are finer.
const COLUMN: f64 = 0.04;

/// How attributions are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Of each sample, adding up to the difference to a flat line.
    #[default]
    IntegratedGradients,
    /// Of windows, each flattened by itself.
    Occlusion,
    /// Of moments, by the network's attention, whatever the text.
    Attention,
}

/// A recording as a model sees it, beside the flat line that it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// How many leads there are.
    pub leads: usize,
    /// Samples of each.
    pub samples: usize,
    /// Which of them are real; the others are padding.
    pub real: Range<usize>,
    /// `[leads, samples]` in the model's units.
    pub signal: Vec<f32>,
    /// `[leads, samples]`: each lead at its median; the padding as it is.
    pub flat: Vec<f32>,
}

impl Compared {
    /// A recording prepared by the contract, and its flat line.
    ///
    /// # Errors
    /// [`Error::Length`] if the recording was not prepared by this contract.
    pub fn new(contract: &InputContract, prepared: Prepared) -> Result<Self> {
        let (leads, samples) = (contract.leads.len(), contract.samples);
        same_length("samples of the prepared recording", leads * samples, prepared.samples.len())?;
        let before = match contract.pad {
            Pad::End => 0,
            Pad::Both => (samples - prepared.valid) / 2,
        };
        let real = before..before + prepared.valid;
        let flat = flat_line(&prepared.samples, samples, &real);
        Ok(Self { leads, samples, real, signal: prepared.samples, flat })
    }

    /// A batch `[values / (leads · samples), leads, samples]`.
    fn tensor(&self, values: Vec<f32>) -> Result<Tensor> {
        let count = values.len() / (self.leads * self.samples);
        Ok(Tensor::from_vec(values, (count, self.leads, self.samples), &Device::Cpu)?)
    }
}

/// Each lead of `samples` samples at the median of its `real` ones, the zero line of the drawing; other samples stay.
fn flat_line(signal: &[f32], samples: usize, real: &Range<usize>) -> Vec<f32> {
    let mut flat = signal.to_vec();
    for lead in flat.chunks_exact_mut(samples) {
        let mut sorted = lead[real.clone()].to_vec();
        sorted.sort_by(f32::total_cmp);
        if let Some(&median) = sorted.get(sorted.len() / 2) {
            lead[real.clone()].fill(median);
        }
    }
    flat
}

/// What each part of a recording adds to a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// How they were found.
    pub method: Method,
    /// How many leads there are.
    pub leads: usize,
    /// Samples that each value stands for.
    pub window: usize,
    /// `[leads, windows]`; above 0 for what speaks for the text, or shares of the attention.
    pub values: Vec<f64>,
    /// The score of the recording.
    pub score: f64,
    /// The score of the flat line.
    pub flat_score: f64,
}

impl Attribution {
    /// By how much the sum of the values misses the difference of the scores: near 0 for integrated gradients, whose
    /// completeness axiom says so; not for the others.
    pub fn gap(&self) -> f64 {
        self.values.iter().sum::<f64>() - (self.score - self.flat_score)
    }

    /// Sums over windows of `count` values.
    ///
    /// # Errors
    /// [`Error::Explanation`] for 0.
    pub fn pooled(&self, count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::Explanation { what: "the window", expected: "at least one sample", found: "0".into() });
        }
        let lead = (self.values.len() / self.leads).max(1);
        let values = self.values.chunks(lead).flat_map(|lead| lead.chunks(count).map(|part| part.iter().sum()));
        Ok(Self { window: self.window * count, values: values.collect(), ..self.clone() })
    }

    /// The attributions as colours beneath a drawing of the recording, which `contract` prepared.
    ///
    /// # Errors
    /// None that the contract's validation has left.
    pub fn highlights(&self, contract: &InputContract, record: &Record) -> Result<Highlights> {
        let count = (COLUMN * contract.sampling_rate / self.window as f64).round().max(1.0) as usize;
        let pooled = self.pooled(count)?;
        let windows = pooled.values.len() / pooled.leads.max(1);
        let rows = pooled.values.chunks(windows.max(1));
        // Where the first sample of the input lies in the recording.
        let spare = record.duration() - contract.samples as f64 / contract.sampling_rate;
        let start = match (contract.crop, contract.pad) {
            (Crop::Center, _) if spare > 0.0 => spare / 2.0,
            (_, Pad::Both) if spare < 0.0 => spare / 2.0,
            _ => 0.0,
        };
        Ok(Highlights {
            start,
            step: pooled.window as f64 / contract.sampling_rate,
            leads: contract.leads.iter().cloned().zip(rows.map(<[f64]>::to_vec)).collect(),
            meaning: match self.method {
                Method::IntegratedGradients | Method::Occlusion => "change of the cosine",
                Method::Attention => "share of the attention",
            }
            .into(),
        })
    }
}

/// The recording as it is drawn: with the limb leads that the contract had derived.
pub fn drawn(contract: &InputContract, record: &Record) -> Record {
    match contract.limb_leads {
        LimbLeads::Derived => record.clone().with_derived_limb_leads(),
        LimbLeads::Recorded => record.clone(),
    }
}

/// Explains how well `text` fits a recording.
///
/// # Errors
/// [`Error::Record`] if the contract refuses the recording; those of the method.
pub fn explain(
    model: &dyn Towers,
    tokenizer: &Tokenizer,
    contract: &InputContract,
    (name, record): (&str, &Record),
    text: &str,
    max_tokens: usize,
    method: Method,
) -> Result<Attribution> {
    let prepared = contract
        .prepare(record)
        .map_err(|source| Error::Record { record: name.to_owned(), source: Box::new(source) })?;
    let valid = prepared.valid;
    let text = model.encode_texts(&tokenizer.encode_batch(&[text.to_owned()], max_tokens)?)?;
    let score = |signals: &Tensor| -> Result<Tensor> {
        let embeddings = model.signal_embeddings(signals, Some(&vec![valid; signals.dim(0)?]))?;
        Ok(embeddings.broadcast_mul(&text)?.sum(D::Minus1)?)
    };
    let compared = Compared::new(contract, prepared)?;
    match method {
        Method::Attention => {
            let signal = compared.tensor(compared.signal.clone())?;
            let weights = model.attention(&signal, Some(&[valid]))?.ok_or_else(|| Error::Explanation {
                what: "the method",
                expected: "gradients or occlusion, as no attention of this network goes over time",
                found: "attention".into(),
            })?;
            attention(&compared, &weights, score)
        }
        Method::IntegratedGradients => integrated_gradients(&compared, score),
        // Long enough for a QRS complex with its T wave.
        Method::Occlusion => occlusion(&compared, (0.4 * contract.sampling_rate).round().max(1.0) as usize, score),
    }
}

/// Scores as numbers.
fn numbers(scores: &Tensor) -> Result<Vec<f64>> {
    Ok(scores.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}
