//! QRS complexes: how the ventricles are activated.

use super::super::condition::Condition::{self, *};
use super::super::dice::Dice;
use super::super::morphology::{self, Size};
use super::super::torso::{INDEPENDENT, Torso, Vector};
use super::super::wave::Wave;
use super::patient::Patient;
use super::view::{LEAD_I, LEAD_II, PRECORDIAL, View};
use super::{I, II, Leads, V1, V2, V4, V5, V6, scar, voltage};

type Waves = Vec<Wave<INDEPENDENT>>;

/// A phase of activation: the dipole in Frank's frame (mV), peak and standard deviation as parts of the QRS duration.
type Phase = (Vector, f64, f64);

/// Septum, anterior wall, free wall, posterior base, right base.
const HEALTHY: [Phase; 5] = [
    ([-0.10, 0.02, -0.18], 0.13, 0.043),
    ([0.28, 0.15, -0.34], 0.27, 0.075),
    ([1.08, 0.85, 0.24], 0.43, 0.095),
    ([0.0, 0.0, 0.85], 0.60, 0.100),
    ([-0.20, -0.13, 0.12], 0.80, 0.060),
];

/// From the right through the muscle: no septal wave, two humps over the left ventricle.
const LEFT_BLOCKED: [Phase; 4] = [
    ([0.30, 0.10, 0.08], 0.20, 0.066),
    ([0.85, 0.14, 0.70], 0.38, 0.105),
    ([0.10, 0.0, 0.95], 0.52, 0.130),
    ([0.85, 0.05, 0.65], 0.67, 0.100),
];

/// From the apex of the right ventricle, where a pacemaker's lead lies.
const PACED: [Phase; 3] =
    [([0.25, -0.30, 0.25], 0.20, 0.066), ([0.55, -0.95, 0.95], 0.42, 0.130), ([0.35, -0.60, 0.85], 0.66, 0.105)];

/// The QRS complex of the rhythm and its duration in seconds.
pub(super) fn conducted(conditions: &[Condition], patient: &Patient, torso: &Torso, dice: &mut Dice) -> (Waves, f64) {
    let has = |condition| conditions.contains(&condition);
    let width = patient.qrs_width(conditions, dice);
    let left_blocked = has(LeftBundleBranchBlock) || has(IncompleteLeftBundleBranchBlock);
    let wide_escape = has(ThirdDegreeAvBlock) && width > 0.12;
    let right_part = has(RightBundleBranchBlock) || has(IncompleteRightBundleBranchBlock);
    let phases: &[Phase] = if has(Pacemaker) {
        &PACED
    } else if left_blocked || wide_escape {
        &LEFT_BLOCKED
    } else {
        &HEALTHY
    };
    // The left ventricle takes its usual time while the right one is late.
    let time = if right_part { width.min(0.092) } else { width };
    let mut dipole: Vec<Wave> =
        phases.iter().map(|&(vector, peak, deviation)| Wave::new(vector, peak * time, deviation * time)).collect();
    morphology::vary(&mut dipole, time, 1.6, dice);
    // The transition zone lies between V2 and V5.
    let horizontal = dice.normal(3.0, 13.0).to_radians();
    let size = (0.23 * dice.normal(0.0, 1.0)).exp();
    let mut waves: Waves = dipole
        .into_iter()
        .map(|wave| {
            let mut vector = wave.vector;
            morphology::turn(&mut vector, 0.0, horizontal);
            Wave { vector: torso.project(&vector.map(|axis| size * axis)), ..wave_like(&wave) }
        })
        .collect();
    set_axis(&mut waves, width, patient.axis);
    if left_blocked {
        left_block(&mut waves, width);
    }
    if has(LeftAnteriorFascicularBlock) {
        // The left shoulder is reached last, above the precordial leads.
        waves.push(wave([-0.02, -0.03, 0.03, 0.02, -0.05, -0.15, -0.28, -0.24], 0.66, 0.085, width, dice));
    }
    if right_part {
        right_block(has(RightBundleBranchBlock), &mut waves, width, dice);
    }
    if has(IntraventricularConductionDisturbance) || has(AbnormalQrs) {
        notch(&mut waves, width, dice);
    }
    if has(WolffParkinsonWhite) {
        let mut delta = [0.14, 0.10, 0.10, 0.22, 0.28, 0.30, 0.26, 0.2].map(|x| x * dice.uniform(0.6, 1.4));
        if dice.chance(0.4) {
            delta[V1] = -0.12;
        }
        if dice.chance(0.35) {
            delta[II] = -0.15;
        }
        waves.push(Wave { vector: delta, peak: 0.33 * width, rise: 0.11 * width, fall: 0.13 * width });
    }
    voltage::set(conditions, &mut waves, width, dice);
    if has(RightVentricularHypertrophy) {
        right_hypertrophy(&mut waves, width, dice);
    }
    if has(SeptalHypertrophy) {
        let depth = dice.uniform(0.2, 0.45);
        let septum = [-0.6, -0.3, 0.9, 0.9, 0.3, -0.3, -0.9, -0.9].map(|x| x * depth);
        waves.push(Wave::new(septum, 0.18 * width, 0.06 * width));
        scar::ensure_q(&[LEAD_I, PRECORDIAL + 5], 0.13, 0.012, &mut waves, width);
    }
    scar::draw(conditions, &mut waves, width, dice);
    if !has(LeftVentricularHypertrophy) && !has(LeftVentricularVoltage) && !has(HighVoltage) {
        voltage::cap(&mut waves, width);
    }
    (waves, width)
}

