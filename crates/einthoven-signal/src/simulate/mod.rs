//! Simulated twelve-lead ECGs with known truth: nothing to download, nothing to protect.
//!
//! There are two populations. The core population has twelve frequent conditions with textbook shapes and never
//! changes; the broad one has 69 SCP-ECG statements, as frequent, as combined and as varied as in a clinical archive, so
//! that what is learned on it carries over to real recordings.
//!
//! A moving dipole stands for the heart. Each phase of a beat is a Gaussian in time along a direction in Frank's
//! frame; Dower's transformation takes the dipole to the leads. Every patient has own sizes, directions, intervals
//! and chest, every beat its own time and size; what the conditions demand is checked on the beat before it is used.
//!
//! ```
//! use einthoven_random::Streams;
//! use einthoven_signal::simulate::{SimulatorConfig, simulate};
//!
//! let ecg = simulate(&SimulatorConfig::default(), &Streams::new(1), 0)?;
//! assert_eq!(ecg.record.leads().len(), 12);
//! let statements: Vec<_> = ecg.conditions.iter().map(|c| c.statement()).collect();
//! println!("{} year-old, {}: {}", ecg.age, ecg.sex, statements.join(", "));
//! # Ok::<(), einthoven_signal::Error>(())
//! ```

mod broad;
mod condition;
mod config;
mod dice;
mod disturbance;
mod electrode;
mod heart;
mod morphology;
mod patient;
mod reader;
mod rhythm;
mod rules;
mod torso;
mod wave;

use std::f64::consts::TAU;

use einthoven_random::{Stream, Streams};
use serde::{Deserialize, Serialize};

pub use condition::Condition;
pub use config::{Population, SimulatorConfig};

use crate::{Error, Lead, Record, Result, Sex, Source};
use dice::Dice;
use heart::Heart;
use patient::Patient;
use rhythm::Rhythm;
use torso::{INDEPENDENT, twelve};
use wave::Wave;

/// A simulated recording and all that is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedEcg {
    /// The twelve standard leads.
    pub record: Record,
    /// Exactly what a reader would state, the rhythm first.
    pub conditions: Vec<Condition>,
    /// Age in years, 18 to 95.
    pub age: u8,
    /// Sex.
    pub sex: Sex,
    /// Times and intervals that the recording was made from.
    pub truth: Truth,
}

/// True times and intervals of a simulated recording.
///
/// Intervals are those of conducted beats, not of premature ventricular ones. P and QRS begin and end where their
/// waves have decayed (2.5 and 3 standard deviations); T ends where the tangent at its steepest descent meets zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Mean ventricular rate, beats per minute.
    pub heart_rate: f64,
    /// Intervals between successive R peaks, s.
    pub rr: Vec<f64>,
    /// Onset of P to onset of QRS, ms; `None` where P waves are missing or not conducted one by one.
    pub pr_ms: Option<f64>,
    /// Duration of QRS, ms.
    pub qrs_ms: f64,
    /// Onset of QRS to end of T, ms.
    pub qt_ms: f64,
    /// Times at which the dipole of each QRS complex is largest, in seconds from the first sample.
    pub r_peaks: Vec<f64>,
    /// The QRS complex of each R peak.
    pub qrs_complexes: Vec<Span>,
    /// The end of the T wave of each R peak, in seconds from the first sample; it may lie behind the last one.
    pub t_ends: Vec<f64>,
    /// The P waves that begin within the recording, those that are not conducted, or hidden in other waves, included.
    pub p_waves: Vec<Span>,
}

/// Where a wave is, in seconds from the first sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub onset: f64,
    /// Where it ends.
    pub end: f64,
}

/// Simulates patient `index` of the population of `streams`: the first recording of [`simulate_again`].
///
/// In the core population conditions are drawn as follows. Sinus rhythm 52 %, bradycardia 15 %, tachycardia 15 %, atrial fibrillation 18 %;
/// left and right bundle branch block 12 % each; without left bundle branch block, inferior infarction, anterior
/// infarction and left ventricular hypertrophy 14 % each; with sinus rhythm or bradycardia, first-degree AV block 18 %;
/// premature ventricular beats 15 %. So every condition is present in at least 12 % of patients, and about 17 % have a
/// normal ECG. In the broad population 45 to 50 % have a normal ECG and each other condition is about as frequent as in
/// PTB-XL, none below 0.5 %. The result is a pure function of the arguments.
///
/// # Errors
/// [`Error::SimulatorSetting`] for a setting out of its range.
pub fn simulate(config: &SimulatorConfig, streams: &Streams, index: u64) -> Result<SimulatedEcg> {
    simulate_again(config, streams, index, 0)
}

