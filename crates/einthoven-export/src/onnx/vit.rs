//! [`Vit`](einthoven_models::Vit) as nodes.

use einthoven_models::VitConfig;

use super::attention::attend;
use super::encoder::Features;
use super::graph::{Graph, Value};
use super::layers::{Signal, Walk, add, conv, gelu, layer_norm, linear, slice, turn};
use super::padding::{Steps, mean_over_time};
use crate::{Error, Result};

const EPS: f64 = 1e-5;
/// Width of a head.
const HEAD: usize = 64;

/// The whole encoder; padding is no part of what is attended to and pooled.
pub fn features(graph: &mut Graph, x: Signal, config: &VitConfig, prefix: &str, padded: bool) -> Result<Features> {
    let tokens = conv(graph, &x, &format!("{prefix}to_patch_embedding."), false, Walk::new(config.patch, 0))?;
    if tokens.time > config.positions {
        let message = format!("{} samples, the model takes {} at most", x.time, config.positions * config.patch);
        return Err(Error::Contract { message });
    }
    let steps = padded.then(|| Steps::begun(graph, config.patch, tokens.time));
    let table = graph.parameter(&format!("{prefix}pos_embedding"))?;
    let places = slice(graph, &table, 1, 0, tokens.time);
    let hidden = turn(graph, &tokens.value);
    let mut hidden = add(graph, &hidden, &places);
    for index in 0..config.depth {
        hidden = block(graph, &hidden, config, steps.as_ref(), &format!("{prefix}block{index}."))?;
    }
    let sequence = Signal { value: turn(graph, &hidden), ..tokens };
    let mean = mean_over_time(graph, &sequence, steps.as_ref());
    let pooled = layer_norm(graph, &mean, &format!("{prefix}norm."), EPS)?;
    Ok(Features { width: config.width, sequence, steps, pooled })
}

fn block(graph: &mut Graph, hidden: &Value, config: &VitConfig, steps: Option<&Steps>, prefix: &str) -> Result<Value> {
    let normed = layer_norm(graph, hidden, &format!("{prefix}attn.norm."), EPS)?;
    let joint = linear(graph, &normed, &format!("{prefix}attn.fn.to_qkv."), true)?;
    let [queries, keys, values] = graph.split(&joint, 2, [config.heads * HEAD; 3]);
    let attended = attend(graph, [&queries, &keys, &values], config.heads, HEAD, steps);
    let attended = linear(graph, &attended, &format!("{prefix}attn.fn.to_out.0."), true)?;
    let hidden = add(graph, &attended, hidden);
    let normed = layer_norm(graph, &hidden, &format!("{prefix}ff.norm."), EPS)?;
    let wide = linear(graph, &normed, &format!("{prefix}ff.fn.net.0."), true)?;
    let wide = gelu(graph, &wide);
    let fed = linear(graph, &wide, &format!("{prefix}ff.fn.net.3."), true)?;
    Ok(add(graph, &fed, &hidden))
}
