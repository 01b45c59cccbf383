//! Waves that were marked by hand, lead by lead, as in LUDB and the QT Database.

use std::path::Path;

use super::{Annotation, Annotations, read_annotations};
use crate::{Lead, Result};

/// The symbols of beats (WFDB Applications Guide, ecgcodes).
const BEATS: [&str; 19] =
    ["N", "L", "R", "B", "A", "a", "J", "S", "V", "r", "F", "e", "j", "n", "E", "/", "f", "Q", "?"];

/// A wave of the ECG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaveKind {
    /// The P wave.
    P,
    /// The QRS complex.
    Qrs,
    /// The T wave.
    T,
}

/// A wave that was marked in one lead, in samples from the record's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkedWave {
    /// Which wave it is.
    pub kind: WaveKind,
    /// Where it begins, if that is marked.
    pub onset: Option<i64>,
    /// Where it is largest.
    pub peak: i64,
    /// Where it ends, if that is marked.
    pub offset: Option<i64>,
}

/// The waves that `annotations` of one lead mark: `(`, then `p`, a beat's symbol such as `N`, or `t`, then `)`.
pub fn marked_waves(annotations: &[Annotation]) -> Vec<MarkedWave> {
    let mut waves: Vec<MarkedWave> = Vec::new();
    let (mut onset, mut open) = (None, false);
    for annotation in annotations {
        let kind = match annotation.symbol.as_str() {
            "p" => WaveKind::P,
            "t" => WaveKind::T,
            beat if BEATS.contains(&beat) => WaveKind::Qrs,
            "(" => {
                (onset, open) = (Some(annotation.sample), false);
                continue;
            }
            ")" => {
                if let Some(wave) = waves.last_mut().filter(|_| open) {
                    wave.offset = Some(annotation.sample);
                }
                open = false;
                continue;
            }
            _ => continue,
        };
        waves.push(MarkedWave { kind, onset: onset.take(), peak: annotation.sample, offset: None });
        open = true;
    }
    waves
}

/// Reads the annotations of one lead of a record, as LUDB has them: beside the header `1.hea`, in `1.avr` those of aVR.
///
/// # Errors
/// Those of [`read_annotations`].
pub fn read_lead_annotations(header: &Path, lead: &Lead) -> Result<Annotations> {
    read_annotations(&header.with_extension(lead.name().to_lowercase()))
}
