//! A recording made ready for measuring.

use super::condition::LeadCondition;
use super::numeric::{median, quantile, smooth};
use super::stimulus;
use crate::dsp::{Resampler, sosfiltfilt};
use crate::{BandPass, Error, Lead, Record, Result};

/// The rate at which everything is measured, Hz: a sample is 2 ms.
pub(super) const RATE: f64 = 500.0;

/// The lowest sampling rate that shows a QRS complex, Hz.
const LOWEST_RATE: f64 = 50.0;

/// The shortest recording in which a beat can be told from what is around it, s.
const SHORTEST: f64 = 1.0;

/// What is measured: slower is the baseline's wander, faster the muscles' and the mains' noise.
///
/// 0.5 Hz without a shift of phase keeps ST segments within the limits of the AHA (Kligfield et al., Circulation
/// 115:1306, 2007, which allow 0.67 Hz); 100 Hz keeps the peaks of R waves.
const BAND: BandPass = BandPass { low_hz: 0.5, high_hz: 100.0, order: 2 };

/// A noise level of a careful recording, mV: noisier leads count less than this one.
const QUIET: f64 = 0.01;

/// The leads of a recording at [`RATE`], without gaps, wander and stimuli.
pub(super) struct Signal {
    pub leads: Vec<Lead>,
    /// `[leads][samples]`, mV.
    pub rows: Vec<Vec<f64>>,
    /// Rows that say when things happen: usable ones, none of which follows from two others.
    pub views: Vec<usize>,
    /// How much each of the views counts, up to 1.
    pub weights: Vec<f64>,
    /// Stimuli of a pacemaker, in samples.
    pub stimuli: Vec<usize>,
    /// Root mean square of each row's noise, mV.
    pub noise: Vec<f64>,
    /// Range of each row's wander, mV.
    pub wander: Vec<f64>,
}

impl Signal {
    /// Makes `record` ready; `conditions` are those of its leads.
    ///
    /// # Errors
    /// [`Error::Unmeasurable`] for a recording that is too short or too coarse.
    pub fn new(record: &Record, conditions: &[LeadCondition]) -> Result<Self> {
        let rate = record.sampling_rate();
        if rate < LOWEST_RATE {
            let message = format!("its sampling rate is {rate} Hz: expected at least {LOWEST_RATE} Hz");
            return Err(Error::Unmeasurable { message });
        }
        if record.duration() < SHORTEST {
            let message = format!("it is {:.2} s long: expected at least {SHORTEST} s", record.duration());
            return Err(Error::Unmeasurable { message });
        }
        let resampler = Resampler::between(rate, RATE)?;
        let leads = record.leads().to_vec();
        let mut rows: Vec<Vec<f64>> = (0..leads.len()).map(|i| resampler.run(&centred(record.row(i)))).collect();
        let views = views(&leads, conditions);
        let stimuli = stimulus::find(&rows, &views);
        stimulus::erase(&mut rows, &stimuli);
        let wander = rows.iter().map(|row| wander(row)).collect();
        let sections = BAND.sections(RATE)?;
        for row in &mut rows {
            *row = sosfiltfilt(&sections, row)?;
        }
        let noise: Vec<f64> = rows.iter().map(|row| noise(row)).collect();
        let weights = views.iter().map(|&i| QUIET * QUIET / (QUIET * QUIET + noise[i] * noise[i])).collect();
        Ok(Self { leads, rows, views, weights, stimuli, noise, wander })
    }

    /// Samples of each lead.
    pub fn len(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// The row of a lead, if it was recorded.
    pub fn index(&self, lead: &Lead) -> Option<usize> {
        self.leads.iter().position(|l| l == lead)
    }
}

/// Usable leads, without those that I and II already tell.
fn views(leads: &[Lead], conditions: &[LeadCondition]) -> Vec<usize> {
    const FOLLOWING: [Lead; 4] = [Lead::III, Lead::AVR, Lead::AVL, Lead::AVF];
    let usable: Vec<usize> = (0..leads.len()).filter(|&i| conditions[i].is_usable()).collect();
    let has = |lead: Lead| usable.iter().any(|&i| leads[i] == lead);
    if has(Lead::I) && has(Lead::II) {
        return usable.into_iter().filter(|&i| !FOLLOWING.contains(&leads[i])).collect();
    }
    usable
}

/// Samples around zero, with straight lines across gaps; all zero if every sample is missing.
fn centred(row: &[f32]) -> Vec<f64> {
    let mut filled: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
    let present: Vec<usize> = (0..row.len()).filter(|&i| !row[i].is_nan()).collect();
    let (Some(&first), Some(&last)) = (present.first(), present.last()) else {
        return vec![0.0; row.len()];
    };
    let (start, end) = (filled[first], filled[last]);
    filled[..first].fill(start);
    filled[last + 1..].fill(end);
    for pair in present.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let step = (filled[b] - filled[a]) / (b - a) as f64;
        for i in a + 1..b {
            filled[i] = filled[a] + step * (i - a) as f64;
        }
    }
    let values: Vec<f64> = present.iter().map(|&i| filled[i]).collect();
    let middle = median(&values).unwrap_or_default();
    filled.iter().map(|x| x - middle).collect()
}

/// Range of the mean over a second, mV, without the highest and the lowest twentieth.
fn wander(row: &[f64]) -> f64 {
    let slow = smooth(row, (RATE / 2.0) as usize);
    let range = quantile(&slow, 0.95).zip(quantile(&slow, 0.05));
    range.map_or(0.0, |(high, low)| high - low)
}

/// Root mean square of what is faster than the heart, mV: from the median, so that QRS complexes do not count.
fn noise(row: &[f64]) -> f64 {
    /// Samples on each side of the mean that is taken for the heart's part: 18 ms in all.
    const HALF: usize = 4;
    /// The median of the absolute values of a normal distribution, in standard deviations.
    const MEDIAN_DEVIATION: f64 = 0.6745;
    let kept = 1.0 - 1.0 / (2 * HALF + 1) as f64;
    let rest: Vec<f64> = row.iter().zip(smooth(row, HALF)).map(|(x, slow)| (x - slow).abs()).collect();
    median(&rest).unwrap_or_default() / MEDIAN_DEVIATION / kept.sqrt()
}
