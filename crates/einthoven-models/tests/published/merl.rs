//! MERL with its text side: what PyTorch makes of tokens, and how well they fit recordings.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use einthoven_models::import::{ImportedMerlText, SignalSystem, merl_text};
use einthoven_models::{BertConfig, Error, MerlTowers, TokenBatch, Towers, load_pytorch, load_weights};
use einthoven_nn::{Pass, backward, linear};

use crate::common::{TOLERANCE, relative_error, values};
use crate::parity::{fixtures, signal};

fn import(tensors: HashMap<String, Tensor>, heads: usize) -> Result<ImportedMerlText, Error> {
    merl_text(tensors, Some(&BertConfig { num_attention_heads: heads, ..BertConfig::default() }))
}

fn checkpoint() -> HashMap<String, Tensor> {
    load_weights(&fixtures().join("merl-vit.pt")).unwrap()
}

/// The texts that the script feeds to the network, without their padding.
fn tokens(expected: &HashMap<String, Tensor>) -> TokenBatch {
    let rows: Vec<Vec<u32>> = (0..expected["lengths"].dim(0).unwrap())
        .map(|row| {
            let length = values(&expected["lengths"])[row] as usize;
            values(&expected["tokens"].get(row).unwrap())[..length].iter().map(|&id| id as u32).collect()
        })
        .collect();
    TokenBatch::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

/// Compares texts, and their cosines with recordings; gives the greater of the two relative errors.
pub fn check(folder: &Path, name: &str) -> f64 {
    let expected = load_pytorch(&folder.join(format!("{name}.out.pt"))).unwrap();
    let tensors = load_weights(&folder.join(format!("{name}.pt"))).unwrap();
    let heads = values(&expected["heads"])[0] as usize;
    let (_, text) = import(tensors.clone(), heads).unwrap().build().unwrap();
    let tokens = tokens(&expected);
    let texts = text.forward(&tokens, &Pass::evaluate()).unwrap();

    let (_, encoder) = SignalSystem::Merl.import(tensors).unwrap().build().unwrap();
    let towers = MerlTowers::new(encoder, text).unwrap();
    let signals = towers.encode_signals(&signal(&values(&expected["shape"])), None).unwrap();
    assert_eq!(signals.dim(1).unwrap(), towers.latents());
    let cosines = linear(&signals, &towers.encode_texts(&tokens).unwrap(), None).unwrap();
    let errors = [("texts", &texts), ("cosines", &cosines)].map(|(key, found)| {
        assert_eq!(found.dims(), expected[key].dims(), "{name}: shape of {key}");
        let error = relative_error(found, &expected[key]);
        assert!(error <= TOLERANCE, "{name}: {key} differs by {error:e}");
        error
    });
    errors[0].max(errors[1])
}

#[test]
fn small_systems_give_the_numbers_of_pytorch() {
    for name in ["merl-resnet", "merl-vit"] {
        println!("{name}, texts: {:e}", check(fixtures(), name));
    }
}

#[test]
fn every_parameter_of_the_text_side_learns() {
    let expected = load_pytorch(&fixtures().join("merl-vit.out.pt")).unwrap();
    let (parameters, text) = import(checkpoint(), 2).unwrap().build().unwrap();
    let texts = text.forward(&tokens(&expected), &Pass::evaluate()).unwrap();
    let gradients = backward(&texts.sqr().unwrap().sum_all().unwrap()).unwrap();
    for (parameter, variable) in parameters.trainable() {
        let gradient = gradients.get(&variable).unwrap_or_else(|| panic!("{parameter} has no gradient"));
        let gradient = values(gradient);
        assert!(gradient.iter().all(|x| x.is_finite()), "{parameter}");
        // A bias of all keys moves no softmax.
        let is_zero = parameter.ends_with("key.bias");
        assert!(is_zero || gradient.iter().any(|&x| x != 0.0), "{parameter} has a zero gradient");
    }
}

#[test]
fn what_is_missing_left_over_or_misshapen_is_named() {
    let zeros = |length: usize| Tensor::zeros(length, DType::F32, &Device::Cpu).unwrap();
    let refusal = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors = checkpoint();
        change(&mut tensors);
        import(tensors, 2).and_then(|text| text.build()).unwrap_err().to_string()
    };
    for name in ["lm_model.embeddings.word_embeddings.weight", "proj_t.2.weight", "lm_model.pooler.dense.bias"] {
        let message = refusal(&|tensors| drop(tensors.remove(name)));
        assert!(message.contains(name), "{name}: {message}");
    }
    let message = refusal(&|tensors| drop(tensors.insert("lm_model.encoder.layer.1.gate.bias".to_owned(), zeros(8))));
    assert!(message.contains("lm_model.encoder.layer.1.gate.bias"), "{message}");
    let message = refusal(&|tensors| drop(tensors.insert("proj_t.0.bias".to_owned(), zeros(5))));
    assert!(message.contains("proj_t.0.bias") && message.contains("[5]"), "{message}");
    // The encoder alone was saved.
    let alone = load_weights(&fixtures().join("merl-resnet-encoder.pt")).unwrap();
    let message = import(alone, 2).unwrap_err().to_string();
    assert!(message.starts_with("MERL: the checkpoint has no lm_model.embeddings"), "{message}");
}

#[test]
fn sides_of_different_systems_are_refused() {
    let (_, text) = import(checkpoint(), 2).unwrap().build().unwrap();
    let alone = load_weights(&fixtures().join("merl-resnet-encoder.pt")).unwrap();
    let (_, encoder) = SignalSystem::Merl.import(alone).unwrap().build().unwrap();
    let error = MerlTowers::new(encoder, text).unwrap_err();
    assert!(error.to_string().contains("leads into 8 dimensions, the signal encoder into 16"), "{error}");
}
