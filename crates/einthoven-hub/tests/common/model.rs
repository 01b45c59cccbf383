//! A small model to publish.

use einthoven_hub::{Bundle, Program, RECEIPT_FILE, Receipt};

/// So many bytes that a cut hits the middle of something.
pub const WEIGHTS: usize = 300_000;

pub fn weights(seed: u8) -> Vec<u8> {
    (0..WEIGHTS).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed).collect()
}

/// Weights, a card, two further files, and the receipt of them all.
pub fn bundle(seed: u8) -> Bundle {
    let mut bundle = Bundle::default();
    bundle.add_bytes("model.safetensors", weights(seed));
    bundle.add_bytes("README.md", format!("---\nlicense: mit\n---\n# Model {seed}\n").into_bytes());
    bundle.add_bytes("contract.json", b"{}\n".to_vec());
    bundle.add_bytes("config.toml", format!("seed = {seed}\n").into_bytes());
    with_receipt(bundle)
}

pub fn with_receipt(mut bundle: Bundle) -> Bundle {
    let program = Program { name: "test".into(), version: "1".into(), sha256: "00".into() };
    let receipt = Receipt::new(program, "11".into(), Vec::new(), bundle.fingerprints());
    bundle.add_bytes(RECEIPT_FILE, receipt.to_json().unwrap());
    bundle
}
