//! One training step of ESI, in Einthoven and in PyTorch, in turns.
//!
//! Both sides start from the same weights and take the same batch; their losses are compared before anything is timed. A round is one
//! step of each, so that whatever else the machine does hits both alike; medians and their ratio are printed.

mod twin;

use std::error::Error;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use clap::Parser;
use einthoven::models::{
    BertConfig, Captions, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, LossWeights, Mode, SignalConfig,
    TokenBatch,
};
use einthoven::nn::{AdamW, AdamWConfig, ParameterGroup, Parameters, Pass, backward};
use einthoven::random::Streams;
use rand::RngExt;
use rand_distr::StandardNormal;
use twin::Twin;

/// As in the `einthoven` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` in mimalloc.h.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Compare a training step of ESI (atto encoder, MiniLM-size text encoder) with PyTorch.
#[derive(Debug, Parser)]
struct Options {
    /// Records in a batch
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Samples of each of the 12 leads
    #[arg(long, default_value_t = 5000)]
    samples: usize,
    /// Tokens of each caption
    #[arg(long, default_value_t = 96)]
    tokens: usize,
    /// Blocks of the captioning decoder
    #[arg(long, default_value_t = 2)]
    decoder: usize,
    /// Rounds that are timed, after two that are not
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Threads on both sides
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Python with torch, transformers and safetensors
    #[arg(long, default_value = "python3")]
    python: String,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A model with its optimiser and a batch.
struct Side {
    model: Esi,
    parameters: Parameters,
    optimizer: AdamW,
    signals: Tensor,
    tokens: TokenBatch,
}

impl Side {
    fn new(options: &Options, mode: Mode) -> Result<Self> {
        let streams = Streams::new(1);
        let parameters = Parameters::new(DType::F32, &Device::Cpu, streams);
        let config = EsiConfig {
            mode,
            signal: SignalConfig::ConvNext(ConvNextConfig { size: ConvNextSize::Atto, norm: None }),
            text: BertConfig {
                vocab_size: 30522,
                hidden_size: 384,
                num_hidden_layers: 6,
                num_attention_heads: 12,
                intermediate_size: 1536,
                ..BertConfig::default()
            },
            decoder: DecoderConfig { depth: options.decoder, ..DecoderConfig::default() },
            latents: 384,
            ..EsiConfig::default()
        };
        let model = Esi::new(&config, &parameters.root())?;
        let mut stream = streams.stream("batch", &[]);
        let shape = (options.batch, 12, options.samples);
        let signals: Vec<f32> =
            (0..options.batch * 12 * options.samples).map(|_| stream.sample(StandardNormal)).collect();
        let ids: Vec<u32> = (0..options.batch * options.tokens).map(|_| stream.random_range(1000..30000)).collect();
        let tokens = TokenBatch::new(&ids.chunks(options.tokens.max(1)).collect::<Vec<_>>())?;
        let optimizer = AdamW::new(
            vec![ParameterGroup { parameters: parameters.trainable(), weight_decay: 0.01, learning_rate_scale: 1.0 }],
            AdamWConfig::default(),
        )?;
        let signals = Tensor::from_vec(signals, shape, &Device::Cpu)?;
        Ok(Self { model, parameters, optimizer, signals, tokens })
    }

    fn losses(&self) -> Result<(f64, f64, Tensor)> {
        let pass = Pass::evaluate();
        let captions = Captions::new(&self.tokens);
        let losses = self.model.losses(&self.signals, None, captions, LossWeights::default(), &pass)?;
        let value =
            |loss: Option<Tensor>| -> Result<f64> { Ok(loss.ok_or("a loss is missing")?.to_scalar::<f32>()?.into()) };
        Ok((value(losses.contrastive)?, value(losses.caption)?, losses.total))
    }

    /// One training step; its duration in seconds.
    fn step(&mut self) -> Result<f64> {
        let start = Instant::now();
        let (_, _, total) = self.losses()?;
        let gradients = backward(&total)?;
        self.optimizer.step(&gradients, 1e-4)?;
        Ok(start.elapsed().as_secs_f64())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Peak memory of this process in MiB, as Linux tells it.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn main() -> Result<()> {
    let options = Options::parse();
    // SAFETY: no other thread runs yet.
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", options.threads.to_string());
        // As in the `einthoven` command.
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    let mut paper = Side::new(&options, Mode::Paper)?;
    let mut twin = Twin::start(&options.python, options.threads, &paper)?;
    let (contrastive, caption, _) = paper.losses()?;
    for (name, ours, theirs) in [("contrastive", contrastive, twin.contrastive), ("caption", caption, twin.caption)] {
        let off = (ours - theirs).abs() / theirs.abs();
        println!("{name} loss: Einthoven {ours:.6}, PyTorch {theirs:.6} (relative difference {off:.1e})");
        if off > 1e-4 {
            return Err(format!("the two sides do not compute the same {name} loss").into());
        }
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds + 2 {
        let (a, b) = (paper.step()?, twin.step()?);
        if round >= 2 {
            ours.push(a);
            theirs.push(b);
        }
    }
    let peak = peak_mib();
    drop(paper);
    let mut corrected = Side::new(&options, Mode::Corrected)?;
    let mut default_mode = Vec::new();
    for round in 0..options.rounds + 2 {
        let (a, _) = (corrected.step()?, twin.step()?);
        if round >= 2 {
            default_mode.push(a);
        }
    }
    let (torch, torch_peak) = twin.finish()?;
    let (ours, theirs, default_mode) = (median(ours), median(theirs), median(default_mode));
    println!(
        "a training step, batch {} of 12 x {}, {} tokens, {} threads, median of {} rounds:",
        options.batch, options.samples, options.tokens, options.threads, options.rounds
    );
    println!("  PyTorch {torch}                 {:8.1} ms   peak {torch_peak:.0} MiB", 1e3 * theirs);
    println!("  Einthoven, the same computation {:8.1} ms   peak {:.0} MiB", 1e3 * ours, peak.unwrap_or(f64::NAN));
    println!("  Einthoven, corrected mode       {:8.1} ms", 1e3 * default_mode);
    println!("  PyTorch / Einthoven             {:8.2}", theirs / ours);
    Ok(())
}
