//! [`Net1d`](einthoven_models::Net1d) as nodes.

use einthoven_models::Net1dConfig;

use super::encoder::Features;
use super::graph::{Graph, Value};
use super::layers::{Signal, Walk, add, conv, linear, pool, reshape, silu};
use super::padding::{Steps, mean_over_time};
use crate::Result;

/// The whole encoder; padding is no part of what is pooled.
pub fn features(graph: &mut Graph, x: Signal, config: &Net1dConfig, prefix: &str, padded: bool) -> Result<Features> {
    let stem = convolution(graph, &x, &format!("{prefix}first_conv."), config.kernel, 2, 1)?;
    let mut sequence = Signal { value: silu(graph, &stem.value), ..stem };
    for (stage, (&width, &depth)) in config.widths.iter().zip(&config.layers).enumerate() {
        for index in 0..depth {
            let place = format!("{prefix}stage_list.{stage}.block_list.{index}.");
            sequence = block(graph, &sequence, config, width, [stage == 0 && index == 0, index == 0], &place)?;
        }
    }
    let steps = padded.then(|| Steps::begun(graph, 2 << config.widths.len(), sequence.time));
    let pooled = mean_over_time(graph, &sequence, steps.as_ref());
    Ok(Features { width: sequence.channels, sequence, steps, pooled })
}

/// As much padding as keeps `⌈time/stride⌉` steps, an odd zero after the recording.
fn convolution(
    graph: &mut Graph,
    x: &Signal,
    prefix: &str,
    kernel: usize,
    stride: usize,
    groups: usize,
) -> Result<Signal> {
    let padding = ((x.time.div_ceil(stride) - 1) * stride + kernel).saturating_sub(x.time);
    let walk = Walk { stride, padding: [padding / 2, padding - padding / 2], groups };
    conv(graph, x, &format!("{prefix}conv."), true, walk)
}

/// `[is_first, halve]`: whether it stands right behind the stem, and whether it halves the length.
fn block(
    graph: &mut Graph,
    x: &Signal,
    config: &Net1dConfig,
    width: usize,
    kind: [bool; 2],
    prefix: &str,
) -> Result<Signal> {
    let [is_first, halve] = kind;
    let plan = [(1, 1, 1), (config.kernel, if halve { 2 } else { 1 }, width / config.group_width), (1, 1, 1)];
    let mut path = x.clone();
    for (index, (kernel, stride, groups)) in plan.into_iter().enumerate() {
        if index > 0 || !is_first {
            path.value = silu(graph, &path.value);
        }
        path = convolution(graph, &path, &format!("{prefix}conv{}.", index + 1), kernel, stride, groups)?;
    }
    let mean = mean_over_time(graph, &path, None);
    let squeezed = linear(graph, &mean, &format!("{prefix}se_fc1."), true)?;
    let squeezed = silu(graph, &squeezed);
    let excited = linear(graph, &squeezed, &format!("{prefix}se_fc2."), true)?;
    let gates = graph.node("Sigmoid", &[&excited], &[]);
    let gates = reshape(graph, &gates, &[0, 0, 1]);
    let gated = graph.node("Mul", &[&path.value, &gates], &[]);

    let mut shortcut = x.clone();
    if halve {
        shortcut.value = pad(graph, &shortcut.value, [0, 0], [0, 1]);
        shortcut.time += 1;
        shortcut = pool(graph, &shortcut, "MaxPool", 2, 2, 0);
    }
    let more = width.saturating_sub(x.channels);
    if more > 0 {
        shortcut.value = pad(graph, &shortcut.value, [more / 2, 0], [more - more / 2, 0]);
    }
    Ok(Signal { value: add(graph, &gated, &shortcut.value), ..path })
}

/// Zeros before and after, in channels and in time.
fn pad(graph: &mut Graph, x: &Value, before: [usize; 2], after: [usize; 2]) -> Value {
    let pads = [0, before[0], before[1], 0, after[0], after[1]].map(|count| count as i64);
    let pads = graph.integers(&pads);
    graph.node("Pad", &[x, &pads], &[])
}
