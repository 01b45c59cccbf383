//! Activations, pooling, look-up, dropout and sums.

use candle_core::{D, DType, Device, Result as TensorResult, Tensor};
use einthoven_nn as nn;

use crate::support::{check, check_threads, values};

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
