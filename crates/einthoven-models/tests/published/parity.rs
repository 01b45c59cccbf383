//! Encoders with the weights of PyTorch's files against PyTorch's outputs (`scripts/published-twins.py`).

use std::path::Path;
use std::process::Command;

use candle_core::{Device, Tensor};
use einthoven_models::import::{ImportedEncoder, SignalSystem};
use einthoven_models::{Error, SignalConfig, SignalEncoder, Wav2Vec2, Wav2Vec2Config, load_pytorch, load_weights};
use einthoven_nn::{Pass, backward};

use crate::common::{self, TOLERANCE, parameters, relative_error, values};
use crate::merl;

pub const SMALL: [(&str, SignalSystem); 6] = [
    ("merl-resnet", SignalSystem::Merl),
    ("merl-resnet-encoder", SignalSystem::Merl),
    ("merl-vit", SignalSystem::Merl),
    ("xresnet1d", SignalSystem::XResNet1d),
    ("ecg-fm", SignalSystem::EcgFm),
    ("ecgfounder", SignalSystem::EcgFounder),
];

const FULL: [(&str, SignalSystem); 10] = [
    ("merl-resnet18", SignalSystem::Merl),
    ("merl-resnet34", SignalSystem::Merl),
    ("merl-resnet50", SignalSystem::Merl),
    ("merl-resnet101", SignalSystem::Merl),
    ("merl-vit-tiny", SignalSystem::Merl),
    ("merl-vit-small", SignalSystem::Merl),
    ("merl-vit-base", SignalSystem::Merl),
    ("xresnet1d101", SignalSystem::XResNet1d),
    ("ecg-fm", SignalSystem::EcgFm),
    ("ecgfounder", SignalSystem::EcgFounder),
];

pub fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/published"))
}

pub fn import(folder: &Path, name: &str, system: SignalSystem) -> ImportedEncoder {
    system.import(load_weights(&folder.join(format!("{name}.pt"))).unwrap()).unwrap()
}

/// The sines that the script feeds to the networks, `[batch, leads, samples]`.
pub fn signal(shape: &[f64]) -> Tensor {
    let [batch, leads, samples] = shape else { panic!("{shape:?}") };
    let mut signal = Vec::new();
    for b in 0..*batch as usize {
        for l in 0..*leads as usize {
            for t in 0..*samples as usize {
                let (b, l, t) = (b as f64, l as f64, t as f64);
                signal.push(((t * (0.11 + 0.017 * l) + b).sin() + 0.5 * (t * 0.031 * (b + 1.0) + l).sin()) as f32);
            }
        }
    }
    Tensor::from_vec(signal, (*batch as usize, *leads as usize, *samples as usize), &Device::Cpu).unwrap()
}

/// Compares sequence and pooled vector; gives the greater of the two relative errors.
fn check(folder: &Path, name: &str, system: SignalSystem) -> f64 {
    let expected = load_pytorch(&folder.join(format!("{name}.out.pt"))).unwrap();
    let (_, encoder) = import(folder, name, system).build().unwrap();
    let features = encoder.forward(&signal(&values(&expected["shape"])), None, &Pass::evaluate()).unwrap();
    let errors = [("sequence", &features.sequence), ("pooled", &features.pooled)].map(|(key, found)| {
        assert_eq!(found.dims(), expected[key].dims(), "{name}: shape of {key}");
        let error = relative_error(found, &expected[key]);
        assert!(error <= TOLERANCE, "{name}: {key} differs by {error:e}");
        error
    });
    assert_eq!(features.pooled.dim(1).unwrap(), encoder.width());
    assert_eq!(features.sequence.dim(2).unwrap(), encoder.sequence_width());
    errors[0].max(errors[1])
}

#[test]
fn small_checkpoints_give_the_numbers_of_pytorch() {
    for (name, system) in SMALL {
        println!("{name}: {:e}", check(fixtures(), name, system));
    }
}

