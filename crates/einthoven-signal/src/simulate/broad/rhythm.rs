//! When the atria and the ventricles beat.

use std::f64::consts::TAU;

use super::super::condition::Condition::{self, *};
use super::super::dice::Dice;
use super::super::rhythm::irregular;
use super::super::{Fiducials, Truth, p_wave};
use super::Heart;
use super::patient::Patient;

/// Beats are laid out this long before and after the recording, s.
const MARGIN: f64 = 3.0;

/// Where a beat of the ventricles comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Conducted,
    Ectopic,
    Paced,
}

/// One beat of the ventricles.
#[derive(Clone, Copy)]
pub(super) struct Beat {
    /// Time of the R peak, s.
    pub r: f64,
    pub kind: Kind,
    /// Onset of its P wave, s, and whether that is a premature one.
    p: Option<(f64, bool)>,
}

/// The beats of a recording, those just outside it included.
pub(super) struct Schedule {
    /// Onsets of P waves, s, and whether each is premature.
    pub atria: Vec<(f64, bool)>,
    pub ventricles: Vec<Beat>,
    /// Breaths per second.
    pub breathing: f64,
    /// Phase of the breathing at time zero, radians.
    pub breath: f64,
    /// Flutter waves per second.
    pub flutter: Option<f64>,
    /// The atria fibrillate though another rhythm is stated.
    pub fibrillation: bool,
    /// Each P wave is conducted after the heart's PR interval.
    has_pr: bool,
}

impl Schedule {
    pub fn draw(conditions: &[Condition], patient: &Patient, heart: &Heart, seconds: f64, dice: &mut Dice) -> Self {
        let has = |condition| conditions.contains(&condition);
        let breathing = dice.uniform(0.2, 0.33);
        let breath = dice.uniform(0.0, TAU);
        let mut schedule = Self {
            atria: Vec::new(),
            ventricles: Vec::new(),
            breathing,
            breath,
            flutter: None,
            fibrillation: false,
            has_pr: false,
        };
        if has(AtrialFibrillation) {
            schedule.ventricles = alone(irregular(patient.rr, seconds, dice), Kind::Conducted);
        } else if has(AtrialFlutter) {
            schedule.flutter(seconds, dice);
        } else if has(SupraventricularTachycardia) {
            schedule.ventricles = alone(regular(patient.rr, seconds, dice), Kind::Conducted);
        } else if has(ParoxysmalSupraventricularTachycardia) {
            schedule.paroxysm(patient, heart, seconds, dice);
        } else if has(Pacemaker) {
            schedule.paced(patient, seconds, dice);
        } else {
            let depth = respiration(has(SinusArrhythmia), patient, dice);
            let times = sinus(patient.rr, depth, seconds, (breathing, breath), dice);
            if has(ThirdDegreeAvBlock) {
                schedule.atria = times.into_iter().map(|p| (p, false)).collect();
                let escape = dice.uniform(1.15, 1.9).max(1.15 * patient.rr);
                schedule.ventricles = alone(regular(escape, seconds, dice), Kind::Conducted);
            } else if has(SecondDegreeAvBlock) {
                schedule.second_degree(&times, heart, dice);
            } else {
                schedule.has_pr = true;
                let lag = heart.pr + heart.conducted.peak;
                schedule.ventricles = times.iter().map(|&p| beat(p, lag)).collect();
            }
        }
        schedule.premature(conditions, patient, heart, seconds, dice);
        schedule.atria.extend(schedule.ventricles.iter().filter_map(|beat| beat.p));
        schedule
    }

    /// Every second to fourth flutter wave is conducted, at a constant or a varying ratio.
    fn flutter(&mut self, seconds: f64, dice: &mut Dice) {
        let frequency = dice.uniform(4.1, 5.4);
        self.flutter = Some(frequency);
        let ratio = 2 + dice.below(3);
        let varying = dice.chance(0.4);
        let mut time = -MARGIN - dice.uniform(0.0, 0.5);
        let mut times = Vec::new();
        while time < seconds + MARGIN {
            times.push(time);
            let ratio = if varying { 2 + dice.below(3) } else { ratio };
            time += ratio as f64 / frequency + 0.004 * dice.normal(0.0, 1.0);
        }
        self.ventricles = alone(times, Kind::Conducted);
    }

