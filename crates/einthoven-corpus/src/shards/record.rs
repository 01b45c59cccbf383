//! A record's samples as bytes and back.

use super::Storage;

/// The largest whole number of a step.
const LARGEST: f32 = 32_767.0;

impl Storage {
    /// Bytes of a record of `leads` leads with `valid` samples each.
    pub(super) fn bytes(self, leads: usize, valid: usize) -> Option<usize> {
        let samples = leads.checked_mul(valid)?;
        match self {
            Self::F32 => samples.checked_mul(4),
            Self::I16 => samples.checked_mul(2)?.checked_add(leads.checked_mul(4)?),
        }
    }

    /// The bytes of `samples`, leads of `valid` samples one after the other.
    pub(super) fn encode(self, samples: &[f32], valid: usize) -> Vec<u8> {
        if self == Self::F32 {
            return samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        }
        let factors: Vec<f32> = samples.chunks_exact(valid).map(factor).collect();
        let mut bytes: Vec<u8> = factors.iter().flat_map(|factor| factor.to_le_bytes()).collect();
        for (lead, factor) in samples.chunks_exact(valid).zip(factors) {
            bytes.extend(lead.iter().flat_map(|sample| ((sample / factor).round() as i16).to_le_bytes()));
        }
        bytes
    }

    /// The samples in `bytes`.
    pub(super) fn decode(self, bytes: &[u8], leads: usize, valid: usize) -> Vec<f32> {
        if self == Self::F32 {
            return bytes.as_chunks().0.iter().map(|&sample| f32::from_le_bytes(sample)).collect();
        }
        let (factors, steps) = bytes.split_at(4 * leads);
        let factors = factors.as_chunks().0.iter().map(|&factor| f32::from_le_bytes(factor));
        let leads = steps.chunks_exact(2 * valid).zip(factors);
        let samples = leads.flat_map(|(lead, factor)| {
            lead.as_chunks().0.iter().map(move |&step| f32::from(i16::from_le_bytes(step)) * factor)
        });
        samples.collect()
    }
}

/// A step of a lead, in millivolts.
fn factor(lead: &[f32]) -> f32 {
    let largest = lead.iter().fold(0.0, |largest: f32, sample| largest.max(sample.abs()));
    let factor = largest / LARGEST;
    // A lead so flat that its step would vanish is flat.
    if factor.is_normal() { factor } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back() {
        let samples = [0.1, -2.5, 0.333_333_34, 1e-20, 0.0, -1e-20];
        for storage in [Storage::F32, Storage::I16] {
            let bytes = storage.encode(&samples, 3);
            assert_eq!(Some(bytes.len()), storage.bytes(2, 3));
            let back = storage.decode(&bytes, 2, 3);
            let half_a_step = if storage == Storage::F32 { 0.0 } else { 0.5 * 2.5 / LARGEST * 1.0001 };
            for (sample, back) in samples.iter().zip(&back) {
                assert!((sample - back).abs() <= half_a_step, "{sample} {back}");
            }
        }
        assert_eq!(Storage::I16.bytes(usize::MAX / 2, 3), None);
    }
}
