//! From recordings and texts to embeddings: the only part of this crate that runs a model.

use candle_core::{DType, Device, Tensor};
use einthoven_corpus::Loader;
use einthoven_models::{Tokenizer, Towers};
use einthoven_signal::{InputContract, Record};

use crate::embeddings::Embeddings;
use crate::error::{Error, Result};

/// Texts and recordings that go through the model at once.
const BATCH: usize = 32;

/// The embeddings of a loader's records, in the dataset's order.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// The records' ids.
    pub ids: Vec<String>,
    /// Their indices in the loader's dataset.
    pub indices: Vec<usize>,
    /// Their captions.
    pub captions: Vec<String>,
    /// Their embeddings, of length one.
    pub embeddings: Embeddings,
}

/// Embeds every record that the loader holds, without augmentation; `seen` hears how many are done.
pub fn signals(model: &dyn Towers, loader: &Loader, mut seen: impl FnMut(usize)) -> Result<Embedded> {
    let (mut ids, mut indices, mut captions) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = Rows::new(model);
    for batch in loader.in_order() {
        let batch = batch?;
        let shape = (batch.len(), batch.leads, batch.samples);
        let signals = Tensor::from_vec(batch.signals, shape, &Device::Cpu)?;
        rows.push(&model.encode_signals(&signals, Some(&batch.valid))?)?;
        ids.extend(batch.ids);
        indices.extend(batch.indices);
        captions.extend(batch.captions);
        seen(ids.len());
    }
    Ok(Embedded { ids, indices, captions, embeddings: rows.finish()? })
}

/// Embeds recordings from anywhere, each prepared by the contract that the model was trained with.
///
/// Fails with the name of the first recording that the contract refuses.
pub fn records(model: &dyn Towers, contract: &InputContract, records: &[(String, Record)]) -> Result<Embeddings> {
    let mut rows = Rows::new(model);
    for batch in records.chunks(BATCH) {
        let mut signals = Vec::with_capacity(batch.len() * contract.leads.len() * contract.samples);
        let mut valid = Vec::with_capacity(batch.len());
        for (name, record) in batch {
            let prepared = contract
                .prepare(record)
                .map_err(|source| Error::Record { record: name.clone(), source: Box::new(source) })?;
            signals.extend(prepared.samples);
            valid.push(prepared.valid);
        }
        let signals = Tensor::from_vec(signals, (batch.len(), contract.leads.len(), contract.samples), &Device::Cpu)?;
        rows.push(&model.encode_signals(&signals, Some(&valid))?)?;
    }
    rows.finish()
}

/// Embeds texts, each cut to `max_tokens`; the embeddings come in the order of the texts.
pub fn texts(model: &dyn Towers, tokenizer: &Tokenizer, texts: &[String], max_tokens: usize) -> Result<Embeddings> {
    let mut rows = Rows::new(model);
    for batch in texts.chunks(BATCH) {
        rows.push(&model.encode_texts(&tokenizer.encode_batch(batch, max_tokens)?)?)?;
    }
    rows.finish()
}

/// Embeddings as they come from the model.
struct Rows {
    width: usize,
    data: Vec<f32>,
}

impl Rows {
    fn new(model: &dyn Towers) -> Self {
        Self { width: model.latents(), data: Vec::new() }
    }

    /// Appends `[batch, width]`.
    fn push(&mut self, embeddings: &Tensor) -> Result<()> {
        self.data.extend(embeddings.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }

    fn finish(self) -> Result<Embeddings> {
        Embeddings::new(self.data.len() / self.width, self.width, self.data)
    }
}
