//! What text encoder, decoder, losses and optimiser do, at their shapes: 16 captions, end to end.

use candle_core::Tensor;
use einthoven::nn::{self, Activation, Attention, Layer, MatmulPrecision, ParallelBlockWeights, Spans};
use serde_json::json;

use super::operation::{data, weight};
use super::{Case, Work};
use crate::Result;

const TEXTS: usize = 16;

/// All of them.
pub fn all() -> Result<Vec<Case>> {
    let mut cases = attention()?;
    cases.extend(products());
    cases.extend(losses());
    for (op, shape) in [("adamw", "30 M parameters, PyTorch's default"), ("adamw_fused", "30 M parameters")] {
        let precision = MatmulPrecision::F32;
        cases.push(Case { op, shape: shape.to_owned(), options: json!({}), precision, work: Work::Update });
    }
    Ok(cases)
}

fn attention() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    // MiniLM and BERT-base; texts of unequal length cost PyTorch their padding.
    let unequal: Vec<usize> = (0..TEXTS).map(|i| 36 + 4 * i).collect();
    for (lengths, heads, width) in [(vec![96; TEXTS], 12, 32), (vec![128; TEXTS], 12, 64), (unequal, 12, 32)] {
        let spans = Spans::packed(&lengths)?;
        let rows = spans.rows();
        let options = Attention { heads, key_heads: heads, causal: false, dropout: None };
        let shape = format!("{TEXTS} texts of {}, {heads} heads of {width}", range(&lengths));
        let case = Case::new("self_attention", shape, vec![data(&[rows, 3 * heads * width])], move |i| {
            Ok(nn::self_attention(&i[0], &spans, &options)?)
        });
        cases.push(case.options(json!({ "lengths": lengths, "heads": heads })));
    }
    // The decoder's: one head of keys and values, 16 signal tokens.
    for (tokens, width) in [(95, 384), (127, 768)] {
        let (heads, head, inner) = (8, 64, 4 * width);
        let spans = Spans::even(TEXTS, tokens)?;
        let rows = TEXTS * tokens;
        let texts = format!("{TEXTS} texts of {tokens}");
        let options = Attention { heads, key_heads: 1, causal: true, dropout: None };
        let twin = json!({ "batch": TEXTS, "heads": heads, "width": head, "inner": inner });

        let turned = spans.clone();
        let qk = vec![data(&[rows, (heads + 1) * head])];
        let case = Case::new("rotary", format!("{texts}, {} heads of {head}", heads + 1), qk, move |i| {
            Ok(nn::rotary(&i[0], &turned, heads + 1, head)?)
        });
        cases.push(case.options(json!({ "batch": TEXTS, "heads": heads + 1 })));

        let keys = Spans::even(TEXTS, 16)?;
        let crossed = (spans.clone(), Attention { causal: false, ..options.clone() });
        let inputs = vec![data(&[rows, heads * head]), data(&[TEXTS * 16, 2 * head])];
        let case = Case::new("cross_attention", format!("{texts} to 16, {heads} heads of {head}"), inputs, move |i| {
            Ok(nn::cross_attention(&i[0], &i[1], &crossed.0, &keys, &crossed.1)?)
        });
        cases.push(case.options(twin.clone()));

        let fused = (heads + 2) * head + 2 * inner;
        let mut inputs = vec![data(&[rows, width])];
        inputs.extend([[fused, width], [width, heads * head], [width, inner]].map(|shape| weight(&shape)));
        let case = Case::new("parallel_block", format!("{texts}, width {width}"), inputs, move |i| {
            let weights = ParallelBlockWeights { fused: &i[1], attention_out: &i[2], feed_forward_out: &i[3] };
            Ok(nn::parallel_block(&i[0], weights, &spans, &options)?)
        });
        cases.push(case.options(twin));
    }
    Ok(cases)
}

fn range(lengths: &[usize]) -> String {
    let (least, most) = (lengths.iter().min().copied(), lengths.iter().max().copied());
    let [least, most] = [least, most].map(Option::unwrap_or_default);
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}

