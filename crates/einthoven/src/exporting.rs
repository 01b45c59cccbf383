//! Models for other programs.

use std::path::{Path, PathBuf};

use einthoven_export::{Network, SignalModel, onnx, pytorch};

use crate::{Encoder, Error, Model, Result, write_atomically};

/// What an export is to write.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// The `.onnx` file of the signal encoder.
    pub onnx: Option<PathBuf>,
    /// The new folder for PyTorch.
    pub pytorch: Option<PathBuf>,
}

impl Export {
    /// Writes the model of a run, or an imported encoder, as other programs take it: each file or folder whole, or not at all. Gives
    /// what was written with its size in bytes.
    ///
    /// # Errors
    /// Those of opening the run; [`Error::Setting`] for a folder that exists; [`Error::Export`] for a network that the format cannot hold.
    pub fn write(&self, run: &Path) -> Result<Vec<(PathBuf, u64)>> {
        if Encoder::is_at(run) {
            let encoder = Encoder::open(run)?;
            let network = Network::Encoder { config: encoder.signal(), leads: encoder.contract.leads.len() };
            let parameters = encoder.parameters.tensors();
            let (system, contract) = (encoder.system.as_str(), &encoder.contract);
            return self.write_model(&SignalModel { system, network, contract, parameters: &parameters }, None);
        }
        let model = Model::open(run)?;
        let tokenizer = model.checkpoint.tokenizer_path();
        let tokenizer = std::fs::read(&tokenizer).map_err(Error::file("read", &tokenizer))?;
        let (network, parameters) = (Network::Esi(model.network.config()), model.parameters.tensors());
        let contract = model.checkpoint.contract();
        self.write_model(&SignalModel { system: "ESI", network, contract, parameters: &parameters }, Some(&tokenizer))
    }

    fn write_model(&self, model: &SignalModel, tokenizer: Option<&[u8]>) -> Result<Vec<(PathBuf, u64)>> {
        let mut written = Vec::new();
        if let Some(path) = &self.onnx {
            let bytes = onnx(model)?;
            write_atomically(path, &bytes)?;
            written.push((path.clone(), bytes.len() as u64));
        }
        if let Some(folder) = &self.pytorch {
            let files = pytorch(model, tokenizer)?;
            let parts: Vec<(&str, &[u8])> =
                files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
            write_folder(folder, "--pytorch", &parts)?;
            let sizes = files.into_iter().map(|(name, bytes)| (folder.join(name), bytes.len() as u64));
            written.extend(sizes);
        }
        Ok(written)
    }
}

/// Writes files into the new folder `path`, which `setting` named: whole, or not at all.
pub(crate) fn write_folder(path: &Path, setting: &str, files: &[(&str, &[u8])]) -> Result<()> {
    if path.exists() {
        return Err(Error::setting(setting, format!("{} exists already; choose another folder", path.display())));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
    let folder = tempfile::tempdir_in(parent).map_err(Error::file("write", path))?;
    for (name, bytes) in files {
        let file = folder.path().join(name);
        if let Some(below) = file.parent() {
            std::fs::create_dir_all(below).map_err(Error::file("create", below))?;
        }
        write_atomically(&file, bytes)?;
    }
    let folder = folder.keep();
    #[cfg(unix)]
    {
        // A temporary folder is its owner's alone.
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&folder, open).map_err(Error::file("write", path))?;
    }
    std::fs::rename(&folder, path).map_err(Error::file("write", path))
}
