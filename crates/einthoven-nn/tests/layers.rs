//! Every parameter of every layer gets a finite gradient that is not zero, also when the input is frozen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor};
use einthoven_nn::{ConvNextBlock, Embedding, Init, LayerNorm, Linear, Parameters, Result, Scope, backward};
use einthoven_random::Streams;
use rand::RngExt;

fn draw(shape: &[usize], index: u64) -> Tensor {
    let mut stream = Streams::new(5).stream("values", &[index]);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.random::<f32>() - 0.5).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn assert_reached(name: &str, build: impl Fn(&Scope) -> Result<Tensor>) {
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(3));
    let y = build(&parameters.root()).unwrap();
    let gradients = backward(&(&y * draw(y.dims(), 9)).unwrap().sum_all().unwrap()).unwrap();
    assert!(!parameters.trainable().is_empty());
    for (parameter, variable) in parameters.trainable() {
        let gradient = gradients.get(&variable).unwrap_or_else(|| panic!("{name}: {parameter} has no gradient"));
        assert_eq!(gradient.dims(), variable.dims(), "{name}: {parameter}");
        let values: Vec<f32> = gradient.flatten_all().unwrap().to_vec1().unwrap();
        assert!(values.iter().all(|g| g.is_finite()), "{name}: {parameter} has a gradient that is not finite");
        assert!(values.iter().any(|g| *g != 0.0), "{name}: {parameter} has a zero gradient");
    }
}

#[test]
fn linear() {
    let init = Init::Uniform { bound: 0.1 };
    assert_reached("linear", |scope| Linear::new(scope, 4, 3, true, init)?.forward(&draw(&[2, 5, 4], 0)));
    assert_reached("linear without bias", |scope| Linear::new(scope, 4, 3, false, init)?.forward(&draw(&[2, 4], 0)));
}

#[test]
fn layer_norm() {
    assert_reached("layer norm", |scope| LayerNorm::new(scope, 4, true, 1e-5)?.forward(&draw(&[2, 5, 4], 0)));
    assert_reached("layer norm without bias", |scope| {
        LayerNorm::new(scope, 4, false, 1e-5)?.forward(&draw(&[2, 4], 0))
    });
}

#[test]
fn embedding() {
    assert_reached("embedding", |scope| {
        Embedding::new(scope, 6, 3, Init::Normal { std: 1.0 })?.forward(&[1, 5, 1], &[1, 3])
    });
}

#[test]
fn convnext_block() {
    assert_reached("block", |scope| ConvNextBlock::new(scope, 3)?.forward(&draw(&[2, 9, 3], 0)));
    // A stack: the gradient passes through the upper block into the lower.
    assert_reached("two blocks", |scope| {
        let x = ConvNextBlock::new(&scope.enter(0), 3)?.forward(&draw(&[2, 9, 3], 0))?;
        ConvNextBlock::new(&scope.enter(1), 3)?.forward(&x)
    });
    // Parameters that are results of other operations go through the composed form.
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(3));
    let block = ConvNextBlock::new(&parameters.root(), 3).unwrap();
    let mut weights = block.weights.clone();
    weights.grn_gamma = (&weights.grn_gamma + 0.5).unwrap();
    let y = einthoven_nn::convnext_block(&draw(&[2, 9, 3], 0), &weights).unwrap();
    let gradients = backward(&y.sqr().unwrap().sum_all().unwrap()).unwrap();
    assert!(parameters.trainable().iter().all(|(_, variable)| gradients.get(variable).is_some()));
}

#[test]
fn a_shared_parameter_adds_up() {
    let parameters = Parameters::new(DType::F64, &Device::Cpu, Streams::new(3));
    let w = parameters.root().parameter("w", (2, 2), Init::Normal { std: 1.0 }).unwrap();
    let x = draw(&[3, 2], 0).to_dtype(DType::F64).unwrap();
    let once = |x: &Tensor| einthoven_nn::linear(x, &w, None).unwrap();
    let gradient = |y: Tensor| {
        let gradients = backward(&y.sum_all().unwrap()).unwrap();
        gradients.get(&w).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    let twice = gradient((once(&x) + once(&x)).unwrap());
    let single = gradient(once(&x));
    // Once handed over by an operation of this crate, once by candle's graph.
    let mixed = gradient((once(&x) + (w.sum_all().unwrap().broadcast_as((3, 2)).unwrap() * 0.0).unwrap()).unwrap());
    for i in 0..4 {
        assert!((twice[i] - 2.0 * single[i]).abs() < 1e-12);
        assert!((mixed[i] - single[i]).abs() < 1e-12);
    }
}

#[test]
fn two_losses_can_share_a_graph() {
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(3));
    let block = ConvNextBlock::new(&parameters.root(), 3).unwrap();
    let y = block.forward(&draw(&[2, 9, 3], 0)).unwrap();
    let loss = y.sqr().unwrap().sum_all().unwrap();
    let (first, second) = (backward(&loss).unwrap(), backward(&loss).unwrap());
    for (_, variable) in parameters.trainable() {
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(first.get(&variable).unwrap()), values(second.get(&variable).unwrap()));
    }
}
