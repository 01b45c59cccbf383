//! Publishing: files go up, and one commit makes them a revision.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;
use ureq::http::header;

use crate::failure::Failure;
use crate::receipt::{RECEIPT_FILE, Receipt};
use crate::{Bundle, Error, Hub, ModelName, Result};

/// The branch that is published to.
const BRANCH: &str = "main";

/// Bytes of a file's beginning by which the Hub tells text from other things.
const SAMPLE: u64 = 512;

/// Files that are as they are on the Hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The commit.
    pub revision: String,
    /// The page of the model.
    pub page: String,
}

/// What is heard while files go up or come down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// This file is there already.
    Present(&'a str),
    /// So many further bytes of this file have gone over the line; those of an attempt that broke off count, too.
    Sent(&'a str, u64),
}

#[derive(Deserialize)]
struct Preupload {
    files: Vec<PreuploadFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PreuploadFile {
    path: String,
    upload_mode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    commit_oid: String,
}

impl Hub {
    /// Publishes `bundle` as the model `name`: private, unless `public`. The repository is made if it is not there; files of an
    /// earlier receipt that are no longer part of the model are removed. Large files that the Hub has are not sent again.
    ///
    /// The revision appears whole, by one commit, or not at all.
    ///
    /// # Errors
    /// [`Error::Name`] for a name with a revision, [`Error::NoToken`], [`Error::Offline`], [`Error::Visibility`] for a repository that is there and is more or less visible
    /// than was asked for, [`Error::Changed`] if somebody else wrote to it meanwhile, and what the server answers.
    pub fn publish(
        &self,
        name: &ModelName,
        bundle: &Bundle,
        public: bool,
        heard: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Published> {
        if name.revision() != BRANCH {
            let message = "a new revision goes on top of main and gets its own name: leave out what follows the @";
            return Err(Error::Name { name: name.to_string(), message });
        }
        if self.offline {
            return Err(Error::Offline { action: "publish", name: name.to_string() });
        }
        if !self.client.has_token() {
            return Err(Error::NoToken { name: name.to_string() });
        }
        self.create(name, public)?;
        let before = self.revision(name, BRANCH)?;
        check_visibility(name, before.private, public)?;
        let large = self.large_files(name, bundle)?;
        self.send_large(name, bundle, &large, heard)?;
        let removed = self.left_over(name, &before.sha, &before.siblings, bundle)?;
        let revision = self.commit(name, bundle, &large, &removed, &before.sha)?;
        Ok(Published { revision, page: format!("{}/{}", self.client.endpoint(), name.repository()) })
    }

    /// Makes the repository, unless it is there.
    fn create(&self, name: &ModelName, public: bool) -> Result<()> {
        let body = json!({ "type": "model", "organization": name.owner(), "name": name.model(), "private": !public });
        match self.client.post_json::<serde_json::Value>("/api/repos/create", &body) {
            Ok(_) | Err(Error::Refused { status: 409, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The names of the files that the Hub wants in its storage of large ones.
    fn large_files(&self, name: &ModelName, bundle: &Bundle) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for (path, file) in bundle.files() {
            let sample = BASE64_STANDARD.encode(file.beginning(SAMPLE)?);
            files.push(json!({ "path": path, "sample": sample, "size": file.fingerprint.size }));
        }
        let path = format!("/api/models/{}/preupload/{BRANCH}", name.repository());
        let answer: Preupload = self.client.post_json(&path, &json!({ "files": files }))?;
        let mut large = Vec::new();
        for path in bundle.files().keys() {
            let mode = answer.files.iter().find(|file| file.path == *path).map(|file| file.upload_mode.as_str());
            match mode {
                Some("lfs") => large.push(path.clone()),
                Some("regular") => {}
                mode => {
                    let message = match mode {
                        Some(mode) => format!("it asks for the unknown upload mode `{mode}`"),
                        None => "it does not say how to send it".to_owned(),
                    };
                    return Err(Error::Object { file: path.clone(), message });
                }
            }
        }
        Ok(large)
    }

    /// The files of the receipt before that the new model does not have.
    fn left_over(
        &self,
        name: &ModelName,
        sha: &str,
        siblings: &[crate::hub::Sibling],
        bundle: &Bundle,
    ) -> Result<Vec<String>> {
        let there = |file: &str| siblings.iter().any(|sibling| sibling.rfilename == file);
        if !there(RECEIPT_FILE) {
            return Ok(Vec::new());
        }
        // A receipt that is none lists nothing.
        let Ok(receipt) = Receipt::parse(&name.to_string(), &self.receipt_bytes(name, sha)?) else {
            return Ok(Vec::new());
        };
        let mut files: Vec<String> = receipt.files.into_keys().collect();
        files.retain(|file| there(file) && !bundle.files().contains_key(file));
        Ok(files)
    }

    /// The receipt at a commit, as it is.
    pub(crate) fn receipt_bytes(&self, name: &ModelName, sha: &str) -> Result<Vec<u8>> {
        self.client.get(&format!("/{}/resolve/{sha}/{RECEIPT_FILE}", name.repository()))
    }

    /// Makes one commit of everything, on top of `parent` and of nothing else.
    fn commit(
        &self,
        name: &ModelName,
        bundle: &Bundle,
        large: &[String],
        removed: &[String],
        parent: &str,
    ) -> Result<String> {
        let summary = format!("Publish with einthoven {}", env!("CARGO_PKG_VERSION"));
        let mut lines = vec![
            json!({ "key": "header", "value": { "summary": summary, "description": "", "parentCommit": parent } }),
        ];
        for (path, file) in bundle.files() {
            let print = &file.fingerprint;
            lines.push(if large.contains(path) {
                json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": print.sha256, "size": print.size } })
            } else {
                let content = BASE64_STANDARD.encode(file.beginning(print.size)?);
                json!({ "key": "file", "value": { "path": path, "content": content, "encoding": "base64" } })
            });
        }
        lines.extend(removed.iter().map(|path| json!({ "key": "deletedFile", "value": { "path": path } })));
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let url = self.client.url(&format!("/api/models/{}/commit/{BRANCH}", name.repository()));
        // Whether an attempt that broke off was carried out is not known; with the parent stated, it is not carried out twice.
        let mut tried = false;
        let answer = self.client.repeat(&url, || {
            let answer =
                self.client.post_once::<Commit>(&url, &[(header::CONTENT_TYPE, "application/x-ndjson")], &body);
            let moved = matches!(&answer, Err(Failure::Final(Error::Refused { status: 409 | 412, .. })));
            let again = tried;
            tried = true;
            if !moved {
                return answer;
            }
            let now = self.revision(name, BRANCH)?;
            if now.sha == parent {
                return answer;
            }
            let receipt = bundle.files().get(RECEIPT_FILE);
            let ours = receipt.map(|file| file.beginning(file.fingerprint.size)).transpose()?;
            if again && ours.is_some() && self.receipt_bytes(name, &now.sha).ok() == ours {
                return Ok(Commit { commit_oid: now.sha });
            }
            Err(Failure::Final(Error::Changed { name: name.to_string() }))
        })?;
        Ok(answer.commit_oid)
    }
}

/// What is published as private must not become public unnoticed, nor the reverse.
fn check_visibility(name: &ModelName, private: bool, public: bool) -> Result<()> {
    let (found, remedy) = match (private, public) {
        (false, false) => ("public", "add --public to publish to it, or choose another name"),
        (true, true) => ("private", "leave --public out, or make it public in its settings on the Hub first"),
        _ => return Ok(()),
    };
    Err(Error::Visibility { name: name.to_string(), found, remedy })
}
