use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};

use super::pretrained::{CONFIG, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS};
use crate::{Error, Result};

/// Access to the Hugging Face Hub and its local cache.
///
/// What the cache holds of a revision is used without asking the network.
#[derive(Clone)]
pub struct Hub {
    endpoint: String,
    cache: PathBuf,
    token: Option<String>,
    offline: bool,
}

impl std::fmt::Debug for Hub {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// The hub at `endpoint` with its cache in the folder `cache`, without a token.
    pub fn new(endpoint: impl Into<String>, cache: impl Into<PathBuf>) -> Self {
        Self { endpoint: endpoint.into(), cache: cache.into(), token: None, offline: false }
    }

    /// As Hugging Face's own tools do: `HF_ENDPOINT`, the cache in `HF_HUB_CACHE`, `HF_HOME` or the home folder, the token
    /// from `HF_TOKEN` or the cache, no network if `HF_HUB_OFFLINE` is set.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let home = variable("HF_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".cache").join("huggingface"));
        let cache = variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let token = variable("HF_TOKEN").or_else(|| {
            let token = std::fs::read_to_string(home.join("token")).ok()?.trim().to_owned();
            (!token.is_empty()).then_some(token)
        });
        let offline = variable("HF_HUB_OFFLINE")
            .is_some_and(|value| matches!(value.to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"));
        Self { token, offline, ..Self::new(endpoint, cache) }
    }

    /// The same hub, never asked: only the cache is used.
    #[must_use]
    pub fn offline(self) -> Self {
        Self { offline: true, ..self }
    }

    /// The folder of the cache that holds the text encoder `repository` at `revision`, downloaded if need be.
    ///
    /// A branch or tag is resolved to a commit first, so that all files are of one commit.
    ///
    /// # Errors
    /// [`Error::Hub`] says what could not be had and from where.
    pub fn fetch(&self, repository: &str, revision: &str) -> Result<PathBuf> {
        let fail = |message: String, source: Option<ApiError>| Error::Hub {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            message,
            source: source.map(Box::new),
        };
        check_name(repository, revision).map_err(|message| fail(message, None))?;
        let named = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        let cached = Cache::new(self.cache.clone()).repo(named.clone());
        if let Some(folder) = cached.get(CONFIG).as_deref().and_then(Path::parent)
            && is_complete(folder)
        {
            return Ok(folder.to_path_buf());
        }
        if self.offline {
            let message = format!(
                "is not in the cache {} and the hub is switched off (HF_HUB_OFFLINE); fetch it once with the network on, or name a local folder",
                self.cache.display()
            );
            return Err(fail(message, None));
        }
        let api = ApiBuilder::from_cache(Cache::new(self.cache.clone()))
            .with_endpoint(self.endpoint.clone())
            .with_token(self.token.clone())
            .with_progress(false)
            .with_retries(3)
            .build()
            .map_err(|source| fail("the client could not be set up".to_owned(), Some(source)))?;
        let info = api.repo(named).info().map_err(|source| {
            let message = format!(
                "{} could not be asked ({source}); check name, revision and network, or name a local folder",
                self.endpoint
            );
            fail(message, Some(source))
        })?;
        check_name(repository, &info.sha).map_err(|message| fail(message, None))?;
        let listed = |name: &&str| info.siblings.iter().any(|file| file.rfilename == **name);
        let mut wanted = vec![CONFIG];
        for choice in [&WEIGHTS, &TOKENIZER] {
            let name = choice
                .iter()
                .copied()
                .find(|name| listed(name))
                .ok_or_else(|| fail(format!("holds none of: {}", choice.join(", ")), None))?;
            wanted.push(name);
        }
        wanted.extend([TOKENIZER_CONFIG].iter().copied().filter(|name| listed(name)));
        let pinned = api.repo(Repo::with_revision(repository.to_owned(), RepoType::Model, info.sha.clone()));
        let mut folder = PathBuf::new();
        for name in wanted {
            let path = pinned
                .get(name)
                .map_err(|source| fail(format!("{name} could not be downloaded ({source})"), Some(source)))?;
            folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        }
        cached.create_ref(&info.sha).map_err(|source| Error::Write { path: self.cache.clone(), source })?;
        Ok(folder)
    }
}

/// Whether a folder holds all that a text encoder needs.
fn is_complete(folder: &Path) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| folder.join(name).is_file());
    any(&[CONFIG]) && any(&WEIGHTS) && any(&TOKENIZER)
}

/// Refuses names that would leave the cache's folder.
fn check_name(repository: &str, revision: &str) -> std::result::Result<(), String> {
    let plain = |name: &str| {
        !name.is_empty()
            && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
    };
    if !plain(repository) || repository.matches('/').count() > 1 {
        return Err("is not the name of a repository, which is owner/name".to_owned());
    }
    if !plain(revision) {
        return Err("the revision is not a branch, tag or commit".to_owned());
    }
    Ok(())
}
