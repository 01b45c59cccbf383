//! The local cache, laid out as `huggingface_hub` does it, so that both share it:
//!
//! ```text
//! models--owner--model/blobs/ETAG                 what files hold
//! models--owner--model/snapshots/COMMIT/FILE      links to it
//! models--owner--model/refs/REVISION              the commit of a branch or tag
//! ```

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use crate::name::is_commit;
use crate::{Error, ModelName, Result};

/// What the cache holds of one model.
pub(crate) struct ModelCache {
    repo: CacheRepo,
    folder: PathBuf,
    revision: String,
}

impl ModelCache {
    pub fn new(cache: &Path, name: &ModelName) -> Self {
        let repo = Repo::with_revision(name.repository(), RepoType::Model, name.revision().to_owned());
        let folder = cache.join(repo.folder_name());
        let repo = Cache::new(cache.to_owned()).repo(repo);
        Self { repo, folder, revision: name.revision().to_owned() }
    }

    /// The commit that the revision was when it was last asked for.
    pub fn commit(&self) -> Option<String> {
        if is_commit(&self.revision) {
            return Some(self.revision.clone());
        }
        let commit = fs::read_to_string(self.reference()).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// The folder of a commit's files.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.repo.pointer_path(commit)
    }

    /// Where the content with this tag lies.
    pub fn blob(&self, tag: &str) -> PathBuf {
        self.repo.blob_path(tag)
    }

    fn reference(&self) -> PathBuf {
        self.folder.join("refs").join(&self.revision)
    }

    /// Notes which commit the revision is, in one move.
    pub fn set_commit(&self, commit: &str) -> Result<()> {
        if is_commit(&self.revision) {
            return Ok(());
        }
        let path = self.reference();
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::file("write", &path))?;
        file.write_all(commit.as_bytes()).map_err(Error::file("write", &path))?;
        file.persist(&path).map_err(|error| Error::file("write", &path)(error.error))?;
        Ok(())
    }

    /// Makes `file` of a commit's folder a link to the content with this tag, in one move.
    pub fn link(&self, commit: &str, file: &str, tag: &str) -> Result<()> {
        let path = self.snapshot(commit).join(file);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        // A name of its own in the same folder, which ends if anything fails.
        let place = tempfile::TempDir::new_in(folder).map_err(Error::file("write", &path))?;
        let link = place.path().join("link");
        let up = Path::new(file).components().filter(|part| matches!(part, Component::Normal(_))).count() + 1;
        let target: PathBuf = std::iter::repeat_n("..", up).collect::<PathBuf>().join("blobs").join(tag);
        make_link(&target, &self.blob(tag), &link)
            .and_then(|()| fs::rename(&link, &path))
            .map_err(Error::file("write", &path))
    }
}

#[cfg(unix)]
fn make_link(target: &Path, _: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Where links need a privilege, as `huggingface_hub` does: a copy.
#[cfg(not(unix))]
fn make_link(_: &Path, content: &Path, link: &Path) -> std::io::Result<()> {
    fs::copy(content, link).map(drop)
}
