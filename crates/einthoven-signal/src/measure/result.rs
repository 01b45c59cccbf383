//! What a measurement says.

use serde::{Deserialize, Serialize};

use crate::Lead;

/// What was measured on a recording. What could not be measured is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// How fast the heart beats, and how evenly.
    pub rate: Rate,
    /// Whether the rhythm is regular, and whether there are P waves.
    pub rhythm: Rhythm,
    /// Durations, of the typical beat.
    pub intervals: Intervals,
    /// Directions in the frontal plane, of the typical beat.
    pub axes: Axes,
    /// Criteria of left ventricular hypertrophy, of the typical beat.
    pub voltage: Voltage,
    /// Each lead of the recording, in its order.
    pub leads: Vec<LeadMeasurements>,
    /// The typical beat: the average of the beats of the rhythm's shape. Times are in seconds from its R peak.
    pub typical: Option<Waves>,
    /// All beats, in order.
    pub beats: Vec<Beat>,
}

/// Heart rate and its variability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Mean ventricular rate, beats per minute: 60 over the mean interval between R peaks, premature beats included.
    pub heart_rate: Option<f64>,
    /// Standard deviation of the intervals between successive beats of the rhythm's shape, ms.
    pub sdnn_ms: Option<f64>,
    /// Root mean square of the differences between successive intervals of such beats, ms.
    pub rmssd_ms: Option<f64>,
}

/// Regularity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Irregularity index: the median difference between successive intervals, as a part of the median interval.
    ///
    /// Premature beats of another shape are left out. Below 0.03 in most sinus rhythms, 0.1 to 0.4 in atrial fibrillation.
    pub irregularity: Option<f64>,
    /// The index is that of an irregular rhythm, 0.08 or more.
    pub irregular: bool,
    /// How much alike the waves before the single QRS complexes are, −1 to 1: near 0 in atrial fibrillation.
    pub p_likeness: Option<f64>,
    /// There are P waves before the QRS complexes.
    pub p_waves: bool,
    /// Irregular and without P waves, as in atrial fibrillation.
    pub fibrillation_like: bool,
    /// Beats of another shape than the rhythm's.
    pub other_shapes: usize,
    /// Beats that follow a stimulus.
    pub paced: usize,
}

/// Durations, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Duration of P.
    pub p_ms: Option<f64>,
    /// Onset of P to onset of QRS.
    pub pr_ms: Option<f64>,
    /// Duration of QRS.
    pub qrs_ms: Option<f64>,
    /// Onset of QRS to end of T.
    pub qt_ms: Option<f64>,
    /// QT after Bazett (Heart 7:353, 1920): over the square root of the RR interval in seconds.
    pub qtc_bazett_ms: Option<f64>,
    /// QT after Fridericia (Acta Med. Scand. 53:469, 1920): over the cube root of the RR interval in seconds.
    pub qtc_fridericia_ms: Option<f64>,
}

/// Directions in the frontal plane, degrees from −180 to 180: 0 to the left arm, 90 to the feet.
///
/// They are those of the areas in I and aVF, aVF scaled by 2/√3 to I's strength.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Axes {
    /// Of the P wave.
    pub p: Option<f64>,
    /// Of QRS.
    pub qrs: Option<f64>,
    /// Of the T wave.
    pub t: Option<f64>,
}

/// Voltage criteria.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Voltage {
    /// S in V1 plus the larger R of V5 and V6, mV (Sokolow and Lyon, Am. Heart J. 37:161, 1949): 3.5 and more is high.
    pub sokolow_lyon_mv: Option<f64>,
    /// R in aVL plus S in V3, mV (Casale et al., J. Am. Coll. Cardiol. 6:572, 1985): above 2.0 in women and 2.8 in men
    /// is high.
    pub cornell_mv: Option<f64>,
    /// The Cornell voltage times the duration of QRS, mV ms (Molloy et al., J. Am. Coll. Cardiol. 20:1180, 1992): above
    /// 244 is high. Nothing is added for women, as the sex is not known.
    pub cornell_product_mv_ms: Option<f64>,
}

/// One lead of the typical beat. Voltages are in mV, from the level just before QRS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadMeasurements {
    /// The lead.
    pub lead: Lead,
    /// Height of the largest upward deflection of QRS; 0 if there is none.
    pub r_mv: Option<f64>,
    /// Depth of the largest downward deflection of QRS: of S, or of a Q wave or QS complex that is deeper; 0 if there is none.
    pub s_mv: Option<f64>,
    /// Depth of the downward deflection before the R wave; 0 if there is none.
    pub q_mv: Option<f64>,
    /// Level of the ST segment 60 ms after the end of QRS.
    pub st_mv: Option<f64>,
    /// Height of the P wave, with its sign.
    pub p_mv: Option<f64>,
    /// Height of the T wave, with its sign.
    pub t_mv: Option<f64>,
}

/// One beat.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// Time of the R peak, where the leads together are furthest from rest, in seconds from the first sample.
    pub r: f64,
    /// It has the shape of the rhythm's beats, as a conducted beat has and a ventricular premature one has not.
    pub usual_shape: bool,
    /// It comes early: after less than 85 % of the usual interval.
    pub premature: bool,
    /// A stimulus precedes it.
    pub paced: bool,
    /// Its waves, in seconds from the first sample.
    pub waves: Waves,
}

/// The waves of a beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waves {
    /// P; none in atrial fibrillation, for instance.
    pub p: Option<Wave>,
    /// QRS; its peak is the R peak.
    pub qrs: Option<Wave>,
    /// T.
    pub t: Option<Wave>,
}

/// When a wave begins, is largest and ends, s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Where the first lead leaves rest.
    pub onset: f64,
    /// Where the leads together are furthest from rest.
    pub peak: f64,
    /// Where the last lead comes back.
    pub offset: f64,
}
