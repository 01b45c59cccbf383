//! A signal encoder, and its text tower if it has one, opened from the folder of an import.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use einthoven_eval::Embeddings;
use einthoven_models::import::{ImportedEncoder, ImportedMerlText, SignalSystem};
use einthoven_models::{
    AnyEncoder, ChannelNorm, MerlTextConfig, MerlTowers, SignalConfig, SignalEncoder, Tokenizer, load_safetensors,
};
use einthoven_nn::{Parameters, Pass, without_gradients};
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Record};
use serde::{Deserialize, Serialize};

use crate::exporting::write_folder;
use crate::fingerprint::fingerprint;
use crate::{Error, Pair, Result};

/// What the folder holds; marks it as an encoder's.
const DESCRIPTION: &str = "encoder.json";
const CONTRACT: &str = "contract.json";
const WEIGHTS: &str = "model.safetensors";
const TEXT_WEIGHTS: &str = "text.safetensors";
const TOKENIZER: &str = "tokenizer.json";

/// The version of the folder's format.
const FORMAT: u64 = 1;

/// Recordings that go through the encoder at once.
const BATCH: usize = 16;

/// A signal encoder with everything needed to use it.
#[derive(Debug)]
pub struct Encoder {
    /// The system that it is of, such as `MERL`.
    pub system: String,
    /// What it is fed.
    pub contract: InputContract,
    /// Its parameters.
    pub parameters: Parameters,
    /// The network.
    pub network: AnyEncoder,
    /// What reads texts, if it has been imported, too.
    pub text: Option<TextTower>,
    /// Whether the weights are fresh ones, not the import's.
    pub(crate) is_fresh: bool,
    description: Description,
}

/// The text side of an import.
#[derive(Debug)]
pub struct TextTower {
    /// Its parameters.
    pub parameters: Parameters,
    /// The tokenizer of its texts.
    pub tokenizer: Tokenizer,
    /// It and the signal encoder, as one model.
    pub towers: MerlTowers,
}

/// The content of `encoder.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u64,
    system: String,
    leads: usize,
    signal: SignalConfig,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<MerlTextConfig>,
    left_out: Vec<String>,
}

impl Encoder {
    /// The encoder of an import.
    pub(crate) fn new(
        system: SignalSystem,
        imported: ImportedEncoder,
        text: Option<(ImportedMerlText, Tokenizer)>,
        contract: InputContract,
    ) -> Result<Self> {
        let (parameters, network) = imported.build()?;
        let ImportedEncoder { config: signal, leads, left_out, .. } = imported;
        let system = system.name().to_owned();
        let shape = text.as_ref().map(|(text, _)| text.config.clone());
        let description = Description { format: FORMAT, system: system.clone(), leads, signal, text: shape, left_out };
        let text = text.map(|(text, tokenizer)| TextTower::new(&network, &text, tokenizer)).transpose()?;
        Ok(Self { system, contract, parameters, network, text, is_fresh: false, description })
    }

    /// The shape of the network.
    pub fn signal(&self) -> &SignalConfig {
        &self.description.signal
    }

    /// Whether a folder holds an imported encoder.
    pub fn is_at(path: &Path) -> bool {
        path.join(DESCRIPTION).is_file()
    }

    /// Opens the folder of an imported encoder.
    ///
    /// # Errors
    /// Names the file that is missing, damaged or of another version.
    pub fn open(path: &Path) -> Result<Self> {
        let description = path.join(DESCRIPTION);
        let text = read(&description)?;
        let description: Description = parse(&description, &text)?;
        if description.format != FORMAT {
            let message =
                format!("has format version {}, this build reads {FORMAT}; import it anew", description.format);
            return Err(Error::Config { path: path.join(DESCRIPTION), message });
        }
        let contract = path.join(CONTRACT);
        let contract: InputContract = parse(&contract, &read(&contract)?)?;
        let imported = ImportedEncoder {
            config: description.signal.clone(),
            leads: description.leads,
            tensors: load_safetensors(&path.join(WEIGHTS))?,
            left_out: description.left_out.clone(),
        };
        let (parameters, network) = imported.build()?;
        let open_text = |config: &MerlTextConfig| {
            let tensors = load_safetensors(&path.join(TEXT_WEIGHTS))?;
            let text = ImportedMerlText { config: config.clone(), tensors };
            TextTower::new(&network, &text, Tokenizer::load(&path.join(TOKENIZER))?)
        };
        let text = description.text.as_ref().map(open_text).transpose()?;
        let system = description.system.clone();
        Ok(Self { system, contract, parameters, network, text, is_fresh: false, description })
    }

