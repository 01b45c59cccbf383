//! [`ResNet`](einthoven_models::ResNet) as nodes.

use einthoven_models::ResNetConfig;

use super::encoder::Features;
use super::graph::Graph;
use super::layers::{Signal, add, conv_norm, relu};
use super::padding::{Steps, mean_over_time};
use crate::Result;

/// The whole encoder; padding is no part of what is pooled.
pub fn features(graph: &mut Graph, x: Signal, config: &ResNetConfig, prefix: &str, padded: bool) -> Result<Features> {
    let sequence = sequence(graph, &x, config, prefix)?;
    let steps = padded.then(|| Steps::begun(graph, 1 << config.layers.len(), sequence.time));
    let pooled = mean_over_time(graph, &sequence, steps.as_ref());
    Ok(Features { width: sequence.channels, sequence, steps, pooled })
}

/// What comes before pooling.
pub fn sequence(graph: &mut Graph, x: &Signal, config: &ResNetConfig, prefix: &str) -> Result<Signal> {
    let x = conv_norm(graph, x, [&format!("{prefix}conv1."), &format!("{prefix}bn1.")], 2)?;
    let mut x = relu(graph, &x);
    for (stage, &depth) in config.layers.iter().enumerate() {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = block(graph, &x, config.bottleneck, stride, &format!("{prefix}layer{}.{index}.", stage + 1))?;
        }
    }
    Ok(x)
}

fn block(graph: &mut Graph, x: &Signal, bottleneck: bool, stride: usize, prefix: &str) -> Result<Signal> {
    let strides: &[usize] = if bottleneck { &[1, stride, 1] } else { &[stride, 1] };
    let mut path = x.clone();
    for (&step, number) in strides.iter().zip(1..) {
        path = conv_norm(graph, &path, [&format!("{prefix}conv{number}."), &format!("{prefix}bn{number}.")], step)?;
        if number < strides.len() {
            path = relu(graph, &path);
        }
    }
    let shortcut = if stride == 1 && x.channels == path.channels {
        x.clone()
    } else {
        conv_norm(graph, x, [&format!("{prefix}shortcut.0."), &format!("{prefix}shortcut.1.")], stride)?
    };
    let value = add(graph, &path.value, &shortcut.value);
    Ok(relu(graph, &Signal { value, ..path }))
}
