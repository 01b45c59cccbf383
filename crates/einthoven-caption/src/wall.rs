//! The walls of the left ventricle and the leads that look at them.

use einthoven_signal::Lead;
use serde::{Deserialize, Serialize};

/// A wall of the left ventricle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wall {
    /// The interventricular septum.
    Septal,
    /// The anterior wall.
    Anterior,
    /// The lateral wall.
    Lateral,
    /// The inferior, diaphragmatic wall.
    Inferior,
    /// The posterior, inferobasal wall, which the standard leads see as a mirror image only.
    Posterior,
}

impl Wall {
    /// All walls.
    pub const ALL: [Self; 5] = [Self::Septal, Self::Anterior, Self::Lateral, Self::Inferior, Self::Posterior];

    /// The name: `septal`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Septal => "septal",
            Self::Anterior => "anterior",
            Self::Lateral => "lateral",
            Self::Inferior => "inferior",
            Self::Posterior => "posterior",
        }
    }

    /// The standard leads that show the wall, as the recommendations of AHA, ACCF and HRS group them (part VI, 2009).
    pub fn leads(self) -> &'static [Lead] {
        match self {
            Self::Septal => &[Lead::V1, Lead::V2],
            Self::Anterior => &[Lead::V3, Lead::V4],
            Self::Lateral => &[Lead::I, Lead::AVL, Lead::V5, Lead::V6],
            Self::Inferior => &[Lead::II, Lead::III, Lead::AVF],
            Self::Posterior => &[Lead::V1, Lead::V2, Lead::V3],
        }
    }
}
