use candle_core::Tensor;
use einthoven_nn::{Init, Linear, Pass, Scope, dropout, relu};

use super::HeadConfig;
use crate::Result;
use crate::vector_norm::VectorNorm;

/// Linear layers with what stands before each: batch norm and dropout; ReLU between them.
#[derive(Clone, Debug)]
pub(super) struct Head {
    layers: Vec<HeadLayer>,
}

#[derive(Clone, Debug)]
struct HeadLayer {
    norm: Option<VectorNorm>,
    dropout: f64,
    linear: Linear,
}

impl Head {
    /// The layers are called `linear0`, `linear1`, …, the norms before them `bn0`, `bn1`, ….
    pub fn new(config: &HeadConfig, width: usize, classes: usize, scope: &Scope) -> Result<Self> {
        let mut inputs = width;
        let outputs = config.hidden.iter().copied().chain([classes]);
        let layers = outputs.enumerate().map(|(index, outputs)| {
            let norm =
                config.batch_norm.then(|| VectorNorm::new(&scope.enter(format!("bn{index}")), inputs)).transpose()?;
            let is_last = index == config.hidden.len();
            let dropout = if is_last { config.dropout } else { config.dropout / 2.0 };
            // The benchmark's draw (He et al. 2015); the bias starts at 0 there, too.
            let init = Init::Normal { std: (2.0 / inputs as f64).sqrt() };
            let linear = Linear::new(&scope.enter(format!("linear{index}")), inputs, outputs, true, init)?;
            inputs = outputs;
            Ok(HeadLayer { norm, dropout, linear })
        });
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }

    /// `[batch, width]` to logits `[batch, classes]`.
    pub fn forward(&self, pooled: &Tensor, pass: &Pass) -> Result<Tensor> {
        let mut x = pooled.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = relu(&x)?;
            }
            if let Some(norm) = &layer.norm {
                x = norm.forward(&x, pass)?;
            }
            x = layer.linear.forward(&dropout(&x, layer.dropout, pass)?)?;
        }
        Ok(x)
    }
}
