//! The building blocks that networks share, as nodes. Names of parameters begin with `prefix`, which is empty or ends in a dot.

use super::graph::{Graph, Setting, Value, ints};
use crate::{Error, Result};

/// Features over time, `[batch, channels, time]`.
#[derive(Clone, Debug)]
pub struct Signal {
    pub value: Value,
    pub channels: usize,
    pub time: usize,
}

/// How a convolution walks.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    pub stride: usize,
    /// Zeros before and after.
    pub padding: [usize; 2],
    pub groups: usize,
}

impl Walk {
    /// By `stride`, with `padding` zeros on both sides.
    pub fn new(stride: usize, padding: usize) -> Self {
        Self { stride, padding: [padding; 2], groups: 1 }
    }

    /// The steps that a window of `kernel` makes over `time`.
    fn steps(self, time: usize, kernel: usize) -> usize {
        let [before, after] = self.padding;
        (time + before + after).saturating_sub(kernel) / self.stride + 1
    }
}

/// A convolution over time with a weight `[outputs, inputs / groups, kernel]` that is given.
pub fn convolve(
    graph: &mut Graph,
    x: &Signal,
    weight: &Value,
    shape: [usize; 2],
    bias: Option<&Value>,
    walk: Walk,
) -> Signal {
    let [channels, kernel] = shape;
    let settings = [
        ("kernel_shape", ints(&[kernel])),
        ("strides", ints(&[walk.stride])),
        ("pads", ints(&walk.padding)),
        ("group", Setting::Int(walk.groups as i64)),
    ];
    let mut inputs = vec![&x.value, weight];
    inputs.extend(bias);
    let value = graph.node("Conv", &inputs, &settings);
    Signal { value, channels, time: walk.steps(x.time, kernel) }
}

/// A convolution over time: `weight` and, if it has one, `bias` below `prefix`. Fails when there are too few steps.
pub fn conv(graph: &mut Graph, x: &Signal, prefix: &str, bias: bool, walk: Walk) -> Result<Signal> {
    let name = format!("{prefix}weight");
    let shape = graph.shape(&name)?;
    let shape = [shape.first().copied().unwrap_or(0), shape.last().copied().unwrap_or(0)];
    let padded = x.time + walk.padding[0] + walk.padding[1];
    if padded < shape[1] {
        let message = format!("it leaves {padded} steps for {name}, which takes {} at a time", shape[1]);
        return Err(Error::Contract { message });
    }
    let weight = graph.parameter(&name)?;
    let bias = bias.then(|| graph.parameter(&format!("{prefix}bias"))).transpose()?;
    Ok(convolve(graph, x, &weight, shape, bias.as_ref(), walk))
}

/// A convolution without bias that keeps or divides the length, and the batch norm behind it.
pub fn conv_norm(graph: &mut Graph, x: &Signal, prefixes: [&str; 2], stride: usize) -> Result<Signal> {
    let [convolution, norm] = prefixes;
    let kernel = graph.shape(&format!("{convolution}weight"))?.last().copied().unwrap_or(0);
    let y = conv(graph, x, convolution, false, Walk::new(stride, kernel / 2))?;
    let value = batch_norm(graph, &y.value, norm)?;
    Ok(Signal { value, ..y })
}

/// Batch norm with running statistics, `[batch, channels, ..]`.
pub fn batch_norm(graph: &mut Graph, x: &Value, prefix: &str) -> Result<Value> {
    let [weight, bias, mean, variance] =
        ["weight", "bias", "running_mean", "running_var"].map(|name| graph.parameter(&format!("{prefix}{name}")));
    Ok(graph.node(
        "BatchNormalization",
        &[x, &weight?, &bias?, &mean?, &variance?],
        &[("epsilon", Setting::Float(1e-5))],
    ))
}

/// A pool of `kind` whose windows of `kernel` follow each other at `stride`, with `padding` on both sides.
pub fn pool(graph: &mut Graph, x: &Signal, kind: &str, kernel: usize, stride: usize, padding: usize) -> Signal {
    let settings = [("kernel_shape", ints(&[kernel])), ("strides", ints(&[stride])), ("pads", ints(&[padding; 2]))];
    let value = graph.node(kind, &[&x.value], &settings);
    Signal { value, time: Walk::new(stride, padding).steps(x.time, kernel), ..x.clone() }
}