/// Simulates the recording of this number, from 0, of patient `index` of the population of `streams`.
///
/// The recordings of a patient share conditions, age, sex, chest, and the shapes and voltages of the waves. Beats, breathing
/// and disturbances are each recording's own; in the broad population the heart rate is, too, within what the rhythm
/// allows, and the intervals that depend on it.
///
/// # Errors
/// [`Error::SimulatorSetting`] for a setting out of its range.
pub fn simulate_again(config: &SimulatorConfig, streams: &Streams, index: u64, recording: u64) -> Result<SimulatedEcg> {
    let conditions = match config.population {
        Population::Core => patient::conditions(&mut Dice(streams.stream("simulate.conditions", &[index]))),
        Population::Broad => broad::conditions(&mut Dice(streams.stream("simulate.broad.conditions", &[index]))),
    };
    record(config, &conditions, streams, index, recording)
}

/// Simulates patient `index` with the given conditions.
///
/// Without a rhythm among them the patient has sinus rhythm; with sinus rhythm and nothing else,
/// [`Condition::NormalEcg`] is stated too. Rate, age, sex and everything else is drawn.
///
/// # Errors
/// [`Error::Conditions`] for conditions that exclude each other;
/// [`Error::OutsidePopulation`] for one that the population does not know;
/// [`Error::SimulatorSetting`] for a setting out of its range.
pub fn simulate_conditions(
    config: &SimulatorConfig,
    conditions: &[Condition],
    streams: &Streams,
    index: u64,
) -> Result<SimulatedEcg> {
    record(config, conditions, streams, index, 0)
}

fn record(
    config: &SimulatorConfig,
    conditions: &[Condition],
    streams: &Streams,
    index: u64,
    recording: u64,
) -> Result<SimulatedEcg> {
    config.validate()?;
    let conditions = rules::complete(conditions)?;
    if let Some(&condition) = conditions.iter().find(|c| !config.population.conditions().contains(c)) {
        return Err(Error::OutsidePopulation { condition });
    }
    let source = Source::Simulated { seed: streams.seed(), index };
    let recorded = |mut leads: [Vec<f64>; INDEPENDENT]| {
        let dice = &mut Dice(draws(streams, "simulate.loose_electrode", index, recording));
        electrode::loosen(&mut leads, config, dice);
        Record::new(Lead::TWELVE.to_vec(), config.sampling_rate, twelve_leads(&leads), source)
    };
    if config.population == Population::Broad {
        let broad::Recording { leads, age, sex, truth } =
            broad::simulate(config, &conditions, streams, index, recording);
        return Ok(SimulatedEcg { record: recorded(leads)?, conditions, age, sex, truth });
    }
    let mut dice = Dice(streams.stream("simulate", &[index]));
    let patient = Patient::draw(&conditions, &mut dice);
    let heart = Heart::draw(&conditions, &patient, &mut dice);
    if recording > 0 {
        dice = Dice(draws(streams, "simulate", index, recording));
    }
    let rhythm = Rhythm::draw(&conditions, &patient, &heart, config.seconds, &mut dice);
    let mut leads = leads(config, &conditions, &heart, &rhythm, &mut dice);
    // The disturbances have a stream of their own: with and without them the heart is the same.
    let mut dice = Dice(draws(streams, "simulate.disturbances", index, recording));
    for lead in &mut leads {
        disturbance::disturb(lead, config, (rhythm.breathing, rhythm.breath), &mut dice);
    }
    let record = recorded(leads)?;
    let truth = truth(&conditions, &heart, &rhythm, config.seconds);
    Ok(SimulatedEcg { record, conditions, age: patient.age, sex: patient.sex, truth })
}

/// The draws of one recording of a patient; the first one's are the patient's.
fn draws(streams: &Streams, name: &str, index: u64, recording: u64) -> Stream {
    if recording == 0 { streams.stream(name, &[index]) } else { streams.stream(name, &[index, recording]) }
}

