//! From the heart's dipole to the skin: the lead field.

use super::dice::Dice;
use crate::frank::DOWER;

/// A vector in Frank's frame, in millivolts: x to the left, y to the feet, z to the back.
pub(super) type Vector = [f64; 3];

/// Leads that are computed from the dipole: I, II, V1 to V6. The other four limb leads follow from I and II.
pub(super) const INDEPENDENT: usize = 8;

/// One patient's lead field.
#[derive(Clone)]
pub(super) struct Torso([Vector; INDEPENDENT]);

impl Torso {
    /// A torso near Dower's: electrodes a little off, chest walls of different thickness. `spread` 0 is Dower's own.
    pub fn draw(dice: &mut Dice, spread: f64) -> Self {
        let mut rows = DOWER;
        for row in &mut rows[2..] {
            let thickness = 1.0 + 0.13 * spread * dice.normal(0.0, 1.0);
            for coefficient in row {
                *coefficient = *coefficient * thickness + 0.05 * spread * dice.normal(0.0, 1.0);
            }
        }
        Self(rows)
    }

    /// A torso as they differ in everyday work: Dower's frame turned and stretched at random, electrodes between two
    /// ribs too high or too low, chest walls of any thickness.
    pub fn draw_wide(dice: &mut Dice) -> Self {
        let mut frame = [[0.0; 3]; 3];
        for (i, row) in frame.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = f64::from(u8::from(i == j)) + 0.10 * dice.normal(0.0, 1.0);
            }
        }
        let mut rows = DOWER;
        for (lead, row) in rows.iter_mut().enumerate() {
            let (deviation, shift) = if lead < 2 { (0.10, 0.04) } else { (0.16, 0.09) };
            let thickness = (deviation * dice.normal(0.0, 1.0)).exp();
            let turned: Vector = std::array::from_fn(|j| (0..3).map(|i| row[i] * frame[i][j]).sum());
            *row = turned.map(|coefficient| coefficient * thickness + shift * dice.normal(0.0, 1.0));
        }
        Self(rows)
    }

    /// The lead field of I, II, V1 to V6.
    pub fn rows(&self) -> &[Vector; INDEPENDENT] {
        &self.0
    }

    /// The eight independent leads of a dipole.
    pub fn project(&self, dipole: &Vector) -> [f64; INDEPENDENT] {
        self.0.map(|row| dot(&row, dipole))
    }
}

fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// All twelve leads in the standard order from I, II, V1 to V6 at one moment.
pub(super) fn twelve(leads: &[f64; INDEPENDENT]) -> [f64; 12] {
    let [i, ii, v1, v2, v3, v4, v5, v6] = *leads;
    [i, ii, ii - i, -(i + ii) / 2.0, i - ii / 2.0, ii - i / 2.0, v1, v2, v3, v4, v5, v6]
}
