use candle_core::Tensor;

use super::{require, require_operands, tensor};
use crate::Result;
use crate::autograd::record;
use crate::cpu::view::{dense, view, with_element_type};
use crate::cpu::{Real, parallel};

const OP: &str = "time_norm";

/// Normalisation of each channel over time, as the published ESI encoder has it in stem and downsampling:
/// `(x - mean)/(std + eps) · weight + bias`, unbiased standard deviation.
///
/// `x` `[batch, time, c]` with at least two time steps, `weight`, `bias` `[c]`. A constant channel becomes `bias`, and
/// no gradient passes through its deviation. With `s = std + eps` and `n` time steps,
/// `dx = weight/s · (dy - mean(dy) - (x - mean)·Σ dy·(x - mean) / (s·std·(n - 1)))`.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) when the shapes do not fit, an operand is empty or time is a single step.
pub fn time_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    require_operands(OP, &[x, weight, bias])?;
    let fits =
        x.rank() == 3 && weight.elem_count() == x.dims()[2] && bias.elem_count() == x.dims()[2] && x.dims()[1] > 1;
    require(OP, fits, || {
        let (x, weight, bias) = (x.dims(), weight.dims(), bias.dims());
        format!("x {x:?} (two time steps at least), weight {weight:?}, bias {bias:?} do not fit")
    })?;
    with_element_type!(OP, x.dtype(), T => run::<T>(x, weight, bias, eps))
}

fn run<T: Real>(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let (batch, time, channels) = x.dims3()?;
    let (xs, ws) = (dense(x)?, dense(weight)?);
    let (y, means, deviations) = {
        let (x, w) = (view::<T>(OP, &xs)?, view::<T>(OP, &ws)?);
        let bias = dense(bias)?;
        let bias = view::<T>(OP, &bias)?;
        let means = means(&x, batch, time, channels);
        let deviations = deviations(&x, &means, batch, time, channels);
        let y = parallel::fill_rows(
            batch * time,
            channels,
            #[inline(always)]
            |row, y: &mut [T]| {
                let at = row / time * channels;
                let (m, d) = (&means[at..][..channels], &deviations[at..][..channels]);
                let x = &x[row * channels..][..channels];
                for (((((y, x), m), d), w), b) in y.iter_mut().zip(x).zip(m).zip(d).zip(&*w).zip(&*bias) {
                    *y = ((*x - *m) / (*d + T::of(eps))).fma(*w, *b);
                }
            },
        );
        (y, means, deviations)
    };
    let bias_shape = bias.shape().clone();
    record(OP, T::storage(y), x.shape(), &[x, weight, bias], move |gradient, _| {
        let (x, w, dy) = (view::<T>(OP, &xs)?, view::<T>(OP, &ws)?, view::<T>(OP, gradient)?);
        // Per example and channel: the sums of dy·(x - mean) and of dy.
        let sums = parallel::sum_per_example(
            batch,
            time,
            channels,
            2 * channels,
            #[inline(always)]
            |row, sums: &mut [T]| {
                let m = &means[row / time * channels..][..channels];
                let (x, dy) = (&x[row * channels..][..channels], &dy[row * channels..][..channels]);
                let (products, plain) = sums.split_at_mut(channels);
                for ((((p, s), x), dy), m) in products.iter_mut().zip(plain).zip(x).zip(dy).zip(m) {
                    *p = dy.fma(*x - *m, *p);
                    *s += *dy;
                }
            },
        );
        let (mut dw, mut db) = (vec![T::ZERO; channels], vec![T::ZERO; channels]);
        // dx = a·dy - b - (x - mean)·q
        let mut factors = vec![T::ZERO; batch * 3 * channels];
        for example in 0..batch {
            let sums = &sums[example * 2 * channels..][..2 * channels];
            let factors = &mut factors[example * 3 * channels..][..3 * channels];
            for c in 0..channels {
                let deviation = deviations[example * channels + c];
                let s = deviation + T::of(eps);
                dw[c] += sums[c] / s;
                db[c] += sums[channels + c];
                let a = w[c] / s;
                factors[c] = a;
                factors[channels + c] = a * sums[channels + c] / T::of(time as f64);
                // A constant channel's deviation has no slope.
                if deviation > T::ZERO || deviation.is_nan() {
                    factors[2 * channels + c] = a * sums[c] / (s * deviation * T::of(time as f64 - 1.0));
                }
            }
        }
        let dx = parallel::fill_rows(
            batch * time,
            channels,
            #[inline(always)]
            |row, dx: &mut [T]| {
                let example = row / time;
                let m = &means[example * channels..][..channels];
                let factors = &factors[example * 3 * channels..][..3 * channels];
                let (a, rest) = factors.split_at(channels);
                let (b, q) = rest.split_at(channels);
                let (x, dy) = (&x[row * channels..][..channels], &dy[row * channels..][..channels]);
                for ((((((dx, x), dy), m), a), b), q) in dx.iter_mut().zip(x).zip(dy).zip(m).zip(a).zip(b).zip(q) {
                    *dx = a.fma(*dy, -*b) - (*x - *m) * *q;
                }
            },
        );
        Ok(vec![Some(tensor(dx, xs.shape())?), Some(tensor(dw, ws.shape())?), Some(tensor(db, &bias_shape)?)])
    })
}

/// Means over time `[batch, channels]`, summed in `f64` so that a constant channel's mean is its value.
fn means<T: Real>(x: &[T], batch: usize, time: usize, channels: usize) -> Vec<T> {
    let sums = parallel::sum_per_example::<f64>(
        batch,
        time,
        channels,
        channels,
        #[inline(always)]
        |row, sums| {
            for (sum, x) in sums.iter_mut().zip(&x[row * channels..][..channels]) {
                *sum += x.wide();
            }
        },
    );
    sums.into_iter().map(|sum| T::of(sum / time as f64)).collect()
}

/// Unbiased standard deviations over time `[batch, channels]`.
fn deviations<T: Real>(x: &[T], means: &[T], batch: usize, time: usize, channels: usize) -> Vec<T> {
    let sums = parallel::sum_per_example(
        batch,
        time,
        channels,
        channels,
        #[inline(always)]
        |row, sums: &mut [T]| {
            let m = &means[row / time * channels..][..channels];
            for ((sum, x), m) in sums.iter_mut().zip(&x[row * channels..][..channels]).zip(m) {
                let d = *x - *m;
                *sum = d.fma(d, *sum);
            }
        },
    );
    let scale = T::of(1.0 / (time as f64 - 1.0));
    sums.into_iter().map(|sum| (sum * scale).sqrt()).collect()
}