fn products() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, inner, outer) in [(20_000, 40, 160), (1536, 384, 384), (1536, 384, 1536), (2048, 768, 3072)] {
        let inputs = vec![data(&[rows, inner]), weight(&[outer, inner]), weight(&[outer])];
        let case = Case::new("linear", format!("{rows}×{inner} to {outer}"), inputs, |i| {
            Ok(nn::linear(&i[0], &i[1], Some(&i[2]))?)
        });
        cases.push(case.stock(stock_linear));
    }
    for (rows, inner, outer) in [(20_000, 40, 160), (1536, 384, 1536), (2048, 768, 3072)] {
        let inputs = vec![data(&[rows, inner]), weight(&[outer, inner]), weight(&[outer])];
        let case = Case::new("linear_bf16", format!("{rows}×{inner} to {outer}"), inputs, |i| {
            Ok(nn::linear(&i[0], &i[1], Some(&i[2]))?)
        });
        cases.push(case.in_bf16());
    }
    for (rows, width) in [(1536, 384), (2048, 768)] {
        let mut inputs = vec![data(&[rows, width])];
        inputs.extend([width; 3].into_iter().flat_map(|out| [weight(&[out, width]), weight(&[out])]));
        cases.push(Case::new("joint_linear", format!("{rows}×{width} to 3×{width}"), inputs, |i| {
            Ok(nn::joint_linear(&i[0], &[(&i[1], &i[2]), (&i[3], &i[4]), (&i[5], &i[6])])?)
        }));
        let h = 4 * width;
        let inputs =
            vec![data(&[rows, width]), weight(&[h, width]), weight(&[h]), weight(&[width, h]), weight(&[width])];
        cases.push(Case::new("feed_forward", format!("{rows}×{width}, inner {h}"), inputs, |i| {
            let expand = Layer { weight: &i[1], bias: Some(&i[2]) };
            let contract = Layer { weight: &i[3], bias: Some(&i[4]) };
            Ok(nn::feed_forward(&i[0], expand, contract, Activation::Gelu)?)
        }));
        cases.push(Case::new("swiglu", format!("{rows}×{}", 2 * h), vec![data(&[rows, 2 * h])], |i| {
            Ok(nn::swiglu(&i[0])?)
        }));
    }
    cases
}

/// A product of plain matrices is right.
#[allow(clippy::disallowed_methods, reason = "what is compared with")]
fn stock_linear(i: &[Tensor]) -> candle_core::Result<Tensor> {
    i[0].matmul(&i[1].t()?)?.broadcast_add(&i[2])
}

fn losses() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, width, words) in [(1504, 384, 30_522), (2016, 768, 28_895)] {
        let ids: Vec<u32> = (0..rows as u32).map(|i| i * 7919 % words as u32).collect();
        let options = json!({ "ids": ids });
        let (looked_up, targets) = (ids.clone(), ids.clone());
        let case = Case::new("embedding", format!("{rows} of {words}×{width}"), vec![weight(&[words, width])], {
            move |i| Ok(nn::embedding(&i[0], &looked_up, &[rows])?)
        });
        let indices = ids.clone();
        cases.push(
            case.options(options.clone())
                .stock(move |i| i[0].index_select(&Tensor::new(indices.as_slice(), i[0].device())?, 0)),
        );
        cases.push(
            Case::new("cross_entropy", format!("{rows}×{words}"), vec![data(&[rows, words])], {
                move |i| Ok(nn::cross_entropy(&i[0], &targets)?)
            })
            .options(options.clone()),
        );
        let inputs = vec![data(&[rows, width]), weight(&[words, width])];
        cases.push(
            Case::new("linear_cross_entropy", format!("{rows}×{width} to {words}"), inputs, {
                move |i| Ok(nn::linear_cross_entropy(&i[0], &i[1], &ids, None)?)
            })
            .options(options),
        );
    }
    for (count, width) in [(16, 384), (1024, 384)] {
        cases.push(Case::new("l2_normalize", format!("{count}×{width}"), vec![data(&[count, width])], |i| {
            Ok(nn::l2_normalize(&i[0], 1e-12)?)
        }));
        let inputs = vec![weight(&[count, width]), weight(&[count, width]), data(&[1])];
        cases.push(Case::new("info_nce", format!("{count}×{width}"), inputs, |i| {
            Ok(nn::info_nce(&i[0], &i[1], &i[2].squeeze(0)?, None)?)
        }));
    }
    cases
}