    /// A tachycardia that begins or ends within the middle of the recording.
    fn paroxysm(&mut self, patient: &Patient, heart: &Heart, seconds: f64, dice: &mut Dice) {
        let change = seconds * dice.uniform(0.35, 0.65);
        let begins = dice.chance(0.5);
        let fast = 60.0 / dice.uniform(140.0, 190.0);
        let lag = heart.pr + heart.conducted.peak;
        let mut r = -MARGIN;
        while r < seconds + MARGIN {
            if (r < change) == begins {
                self.ventricles.push(beat(r - lag, lag));
                r += patient.rr * (1.0 + 0.02 * dice.normal(0.0, 1.0));
            } else {
                self.ventricles.push(Beat { r, kind: Kind::Conducted, p: None });
                r += fast * (1.0 + 0.006 * dice.normal(0.0, 1.0));
            }
        }
    }

    /// The ventricles are paced, after each P wave or by themselves above fibrillating atria.
    fn paced(&mut self, patient: &Patient, seconds: f64, dice: &mut Dice) {
        let times = regular(patient.rr, seconds, dice);
        self.ventricles = alone(times, Kind::Paced);
        if dice.chance(0.5) {
            let delay = dice.uniform(0.18, 0.24);
            for beat in &mut self.ventricles {
                beat.p = Some((beat.r - delay, false));
            }
        } else {
            self.fibrillation = true;
        }
    }

    /// Single P waves are not conducted: after PR intervals that grow (Mobitz I), or that do not (Mobitz II).
    fn second_degree(&mut self, times: &[f64], heart: &Heart, dice: &mut Dice) {
        let growing = dice.chance(0.5);
        let group = 3 + dice.below(2);
        let phase = dice.below(group);
        let growth = dice.uniform(0.045, 0.09);
        for (i, &p) in times.iter().enumerate() {
            let place = (i + phase) % group;
            if place + 1 == group {
                self.atria.push((p, false));
                continue;
            }
            let longer = if growing { growth * (place as f64).sqrt() } else { 0.0 };
            self.ventricles.push(beat(p, heart.pr + longer + heart.conducted.peak));
        }
    }

    /// Premature beats, single or in a pattern.
    fn premature(&mut self, conditions: &[Condition], patient: &Patient, heart: &Heart, seconds: f64, dice: &mut Dice) {
        let has = |condition| conditions.contains(&condition);
        let mut kinds = Vec::new();
        if has(PrematureVentricularBeats) {
            kinds.push(true);
        }
        if has(AtrialPrematureBeats) {
            kinds.push(false);
        }
        let pattern = match (has(Bigeminy), has(Trigeminy)) {
            (true, _) => Some(2),
            (_, true) => Some(3),
            _ => None,
        };
        if kinds.is_empty() && pattern.is_some() {
            kinds.push(dice.chance(0.6));
        }
        let beats = &mut self.ventricles;
        if kinds.is_empty() || beats.len() < 4 {
            return;
        }
        let places: Vec<usize> = if let Some(period) = pattern {
            let first = 1 + dice.below(period);
            (first..beats.len() - 1).step_by(period).collect()
        } else {
            let mut inside: Vec<usize> =
                (1..beats.len() - 1).filter(|&i| beats[i - 1].r > 0.1 && beats[i + 1].r < seconds - 0.3).collect();
            dice.shuffle(&mut inside);
            let count = kinds.len().max(1 + dice.below(1 + (0.3 * seconds) as usize));
            let mut chosen: Vec<usize> = Vec::new();
            for place in inside {
                if chosen.len() < count && chosen.iter().all(|&other| other.abs_diff(place) > 1) {
                    chosen.push(place);
                }
            }
            chosen.sort_unstable();
            chosen
        };
        // The premature beat begins after the T wave before it.
        let earliest = heart.conducted.qt - heart.conducted.peak + heart.ectopic.peak + 0.01;
        let coupling = (patient.rr * dice.uniform(0.55, 0.68)).max(earliest).min(0.84 * patient.rr);
        let paced = conditions.contains(&Pacemaker);
        for (turn, place) in places.into_iter().enumerate() {
            let ventricular = kinds[turn % kinds.len()];
            let early = beats[place - 1].r + coupling + 0.008 * dice.normal(0.0, 1.0);
            let sinus = beats[place].p;
            if ventricular {
                // The sinus node does not notice: its P wave is there, hidden, when it was due.
                let hidden = sinus.filter(|_| !paced);
                beats[place] = Beat { r: early, kind: Kind::Ectopic, p: hidden };
            } else {
                let lag = heart.pr + heart.conducted.peak;
                let p = early - lag;
                beats[place] = Beat { r: early, kind: Kind::Conducted, p: Some((p, true)) };
                // The sinus node begins anew, a little late.
                let shift = early + patient.rr * dice.uniform(1.05, 1.2) - beats[place + 1].r;
                shift_all(&mut beats[place + 1..], shift);
            }
            if ventricular && (has(AtrialFibrillation) || paced) {
                let shift = early + patient.rr * dice.uniform(1.1, 1.4) - beats[place + 1].r;
                shift_all(&mut beats[place + 1..], shift);
            }
        }
    }

