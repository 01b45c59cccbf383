use std::borrow::Cow;

use candle_core::Tensor;

use super::linear::column_sums;
use super::patch_conv1d::{by_channel, by_tap};
use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::matrix::{Matrix, Threads, product_into};
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "conv1d";

/// Fewer examples are too few to give each thread one.
const FEW_EXAMPLES: usize = 8;

/// How the windows of a convolution lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Samples from one window to the next.
    pub stride: usize,
    /// Zeros before the first sample and behind the last.
    pub padding: usize,
    /// Samples from one tap of the kernel to the next.
    pub dilation: usize,
    /// Groups of channels; those of the result see those of the input of the same group.
    pub groups: usize,
}

impl Default for Conv1d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

/// Convolution with stride, zero padding, dilation and groups.
///
/// `x` `[batch, time, in]`, `w` `[out, in/groups, k]`, `bias` `[out]`, result
/// `[batch, (time + 2·padding - dilation·(k - 1) - 1)/stride + 1, out]`. Channels last, the window of an output is `k·in` adjacent
/// values of the padded input, so that the product reads overlapping windows in place; with dilation or groups, a product for each
/// tap and group reads its part.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty, a setting is zero that must not be, or the padded time is
/// shorter than the kernel.
pub fn conv1d(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, options: Conv1d) -> Result<Tensor> {
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    require_operands(OP, &inputs)?;
    let Conv1d { stride, padding, dilation, groups } = options;
    let fits = x.rank() == 3
        && w.rank() == 3
        && stride * dilation * groups > 0
        && x.dims()[2] == w.dims()[1] * groups
        && w.dims()[0].is_multiple_of(groups)
        && x.dims()[1] + 2 * padding > dilation * (w.dims()[2] - 1)
        && bias.is_none_or(|bias| bias.dims() == &w.dims()[..1]);
    require(OP, fits, || {
        let bias = bias.map(|bias| bias.dims());
        format!("x {:?}, weight {:?}, bias {bias:?} and {options:?} do not fit", x.dims(), w.dims())
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, w, bias, options))
}

/// The products that make up a convolution. Examples get their margins one by one, while they are in the cache.
#[derive(Clone, Copy)]
struct Windows {
    examples: usize,
    steps: usize,
    /// Values of an input sample, and of an output step.
    channels: usize,
    outputs: usize,
    /// Taps of a product each, and the values that each takes in of one group.
    taps: usize,
    width: usize,
    /// Samples of zeros before and after an example.
    margin: usize,
    options: Conv1d,
}

fn run<T: Real>(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, options: Conv1d) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let (outputs, width, kernel) = w.dims3()?;
    let Conv1d { stride, padding, dilation, groups } = options;
    let steps = (time + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    let by_taps = Windows { examples: batch, steps, channels, outputs, taps: kernel, width, margin: padding, options };
    let is_plain = dilation == 1 && groups == 1;
    let windows = if is_plain { Windows { taps: 1, width: kernel * channels, ..by_taps } } else { by_taps };
    let weights = by_tap::<T>(&view(OP, &dense(w)?)?, outputs, width, kernel);
    let samples = dense(x)?;
    let y = {
        let bias = bias.map(dense).transpose()?;
        let bias = bias.as_ref().map(|bias| view::<T>(OP, bias)).transpose()?;
        windows.product(&view::<T>(OP, &samples)?, &weights, bias.as_deref())
    };
    let mut inputs = vec![x, w];
    inputs.extend(bias);
    record(OP, T::storage(y), (batch, steps, outputs), &inputs, move |gradient, needs| {
        let dy = view::<T>(OP, gradient)?;
        let mut gradients = vec![None; needs.len()];
        if needs[0] {
            let dx = if is_plain && stride == 1 && padding < kernel {
                // Each sample is seen by windows side by side: the same operation with channels and taps turned round.
                let (width, channels, outputs) = (kernel * outputs, outputs, channels);
                let windows =
                    Windows { steps: time, channels, outputs, width, margin: kernel - 1 - padding, ..windows };
                windows.product(&dy, &turned(&weights, channels, kernel, outputs), None)
            } else {
                by_taps.input_gradient(&dy, &weights, time)
            };
            gradients[0] = Some(tensor(dx, (batch, time, channels))?);
        }
        if needs[1] {
            let dw = by_channel(&windows.weight_gradient(&dy, &view::<T>(OP, &samples)?), outputs, width, kernel);
            gradients[1] = Some(tensor(dw, (outputs, width, kernel))?);
        }
        if needs.len() > 2 && needs[2] {
            gradients[2] = Some(tensor(column_sums(&dy, outputs), outputs)?);
        }
        Ok(gradients)
    })
}

impl Windows {
    /// Values of an example's result.
    fn result(&self) -> usize {
        self.steps * self.outputs
    }

