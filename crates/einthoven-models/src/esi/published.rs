use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Tensor};

use crate::Result;

/// What a published decoder's rotary embeddings count from.
const ROTARY_BASE: f64 = 10_000.0;

/// The tensors of a published ESI checkpoint under the names that this crate's parameters have.
///
/// A published state dict holds some tensors twice (the text encoder as `unimodal_layers.*`, residual paths as `convpath`) and constants that
/// are no parameters here (zero `beta` buffers of the decoder's norms, rotary frequencies, position indices, batch counters).
/// The copies are renamed or dropped, the constants dropped.
pub fn canonical_names(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let mut named = HashMap::with_capacity(tensors.len());
    let mut copies = Vec::new();
    for (name, tensor) in tensors {
        if is_constant(&name) {
            continue;
        }
        if let Some(rest) = name.strip_prefix("unimodal_layers.") {
            copies.push((format!("pretrained_text_encoder.{rest}"), tensor));
        } else if let Some((block, rest)) = name.split_once(".convpath.0.") {
            copies.push((format!("{block}.convs.{rest}"), tensor));
        } else {
            named.insert(name, tensor);
        }
    }
    for (name, tensor) in copies {
        named.entry(name).or_insert(tensor);
    }
    named
}

/// The way back: the parameters of a `paper` model with the constants that a published state dict holds beside them, but without its
/// copies.
///
/// # Errors
/// Fails when the tensor library does.
pub fn published_names(parameters: &BTreeMap<String, Tensor>) -> Result<BTreeMap<String, Tensor>> {
    let mut named = parameters.clone();
    for (name, tensor) in parameters {
        if let Some(path) = name.strip_suffix(".gamma") {
            named.entry(format!("{path}.beta")).or_insert(tensor.zeros_like()?);
        }
        // Keys and values of one head: the width of a head, twice.
        if let Some(layer) = name.strip_suffix(".1.fn.to_kv.weight") {
            let half = tensor.dim(0)? / 4;
            let frequencies = (0..half).map(|index| 1.0 / ROTARY_BASE.powf(index as f64 / half as f64));
            let frequencies = Tensor::from_iter(frequencies, tensor.device())?.to_dtype(DType::F32)?;
            named.insert(format!("{layer}.0.fn.rotary_emb.inv_freq"), frequencies);
        }
    }
    Ok(named)
}

fn is_constant(name: &str) -> bool {
    let of_norm = |name: &str| name.strip_suffix(".beta").is_some_and(|path| !path.ends_with(".grn") && path != "grn");
    let endings = [".inv_freq", ".position_ids", ".token_type_ids", ".num_batches_tracked"];
    of_norm(name) || endings.iter().any(|ending| name.ends_with(ending))
}
