//! Attention to the time steps that are not padding.

use super::graph::{Graph, Value, ints};
use super::layers::reshape;
use super::padding::Steps;

/// Multi-head attention of `queries` `[batch, rows, heads·width]` to `keys` and `values` `[batch, time, heads·width]`, of which those at
/// `steps` count; the shape of the queries.
pub fn attend(
    graph: &mut Graph,
    [queries, keys, values]: [&Value; 3],
    heads: usize,
    width: usize,
    steps: Option<&Steps>,
) -> Value {
    let mut split = |x: &Value, order: &[usize]| {
        let parts = reshape(graph, x, &[0, 0, heads as i64, width as i64]);
        graph.node("Transpose", &[&parts], &[("perm", ints(order))])
    };
    let queries = split(queries, &[0, 2, 1, 3]);
    let keys = split(keys, &[0, 2, 3, 1]);
    let values = split(values, &[0, 2, 1, 3]);
    let attended = weigh(graph, [&queries, &keys, &values], width, steps);
    let attended = graph.node("Transpose", &[&attended], &[("perm", ints(&[0, 2, 1, 3]))]);
    reshape(graph, &attended, &[0, 0, (heads * width) as i64])
}

/// Softmax of `queries` `[.., rows, width]` times `keys` `[batch, heads, width, time]`, times `values` `[batch, heads, time, width]`.
pub fn weigh(graph: &mut Graph, [queries, keys, values]: [&Value; 3], width: usize, steps: Option<&Steps>) -> Value {
    let scores = graph.node("MatMul", &[queries, keys], &[]);
    let scale = graph.float(1.0 / (width as f64).sqrt());
    let mut scores = graph.node("Mul", &[&scores, &scale], &[]);
    if let Some(steps) = steps {
        let (axes, least) = (graph.integers(&[1, 2]), graph.float(f64::NEG_INFINITY));
        let is_real = graph.node("Unsqueeze", &[&steps.is_real, &axes], &[]);
        scores = graph.node("Where", &[&is_real, &scores, &least], &[]);
    }
    let weights = graph.node("Softmax", &[&scores], &[]);
    graph.node("MatMul", &[&weights, values], &[])
}
