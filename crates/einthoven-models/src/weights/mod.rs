//! Reading files of weights.

mod pickle;
mod pytorch;

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use candle_core::safetensors::Load;
use candle_core::{Device, Tensor};
use safetensors::{SafeTensorError, SafeTensors};

use crate::{Error, Result};

/// All tensors of the safetensors file at `path`, by name, on the CPU in the types they were saved in.
///
/// # Errors
/// [`Error::Read`] if the file cannot be read, [`Error::Weights`] if it is cut short or its header
/// does not describe its data.
pub fn load_safetensors(path: &Path) -> Result<HashMap<String, Tensor>> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    let damaged = |source: SafeTensorError| Error::Weights {
        path: path.to_path_buf(),
        message: describe(&source, bytes.len()),
        source,
    };
    let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    file.tensors().into_iter().map(|(name, view)| Ok((name, view.load(&Device::Cpu)?))).collect()
}

/// The tensors of a file that `torch.save` wrote, whether of today's format or the one before PyTorch 1.6: a state dict, or a
/// dict that holds one under `model`, `state_dict` or another usual key.
///
/// The pickle in such a file is read as data; nothing that it names is ever called.
///
/// # Errors
/// [`Error::Read`] if the file cannot be read; [`Error::PyTorchWeights`] if it is damaged, asks for anything but tensors and
/// plain settings, or claims more data than it holds.
pub fn load_pytorch(path: &Path) -> Result<HashMap<String, Tensor>> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    pytorch::tensors(&bytes).map_err(|message| Error::PyTorchWeights { path: path.to_path_buf(), message })
}

/// The tensors of a file of weights, safetensors or PyTorch's own, whichever its content is.
///
/// # Errors
/// Those of [`load_safetensors`] and [`load_pytorch`].
pub fn load_weights(path: &Path) -> Result<HashMap<String, Tensor>> {
    let mut start = [0; 2];
    let read = |source| Error::Read { path: path.to_path_buf(), source };
    let length = std::fs::File::open(path).and_then(|file| file.take(2).read(&mut start)).map_err(read)?;
    // A zip archive, or a pickle; a safetensors file begins with the length of its header.
    let is_pytorch = &start[..length] == b"PK" || (length == 2 && start[0] == 0x80 && (1..=5).contains(&start[1]));
    if is_pytorch { load_pytorch(path) } else { load_safetensors(path) }
}

fn describe(error: &SafeTensorError, bytes: usize) -> String {
    match error {
        SafeTensorError::HeaderTooSmall | SafeTensorError::InvalidHeaderLength => {
            format!("it is cut short within its header (it has {bytes} bytes)")
        }
        SafeTensorError::MetadataIncompleteBuffer => format!(
            "its header announces another amount of data than the file holds ({bytes} bytes in all): it was cut short or overwritten"
        ),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound_file() -> Vec<u8> {
        let data: Vec<u8> = (0..6u32).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 3], &data).unwrap();
        safetensors::serialize([("weight", view)], None).unwrap()
    }

    fn load_bytes(bytes: &[u8]) -> Result<HashMap<String, Tensor>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, bytes).unwrap();
        load_safetensors(&path)
    }

    #[test]
    fn a_sound_file_gives_its_tensors() {
        let tensors = load_bytes(&sound_file()).unwrap();
        let weight = tensors["weight"].to_vec2::<f32>().unwrap();
        assert_eq!(weight, vec![vec![0.0, 1.0, 2.0], vec![3.0, 4.0, 5.0]]);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_names_it() {
        let bytes = sound_file();
        for length in 0..bytes.len() {
            let error = load_bytes(&bytes[..length]).unwrap_err();
            assert!(matches!(error, Error::Weights { .. }), "{length}: {error}");
            assert!(error.to_string().contains("model.safetensors"), "{error}");
            assert!(error.to_string().contains("cut short"), "{length}: {error}");
        }
    }

    #[test]
    fn a_header_that_lies_is_an_error() {
        let text = |header: &str, data: usize| {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.resize(bytes.len() + data, 0);
            bytes
        };
        for (header, data) in [
            (r#"{"w":{"dtype":"F32","shape":[9],"data_offsets":[0,8]}}"#, 8),
            (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, 16),
            (r#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#, 8),
            (r#"{"w":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, 8),
            (r#"{"w":"#, 0),
            ("", 0),
        ] {
            let error = load_bytes(&text(header, data)).unwrap_err();
            assert!(matches!(error, Error::Weights { .. }), "{header}: {error}");
        }
        let mut giant = u64::MAX.to_le_bytes().to_vec();
        giant.extend_from_slice(b"{}");
        assert!(matches!(load_bytes(&giant), Err(Error::Weights { .. })));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load_safetensors(Path::new("no/such/file")).unwrap_err();
        assert!(error.to_string().contains("no/such/file"), "{error}");
    }
}