#[test]
fn checkpoints_of_full_size_give_the_numbers_of_pytorch() {
    let Some(python) = std::env::var_os("EINTHOVEN_PYTHON") else {
        println!("skipped: EINTHOVEN_PYTHON names no interpreter");
        return;
    };
    let has_torch = Command::new(&python).args(["-c", "import torch"]).output();
    if !has_torch.is_ok_and(|output| output.status.success()) {
        println!("skipped: Python's torch is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/published-twins.py");
    let output = Command::new(python).arg(script).arg(folder.path()).arg("--full").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, system) in FULL {
        println!("{name}: {:e}", check(folder.path(), name, system));
        if system == SignalSystem::Merl {
            println!("{name}, texts: {:e}", merl::check(folder.path(), name));
        }
    }
}

#[test]
fn what_is_no_part_of_an_encoder_is_left_out_and_named() {
    let left_out = |name: &str, system| import(fixtures(), name, system).left_out;
    let merl = left_out("merl-resnet", SignalSystem::Merl);
    for name in ["ecg_encoder.linear.weight", "linear1.weight", "lm_model.pooler.dense.weight", "proj_t.0.weight"] {
        assert!(merl.iter().any(|left| left == name), "{name}: {merl:?}");
    }
    assert_eq!(left_out("merl-resnet-encoder", SignalSystem::Merl), ["linear.bias", "linear.weight"]);
    assert_eq!(left_out("xresnet1d", SignalSystem::XResNet1d), ["7.4.bias", "7.4.weight"]);
    assert!(left_out("ecg-fm", SignalSystem::EcgFm).contains(&"quantizer.vars".to_owned()));
    assert!(left_out("ecgfounder", SignalSystem::EcgFounder).contains(&"dense.bias".to_owned()));
}

#[test]
fn a_fine_tuned_ecg_fm_is_the_pretrained_one_under_another_prefix() {
    let tensors = load_weights(&fixtures().join("ecg-fm.pt")).unwrap();
    let head = Tensor::zeros((5, 16), candle_core::DType::F32, &Device::Cpu).unwrap();
    let mut fine_tuned: std::collections::HashMap<String, Tensor> =
        tensors.into_iter().map(|(name, tensor)| (format!("encoder.{name}"), tensor)).collect();
    fine_tuned.insert("proj.weight".to_owned(), head);
    let fine_tuned = SignalSystem::EcgFm.import(fine_tuned).unwrap();
    let pretrained = import(fixtures(), "ecg-fm", SignalSystem::EcgFm);
    assert_eq!(fine_tuned.config, pretrained.config);
    fine_tuned.build().unwrap();
}

#[test]
fn every_parameter_of_every_encoder_learns() {
    for (name, system) in SMALL {
        // It has a test of its own; in this one, two channels wide, some rectified values are always zero.
        if system == SignalSystem::XResNet1d {
            continue;
        }
        let expected = load_pytorch(&fixtures().join(format!("{name}.out.pt"))).unwrap();
        let (parameters, encoder) = import(fixtures(), name, system).build().unwrap();
        let features = encoder.forward(&signal(&values(&expected["shape"])), None, &Pass::evaluate()).unwrap();
        let weights =
            Tensor::from_iter((0..features.pooled.elem_count()).map(|i| (i as f32 * 0.7).sin()), &Device::Cpu);
        let weights = weights.unwrap().reshape(features.pooled.shape()).unwrap();
        let gradients = backward(&(&features.pooled * weights).unwrap().sum_all().unwrap()).unwrap();
        for (parameter, variable) in parameters.trainable() {
            let gradient = gradients.get(&variable).unwrap_or_else(|| panic!("{name}: {parameter} has no gradient"));
            let gradient = values(gradient);
            assert!(gradient.iter().all(|x| x.is_finite()), "{name}: {parameter}");
            // A bias of all keys moves no softmax.
            let is_zero = parameter.ends_with("k_proj.bias");
            assert!(is_zero || gradient.iter().any(|&x| x != 0.0), "{name}: {parameter} has a zero gradient");
        }
    }
}

