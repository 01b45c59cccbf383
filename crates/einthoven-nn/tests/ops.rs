//! Every operation against plain tensor arithmetic, finite differences, `f32`, strides and thread counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "candle's own operations are the plain arithmetic to compare with")]

mod support;

use candle_core::{D, DType, Device, Result as TensorResult, Tensor};
use einthoven_nn as nn;
use einthoven_nn::{Activation, Attention, Conv1d, Layer, Negatives, ParallelBlockWeights, Spans};
use support::{assert_close, check, check_threads, values};

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

fn naive_depthwise(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> TensorResult<Tensor> {
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

fn naive_layer_norm(i: &[Tensor], eps: f64) -> TensorResult<Tensor> {
    let centred = i[0].broadcast_sub(&i[0].mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let y = centred.broadcast_div(&(variance + eps)?.sqrt()?)?.broadcast_mul(&i[1])?;
    if i.len() > 2 { y.broadcast_add(&i[2]) } else { Ok(y) }
}

fn naive_grn(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> TensorResult<Tensor> {
    let g = x.sqr()?.sum_keepdim(1)?.sqrt()?;
    let n = g.broadcast_div(&(g.mean_keepdim(D::Minus1)? + 1e-6)?)?;
    x.broadcast_mul(&n)?.broadcast_mul(gamma)?.broadcast_add(beta)? + x
}

#[test]
fn normalisations() {
    for shape in [&[2usize, 3, 6][..], &[1, 5], &[3, 37]] {
        let width = shape[shape.len() - 1];
        let shapes = [shape, &[width], &[width]];
        check("layer_norm", &shapes, &|i| nn::layer_norm(&i[0], &i[1], Some(&i[2]), 1e-5), &|i| {
            naive_layer_norm(i, 1e-5)
        });
    }
    check("layer_norm without bias", &[&[2, 5], &[5]], &|i| nn::layer_norm(&i[0], &i[1], None, 1e-5), &|i| {
        naive_layer_norm(i, 1e-5)
    });
    check_threads("layer_norm", &[&[3000, 40], &[40], &[40]], &|i| nn::layer_norm(&i[0], &i[1], Some(&i[2]), 1e-6));

    for shape in [&[2usize, 7, 3][..], &[1, 3, 1], &[3, 5, 19]] {
        let shapes = [shape, &[shape[2]], &[shape[2]]];
        check("time_norm", &shapes, &|i| nn::time_norm(&i[0], &i[1], &i[2], 1e-6), &|i| {
            let centred = i[0].broadcast_sub(&i[0].mean_keepdim(1)?)?;
            let squares = centred.sqr()?.sum_keepdim(1)?;
            let std = (squares / (i[0].dim(1)? as f64 - 1.0))?.sqrt()?;
            centred.broadcast_div(&(std + 1e-6)?)?.broadcast_mul(&i[1])?.broadcast_add(&i[2])
        });
    }
    check_threads("time_norm", &[&[3, 1250, 40], &[40], &[40]], &|i| nn::time_norm(&i[0], &i[1], &i[2], 1e-6));

    for shape in [&[2usize, 6, 3][..], &[1, 1, 5], &[2, 4, 18]] {
        let shapes = [shape, &[shape[2]], &[shape[2]]];
        check("grn", &shapes, &|i| nn::grn(&i[0], &i[1], &i[2], 1e-6), &|i| naive_grn(&i[0], &i[1], &i[2]));
    }
    check_threads("grn", &[&[3, 600, 160], &[160], &[160]], &|i| nn::grn(&i[0], &i[1], &i[2], 1e-6));
}

#[test]
fn time_norm_of_a_constant_channel_is_its_bias() {
    let x = Tensor::full(0.1f32, (1, 5000, 1), &Device::Cpu).unwrap();
    let x = candle_core::Var::from_tensor(&x).unwrap();
    let (w, b) = (Tensor::new(&[2f32], &Device::Cpu).unwrap(), Tensor::new(&[3f32], &Device::Cpu).unwrap());
    let y = nn::time_norm(&x, &w, &b, 1e-6).unwrap();
    let values: Vec<f32> = y.flatten_all().unwrap().to_vec1().unwrap();
    assert!(values.iter().all(|v| *v == 3.0));
    // No gradient passes through the deviation: what is left is weight/eps · (dy - mean(dy)).
    let weights = support::values(5, &[1, 5000, 1]).to_dtype(DType::F32).unwrap();
    let gradients = nn::backward(&(y * &weights).unwrap().sum_all().unwrap()).unwrap();
    let mean = weights.mean_keepdim(1).unwrap();
    let wanted = (weights.broadcast_sub(&mean).unwrap() * 2e6).unwrap();
    assert_close("constant channel", gradients.get(&x).unwrap(), &wanted, 1e-5);
}

#[test]
fn grn_of_a_silent_channel_has_a_finite_gradient() {
    let x = Tensor::new(&[[[0f64, 1.0], [0.0, 2.0]]], &Device::Cpu).unwrap();
    let x = candle_core::Var::from_tensor(&x).unwrap();
    let (gamma, beta) = (values(1, &[2]), values(2, &[2]));
    let y = nn::grn(&x, &gamma, &beta, 1e-6).unwrap();
    let gradients = nn::backward(&y.sum_all().unwrap()).unwrap();
    let gradient: Vec<f64> = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
}

#[test]
fn batch_norm() {
    let state = |channels: usize| {
        let parameters = nn::Parameters::new(DType::F64, &Device::Cpu, einthoven_random::Streams::new(1));
        let mean = parameters.root().buffer("mean", channels, 0.3).unwrap();
        let var = parameters.root().buffer("var", channels, 1.7).unwrap();
        nn::BatchNormState { mean, var }
    };
    let single = |channels: usize| {
        let parameters = nn::Parameters::new(DType::F32, &Device::Cpu, einthoven_random::Streams::new(1));
        let mean = parameters.root().buffer("mean", channels, 0.3).unwrap();
        let var = parameters.root().buffer("var", channels, 1.7).unwrap();
        nn::BatchNormState { mean, var }
    };
    for (shape, training) in [([2, 4, 3], true), ([1, 7, 2], true), ([2, 4, 3], false), ([1, 1, 18], false)] {
        let shapes: [&[usize]; 3] = [&shape, &[shape[2]], &[shape[2]]];
        let op = |i: &[Tensor]| {
            let state = if i[0].dtype() == DType::F64 { state(shape[2]) } else { single(shape[2]) };
            nn::batch_norm(&i[0], &i[1], &i[2], &state, 0.1, 1e-5, training)
        };
        check("batch_norm", &shapes, &op, &|i| {
            let x = i[0].contiguous()?.reshape((shape[0] * shape[1], shape[2]))?;
            let (mean, var) = if training {
                let mean = x.mean(0)?;
                (mean.clone(), x.broadcast_sub(&mean)?.sqr()?.mean(0)?)
            } else {
                let state = state(shape[2]);
                (state.mean.get(), state.var.get())
            };
            let y = x.broadcast_sub(&mean)?.broadcast_div(&(var + 1e-5)?.sqrt()?)?;
            y.broadcast_mul(&i[1])?.broadcast_add(&i[2])?.reshape(&shape)
        });
    }
    // The running statistics move as torch's do: the variance in its unbiased form.
    let state = state(1);
    let x = Tensor::new(&[[[1f64], [3.0]]], &Device::Cpu).unwrap();
    let one = Tensor::new(&[1f64], &Device::Cpu).unwrap();
    // Not without gradients: a pass that is made twice moves them once.
    nn::without_gradients(|| nn::batch_norm(&x, &one, &one, &state, 0.1, 1e-5, true)).unwrap();
    nn::batch_norm(&x, &one, &one, &state, 0.1, 1e-5, true).unwrap();
    let (mean, var): (Vec<f64>, Vec<f64>) = (state.mean.get().to_vec1().unwrap(), state.var.get().to_vec1().unwrap());
    assert!((mean[0] - (0.9 * 0.3 + 0.1 * 2.0)).abs() < 1e-12);
    assert!((var[0] - (0.9 * 1.7 + 0.1 * 2.0)).abs() < 1e-12);
    check_threads("batch_norm", &[&[3, 900, 40], &[40], &[40]], &|i| {
        nn::batch_norm(&i[0], &i[1], &i[2], &single(40), 0.1, 1e-5, true)
    });
}

#[test]
fn activations() {
    for shape in [&[2usize, 3, 4][..], &[1, 2], &[3, 36]] {
        check("gelu", &[shape], &|i| nn::gelu(&i[0]), &|i| i[0].gelu_erf());
        check("silu", &[shape], &|i| nn::silu(&i[0]), &|i| i[0].silu());
        check("relu", &[shape], &|i| nn::relu(&i[0]), &|i| i[0].relu());
        check("swiglu", &[shape], &|i| nn::swiglu(&i[0]), &|i| {
            let half = i[0].dim(D::Minus1)? / 2;
            let gate = i[0].narrow(D::Minus1, half, half)?.contiguous()?.silu()?;
            gate * i[0].narrow(D::Minus1, 0, half)?.contiguous()?
        });
    }
    check_threads("gelu", &[&[300, 200]], &|i| nn::gelu(&i[0]));
    check_threads("swiglu", &[&[300, 200]], &|i| nn::swiglu(&i[0]));
}

#[test]
fn gelu_is_accurate_over_the_whole_range() {
    let x: Vec<f64> = (-12_000..12_000).map(|i| f64::from(i) * 1e-3).collect();
    let exact: Vec<f64> = nn::gelu(&Tensor::new(x.as_slice(), &Device::Cpu).unwrap()).unwrap().to_vec1().unwrap();
    let x: Vec<f32> = x.into_iter().map(|x| x as f32).collect();
    let single: Vec<f32> = nn::gelu(&Tensor::new(x.as_slice(), &Device::Cpu).unwrap()).unwrap().to_vec1().unwrap();
    for ((x, wanted), found) in x.iter().zip(exact).zip(single) {
        let error = (f64::from(found) - wanted).abs();
        assert!(error <= 3e-7 * wanted.abs().max(0.3), "gelu({x}) is {found}, should be {wanted}");
    }
}

#[test]
fn pooling() {
    for (time, kernel, stride, padding) in [(9, 3, 2, 1), (4, 4, 4, 0), (5, 2, 1, 1), (1, 3, 2, 1)] {
        check("max_pool1d", &[&[2, time, 3]], &|i| nn::max_pool1d(&i[0], kernel, stride, padding), &|i| {
            let low = Tensor::full(-1e9, (2, padding, 3), &Device::Cpu)?;
            let x = if padding == 0 { i[0].clone() } else { Tensor::cat(&[&low, &i[0], &low], 1)? };
            let steps = (time + 2 * padding - kernel) / stride + 1;
            let windows: TensorResult<Vec<_>> =
                (0..steps).map(|s| x.narrow(1, s * stride, kernel)?.contiguous()?.max(1)).collect();
            Tensor::stack(&windows?, 1)
        });
    }
    for (time, ceil) in [(6, false), (7, false), (7, true), (1, true)] {
        check("avg_pool1d", &[&[2, time, 3]], &|i| nn::avg_pool1d(&i[0], 2, ceil), &|i| {
            let count = if ceil { time.div_ceil(2) } else { time / 2 };
            let windows: TensorResult<Vec<_>> =
                (0..count).map(|s| i[0].narrow(1, 2 * s, 2.min(time - 2 * s))?.mean(1)).collect();
            Tensor::stack(&windows?, 1)
        });
    }
    let lengths = [4usize, 1];
    let each = |x: &Tensor, f: &dyn Fn(&Tensor) -> TensorResult<Tensor>| {
        let rows: TensorResult<Vec<_>> =
            (0..2).map(|e| f(&x.get(e)?.narrow(0, 0, lengths[e])?.contiguous()?)).collect();
        Tensor::stack(&rows?, 0)
    };
    check("mean_over_time", &[&[2, 5, 3]], &|i| nn::mean_over_time(&i[0], None), &|i| i[0].mean(1));
    check("mean_over_time, lengths", &[&[2, 5, 3]], &|i| nn::mean_over_time(&i[0], Some(&lengths)), &|i| {
        each(&i[0], &|x| x.mean(0))
    });
    check("max_over_time", &[&[2, 5, 3]], &|i| nn::max_over_time(&i[0], None), &|i| i[0].contiguous()?.max(1));
    check("max_over_time, lengths", &[&[2, 5, 3]], &|i| nn::max_over_time(&i[0], Some(&lengths)), &|i| {
        each(&i[0], &|x| x.max(0))
    });
}

#[test]
fn embedding() {
    let ids = [3u32, 0, 3, 4, 1, 3];
    check("embedding", &[&[5, 3]], &|i| nn::embedding(&i[0], &ids, &[2, 3]), &|i| {
        i[0].contiguous()?.index_select(&Tensor::new(&ids, &Device::Cpu)?, 0)?.reshape((2, 3, 3))
    });
}

#[test]
fn dropout() {
    let streams = einthoven_random::Streams::new(3);
    let op = |i: &[Tensor]| nn::dropout(&i[0], 0.3, &nn::Pass::train(streams.stream("dropout", &[0])));
    check("dropout", &[&[4, 5]], &op, &|i| Ok(op(i).unwrap()));
    check_threads("dropout", &[&[300, 200]], &op);
    let ones = Tensor::ones((300, 200), DType::F32, &Device::Cpu).unwrap();
    let y: Vec<f32> = op(&[ones]).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let kept = y.iter().filter(|y| **y != 0.0).count() as f64 / y.len() as f64;
    assert!((kept - 0.7).abs() < 0.01, "{kept} kept");
    assert!(y.iter().all(|y| *y == 0.0 || (*y - 1.0 / 0.7).abs() < 1e-6));
    // Evaluation changes nothing, and each call of a training pass draws anew.
    let x = values(0, &[50]);
    let same = nn::dropout(&x, 0.3, &nn::Pass::evaluate()).unwrap();
    assert_eq!(same.to_vec1::<f64>().unwrap(), x.to_vec1::<f64>().unwrap());
    let pass = nn::Pass::train(streams.stream("dropout", &[1]));
    let draw = || nn::dropout(&x, 0.3, &pass).unwrap().to_vec1::<f64>().unwrap();
    assert_ne!(draw(), draw());
}

fn naive_cross_entropy(logits: &Tensor, targets: &[u32]) -> TensorResult<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?)?;
    let targets = Tensor::from_slice(targets, (targets.len(), 1), &Device::Cpu)?;
    let log_sums = shifted.exp()?.sum_keepdim(1)?.log()?;
    (log_sums - shifted.contiguous()?.gather(&targets, 1)?)?.mean_all()
}

#[test]
fn cross_entropies() {
    let targets = [2u32, 0, 4];
    check("cross_entropy", &[&[3, 5]], &|i| nn::cross_entropy(&i[0], &targets), &|i| {
        naive_cross_entropy(&i[0], &targets)
    });
    check("cross_entropy of one", &[&[1, 1]], &|i| nn::cross_entropy(&i[0], &[0]), &|i| {
        naive_cross_entropy(&i[0], &[0])
    });
    let many: Vec<u32> = (0..300).map(|i| i * 7 % 200).collect();
    check_threads("cross_entropy", &[&[300, 200]], &|i| nn::cross_entropy(&i[0], &many));

    let targets = [2u32, 9, 0, 9, 6];
    let kept = Tensor::new(&[0u32, 2, 4], &Device::Cpu).unwrap();
    let op = |i: &[Tensor]| nn::linear_cross_entropy(&i[0], &i[1], &targets, Some(9));
    check("linear_cross_entropy", &[&[5, 3], &[7, 3]], &op, &|i| {
        let x = i[0].contiguous()?.index_select(&kept, 0)?;
        naive_cross_entropy(&x.matmul(&i[1].t()?)?, &[2, 0, 6])
    });
    check(
        "linear_cross_entropy of all",
        &[&[2, 4], &[3, 4]],
        &|i| nn::linear_cross_entropy(&i[0], &i[1], &[1, 2], None),
        &|i| naive_cross_entropy(&i[0].matmul(&i[1].t()?)?, &[1, 2]),
    );
    check_threads("linear_cross_entropy", &[&[300, 32], &[200, 32]], &|i| {
        nn::linear_cross_entropy(&i[0], &i[1], &many, Some(7))
    });
}

#[test]
fn add() {
    for shape in [&[2usize, 3, 5][..], &[1], &[7, 1]] {
        check("add", &[shape, shape, shape], &|i| nn::add(&[&i[0], &i[1], &i[2]]), &|i| (&i[0] + &i[1])? + &i[2]);
        check("add twice the same", &[shape], &|i| nn::add(&[&i[0], &i[0]]), &|i| &i[0] * 2.0);
    }
    check_threads("add", &[&[90, 700], &[90, 700]], &|i| nn::add(&[&i[0], &i[1]]));
    let t = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    assert!(nn::add(&[&t(&[2, 3]), &t(&[3, 2])]).is_err());
    assert!(nn::add(&[]).is_err());
}

#[test]
fn inner_product() {
    for shape in [&[2usize, 3, 5][..], &[1], &[7, 1]] {
        check("inner_product", &[shape, shape], &|i| nn::inner_product(&i[0], &i[1]), &|i| (&i[0] * &i[1])?.sum_all());
    }
    check_threads("inner_product", &[&[90, 700], &[90, 700]], &|i| nn::inner_product(&i[0], &i[1]));
    let t = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    assert!(nn::inner_product(&t(&[2, 3]), &t(&[3, 2])).is_err());
}

#[test]
fn contrastive() {
    check("l2_normalize", &[&[3, 5]], &|i| nn::l2_normalize(&i[0], 1e-12), &|i| {
        i[0].broadcast_div(&i[0].sqr()?.sum_keepdim(1)?.sqrt()?)
    });
    check("l2_normalize below the floor", &[&[3, 5]], &|i| nn::l2_normalize(&i[0], 10.0), &|i| &i[0] / 10.0);
    for negatives in all_negatives() {
        let what = format!("info_nce, {negatives:?}");
        check(&what, &[&[4, 3], &[4, 3], &[1]], &|i| nn::info_nce(&i[0], &i[1], &i[2], negatives), &|i| {
            let logits = i[0].matmul(&i[1].t()?)?.broadcast_mul(&i[2].reshape((1, 1))?)?;
            let logits = (logits + (left_out(&i[0], negatives)? * -1e30)?)?;
            let ids = [0u32, 1, 2, 3];
            let sum = naive_cross_entropy(&logits, &ids)? + naive_cross_entropy(&logits.t()?.contiguous()?, &ids)?;
            sum? * 0.5
        });
    }
    for negatives in [Negatives::default(), Negatives { largest_cosine: Some(0.1), ..Negatives::default() }] {
        // More rows than one part of a column's sum has.
        check_threads("info_nce", &[&[150, 48], &[150, 48], &[1]], &|i| nn::info_nce(&i[0], &i[1], &i[2], negatives));
        check(
            "info_nce of many",
            &[&[70, 2], &[70, 2], &[1]],
            &|i| nn::info_nce(&i[0], &i[1], &i[2], negatives),
            &|i| {
                let logits = i[0].matmul(&i[1].t()?)?.broadcast_mul(&i[2].reshape((1, 1))?)?;
                let logits = (logits + (left_out(&i[0], negatives)? * -1e30)?)?;
                let ids: Vec<u32> = (0..70).collect();
                let sum = naive_cross_entropy(&logits, &ids)? + naive_cross_entropy(&logits.t()?.contiguous()?, &ids)?;
                sum? * 0.5
            },
        );
    }
}

/// With texts that [`check`] draws, some pairs are and some are not more alike than 0.1.
fn all_negatives() -> [Negatives<'static>; 4] {
    let groups = Some(&[0u32, 1, 0, 2][..]);
    let near = Negatives { largest_cosine: Some(0.1), ..Negatives::default() };
    [None.into(), groups.into(), near, Negatives { groups, ..near }]
}

/// One for each pair that does not count, zero elsewhere.
fn left_out(text: &Tensor, negatives: Negatives) -> TensorResult<Tensor> {
    let cosines: Vec<f64> = text.matmul(&text.t()?)?.flatten_all()?.to_vec1()?;
    let n = text.dim(0)?;
    let out = (0..n * n).map(|at| {
        let (a, b) = (at / n, at % n);
        let same = negatives.groups.is_some_and(|groups| groups[a] == groups[b]);
        let near = negatives.largest_cosine.is_some_and(|limit| cosines[at] > limit);
        f64::from(a != b && (same || near))
    });
    Tensor::from_iter(out, &Device::Cpu)?.reshape((n, n))
}

#[test]
fn sigmoid_contrastive() {
    let text = values(0, &[4, 3]);
    for (negatives, pairs) in all_negatives().into_iter().zip([0..1, 2..3, 2..11, 3..12]) {
        let count = left_out(&text, negatives).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(pairs.contains(&(count as usize)), "{negatives:?}: {count}");
    }
    for negatives in all_negatives() {
        let what = format!("siglip, {negatives:?}");
        let op = |i: &[Tensor]| nn::siglip(&i[0], &i[1], &i[2], &i[3], negatives);
        check(&what, &[&[4, 3], &[4, 3], &[1], &[1]], &op, &|i| {
            let logits = i[0].matmul(&i[1].t()?)?.broadcast_mul(&i[2].reshape((1, 1))?)?;
            let logits = logits.broadcast_add(&i[3].reshape((1, 1))?)?;
            let sign = ((Tensor::eye(4, DType::F64, &Device::Cpu)? * -2.0)? + 1.0)?;
            let lost = ((logits * sign)?.exp()? + 1.0)?.log()?;
            (lost * (1.0 - left_out(&i[0], negatives)?)?)?.sum_all()? / 4.0
        });
    }
    check_threads("siglip", &[&[70, 48], &[70, 48], &[1], &[1]], &|i| nn::siglip(&i[0], &i[1], &i[2], &i[3], None));
    // Far from the decision: nothing overflows, and small losses are not rounded away.
    let number = |value: f32| Tensor::new(&[value], &Device::Cpu).unwrap();
    let one = Tensor::new(&[[1f32]], &Device::Cpu).unwrap();
    let loss =
        |bias: f32| nn::siglip(&one, &one, &number(0.0), &number(bias), None).unwrap().to_scalar::<f32>().unwrap();
    for (bias, wanted) in [(20.0, 2.061_153_6e-9f32), (-20.0, 20.0), (-200.0, 200.0)] {
        assert!((loss(bias) - wanted).abs() <= 2e-6 * wanted, "{bias}: {}", loss(bias));
    }
}

#[test]
fn binary_cross_entropy() {
    let targets: Vec<bool> = (0..12).map(|i| i % 3 == 0 || i == 7).collect();
    let truth = Tensor::from_iter(targets.iter().map(|&target| f64::from(target)), &Device::Cpu).unwrap();
    let truth = truth.reshape((4, 3)).unwrap();
    check("binary cross-entropy", &[&[4, 3]], &|i| nn::binary_cross_entropy(&i[0], &targets), &|i| {
        let lost = (((i[0].exp()? + 1.0)?.log()? - (&truth * &i[0])?)?).sum_all()?;
        lost / 12.0
    });
    let many: Vec<bool> = (0..700 * 71).map(|i| i % 5 == 0).collect();
    check_threads("binary cross-entropy", &[&[700, 71]], &|i| nn::binary_cross_entropy(&i[0], &many));
    // Far from the decision: nothing overflows, and small losses are not rounded away.
    let loss = |logit: f32, target: bool| {
        let logit = Tensor::new(&[[logit]], &Device::Cpu).unwrap();
        nn::binary_cross_entropy(&logit, &[target]).unwrap().to_scalar::<f32>().unwrap()
    };
    for (logit, wanted) in [(20.0, 2.061_153_6e-9f32), (-20.0, 20.0), (-200.0, 200.0)] {
        assert!((loss(logit, true) - wanted).abs() <= 2e-6 * wanted, "{logit}: {}", loss(logit, true));
        assert_eq!(loss(-logit, false), loss(logit, true));
    }
}

fn block(i: &[Tensor]) -> nn::ConvNextBlockWeights {
    nn::ConvNextBlockWeights {
        depthwise_weight: i[1].clone(),
        depthwise_bias: i[2].clone(),
        norm_weight: i[3].clone(),
        norm_bias: i[4].clone(),
        expand_weight: i[5].clone(),
        expand_bias: i[6].clone(),
        grn_gamma: i[7].clone(),
        grn_beta: i[8].clone(),
        contract_weight: i[9].clone(),
        contract_bias: i[10].clone(),
    }
}

#[test]
fn convnext_block_equals_its_composition() {
    let naive = |i: &[Tensor]| -> TensorResult<Tensor> {
        let y = naive_depthwise(&i[0], &i[1], Some(&i[2]))?;
        let y = naive_layer_norm(&[y, i[3].clone(), i[4].clone()], 1e-6)?;
        let (batch, time, channels) = y.dims3()?;
        let y = y.reshape((batch * time, channels))?.matmul(&i[5].t()?)?.broadcast_add(&i[6])?;
        let y = y.gelu_erf()?.reshape((batch, time, ()))?;
        let y = naive_grn(&y, &i[7], &i[8])?;
        let y = y.flatten_to(1)?.matmul(&i[9].t()?)?.broadcast_add(&i[10])?;
        &i[0] + y.reshape((batch, time, channels))?
    };
    let op = |i: &[Tensor]| nn::convnext_block(&i[0], &block(i));
    let shapes = |batch: usize, time: usize, c: usize, kernel: usize| -> Vec<Vec<usize>> {
        let h = 4 * c;
        vec![
            vec![batch, time, c],
            vec![c, 1, kernel],
            vec![c],
            vec![c],
            vec![c],
            vec![h, c],
            vec![h],
            vec![1, 1, h],
            vec![1, 1, h],
            vec![c, h],
            vec![c],
        ]
    };
    for (batch, time, c, kernel) in [(2, 9, 3, 7), (1, 1, 5, 7), (2, 4, 5, 3)] {
        let shapes = shapes(batch, time, c, kernel);
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        check("convnext_block", &shapes, &op, &naive);
    }
    let shapes = shapes(3, 400, 40, 7);
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    check_threads("convnext_block", &shapes, &op);
}

#[test]
fn nan_is_not_swallowed() {
    let nan = |shape: &[usize]| Tensor::full(f32::NAN, shape, &Device::Cpu).unwrap();
    let one = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap();
    let is_nan = |y: Tensor| {
        let values: Vec<f32> = y.flatten_all().unwrap().to_vec1().unwrap();
        assert!(values.iter().any(|v| v.is_nan()));
    };
    is_nan(nn::linear(&nan(&[1, 2]), &one(&[2, 2]), None).unwrap());
    is_nan(nn::gelu(&nan(&[1])).unwrap());
    is_nan(nn::silu(&nan(&[1])).unwrap());
    is_nan(nn::relu(&nan(&[1])).unwrap());
    is_nan(nn::layer_norm(&nan(&[1, 2]), &one(&[2]), None, 1e-5).unwrap());
    is_nan(nn::time_norm(&nan(&[1, 2, 1]), &one(&[1]), &one(&[1]), 1e-6).unwrap());
    is_nan(nn::grn(&nan(&[1, 2, 1]), &one(&[1]), &one(&[1]), 1e-6).unwrap());
    is_nan(nn::max_pool1d(&nan(&[1, 2, 1]), 2, 1, 0).unwrap());
    is_nan(nn::cross_entropy(&nan(&[1, 2]), &[0]).unwrap());
    is_nan(nn::l2_normalize(&nan(&[1, 2]), 1e-12).unwrap());
    let options = Attention { heads: 1, key_heads: 1, causal: false, dropout: None };
    let spans = Spans::even(1, 1).unwrap();
    is_nan(nn::self_attention(&nan(&[1, 3]), &spans, &options).unwrap());
    is_nan(nn::cross_attention(&nan(&[1, 1]), &one(&[1, 2]), &spans, &spans, &options).unwrap());
    is_nan(nn::rotary(&nan(&[1, 2]), &spans, 1, 2).unwrap());
}

#[test]
fn operands_that_do_not_fit_are_errors() {
    let t = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    assert!(nn::linear(&t(&[0, 3]), &t(&[2, 3]), None).is_err());
    assert!(nn::linear(&t(&[1, 3]), &t(&[2, 4]), None).is_err());
    assert!(nn::linear(&t(&[1, 3]).to_dtype(DType::F64).unwrap(), &t(&[2, 3]), None).is_err());
    assert!(nn::gelu(&Tensor::zeros(3, DType::U32, &Device::Cpu).unwrap()).is_err());
    assert!(nn::patch_conv1d(&t(&[1, 3, 2]), &t(&[2, 2, 4]), None).is_err());
    assert!(nn::conv1d(&t(&[1, 3, 2]), &t(&[2, 2, 5]), None, Conv1d::default()).is_err());
    let standing = Conv1d { stride: 0, ..Conv1d::default() };
    assert!(nn::conv1d(&t(&[1, 3, 2]), &t(&[2, 2, 3]), None, standing).is_err());
    let odd = Conv1d { groups: 2, ..Conv1d::default() };
    assert!(nn::conv1d(&t(&[1, 3, 2]), &t(&[3, 1, 3]), None, odd).is_err());
    assert!(nn::depthwise_conv1d(&t(&[1, 3, 2]), &t(&[2, 1, 4]), None).is_err());
    assert!(nn::layer_norm(&t(&[2, 3]), &t(&[2]), None, 1e-5).is_err());
    assert!(nn::time_norm(&t(&[1, 1, 2]), &t(&[2]), &t(&[2]), 1e-6).is_err());
    assert!(nn::grn(&t(&[0, 1, 2]), &t(&[2]), &t(&[2]), 1e-6).is_err());
    assert!(nn::swiglu(&t(&[1, 3])).is_err());
    assert!(nn::max_pool1d(&t(&[1, 2, 1]), 5, 1, 1).is_err());
    assert!(nn::mean_over_time(&t(&[1, 2, 1]), Some(&[3])).is_err());
    assert!(nn::mean_over_time(&t(&[1, 2, 1]), Some(&[0])).is_err());
    assert!(nn::embedding(&t(&[2, 3]), &[2], &[1]).is_err());
    assert!(nn::embedding(&t(&[2, 3]), &[], &[0]).is_err());
    assert!(nn::cross_entropy(&t(&[1, 2]), &[2]).is_err());
    assert!(nn::linear_cross_entropy(&t(&[1, 2]), &t(&[3, 2]), &[0], Some(0)).is_err());
    assert!(nn::info_nce(&t(&[2, 2]), &t(&[3, 2]), &t(&[1]), None).is_err());
    assert!(nn::siglip(&t(&[2, 2]), &t(&[2, 2]), &t(&[1]), &t(&[2]), None).is_err());
    assert!(nn::siglip(&t(&[2, 2]), &t(&[2, 2]), &t(&[1]), &t(&[1]), Some(&[0u32][..])).is_err());
    assert!(nn::binary_cross_entropy(&t(&[2, 2]), &[true; 3]).is_err());
    assert!(nn::dropout(&t(&[2]), 1.0, &nn::Pass::evaluate()).is_err());
    assert!(Spans::packed(&[]).is_err());
    assert!(Spans::packed(&[1, 0]).is_err());
    assert!(Spans::padded(&[3], 2).is_err());
    let spans = |lengths: &[usize]| Spans::packed(lengths).unwrap();
    assert!(nn::mean_over_spans(&t(&[3, 2]), &spans(&[2])).is_err());
    assert!(nn::rotary(&t(&[2, 6]), &spans(&[2]), 2, 3).is_err());
    assert!(nn::rotary(&t(&[2, 6]), &spans(&[2]), 2, 4).is_err());
    assert!(nn::rotary(&t(&[3, 6]), &spans(&[2]), 1, 4).is_err());
    let options = |heads, key_heads| Attention { heads, key_heads, causal: true, dropout: None };
    assert!(nn::self_attention(&t(&[2, 6]), &spans(&[3]), &options(1, 1)).is_err());
    assert!(nn::self_attention(&t(&[2, 7]), &spans(&[2]), &options(1, 1)).is_err());
    assert!(nn::self_attention(&t(&[2, 14]), &spans(&[2]), &options(3, 2)).is_err());
    assert!(nn::self_attention(&t(&[2, 2]), &spans(&[2]), &options(0, 1)).is_err());
    let (three, two) = (spans(&[3]), spans(&[2]));
    assert!(nn::cross_attention(&t(&[3, 2]), &t(&[2, 4]), &three, &two, &options(1, 1)).is_err());
    assert!(nn::cross_attention(&t(&[3, 2]), &t(&[3, 4]), &three, &spans(&[1, 2]), &options(1, 1)).is_err());
    assert!(nn::joint_linear(&t(&[1, 3]), &[]).is_err());
    assert!(nn::joint_linear(&t(&[1, 3]), &[(&t(&[2, 3]), &t(&[3]))]).is_err());
    let (wide, narrow) = (t(&[3, 2]), t(&[2, 3]));
    let layer = |weight| Layer { weight, bias: None };
    assert!(nn::feed_forward(&t(&[1, 2]), layer(&wide), layer(&narrow), Activation::SwiGlu).is_err());
    assert!(nn::feed_forward(&t(&[1, 2]), layer(&wide), layer(&wide), Activation::Gelu).is_err());
    let weights =
        ParallelBlockWeights { fused: &t(&[8, 2]), attention_out: &t(&[2, 2]), feed_forward_out: &t(&[2, 2]) };
    assert!(nn::parallel_block(&t(&[2, 2]), weights, &two, &options(1, 1)).is_err());
}

#[test]
fn parameter_gradients_outside_backward_are_an_error() {
    let w = candle_core::Var::from_tensor(&values(0, &[2, 3])).unwrap();
    let loss = nn::linear(&values(1, &[4, 3]), &w, None).unwrap().sum_all().unwrap();
    #[allow(clippy::disallowed_methods)]
    let lost = loss.backward();
    assert!(lost.is_err());
    assert!(nn::backward(&loss).unwrap().get(&w).is_some());
}

#[test]
fn nothing_is_recorded_without_gradients() {
    let w = candle_core::Var::from_tensor(&values(0, &[2, 3])).unwrap();
    let y = nn::without_gradients(|| nn::linear(&values(1, &[4, 3]), &w, None)).unwrap();
    assert!(!y.track_op());
    assert!(nn::linear(&values(1, &[4, 3]), &w, None).unwrap().track_op());
}
