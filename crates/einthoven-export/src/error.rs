/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter that the network needs is not among those given.
    #[error("the weights have no {name}: they belong to another network")]
    MissingParameter {
        /// Its full name.
        name: String,
    },

    /// The input contract and the network do not fit together.
    #[error("the input contract does not fit the network: {message}")]
    Contract {
        /// What is wrong.
        message: String,
    },

    /// A network too large for one ONNX file.
    #[error("the network takes {bytes} bytes, an ONNX file holds less than 2 GiB; export it with --pytorch")]
    TooLarge {
        /// The size of its weights.
        bytes: usize,
    },

    /// The tensor library failed.
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),

    /// From a model.
    #[error(transparent)]
    Model(#[from] einthoven_models::Error),

    /// A description cannot be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),

    /// Weights cannot be written as safetensors.
    #[error("cannot write safetensors: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;