/// The eight independent leads without disturbances.
fn leads(
    config: &SimulatorConfig,
    conditions: &[Condition],
    heart: &Heart,
    rhythm: &Rhythm,
    dice: &mut Dice,
) -> [Vec<f64>; INDEPENDENT] {
    let rate = config.sampling_rate;
    let mut dipole = vec![[0.0; 3]; config.samples()];
    for &onset in &rhythm.atria {
        for wave in &heart.atria {
            wave.add_to(&mut dipole, rate, onset, 1.0);
        }
    }
    for beat in &rhythm.ventricles {
        let complex = if beat.ectopic { &heart.ectopic } else { &heart.conducted };
        // Breathing moves the heart, and no two beats are quite alike.
        let breath = (TAU * rhythm.breathing * beat.r + rhythm.breath).cos();
        let gain = 1.0 + 0.025 * breath + 0.008 * dice.normal(0.0, 1.0);
        for wave in &complex.waves {
            wave.add_to(&mut dipole, rate, beat.r - complex.peak, gain);
        }
    }
    if !heart::has_p_waves(conditions) {
        disturbance::fibrillate(&mut dipole, rate, dice);
    }
    let rows = heart.torso.rows();
    rows.map(|row| dipole.iter().map(|d| row[0] * d[0] + row[1] * d[1] + row[2] * d[2]).collect())
}

/// The twelve leads, one after the other.
fn twelve_leads(leads: &[Vec<f64>; INDEPENDENT]) -> Vec<f32> {
    let length = leads[0].len();
    let mut samples = vec![0.0; 12 * length];
    for i in 0..length {
        let moment = twelve(&leads.each_ref().map(|lead| lead[i]));
        for (row, value) in moment.into_iter().enumerate() {
            samples[row * length + i] = value as f32;
        }
    }
    samples
}

fn truth(conditions: &[Condition], heart: &Heart, rhythm: &Rhythm, seconds: f64) -> Truth {
    let has_p_waves = heart::has_p_waves(conditions);
    let beats = rhythm.ventricles.iter().map(|beat| {
        let complex = if beat.ectopic { &heart.ectopic } else { &heart.conducted };
        Fiducials { r: beat.r, onset: beat.r - complex.peak, width: complex.width, qt: complex.qt }
    });
    let atria = rhythm.atria.iter().map(|&onset| p_wave(&heart.atria, onset));
    Truth {
        pr_ms: has_p_waves.then_some(1e3 * heart.pr),
        qrs_ms: 1e3 * heart.conducted.width,
        qt_ms: 1e3 * heart.conducted.qt,
        ..Truth::of(beats, atria, seconds)
    }
}

/// A beat of the ventricles as the truth needs it, in seconds.
struct Fiducials {
    r: f64,
    onset: f64,
    width: f64,
    qt: f64,
}

/// A P wave that begins at `onset`.
fn p_wave<const N: usize>(waves: &[Wave<N>], onset: f64) -> Span {
    /// Standard deviations after which a wave has decayed.
    const DECAYED: f64 = 2.5;
    let end = waves.iter().map(|wave| wave.peak + DECAYED * wave.fall).fold(0.0, f64::max);
    Span { onset, end: onset + end }
}

impl Truth {
    /// The times of what lies within a recording; the intervals are left at 0.
    fn of(beats: impl Iterator<Item = Fiducials>, p_waves: impl Iterator<Item = Span>, seconds: f64) -> Self {
        let beats: Vec<Fiducials> = beats.filter(|beat| (0.0..seconds).contains(&beat.r)).collect();
        let rr: Vec<f64> = beats.windows(2).map(|pair| pair[1].r - pair[0].r).collect();
        let mut p_waves: Vec<Span> = p_waves.filter(|wave| (0.0..seconds).contains(&wave.onset)).collect();
        p_waves.sort_by(|a, b| a.onset.total_cmp(&b.onset));
        Self {
            heart_rate: 60.0 * rr.len() as f64 / rr.iter().sum::<f64>(),
            rr,
            pr_ms: None,
            qrs_ms: 0.0,
            qt_ms: 0.0,
            r_peaks: beats.iter().map(|beat| beat.r).collect(),
            qrs_complexes: beats.iter().map(|b| Span { onset: b.onset, end: b.onset + b.width }).collect(),
            t_ends: beats.iter().map(|beat| beat.onset + beat.qt).collect(),
            p_waves,
        }
    }
}
