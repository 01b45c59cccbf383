//! Einthoven's side of a step.

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use einthoven::models::{Captions, Esi, LossWeights, Mode, SignalEncoder, TokenBatch};
use einthoven::nn::{AdamW, AdamWConfig, ParameterGroup, Parameters, Pass, backward, linear};
use einthoven::random::Streams;
use rand::RngExt;
use rand_distr::StandardNormal;

use crate::Result;
use crate::sizes::Sizes;

/// Records of a query that go through the model at once, on both sides.
const AT_ONCE: usize = 16;

/// A model with its optimiser and a batch.
pub struct Side {
    pub model: Esi,
    pub parameters: Parameters,
    pub signals: Tensor,
    pub tokens: TokenBatch,
    optimizer: AdamW,
}

impl Side {
    pub fn new(sizes: &Sizes, mode: Mode) -> Result<Self> {
        let streams = Streams::new(1);
        let parameters = Parameters::new(DType::F32, &Device::Cpu, streams);
        let config = sizes.config(mode);
        let model = Esi::new(&config, &parameters.root())?;
        let mut stream = streams.stream("batch", &[]);
        let shape = (sizes.batch, 12, sizes.samples);
        let signals: Vec<f32> = (0..sizes.batch * 12 * sizes.samples).map(|_| stream.sample(StandardNormal)).collect();
        let vocabulary = config.text.vocab_size as u32;
        let ids: Vec<u32> = (0..sizes.batch * sizes.tokens).map(|_| stream.random_range(1000..vocabulary)).collect();
        let tokens = TokenBatch::new(&ids.chunks(sizes.tokens.max(1)).collect::<Vec<_>>())?;
        let optimizer = AdamW::new(
            vec![ParameterGroup { parameters: parameters.trainable(), weight_decay: 0.01, learning_rate_scale: 1.0 }],
            AdamWConfig::default(),
        )?;
        let signals = Tensor::from_vec(signals, shape, &Device::Cpu)?;
        Ok(Self { model, parameters, optimizer, signals, tokens })
    }

    /// How many parameters the signal encoder has.
    pub fn encoder_parameters(&self) -> usize {
        let parameters = self.parameters.trainable().into_iter();
        parameters.filter(|(name, _)| name.starts_with("img_encoder.")).map(|(_, variable)| variable.elem_count()).sum()
    }

    /// The contrastive loss, the caption loss and their sum.
    pub fn losses(&self) -> Result<(f64, f64, Tensor)> {
        let pass = Pass::evaluate();
        let captions = Captions::new(&self.tokens);
        let features = self.model.features(&self.signals, None, usize::MAX, &pass)?;
        let losses = self.model.losses(&features, captions, LossWeights::default(), &pass)?;
        let value =
            |loss: Option<Tensor>| -> Result<f64> { Ok(loss.ok_or("a loss is missing")?.to_scalar::<f32>()?.into()) };
        Ok((value(losses.contrastive)?, value(losses.caption)?, losses.total))
    }

    /// One training step; its duration in seconds.
    pub fn step(&mut self) -> Result<f64> {
        let start = Instant::now();
        let (_, _, total) = self.losses()?;
        let gradients = backward(&total)?;
        self.optimizer.step(&gradients, 1e-4)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Embeddings of the signals, without gradients; the duration in seconds.
    pub fn encode(&self) -> Result<f64> {
        let start = Instant::now();
        self.model.encode_signals(&self.signals, None)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Cosines of all records with the first `texts` texts, `[records, texts]`, without gradients.
    pub fn query(&self, texts: usize) -> Result<Tensor> {
        let rows: Vec<&[u32]> = (0..texts.min(self.tokens.count())).map(|text| self.tokens.row(text)).collect();
        let texts = self.model.encode_texts(&TokenBatch::new(&rows)?)?;
        let records = self.signals.dim(0)?;
        let parts = (0..records).step_by(AT_ONCE).map(|start| -> Result<Tensor> {
            let signals = self.signals.narrow(0, start, AT_ONCE.min(records - start))?;
            Ok(linear(&self.model.encode_signals(&signals, None)?, &texts, None)?)
        });
        Ok(Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// The signal encoder alone, forward and backward; the duration in seconds.
    pub fn encoder(&self) -> Result<f64> {
        let start = Instant::now();
        let pooled = self.model.signal_encoder().forward(&self.signals, None, &Pass::evaluate())?.pooled;
        backward(&pooled.sqr()?.sum_all()?)?;
        Ok(start.elapsed().as_secs_f64())
    }
}
