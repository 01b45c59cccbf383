use candle_core::Tensor;

use super::linear::{Size, affine, column_sums, input_gradient, weight_gradient};
use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::Real;
use crate::cpu::view::{dense, view, with_element_type};

const OP: &str = "patch_conv1d";

/// Convolution whose stride is its kernel length: one matrix product over patches.
///
/// `x` `[batch, time, in]`, `w` `[out, in, k]`, `bias` `[out]`, result `[batch, ⌊time/k⌋, out]`. Trailing samples are dropped.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or time is shorter than `k`.
pub fn patch_conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    require_operands(OP, &inputs)?;
    let fits = x.rank() == 3
        && w.rank() == 3
        && x.dims()[2] == w.dims()[1]
        && bias.is_none_or(|bias| bias.dims() == &w.dims()[..1]);
    require(OP, fits, || {
        let bias = bias.map(|bias| bias.dims());
        format!("x {:?}, weight {:?}, bias {bias:?} do not fit", x.dims(), w.dims())
    })?;
    let kernel = w.dim(2)?;
    require(OP, x.dim(1)? >= kernel, || format!("{} samples are fewer than the kernel's {kernel}", x.dims()[1]))?;
    with_element_type!(OP, x.dtype(), T => patches::<T>(x, w, bias))
}

fn patches<T: Real>(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let (outputs, _, kernel) = w.dims3()?;
    let steps = time / kernel;
    let used = steps * kernel;
    let xs = dense(&x.narrow(1, 0, used)?)?;
    let weights = by_tap::<T>(&view(OP, &dense(w)?)?, outputs, channels, kernel);
    let size = Size { rows: batch * steps, inner: kernel * channels, outputs };
    let y = match bias {
        Some(bias) => {
            let bias = dense(bias)?;
            affine(size, &view(OP, &xs)?, &weights, Some(&view(OP, &bias)?))
        }
        None => affine(size, &view(OP, &xs)?, &weights, None),
    };
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    record(OP, T::storage(y), (batch, steps, outputs), &inputs, move |gradient, needs| {
        let dy = view::<T>(OP, gradient)?;
        let mut gradients = vec![None; needs.len()];
        if needs[0] {
            let dx = tensor(input_gradient(size, &dy, &weights), (batch, used, channels))?;
            gradients[0] = Some(dx.pad_with_zeros(1, 0, time - used)?);
        }
        if needs[1] {
            let dw = weight_gradient(size, &dy, &view(OP, &xs)?);
            let dw = by_channel(&dw, outputs, channels, kernel);
            gradients[1] = Some(tensor(dw, (outputs, channels, kernel))?);
        }
        if needs.len() > 2 && needs[2] {
            gradients[2] = Some(tensor(column_sums(&dy, outputs), outputs)?);
        }
        Ok(gradients)
    })
}

/// `[out, in, k]` as `[out, k, in]`.
pub(super) fn by_tap<T: Real>(w: &[T], outputs: usize, channels: usize, kernel: usize) -> Vec<T> {
    swap_inner(w, outputs, channels, kernel)
}

/// `[out, k, in]` as `[out, in, k]`.
pub(super) fn by_channel<T: Real>(w: &[T], outputs: usize, channels: usize, kernel: usize) -> Vec<T> {
    swap_inner(w, outputs, kernel, channels)
}

fn swap_inner<T: Real>(w: &[T], outer: usize, rows: usize, columns: usize) -> Vec<T> {
    let mut swapped = vec![T::ZERO; w.len()];
    for o in 0..outer {
        let base = o * rows * columns;
        for r in 0..rows {
            for c in 0..columns {
                swapped[base + c * rows + r] = w[base + r * columns + c];
            }
        }
    }
    swapped
}
