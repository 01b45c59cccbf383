//! Names, first values, loading and buffers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use einthoven_nn::{Error, Init, Parameters};
use einthoven_random::Streams;

fn parameters() -> Parameters {
    Parameters::new(DType::F32, &Device::Cpu, Streams::new(7))
}

fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn first_values_depend_on_the_name_alone() {
    let init = Init::Normal { std: 1.0 };
    let (one, other) = (parameters(), parameters());
    let a = one.root().enter("a").parameter("w", 5, init).unwrap();
    let b = one.root().enter("b").parameter("w", 5, init).unwrap();
    let b_alone = other.root().parameter("b.w", 5, init).unwrap();
    assert_ne!(values(&a), values(&b));
    assert_eq!(values(&b), values(&b_alone));
    let names: Vec<String> = one.trainable().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.w", "b.w"]);
    assert_eq!(one.count(), 10);
}

#[test]
fn draws_have_the_distribution_asked_for() {
    let set = parameters();
    let draw = |name: &str, init| values(&set.root().parameter(name, 20_000, init).unwrap());
    let moments = |x: &[f32]| {
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / x.len() as f64;
        (mean, variance.sqrt())
    };
    let (mean, std) = moments(&draw("normal", Init::Normal { std: 0.02 }));
    assert!(mean.abs() < 1e-3 && (std - 0.02).abs() < 1e-3);
    let truncated = draw("truncated", Init::TruncatedNormal { std: 0.02 });
    assert!(truncated.iter().all(|x| x.abs() <= 0.04));
    assert!((moments(&truncated).1 - 0.88 * 0.02).abs() < 1e-3);
    let uniform = draw("uniform", Init::Uniform { bound: 0.3 });
    assert!(uniform.iter().all(|x| x.abs() <= 0.3));
    assert!((moments(&uniform).1 - 0.3 / 3f64.sqrt()).abs() < 5e-3);
    assert!(draw("constant", Init::Constant(2.5)).iter().all(|x| *x == 2.5));
    assert!(draw("ones", Init::Ones).iter().all(|x| *x == 1.0));
    assert!(draw("zeros", Init::Zeros).iter().all(|x| *x == 0.0));
}

#[test]
fn a_name_is_given_once() {
    let set = parameters();
    set.root().parameter("w", 1, Init::Zeros).unwrap();
    assert!(matches!(set.root().buffer("w", 1, 0.0), Err(Error::Duplicate { name }) if name == "w"));
}

#[test]
fn loading_is_all_or_nothing_and_names_what_is_wrong() {
    let set = parameters();
    let w = set.root().enter("part").parameter("w", 2, Init::Ones).unwrap();
    let buffer = set.root().enter("part").buffer("mean", 2, 0.5).unwrap();
    let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
    let wrong: HashMap<String, Tensor> =
        [("part.w".to_owned(), tensor(&[1.0])), ("extra".to_owned(), tensor(&[1.0]))].into();
    match set.load(&wrong) {
        Err(Error::Mismatch { missing, unexpected, misshapen }) => {
            assert_eq!(missing, ["part.mean"]);
            assert_eq!(unexpected, ["extra"]);
            assert_eq!(misshapen[0].0, "part.w");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(values(&w), [1.0, 1.0]);

    let mut right: HashMap<String, Tensor> =
        [("part.w".to_owned(), tensor(&[3.0, 4.0])), ("part.mean".to_owned(), tensor(&[5.0, 6.0]))].into();
    set.load(&right).unwrap();
    assert_eq!(values(&w), [3.0, 4.0]);
    assert_eq!(values(&buffer.get()), [5.0, 6.0]);
    assert_eq!(values(&set.tensors()["part.w"]), [3.0, 4.0]);

    // A checkpoint of the part alone, with a tensor that the part does not know.
    right = [("w", [7.0, 8.0]), ("mean", [0.0, 0.0]), ("head", [1.0, 1.0])]
        .map(|(name, values)| (name.to_owned(), tensor(&values)))
        .into();
    assert_eq!(set.load_matching("part.", &right).unwrap(), ["head"]);
    assert_eq!(values(&w), [7.0, 8.0]);
    right.remove("mean");
    assert!(
        matches!(set.load_matching("part.", &right), Err(Error::Mismatch { missing, .. }) if missing == ["part.mean"])
    );
}

#[test]
fn a_buffer_keeps_its_shape_and_its_own_copy() {
    let set = parameters();
    let buffer = set.root().buffer("mean", 2, 0.5).unwrap();
    assert_eq!(values(&buffer.get()), [0.5, 0.5]);
    assert!(buffer.set(&Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap()).is_err());
    buffer.set(&Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap()).unwrap();
    assert_eq!(values(&set.tensors()["mean"]), [1.0, 2.0]);
    assert!(set.trainable().is_empty());
}
