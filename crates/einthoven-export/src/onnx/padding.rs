//! What is left of a recording's time steps without padding.

use super::graph::{Graph, Setting, Value, ints};
use super::layers::Signal;

/// Which time steps of each recording are not padding.
#[derive(Clone, Debug)]
pub struct Steps {
    /// Booleans, `[batch, steps]`.
    pub is_real: Value,
    /// `[batch, 1]`, as floats.
    count: Value,
}

impl Steps {
    /// Of `steps` steps that stand for `stride` samples each; a step counts if it holds a real sample, and one always does.
    pub fn begun(graph: &mut Graph, stride: usize, steps: usize) -> Self {
        let valid = graph.valid();
        let more = graph.integers(&[stride as i64 - 1]);
        let reached = graph.node("Add", &[&valid, &more], &[]);
        Self::divided(graph, &reached, stride, steps)
    }

    /// As [`begun`](Self::begun), but a step counts only if all its samples are real.
    pub fn whole(graph: &mut Graph, stride: usize, steps: usize) -> Self {
        let valid = graph.valid();
        Self::divided(graph, &valid, stride, steps)
    }

    fn divided(graph: &mut Graph, samples: &Value, stride: usize, steps: usize) -> Self {
        let (stride, last_axis) = (graph.integers(&[stride as i64]), graph.integers(&[-1]));
        let count = graph.node("Div", &[samples, &stride], &[]);
        // Bounds are numbers without an axis.
        let bounds = [1, steps as i64].map(|bound| {
            let bound = graph.integers(&[bound]);
            graph.node("Squeeze", &[&bound], &[])
        });
        let count = graph.node("Clip", &[&count, &bounds[0], &bounds[1]], &[]);
        let count = graph.node("Unsqueeze", &[&count, &last_axis], &[]);
        let range = graph.range(steps);
        let is_real = graph.node("Less", &[&range, &count], &[]);
        let count = graph.node("Cast", &[&count], &[("to", Setting::Int(1))]);
        Self { is_real, count }
    }
}

/// The mean over time, `[batch, channels, time]` to `[batch, channels]`.
pub fn mean_over_time(graph: &mut Graph, x: &Signal, steps: Option<&Steps>) -> Value {
    let Some(steps) = steps else {
        return graph.node("ReduceMean", &[&x.value], &[("axes", ints(&[2])), ("keepdims", Setting::Int(0))]);
    };
    let (middle, last) = (graph.integers(&[1]), graph.integers(&[2]));
    let weights = graph.node("Cast", &[&steps.is_real], &[("to", Setting::Int(1))]);
    let weights = graph.node("Unsqueeze", &[&weights, &middle], &[]);
    let real = graph.node("Mul", &[&x.value, &weights], &[]);
    let sum = graph.node("ReduceSum", &[&real, &last], &[("keepdims", Setting::Int(0))]);
    graph.node("Div", &[&sum, &steps.count], &[])
}

/// The maximum over time, `[batch, channels, time]` to `[batch, channels]`.
pub fn max_over_time(graph: &mut Graph, x: &Signal, steps: Option<&Steps>) -> Value {
    let settings = [("axes", ints(&[2])), ("keepdims", Setting::Int(0))];
    let Some(steps) = steps else {
        return graph.node("ReduceMax", &[&x.value], &settings);
    };
    let (middle, least) = (graph.integers(&[1]), graph.float(f64::NEG_INFINITY));
    let is_real = graph.node("Unsqueeze", &[&steps.is_real, &middle], &[]);
    let real = graph.node("Where", &[&is_real, &x.value, &least], &[]);
    graph.node("ReduceMax", &[&real], &settings)
}