    /// Values from one window to the next.
    fn shift(&self) -> usize {
        self.options.stride * self.channels
    }

    /// For each group and tap, where the windows, the weights and the columns of the result begin.
    fn parts(self) -> impl Iterator<Item = (usize, usize, usize)> {
        let Self { taps, width, channels, outputs, options: Conv1d { dilation, groups, .. }, .. } = self;
        let own = outputs / groups;
        (0..groups).flat_map(move |group| {
            (0..taps).map(move |tap| {
                (tap * dilation * channels + group * width, (group * own * taps + tap) * width, group * own)
            })
        })
    }

    /// An example with zeros before and after it.
    fn with_margins<T: Real>(self, x: &[T]) -> Cow<'_, [T]> {
        if self.margin == 0 {
            return Cow::Borrowed(x);
        }
        let zeros = vec![T::ZERO; self.margin * self.channels];
        Cow::Owned([&zeros, x, &zeros].concat())
    }

    /// Who computes a product: a thread for each example, or all where examples are few.
    fn threads(&self) -> Threads {
        if self.examples < FEW_EXAMPLES { Threads::All } else { Threads::One }
    }

    /// Outputs of a group.
    fn own(&self) -> usize {
        self.outputs / self.options.groups
    }

    /// `x wᵀ + bias`: `weights` `[outputs, taps, width]`.
    fn product<T: Real>(self, x: &[T], weights: &[T], bias: Option<&[T]>) -> Vec<T> {
        let Self { examples, steps, outputs, taps, width, .. } = self;
        let example_len = x.len() / examples;
        parallel::fill(examples * self.result(), self.result(), |start, y: &mut [T]| {
            let x = self.with_margins(&x[start / self.result() * example_len..][..example_len]);
            if let Some(bias) = bias {
                y.chunks_exact_mut(outputs).for_each(|y| y.copy_from_slice(bias));
            }
            for (at, weight, output) in self.parts() {
                let windows = Matrix::strided(&x[at..], self.shift());
                let w = Matrix::strided(&weights[weight..], taps * width).t();
                let (y, accumulate) = (&mut y[output..], bias.is_some() || taps > 1);
                product_into((steps, width, self.own()), y, outputs, accumulate, windows, w, T::ONE, self.threads());
            }
        })
    }

    /// `dyᵀ x`, `[outputs, taps, width]`.
    fn weight_gradient<T: Real>(self, dy: &[T], x: &[T]) -> Vec<T> {
        let Self { examples, steps, outputs, taps, width, .. } = self;
        let example_len = x.len() / examples;
        parallel::sum_parts(examples, examples.div_ceil(16), outputs * taps * width, |part, dw: &mut [T]| {
            for example in part {
                let x = self.with_margins(&x[example * example_len..][..example_len]);
                let dy = &dy[example * self.result()..][..self.result()];
                for (at, weight, output) in self.parts() {
                    let windows = Matrix::strided(&x[at..], self.shift());
                    let dy = Matrix::strided(&dy[output..], outputs).t();
                    let size = (self.own(), steps, width);
                    product_into(size, &mut dw[weight..], taps * width, true, dy, windows, T::ONE, self.threads());
                }
            }
        })
    }

    /// `dy w`, each tap's part added to the samples that it saw; without the padding. Of taps of a product each.
    fn input_gradient<T: Real>(self, dy: &[T], weights: &[T], time: usize) -> Vec<T> {
        let Self { examples, steps, channels, outputs, taps, width, options, .. } = self;
        let len = time * channels;
        parallel::fill(examples * len, len, |start, dx: &mut [T]| {
            let dy = &dy[start / len * self.result()..][..self.result()];
            let mut padded = vec![T::ZERO; (time + 2 * options.padding) * channels];
            for (at, weight, output) in self.parts() {
                let dy = Matrix::strided(&dy[output..], outputs);
                let w = Matrix::strided(&weights[weight..], taps * width);
                let size = (steps, self.own(), width);
                product_into(size, &mut padded[at..], self.shift(), true, dy, w, T::ONE, self.threads());
            }
            dx.copy_from_slice(&padded[options.padding * channels..][..len]);
        })
    }
}

/// `[out, k, in]` as `[in, k, out]` with the taps from last to first.
fn turned<T: Real>(w: &[T], outputs: usize, kernel: usize, channels: usize) -> Vec<T> {
    let mut turned = vec![T::ZERO; w.len()];
    for (row, w) in w.chunks_exact(channels).enumerate() {
        let (output, tap) = (row / kernel, row % kernel);
        for (channel, w) in w.iter().enumerate() {
            turned[(channel * kernel + kernel - 1 - tap) * outputs + output] = *w;
        }
    }
    turned
}