/// A beat from a focus in the ventricles, `width` seconds long.
pub(super) fn ectopic(width: f64, torso: &Torso, dice: &mut Dice) -> Waves {
    let size = Size { qrs: dice.uniform(0.6, 1.05), t: 1.0, st: 0.0 };
    let focus = morphology::ectopic(width, &size, dice);
    focus.qrs.iter().map(|wave| Wave { vector: torso.project(&wave.vector), ..wave_like(wave) }).collect()
}

/// A pacemaker's stimulus just before QRS: bipolar and small, or unipolar and large.
pub(super) fn stimulus(torso: &Torso, dice: &mut Dice) -> Wave<INDEPENDENT> {
    let size = if dice.chance(0.4) { dice.uniform(0.6, 1.6) } else { dice.uniform(0.12, 0.4) };
    let vector = [0.5, -0.7, 0.5].map(|axis: f64| size * (axis + 0.25 * dice.normal(0.0, 1.0)));
    Wave::new(torso.project(&vector), -0.006, 0.003)
}

/// A wave of the same times without a vector.
fn wave_like(wave: &Wave) -> Wave<INDEPENDENT> {
    Wave { vector: [0.0; INDEPENDENT], peak: wave.peak, rise: wave.rise, fall: wave.fall }
}

fn wave(leads: Leads, peak: f64, deviation: f64, width: f64, dice: &mut Dice) -> Wave<INDEPENDENT> {
    let size = dice.uniform(0.8, 1.3);
    Wave::new(leads.map(|x| x * size * (1.0 + 0.12 * dice.normal(0.0, 1.0))), peak * width, deviation * width)
}

/// Turns the limb leads in the frontal plane until the axis is `axis` degrees.
fn set_axis(waves: &mut Waves, width: f64, axis: f64) {
    for _ in 0..6 {
        let turn = axis - View::of(waves, width).axis();
        let (sin, cos) = turn.to_radians().sin_cos();
        for wave in waves.iter_mut() {
            let (x, y) = (wave.vector[I], 2.0 / 3f64.sqrt() * (wave.vector[II] - wave.vector[I] / 2.0));
            let (x, y) = (x * cos - y * sin, x * sin + y * cos);
            wave.vector[I] = x;
            wave.vector[II] = y * 3f64.sqrt() / 2.0 + x / 2.0;
        }
    }
}

