//! Writing records.

use std::path::Path;

use crate::format::write_atomically;
use crate::{Error, Record, Result};

/// Steps per millivolt that recorders and databases use; the first that keeps every sample of a lead is its gain.
const GAINS: [f64; 8] = [200.0, 1000.0, 400.0, 500.0, 204.8, 2000.0, 2500.0, 10_000.0];

/// The largest value stored, and the smallest without its sign.
const LARGEST: f64 = 32_767.0;

/// What a missing sample is stored as.
const MISSING: i16 = i16::MIN;

/// Bits of the largest baseline, with room to 32 for what is added to it.
const BASELINE_BITS: i32 = 30;

/// Writes a recording as a WFDB record in storage format 16: the header file and beside it a `.dat` file of its name.
///
/// Samples that are whole steps of 5, 2.5, 2, 1, 0.5, 0.4 or 0.1 µV or of an ADC of 204.8 steps per millivolt, as are
/// those of most recorders, are read back as they were. Others are rounded to steps of a 65,000th of their lead's range.
/// Comments are kept, notes are not. The header replaces what was there last, so that it never names a file that is not
/// complete.
///
/// # Errors
/// [`Error::RecordName`] if the header's name cannot be that of a record; [`Error::Write`].
pub fn write(record: &Record, header: &Path) -> Result<()> {
    let name =
        header.file_stem().and_then(|stem| stem.to_str()).filter(|_| header.extension().is_some_and(|e| e == "hea"));
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let Some(name) = name.filter(|name| name.chars().all(allowed)) else {
        return Err(Error::RecordName { path: header.to_owned() });
    };

    let count = record.leads().len();
    let mut text = format!("{name} {count} {} {}\n", record.sampling_rate(), record.len());
    let mut values = vec![0; count * record.len()];
    for (i, lead) in record.leads().iter().enumerate() {
        let row = record.row(i);
        let scale = Scale::of(row);
        let mut checksum = 0_i16;
        for (frame, &sample) in values.chunks_exact_mut(count).zip(row) {
            frame[i] = scale.store(sample);
            checksum = checksum.wrapping_add(frame[i]);
        }
        let Scale { gain, baseline } = scale;
        // A name of another kind of file may have characters that would end the line.
        let lead = lead.name().replace(char::is_control, " ");
        let first = values[i];
        text += &format!("{name}.dat 16 {gain}({baseline})/mV 16 0 {first} {checksum} 0 {lead}\n");
    }
    for line in record.comments().iter().flat_map(|comment| comment.lines()) {
        text += &format!("# {line}\n");
    }

    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    write_atomically(&header.with_extension("dat"), &bytes)?;
    write_atomically(header, text.as_bytes())
}

/// How the millivolts of a lead become stored values.
struct Scale {
    /// Steps per millivolt.
    gain: f64,
    /// The value of 0 mV.
    baseline: i32,
}

impl Scale {
    /// The scale that keeps a lead's samples, or keeps them best.
    fn of(row: &[f32]) -> Self {
        let present = || row.iter().filter(|x| !x.is_nan());
        let (low, high) = present()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x.into()), high.max(x.into())));
        if low > high {
            return Self { gain: GAINS[0], baseline: 0 };
        }
        let exact = GAINS.iter().map(|&gain| Self::with_gain(gain, low, high)).find(|scale| {
            (high - low) * scale.gain <= 2.0 * LARGEST - 1.0
                && present().all(|&sample| scale.restore(scale.store(sample)) == sample)
        });
        exact.unwrap_or_else(|| {
            let middle = (low / 2.0 + high / 2.0).abs();
            if low == high {
                // A constant lead is a whole number of steps of its own.
                return Self::with_gain(2_f64.powi(14) / middle, low, high);
            }
            // An offset far larger than the range must leave a baseline of 32 bits.
            let gain = ((2.0 * LARGEST - 1.0) / (high - low)).min(2_f64.powi(BASELINE_BITS) / middle);
            Self::with_gain(if gain > 1e3 { gain.floor() } else { gain }, low, high)
        })
    }

    /// The scale of a gain, with a baseline only where the samples between `low` and `high` need one.
    fn with_gain(gain: f64, low: f64, high: f64) -> Self {
        let fits = low.abs().max(high.abs()) * gain <= LARGEST;
        let baseline = if fits { 0 } else { -((low / 2.0 + high / 2.0) * gain).round() as i32 };
        Self { gain, baseline }
    }

    fn store(&self, sample: f32) -> i16 {
        if sample.is_nan() {
            return MISSING;
        }
        let value = (f64::from(sample) * self.gain).round() + f64::from(self.baseline);
        value.clamp(-LARGEST, LARGEST) as i16
    }

    /// What a reader makes of a stored value.
    fn restore(&self, value: i16) -> f32 {
        ((f64::from(value) - f64::from(self.baseline)) / self.gain) as f32
    }
}
