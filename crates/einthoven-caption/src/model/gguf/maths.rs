//! Operations on rows of numbers, in one order on every machine.

use rayon::prelude::*;

/// Numbers that one task handles.
const GRAIN: usize = 1 << 13;

/// Runs `body` with the best instruction set of this machine.
#[inline(always)]
pub(super) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// Does something with each row of `width` numbers; threads share the rows where there are many.
pub(super) fn each_row(values: &mut [f32], width: usize, body: impl Fn(usize, &mut [f32]) + Sync) {
    values.par_chunks_mut(width).with_min_len(GRAIN.div_ceil(width)).enumerate().for_each(|(row, values)| {
        vectorised(
            #[inline(always)]
            || body(row, values),
        );
    });
}

/// Divides each part of `weights.len()` numbers by its root mean square and scales it by `weights` (Zhang and Sennrich, 2019).
#[inline(always)]
pub(super) fn normalise(values: &mut [f32], weights: &[f32], epsilon: f32) {
    for part in values.chunks_exact_mut(weights.len()) {
        let mut sums = [0.0f32; 16];
        for chunk in part.chunks(16) {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += value * value;
            }
        }
        let mean = sums.iter().sum::<f32>() / part.len() as f32;
        let factor = 1.0 / (mean + epsilon).sqrt();
        for (value, weight) in part.iter_mut().zip(weights) {
            *value *= factor * weight;
        }
    }
}

/// e to the power of `x`, to about one part in ten million; 0 far below zero.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    // x = n ln 2 + r, with ln 2 in two parts.
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    // Cephes' polynomial.
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.0e-1] {
        p = p * r + coefficient;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (p * r * r + r + 1.0) * power
}

/// How a feed-forward layer opens its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// x times its logistic function.
    Silu,
    /// x times the normal distribution function, by the tanh formula (Hendrycks and Gimpel, 2016).
    Gelu,
}

/// Opens `gates` and multiplies them with `values`, in place.
#[inline(always)]
pub(super) fn open(gate: Gate, gates: &mut [f32], values: &[f32]) {
    let opened = |x: f32| match gate {
        Gate::Silu => x / (1.0 + exp(-x)),
        // (1 + tanh y) / 2 is the logistic function of 2 y.
        Gate::Gelu => x / (1.0 + exp(-1.595_769 * (x + 0.044_715 * x * x * x))),
    };
    match gate {
        Gate::Silu => gates.iter_mut().zip(values).for_each(|(x, value)| *x = opened(*x) * value),
        Gate::Gelu => gates.iter_mut().zip(values).for_each(|(x, value)| *x = opened(*x) * value),
    }
}

/// Adds rows.
pub(super) fn add(values: &mut [f32], others: &[f32], width: usize) {
    each_row(
        values,
        width,
        #[inline(always)]
        |row, values| {
            for (value, other) in values.iter_mut().zip(&others[row * width..]) {
                *value += other;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_right_to_the_last_digits() {
        for step in -8700..8800 {
            let x = step as f32 / 100.0;
            let (found, right) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / right - 1.0).abs() < 3e-7, "{x}: {found} instead of {right}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn gates_follow_their_formulas() {
        let inputs: Vec<f32> = (-60..60).map(|step| step as f32 / 8.0).collect();
        for gate in [Gate::Silu, Gate::Gelu] {
            let mut found = inputs.clone();
            open(gate, &mut found, &vec![2.0; inputs.len()]);
            for (x, found) in inputs.iter().zip(found) {
                let x = f64::from(*x);
                let tanh = (0.797_884_560_802_865_4 * (x + 0.044_715 * x.powi(3))).tanh();
                let right = if gate == Gate::Silu { 2.0 * x / (1.0 + (-x).exp()) } else { x * (1.0 + tanh) };
                assert!((f64::from(found) - right).abs() < 2e-6, "{gate:?} {x}: {found} instead of {right}");
            }
        }
    }
}
