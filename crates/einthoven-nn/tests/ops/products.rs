//! Matrix products and convolutions.

use candle_core::{D, Result as TensorResult, Tensor};
use einthoven_nn as nn;
use einthoven_nn::Conv1d;

use crate::support::{check, check_threads, values};

#[test]
fn linear() {
    let with_bias = |i: &[Tensor]| nn::linear(&i[0], &i[1], Some(&i[2]));
    let naive = |i: &[Tensor]| -> TensorResult<Tensor> {
        let rows = i[0].flatten_to(i[0].rank() - 2)?.matmul(&i[1].t()?)?.broadcast_add(&i[2])?;
        let mut shape = i[0].dims().to_vec();
        shape[i[0].rank() - 1] = i[1].dims()[0];
        rows.reshape(shape)
    };
    for shapes in [[&[2usize, 3, 5][..], &[7, 5], &[7]], [&[1, 1], &[1, 1], &[1]], [&[5, 33], &[17, 33], &[17]]] {
        check("linear", &shapes, &with_bias, &naive);
    }
    check("linear of many rows", &[&[1100, 3], &[4, 3], &[4]], &with_bias, &naive);
    check("linear without bias", &[&[4, 3], &[2, 3]], &|i| nn::linear(&i[0], &i[1], None), &|i| {
        i[0].matmul(&i[1].t()?)
    });
    check_threads("linear", &[&[700, 96], &[160, 96], &[160]], &with_bias);
    check_threads("linear, thin", &[&[5000, 12], &[40, 12], &[40]], &with_bias);
}

#[test]
fn the_arithmetic_of_products_is_counted() {
    let before = nn::product_flops();
    nn::linear(&values(0, &[5, 7]), &values(1, &[3, 7]), None).unwrap();
    // Other tests may count at the same time.
    assert!(nn::product_flops() - before >= 2 * 5 * 7 * 3);
}

#[test]
fn convolutions() {
    for (time, channels, outputs, kernel) in [(8, 3, 5, 4), (11, 2, 3, 4), (4, 1, 1, 4), (9, 5, 2, 1)] {
        let shapes: [&[usize]; 3] = [&[2, time, channels], &[outputs, channels, kernel], &[outputs]];
        check("patch_conv1d", &shapes, &|i| nn::patch_conv1d(&i[0], &i[1], Some(&i[2])), &|i| {
            naive_conv(&i[0], &i[1], Some(&i[2]), kernel, 0)
        });
    }
    check_threads("patch_conv1d", &[&[3, 1999, 12], &[40, 12, 4], &[40]], &|i| {
        nn::patch_conv1d(&i[0], &i[1], Some(&i[2]))
    });
    for (time, kernel, stride, padding, dilation, groups) in [
        (9, 5, 2, 2, 1, 1),
        (1, 3, 1, 1, 1, 1),
        (7, 3, 1, 0, 1, 1),
        (10, 7, 3, 3, 1, 1),
        (6, 1, 2, 0, 1, 1),
        (4, 2, 1, 3, 1, 1),
        (12, 3, 1, 2, 2, 1),
        (11, 3, 2, 0, 3, 1),
        (9, 4, 1, 2, 1, 2),
        (8, 3, 3, 1, 2, 4),
    ] {
        let shapes: [&[usize]; 3] = [&[2, time, 4], &[8, 4 / groups, kernel], &[8]];
        let options = Conv1d { stride, padding, dilation, groups };
        let op = |i: &[Tensor]| nn::conv1d(&i[0], &i[1], Some(&i[2]), options);
        check(&format!("{options:?}"), &shapes, &op, &|i| naive_groups(&i[0], &i[1], &i[2], options));
    }
    let options = Conv1d { padding: 1, ..Conv1d::default() };
    check("conv1d without bias", &[&[1, 5, 2], &[3, 2, 3]], &|i| nn::conv1d(&i[0], &i[1], None, options), &|i| {
        naive_conv(&i[0], &i[1], None, 1, 1)
    });
    for options in [Conv1d { stride: 2, padding: 2, ..options }, Conv1d { dilation: 2, groups: 2, ..options }] {
        let inner = 32 / options.groups;
        check_threads("conv1d", &[&[3, 700, 32], &[48, inner, 5], &[48]], &|i| {
            nn::conv1d(&i[0], &i[1], Some(&i[2]), options)
        });
    }
    for (time, channels, kernel) in [(9, 3, 7), (1, 2, 7), (5, 1, 3), (40, 19, 7), (4, 2, 1)] {
        let shapes: [&[usize]; 3] = [&[2, time, channels], &[channels, 1, kernel], &[channels]];
        check("depthwise_conv1d", &shapes, &|i| nn::depthwise_conv1d(&i[0], &i[1], Some(&i[2])), &|i| {
            naive_depthwise(&i[0], &i[1], Some(&i[2]))
        });
    }
    check(
        "depthwise_conv1d without bias",
        &[&[1, 8, 4], &[4, 1, 7]],
        &|i| nn::depthwise_conv1d(&i[0], &i[1], None),
        &|i| naive_depthwise(&i[0], &i[1], None),
    );
    check_threads("depthwise_conv1d", &[&[4, 500, 40], &[40, 1, 7], &[40]], &|i| {
        nn::depthwise_conv1d(&i[0], &i[1], Some(&i[2]))
    });
}

