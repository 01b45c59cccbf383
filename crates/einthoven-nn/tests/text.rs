//! The operations of transformers against plain arithmetic and compositions, and all that every operation has to pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "candle's own operations are the plain arithmetic to compare with")]

mod support;

use candle_core::{D, Device, Result as TensorResult, Tensor};
use einthoven_nn as nn;
use einthoven_nn::{Activation, Attention, Layer, ParallelBlockWeights, Spans};
use support::{assert_close, check, check_threads, values};

/// Attention of one head by plain arithmetic, `[t, d]`.
fn naive_head(q: &Tensor, k: &Tensor, v: &Tensor, causal: bool) -> TensorResult<Tensor> {
    let ((t, d), s) = (q.dims2()?, k.dim(0)?);
    let scores = (q.contiguous()?.matmul(&k.t()?.contiguous()?)? / (d as f64).sqrt())?;
    let mask: Vec<f64> =
        (0..t * s).map(|at| if causal && at % s + t > at / s + s { f64::NEG_INFINITY } else { 0.0 }).collect();
    let scores = (scores + Tensor::from_vec(mask, (t, s), &Device::Cpu)?)?;
    let e = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?.matmul(&v.contiguous()?)
}

/// Attention of each example by plain arithmetic; queries, keys and values begin at the `columns` of their matrices.
fn naive_attention(
    [q, kv]: [&Tensor; 2],
    [queries, keys]: [&Spans; 2],
    columns: [usize; 2],
    d: usize,
    options: &Attention,
) -> TensorResult<Tensor> {
    let mut rows = Vec::new();
    let mut at = 0;
    for (queries, keys) in queries.ranges().iter().zip(keys.ranges()) {
        if queries.start > at {
            rows.push(Tensor::zeros((queries.start - at, options.heads * d), q.dtype(), q.device())?);
        }
        at = queries.end;
        let part = |x: &Tensor, range: &std::ops::Range<usize>, column: usize, head: usize| {
            x.narrow(0, range.start, range.len())?.narrow(1, column + head * d, d)
        };
        let heads: Vec<Tensor> = (0..options.heads)
            .map(|head| {
                let of_key = head * options.key_heads / options.heads;
                let (k, v) = (part(kv, keys, columns[0], of_key)?, part(kv, keys, columns[1], of_key)?);
                naive_head(&part(q, queries, 0, head)?, &k, &v, options.causal)
            })
            .collect::<TensorResult<_>>()?;
        rows.push(Tensor::cat(&heads, 1)?);
    }
    if queries.rows() > at {
        rows.push(Tensor::zeros((queries.rows() - at, options.heads * d), q.dtype(), q.device())?);
    }
    Tensor::cat(&rows, 0)
}

fn naive_self_attention(qkv: &Tensor, spans: &Spans, d: usize, options: &Attention) -> TensorResult<Tensor> {
    let columns = [options.heads * d, (options.heads + options.key_heads) * d];
    naive_attention([qkv, qkv], [spans, spans], columns, d, options)
}

#[test]
fn attention() {
    for (heads, key_heads, d, causal, lengths) in
        [(2, 2, 3, false, vec![4, 1]), (4, 1, 2, true, vec![3, 5]), (4, 2, 5, false, vec![2]), (1, 1, 1, true, vec![1])]
    {
        let options = Attention { heads, key_heads, causal, dropout: None };
        let packed = Spans::packed(&lengths).unwrap();
        let padded = Spans::padded(&lengths, 6).unwrap();
        for spans in [&packed, &padded] {
            let shape = [spans.rows(), (heads + 2 * key_heads) * d];
            check("self_attention", &[&shape], &|i| nn::self_attention(&i[0], spans, &options), &|i| {
                naive_self_attention(&i[0], spans, d, &options)
            });
            // Twice as many keys as queries.
            let keys = Spans::packed(&lengths.iter().map(|length| 2 * length).collect::<Vec<_>>()).unwrap();
            let shapes = [[spans.rows(), heads * d], [keys.rows(), 2 * key_heads * d]];
            check(
                "cross_attention",
                &[&shapes[0], &shapes[1]],
                &|i| nn::cross_attention(&i[0], &i[1], spans, &keys, &options),
                &|i| naive_attention([&i[0], &i[1]], [spans, &keys], [0, key_heads * d], d, &options),
            );
        }
    }
    let options = Attention { heads: 4, key_heads: 2, causal: true, dropout: None };
    let spans = Spans::packed(&[40, 333, 7]).unwrap();
    check_threads("attention", &[&[380, 8 * 16]], &|i| nn::self_attention(&i[0], &spans, &options));
}

