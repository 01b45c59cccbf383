//! [`Merl`](einthoven_models::Merl) as nodes.

use einthoven_models::{MerlConfig, MerlEncoder};

use super::attention::attend;
use super::encoder::Features;
use super::graph::{Graph, Setting, Value};
use super::layers::{Signal, Walk, add, affine, batch_norm, conv, linear, reshape, slice, turn};
use super::{resnet, vit};
use crate::{Error, Result};

/// Attention heads of the pool.
const HEADS: usize = 4;

/// The whole encoder. The attention pool of a residual network takes no notice of padding.
pub fn features(graph: &mut Graph, x: Signal, config: &MerlConfig, prefix: &str, padded: bool) -> Result<Features> {
    let (below, width) = (format!("{prefix}ecg_encoder."), config.projection);
    match &config.encoder {
        MerlEncoder::ResNet(network) => {
            let sequence = resnet::sequence(graph, &x, network, &below)?;
            let pooled = pool(graph, &sequence, config, prefix)?;
            Ok(Features { sequence, steps: None, pooled, width })
        }
        MerlEncoder::Vit(network) => {
            let features = vit::features(graph, x, network, &below, padded)?;
            let pooled = project(graph, &features.pooled, &format!("{prefix}proj_e."))?;
            Ok(Features { pooled, width, ..features })
        }
    }
}

/// A learned token that attends to all time steps.
fn pool(graph: &mut Graph, sequence: &Signal, config: &MerlConfig, prefix: &str) -> Result<Value> {
    if sequence.time != config.steps {
        let message = format!(
            "{} time steps after the network, the attention pool takes exactly {}",
            sequence.time, config.steps
        );
        return Err(Error::Contract { message });
    }
    let (width, head) = (config.projection, format!("{prefix}att_pool_head."));
    let reduced = conv(graph, sequence, &format!("{prefix}downconv."), true, Walk::new(1, 0))?;
    let reduced = turn(graph, &reduced.value);
    let places = graph.parameter(&format!("{head}positional_embedding"))?;
    let token = graph.parameter(&format!("{head}cls_token"))?;
    // The token has its place added twice, as published: once by itself, once with all others.
    let first = slice(graph, &places, 1, 0, 1);
    let token = add(graph, &token, &first);
    let token = repeated(graph, &token, &reduced);
    let tokens = graph.node("Concat", &[&token, &reduced], &[("axis", Setting::Int(1))]);
    let tokens = add(graph, &tokens, &places);
    let query = slice(graph, &tokens, 1, 0, 1);
    let weight = graph.parameter(&format!("{head}mhsa.in_proj_weight"))?;
    let bias = graph.parameter(&format!("{head}mhsa.in_proj_bias"))?;
    let (weights, biases) = (graph.split(&weight, 0, [width; 3]), graph.split(&bias, 0, [width; 3]));
    let [queries, keys, values] = [(&query, 0), (&tokens, 1), (&tokens, 2)]
        .map(|(x, part)| affine(graph, x, &weights[part], Some(&biases[part])));
    let attended = attend(graph, [&queries, &keys, &values], HEADS, width / HEADS, None);
    let attended = linear(graph, &attended, &format!("{head}mhsa.out_proj."), true)?;
    let out = linear(graph, &attended, &format!("{head}c_proj."), true)?;
    Ok(reshape(graph, &out, &[0, width as i64]))
}

/// `[1, 1, width]` for each recording of `like` `[batch, time, width]`.
fn repeated(graph: &mut Graph, token: &Value, like: &Value) -> Value {
    let one = slice(graph, like, 1, 0, 1);
    let shape = graph.node("Shape", &[&one], &[]);
    graph.node("Expand", &[token, &shape], &[])
}

/// Two layers with batch norms.
fn project(graph: &mut Graph, x: &Value, prefix: &str) -> Result<Value> {
    let hidden = linear(graph, x, &format!("{prefix}0."), true)?;
    let hidden = batch_norm(graph, &hidden, &format!("{prefix}1."))?;
    let hidden = graph.node("Relu", &[&hidden], &[]);
    let y = linear(graph, &hidden, &format!("{prefix}3."), true)?;
    batch_norm(graph, &y, &format!("{prefix}4."))
}
