use candle_core::{DType, Shape};

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tensor library failed.
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),

    /// An operation was given operands that do not fit together.
    #[error("{op}: {message}")]
    Operand {
        /// The operation.
        op: &'static str,
        /// What does not fit, with the shapes concerned.
        message: String,
    },

    /// An operation was given a tensor of an element type it does not work on.
    #[error("{op}: element type {found:?} is not supported, convert the tensor to f32 or f64")]
    ElementType {
        /// The operation.
        op: &'static str,
        /// The element type found.
        found: DType,
    },

    /// A gradient was asked for outside [`backward`](crate::backward), where parameter gradients would be lost.
    #[error(
        "{op}: its gradients are only collected inside einthoven_nn::backward, call that instead of Tensor::backward"
    )]
    OutsideBackward {
        /// The operation.
        op: &'static str,
    },

    /// Matrix products in bf16 were asked for on a processor that does not have them.
    #[error("this processor has no AVX512-BF16, which matrix products in bf16 need; choose f32")]
    Precision,

    /// Two parameters or buffers were given one name.
    #[error("parameter or buffer `{name}` exists already")]
    Duplicate {
        /// The full name.
        name: String,
    },

    /// A set of named tensors does not fit the parameters it is meant for.
    #[error("{}", describe_mismatch(.missing, .unexpected, .misshapen))]
    Mismatch {
        /// Names that the parameters need and the tensors lack.
        missing: Vec<String>,
        /// Names that the tensors hold and the parameters do not know.
        unexpected: Vec<String>,
        /// Names whose shapes differ: (name, shape wanted, shape found).
        misshapen: Vec<(String, Shape, Shape)>,
    },
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn describe_mismatch(missing: &[String], unexpected: &[String], misshapen: &[(String, Shape, Shape)]) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("missing: {}", missing.join(", ")));
    }
    if !unexpected.is_empty() {
        parts.push(format!("unexpected: {}", unexpected.join(", ")));
    }
    if !misshapen.is_empty() {
        let list: Vec<String> = misshapen
            .iter()
            .map(|(name, wanted, found)| format!("{name} (needs {:?}, found {:?})", wanted.dims(), found.dims()))
            .collect();
        parts.push(format!("of another shape: {}", list.join(", ")));
    }
    format!("tensors do not fit the model; {}", parts.join("; "))
}
