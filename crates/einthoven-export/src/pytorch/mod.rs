//! PyTorch: weights under their published names, and the Python that loads them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use einthoven_models::{MerlEncoder, Mode, SignalConfig, published_names};
use serde_json::json;

use crate::{Network, Result, SignalModel};

/// A file of the architecture.
macro_rules! architecture {
    ($name:literal) => {
        (concat!("architecture/", $name, ".py"), include_str!(concat!("architecture/", $name, ".py")))
    };
}

/// The model as the files of a folder, by their paths in it: `model.safetensors` with the published names, `load.py` and the architecture that
/// it needs in plain PyTorch, `network.json`, the input contract in `contract.json`, and of an ESI the text encoder's `config.json` and
/// `tokenizer.json` in `text`.
///
/// The captioning decoder of an ESI is there with its weights only.
///
/// # Errors
/// Fails if the weights or their description cannot be written.
pub fn pytorch(model: &SignalModel, tokenizer: Option<&[u8]>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut scripts = vec![
        ("load.py", include_str!("load.py")),
        architecture!("__init__"),
        architecture!("common"),
        architecture!("contract"),
    ];
    let mut jsons = vec![("contract.json", serde_json::to_value(model.contract)?)];
    let (network, parameters) = match model.network {
        Network::Encoder { config, leads } => {
            scripts.extend(of_encoder(config));
            (json!({ "system": model.system, "leads": leads, "signal": config }), model.parameters.clone())
        }
        Network::Esi(config) => {
            scripts.extend(of_encoder(&config.signal));
            scripts.extend([architecture!("esi"), architecture!("texts")]);
            let parameters = match config.mode {
                Mode::Paper => published_names(model.parameters)?,
                Mode::Corrected => model.parameters.clone(),
            };
            jsons.push(("text/config.json", serde_json::to_value(&config.text)?));
            (serde_json::to_value(config)?, parameters)
        }
    };
    let mut files: BTreeMap<String, Vec<u8>> =
        scripts.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    jsons.push(("network.json", network));
    for (name, value) in jsons {
        files.insert(name.to_owned(), format!("{}\n", serde_json::to_string_pretty(&value)?).into_bytes());
    }
    files.insert("model.safetensors".to_owned(), safetensors::serialize(parameters, None)?);
    if let Some(tokenizer) = tokenizer {
        files.insert("text/tokenizer.json".to_owned(), tokenizer.to_vec());
    }
    Ok(files)
}

/// The files of an encoder's architecture.
fn of_encoder(config: &SignalConfig) -> Vec<(&'static str, &'static str)> {
    let (resnet, vit) = (architecture!("resnet"), architecture!("vit"));
    match config {
        SignalConfig::ConvNext(_) => vec![architecture!("convnext")],
        SignalConfig::XResNet(_) => vec![architecture!("xresnet")],
        SignalConfig::ResNet(_) => vec![resnet],
        SignalConfig::Vit(_) => vec![vit],
        SignalConfig::Merl(config) => {
            let network = if matches!(config.encoder, MerlEncoder::ResNet(_)) { resnet } else { vit };
            vec![architecture!("merl"), network]
        }
        SignalConfig::Wav2Vec2(_) => vec![architecture!("wav2vec2")],
        SignalConfig::Net1d(_) => vec![architecture!("net1d")],
    }
}
