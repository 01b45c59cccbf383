//! [`XResNet`](einthoven_models::XResNet) as nodes.

use einthoven_models::XResNetConfig;

use super::encoder::Features;
use super::graph::{Graph, Setting, ints};
use super::layers::{Signal, add, conv_norm, pool, relu};
use super::padding::{Steps, max_over_time, mean_over_time};
use crate::Result;

/// The whole encoder; with `padded`, padding is no part of what is pooled.
pub fn features(graph: &mut Graph, x: Signal, config: &XResNetConfig, prefix: &str, padded: bool) -> Result<Features> {
    let mut x = x;
    for index in 0..config.stem.len() {
        let y = numbered(graph, &x, &format!("{prefix}{index}."), if index == 0 { 2 } else { 1 })?;
        x = relu(graph, &y);
    }
    let mut sequence = pool(graph, &x, "MaxPool", 3, 2, 1);
    for (stage, &depth) in config.layers.iter().enumerate() {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let place = format!("{prefix}{}.{index}.", stage + 4);
            sequence = block(graph, &sequence, config, stride, &place)?;
        }
    }
    let stride = 4 << (config.layers.len() - 1);
    let steps = padded.then(|| Steps::begun(graph, stride, sequence.time));
    let maximum = max_over_time(graph, &sequence, steps.as_ref());
    let mean = mean_over_time(graph, &sequence, steps.as_ref());
    let pooled = graph.node("Concat", &[&maximum, &mean], &[("axis", Setting::Int(1))]);
    Ok(Features { width: 2 * sequence.channels, sequence, steps, pooled })
}

/// A convolution and its norm under the numbers of the published names.
fn numbered(graph: &mut Graph, x: &Signal, prefix: &str, stride: usize) -> Result<Signal> {
    conv_norm(graph, x, [&format!("{prefix}0."), &format!("{prefix}1.")], stride)
}

fn block(graph: &mut Graph, x: &Signal, config: &XResNetConfig, stride: usize, prefix: &str) -> Result<Signal> {
    let strides: &[usize] = if config.expansion == 1 { &[stride, 1] } else { &[1, stride, 1] };
    let mut path = x.clone();
    for (index, &stride) in strides.iter().enumerate() {
        path = numbered(graph, &path, &format!("{prefix}convs.{index}."), stride)?;
        if index + 1 < strides.len() {
            path = relu(graph, &path);
        }
    }
    let halve = stride == 2;
    let mut shortcut = if halve { halved(graph, x) } else { x.clone() };
    if x.channels != path.channels {
        shortcut = numbered(graph, &shortcut, &format!("{prefix}idpath.{}.", usize::from(halve)), 1)?;
    }
    let value = add(graph, &path.value, &shortcut.value);
    Ok(relu(graph, &Signal { value, ..path }))
}

/// The mean of each two steps; an odd last one stays as it is.
fn halved(graph: &mut Graph, x: &Signal) -> Signal {
    let settings = [("kernel_shape", ints(&[2])), ("strides", ints(&[2])), ("ceil_mode", Setting::Int(1))];
    Signal { value: graph.node("AveragePool", &[&x.value], &settings), time: x.time.div_ceil(2), ..x.clone() }
}
