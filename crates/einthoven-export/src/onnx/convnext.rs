//! [`ConvNext`](einthoven_models::ConvNext) as nodes.

use einthoven_models::{ChannelNorm, ConvNextConfig};

use super::encoder::Features;
use super::graph::{Graph, Setting, Value, ints};
use super::layers::{Signal, Walk, add, conv, gelu, layer_norm, linear, turn};
use super::padding::{Steps, mean_over_time};
use crate::Result;

const EPS: f64 = 1e-6;

/// The whole encoder; with `padded`, padding is no part of what is pooled.
pub fn features(
    graph: &mut Graph,
    x: Signal,
    config: &ConvNextConfig,
    norm: ChannelNorm,
    prefix: &str,
    padded: bool,
) -> Result<Features> {
    let over = config.norm.unwrap_or(norm);
    let mut sequence = x;
    for (stage, depth) in config.size.depths().into_iter().enumerate() {
        sequence = downsample(graph, &sequence, over, stage == 0, &format!("{prefix}downsample_layers.{stage}."))?;
        for index in 0..depth {
            sequence = block(graph, &sequence, &format!("{prefix}stages.{stage}.{index}."))?;
        }
    }
    // A stem of stride 4 and three downsamplings of stride 2.
    let steps = padded.then(|| Steps::begun(graph, 32, sequence.time));
    let mean = mean_over_time(graph, &sequence, steps.as_ref());
    let pooled = layer_norm(graph, &mean, &format!("{prefix}norm."), EPS)?;
    Ok(Features { width: sequence.channels, sequence, steps, pooled })
}

fn downsample(graph: &mut Graph, x: &Signal, over: ChannelNorm, stem: bool, prefix: &str) -> Result<Signal> {
    let normalise = |graph: &mut Graph, x: &Signal, prefix: String| -> Result<Signal> {
        let value = match over {
            ChannelNorm::Time => time_norm(graph, x, &prefix)?,
            ChannelNorm::Channels => {
                let turned = turn(graph, &x.value);
                let normed = layer_norm(graph, &turned, &prefix, EPS)?;
                turn(graph, &normed)
            }
        };
        Ok(Signal { value, ..x.clone() })
    };
    if stem {
        let x = conv(graph, x, &format!("{prefix}0."), true, Walk::new(4, 0))?;
        return normalise(graph, &x, format!("{prefix}1."));
    }
    let x = normalise(graph, x, format!("{prefix}0."))?;
    conv(graph, &x, &format!("{prefix}1."), true, Walk::new(2, 0))
}

/// Each channel over time, divided by its unbiased standard deviation + ε; gain and bias are `[1, channels, 1]`.
fn time_norm(graph: &mut Graph, x: &Signal, prefix: &str) -> Result<Value> {
    let settings = [("axes", ints(&[2])), ("keepdims", Setting::Int(1))];
    let mean = graph.node("ReduceMean", &[&x.value], &settings);
    let centred = graph.node("Sub", &[&x.value, &mean], &[]);
    let length = graph.node("ReduceL2", &[&centred], &settings);
    let (root, eps) = (graph.float((x.time as f64 - 1.0).sqrt()), graph.float(EPS));
    let deviation = graph.node("Div", &[&length, &root], &[]);
    let deviation = add(graph, &deviation, &eps);
    let normed = graph.node("Div", &[&centred, &deviation], &[]);
    let (weight, bias) = (graph.parameter(&format!("{prefix}weight"))?, graph.parameter(&format!("{prefix}bias"))?);
    let scaled = graph.node("Mul", &[&normed, &weight], &[]);
    Ok(add(graph, &scaled, &bias))
}

fn block(graph: &mut Graph, x: &Signal, prefix: &str) -> Result<Signal> {
    let kernel = graph.shape(&format!("{prefix}dwconv.weight"))?.last().copied().unwrap_or(1);
    let walk = Walk { groups: x.channels, ..Walk::new(1, kernel / 2) };
    let y = conv(graph, x, &format!("{prefix}dwconv."), true, walk)?;
    let y = turn(graph, &y.value);
    let y = layer_norm(graph, &y, &format!("{prefix}norm."), EPS)?;
    let y = linear(graph, &y, &format!("{prefix}pwconv1."), true)?;
    let y = gelu(graph, &y);
    let y = global_response(graph, &y, &format!("{prefix}grn."))?;
    let y = linear(graph, &y, &format!("{prefix}pwconv2."), true)?;
    let y = turn(graph, &y);
    Ok(Signal { value: add(graph, &x.value, &y), ..x.clone() })
}

/// Global response normalisation of `[batch, time, channels]`.
fn global_response(graph: &mut Graph, x: &Value, prefix: &str) -> Result<Value> {
    let norm = graph.node("ReduceL2", &[x], &[("axes", ints(&[1])), ("keepdims", Setting::Int(1))]);
    let last = [("axes", Setting::Ints(vec![-1])), ("keepdims", Setting::Int(1))];
    let mean = graph.node("ReduceMean", &[&norm], &last);
    let eps = graph.float(EPS);
    let mean = add(graph, &mean, &eps);
    let response = graph.node("Div", &[&norm, &mean], &[]);
    let gamma = graph.parameter(&format!("{prefix}gamma"))?;
    let factor = graph.node("Mul", &[&response, &gamma], &[]);
    let one = graph.float(1.0);
    let factor = add(graph, &factor, &one);
    let scaled = graph.node("Mul", &[x, &factor], &[]);
    let beta = graph.parameter(&format!("{prefix}beta"))?;
    Ok(add(graph, &scaled, &beta))
}
