//! One simulated patient's heart: sizes, intervals and the shapes of its beats.

use super::condition::Condition::{
    self, AnteriorInfarction, AtrialFibrillation, FirstDegreeAvBlock, InferiorInfarction, LeftBundleBranchBlock,
    LeftVentricularHypertrophy, RightBundleBranchBlock, SinusTachycardia,
};
use super::dice::Dice;
use super::morphology::{self, Morphology};
use super::patient::Patient;
use super::reader::Beat;
use super::torso::Torso;
use super::wave::{Wave, dipole_at};
use crate::Sex;

/// Shapes are drawn this often at most, each closer to the typical shape. Of the combinations of conditions the most
/// difficult one fails in about one draw of three.
const DRAWS: usize = 24;

/// A ventricular complex: QRS, ST and T.
pub(super) struct Complex {
    /// Waves from the onset of QRS.
    pub waves: Vec<Wave>,
    /// QRS duration, s.
    pub width: f64,
    /// QT interval, s.
    pub qt: f64,
    /// Time of the largest dipole, the R peak, from the onset of QRS, s.
    pub peak: f64,
}

/// A patient's heart and chest.
pub(super) struct Heart {
    pub torso: Torso,
    /// Waves of the atria from the onset of P.
    pub atria: Vec<Wave>,
    /// Onset of P to onset of QRS, s.
    pub pr: f64,
    /// Beats that come from above.
    pub conducted: Complex,
    /// Beats of a ventricular focus.
    pub ectopic: Complex,
}

impl Heart {
    /// A heart with these conditions.
    pub fn draw(conditions: &[Condition], patient: &Patient, dice: &mut Dice) -> Self {
        let has = |condition| conditions.contains(&condition);
        let width = qrs_width(conditions, patient.sex, dice);
        let qt = qt(patient, width, dice);
        let pr = pr(has(FirstDegreeAvBlock), has(SinusTachycardia), patient, dice);
        let (torso, conducted) = conducted(conditions, patient, width, qt, dice);
        let atria = morphology::atria(dice.normal(0.1, 0.007), dice.uniform(0.8, 1.25));
        let size = patient.size(1.0, dice);
        let wide = dice.uniform(0.130, 0.165);
        let focus = morphology::ectopic(wide, &size, dice);
        // A wide beat prolongs QT by most of what it adds to QRS.
        let late = qt + 0.6 * (wide - width).max(0.0);
        let ectopic = Complex::new(focus, wide, late, 1.4);
        Self { torso, atria, pr, conducted, ectopic }
    }
}

impl Complex {
    fn new(shape: Morphology, width: f64, qt: f64, roundness: f64) -> Self {
        let peak = largest(&shape.qrs, width);
        let mut waves = shape.qrs;
        waves.extend(morphology::recovery(shape.st, shape.t, width, qt, roundness));
        Self { waves, width, qt, peak }
    }
}

/// Time of the largest dipole, to a tenth of a millisecond.
fn largest(waves: &[Wave], width: f64) -> f64 {
    const STEP: f64 = 1e-4;
    let square = |i: usize| dipole_at(waves, i as f64 * STEP).iter().map(|x| x * x).sum::<f64>();
    let mut best = (0, 0.0);
    for i in 0..=(width / STEP) as usize {
        let size = square(i);
        if size > best.1 {
            best = (i, size);
        }
    }
    best.0 as f64 * STEP
}

/// The chest and the conducted beat, drawn until the beat shows the conditions and no others.
fn conducted(conditions: &[Condition], patient: &Patient, width: f64, qt: f64, dice: &mut Dice) -> (Torso, Complex) {
    let mut draw = 0;
    loop {
        draw += 1;
        let spread = 1.0 - draw as f64 / DRAWS as f64;
        let (torso, complex) = conducted_with(conditions, patient, width, qt, spread, dice);
        if draw == DRAWS || Beat::read(&complex.waves, width, &torso).shows(conditions) {
            return (torso, complex);
        }
    }
}

/// A chest and a conducted beat that differ from the typical ones by `spread`, 0 (not) to 1 (as patients differ).
fn conducted_with(
    conditions: &[Condition],
    patient: &Patient,
    width: f64,
    qt: f64,
    spread: f64,
    dice: &mut Dice,
) -> (Torso, Complex) {
    let torso = Torso::draw(dice, spread);
    let size = patient.size(spread, dice);
    let mut shape = morphology::conducted(conditions, width, &size, dice);
    morphology::vary(&mut shape.qrs, width, spread, dice);
    let (frontal, horizontal) = patient.axis(conditions, spread, dice);
    for wave in &mut shape.qrs {
        morphology::turn(&mut wave.vector, frontal, horizontal);
    }
    // T follows the axis of QRS half-way.
    morphology::turn(&mut shape.t, frontal / 2.0, horizontal / 2.0);
    set_voltage(conditions, &mut shape, width, &torso, spread, dice);
    let complex = Complex::new(shape, width, qt, 1.5 + 0.2 * spread * dice.normal(0.0, 1.0));
    (torso, complex)
}

