//! [`Wav2Vec2`](einthoven_models::Wav2Vec2) as nodes.

use einthoven_models::Wav2Vec2Config;

use super::attention::attend;
use super::encoder::Features;
use super::graph::{Graph, Setting, Value, ints};
use super::layers::{Signal, Walk, add, conv, convolve, gain_norm, gelu, layer_norm, linear, reshape, slice, turn};
use super::padding::{Steps, mean_over_time};
use crate::Result;

const EPS: f64 = 1e-5;

/// The whole encoder; padding is no part of what is attended to and pooled.
pub fn features(graph: &mut Graph, x: Signal, config: &Wav2Vec2Config, prefix: &str, padded: bool) -> Result<Features> {
    let extracted = extract(graph, x, config, prefix)?;
    let steps = padded.then(|| Steps::whole(graph, 1 << config.convolutions, extracted.time));
    let features = turn(graph, &extracted.value);
    let mut features = layer_norm(graph, &features, &format!("{prefix}layer_norm."), EPS)?;
    if config.channels != config.width {
        features = linear(graph, &features, &format!("{prefix}post_extract_proj."), true)?;
    }
    let signal = Signal { value: turn(graph, &features), channels: config.width, time: extracted.time };
    let places = positions(graph, &signal, config, &format!("{prefix}conv_pos.pos_conv.0."))?;
    let places = gelu(graph, &places);
    let places = turn(graph, &places);
    let placed = add(graph, &features, &places);
    let mut hidden = layer_norm(graph, &placed, &format!("{prefix}encoder.layer_norm."), EPS)?;
    for index in 0..config.depth {
        hidden = layer(graph, &hidden, config, steps.as_ref(), &format!("{prefix}encoder.layers.{index}."))?;
    }
    let sequence = Signal { value: turn(graph, &hidden), ..signal };
    let pooled = mean_over_time(graph, &sequence, steps.as_ref());
    Ok(Features { width: config.width, sequence, steps, pooled })
}

/// The convolutions, of which the first is followed by a norm of each channel over time.
fn extract(graph: &mut Graph, x: Signal, config: &Wav2Vec2Config, prefix: &str) -> Result<Signal> {
    let mut x = x;
    for index in 0..config.convolutions {
        let place = format!("{prefix}feature_extractor.conv_layers.{index}.");
        x = conv(graph, &x, &format!("{place}0."), false, Walk::new(2, 0))?;
        if index == 0 {
            let ones = graph.ones(x.time);
            let normed = gain_norm(graph, &x.value, &ones);
            let [weight, bias] = ["weight", "bias"].map(|name| -> Result<Value> {
                let parameter = graph.parameter(&format!("{place}2.{name}"))?;
                Ok(reshape(graph, &parameter, &[-1, 1]))
            });
            let scaled = graph.node("Mul", &[&normed, &weight?], &[]);
            x.value = add(graph, &scaled, &bias?);
        }
        x.value = gelu(graph, &x.value);
    }
    Ok(x)
}

/// A grouped convolution whose weight is a length for each tap and a direction.
fn positions(graph: &mut Graph, x: &Signal, config: &Wav2Vec2Config, prefix: &str) -> Result<Value> {
    let kernel = config.position_kernel;
    let lengths = graph.parameter(&format!("{prefix}parametrizations.weight.original0"))?;
    let directions = graph.parameter(&format!("{prefix}parametrizations.weight.original1"))?;
    let norms = graph.node("ReduceL2", &[&directions], &[("axes", ints(&[0, 1])), ("keepdims", Setting::Int(1))]);
    let scales = graph.node("Div", &[&lengths, &norms], &[]);
    let weight = graph.node("Mul", &[&directions, &scales], &[]);
    let bias = graph.parameter(&format!("{prefix}bias"))?;
    let walk = Walk { groups: config.position_groups, ..Walk::new(1, kernel / 2) };
    let y = convolve(graph, x, &weight, [config.width, kernel], Some(&bias), walk);
    // An even kernel gives one step too many.
    Ok(if y.time == x.time { y.value } else { slice(graph, &y.value, 2, 0, x.time) })
}

fn layer(
    graph: &mut Graph,
    hidden: &Value,
    config: &Wav2Vec2Config,
    steps: Option<&Steps>,
    prefix: &str,
) -> Result<Value> {
    let [queries, keys, values] =
        ["q", "k", "v"].map(|part| linear(graph, hidden, &format!("{prefix}self_attn.{part}_proj."), true));
    let width = config.width / config.heads;
    let attended = attend(graph, [&queries?, &keys?, &values?], config.heads, width, steps);
    let attended = linear(graph, &attended, &format!("{prefix}self_attn.out_proj."), true)?;
    let sum = add(graph, &attended, hidden);
    let hidden = layer_norm(graph, &sum, &format!("{prefix}self_attn_layer_norm."), EPS)?;
    let wide = linear(graph, &hidden, &format!("{prefix}fc1."), true)?;
    let wide = gelu(graph, &wide);
    let fed = linear(graph, &wide, &format!("{prefix}fc2."), true)?;
    let sum = add(graph, &fed, &hidden);
    layer_norm(graph, &sum, &format!("{prefix}final_layer_norm."), EPS)
}