/// No septal Q wave in I, V5 and V6, and a small R wave at most in V1.
fn left_block(waves: &mut Waves, width: f64) {
    for _ in 0..30 {
        let view = View::of(waves, width);
        let septal = [LEAD_I, PRECORDIAL + 4, PRECORDIAL + 5].into_iter().any(|lead| view.q(lead).0 > 0.03);
        let tall = view.r(PRECORDIAL) > 0.25 * view.s(PRECORDIAL);
        if !septal && !tall {
            return;
        }
        for (lead, shift) in [(I, 0.02), (V1, -0.04), (V5, 0.03), (V6, 0.03)] {
            waves[0].vector[lead] += shift;
        }
        for wave in waves.iter_mut() {
            wave.vector[V1] = if wave.vector[V1] > 0.0 { 0.8 * wave.vector[V1] } else { wave.vector[V1] - 0.02 };
        }
    }
}

/// The right ventricle is reached late: an R' wave in V1, S waves in I and V6.
fn right_block(complete: bool, waves: &mut Waves, width: f64, dice: &mut Dice) {
    for wave in waves.iter_mut() {
        for lead in [V1, V2] {
            if wave.vector[lead] < 0.0 {
                wave.vector[lead] *= 0.6;
            }
        }
    }
    let (leads, peak, deviation, least) = if complete {
        ([-0.26, -0.10, 0.60, 0.42, 0.10, -0.18, -0.34, -0.36], 0.70, 0.10, 0.28)
    } else {
        ([-0.15, -0.06, 0.24, 0.14, 0.0, -0.10, -0.20, -0.20], 0.76, 0.085, 0.09)
    };
    let late = wave(leads, peak, deviation, width, dice);
    waves.push(late);
    let last = waves.len() - 1;
    for _ in 0..40 {
        let view = View::of(waves, width);
        let seen = view.late_r(PRECORDIAL) > least && view.s(LEAD_I) > 0.06 && view.s(PRECORDIAL + 5) > 0.08;
        if seen {
            return;
        }
        waves[last].vector[V1] += 0.03;
        waves[last].vector[I] -= 0.015;
        waves[last].vector[V6] -= 0.015;
    }
}

/// Notches and slurs in some of the leads.
fn notch(waves: &mut Waves, width: f64, dice: &mut Dice) {
    for _ in 0..1 + dice.below(2) {
        let size = dice.uniform(0.12, 0.3);
        let vector: Leads = std::array::from_fn(|_| size * dice.normal(0.0, 1.0));
        waves.push(Wave::new(vector, dice.uniform(0.4, 0.8) * width, dice.uniform(0.04, 0.08) * width));
    }
    // R waves grow late across the chest.
    let poor = dice.uniform(0.45, 1.0);
    for wave in waves.iter_mut() {
        for lead in V2..=V4 {
            if wave.vector[lead] > 0.0 {
                wave.vector[lead] *= poor;
            }
        }
    }
}

/// R larger than S in V1, S waves up to V6.
fn right_hypertrophy(waves: &mut Waves, width: f64, dice: &mut Dice) {
    let late = wave([-0.15, 0.0, 0.45, 0.25, 0.0, -0.25, -0.40, -0.40], 0.55, 0.13, width, dice);
    waves.push(late);
    let last = waves.len() - 1;
    for _ in 0..40 {
        let view = View::of(waves, width);
        if view.r(PRECORDIAL) > 1.15 * view.s(PRECORDIAL)
            && view.r(PRECORDIAL) > 0.4
            && view.s(PRECORDIAL + 5) > 0.3
            && view.net(LEAD_I) < 0.0
        {
            return;
        }
        for wave in waves.iter_mut() {
            if wave.vector[V1] < 0.0 {
                wave.vector[V1] *= 0.88;
            }
        }
        waves[last].vector[V1] += 0.02;
        waves[last].vector[V6] -= 0.02;
        if view.net(LEAD_I) >= 0.0 {
            waves[last].vector[I] -= 0.04;
            waves[last].vector[II] += 0.01 * f64::from(u8::from(view.net(LEAD_II) < 0.0));
        }
    }
}