#[test]
fn attention_over_several_blocks_equals_plain_arithmetic() {
    for causal in [false, true] {
        let options = Attention { heads: 2, key_heads: 1, causal, dropout: None };
        let spans = Spans::packed(&[300, 129]).unwrap();
        let qkv = candle_core::Var::from_tensor(&values(0, &[429, 8])).unwrap();
        let weights = values(1, &[429, 4]);
        let gradient = |y: Tensor| {
            let loss = (y * &weights).unwrap().sum_all().unwrap();
            nn::backward(&loss).unwrap().get(&qkv).unwrap().clone()
        };
        let found = nn::self_attention(&qkv, &spans, &options).unwrap();
        let wanted = naive_self_attention(&qkv, &spans, 2, &options).unwrap();
        assert_close("attention in blocks", &found, &wanted, 1e-12);
        assert_close("its gradient", &gradient(found), &gradient(wanted), 1e-12);
    }
}

#[test]
fn attention_dropout_has_the_gradient_of_its_value() {
    let pass = nn::Pass::train(einthoven_random::Streams::new(3).stream("dropout", &[0]));
    let dropout = pass.dropout(0.4);
    assert!(dropout.is_some());
    let options = Attention { heads: 2, key_heads: 1, causal: false, dropout };
    let spans = Spans::packed(&[3, 5]).unwrap();
    let op = |i: &[Tensor]| nn::self_attention(&i[0], &spans, &options);
    check("attention with dropout", &[&[8, 8]], &op, &|i| Ok(op(i).unwrap()));
    let long = Spans::packed(&[30, 200]).unwrap();
    check_threads("attention with dropout", &[&[230, 32]], &|i| nn::self_attention(&i[0], &long, &options));
}

fn naive_rotary(x: &Tensor, spans: &Spans, heads: usize, d: usize) -> TensorResult<Tensor> {
    let (rows, columns) = x.dims2()?;
    let mut angles = vec![0.0; rows * heads * d];
    for range in spans.ranges() {
        for row in range.clone() {
            for column in 0..heads * d {
                let frequency = 10_000f64.powf(-2.0 * (column % d % (d / 2)) as f64 / d as f64);
                angles[row * heads * d + column] = (row - range.start) as f64 * frequency;
            }
        }
    }
    let angles = Tensor::from_vec(angles, (rows, heads * d), &Device::Cpu)?;
    let mut turned = Vec::new();
    for head in 0..heads {
        turned.push(x.narrow(1, head * d + d / 2, d / 2)?.neg()?);
        turned.push(x.narrow(1, head * d, d / 2)?);
    }
    let heads_only = x.narrow(1, 0, heads * d)?;
    let y = ((heads_only * angles.cos()?)? + (Tensor::cat(&turned, 1)? * angles.sin()?)?)?;
    Tensor::cat(&[&y, &x.narrow(1, heads * d, columns - heads * d)?], 1)
}

#[test]
fn rotary() {
    for spans in [Spans::packed(&[3, 1, 4]).unwrap(), Spans::padded(&[2, 3], 4).unwrap()] {
        check("rotary", &[&[8, 15]], &|i| nn::rotary(&i[0], &spans, 2, 6), &|i| naive_rotary(&i[0], &spans, 2, 6));
    }
}

#[test]
fn joint_linear() {
    let op = |i: &[Tensor]| nn::joint_linear(&i[0], &[(&i[1], &i[2]), (&i[3], &i[4])]);
    let naive = |i: &[Tensor]| -> TensorResult<Tensor> {
        let x = i[0].contiguous()?;
        let layer = |w: &Tensor, b: &Tensor| x.matmul(&w.t()?.contiguous()?)?.broadcast_add(b);
        Tensor::cat(&[layer(&i[1], &i[2])?, layer(&i[3], &i[4])?], 1)
    };
    check("joint_linear", &[&[4, 3], &[2, 3], &[2], &[5, 3], &[5]], &op, &naive);
    check("joint_linear of one", &[&[1, 1], &[1, 1], &[1], &[1, 1], &[1]], &op, &naive);
    check_threads("joint_linear", &[&[700, 96], &[160, 96], &[160], &[64, 96], &[64]], &op);
}

