//! What the caption loss teaches, on a toy where the signal alone determines the caption.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use candle_core::{DType, Device, Tensor};
use common::scalar;
use einthoven_models::{
    BertConfig, Captions, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, LossWeights, Mode, SignalConfig,
    TokenBatch,
};
use einthoven_nn::{AdamW, AdamWConfig, ParameterGroup, Parameters, Pass, backward};
use einthoven_random::Streams;

const KINDS: usize = 8;
const LEN: usize = 8;

/// One recording of each kind: a wave of its own frequency.
fn signals(phase: f64) -> Tensor {
    let wave = (0..KINDS).flat_map(|kind| {
        (0..2 * 320).map(move |i| {
            let t = (i % 320) as f64;
            ((0.05 + 0.04 * kind as f64) * t + phase + (i / 320) as f64).sin() as f32
        })
    });
    Tensor::from_iter(wave, &Device::Cpu).unwrap().reshape((KINDS, 2, 320)).unwrap()
}

/// The caption of each kind, unlike any other from the first token on.
fn captions() -> TokenBatch {
    let texts = (0..KINDS as u32).map(|kind| {
        let words = (0..LEN as u32 - 2).map(move |place| 5 + (kind * 5 + place * (kind + 1)) % 24);
        std::iter::once(2).chain(words).chain(std::iter::once(3)).collect::<Vec<u32>>()
    });
    let texts: Vec<Vec<u32>> = texts.collect();
    TokenBatch::new(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

/// Trains on the caption loss alone; returns it with the true signals and with each caption given another's signal.
fn caption_loss_after_training(mode: Mode) -> (f64, f64) {
    let config = EsiConfig {
        mode,
        leads: 2,
        signal: SignalConfig::ConvNext(ConvNextConfig {
            size: ConvNextSize::Custom { depths: [1; 4], widths: [8, 16, 16, 24] },
            norm: None,
        }),
        text: BertConfig {
            vocab_size: 32,
            hidden_size: 32,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 64,
            max_position_embeddings: 16,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            ..BertConfig::default()
        },
        decoder: DecoderConfig { depth: 2, heads: 2, dim_head: 16, ff_mult: 2 },
        latents: 16,
        signal_tokens: 4,
        ..EsiConfig::default()
    };
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(4));
    let model = Esi::new(&config, &parameters.root()).unwrap();
    let group = ParameterGroup { parameters: parameters.trainable(), weight_decay: 0.01, learning_rate_scale: 1.0 };
    let mut optimizer = AdamW::new(vec![group], AdamWConfig::default()).unwrap();
    let weights = LossWeights { contrastive: 0.0, caption: 1.0 };
    let tokens = captions();
    let loss = |signals: &Tensor| {
        let features = model.features(signals, None, usize::MAX, &Pass::evaluate()).unwrap();
        model.losses(&features, Captions::new(&tokens), weights, &Pass::evaluate()).unwrap()
    };
    for step in 0..200 {
        let losses = loss(&signals(0.3 * step as f64));
        optimizer.step(&backward(&losses.total).unwrap(), 3e-3).unwrap();
    }
    let fresh = signals(0.11);
    let other: Vec<u32> = (0..KINDS as u32).map(|kind| (kind + 1) % KINDS as u32).collect();
    let shuffled = fresh.index_select(&Tensor::new(other, &Device::Cpu).unwrap(), 0).unwrap();
    (scalar(&loss(&fresh).caption.unwrap()), scalar(&loss(&shuffled).caption.unwrap()))
}

#[test]
fn the_corrected_caption_loss_needs_the_signal_and_the_published_one_does_not() {
    let (with, without) = caption_loss_after_training(Mode::Corrected);
    println!("corrected: {with:.4} with the true signal, {without:.4} with another");
    assert!(with < 0.2 && without > 10.0 * with, "{with} and {without}");
    let (with, without) = caption_loss_after_training(Mode::Paper);
    println!("paper: {with:.4} with the true signal, {without:.4} with another");
    assert!(without < 2.0 * with, "{with} and {without}");
}
