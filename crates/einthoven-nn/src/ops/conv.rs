use candle_core::Tensor;

use super::linear::{Size, affine, column_sums, input_gradient, weight_gradient};
use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const PATCH: &str = "patch_conv1d";
const CONV: &str = "conv1d";

/// Convolution whose stride is its kernel length: one matrix product over patches.
///
/// `x` `[batch, time, in]`, `w` `[out, in, k]`, `bias` `[out]`, result `[batch, ⌊time/k⌋, out]`. Trailing samples are dropped.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or time is shorter than `k`.
pub fn patch_conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let kernel = check(PATCH, x, w, bias)?;
    require(PATCH, x.dim(1)? >= kernel, || format!("{} samples are fewer than the kernel's {kernel}", x.dims()[1]))?;
    with_element_type!(PATCH, x.dtype(), T => patches::<T>(x, w, bias))
}

fn check(op: &'static str, x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<usize> {
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    require_operands(op, &inputs)?;
    let fits = x.rank() == 3
        && w.rank() == 3
        && x.dims()[2] == w.dims()[1]
        && bias.is_none_or(|bias| bias.dims() == &w.dims()[..1]);
    require(op, fits, || {
        let bias = bias.map(|bias| bias.dims());
        format!("x {:?}, weight {:?}, bias {bias:?} do not fit", x.dims(), w.dims())
    })?;
    Ok(w.dim(2)?)
}

fn patches<T: Real>(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let (outputs, _, kernel) = w.dims3()?;
    let steps = time / kernel;
    let used = steps * kernel;
    let xs = dense(&x.narrow(1, 0, used)?)?;
    let weights = by_tap::<T>(&view(PATCH, &dense(w)?)?, outputs, channels, kernel);
    let size = Size { rows: batch * steps, inner: kernel * channels, outputs };
    let y = match bias {
        Some(bias) => {
            let bias = dense(bias)?;
            affine(size, &view(PATCH, &xs)?, &weights, Some(&view(PATCH, &bias)?))
        }
        None => affine(size, &view(PATCH, &xs)?, &weights, None),
    };
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    record(PATCH, T::storage(y), (batch, steps, outputs), &inputs, move |gradient, needs| {
        let dy = view::<T>(PATCH, gradient)?;
        let mut gradients = vec![None; needs.len()];
        if needs[0] {
            let dx = tensor(input_gradient(size, &dy, &weights), (batch, used, channels))?;
            gradients[0] = Some(dx.pad_with_zeros(1, 0, time - used)?);
        }
        if needs[1] {
            let dw = weight_gradient(size, &dy, &view(PATCH, &xs)?);
            let dw = by_channel(&dw, outputs, channels, kernel);
            gradients[1] = Some(tensor(dw, (outputs, channels, kernel))?);
        }
        if needs.len() > 2 && needs[2] {
            gradients[2] = Some(tensor(column_sums(&dy, outputs), outputs)?);
        }
        Ok(gradients)
    })
}

/// Convolution with stride and zero padding on both ends.
///
/// `x` `[batch, time, in]`, `w` `[out, in, k]`, `bias` `[out]`, result `[batch, (time + 2·padding - k)/stride + 1, out]`.
/// Channels last, the window of an output is `k·in` adjacent values of the padded input, so the product reads
/// overlapping windows in place.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty, the stride is zero or the padded time is shorter than `k`.
pub fn conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, stride: usize, padding: usize) -> Result<Tensor> {
    let kernel = check(CONV, x, w, bias)?;
    require(CONV, stride > 0 && x.dim(1)? + 2 * padding >= kernel, || {
        let time = x.dims()[1];
        format!("time {time} with padding {padding} does not fit kernel {kernel}, stride {stride}")
    })?;
    with_element_type!(CONV, x.dtype(), T => windows::<T>(x, w, bias, stride, padding))
}

fn windows<T: Real>(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, stride: usize, padding: usize) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let (outputs, _, kernel) = w.dims3()?;
    let steps = (time + 2 * padding - kernel) / stride + 1;
    let inner = kernel * channels;
    let padded_len = (time + 2 * padding) * channels;
    let weights = by_tap::<T>(&view(CONV, &dense(w)?)?, outputs, channels, kernel);
    let padded = {
        let xs = dense(x)?;
        let xs = view::<T>(CONV, &xs)?;
        parallel::fill(
            batch * padded_len,
            padded_len,
            #[inline(always)]
            |start, row: &mut [T]| {
                let example = start / padded_len;
                let len = time * channels;
                row[padding * channels..][..len].copy_from_slice(&xs[example * len..][..len]);
            },
        )
    };
    let mut y = match bias {
        Some(bias) => {
            let bias = dense(bias)?;
            let bias = view::<T>(CONV, &bias)?;
            parallel::fill_rows(
                batch * steps,
                outputs,
                #[inline(always)]
                |_, y: &mut [T]| y.copy_from_slice(&bias),
            )
        }
        None => vec![T::ZERO; batch * steps * outputs],
    };
    for (y, x) in y.chunks_exact_mut(steps * outputs).zip(padded.chunks_exact(padded_len)) {
        let windows = Matrix::strided(x, stride * channels);
        let w = Matrix::rows(&weights, inner).t();
        product_into((steps, inner, outputs), y, outputs, true, windows, w, T::ONE, Threads::All);
    }
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    record(CONV, T::storage(y), (batch, steps, outputs), &inputs, move |gradient, needs| {
        let dy = view::<T>(CONV, gradient)?;
        let mut gradients = vec![None; needs.len()];
        if needs[0] {
            let size = Size { rows: batch * steps, inner, outputs };
            let windows = input_gradient(size, &dy, &weights);
            let dx = parallel::fill_rows(
                batch * time,
                channels,
                #[inline(always)]
                |row, dx: &mut [T]| {
                    let (example, at) = (row / time, row % time + padding);
                    // The windows that cover this sample: step·stride ≤ at < step·stride + kernel.
                    let first = (at + stride).saturating_sub(kernel) / stride;
                    for step in first..=(at / stride).min(steps - 1) {
                        let tap = at - step * stride;
                        let window = &windows[(example * steps + step) * inner..][..inner];
                        for (dx, g) in dx.iter_mut().zip(&window[tap * channels..][..channels]) {
                            *dx += *g;
                        }
                    }
                },
            );
            gradients[0] = Some(tensor(dx, (batch, time, channels))?);
        }
        if needs[1] {
            let mut dw = vec![T::ZERO; outputs * inner];
            for (dy, x) in dy.chunks_exact(steps * outputs).zip(padded.chunks_exact(padded_len)) {
                let windows = Matrix::strided(x, stride * channels);
                let dy = Matrix::rows(dy, outputs).t();
                let size = (outputs, steps, inner);
                product_into(size, &mut dw, inner, true, dy, windows, T::ONE, Threads::All);
            }
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
fn by_tap<T: Real>(w: &[T], outputs: usize, channels: usize, kernel: usize) -> Vec<T> {
    swap_inner(w, outputs, channels, kernel)
}

/// `[out, k, in]` as `[out, in, k]`.
fn by_channel<T: Real>(w: &[T], outputs: usize, channels: usize, kernel: usize) -> Vec<T> {
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
