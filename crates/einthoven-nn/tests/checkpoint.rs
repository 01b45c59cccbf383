//! A checkpointed part of a network has the value and gradients of the part itself, bit for bit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "candle's own operations are the plain arithmetic to compare with")]

mod support;

use candle_core::{DType, Device, Tensor, Var};
use einthoven_nn as nn;
use einthoven_nn::{Activation, Attention, Error, Layer, Pass, Spans, checkpoint};
use einthoven_random::Streams;
use support::{check, check_threads, values};

fn variable(seed: u64, shape: &[usize]) -> Var {
    Var::from_tensor(&values(seed, shape).to_dtype(DType::F32).unwrap()).unwrap()
}

fn bits(x: &Tensor) -> Vec<u32> {
    let values: Vec<f32> = x.flatten_all().unwrap().to_vec1().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn train(checkpointing: bool) -> Pass {
    Pass::train(Streams::new(8).stream("dropout", &[])).with_checkpointing(checkpointing)
}

/// A small transformer: each layer has parameters of its own, a residual, dropout in and out of the attention and looks at a
/// context that all share; the first layer's input is a constant.
struct Network {
    layers: Vec<[Tensor; 5]>,
    context: Var,
}

impl Network {
    fn new() -> Self {
        let layer = |index: u64| {
            let parameter = |place: u64, shape: &[usize]| variable(10 * index + place, shape).into_inner();
            [
                parameter(0, &[24, 8]),
                parameter(1, &[24]),
                parameter(2, &[16, 8]),
                parameter(3, &[8, 16]),
                parameter(4, &[8]),
            ]
        };
        Self { layers: (1..=3).map(layer).collect(), context: variable(7, &[5, 8]) }
    }

    fn layer(weights: &[Tensor; 5], x: &Tensor, context: &Tensor, pass: &Pass) -> nn::Result<Tensor> {
        let [qkv, bias, expand, contract, gamma] = weights;
        let options = Attention { heads: 2, key_heads: 2, causal: true, dropout: pass.dropout(0.3) };
        let attended = nn::self_attention(&nn::joint_linear(x, &[(qkv, bias)])?, &Spans::packed(&[2, 3])?, &options)?;
        let x = ((nn::dropout(&attended, 0.2, pass)? + x)? + context)?;
        let layer = |weight| Layer { weight, bias: None };
        let fed = nn::feed_forward(&x, layer(expand), layer(contract), Activation::Gelu)?;
        // A parameter that goes through an operation of candle's.
        nn::layer_norm(&(nn::dropout(&fed, 0.2, pass)? + x)?, &gamma.flatten_all()?, None, 1e-5)
    }

    /// The loss's value and gradients, and the next draw of the pass.
    fn run(&self, checkpointing: bool) -> (Vec<Vec<u32>>, [u8; 32]) {
        let pass = train(checkpointing);
        let context = (self.context.as_tensor() * 2.0).unwrap();
        let mut x = values(5, &[5, 8]).to_dtype(DType::F32).unwrap();
        for weights in &self.layers {
            let own = weights.clone();
            let body = move |inputs: &[Tensor], pass: &Pass| Self::layer(&own, &inputs[0], &inputs[1], pass);
            x = checkpoint(&[&x, &context], &pass, body).unwrap();
        }
        let loss = nn::inner_product(&x, &values(6, &[5, 8]).to_dtype(DType::F32).unwrap()).unwrap();
        let gradients = nn::backward(&loss).unwrap();
        let of = |variable: &Tensor| bits(gradients.get(variable).unwrap());
        let all = self.layers.iter().flatten().chain([self.context.as_tensor()]).map(of);
        (all.chain([bits(&loss)]).collect(), pass.dropout(0.5).unwrap().seed)
    }
}

#[test]
fn value_and_gradients_are_those_of_the_plain_network_with_dropout() {
    let network = Network::new();
    let plain = network.run(false);
    assert!(network.run(true) == plain);
    // Where nothing is recorded, a backward pass is yet told to record what it computes again.
    let pass = train(true);
    let weights = network.layers[0].clone();
    let x = values(5, &[5, 8]).to_dtype(DType::F32).unwrap();
    let body = move |inputs: &[Tensor], pass: &Pass| Network::layer(&weights, &inputs[0], &inputs[1], pass);
    let loss = checkpoint(&[&x, &network.context], &pass, body).unwrap().sum_all().unwrap();
    let gradients = nn::without_gradients(|| nn::backward(&loss)).unwrap();
    assert!(network.layers[0].iter().all(|weight| gradients.get(weight).is_some()));
}

#[test]
fn it_has_the_gradient_of_its_value() {
    let op = |i: &[Tensor]| {
        let pass = Pass::evaluate().with_checkpointing(true);
        let refs: Vec<&Tensor> = i.iter().collect();
        checkpoint(&refs, &pass, |i: &[Tensor], _: &Pass| nn::linear(&i[0], &i[1], Some(&i[2])))
    };
    check_threads("checkpoint", &[&[700, 96], &[160, 96], &[160]], &op);
    check("checkpoint", &[&[3, 4], &[2, 4], &[2]], &op, &|i| i[0].matmul(&i[1].t()?)?.broadcast_add(&i[2]));
}

#[test]
fn checkpoints_in_checkpoints_are_one() {
    let w = variable(1, &[4, 4]);
    let run = |checkpointing| {
        let weight = w.as_tensor().clone();
        let body = move |i: &[Tensor], pass: &Pass| {
            let own = weight.clone();
            let inner = move |i: &[Tensor], pass: &Pass| nn::dropout(&nn::linear(&i[0], &own, None)?, 0.4, pass);
            nn::gelu(&checkpoint(&[&i[0]], pass, inner)?)
        };
        let x = values(2, &[3, 4]).to_dtype(DType::F32).unwrap();
        let y = checkpoint(&[&x], &train(checkpointing), body).unwrap();
        let gradients = nn::backward(&y.sqr().unwrap().sum_all().unwrap()).unwrap();
        bits(gradients.get(&w).unwrap())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn running_statistics_move_once() {
    let parameters = nn::Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
    let mean = parameters.root().buffer("mean", 2, 0.0).unwrap();
    let var = parameters.root().buffer("var", 2, 1.0).unwrap();
    let state = nn::BatchNormState { mean, var };
    let (x, weight, bias) = (variable(1, &[2, 3, 2]), variable(2, &[2]), variable(3, &[2]));
    let body = {
        let (state, weight, bias) = (state.clone(), weight.as_tensor().clone(), bias.as_tensor().clone());
        move |i: &[Tensor], _: &Pass| nn::batch_norm(&i[0], &weight, &bias, &state, 0.1, 1e-5, true)
    };
    let y = checkpoint(&[&x], &train(true), body).unwrap();
    nn::backward(&y.sum_all().unwrap()).unwrap();
    let mean = x.flatten_to(1).unwrap().mean(0).unwrap().to_vec1::<f32>().unwrap();
    for (moved, mean) in state.mean.get().to_vec1::<f32>().unwrap().into_iter().zip(mean) {
        assert!((moved - 0.1 * mean).abs() < 1e-6, "{moved}, {mean}");
    }
}

#[test]
fn an_error_of_the_body_is_handed_on() {
    let x = variable(1, &[2]);
    let refuse = |_: &[Tensor], _: &Pass| -> nn::Result<Tensor> {
        Err(Error::Operand { op: "body", message: "refused".to_owned() })
    };
    let error = checkpoint(&[&x], &train(true), refuse).unwrap_err();
    assert_eq!(error.to_string(), "body: refused");
}
