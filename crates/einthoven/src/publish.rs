//! From a run to a model on the Hub, and from its name there to a folder here.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use einthoven_hub::{Bundle, Fingerprint, Hub, ModelName, Program, RECEIPT_FILE, Receipt};
use einthoven_train::checkpoint::{
    CONFIG_FILE, CONTRACT_FILE, MODEL_FILE, STATE_FILE, State, TOKENIZER_FILE, experiment_hash,
};

use crate::model::REFERENCE_FILE;
use crate::model_card::{self, Source};
use crate::provenance::Provenance;
use crate::publishable::Publishable;
use crate::{Error, Result};

/// The card's file.
const CARD_FILE: &str = "README.md";

/// The file that tells other programs what kind of model it is.
const SHAPE_FILE: &str = "config.json";

/// A model made ready for publishing.
#[derive(Debug)]
pub struct Publication {
    /// Its files, the receipt among them.
    pub bundle: Bundle,
    /// Its card.
    pub card: String,
}

impl Publication {
    /// Makes the checkpoint of a run ready to be published as `name`: weights, model and experiment, input contract, card and receipt,
    /// and of a pretrained model tokenizer and reference embeddings. The optimiser's state stays here, as do paths of this machine.
    ///
    /// # Errors
    /// [`Error::Setting`] for weights trained on data whose card does not allow it, unless `allow_restricted`; reference embeddings of
    /// such data are left out even then. Those of opening the run.
    pub fn prepare(run: &Path, name: &ModelName, allow_restricted: bool) -> Result<Self> {
        let model = Publishable::open(run)?;
        let provenance = Provenance::of(&model.data().dataset, model.start_from())?;
        if !provenance.obstacles.is_empty() && !allow_restricted {
            let message = format!(
                "{} is not published: {}; --allow-restricted publishes it all the same, if you have the right to",
                run.display(),
                provenance.obstacles.join("; ")
            );
            return Err(Error::setting("publish", message));
        }
        let checkpoint = model.checkpoint();
        let folder = checkpoint.folder();
        let config = without_paths(checkpoint.config())?;
        let mut bundle = Bundle::default();
        bundle.add_file(MODEL_FILE, folder.join(MODEL_FILE))?;
        bundle.add_file(CONTRACT_FILE, folder.join(CONTRACT_FILE))?;
        if matches!(model, Publishable::Model(_)) {
            bundle.add_file(TOKENIZER_FILE, folder.join(TOKENIZER_FILE))?;
        }
        if folder.join(REFERENCE_FILE).exists() && provenance.obstacles.is_empty() {
            bundle.add_file(REFERENCE_FILE, folder.join(REFERENCE_FILE))?;
        }
        bundle.add_bytes(CONFIG_FILE, config.clone().into_bytes());
        bundle.add_bytes(SHAPE_FILE, to_json(&model.shape()?)?);
        bundle.add_bytes(STATE_FILE, to_json(&state(checkpoint.state(), &config, &bundle))?);
        let card = model_card::of(&Source { run, name, model: &model, provenance: &provenance, config: &config })?;
        let card = card.render()?;
        bundle.add_bytes(CARD_FILE, card.clone().into_bytes());
        let datasets = provenance.datasets.iter().map(|(_, data)| data.clone()).collect();
        let experiment = checkpoint.state().experiment.clone();
        let receipt = Receipt::new(program()?, experiment, datasets, bundle.fingerprints());
        bundle.add_bytes(RECEIPT_FILE, receipt.to_json()?);
        Ok(Self { bundle, card })
    }
}

