//! How simulated recordings are recorded.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use crate::{Error, Result};

/// Which patients are simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Twelve frequent conditions with textbook shapes. It never changes: figures stay comparable.
    #[default]
    Core,
    /// Every [`Condition`], as frequent and as varied as in a large clinical archive.
    Broad,
}

impl Population {
    /// The conditions that its patients can have, in order.
    pub fn conditions(self) -> &'static [Condition] {
        match self {
            Self::Core => &Condition::CORE,
            Self::Broad => &Condition::ALL,
        }
    }
}

/// Length, sampling rate and disturbances of simulated recordings.
///
/// Levels are root mean squares in millivolts of the leads I, II and V1 to V6; zero switches a disturbance off. The
/// other limb leads follow from I and II, so Einthoven's law holds for the disturbances too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Which patients are simulated.
    pub population: Population,
    /// Samples per second, 50 to 10,000 Hz.
    pub sampling_rate: f64,
    /// Length, 5 to 3,600 s.
    pub seconds: f64,
    /// White noise, mV.
    pub noise_mv: f64,
    /// Muscle noise (fast, in swelling and fading bursts), mV.
    pub muscle_mv: f64,
    /// Hum of the mains, mV; left out when `mains_hz` is not below half the sampling rate.
    pub mains_mv: f64,
    /// Frequency of the mains, Hz.
    pub mains_hz: f64,
    /// Baseline wander by breathing and slow drift, mV.
    pub baseline_wander_mv: f64,
    /// Chance that an electrode comes off for a part of the recording, 0 to 1: the leads it serves then show hum and drift.
    pub loose_electrode: f64,
}

impl Default for SimulatorConfig {
    /// 10 s at 500 Hz with the disturbances of a resting ECG taken with care.
    fn default() -> Self {
        Self {
            population: Population::Core,
            sampling_rate: 500.0,
            seconds: 10.0,
            noise_mv: 0.008,
            muscle_mv: 0.008,
            mains_mv: 0.002,
            mains_hz: 50.0,
            baseline_wander_mv: 0.05,
            loose_electrode: 0.0,
        }
    }
}

impl SimulatorConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::SimulatorSetting`] naming the first field that is out of its range.
    pub fn validate(&self) -> Result<()> {
        let fields = [
            ("sampling_rate", self.sampling_rate, 50.0, 10_000.0),
            ("seconds", self.seconds, 5.0, 3_600.0),
            ("noise_mv", self.noise_mv, 0.0, 10.0),
            ("muscle_mv", self.muscle_mv, 0.0, 10.0),
            ("mains_mv", self.mains_mv, 0.0, 10.0),
            ("mains_hz", self.mains_hz, 1.0, 1_000.0),
            ("baseline_wander_mv", self.baseline_wander_mv, 0.0, 10.0),
            ("loose_electrode", self.loose_electrode, 0.0, 1.0),
        ];
        for (field, value, low, high) in fields {
            if !(low..=high).contains(&value) {
                return Err(Error::SimulatorSetting { field, value, low, high });
            }
        }
        Ok(())
    }

    /// Samples of each lead.
    pub fn samples(&self) -> usize {
        (self.seconds * self.sampling_rate).round() as usize
    }
}
