//! What tells one model from another.

use candle_core::DType;
use einthoven_nn::Parameters;
use einthoven_signal::InputContract;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// SHA-256 of all that decides a model's answers: its input contract and its weights.
pub(crate) fn fingerprint(contract: &InputContract, parameters: &[&Parameters]) -> Result<String> {
    let mut hash = Sha256::new();
    let json = serde_json::to_vec(contract).map_err(|error| Error::setting("contract", error.to_string()))?;
    hash.update(json);
    for (name, tensor) in parameters.iter().flat_map(|parameters| parameters.tensors()) {
        hash.update(name.as_bytes());
        for value in tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()? {
            hash.update(value.to_le_bytes());
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