    /// What is true of this recording.
    pub fn truth(&self, heart: &Heart, seconds: f64) -> Truth {
        let beats = self.ventricles.iter().map(|beat| {
            let complex = if beat.kind == Kind::Ectopic { &heart.ectopic } else { &heart.conducted };
            Fiducials { r: beat.r, onset: beat.r - complex.peak, width: complex.width, qt: complex.qt }
        });
        let atria = self
            .atria
            .iter()
            .map(|&(onset, premature)| p_wave(if premature { &heart.early_p } else { &heart.sinus_p }, onset));
        Truth {
            pr_ms: self.has_pr.then_some(1e3 * heart.pr),
            qrs_ms: 1e3 * heart.conducted.width,
            qt_ms: 1e3 * heart.conducted.qt,
            ..Truth::of(beats, atria, seconds)
        }
    }
}

fn beat(p: f64, lag: f64) -> Beat {
    Beat { r: p + lag, kind: Kind::Conducted, p: Some((p, false)) }
}

/// Beats without P waves.
fn alone(times: Vec<f64>, kind: Kind) -> Vec<Beat> {
    times.into_iter().map(|r| Beat { r, kind, p: None }).collect()
}

fn shift_all(beats: &mut [Beat], shift: f64) {
    for beat in beats {
        beat.r += shift;
        if let Some((p, _)) = &mut beat.p {
            *p += shift;
        }
    }
}

/// How much breathing changes the RR interval: less with age and at high rates, more than 120 ms in arrhythmia.
fn respiration(arrhythmia: bool, patient: &Patient, dice: &mut Dice) -> f64 {
    if arrhythmia {
        return dice.uniform(0.1, 0.16).max(0.1 / patient.rr);
    }
    let youth = (1.6 - 0.014 * (f64::from(patient.age) - 20.0)).max(0.4);
    let tone = (patient.rr / 0.85).powi(2).min(1.3);
    (dice.uniform(0.005, 0.035) * tone * youth).min(0.055)
}

/// Times of a sinus node that breathing speeds up and slows down.
fn sinus(rr: f64, depth: f64, seconds: f64, breathing: (f64, f64), dice: &mut Dice) -> Vec<f64> {
    let mut time = -MARGIN - dice.uniform(0.0, 1.0) * rr;
    let mut times = Vec::new();
    while time < seconds + MARGIN {
        times.push(time);
        let phase = TAU * breathing.0 * time + breathing.1;
        time += rr * (1.0 + depth * phase.sin() + 0.006 * dice.normal(0.0, 1.0));
    }
    times
}

/// Times of a focus that nothing speeds up.
fn regular(rr: f64, seconds: f64, dice: &mut Dice) -> Vec<f64> {
    let mut time = -MARGIN - dice.uniform(0.0, 1.0) * rr;
    let mut times = Vec::new();
    while time < seconds + MARGIN {
        times.push(time);
        time += rr * (1.0 + 0.004 * dice.normal(0.0, 1.0));
    }
    times
}