/// The folder that `run` names: a run or checkpoint here as it is, or a model on the Hub (`owner/model`, `owner/model@revision`),
/// verified in the local cache and pulled if it is not there.
///
/// A name is taken for the Hub's if there is nothing of it here: neither the path nor the folder that it begins with.
///
/// # Errors
/// [`Error::NotPulled`] for a model that cannot be had; [`Error::Hub`] for one in the cache that is not what its receipt says.
pub fn locate(run: &Path) -> Result<PathBuf> {
    let Some(name) = name_on_hub(run) else { return Ok(run.to_path_buf()) };
    let hub = Hub::from_env();
    if let Some(pulled) = hub.cached(&name)? {
        return Ok(pulled.folder);
    }
    let pulled = hub.pull(&name, &mut |_| {});
    let missing = |source| Error::NotPulled { name: name.to_string(), source: Box::new(source) };
    Ok(pulled.map_err(missing)?.folder)
}

fn name_on_hub(run: &Path) -> Option<ModelName> {
    let here = run.components().next().is_none_or(|part| match part {
        Component::Normal(part) => Path::new(part).exists(),
        _ => true,
    });
    let text = run.to_str().filter(|_| !here && !run.exists())?;
    text.parse().ok().filter(|name: &ModelName| !matches!(name.revision(), "last" | "best"))
}

/// The state without what is not published.
fn state(state: &State, config: &str, bundle: &Bundle) -> State {
    let published = [MODEL_FILE, CONFIG_FILE, CONTRACT_FILE, TOKENIZER_FILE];
    let mut files: BTreeMap<String, u64> =
        bundle.fingerprints().into_iter().map(|(file, print)| (file, print.size)).collect();
    files.retain(|file, _| published.contains(&file.as_str()));
    State { experiment: experiment_hash(config), files, ..state.clone() }
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::setting("publish", error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// This program.
fn program() -> Result<Program> {
    let path = std::env::current_exe().map_err(Error::file("find", Path::new("this program")))?;
    let sha256 = Fingerprint::of_file(&path)?.sha256;
    Ok(Program { name: "einthoven".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), sha256 })
}

/// The experiment with every absolute path cut down to its last part: where things lie on this machine is nobody's business.
fn without_paths(config: &str) -> Result<String> {
    let failed = |message: String| Error::setting("experiment", message);
    let mut table: toml::Table = toml::from_str(config).map_err(|error| failed(error.to_string()))?;
    let mut found = false;
    table.iter_mut().for_each(|(_, value)| found |= cut_paths(value));
    // Untouched, it keeps the bytes that the run's hash is of.
    if found { toml::to_string(&table).map_err(|error| failed(error.to_string())) } else { Ok(config.to_owned()) }
}

fn cut_paths(value: &mut toml::Value) -> bool {
    match value {
        toml::Value::String(text) => {
            let path = Path::new(text.as_str());
            let last = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            match last.filter(|_| path.is_absolute() || text.starts_with('~')) {
                Some(last) => {
                    *text = last;
                    true
                }
                None => false,
            }
        }
        toml::Value::Array(values) => values.iter_mut().fold(false, |found, value| cut_paths(value) | found),
        toml::Value::Table(table) => table.iter_mut().fold(false, |found, (_, value)| cut_paths(value) | found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_machine_are_cut_and_the_rest_stays() {
        let config = "name = \"x\"\n[data]\nroot = \"/home/anna/clinic/ecgs\"\nlist = [\"~/a.csv\", \"b/c.csv\"]\n";
        let cut = without_paths(config).unwrap();
        assert!(!cut.contains("anna") && !cut.contains('~'), "{cut}");
        assert!(cut.contains("\"ecgs\"") && cut.contains("\"a.csv\"") && cut.contains("\"b/c.csv\""), "{cut}");
        let plain = "name   =   \"x\"  # as it is\n";
        assert_eq!(without_paths(plain).unwrap(), plain);
    }

    #[test]
    fn names_of_the_hub_are_told_from_paths() {
        let on_hub = |text: &str| name_on_hub(Path::new(text)).is_some();
        assert!(on_hub("lab/esi") && on_hub("lab/esi@main"));
        for path in ["src", "src/none", "lab", "./lab/esi", "/lab/esi", "lab/esi@last", "lab/esi/deep"] {
            assert!(!on_hub(path), "{path}");
        }
    }
}
