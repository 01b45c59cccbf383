//! AdamW against `torch.optim.AdamW`, its state, and gradient clipping.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use einthoven_nn::{AdamW, AdamWConfig, Error, Gradients, ParameterGroup, backward};

fn variable(values: &[f64], dtype: DType) -> Var {
    Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()).unwrap()
}

/// The gradient of `Σ (p - target)² · weight` for fixed targets and weights.
fn gradients(p: &Var) -> Gradients {
    let count = p.elem_count();
    let ramp: Vec<f64> = (0..count).map(|i| (i as f64 * 0.7).sin()).collect();
    let target = Tensor::new(ramp.as_slice(), &Device::Cpu).unwrap().to_dtype(p.dtype()).unwrap();
    let loss = ((p.as_tensor() - &target).unwrap().sqr().unwrap() * (target + 1.5).unwrap()).unwrap();
    backward(&loss.sum_all().unwrap()).unwrap()
}

fn optimizer(p: &Var, weight_decay: f64) -> AdamW {
    let parameters = vec![("p".to_owned(), p.clone())];
    let group = ParameterGroup { parameters, weight_decay, learning_rate_scale: 1.0 };
    AdamW::new(vec![group], AdamWConfig::default()).unwrap()
}

fn values(t: &Tensor) -> Vec<f64> {
    t.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The update written out in `f64`.
fn written_out(start: &[f64], steps: i32, rate: f64, decay: f64) -> Vec<f64> {
    let (mut p, mut m, mut v) = (start.to_vec(), vec![0.0; start.len()], vec![0.0; start.len()]);
    for step in 1..=steps {
        for i in 0..p.len() {
            let target = (i as f64 * 0.7).sin();
            let g = 2.0 * (p[i] - target) * (target + 1.5);
            p[i] *= 1.0 - rate * decay;
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let denominator = (v[i] / (1.0 - 0.999f64.powi(step))).sqrt() + 1e-8;
            p[i] -= rate * m[i] / (1.0 - 0.9f64.powi(step)) / denominator;
        }
    }
    p
}

#[test]
fn updates_are_those_of_torch() {
    // torch.optim.AdamW([p], lr=0.1, weight_decay=0.3), float64, five steps of the loss above.
    let torch = [0.399_263_806_497, -0.393_035_936_966, 1.262_796_009_682];
    let start = [1.0, -1.0, 2.0];
    let p = variable(&start, DType::F64);
    let mut optimizer = optimizer(&p, 0.3);
    for _ in 0..5 {
        optimizer.step(&gradients(&p), 0.1).unwrap();
    }
    for ((found, torch), formula) in values(&p).iter().zip(torch).zip(written_out(&start, 5, 0.1, 0.3)) {
        assert!((found - formula).abs() < 1e-12, "{found} {formula}");
        assert!((found - torch).abs() < 1e-9, "{found} {torch}");
    }
    // Away from the targets: near them the sign of a step is that of rounding errors.
    let start: Vec<f64> = (0..40_000).map(|i| 2.5 + (i as f64).cos()).collect();
    let p = variable(&start, DType::F32);
    let mut single = self::optimizer(&p, 0.01);
    for _ in 0..3 {
        single.step(&gradients(&p), 1e-2).unwrap();
    }
    for (found, formula) in values(&p).iter().zip(written_out(&start, 3, 1e-2, 0.01)) {
        assert!((found - formula).abs() < 1e-6, "{found} {formula}");
    }
}

#[test]
fn a_saved_state_continues_bit_for_bit() {
    let start: Vec<f64> = (0..1000).map(|i| (i as f64).sin()).collect();
    let p = variable(&start, DType::F32);
    let mut whole = optimizer(&p, 0.1);
    for _ in 0..2 {
        whole.step(&gradients(&p), 1e-2).unwrap();
    }
    let state: HashMap<String, Tensor> = whole.state().unwrap().into_iter().collect();
    assert_eq!(state["p.step"].to_scalar::<i64>().unwrap(), 2);
    let copy = Var::from_tensor(&p.as_tensor().copy().unwrap()).unwrap();
    let mut resumed = optimizer(&copy, 0.1);
    resumed.load_state(&state).unwrap();
    for _ in 0..2 {
        whole.step(&gradients(&p), 1e-2).unwrap();
        resumed.step(&gradients(&copy), 1e-2).unwrap();
    }
    assert_eq!(p.to_vec1::<f32>().unwrap(), copy.to_vec1::<f32>().unwrap());

    let mut incomplete = state.clone();
    incomplete.remove("p.exp_avg");
    incomplete.insert("q.step".to_owned(), state["p.step"].clone());
    match resumed.load_state(&incomplete) {
        Err(Error::Mismatch { missing, unexpected, .. }) => {
            assert_eq!((missing, unexpected), (vec!["p.exp_avg".to_owned()], vec!["q.step".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_parameter_without_a_gradient_stays() {
    let (p, other) = (variable(&[1.0, 2.0], DType::F32), variable(&[3.0], DType::F32));
    let mut optimizer = optimizer(&p, 0.5);
    optimizer.step(&gradients(&other), 0.1).unwrap();
    assert_eq!(values(&p), [1.0, 2.0]);
    assert_eq!(optimizer.state().unwrap()["p.step"].to_scalar::<i64>().unwrap(), 0);
}

#[test]
fn names_must_differ() {
    let p = variable(&[1.0], DType::F32);
    let group = ParameterGroup {
        parameters: vec![("p".to_owned(), p.clone()), ("p".to_owned(), p)],
        weight_decay: 0.0,
        learning_rate_scale: 1.0,
    };
    assert!(matches!(AdamW::new(vec![group], AdamWConfig::default()), Err(Error::Duplicate { .. })));
}

#[test]
fn clipping_scales_to_the_limit_and_returns_the_norm_before() {
    let p = variable(&vec![1.0; 50_000], DType::F32);
    let loss = (p.as_tensor() * 3.0).unwrap().sum_all().unwrap();
    let mut clipped = backward(&loss).unwrap();
    let norm = 3.0 * 50_000f64.sqrt();
    assert!((clipped.clip_to_norm([&p], 2.0 * norm).unwrap() - norm).abs() < 1e-6);
    assert!((clipped.norm([&p]).unwrap() - norm).abs() < 1e-6);
    clipped.clip_to_norm([&p], 1.0).unwrap();
    assert!((clipped.norm([&p]).unwrap() - 1.0).abs() < 1e-5);
    let mut sum = backward(&loss).unwrap();
    sum.accumulate(backward(&loss).unwrap()).unwrap();
    assert!(values(sum.get(&p).unwrap()).iter().all(|g| *g == 6.0));
}