#[test]
fn padding_is_no_part_of_what_is_pooled() {
    for (name, system) in SMALL {
        let imported = import(fixtures(), name, system);
        if matches!(imported.config, SignalConfig::Merl(_)) {
            continue;
        }
        let (_, encoder) = imported.build().unwrap();
        let x = signal(&[2.0, 12.0, 200.0]);
        let features = encoder.forward(&x, Some(&[200, 96]), &Pass::evaluate()).unwrap();
        let lengths = features.lengths.clone().unwrap();
        assert!(lengths[1] < lengths[0], "{name}: {lengths:?}");
        let whole = encoder.forward(&x, None, &Pass::evaluate()).unwrap();
        if !matches!(imported.config, SignalConfig::Wav2Vec2(_)) {
            let rows = |features: &Tensor| features.get(0).unwrap();
            assert!(relative_error(&rows(&features.pooled), &rows(&whole.pooled)) < 1e-6, "{name}");
        }
        assert!(relative_error(&features.pooled.get(1).unwrap(), &whole.pooled.get(1).unwrap()) > 1e-4, "{name}");
    }
}

#[test]
fn the_published_pretraining_of_ecg_fm_has_this_encoder() {
    for golden in common::open("ecgfm-wav2vec2") {
        let parameters = parameters(1);
        let config = Wav2Vec2Config {
            channels: 16,
            width: golden.number("encoder_embed_dim"),
            depth: golden.number("encoder_layers"),
            heads: golden.number("encoder_attention_heads"),
            mlp: golden.number("encoder_ffn_embed_dim"),
            position_kernel: golden.number("conv_pos"),
            position_groups: golden.number("conv_pos_groups"),
            ..Wav2Vec2Config::default()
        };
        let encoder = Wav2Vec2::new(&config, 12, &parameters.root()).unwrap();
        let mut tensors = golden.below("param.");
        tensors.retain(|name, _| !name.starts_with("classifier."));
        let imported = SignalSystem::EcgFm.import(tensors).unwrap();
        parameters.load(&imported.tensors).unwrap();

        let features = encoder.forward(golden.tensor("in.source"), None, &Pass::evaluate()).unwrap();
        golden.assert_close(&features.sequence, "out.extract.x");

        let lengths: Vec<usize> = golden.integers("in.padded.lengths").iter().map(|&length| length as usize).collect();
        let rows: Vec<Tensor> = (0..lengths.len())
            .map(|row| {
                let source = golden.tensor("in.source").get(row).unwrap();
                let rest = source.dim(1).unwrap() - lengths[row];
                source.narrow(1, 0, lengths[row]).unwrap().pad_with_zeros(1, 0, rest).unwrap()
            })
            .collect();
        let source = Tensor::stack(&rows, 0).unwrap();
        let features = encoder.forward(&source, Some(&lengths), &Pass::evaluate()).unwrap();
        let padded = values(golden.tensor("out.extract_padded.frame_mask"));
        let steps = features.sequence.dim(1).unwrap();
        let frames = features.lengths.unwrap();
        for (row, &frames) in frames.iter().enumerate() {
            let expected = padded[row * steps..(row + 1) * steps].iter().filter(|&&padded| padded == 0.0).count();
            assert_eq!(frames, expected, "{}: frames of row {row}", golden.name);
            let part = |x: &Tensor| x.get(row).unwrap().narrow(0, 0, frames).unwrap();
            let error = relative_error(&part(&features.sequence), &part(golden.tensor("out.extract_padded.x")));
            assert!(error <= TOLERANCE, "{}: padded row {row} differs by {error:e}", golden.name);
        }
    }
}

#[test]
fn a_recording_of_the_wrong_length_or_leads_is_refused() {
    let (_, encoder) = import(fixtures(), "merl-resnet", SignalSystem::Merl).build().unwrap();
    let error = encoder.forward(&signal(&[1.0, 12.0, 300.0]), None, &Pass::evaluate()).unwrap_err();
    assert!(error.to_string().contains("attention pool takes exactly 50"), "{error}");
    let (_, encoder) = import(fixtures(), "merl-vit", SignalSystem::Merl).build().unwrap();
    let error = encoder.forward(&signal(&[1.0, 12.0, 400.0]), None, &Pass::evaluate()).unwrap_err();
    assert!(error.to_string().contains("the model takes 200 at most"), "{error}");
    let error = encoder.forward(&signal(&[1.0, 3.0, 200.0]), None, &Pass::evaluate()).unwrap_err();
    assert!(matches!(error, Error::Input { .. }), "{error}");
}
