//! Content addresses.

use sha2::{Digest, Sha256};

/// A SHA-256 of parts: where one part ends and the next begins makes a difference.
#[derive(Clone, Default)]
pub(crate) struct Hash(Sha256);

impl Hash {
    pub fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// All of it: 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first 16 digits, for what is not there in millions.
    pub fn short(&self) -> String {
        let mut hex = self.hex();
        hex.truncate(16);
        hex
    }
}