    /// The same encoder with fresh weights of `seed`, as a baseline; they give words no meaning, so it has no text tower.
    ///
    /// # Errors
    /// Those of building the encoder.
    pub(crate) fn with_fresh_weights(self, seed: u64) -> Result<Self> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(seed));
        let Description { signal, leads, .. } = &self.description;
        let network = AnyEncoder::new(signal, *leads, ChannelNorm::Channels, None, &parameters.root())?;
        Ok(Self { parameters, network, text: None, is_fresh: true, ..self })
    }

    /// SHA-256 of all that decides its answers: its input contract and its weights, those of the text tower included.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let of_text = self.text.as_ref().map(|text| &text.parameters);
        let parameters: Vec<&Parameters> = std::iter::once(&self.parameters).chain(of_text).collect();
        fingerprint(&self.contract, &parameters)
    }

    /// What answers texts, if it has a text tower.
    pub fn pair(&self) -> Option<Pair<'_>> {
        self.text.as_ref().map(|text| Pair {
            towers: &text.towers,
            tokenizer: &text.tokenizer,
            max_tokens: text.towers.text().max_tokens(),
            contract: &self.contract,
            reference: None,
        })
    }

    /// Saves it as a new folder: whole, or not at all.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let serialized = |name: &'static str, parameters: &Parameters| -> Result<(&str, Vec<u8>)> {
            let bytes = safetensors::serialize(parameters.tensors(), None);
            Ok((name, bytes.map_err(|error| Error::setting(name, error.to_string()))?))
        };
        let mut files = vec![serialized(WEIGHTS, &self.parameters)?];
        if let Some(text) = &self.text {
            files.push(serialized(TEXT_WEIGHTS, &text.parameters)?);
            files.push((TOKENIZER, text.tokenizer.to_json()?.into_bytes()));
        }
        for (name, json) in [
            (CONTRACT, serde_json::to_string_pretty(&self.contract)),
            (DESCRIPTION, serde_json::to_string_pretty(&self.description)),
        ] {
            let json = json.map_err(|error| Error::setting(name, error.to_string()))?;
            files.push((name, format!("{json}\n").into_bytes()));
        }
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        write_folder(path, "-o", &files)
    }

    /// Embeds recordings that the input contract can prepare, `[recordings, width]`: of length one where there is a text tower, which
    /// they are compared with, otherwise as the network gives them.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        if let Some(pair) = self.pair() {
            return pair.embed(records);
        }
        let mut data = Vec::with_capacity(records.len() * self.network.width());
        for batch in records.chunks(BATCH) {
            let (mut samples, mut valid) = (Vec::new(), Vec::new());
            for (name, record) in batch {
                let prepared = self.contract.prepare(record).map_err(|source| einthoven_eval::Error::Record {
                    record: name.clone(),
                    source: Box::new(source),
                })?;
                samples.extend(prepared.samples);
                valid.push(prepared.valid);
            }
            let shape = (batch.len(), self.contract.leads.len(), self.contract.samples);
            let signals = Tensor::from_vec(samples, shape, &Device::Cpu)?;
            let forward = || self.network.forward(&signals, Some(&valid), &Pass::evaluate());
            let pooled = without_gradients(forward)?.pooled;
            data.extend(pooled.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(Embeddings::new(records.len(), self.network.width(), data)?)
    }
}

impl TextTower {
    fn new(signal: &AnyEncoder, text: &ImportedMerlText, tokenizer: Tokenizer) -> Result<Self> {
        let (parameters, text) = text.build()?;
        Ok(Self { parameters, tokenizer, towers: MerlTowers::new(signal.clone(), text)? })
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::file("read", path))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::Config { path: path.to_path_buf(), message: format!("{error}; import it anew") })
}
