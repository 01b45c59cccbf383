//! Embeddings on a plane, to be looked at.
//!
//! The 50 [principal components](pca) of most variance are laid out by [t-SNE](tsne()). What lies together on the map lies together
//! in the embedding; how far groups are apart, and how large they are, means little. The layout starts from the first two components and draws
//! nothing at random: it is the same for the same embeddings, at any thread count.

mod pca;
mod scatter;
mod tsne;

use serde::{Deserialize, Serialize};

use crate::embeddings::Embeddings;
use crate::error::{Error, Result, no_nan};

pub use pca::{Components, pca};
pub use scatter::svg;
pub use tsne::tsne;

/// Components that t-SNE sees.
const COMPONENTS: usize = 50;
/// Neighbours that a point has, softly counted.
const PERPLEXITY: f64 = 30.0;
/// The most points on a map: exact t-SNE takes time by their square.
const MOST: usize = 5000;
/// The fewest that have neighbours to be laid out by.
const FEWEST: usize = 10;

/// Recordings on a plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// The rows of the embeddings that are on it: all, or 5,000 at equal steps.
    pub rows: Vec<usize>,
    /// Their places.
    pub points: Vec<[f64; 2]>,
    /// The part of the variance that the components hold that were laid out.
    pub explained: f64,
    /// How many these are.
    pub components: usize,
    /// The perplexity of t-SNE.
    pub perplexity: f64,
}

impl Map {
    /// Lays out embeddings.
    ///
    /// # Errors
    /// [`Error::Map`] for fewer than ten; [`Error::NotANumber`] for an embedding that is none.
    pub fn new(embeddings: &Embeddings) -> Result<Self> {
        if embeddings.rows() < FEWEST {
            return Err(Error::Map { needed: FEWEST, found: embeddings.rows() });
        }
        let count = embeddings.rows().min(MOST);
        let rows: Vec<usize> = (0..count).map(|place| place * embeddings.rows() / count).collect();
        let values: Vec<f64> = embeddings.select(&rows).data().iter().copied().map(f64::from).collect();
        no_nan(&values)?;
        let Components { scores, explained, count: components, .. } = pca(&values, embeddings.width(), COMPONENTS);
        let perplexity = PERPLEXITY.min((count - 1) as f64 / 3.0);
        Ok(Self { points: tsne(&scores, components, perplexity), rows, explained, components, perplexity })
    }
}
