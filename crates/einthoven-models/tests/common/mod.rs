//! Golden data: tensors computed by the published implementations.
#![allow(dead_code)] // each test file uses its own part

pub mod esi;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use einthoven_models::load_safetensors;
use einthoven_nn::{Gradients, Parameters, Spans};
use einthoven_random::Streams;
use serde_json::Value;

/// Errors are judged relative to a tensor's largest magnitude.
pub const TOLERANCE: f64 = 1e-4;
/// For gradients that are zero in exact arithmetic.
pub const NOISE: f64 = 1e-4;

/// One golden folder.
pub struct Golden {
    pub name: String,
    pub json: Value,
    tensors: HashMap<String, Tensor>,
}

/// Where the golden data lie, if they are there.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EINTHOVEN_GOLDEN")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} not found", folder.display());
    None
}

/// All golden folders whose names start with `item`.
pub fn open(item: &str) -> Vec<Golden> {
    let Some(root) = folder() else { return Vec::new() };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.file_name().unwrap().to_str().unwrap().starts_with(item))
        .collect();
    folders.sort();
    if folders.is_empty() {
        println!("skipped: {item} not found in {}", root.display());
    }
    folders.iter().map(|path| Golden::open(path)).collect()
}

impl Golden {
    fn open(path: &std::path::Path) -> Self {
        let mut found: Vec<PathBuf> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        found.sort();
        let json = found
            .iter()
            .map(|path| serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap())
            .find(|json| json.get("tensors").is_some() && json.get("file").is_some())
            .unwrap_or_else(|| panic!("{} holds no json that lists tensors", path.display()));
        let tensors = load_safetensors(&path.join(json["file"].as_str().unwrap())).unwrap();
        Self { name: path.file_name().unwrap().to_str().unwrap().to_owned(), json, tensors }
    }

    pub fn hyper(&self, key: &str) -> &Value {
        let value = &self.json["hyper_parameters"][key];
        assert!(!value.is_null(), "{}: no hyper-parameter {key}", self.name);
        value
    }

