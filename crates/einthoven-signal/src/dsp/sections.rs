//! Recursive filters as second-order sections, run forwards and backwards.

use crate::{Error, Result};

/// One second-order section of a recursive filter:
/// (b₀ + b₁z⁻¹ + b₂z⁻²) / (1 + a₁z⁻¹ + a₂z⁻²).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// Numerator b₀, b₁, b₂.
    pub b: [f64; 3],
    /// Denominator a₁, a₂; a₀ is 1.
    pub a: [f64; 2],
}

impl Section {
    /// The state that a constant input of 1 settles into.
    fn steady_state(&self) -> [f64; 2] {
        let ([b0, b1, b2], [a1, a2]) = (self.b, self.a);
        let first = (b1 + b2 - (a1 + a2) * b0) / (1.0 + a1 + a2);
        [first, (1.0 + a1) * first - (b1 - a1 * b0)]
    }

    /// What a constant input of 1 settles to.
    fn constant_gain(&self) -> f64 {
        self.b.iter().sum::<f64>() / (1.0 + self.a.iter().sum::<f64>())
    }
}

/// Filters `x` forwards and backwards, so that nothing is shifted in time, as SciPy's `sosfiltfilt` does:
/// extended at both ends by its own odd reflection, started from the state that the first sample would settle into.
///
/// # Errors
/// [`Error::Filter`] if `x` is not longer than the reflection, of 3 × (2 × sections + 1) samples.
pub fn sosfiltfilt(sections: &[Section], x: &[f64]) -> Result<Vec<f64>> {
    let edge = edge(sections);
    if x.len() <= edge {
        return Err(Error::Filter {
            message: format!("a recording of {} samples is too short for it: expected more than {edge}", x.len()),
        });
    }
    let mut steady = Vec::with_capacity(sections.len());
    let mut scale = 1.0;
    for section in sections {
        steady.push(section.steady_state().map(|s| s * scale));
        scale *= section.constant_gain();
    }

    let (first, last) = (x[0], x[x.len() - 1]);
    let mut y = Vec::with_capacity(x.len() + 2 * edge);
    y.extend(x[1..=edge].iter().rev().map(|v| 2.0 * first - v));
    y.extend_from_slice(x);
    y.extend(x[x.len() - 1 - edge..x.len() - 1].iter().rev().map(|v| 2.0 * last - v));
    let start = y[0];
    pass(sections, &steady, start, y.iter_mut());
    let start = y[y.len() - 1];
    pass(sections, &steady, start, y.iter_mut().rev());
    y.truncate(edge + x.len());
    y.drain(..edge);
    Ok(y)
}

/// Samples of the reflection at each end.
fn edge(sections: &[Section]) -> usize {
    let at_origin = |zero: fn(&Section) -> bool| sections.iter().filter(|s| zero(s)).count();
    let zeros = at_origin(|s| s.b[2] == 0.0).min(at_origin(|s| s.a[1] == 0.0));
    3 * (2 * sections.len() + 1 - zeros)
}

/// Runs the sections over `signal` in place (transposed direct form II), as if it had been `start` for ever before.
fn pass<'a>(sections: &[Section], steady: &[[f64; 2]], start: f64, signal: impl Iterator<Item = &'a mut f64>) {
    let mut states: Vec<_> = steady.iter().map(|s| s.map(|v| v * start)).collect();
    for value in signal {
        let mut x = *value;
        for (section, state) in sections.iter().zip(&mut states) {
            let y = section.b[0] * x + state[0];
            state[0] = section.b[1] * x - section.a[0] * y + state[1];
            state[1] = section.b[2] * x - section.a[1] * y;
            x = y;
        }
        *value = x;
    }
}
