//! Whether a recording's samples can be millivolts.

use crate::{Note, Record, Unit};

/// Mean deviation of a 12-lead ECG from its mean, mV: 0.04 to 0.42 in 474 recordings of PTB-XL and of the PhysioNet/CinC
/// Challenge 2021, 0.1 in the middle. Beyond these limits, ten times as far, the unit is a likelier explanation than
/// the heart.
const LOWEST: f64 = 0.004;
const HIGHEST: f64 = 4.2;

/// Samples of each lead that are looked at, at most; as many tell the size of all.
const LOOKED_AT: usize = 512;

impl Record {
    /// A [`Note::SuspectUnit`] if the samples are a thousand times too large or too small for millivolts, as are
    /// microvolts or volts that were read as such.
    ///
    /// The measure is the mean absolute deviation of each lead from its mean, and its median over the leads that are not
    /// flat. [`open`](crate::open()) asks this of every file.
    pub fn suspect_unit(&self) -> Option<Note> {
        let mut deviations: Vec<f64> =
            (0..self.leads().len()).map(|i| deviation(self.row(i))).filter(|&d| d > 0.0).collect();
        deviations.sort_by(f64::total_cmp);
        let deviation_mv = *deviations.get(deviations.len() / 2)?;
        let unit = match deviation_mv {
            d if d > HIGHEST => Unit::Microvolt,
            d if d < LOWEST => Unit::Volt,
            _ => return None,
        };
        Some(Note::SuspectUnit { deviation_mv, unit })
    }
}

/// The mean absolute deviation of a lead's samples from their mean; 0 without any.
fn deviation(row: &[f32]) -> f64 {
    let step = row.len().div_ceil(LOOKED_AT).max(1);
    let samples = || row.iter().step_by(step).filter(|x| !x.is_nan()).map(|&x| f64::from(x));
    let count = samples().count().max(1) as f64;
    let mean = samples().sum::<f64>() / count;
    samples().map(|x| (x - mean).abs()).sum::<f64>() / count
}
