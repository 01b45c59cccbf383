//! What the PyTorch side of a step gets, and whether it computes the same from it.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor, safetensors::load};
use einthoven::models::SignalConfig;
use serde_json::json;

use crate::peer::Peer;
use crate::side::Side;
use crate::{Result, worker};

/// The most that two sides may differ, relative to the largest value.
pub const TOLERANCE: f64 = 1e-4;

/// The same where one of them rounds to the 8 significant bits of bf16.
pub const ROUNDED_TOLERANCE: f64 = 2e-2;

/// Leaves weights and batch of `side` in `folder`, as `pytorch/step.py` reads them.
pub fn hand_over(side: &Side, folder: &Path) -> Result<()> {
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

/// Fails unless both sides found the same losses and embeddings for the untouched weights, up to `tolerance`.
pub fn compare(ours: &Peer, theirs: &Peer, folder: &Path, tolerance: f64) -> Result<()> {
    for name in ["contrastive", "caption"] {
        let (ours, theirs) = (ours.number(name)?, theirs.number(name)?);
        let off = (ours - theirs).abs() / theirs.abs();
        if off.is_nan() || off > tolerance {
            return Err(format!("{name} loss: Einthoven {ours}, PyTorch {theirs}").into());
        }
    }
    compare_embeddings(folder, tolerance)
}

/// Fails unless both sides left the same embeddings, or cosines, in `folder`, up to `tolerance`.
pub fn compare_embeddings(folder: &Path, tolerance: f64) -> Result<()> {
    let embeddings = |file: &str| -> Result<Tensor> {
        let mut tensors = load(folder.join(file), &Device::Cpu)?;
        Ok(tensors.remove("embeddings").ok_or_else(|| format!("{file} lacks the embeddings"))?)
    };
    let off = difference(&embeddings(worker::EMBEDDINGS)?, &embeddings("pytorch.safetensors")?)?;
    if off.is_nan() || off > tolerance {
        return Err(format!("the embeddings of the two sides differ by {off:.1e} of the largest").into());
    }
    Ok(())
}

/// The largest difference of two tensors relative to the largest value of the second.
pub fn difference(ours: &Tensor, theirs: &Tensor) -> Result<f64> {
    let largest = |tensor: &Tensor| -> Result<f64> { Ok(tensor.abs()?.max_all()?.to_scalar::<f32>()?.into()) };
    Ok(largest(&(ours - theirs)?)? / largest(theirs)?)
}
