//! The shape of one beat: how the dipole moves through QRS, ST and T when the ventricles are healthy, blocked, scarred
//! or thick.
//!
//! Vectors are in Frank's frame (left, feet, back), in millivolts, for an adult of middle age.

use super::condition::Condition::{
    self, AnteriorInfarction, InferiorInfarction, LeftBundleBranchBlock, LeftVentricularHypertrophy,
    RightBundleBranchBlock,
};
use super::dice::Dice;
use super::torso::Vector;
use super::wave::Wave;

/// A QRS complex as waves from its onset, and the directions of its ST segment and T wave.
pub(super) struct Morphology {
    pub qrs: Vec<Wave>,
    pub st: Vector,
    pub t: Vector,
}

/// How large the waves of this patient are against the typical ones.
pub(super) struct Size {
    /// Factor of the QRS.
    pub qrs: f64,
    /// Factor of the T wave.
    pub t: f64,
    /// Normal early repolarisation, 0 (none) to 1.
    pub st: f64,
}

/// Part of a wide complex's width by which a wave must keep from its ends to have decayed there.
const TAIL: f64 = 3.0;

/// Time that the ventricles take through a healthy left bundle, s, within a complex blocked on the right.
const LEFT_PART: f64 = 0.092;

/// The shape of conducted beats of a patient with these conditions, `width` being the QRS duration in seconds.
pub(super) fn conducted(conditions: &[Condition], width: f64, size: &Size, dice: &mut Dice) -> Morphology {
    let has = |condition| conditions.contains(&condition);
    let qrs = if has(LeftBundleBranchBlock) {
        left_bundle_branch_block(width)
    } else {
        let mut waves = left_part(conditions, width.min(LEFT_PART.max(width * 0.5)));
        if has(RightBundleBranchBlock) {
            // The right ventricle is reached late, from the left, through the muscle.
            waves.push(Wave::new([-0.55, -0.05, -0.62], 0.68 * width, 0.32 / TAIL * width));
        }
        waves
    };
    let (st, t) = repolarisation(conditions, size, dice);
    Morphology { qrs: scaled(qrs, size.qrs), st, t }
}

/// The five phases of activation through the left bundle: septum, anterior wall, free wall, posterior base, right base.
fn left_part(conditions: &[Condition], width: f64) -> Vec<Wave> {
    let has = |condition| conditions.contains(&condition);
    let mut septum = [-0.12, 0.02, -0.25];
    let mut anterior = [0.30, 0.15, -0.38];
    let mut free_wall = [1.15, 0.90, 0.22];
    let mut base = [0.0, 0.0, 0.85];
    let mut right_base = [-0.20, -0.13, 0.12];
    if has(LeftVentricularHypertrophy) {
        anterior = [0.25, 0.15, -0.28];
        free_wall = [1.25, 0.78, 0.42];
        base = [0.0, 0.0, 1.05];
        right_base = [-0.05, -0.03, 0.12];
    }
    if has(InferiorInfarction) {
        // The dead inferior wall no longer pulls to the feet: the first 40 ms point upwards.
        septum = [0.12, -0.45, -0.20];
        anterior[1] = -0.38;
        free_wall[1] = 0.42;
    }
    if has(AnteriorInfarction) {
        // The dead anterior wall no longer pulls to the front: the first 40 ms point backwards.
        septum[2] = 0.42;
        anterior = [0.10, anterior[1], 0.38];
        free_wall[0] *= 0.9;
        free_wall[2] += 0.25;
        base[2] *= 0.8;
    }
    if has(RightBundleBranchBlock) {
        base[2] *= if has(LeftVentricularHypertrophy) { 0.8 } else { 0.45 };
        right_base = [0.0; 3];
    }
    // Pathological Q waves are also longer than those of a healthy septum.
    let scar = if has(InferiorInfarction) || has(AnteriorInfarction) { 0.03 } else { 0.0 };
    [
        (septum, 0.13 + scar, 0.043 + scar / 3.0),
        (anterior, 0.26 + scar, 0.070),
        (free_wall, 0.42 + 1.5 * scar, 0.095 - scar / 3.0),
        (base, 0.62, 0.095),
        (right_base, 0.80, 0.060),
    ]
    .map(|(vector, peak, deviation)| Wave::new(vector, peak * width, deviation * width))
    .into()
}

/// Activation from the right through the muscle: no septal wave, two humps over the left ventricle.
fn left_bundle_branch_block(width: f64) -> Vec<Wave> {
    [
        ([0.35, 0.12, 0.10], 0.20, 0.066),
        ([1.05, 0.14, 0.75], 0.38, 0.105),
        ([0.10, 0.0, 1.00], 0.52, 0.130),
        ([1.05, -0.05, 0.70], 0.67, 0.100),
    ]
    .map(|(vector, peak, deviation)| Wave::new(vector, peak * width, deviation * width))
    .into()
}