fn layer<'a>(weight: &'a Tensor, bias: Option<&'a Tensor>) -> Layer<'a> {
    Layer { weight, bias }
}

#[test]
fn feed_forward() {
    for (activation, wide, narrow) in [(Activation::Gelu, 6, 6), (Activation::SwiGlu, 6, 3)] {
        let op =
            |i: &[Tensor]| nn::feed_forward(&i[0], layer(&i[1], Some(&i[2])), layer(&i[3], Some(&i[4])), activation);
        let composed = |i: &[Tensor]| {
            let x = nn::linear(&i[0], &i[1], i.get(2).filter(|_| i.len() == 5)).unwrap();
            let y = match activation {
                Activation::Gelu => nn::gelu(&x).unwrap(),
                Activation::SwiGlu => nn::swiglu(&x).unwrap(),
            };
            Ok(nn::linear(&y, &i[i.len() - if i.len() == 5 { 2 } else { 1 }], i.get(4)).unwrap())
        };
        for rows in [1, 5] {
            let shapes: [&[usize]; 5] = [&[rows, 4], &[wide, 4], &[wide], &[3, narrow], &[3]];
            check("feed_forward", &shapes, &op, &composed);
            let plain = |i: &[Tensor]| nn::feed_forward(&i[0], layer(&i[1], None), layer(&i[2], None), activation);
            check("feed_forward without bias", &[&[rows, 4], &[wide, 4], &[3, narrow]], &plain, &composed);
        }
        let shapes: [&[usize]; 5] = [&[700, 24], &[32 * wide, 24], &[32 * wide], &[24, 32 * narrow], &[24]];
        check_threads("feed_forward", &shapes, &op);
    }
}

#[test]
fn parallel_block() {
    let options = Attention { heads: 4, key_heads: 1, causal: true, dropout: None };
    let (c, d, f) = (5, 4, 6);
    let joint = 6 * d;
    for lengths in [vec![1], vec![4, 2, 7]] {
        let spans = Spans::packed(&lengths).unwrap();
        let op = |i: &[Tensor]| {
            let weights = ParallelBlockWeights { fused: &i[1], attention_out: &i[2], feed_forward_out: &i[3] };
            nn::parallel_block(&i[0], weights, &spans, &options)
        };
        let composed = |i: &[Tensor]| {
            let all = nn::linear(&i[0], &i[1], None).unwrap();
            let qkv = nn::rotary(&all.narrow(1, 0, joint).unwrap(), &spans, 5, d).unwrap();
            let attended = nn::self_attention(&qkv, &spans, &options).unwrap();
            let gated = nn::swiglu(&all.narrow(1, joint, 2 * f).unwrap()).unwrap();
            nn::linear(&attended, &i[2], None).unwrap() + nn::linear(&gated, &i[3], None).unwrap()
        };
        let shapes: [&[usize]; 4] = [&[spans.rows(), c], &[joint + 2 * f, c], &[3, 4 * d], &[3, f]];
        check("parallel_block", &shapes, &op, &composed);
    }
    let spans = Spans::packed(&[40, 333, 7]).unwrap();
    check_threads("parallel_block", &[&[380, 32], &[6 * 16 + 256, 32], &[32, 64], &[32, 128]], &|i| {
        let weights = ParallelBlockWeights { fused: &i[1], attention_out: &i[2], feed_forward_out: &i[3] };
        nn::parallel_block(&i[0], weights, &spans, &options)
    });
}

#[test]
fn mean_over_spans() {
    let spans = Spans::padded(&[2, 3], 4).unwrap();
    check("mean_over_spans", &[&[8, 3]], &|i| nn::mean_over_spans(&i[0], &spans), &|i| {
        Tensor::stack(&[i[0].narrow(0, 0, 2)?.mean(0)?, i[0].narrow(0, 4, 3)?.mean(0)?], 0)
    });
}
