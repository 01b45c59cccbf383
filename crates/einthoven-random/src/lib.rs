//! Randomness as a value: every random draw of a run comes from a named stream of one seed.
//!
//! A stream is addressed by a name and indices ("dropout", step 17) and is independent of every other
//! stream and of the order in which streams are opened. Nothing has to be saved to resume a run exactly:
//! the step number addresses the same draws again, at any thread count.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// One stream of random numbers.
pub type Stream = ChaCha8Rng;

/// All random streams of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed these streams were made from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream called `name` at `indices` (an epoch, a step, a record).
    ///
    /// The ChaCha key is the SHA-256 digest of seed, name and indices, so streams with different
    /// addresses are unrelated.
    pub fn stream(&self, name: &str, indices: &[u64]) -> Stream {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        for index in indices {
            hash.update(index.to_le_bytes());
        }
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn a_stream_is_a_pure_function_of_its_address() {
        let draw = |seed, name, indices: &[u64]| Streams::new(seed).stream(name, indices).next_u64();
        assert_eq!(draw(1, "dropout", &[3, 4]), draw(1, "dropout", &[3, 4]));
        assert_ne!(draw(1, "dropout", &[3, 4]), draw(2, "dropout", &[3, 4]));
        assert_ne!(draw(1, "dropout", &[3, 4]), draw(1, "shuffle", &[3, 4]));
        assert_ne!(draw(1, "dropout", &[3, 4]), draw(1, "dropout", &[4, 3]));
        assert_ne!(draw(1, "dropout", &[]), draw(1, "dropout", &[0]));
    }
}
