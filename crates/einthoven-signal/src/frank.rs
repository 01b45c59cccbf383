//! Frank's orthogonal leads and what the twelve leads see of them.

use crate::Lead;

/// Dower's transformation from Frank's leads X (to the left), Y (to the feet), Z (to the back) to I, II, V1 to V6.
///
/// Dower GE, Machado HB, Osborne JA. On deriving the electrocardiogram from vectorcardiographic leads.
/// Clinical Cardiology 3:87-95, 1980.
pub(crate) const DOWER: [[f64; 3]; 8] = [
    [0.632, -0.235, 0.059],
    [0.235, 1.066, -0.132],
    [-0.515, 0.157, -0.917],
    [0.044, 0.164, -1.387],
    [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601],
    [1.125, 0.127, -0.086],
    [0.831, 0.076, 0.230],
];

impl Lead {
    /// What the lead sees of the heart's dipole in Frank's frame (to the left, to the feet, to the back), by Dower's
    /// transformation; `None` for a lead that is not one of the twelve.
    pub fn vector(&self) -> Option<[f64; 3]> {
        let [one, two] = [DOWER[0], DOWER[1]];
        // Einthoven's law and Goldberger's definitions.
        let limb = |a: f64, b: f64| std::array::from_fn(|axis| a * one[axis] + b * two[axis]);
        Some(match self {
            Self::I => one,
            Self::II => two,
            Self::III => limb(-1.0, 1.0),
            Self::AVR => limb(-0.5, -0.5),
            Self::AVL => limb(1.0, -0.5),
            Self::AVF => limb(-0.5, 1.0),
            Self::V1 => DOWER[2],
            Self::V2 => DOWER[3],
            Self::V3 => DOWER[4],
            Self::V4 => DOWER[5],
            Self::V5 => DOWER[6],
            Self::V6 => DOWER[7],
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limb_leads_obey_their_laws() {
        let [one, two, three, right, left, foot] = [0, 1, 2, 3, 4, 5].map(|i| Lead::TWELVE[i].vector().unwrap());
        for axis in 0..3 {
            assert!((one[axis] + three[axis] - two[axis]).abs() < 1e-12);
            assert!((right[axis] + left[axis] + foot[axis]).abs() < 1e-12);
        }
        assert_eq!(Lead::Other("MLII".to_owned()).vector(), None);
    }
}