/// A linear layer over the last axis: `weight` `[out, in]` and, if it has one, `bias` below `prefix`.
pub fn linear(graph: &mut Graph, x: &Value, prefix: &str, bias: bool) -> Result<Value> {
    let weight = graph.parameter(&format!("{prefix}weight"))?;
    let bias = bias.then(|| graph.parameter(&format!("{prefix}bias"))).transpose()?;
    Ok(affine(graph, x, &weight, bias.as_ref()))
}

/// `x Wᵀ + b` over the last axis.
pub fn affine(graph: &mut Graph, x: &Value, weight: &Value, bias: Option<&Value>) -> Value {
    let turned = graph.node("Transpose", &[weight], &[("perm", ints(&[1, 0]))]);
    let y = graph.node("MatMul", &[x, &turned], &[]);
    match bias {
        Some(bias) => add(graph, &y, bias),
        None => y,
    }
}

/// Layer norm over the last axis with `weight` and `bias` below `prefix`, of whatever shape they were published in.
pub fn layer_norm(graph: &mut Graph, x: &Value, prefix: &str, eps: f64) -> Result<Value> {
    let flat = graph.integers(&[-1]);
    let [weight, bias] = ["weight", "bias"].map(|name| -> Result<Value> {
        let parameter = graph.parameter(&format!("{prefix}{name}"))?;
        Ok(graph.node("Reshape", &[&parameter, &flat], &[]))
    });
    Ok(graph.node(
        "LayerNormalization",
        &[x, &weight?, &bias?],
        &[("axis", Setting::Int(-1)), ("epsilon", Setting::Float(eps))],
    ))
}

/// Layer norm over the last axis with the gain `weight` and nothing else.
pub fn gain_norm(graph: &mut Graph, x: &Value, weight: &Value) -> Value {
    graph.node("LayerNormalization", &[x, weight], &[("axis", Setting::Int(-1)), ("epsilon", Setting::Float(1e-5))])
}

pub fn add(graph: &mut Graph, a: &Value, b: &Value) -> Value {
    graph.node("Add", &[a, b], &[])
}

pub fn relu(graph: &mut Graph, x: &Signal) -> Signal {
    Signal { value: graph.node("Relu", &[&x.value], &[]), ..x.clone() }
}

/// `x·sigmoid(x)`.
pub fn silu(graph: &mut Graph, x: &Value) -> Value {
    let gate = graph.node("Sigmoid", &[x], &[]);
    graph.node("Mul", &[x, &gate], &[])
}

/// `x·Φ(x)`, by the error function.
pub fn gelu(graph: &mut Graph, x: &Value) -> Value {
    let (root, one, half) = (graph.float(std::f64::consts::SQRT_2), graph.float(1.0), graph.float(0.5));
    let scaled = graph.node("Div", &[x, &root], &[]);
    let erf = graph.node("Erf", &[&scaled], &[]);
    let gate = graph.node("Add", &[&erf, &one], &[]);
    let gated = graph.node("Mul", &[x, &gate], &[]);
    graph.node("Mul", &[&gated, &half], &[])
}

/// `[batch, a, b]` to `[batch, b, a]`.
pub fn turn(graph: &mut Graph, x: &Value) -> Value {
    graph.node("Transpose", &[x], &[("perm", ints(&[0, 2, 1]))])
}

/// `x` in another shape; 0 keeps the length that the axis has, -1 takes what is left.
pub fn reshape(graph: &mut Graph, x: &Value, shape: &[i64]) -> Value {
    let shape = graph.integers(shape);
    graph.node("Reshape", &[x, &shape], &[])
}

/// The steps from `start` to before `end` of `axis`.
pub fn slice(graph: &mut Graph, x: &Value, axis: i64, start: usize, end: usize) -> Value {
    let (start, end, axis) = (graph.integers(&[start as i64]), graph.integers(&[end as i64]), graph.integers(&[axis]));
    graph.node("Slice", &[x, &start, &end, &axis], &[])
}
