//! Rate, its variability, and regularity.

use super::analysis::Analysis;
use super::numeric::{mean, median};
use super::result::{Rate, Rhythm};
use super::signal::RATE;

/// From this irregularity index on a rhythm is irregular. Fitted on PTB-XL's sample and on the simulator.
const IRREGULAR: f64 = 0.08;

/// Heart rate and variability.
pub(super) fn rate(analysis: &Analysis) -> Rate {
    let peaks: Vec<f64> = analysis.shapes.beats.iter().map(|beat| beat.r as f64 / RATE).collect();
    let all: Vec<f64> = peaks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let runs = runs(analysis);
    let intervals: Vec<f64> = runs.concat();
    let differences = differences(&runs);
    let squares: Vec<f64> = differences.iter().map(|d| d * d).collect();
    Rate {
        heart_rate: mean(&all).map(|rr| 60.0 / rr),
        sdnn_ms: deviation(&intervals).map(|s| 1e3 * s),
        rmssd_ms: mean(&squares).map(|square| 1e3 * square.sqrt()),
    }
}

/// Regularity and P waves.
pub(super) fn rhythm(analysis: &Analysis) -> Rhythm {
    let runs = runs(analysis);
    let differences: Vec<f64> = differences(&runs).iter().map(|d| d.abs()).collect();
    let irregularity = median(&differences).zip(median(&runs.concat())).map(|(change, rr)| change / rr);
    let irregular = irregularity.is_some_and(|index| index >= IRREGULAR);
    let typical = analysis.typical.as_ref();
    let p_waves = typical.is_some_and(|typical| typical.p.is_some());
    let beats = &analysis.shapes.beats;
    Rhythm {
        irregularity,
        irregular,
        p_likeness: typical.and_then(|typical| typical.likeness),
        p_waves,
        fibrillation_like: irregular && !p_waves,
        other_shapes: beats.iter().filter(|beat| beat.shape != analysis.shapes.main).count(),
        paced: beats.iter().filter(|beat| analysis.is_paced(beat.r)).count(),
    }
}

/// Intervals between successive beats of the rhythm's shape, s, in runs that other beats interrupt.
fn runs(analysis: &Analysis) -> Vec<Vec<f64>> {
    let shapes = &analysis.shapes;
    let runs = shapes.beats.chunk_by(|a, b| a.shape == shapes.main && b.shape == shapes.main);
    runs.map(|run| run.windows(2).map(|pair| (pair[1].r - pair[0].r) as f64 / RATE).collect()).collect()
}

/// Differences between successive intervals, s.
fn differences(runs: &[Vec<f64>]) -> Vec<f64> {
    runs.iter().flat_map(|run| run.windows(2).map(|pair| pair[1] - pair[0])).collect()
}

/// The standard deviation of two values or more.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let square: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    Some((square / (values.len() - 1) as f64).sqrt())
}
