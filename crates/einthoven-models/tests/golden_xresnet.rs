//! The signal encoder against tensors of the published XResNet.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use std::collections::HashMap;

use candle_core::{Tensor, Var};
use common::{Golden, channels_first, parameters};
use einthoven_models::{SignalEncoder, XResNet, XResNetConfig, canonical_names};
use einthoven_nn::{Parameters, Pass, backward};
use einthoven_random::Streams;

fn config(golden: &Golden) -> XResNetConfig {
    let list = |key: &str| -> Vec<usize> {
        let list = golden.hyper(key).as_array().unwrap();
        list.iter().map(|value| value.as_u64().unwrap() as usize).collect()
    };
    XResNetConfig {
        expansion: golden.number("expansion"),
        layers: list("layers"),
        stem: list("stem_szs").try_into().unwrap(),
        widen: golden.hyper("widen").as_f64().unwrap(),
        kernel: golden.number("kernel_size"),
        stem_kernel: golden.number("kernel_size_stem"),
    }
}

fn load(golden: &Golden) -> (XResNet, Parameters) {
    let parameters = parameters(1);
    let leads = golden.number("input_channels");
    let model = XResNet::new(&config(golden), leads, &parameters.root()).unwrap();
    let mut tensors = golden.below("param.");
    tensors.extend(golden.below("buffer."));
    parameters.load(&canonical_names(tensors)).unwrap();
    (model, parameters)
}

fn check(golden: &Golden, mode: &str, pass: impl Fn() -> Pass) {
    let (model, _) = load(golden);
    let key = |kind: &str, name: &str| format!("{kind}.{mode}.{name}");
    let signal = golden.tensor("in.signal");
    let mut x = model.stem(&channels_first(signal), &pass()).unwrap();
    golden.assert_close(&channels_first(&x), &key("mid", "module3"));
    for stage in 0..config(golden).layers.len() {
        x = model.stage(stage, &x, &pass()).unwrap();
        golden.assert_close(&channels_first(&x), &key("mid", &format!("module{}", stage + 4)));
    }

    // Afresh, for the stages have moved the running statistics in training mode.
    let (model, parameters) = load(golden);
    let input = Var::from_tensor(signal).unwrap();
    let features = model.forward(&input, None, &pass()).unwrap();
    assert_eq!(features.pooled.dim(1).unwrap(), golden.number("output_dim"));
    golden.assert_close(&features.pooled, &key("out", "embedding"));
    golden.assert_close(&features.pooled.unsqueeze(2).unwrap(), &key("mid", "module8"));
    let terms = (&features.pooled * golden.tensor("in.R")).unwrap();
    golden.assert_sum_close(&terms, &key("out", "loss"));
    let loss = terms.sum_all().unwrap();
    let gradients = backward(&loss).unwrap();
    golden.assert_close(gradients.get(&input).unwrap(), &key("grad", "in.signal"));
    golden.assert_gradients(&gradients, &parameters, &format!("{mode}."), &[]);

    let (prefix, after) = match mode {
        "train" => ("out.train.buffer.", golden.below("out.train.buffer.")),
        _ => ("buffer.", golden.below("buffer.")),
    };
    let found = parameters.tensors();
    let after: HashMap<String, Tensor> = canonical_names(after);
    assert!(!after.is_empty());
    for name in after.keys() {
        golden.assert_close(&found[name], &format!("{prefix}{name}"));
    }
}

#[test]
fn evaluation_equals_the_published_one() {
    for golden in common::open("esi-xresnet1d") {
        check(&golden, "eval", Pass::evaluate);
    }
}

#[test]
fn training_equals_the_published_one_with_its_running_statistics() {
    for golden in common::open("esi-xresnet1d") {
        check(&golden, "train", || Pass::train(Streams::new(1).stream("dropout", &[])));
    }
}

#[test]
fn copies_of_the_published_state_dict_are_accepted() {
    for golden in common::open("esi-xresnet1d") {
        let aliases = golden.json["state_dict_aliases"].as_object().unwrap();
        let mut tensors = golden.below("param.");
        tensors.extend(golden.below("buffer."));
        let plain = canonical_names(tensors.clone());
        for (alias, name) in aliases {
            let tensor = tensors.remove(name.as_str().unwrap()).unwrap();
            tensors.insert(alias.clone(), tensor);
        }
        let renamed = canonical_names(tensors);
        let sorted = |tensors: &HashMap<String, Tensor>| {
            let mut names: Vec<String> = tensors.keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(sorted(&renamed), sorted(&plain));
    }
}

#[test]
fn the_full_size_has_the_published_width() {
    let parameters = parameters(1);
    let model = XResNet::new(&XResNetConfig::default(), 12, &parameters.root()).unwrap();
    assert_eq!(model.width(), 512);
    let shapes = common::shapes(&parameters);
    assert_eq!(shapes["4.0.idpath.0.0.weight"], [256, 64, 1]);
    assert_eq!(shapes["6.22.convs.1.0.weight"], [64, 64, 5]);
    let x = Tensor::zeros((1, 12, 1000), parameters.dtype(), parameters.device()).unwrap();
    let features = model.forward(&x, None, &Pass::evaluate()).unwrap();
    assert_eq!(features.sequence.dims(), [1, 32, 256]);
    assert_eq!(features.pooled.dims(), [1, 512]);
}
