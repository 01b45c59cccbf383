//! The broad population: the statements and the variety of a large clinical archive.
//!
//! The core population moves a dipole and looks at it; here each wave is a Gaussian in the eight independent leads. It
//! begins as a dipole seen through the patient's own chest, and what a finding does to single walls is then done to the
//! leads that look at them, until the finding's criterion holds.

mod atria;
mod disturbance;
mod patient;
mod prevalence;
mod qrs;
mod rhythm;
mod scar;
mod st_t;
mod view;
mod voltage;

use std::f64::consts::TAU;

use einthoven_random::Streams;

use super::condition::Condition::{
    self, AtrialFibrillation, AtrialFlutter, LeftAtrialEnlargement, RightAtrialEnlargement,
};
use super::config::SimulatorConfig;
use super::dice::Dice;
use super::torso::{INDEPENDENT, Torso};
use super::wave::Wave;
use super::{Truth, disturbance as waves, draws};
use crate::Sex;
use patient::Patient;
use rhythm::{Kind, Schedule};

pub(super) use prevalence::draw as conditions;

/// One value for each of I, II, V1 to V6, mV.
type Leads = [f64; INDEPENDENT];

const I: usize = 0;
const II: usize = 1;
const V1: usize = 2;
const V2: usize = 3;
const V3: usize = 4;
const V4: usize = 5;
const V5: usize = 6;
const V6: usize = 7;

/// A ventricular complex: QRS, ST and T.
struct Complex {
    /// Waves from the onset of QRS.
    waves: Vec<Wave<INDEPENDENT>>,
    /// Time of the largest deflection, the R peak, from the onset of QRS, s.
    peak: f64,
    /// QRS duration, s.
    width: f64,
    /// QT interval, s.
    qt: f64,
}

impl Complex {
    fn new(
        qrs: Vec<Wave<INDEPENDENT>>,
        width: f64,
        qt: f64,
        recovery: impl IntoIterator<Item = Wave<INDEPENDENT>>,
    ) -> Self {
        let peak = view::largest(&qrs, width);
        let mut waves = qrs;
        waves.extend(recovery);
        Self { waves, peak, width, qt }
    }
}

/// A patient's heart and chest.
struct Heart {
    torso: Torso,
    /// Waves of a sinus P and of a premature one, from the onset of P.
    sinus_p: Vec<Wave<INDEPENDENT>>,
    early_p: Vec<Wave<INDEPENDENT>>,
    /// Onset of P to onset of QRS, s.
    pr: f64,
    /// The beats of the rhythm.
    conducted: Complex,
    /// Beats of a ventricular focus.
    ectopic: Complex,
    /// The stimulus of a pacemaker.
    stimulus: Wave<INDEPENDENT>,
}

impl Heart {
    fn draw(conditions: &[Condition], patient: &Patient, dice: &mut Dice) -> Self {
        let torso = Torso::draw_wide(dice);
        let (qrs, width) = qrs::conducted(conditions, patient, &torso, dice);
        let qt = patient.qt(conditions, width, dice);
        let recovery = st_t::recovery(conditions, patient, &qrs, width, qt, &torso, dice);
        let conducted = Complex::new(qrs, width, qt, recovery);
        let wide = dice.uniform(0.125, 0.175);
        let focus = qrs::ectopic(wide, &torso, dice);
        let late = qt + 0.5 * (wide - width).max(0.0);
        let discordant = st_t::discordant(&focus, wide, late, dice);
        let ectopic = Complex::new(focus, wide, late, discordant);
        let has = |condition| conditions.contains(&condition);
        let sinus_p = atria::sinus(has(LeftAtrialEnlargement), has(RightAtrialEnlargement), &torso, dice);
        let early_p = atria::premature(&torso, dice);
        let pr = patient.pr(conditions, dice);
        let stimulus = qrs::stimulus(&torso, dice);
        Self { torso, sinus_p, early_p, pr, conducted, ectopic, stimulus }
    }
}

/// A recording of the broad population before it is made into twelve leads.
pub(super) struct Recording {
    pub leads: [Vec<f64>; INDEPENDENT],
    pub age: u8,
    pub sex: Sex,
    pub truth: Truth,
}

/// Simulates a recording of patient `index` with these conditions, which must be complete.
pub(super) fn simulate(
    config: &SimulatorConfig,
    conditions: &[Condition],
    streams: &Streams,
    index: u64,
    recording: u64,
) -> Recording {
    let mut dice = Dice(streams.stream("simulate.broad", &[index]));
    let mut patient = Patient::draw(conditions, &mut dice);
    let again = (recording > 0).then(|| Dice(draws(streams, "simulate.broad", index, recording)));
    let again = again.map(|mut again| {
        patient.rr = Patient::draw(conditions, &mut again).rr;
        again
    });
    let heart = Heart::draw(conditions, &patient, &mut dice);
    let mut dice = again.unwrap_or(dice);
    let schedule = Schedule::draw(conditions, &patient, &heart, config.seconds, &mut dice);
    let mut leads = leads(config, conditions, &heart, &schedule, &mut dice);
    // The disturbances have a stream of their own: with and without them the heart is the same.
    let mut dice = Dice(draws(streams, "simulate.broad.disturbances", index, recording));
    disturbance::disturb(&mut leads, config, (schedule.breathing, schedule.breath), &mut dice);
    let truth = schedule.truth(&heart, config.seconds);
    Recording { leads, age: patient.age, sex: patient.sex, truth }
}

fn leads(
    config: &SimulatorConfig,
    conditions: &[Condition],
    heart: &Heart,
    schedule: &Schedule,
    dice: &mut Dice,
) -> [Vec<f64>; INDEPENDENT] {
    let rate = config.sampling_rate;
    let mut samples = vec![[0.0; INDEPENDENT]; config.samples()];
    for &(onset, premature) in &schedule.atria {
        for wave in if premature { &heart.early_p } else { &heart.sinus_p } {
            wave.add_to(&mut samples, rate, onset, 1.0);
        }
    }
    let swing = dice.uniform(0.01, 0.06);
    for beat in &schedule.ventricles {
        let complex = if beat.kind == Kind::Ectopic { &heart.ectopic } else { &heart.conducted };
        let onset = beat.r - complex.peak;
        // Breathing moves the heart, and no two beats are quite alike.
        let breath = (TAU * schedule.breathing * beat.r + schedule.breath).cos();
        let gain = 1.0 + swing * breath + 0.012 * dice.normal(0.0, 1.0);
        for wave in &complex.waves {
            wave.add_to(&mut samples, rate, onset, gain);
        }
        if beat.kind == Kind::Paced {
            heart.stimulus.add_to(&mut samples, rate, onset, 1.0);
        }
    }
    if conditions.contains(&AtrialFibrillation) || schedule.fibrillation || conditions.contains(&AtrialFlutter) {
        let mut dipole = vec![[0.0; 3]; samples.len()];
        if let Some(flutter) = schedule.flutter {
            atria::flutter(&mut dipole, rate, flutter, dice);
        } else {
            waves::fibrillate(&mut dipole, rate, dice);
        }
        for (sample, vector) in samples.iter_mut().zip(&dipole) {
            for (lead, value) in sample.iter_mut().zip(heart.torso.project(vector)) {
                *lead += value;
            }
        }
    }
    std::array::from_fn(|lead| samples.iter().map(|sample| sample[lead]).collect())
}
