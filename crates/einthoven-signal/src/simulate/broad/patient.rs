//! Who the patient is: age, sex, heart rate, intervals.

use super::super::condition::Condition::{self, *};
use super::super::dice::Dice;
use crate::Sex;

/// A patient, before the heart is looked at.
pub(super) struct Patient {
    pub age: u8,
    pub sex: Sex,
    /// Mean RR interval of the rhythm, s.
    pub rr: f64,
    /// The frontal axis that QRS would have without scars, degrees.
    pub axis: f64,
    /// An infarct is days old: its ST segments are raised.
    pub acute: bool,
}

impl Patient {
    pub fn draw(conditions: &[Condition], dice: &mut Dice) -> Self {
        let has = |condition| conditions.contains(&condition);
        let mean = if has(NormalEcg) {
            50.0
        } else if has(WolffParkinsonWhite) || has(NonSpecificStElevation) || has(HighVoltage) {
            42.0
        } else {
            65.0
        };
        let age = dice.normal(mean, if has(NormalEcg) { 18.0 } else { 14.0 }).round().clamp(18.0, 95.0);
        let infarct = conditions.iter().any(|c| c.is_infarct());
        let sex = if dice.chance(if infarct { 0.36 } else { 0.5 }) { Sex::Female } else { Sex::Male };
        let rate = rate(conditions, dice);
        let axis = axis(conditions, age, dice);
        let acute = infarct && !has(Aneurysm) && dice.chance(0.12);
        Self { age: age as u8, sex, rr: 60.0 / rate, axis, acute }
    }

    /// QRS duration, s.
    pub fn qrs_width(&self, conditions: &[Condition], dice: &mut Dice) -> f64 {
        let has = |condition| conditions.contains(&condition);
        if has(Pacemaker) {
            return dice.uniform(0.135, 0.185);
        }
        if has(LeftBundleBranchBlock) {
            return dice.uniform(0.126, 0.172);
        }
        if has(RightBundleBranchBlock) {
            return dice.uniform(0.122, 0.162);
        }
        if has(ThirdDegreeAvBlock) {
            return if dice.chance(0.5) { dice.uniform(0.125, 0.165) } else { dice.uniform(0.08, 0.108) };
        }
        if has(IncompleteLeftBundleBranchBlock) || has(IncompleteRightBundleBranchBlock) {
            return dice.uniform(0.101, 0.118);
        }
        if has(IntraventricularConductionDisturbance) || has(WolffParkinsonWhite) {
            return dice.uniform(0.112, 0.138);
        }
        let mean = match self.sex {
            Sex::Female => 0.078,
            Sex::Male => 0.085,
        };
        let thick = if has(LeftVentricularHypertrophy) { 0.007 } else { 0.0 };
        let scar = if conditions.iter().any(|c| c.is_infarct()) { 0.008 } else { 0.0 };
        let fascicle = if has(LeftAnteriorFascicularBlock) || has(LeftPosteriorFascicularBlock) { 0.007 } else { 0.0 };
        (dice.normal(mean, 0.008) + thick + scar + fascicle).clamp(0.066, 0.112)
    }

    /// Onset of QRS to end of T, s: Fridericia's cube root of the RR interval.
    pub fn qt(&self, conditions: &[Condition], width: f64, dice: &mut Dice) -> f64 {
        let has = |condition| conditions.contains(&condition);
        let mean = match self.sex {
            Sex::Female => 0.412,
            Sex::Male => 0.400,
        };
        let usual = dice.normal(mean, 0.016) + 0.0002 * (f64::from(self.age) - 50.0);
        let corrected = if has(LongQt) {
            dice.uniform(0.480, 0.560)
        } else if has(Digitalis) {
            usual - dice.uniform(0.02, 0.05)
        } else {
            (usual + 0.6 * (width - 0.095).max(0.0)).min(0.470)
        };
        // At a high rate the T wave still ends before the next P wave begins to grow.
        (corrected * self.rr.cbrt()).min(if has(LongQt) { 0.9 } else { 0.82 } * self.rr.max(0.34))
    }

    /// Onset of P to onset of QRS, s: longer with age, shorter at high rates.
    pub fn pr(&self, conditions: &[Condition], dice: &mut Dice) -> f64 {
        let has = |condition| conditions.contains(&condition);
        if has(FirstDegreeAvBlock) || has(LongPr) {
            let longest = (0.36 * self.rr).clamp(0.23, 0.33);
            return dice.uniform(0.207, longest);
        }
        if has(WolffParkinsonWhite) {
            return dice.uniform(0.085, 0.115);
        }
        let age = 0.0003 * (f64::from(self.age) - 50.0);
        let rate = 0.0003 * (60.0 / self.rr - 70.0);
        (dice.normal(0.158, 0.017) + age - rate).clamp(0.122, 0.196)
    }
}

fn rate(conditions: &[Condition], dice: &mut Dice) -> f64 {
    let has = |condition| conditions.contains(&condition);
    if has(SinusBradycardia) {
        dice.uniform(42.0, 57.5)
    } else if has(SinusTachycardia) {
        // With a long PR interval the P wave still has to fit between the beats.
        let long = has(FirstDegreeAvBlock) || has(LongPr) || has(LongQt);
        dice.uniform(102.0, if long { 115.0 } else { 145.0 })
    } else if has(AtrialFibrillation) {
        dice.uniform(58.0, 140.0)
    } else if has(SupraventricularTachycardia) {
        dice.uniform(142.0, 195.0)
    } else if has(SinusArrhythmia) {
        dice.uniform(61.0, 84.0)
    } else if has(Pacemaker) {
        dice.uniform(58.0, 85.0)
    } else {
        let fast = if has(NormalEcg) { 69.0 } else { 75.0 };
        dice.normal(fast, 11.0).clamp(61.0, 98.0)
    }
}

fn axis(conditions: &[Condition], age: f64, dice: &mut Dice) -> f64 {
    let has = |condition| conditions.contains(&condition);
    if has(LeftAnteriorFascicularBlock) {
        dice.uniform(-76.0, -49.0)
    } else if has(LeftPosteriorFascicularBlock) {
        dice.uniform(97.0, 135.0)
    } else if has(RightVentricularHypertrophy) {
        dice.uniform(93.0, 140.0)
    } else if has(HighVoltage) {
        dice.uniform(-20.0, 30.0)
    } else if has(LeftBundleBranchBlock) || has(IncompleteLeftBundleBranchBlock) {
        dice.normal(-8.0, 25.0).clamp(-44.0, 70.0)
    } else if has(Pacemaker) {
        dice.uniform(-90.0, -50.0)
    } else {
        let thick = if has(LeftVentricularHypertrophy) { 15.0 } else { 0.0 };
        let sick = if has(NormalEcg) { 0.0 } else { 8.0 };
        let mean = 62.0 - 0.75 * (age - 30.0) - thick - sick;
        dice.normal(mean, 25.0).clamp(-25.0, 88.0)
    }
}