/// Directions of ST segment and T wave.
fn repolarisation(conditions: &[Condition], size: &Size, dice: &mut Dice) -> (Vector, Vector) {
    let has = |condition| conditions.contains(&condition);
    if has(LeftBundleBranchBlock) {
        let size = size.qrs * dice.uniform(0.85, 1.2);
        return (scale([-0.09, 0.0, -0.19], size), scale([-0.25, 0.03, -0.55], size));
    }
    let mut st = scale([0.05, 0.03, -0.08], size.st);
    let mut t = scale([0.33, 0.17, -0.20], size.t);
    if has(LeftVentricularHypertrophy) {
        let strain = dice.uniform(0.85, 1.3);
        add(&mut st, [-0.10, -0.03, -0.06], strain);
        add(&mut t, [-0.52, -0.18, -0.06], strain);
    }
    if has(InferiorInfarction) {
        // With a second infarct in front, the mirror image of the inferior injury is not seen there.
        let mirror = if has(AnteriorInfarction) { 0.0 } else { 0.09 };
        add(&mut st, [-0.05, 0.20, mirror], dice.uniform(1.1, 1.7));
        add(&mut t, [0.0, -0.45, 0.10], dice.uniform(-0.2, 1.0));
    }
    if has(AnteriorInfarction) {
        add(&mut st, [0.05, -0.04, -0.22], dice.uniform(1.1, 1.7));
        add(&mut t, [-0.10, 0.0, 0.45], dice.uniform(-0.2, 1.0));
    }
    if has(RightBundleBranchBlock) {
        add(&mut st, [0.02, 0.0, 0.04], 1.0);
        let left = if has(LeftVentricularHypertrophy) { 0.0 } else { 0.12 };
        add(&mut t, [left, 0.0, 0.25], 1.0);
    }
    (st, t)
}

/// The shape of beats from one ventricular focus, somewhere in the right or the left ventricle.
pub(super) fn ectopic(width: f64, size: &Size, dice: &mut Dice) -> Morphology {
    const FOCI: [Vector; 4] = [
        [0.35, 1.45, 0.95],    // outflow tract of the right ventricle
        [0.75, -0.95, 1.20],   // apex of the right ventricle
        [-0.85, 0.95, -1.00],  // anterior base of the left ventricle
        [-0.60, -1.15, -0.85], // posterior wall of the left ventricle
    ];
    let focus = FOCI[dice.below(FOCI.len())];
    let main = focus.map(|axis| (axis + 0.15 * dice.normal(0.0, 1.0)) * dice.uniform(0.9, 1.25));
    let aside = [0.2, 0.2, 0.2].map(|axis| axis * dice.normal(0.0, 1.0));
    let late = dice.uniform(0.35, 0.7);
    let mut first = scale(main, 0.35);
    add(&mut first, aside, 1.0);
    let qrs = vec![
        Wave::new(first, 0.22 * width, 0.07 * width),
        Wave::new(main, 0.45 * width, 0.14 * width),
        Wave::new(scale(main, late), 0.67 * width, 0.105 * width),
    ];
    let discordance = dice.uniform(0.35, 0.5);
    Morphology {
        qrs: scaled(qrs, size.qrs),
        st: scale(main, -0.12 * size.qrs),
        t: scale(main, -discordance * size.qrs),
    }
}

/// ST segment and T wave as waves from the onset of a QRS complex of `width` seconds.
///
/// The T wave ends, by the tangent at its steepest descent, exactly `qt` seconds after that onset. `roundness` is the
/// ratio of its rising to its falling width, about 1.5.
pub(super) fn recovery<const N: usize>(st: [f64; N], t: [f64; N], width: f64, qt: f64, roundness: f64) -> [Wave<N>; 2] {
    let jt = qt - width;
    // The tangent of a Gaussian at its inflection, one deviation after the peak, meets zero two deviations after it.
    let fall = 0.145 * jt;
    [
        Wave { vector: st, peak: width + 0.08 * jt, rise: 0.075 * jt, fall: 0.30 * jt },
        Wave { vector: t, peak: qt - 2.0 * fall, rise: roundness * fall, fall },
    ]
}

/// Two waves of the atria, right then left, from the onset of a P wave of `width` seconds.
pub(super) fn atria(width: f64, size: f64) -> Vec<Wave> {
    [([0.04, 0.09, -0.035], 0.38), ([0.07, 0.06, 0.05], 0.62)]
        .map(|(vector, peak)| Wave::new(scale(vector, size), peak * width, 0.15 * width))
        .into()
}

/// Makes a complex this patient's own: sizes, directions and times a little off the typical.
pub(super) fn vary(waves: &mut [Wave], width: f64, spread: f64, dice: &mut Dice) {
    for wave in waves {
        let size = (0.12 * spread * dice.normal(0.0, 1.0)).exp();
        let length = wave.vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        for axis in &mut wave.vector {
            *axis = *axis * size + 0.06 * spread * length * dice.normal(0.0, 1.0);
        }
        let reach = TAIL * wave.rise;
        let peak = wave.peak + 0.015 * spread * width * dice.normal(0.0, 1.0);
        if reach < width / 2.0 {
            wave.peak = peak.clamp(reach, width - reach);
        }
    }
}

/// Turns the heart in the chest: `frontal` radians from the left arm towards the feet, `horizontal` from the left
/// towards the back.
pub(super) fn turn(vector: &mut Vector, frontal: f64, horizontal: f64) {
    let (sin, cos) = frontal.sin_cos();
    let [x, y, z] = *vector;
    let (x, y) = (x * cos - y * sin, x * sin + y * cos);
    let (sin, cos) = horizontal.sin_cos();
    *vector = [x * cos - z * sin, y, x * sin + z * cos];
}

fn scaled(mut waves: Vec<Wave>, factor: f64) -> Vec<Wave> {
    for wave in &mut waves {
        wave.vector = scale(wave.vector, factor);
    }
    waves
}

fn scale(vector: Vector, factor: f64) -> Vector {
    vector.map(|axis| axis * factor)
}

fn add(sum: &mut Vector, vector: Vector, factor: f64) {
    for (axis, other) in sum.iter_mut().zip(vector) {
        *axis += factor * other;
    }
}