fn naive_groups(x: &Tensor, w: &Tensor, bias: &Tensor, options: Conv1d) -> TensorResult<Tensor> {
    let Conv1d { stride, padding, dilation, groups } = options;
    // Taps of zero lie between those of a dilated kernel.
    let (outputs, inner, kernel) = w.dims3()?;
    let zeros = Tensor::zeros((outputs, inner, dilation - 1), w.dtype(), w.device())?;
    let tap = |tap| Ok([w.narrow(2, tap, 1)?, zeros.clone()]);
    let taps: Vec<Tensor> = (0..kernel).map(tap).collect::<TensorResult<Vec<_>>>()?.concat();
    let taps: Vec<Tensor> = taps.into_iter().filter(|tap| tap.elem_count() > 0).collect();
    let w = Tensor::cat(&taps, 2)?.narrow(2, 0, dilation * (kernel - 1) + 1)?;
    let own = outputs / groups;
    let group = |group| {
        let x = x.narrow(2, group * inner, inner)?.contiguous()?;
        let w = w.narrow(0, group * own, own)?.contiguous()?;
        naive_conv(&x, &w, Some(&bias.narrow(0, group * own, own)?), stride, padding)
    };
    Tensor::cat(&(0..groups).map(group).collect::<TensorResult<Vec<_>>>()?, 2)
}

fn naive_conv(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, stride: usize, padding: usize) -> TensorResult<Tensor> {
    let kernel = w.dim(2)?;
    let x = x.pad_with_zeros(1, padding, padding)?;
    let steps = (x.dim(1)? - kernel) / stride + 1;
    let mut y = Vec::new();
    for step in 0..steps {
        let window = x.narrow(1, step * stride, kernel)?.contiguous()?.unsqueeze(1)?;
        let products = window.broadcast_mul(&w.transpose(1, 2)?.contiguous()?.unsqueeze(0)?)?;
        y.push(products.sum(D::Minus1)?.sum(D::Minus1)?);
    }
    let y = Tensor::stack(&y, 1)?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

pub fn naive_depthwise(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> TensorResult<Tensor> {
    let (kernel, time) = (w.dim(2)?, x.dim(1)?);
    let padded = x.pad_with_zeros(1, kernel / 2, kernel / 2)?;
    let mut y = x.zeros_like()?;
    for j in 0..kernel {
        y = (y + padded.narrow(1, j, time)?.broadcast_mul(&w.narrow(2, j, 1)?.flatten_all()?)?)?;
    }
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}
