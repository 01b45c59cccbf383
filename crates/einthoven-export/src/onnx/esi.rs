//! From ESI's signal encoder to the space that signals and texts share.

use einthoven_models::{EsiConfig, Mode};

use super::attention::weigh;
use super::encoder::Features;
use super::graph::{Graph, Setting, Value, ints};
use super::layers::{add, affine, gain_norm, linear, reshape, slice, turn};
use crate::Result;

/// Embeddings of length 1, `[batch, latents]`.
pub fn embedding(graph: &mut Graph, features: &Features, config: &EsiConfig) -> Result<Value> {
    let mut embedding = linear(graph, &features.pooled, "img_token_head.", true)?;
    if config.mode == Mode::Corrected {
        let gathered = gather(graph, features, config)?;
        embedding = add(graph, &embedding, &gathered);
    }
    let gamma = graph.parameter("img_attn_pool_norm.gamma")?;
    let embedding = gain_norm(graph, &embedding, &gamma);
    let latents = linear(graph, &embedding, "img_to_latents.to_latents.", false)?;
    let settings = [("axes", Setting::Ints(vec![-1])), ("keepdims", Setting::Int(1))];
    let (length, least) = (graph.node("ReduceL2", &[&latents], &settings), graph.float(1e-12));
    let length = graph.node("Max", &[&length, &least], &[]);
    Ok(graph.node("Div", &[&latents, &length], &[]))
}

/// What the first learned query, the embedding's, gathers from the sequence, `[batch, width]`; all heads share keys and values.
fn gather(graph: &mut Graph, features: &Features, config: &EsiConfig) -> Result<Value> {
    let (prefix, heads, width) = ("img_attn_pool.", config.decoder.heads, config.decoder.dim_head);
    let queries = graph.parameter("img_queries")?;
    let query = slice(graph, &queries, 0, 0, 1);
    let gamma = graph.parameter(&format!("{prefix}norm.gamma"))?;
    let query = gain_norm(graph, &query, &gamma);
    let query = linear(graph, &query, &format!("{prefix}to_q."), false)?;
    // A head's query is a row: one query of all heads is as many queries of one head.
    let query = reshape(graph, &query, &[1, 1, heads as i64, width as i64]);

    let context = turn(graph, &features.sequence.value);
    let gamma = graph.parameter(&format!("{prefix}context_norm.gamma"))?;
    let context = gain_norm(graph, &context, &gamma);
    let weight = graph.parameter(&format!("{prefix}to_kv.weight"))?;
    let both = affine(graph, &context, &weight, None);
    let [keys, values] = graph.split(&both, 2, [width; 2]);
    let one = graph.integers(&[1]);
    let [keys, values] = [keys, values].map(|x| graph.node("Unsqueeze", &[&x, &one], &[]));
    let keys = graph.node("Transpose", &[&keys], &[("perm", ints(&[0, 1, 3, 2]))]);
    let gathered = weigh(graph, [&query, &keys, &values], width, features.steps.as_ref());
    let gathered = reshape(graph, &gathered, &[0, (heads * width) as i64]);
    linear(graph, &gathered, &format!("{prefix}to_out."), false)
}
