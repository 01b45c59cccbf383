//! Models for other programs: ONNX and PyTorch.

#[cfg(test)]
mod cases;
mod error;
mod onnx;
mod pytorch;

use std::collections::BTreeMap;

use candle_core::Tensor;
use einthoven_models::{EsiConfig, SignalConfig};
use einthoven_signal::InputContract;

pub use error::{Error, Result};
pub use onnx::onnx;
pub use pytorch::pytorch;

/// A model of recordings, with all that another program needs to know of it.
#[derive(Clone, Copy, Debug)]
pub struct SignalModel<'a> {
    /// The system that it is of, such as `ESI`.
    pub system: &'a str,
    /// The network.
    pub network: Network<'a>,
    /// What it is fed.
    pub contract: &'a InputContract,
    /// Its weights, by name.
    pub parameters: &'a BTreeMap<String, Tensor>,
}

/// The shape of the network.
#[derive(Clone, Copy, Debug)]
pub enum Network<'a> {
    /// A signal encoder by itself.
    Encoder {
        /// Its shape.
        config: &'a SignalConfig,
        /// Leads of a recording.
        leads: usize,
    },
    /// An ESI, whose signal encoder leads to the space that it shares with texts.
    Esi(&'a EsiConfig),
}

impl Network<'_> {
    /// Leads of a recording.
    fn leads(&self) -> usize {
        match self {
            Self::Encoder { leads, .. } => *leads,
            Self::Esi(config) => config.leads,
        }
    }
}
