//! The PyTorch side: a process that takes one step for every line it is sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use candle_core::{Device, Tensor};
use einthoven::models::SignalConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Result, Side};

/// The process, with the losses it found for the untouched weights.
pub struct Twin {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    torch: String,
    pub contrastive: f64,
    pub caption: f64,
    _folder: TempDir,
}

impl Twin {
    /// Hands weights and batch of `side` over and waits for the first losses.
    pub fn start(python: &str, threads: usize, side: &Side) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        hand_over(side, folder.path())?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch/step.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(folder.path())
            .args(["--threads", &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().ok_or("no pipe to Python")?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no pipe from Python")?).lines();
        let first: Value = serde_json::from_str(&output.next().ok_or("Python ended before its first line")??)?;
        let number = |key: &str| first[key].as_f64().ok_or(format!("Python gave no {key}"));
        Ok(Self {
            torch: first["torch"].as_str().unwrap_or("?").to_owned(),
            contrastive: number("contrastive")?,
            caption: number("caption")?,
            process,
            input,
            output,
            _folder: folder,
        })
    }

    /// One training step; its duration in seconds.
    pub fn step(&mut self) -> Result<f64> {
        writeln!(self.input, "step")?;
        Ok(self.output.next().ok_or("Python ended")??.parse()?)
    }

    /// Ends the process; PyTorch's version and its peak memory in MiB.
    pub fn finish(self) -> Result<(String, f64)> {
        let Self { mut process, input, mut output, torch, .. } = self;
        drop(input);
        let last: Value = serde_json::from_str(&output.next().ok_or("Python ended before its last line")??)?;
        process.wait()?;
        Ok((torch, last["peak_mib"].as_f64().unwrap_or(f64::NAN)))
    }
}

fn hand_over(side: &Side, folder: &Path) -> Result<()> {
    let config = side.model.config();
    let SignalConfig::ConvNext(signal) = &config.signal else { return Err("the twin is a ConvNeXt".into()) };
    let text = &config.text;
    let sizes = json!({
        "dim": text.hidden_size,
        "latents": config.latents,
        "leads": config.leads,
        "depths": signal.size.depths(),
        "widths": signal.size.widths(),
        "depth": config.decoder.depth,
        "heads": config.decoder.heads,
        "dim_head": config.decoder.dim_head,
        "ff_mult": config.decoder.ff_mult,
        "bert": {
            "vocab_size": text.vocab_size,
            "hidden_size": text.hidden_size,
            "num_hidden_layers": text.num_hidden_layers,
            "num_attention_heads": text.num_attention_heads,
            "intermediate_size": text.intermediate_size,
            "max_position_embeddings": text.max_position_embeddings,
            "type_vocab_size": text.type_vocab_size,
            "layer_norm_eps": text.layer_norm_eps,
        },
    });
    std::fs::write(folder.join("config.json"), sizes.to_string())?;
    let weights: BTreeMap<String, Tensor> = side.parameters.tensors();
    safetensors::serialize_to_file(&weights, None, &folder.join("model.safetensors"))?;
    let shape = (side.tokens.count(), side.tokens.padded_len());
    let ids: Vec<i64> = side.tokens.ids().iter().map(|&id| i64::from(id)).collect();
    let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
    let batch = BTreeMap::from([("signals", side.signals.clone()), ("mask", ids.ones_like()?), ("ids", ids)]);
    safetensors::serialize_to_file(&batch, None, &folder.join("batch.safetensors"))?;
    Ok(())
}
