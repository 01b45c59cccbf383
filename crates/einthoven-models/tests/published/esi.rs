//! The shape of an ESI checkpoint, read off its tensors.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use candle_core::{DType, Device, Tensor};
use einthoven_models::{
    BertConfig, ConvNextConfig, ConvNextSize, Esi, EsiConfig, Mode, SignalConfig, canonical_names, import,
    published_names,
};

use crate::common::{self, parameters};

#[test]
fn the_golden_checkpoint_becomes_the_golden_model() {
    for golden in common::open("esi-coca") {
        let config = common::esi::config(&golden);
        let mut tensors = golden.below("param.");
        tensors.extend(golden.below("buffer."));
        let imported = import::esi(tensors, Some(&config.text)).unwrap();
        let signal_tokens = imported.config.signal_tokens;
        assert_eq!(imported.config, EsiConfig { signal_tokens, ..config });
        let parameters = parameters(1);
        Esi::new(&imported.config, &parameters.root()).unwrap();
        parameters.load(&imported.tensors).unwrap();
    }
}

/// Tensors of one number each, spread over the shapes of the published full-size state dict.
fn full_size() -> Option<HashMap<String, Tensor>> {
    let path = common::folder()?.join("esi-coca/esi-full-size-keys.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} not found", path.display());
        return None;
    };
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let zero = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
    let shape = |value: &serde_json::Value| -> Vec<usize> {
        // The size of the vocabulary is left open.
        value.as_array().unwrap().iter().map(|length| length.as_u64().map_or(28895, |length| length as usize)).collect()
    };
    let tensors = json["state_dict"].as_object().unwrap().iter();
    let spread = |value: &serde_json::Value| {
        let shape = shape(&value["shape"]);
        if shape.is_empty() { zero.squeeze(0).unwrap() } else { zero.broadcast_as(shape).unwrap() }
    };
    Some(tensors.map(|(name, value)| (name.clone(), spread(value))).collect())
}

#[test]
fn the_full_size_state_dict_is_esi_base_with_a_bert_base() {
    let Some(tensors) = full_size() else { return };
    let imported = import::esi(tensors.clone(), None).unwrap();
    let expected = EsiConfig {
        mode: Mode::Paper,
        signal: SignalConfig::ConvNext(ConvNextConfig {
            size: ConvNextSize::Custom { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024] },
            norm: None,
        }),
        text: BertConfig { vocab_size: 28895, ..BertConfig::default() },
        ..EsiConfig::default()
    };
    assert_eq!(imported.config, expected);

    let mut without = tensors;
    without.remove("img_to_latents.to_latents.weight");
    let error = import::esi(without, None).unwrap_err().to_string();
    assert!(error.starts_with("ESI: the checkpoint has no img_to_latents.to_latents.weight"), "{error}");
}

#[test]
fn a_model_goes_back_into_the_published_names() {
    let Some(tensors) = full_size() else { return };
    let published: BTreeSet<String> = tensors.keys().cloned().collect();
    let parameters: BTreeMap<String, Tensor> = canonical_names(tensors).into_iter().collect();
    let named = published_names(&parameters).unwrap();
    assert_eq!(named.keys().cloned().collect::<BTreeSet<_>>(), published);
    let back: BTreeSet<String> = canonical_names(named.into_iter().collect()).into_keys().collect();
    assert_eq!(back, parameters.into_keys().collect());
    for golden in common::open("esi-coca") {
        let named = published_names(&golden.below("param.").into_iter().collect()).unwrap();
        for (name, tensor) in golden.below("buffer.") {
            if name.ends_with(".beta") || name.ends_with(".inv_freq") {
                let error = common::relative_error(&named[&name], &tensor);
                assert!(error <= 1e-6, "{}: {name} differs by {error:e}", golden.name);
            }
        }
    }
}
