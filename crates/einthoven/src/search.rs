//! Searching stored embeddings for what a text says.

use std::path::Path;

use einthoven_eval::{Gallery, StoredEmbeddings};
use serde::Serialize;

use crate::{Error, Result, Trained};

/// Stored embeddings of recordings beside the model that made them.
#[derive(Debug)]
pub struct Search<'a> {
    model: &'a Trained,
    records: Vec<String>,
    gallery: Gallery,
}

/// A recording that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// What it is called.
    pub record: String,
    /// The cosine between it and the text.
    pub cosine: f64,
}

impl<'a> Search<'a> {
    /// Opens a file that `einthoven embed -o` wrote with `model`.
    ///
    /// # Errors
    /// Those of [`StoredEmbeddings::load`]; [`Error::Setting`] for embeddings of another model.
    pub fn open(model: &'a Trained, path: &Path) -> Result<Self> {
        let stored = StoredEmbeddings::load(path)?;
        if stored.model != model.fingerprint()? {
            let message = "holds embeddings of another model or checkpoint; embed the recordings anew with this one";
            return Err(Error::setting(path.display().to_string(), message));
        }
        Ok(Self { model, records: stored.records, gallery: Gallery::new(stored.embeddings)? })
    }

    /// How many recordings are searched.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is nothing to search.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The `count` recordings that a text fits best, the best first.
    ///
    /// # Errors
    /// Those of [`Trained::pair`] and [`Gallery::nearest`].
    pub fn nearest(&self, text: &str, count: usize) -> Result<Vec<Hit>> {
        let text = self.model.pair()?.embed_texts(&[text.to_owned()])?;
        let found = self.gallery.nearest(text.row(0), count)?.into_iter();
        Ok(found.map(|found| Hit { record: self.records[found.row].clone(), cosine: found.cosine }).collect())
    }
}
