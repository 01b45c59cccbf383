//! Texts as vectors.

use crate::Result;

/// Turns texts into vectors that lie the closer together, the more alike the texts are in meaning.
pub trait Embedder: Send + Sync {
    /// What tells this embedder's vectors from another's: an index made with one cannot be searched with the other.
    fn identity(&self) -> &str;

    /// A vector for each text, all of one length, not all zero.
    ///
    /// # Errors
    /// [`Error::Embedder`](crate::Error::Embedder) of an encoder that runs here; [`Error::Unanswered`](crate::Error::Unanswered),
    /// [`Error::Refused`](crate::Error::Refused) and [`Error::WaitTooLong`](crate::Error::WaitTooLong) of a server.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
}
