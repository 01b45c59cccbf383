//! How tensors learn: named parameters, differentiable operations with fast CPU kernels, a backward
//! pass that loses no gradient, and the AdamW optimiser.
//!
//! Everything works on contiguous or strided CPU tensors of `f32` and `f64`, channels last
//! (`[batch, time, channels]`). Results are bit-identical at any number of threads.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use einthoven_nn::{Init, Parameters, backward, linear};
//! use einthoven_random::Streams;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(7));
//! let weight = parameters.root().parameter("weight", (3, 2), Init::Normal { std: 0.1 })?;
//! let x = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?;
//! let loss = linear(&x, &weight, None)?.sqr()?.sum_all()?;
//! let gradients = backward(&loss)?;
//! assert_eq!(gradients.get(&weight).map(|g| g.dims().to_vec()), Some(vec![3, 2]));
//! # Ok(())
//! # }
//! ```

mod autograd;
mod checkpoint;
mod cpu;
mod error;
pub mod layers;
pub mod ops;
mod optimizer;
mod parameters;
mod pass;

pub use autograd::{Gradients, backward, without_gradients};
pub use checkpoint::checkpoint;
pub use cpu::matrix::product_flops;
pub use cpu::precision::{MatmulPrecision, matmul_precision, set_matmul_precision};
pub use error::{Error, Result};
pub use layers::{ConvNextBlock, Embedding, LayerNorm, Linear};
pub use ops::*;
pub use optimizer::{AdamW, AdamWConfig, ParameterGroup};
pub use parameters::{Buffer, Init, Parameters, Scope};
pub use pass::{Dropout, Pass};
