//! When the atria and the ventricles beat.

use std::f64::consts::TAU;

use super::condition::Condition::{
    self, AtrialFibrillation, PrematureVentricularBeats, SinusBradycardia, SinusTachycardia,
};
use super::dice::Dice;
use super::heart::Heart;
use super::patient::Patient;

/// Beats are laid out this long before and after the recording, s, so that its ends are like its middle.
const MARGIN: f64 = 2.5;

/// One beat of the ventricles.
pub(super) struct Beat {
    /// Time of the R peak, s.
    pub r: f64,
    /// From a ventricular focus.
    pub ectopic: bool,
}

/// The beats of a recording, those just outside it included.
pub(super) struct Rhythm {
    /// Onsets of the P waves, s; none in atrial fibrillation.
    pub atria: Vec<f64>,
    /// Beats of the ventricles in time order.
    pub ventricles: Vec<Beat>,
    /// Breaths per second.
    pub breathing: f64,
    /// Phase of the breathing at time zero, radians.
    pub breath: f64,
}

impl Rhythm {
    /// A rhythm with these conditions that fills `seconds`.
    pub fn draw(conditions: &[Condition], patient: &Patient, heart: &Heart, seconds: f64, dice: &mut Dice) -> Self {
        let breathing = dice.uniform(0.2, 0.33);
        let breath = dice.uniform(0.0, TAU);
        let fibrillation = conditions.contains(&AtrialFibrillation);
        let mut times = if fibrillation {
            irregular(patient.rr, seconds, dice)
        } else {
            sinus(conditions, patient, seconds, breathing, breath, dice)
        };
        let lag = heart.pr + heart.conducted.peak;
        let atria = if fibrillation { Vec::new() } else { times.clone() };
        for time in &mut times {
            *time += lag;
        }
        let mut ventricles: Vec<Beat> = times.into_iter().map(|r| Beat { r, ectopic: false }).collect();
        if conditions.contains(&PrematureVentricularBeats) {
            let earliest = heart.conducted.qt - heart.conducted.peak + heart.ectopic.peak;
            extrasystoles(&mut ventricles, patient.rr, earliest, fibrillation, seconds, dice);
        }
        Self { atria, ventricles, breathing, breath }
    }
}

/// Times of a sinus node that breathing speeds up and slows down, less so with age and at high rates.
fn sinus(
    conditions: &[Condition],
    patient: &Patient,
    seconds: f64,
    breathing: f64,
    breath: f64,
    dice: &mut Dice,
) -> Vec<f64> {
    let tone = if conditions.contains(&SinusTachycardia) {
        0.3
    } else if conditions.contains(&SinusBradycardia) {
        1.2
    } else {
        1.0
    };
    let youth = (1.6 - 0.014 * (f64::from(patient.age) - 20.0)).max(0.4);
    let arrhythmia = dice.uniform(0.008, 0.04) * tone * youth;
    let mut time = -MARGIN - dice.uniform(0.0, 1.0) * patient.rr;
    let mut times = Vec::new();
    while time < seconds + MARGIN {
        times.push(time);
        let phase = TAU * breathing * time + breath;
        time += patient.rr * (1.0 + arrhythmia * phase.sin() + 0.006 * tone * dice.normal(0.0, 1.0));
    }
    times
}

/// Times without order: RR intervals from a skewed distribution, drawn evenly from its quantiles so that even a short
/// recording shows both short and long ones.
pub(super) fn irregular(rr: f64, seconds: f64, dice: &mut Dice) -> Vec<f64> {
    /// Intervals in a block, one from each of as many quantiles.
    const BLOCK: usize = 8;
    let mut time = -MARGIN - dice.uniform(0.0, 1.0) * rr;
    let mut times = vec![time];
    while time < seconds + MARGIN {
        let mut block: Vec<usize> = (0..BLOCK).collect();
        dice.shuffle(&mut block);
        for quantile in block {
            let u = (quantile as f64 + dice.uniform(0.0, 1.0)) / BLOCK as f64;
            // Quantile function with mean 1 and a coefficient of variation of 0.26.
            time += rr * (0.615 + 0.62 * u + 0.3 * u.powi(3));
            times.push(time);
        }
    }
    times
}

/// Replaces beats by premature ones of a ventricular focus, single and never two in a row, at least one of them inside
/// the recording with the beats before and after it.
///
/// The sinus node does not notice them: the next beat comes when it would have come, after a compensatory pause. In
/// atrial fibrillation the pause is a long interval. `earliest` is the shortest distance of R peaks in seconds, so
/// that the premature beat begins after the T wave.
fn extrasystoles(beats: &mut [Beat], rr: f64, earliest: f64, fibrillation: bool, seconds: f64, dice: &mut Dice) {
    let mut places: Vec<usize> =
        (1..beats.len() - 1).filter(|&i| beats[i - 1].r > 0.0 && beats[i + 1].r < seconds - 0.2).collect();
    let bigeminy = dice.chance(0.12);
    if bigeminy {
        places = places.into_iter().skip(dice.below(2)).step_by(2).collect();
    } else {
        dice.shuffle(&mut places);
        // One to three in ten seconds.
        let count = dice.uniform(1.0, 1.0 + 0.3 * seconds).floor().max(1.0) as usize;
        let mut chosen: Vec<usize> = Vec::new();
        for place in places {
            if chosen.len() < count && chosen.iter().all(|&other| other.abs_diff(place) > 1) {
                chosen.push(place);
            }
        }
        chosen.sort_unstable();
        places = chosen;
    }
    let coupling = (rr * dice.uniform(0.5, 0.65)).max(earliest).min(0.85 * rr);
    for place in places {
        let early = beats[place - 1].r + coupling + 0.01 * dice.normal(0.0, 1.0);
        beats[place] = Beat { r: early, ectopic: true };
        if fibrillation {
            let pause = early + rr * dice.uniform(1.1, 1.4);
            let shift = pause - beats[place + 1].r;
            for beat in &mut beats[place + 1..] {
                beat.r += shift;
            }
        }
    }
}
