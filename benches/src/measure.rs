//! Times taken in turns, and what is made of them.

use std::time::Duration;

use crate::Result;
use crate::peer::Peer;

/// Rounds before those that are timed.
const WARM_UP: u32 = 2;

/// The pause before each turn. The threads of the other side spin for a while after their work (libgomp 3 to 4 ms, rayon
/// less) and are asleep after it, without either side having been told to wait in another way than as installed.
const REST: Duration = Duration::from_millis(20);

/// Calls `turn(side)` for sides `0..sides` in turns, `rounds` times; the median of each number it gives.
pub fn in_turn<const N: usize>(
    sides: usize,
    rounds: u32,
    mut turn: impl FnMut(usize) -> Result<[f64; N]>,
) -> Result<Vec<[f64; N]>> {
    let mut times = vec![Vec::new(); sides];
    for round in 0..WARM_UP + rounds {
        for (side, times) in times.iter_mut().enumerate() {
            std::thread::sleep(REST);
            let seconds = turn(side)?;
            if round >= WARM_UP {
                times.push(seconds);
            }
        }
    }
    Ok(times.iter().map(|times| medians(times)).collect())
}

/// The median seconds that each of `peers` takes for `request`, in turns.
pub fn peers_in_turn(peers: &mut [&mut Peer], request: &str, rounds: u32) -> Result<Vec<f64>> {
    let times = in_turn(peers.len(), rounds, |side| Ok([peers[side].seconds(request)?]))?;
    Ok(times.into_iter().map(|[seconds]| seconds).collect())
}

/// The median of each component.
pub fn medians<const N: usize>(values: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|i| median(values.iter().map(|value| value[i]).collect()))
}

/// The middle value; not a number if there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The geometric mean; not a number if there are no values.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// The exponent `b` of `y = a·xᵇ` by least squares of the logarithms.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power_is_found() {
        let points: Vec<(f64, f64)> = [1.0, 2.0, 5.0, 20.0].map(|x: f64| (x, 3.0 * x.powf(1.25))).into();
        assert!((exponent(&points) - 1.25).abs() < 1e-12);
    }

    #[test]
    fn means_are_those_of_the_middle_and_of_ratios() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert!((geometric_mean(&[2.0, 8.0]) - 4.0).abs() < 1e-12);
    }
}