/// Brings the Sokolow-Lyon index to hypertrophy's range, or keeps it out of there.
fn set_voltage(
    conditions: &[Condition],
    shape: &mut Morphology,
    width: f64,
    torso: &Torso,
    spread: f64,
    dice: &mut Dice,
) {
    if conditions.contains(&LeftBundleBranchBlock) {
        return;
    }
    let voltage = Beat::read(&shape.qrs, width, torso).sokolow_lyon();
    let wanted = if conditions.contains(&LeftVentricularHypertrophy) {
        4.3 + 0.5 * spread * dice.uniform(-1.0, 1.0)
    } else {
        voltage.min(3.1 - 0.4 * spread * dice.uniform(0.0, 1.0))
    };
    // The delayed right ventricle of a right bundle branch block is not part of the left one's voltage.
    let left = shape.qrs.len() - usize::from(conditions.contains(&RightBundleBranchBlock));
    for wave in &mut shape.qrs[..left] {
        wave.vector = wave.vector.map(|axis| axis * wanted / voltage);
    }
}

fn qrs_width(conditions: &[Condition], sex: Sex, dice: &mut Dice) -> f64 {
    let has = |condition| conditions.contains(&condition);
    if has(LeftBundleBranchBlock) {
        return dice.uniform(0.128, 0.168);
    }
    if has(RightBundleBranchBlock) {
        return dice.uniform(0.124, 0.156);
    }
    let mean = match sex {
        Sex::Female => 0.087,
        Sex::Male => 0.094,
    };
    let muscle = if has(LeftVentricularHypertrophy) { 0.007 } else { 0.0 };
    let (scar, least) = if has(InferiorInfarction) || has(AnteriorInfarction) { (0.005, 0.086) } else { (0.0, 0.074) };
    (dice.normal(mean, 0.006) + muscle + scar).clamp(least, 0.112)
}

/// Fridericia: QT grows with the cube root of the RR interval. Women's is longer, and so is that of a wide QRS.
fn qt(patient: &Patient, width: f64, dice: &mut Dice) -> f64 {
    let mean = match patient.sex {
        Sex::Female => 0.414,
        Sex::Male => 0.402,
    };
    let corrected = dice.normal(mean, 0.015) + 0.0002 * (f64::from(patient.age) - 50.0);
    corrected * patient.rr.cbrt() + 0.6 * (width - 0.095).max(0.0)
}

/// Conduction through the AV node: slower with age, faster with the heart rate.
fn pr(blocked: bool, fast: bool, patient: &Patient, dice: &mut Dice) -> f64 {
    if blocked {
        return if fast { dice.uniform(0.210, 0.230) } else { dice.uniform(0.215, 0.310) };
    }
    let age = 0.00025 * (f64::from(patient.age) - 50.0);
    let rate = 0.0003 * (60.0 / patient.rr - 70.0);
    (dice.normal(0.155, 0.014) + age - rate).clamp(0.122, 0.192)
}

/// Whether the atria contract in order.
pub(super) fn has_p_waves(conditions: &[Condition]) -> bool {
    !conditions.contains(&AtrialFibrillation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::rules;
    use einthoven_random::Streams;

    /// Every combination of what shapes a conducted beat.
    fn combinations() -> impl Iterator<Item = Vec<Condition>> {
        let shaping = [
            LeftBundleBranchBlock,
            RightBundleBranchBlock,
            InferiorInfarction,
            AnteriorInfarction,
            LeftVentricularHypertrophy,
        ];
        (0..1 << shaping.len())
            .map(move |set| {
                shaping.into_iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, c)| c).collect()
            })
            .filter_map(|some: Vec<Condition>| rules::complete(&some).ok())
    }

    #[test]
    fn every_heart_shows_its_conditions_and_no_others() {
        let streams = Streams::new(3);
        let mut combinations_seen = 0;
        for conditions in combinations() {
            combinations_seen += 1;
            for index in 0..150 {
                let dice = &mut Dice(streams.stream("test", &[index]));
                let patient = Patient::draw(&conditions, dice);
                let heart = Heart::draw(&conditions, &patient, dice);
                let beat = Beat::read(&heart.conducted.waves, heart.conducted.width, &heart.torso);
                assert!(beat.shows(&conditions), "patient {index} with {conditions:?}");
            }
        }
        assert_eq!(combinations_seen, 1 + 16);
    }
}
