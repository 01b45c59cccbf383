//! The baseline without a network: what can be measured on a recording.

use einthoven_corpus::Leftovers;
use einthoven_eval::Embeddings;
use einthoven_eval::protocol::{Answer, Recording, Rows, Subject, SubjectCard};
use einthoven_signal::measure::{Measurements, measure};

/// Rises when features are added or computed in another way.
const VERSION: &str = "measurements 1";

/// Rate, rhythm, intervals, axes and voltages of the typical beat as a row of numbers, for linear classifiers.
///
/// Each feature has two numbers: its value, and whether it is missing. The value of a missing one is that of a healthy adult, so that
/// it speaks for nothing; an axis has sine and cosine. Age and sex are not among them.
#[derive(Clone, Debug)]
pub struct Measured {
    name: String,
}

impl Measured {
    /// The baseline under this name.
    pub fn new(name: String) -> Self {
        Self { name }
    }
}

impl Subject for Measured {
    fn card(&self) -> SubjectCard {
        SubjectCard {
            name: self.name.clone(),
            kind: "interval features".to_owned(),
            fed: "the leads that are there, at their own rate".to_owned(),
            fingerprint: VERSION.to_owned(),
        }
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        let (mut kept, mut data, mut refused) = (Vec::new(), Vec::new(), Leftovers::default());
        let mut width = 0;
        for (place, (name, record)) in recordings.iter().enumerate() {
            match measure(record) {
                Ok(measured) => {
                    let row = features(&measured);
                    width = row.len();
                    kept.push(place);
                    data.extend(row);
                }
                Err(error) => refused.push(name, error.to_string()),
            }
        }
        Ok(Rows { values: Embeddings::new(kept.len(), width, data)?, kept, refused })
    }
}

/// The features of a recording.
fn features(measured: &Measurements) -> Vec<f32> {
    let Measurements { rate, rhythm, intervals, axes, voltage, .. } = measured;
    let values = [
        (rate.heart_rate, 70.0),
        (rate.sdnn_ms, 30.0),
        (rate.rmssd_ms, 30.0),
        (rhythm.irregularity, 0.02),
        (rhythm.p_likeness, 0.8),
        (intervals.p_ms, 100.0),
        (intervals.pr_ms, 160.0),
        (intervals.qrs_ms, 95.0),
        (intervals.qt_ms, 390.0),
        (intervals.qtc_bazett_ms, 415.0),
        (intervals.qtc_fridericia_ms, 410.0),
        (voltage.sokolow_lyon_mv, 2.0),
        (voltage.cornell_mv, 1.2),
        (voltage.cornell_product_mv_ms, 115.0),
    ];
    let counts = [
        f64::from(u8::from(rhythm.irregular)),
        f64::from(u8::from(rhythm.p_waves)),
        f64::from(u8::from(rhythm.fibrillation_like)),
        rhythm.other_shapes as f64,
        rhythm.paced as f64,
    ];
    // Degrees of a healthy adult.
    let angles = [(axes.p, 55.0_f64), (axes.qrs, 45.0), (axes.t, 40.0)];
    let value = |(value, usual): (Option<f64>, f64)| [value.unwrap_or(usual), f64::from(u8::from(value.is_none()))];
    let angle = |(degrees, usual): (Option<f64>, f64)| {
        let radians = degrees.unwrap_or(usual).to_radians();
        [radians.sin(), radians.cos(), f64::from(u8::from(degrees.is_none()))]
    };
    let all = values.into_iter().flat_map(value).chain(counts).chain(angles.into_iter().flat_map(angle));
    all.map(|value| value as f32).collect()
}
