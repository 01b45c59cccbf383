//! Normalisations.

use candle_core::{D, DType, Device, Result as TensorResult, Tensor};
use einthoven_nn as nn;

use crate::support::{self, assert_close, check, check_threads, values};

pub fn naive_layer_norm(i: &[Tensor], eps: f64) -> TensorResult<Tensor> {
    let centred = i[0].broadcast_sub(&i[0].mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let y = centred.broadcast_div(&(variance + eps)?.sqrt()?)?.broadcast_mul(&i[1])?;
    if i.len() > 2 { y.broadcast_add(&i[2]) } else { Ok(y) }
}

pub fn naive_grn(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> TensorResult<Tensor> {
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
