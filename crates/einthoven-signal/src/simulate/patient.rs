//! Who the simulated patient is: conditions, age, sex, heart rate.

use super::condition::Condition::{
    self, AnteriorInfarction, AtrialFibrillation, FirstDegreeAvBlock, InferiorInfarction, LeftBundleBranchBlock,
    LeftVentricularHypertrophy, PrematureVentricularBeats, RightBundleBranchBlock, SinusBradycardia, SinusRhythm,
    SinusTachycardia,
};
use super::dice::Dice;
use super::morphology::Size;
use crate::Sex;

/// A simulated patient, before the heart is looked at.
pub(super) struct Patient {
    pub age: u8,
    pub sex: Sex,
    /// Mean RR interval of the rhythm, s.
    pub rr: f64,
    /// This patient's own size of QRS and T against others of the same age and sex.
    build: (f64, f64),
}

/// Draws the conditions of one patient of the simulated population.
pub(super) fn conditions(dice: &mut Dice) -> Vec<Condition> {
    let rhythm = match dice.uniform(0.0, 1.0) {
        x if x < 0.52 => SinusRhythm,
        x if x < 0.67 => SinusBradycardia,
        x if x < 0.82 => SinusTachycardia,
        _ => AtrialFibrillation,
    };
    let mut all = vec![rhythm];
    match dice.uniform(0.0, 1.0) {
        x if x < 0.12 => all.push(LeftBundleBranchBlock),
        x if x < 0.24 => all.push(RightBundleBranchBlock),
        _ => {}
    }
    if !all.contains(&LeftBundleBranchBlock) {
        let readable = [InferiorInfarction, AnteriorInfarction, LeftVentricularHypertrophy];
        all.extend(readable.into_iter().filter(|_| dice.chance(0.14)));
    }
    // A long PR interval at a high rate hides the P wave in the T wave before it.
    if matches!(rhythm, SinusRhythm | SinusBradycardia) && dice.chance(0.18) {
        all.push(FirstDegreeAvBlock);
    }
    if dice.chance(0.15) {
        all.push(PrematureVentricularBeats);
    }
    all
}

impl Patient {
    /// A patient with these conditions.
    pub fn draw(conditions: &[Condition], dice: &mut Dice) -> Self {
        let older: f64 = conditions
            .iter()
            .map(|condition| match condition {
                AtrialFibrillation => 10.0,
                LeftBundleBranchBlock | InferiorInfarction | AnteriorInfarction => 7.0,
                LeftVentricularHypertrophy | FirstDegreeAvBlock => 5.0,
                RightBundleBranchBlock | PrematureVentricularBeats => 3.0,
                _ => 0.0,
            })
            .sum();
        let age = dice.normal(54.0 + older.min(16.0), 15.0).round().clamp(18.0, 95.0) as u8;
        let infarct = conditions.iter().any(|c| matches!(c, InferiorInfarction | AnteriorInfarction));
        let sex = if dice.chance(if infarct { 0.35 } else { 0.5 }) { Sex::Female } else { Sex::Male };
        let rate = if conditions.contains(&SinusBradycardia) {
            dice.uniform(43.0, 55.5)
        } else if conditions.contains(&SinusTachycardia) {
            // With a long PR interval the P wave still has to fit between the beats.
            let fastest = if conditions.contains(&FirstDegreeAvBlock) { 115.0 } else { 135.0 };
            dice.uniform(105.0, fastest)
        } else if conditions.contains(&AtrialFibrillation) {
            dice.uniform(66.0, 135.0)
        } else {
            dice.normal(75.0, 8.5).clamp(63.0, 94.0)
        };
        let build = (dice.normal(0.0, 0.22).exp(), dice.normal(0.0, 0.3).exp());
        Self { age, sex, rr: 60.0 / rate, build }
    }

    /// Sizes of the waves, larger in the young and in men; `spread` 0 is the typical size.
    pub fn size(&self, spread: f64, dice: &mut Dice) -> Size {
        let youth = (1.0 - 0.004 * (f64::from(self.age) - 50.0)).clamp(0.8, 1.15);
        let (qrs, t, st) = match self.sex {
            Sex::Female => (0.92, 0.9, 0.3),
            Sex::Male => (1.02, 1.05, 1.0),
        };
        Size {
            qrs: youth * qrs * self.build.0.powf(spread),
            t: youth * t * self.build.1.powf(spread),
            st: st * youth * spread * dice.uniform(0.0, 1.0),
        }
    }

    /// By how much the heart is turned against the typical heart, in radians: in the frontal plane towards the feet
    /// (age turns it to the left), in the horizontal plane towards the back.
    pub fn axis(&self, conditions: &[Condition], spread: f64, dice: &mut Dice) -> (f64, f64) {
        let blocked = conditions.contains(&LeftBundleBranchBlock);
        let (mean, deviation) = if blocked {
            (0.0, 10.0)
        } else {
            let leftward = if conditions.contains(&LeftVentricularHypertrophy) { 8.0 } else { 0.0 };
            (-0.5 * (f64::from(self.age) - 35.0) - leftward, 17.0)
        };
        let frontal: f64 = spread * dice.normal(mean, deviation);
        let horizontal: f64 = spread * dice.normal(0.0, 11.0);
        (frontal.clamp(-65.0, 30.0).to_radians(), horizontal.to_radians())
    }
}
