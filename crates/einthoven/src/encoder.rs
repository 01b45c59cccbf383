//! A signal encoder without a text tower, opened from the folder of an import.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use einthoven_eval::Embeddings;
use einthoven_models::import::{ImportedEncoder, SignalSystem};
use einthoven_models::{AnyEncoder, ChannelNorm, SignalConfig, SignalEncoder, load_safetensors};
use einthoven_nn::{Parameters, Pass, without_gradients};
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Record};
use serde::{Deserialize, Serialize};

use crate::exporting::write_folder;
use crate::{Error, Result};

/// What the folder holds; marks it as an encoder's.
const DESCRIPTION: &str = "encoder.json";
const CONTRACT: &str = "contract.json";
const WEIGHTS: &str = "model.safetensors";

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
    /// Whether the weights are fresh ones, not the import's.
    pub(crate) is_fresh: bool,
    description: Description,
}

/// The content of `encoder.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u64,
    system: String,
    leads: usize,
    signal: SignalConfig,
    left_out: Vec<String>,
}

impl Encoder {
    /// The encoder of an import.
    pub(crate) fn new(system: SignalSystem, imported: ImportedEncoder, contract: InputContract) -> Result<Self> {
        let (parameters, network) = imported.build()?;
        let ImportedEncoder { config: signal, leads, left_out, .. } = imported;
        let system = system.name().to_owned();
        let description = Description { format: FORMAT, system: system.clone(), leads, signal, left_out };
        Ok(Self { system, contract, parameters, network, is_fresh: false, description })
    }

    /// The shape of the network.
    pub fn signal(&self) -> &SignalConfig {
        &self.description.signal
    }

    /// Whether a folder holds an encoder without a text tower.
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
        let system = description.system.clone();
        Ok(Self { system, contract, parameters, network, is_fresh: false, description })
    }

    /// The same encoder with fresh weights of `seed`, as a baseline.
    ///
    /// # Errors
    /// Those of building the encoder.
    pub(crate) fn with_fresh_weights(self, seed: u64) -> Result<Self> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(seed));
        let Description { signal, leads, .. } = &self.description;
        let network = AnyEncoder::new(signal, *leads, ChannelNorm::Channels, None, &parameters.root())?;
        Ok(Self { parameters, network, is_fresh: true, ..self })
    }

    /// The shape of the network.
    pub fn config(&self) -> &SignalConfig {
        &self.description.signal
    }

    /// Saves it as a new folder: whole, or not at all.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let weights = safetensors::serialize(self.parameters.tensors(), None)
            .map_err(|error| Error::setting(WEIGHTS, error.to_string()))?;
        let mut jsons = Vec::with_capacity(2);
        for (name, json) in [
            (CONTRACT, serde_json::to_string_pretty(&self.contract)),
            (DESCRIPTION, serde_json::to_string_pretty(&self.description)),
        ] {
            let json = json.map_err(|error| Error::setting(name, error.to_string()))?;
            jsons.push((name, format!("{json}\n").into_bytes()));
        }
        let jsons = jsons.iter().map(|(name, json)| (*name, json.as_slice()));
        let files: Vec<(&str, &[u8])> = std::iter::once((WEIGHTS, weights.as_slice())).chain(jsons).collect();
        write_folder(path, "-o", &files)
    }

    /// Embeds recordings that the input contract can prepare, `[recordings, width]`, as the network gives them: not scaled to
    /// length one.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
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

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::file("read", path))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::Config { path: path.to_path_buf(), message: format!("{error}; import it anew") })
}