    pub fn number(&self, key: &str) -> usize {
        self.hyper(key).as_u64().unwrap() as usize
    }

    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no tensor {name}", self.name))
    }

    /// The tensors below a prefix, without it.
    pub fn below(&self, prefix: &str) -> HashMap<String, Tensor> {
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
            .collect()
    }

    pub fn integers(&self, name: &str) -> Vec<u32> {
        let values = self.tensor(name).flatten_all().unwrap().to_vec1::<i64>().unwrap();
        values.into_iter().map(|value| u32::try_from(value).unwrap()).collect()
    }

    /// What the json says about a tensor.
    pub fn about(&self, name: &str) -> &Value {
        let list = self.json["tensors"].as_array().unwrap();
        list.iter().find(|entry| entry["name"] == name).unwrap()
    }

    pub fn is_zero_in_exact_arithmetic(&self, name: &str) -> bool {
        self.about(name)["zero_in_exact_arithmetic"] == true
    }

    pub fn names(&self, key: &str) -> Vec<String> {
        let list = self.json[key].as_array().unwrap();
        let mut names: Vec<String> = list.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Asserts that `found` equals the golden tensor `name` within [`TOLERANCE`] of its largest magnitude.
    pub fn assert_close(&self, found: &Tensor, name: &str) {
        let error = self.error(found, name);
        assert!(error <= TOLERANCE, "{}: {name} differs by {error:e}", self.name);
    }

    /// Like [`assert_close`](Self::assert_close) for the rows `[rows, width]` at `spans` of a padded golden tensor `[batch, len, width]`:
    /// what the published code computes for padding is not computed here.
    pub fn assert_rows_close(&self, found: &Tensor, name: &str, spans: &Spans) {
        let padded = self.tensor(name);
        let rows: Vec<Tensor> = spans
            .ranges()
            .iter()
            .enumerate()
            .map(|(text, range)| padded.get(text).unwrap().narrow(0, 0, range.len()).unwrap())
            .collect();
        assert_eq!(padded.dim(0).unwrap(), rows.len(), "{}: texts of {name}", self.name);
        let wanted = Tensor::cat(&rows, 0).unwrap();
        assert_eq!(found.dims(), wanted.dims(), "{}: shape of {name}", self.name);
        let error = relative_error(found, &wanted);
        assert!(error <= TOLERANCE, "{}: {name} differs by {error:e}", self.name);
    }

    /// Asserts that the sum of `terms` equals the golden number `name` within [`TOLERANCE`] of the sum of magnitudes:
    /// positive and negative terms cancel, and the rounding of each is what remains.
    pub fn assert_sum_close(&self, terms: &Tensor, name: &str) {
        let terms = values(terms);
        let (sum, magnitude) = (terms.iter().sum::<f64>(), terms.iter().map(|x| x.abs()).sum::<f64>());
        let wanted = scalar(self.tensor(name));
        let error = (sum - wanted).abs() / magnitude;
        assert!(error <= TOLERANCE, "{}: {name} is {wanted}, found {sum}", self.name);
    }

    /// The largest difference relative to the golden tensor's largest magnitude; absolute where that is rounding noise.
    pub fn error(&self, found: &Tensor, name: &str) -> f64 {
        let wanted = self.tensor(name);
        assert_eq!(found.dims(), wanted.dims(), "{}: shape of {name}", self.name);
        relative_error(found, wanted)
    }

    /// Asserts every parameter's gradient: those listed in `dead` have none, those that are zero in exact arithmetic
    /// are noise, and all others equal `grad.<prefix><name>`. Returns the largest relative error.
    pub fn assert_gradients(
        &self,
        gradients: &Gradients,
        parameters: &Parameters,
        prefix: &str,
        dead: &[String],
    ) -> f64 {
        let mut without = Vec::new();
        let mut worst = (0.0, String::new());
        for (name, variable) in parameters.trainable() {
            let Some(gradient) = gradients.get(&variable) else {
                without.push(name);
                continue;
            };
            let key = format!("grad.{prefix}{name}");
            if self.is_zero_in_exact_arithmetic(&key) {
                let largest = values(gradient).iter().fold(0f64, |a, b| a.max(b.abs()));
                assert!(largest <= NOISE, "{}: {key} is {largest:e}, not zero", self.name);
                continue;
            }
            let error = self.error(gradient, &key);
            assert!(error <= TOLERANCE, "{}: {key} differs by {error:e}", self.name);
            if error > worst.0 {
                worst = (error, key);
            }
        }
        assert_eq!(without, dead, "{}: parameters without gradient", self.name);
        println!("{}: worst gradient {} differs by {:.2e}", self.name, worst.1, worst.0);
        worst.0
    }
}

pub fn relative_error(found: &Tensor, wanted: &Tensor) -> f64 {
    let (found, wanted) = (values(found), values(wanted));
    let largest = wanted.iter().fold(0f64, |a, b| a.max(b.abs()));
    let difference = found
        .iter()
        .zip(&wanted)
        .map(|(a, b)| (a - b).abs())
        .fold(0f64, |a, b| if b.is_nan() { f64::INFINITY } else { a.max(b) });
    if largest == 0.0 { difference } else { difference / largest }
}

/// A fresh set of f32 parameters.
pub fn parameters(seed: u64) -> Parameters {
    Parameters::new(DType::F32, &Device::Cpu, Streams::new(seed))
}

/// All values as f64.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap()
}

/// A one-element golden tensor.
pub fn scalar(tensor: &Tensor) -> f64 {
    let values = values(tensor);
    assert_eq!(values.len(), 1);
    values[0]
}

/// `[batch, channels, time]` of a channels-last tensor.
pub fn channels_first(tensor: &Tensor) -> Tensor {
    tensor.transpose(1, 2).unwrap().contiguous().unwrap()
}

/// The names and shapes of parameters and buffers.
pub fn shapes(parameters: &Parameters) -> BTreeMap<String, Vec<usize>> {
    parameters.tensors().into_iter().map(|(name, tensor)| (name, tensor.dims().to_vec())).collect()
}
