//! Where networks look: attention pools and attention rollout.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use einthoven_models::import::SignalSystem;
use einthoven_models::{SignalEncoder, Vit, VitConfig, load_pytorch};

use crate::common::{TOLERANCE, parameters, values};
use crate::parity::{fixtures, import, signal};

fn assert_shares(shares: &[f64]) {
    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn merl_looks_where_pytorch_says() {
    for name in ["merl-resnet", "merl-vit"] {
        let expected = load_pytorch(&fixtures().join(format!("{name}.out.pt"))).unwrap();
        let (_, encoder) = import(fixtures(), name, SignalSystem::Merl).build().unwrap();
        let signals = signal(&values(&expected["shape"]));
        for row in 0..signals.dim(0).unwrap() {
            let shares = encoder.attention(&signals.narrow(0, row, 1).unwrap(), None).unwrap().unwrap();
            assert_shares(&shares);
            let wanted = values(&expected["attention"].get(row).unwrap());
            assert_eq!(shares.len(), wanted.len(), "{name}");
            let error = shares.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error <= TOLERANCE * wanted.iter().copied().fold(0.0, f64::max), "{name}: {error:e}");
        }
        let error = encoder.attention(&signals, None).unwrap_err();
        assert!(error.to_string().contains("a single recording"), "{error}");
    }
}

#[test]
fn padding_is_not_looked_at_and_networks_without_attention_say_so() {
    let one = signal(&[1.0, 12.0, 320.0]);
    let (_, encoder) = import(fixtures(), "ecg-fm", SignalSystem::EcgFm).build().unwrap();
    let shares = encoder.attention(&one, Some(&[160])).unwrap().unwrap();
    assert_shares(&shares);
    assert_eq!(shares.len(), 20);
    assert!(shares[..10].iter().all(|&share| share > 0.0) && shares[10..].iter().all(|&share| share == 0.0));
    for (name, system) in [("xresnet1d", SignalSystem::XResNet1d), ("ecgfounder", SignalSystem::EcgFounder)] {
        let (_, encoder) = import(fixtures(), name, system).build().unwrap();
        assert!(encoder.attention(&one, None).unwrap().is_none(), "{name}");
    }
}

/// Queries are alike, and a key is the norm of what its token holds of the signal: nothing, but in one place.
#[test]
fn the_only_place_with_a_signal_lights_up() {
    let config = VitConfig { width: 4, depth: 2, heads: 1, mlp: 4, patch: 10, positions: 12 };
    let parameters = parameters(1);
    let network = Vit::new(&config, 1, &parameters.root()).unwrap();
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    for (name, tensor) in parameters.tensors() {
        let mut data = vec![0f32; tensor.elem_count()];
        if name == "to_patch_embedding.weight" {
            data[..10].fill(1.0);
        } else if name.ends_with("norm.weight") {
            data.fill(1.0);
        } else if name.ends_with("to_qkv.weight") {
            // Of 64 queries, keys and values of 4 inputs each: the first input becomes every key.
            data[64 * 4..128 * 4].iter_mut().step_by(4).for_each(|weight| *weight = 1.0);
        } else if name.ends_with("to_qkv.bias") {
            data[..64].fill(1.0);
        }
        tensors.insert(name, Tensor::from_vec(data, tensor.shape(), &Device::Cpu).unwrap());
    }
    parameters.load(&tensors).unwrap();
    let mut samples = vec![0f32; 120];
    samples[70..80].fill(1.0);
    let signal = Tensor::from_vec(samples, (1, 1, 120), &Device::Cpu).unwrap();
    let shares = network.attention(&signal, None).unwrap().unwrap();
    assert_shares(&shares);
    // Each of two layers passes on half of a token by attention, all of which goes there.
    assert!((shares[7] - (0.75 + 0.25 / 12.0)).abs() < 1e-3, "{shares:?}");
    assert!(shares.iter().enumerate().all(|(place, share)| place == 7 || *share < 0.03), "{shares:?}");
}
