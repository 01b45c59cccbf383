use std::collections::HashMap;

use candle_core::Tensor;

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

fn is_constant(name: &str) -> bool {
    let of_norm = |name: &str| name.strip_suffix(".beta").is_some_and(|path| !path.ends_with(".grn") && path != "grn");
    let endings = [".inv_freq", ".position_ids", ".token_type_ids", ".num_batches_tracked"];
    of_norm(name) || endings.iter().any(|ending| name.ends_with(ending))
}
