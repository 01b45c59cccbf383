//! From a dataset's record to an example.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use einthoven_random::Stream;
use einthoven_signal::{InputContract, Pad, Prepared, Record, Scaling};

use crate::{AugmentConfig, Dataset, Result};

/// Prepares records in two steps, so that augmentation can come between: to the contract's leads, rate and length in
/// millivolts, and from there to the model's units. Without augmentation the two together are the contract.
pub(super) struct Preparer {
    dataset: Arc<Dataset>,
    to_millivolts: InputContract,
    to_input: InputContract,
    augment: AugmentConfig,
    /// Records after the first step.
    cache: Option<Vec<OnceLock<Record>>>,
}

impl Preparer {
    pub fn new(dataset: Arc<Dataset>, contract: &InputContract, augment: AugmentConfig, cache: bool) -> Self {
        let to_millivolts = InputContract {
            scaling: Scaling::None,
            gain: 1.0,
            // Padding is cut off again: it belongs after scaling.
            pad: Pad::End,
            ..contract.clone()
        };
        let to_input = InputContract { filter: None, ..contract.clone() };
        let cache = cache.then(|| (0..dataset.len()).map(|_| OnceLock::new()).collect());
        Self { dataset, to_millivolts, to_input, augment, cache }
    }

    /// The record at `index` as model input, augmented by the draws of `stream` if there is one.
    pub fn prepare(&self, index: usize, stream: Option<Stream>) -> Result<Prepared> {
        let record = self.millivolts(index)?;
        let prepared = match stream {
            Some(stream) if !self.augment.is_none() => {
                self.augmented(&record, stream).and_then(|record| self.to_input.prepare(&record))
            }
            _ => self.to_input.prepare(&record),
        };
        prepared.map_err(|source| self.dataset.record_error(index, source))
    }

    /// The record at `index` after the first step.
    fn millivolts(&self, index: usize) -> Result<Cow<'_, Record>> {
        let Some(slot) = self.cache.as_ref().map(|cache| &cache[index]) else {
            return Ok(Cow::Owned(self.read(index)?));
        };
        if let Some(record) = slot.get() {
            return Ok(Cow::Borrowed(record));
        }
        let record = self.read(index)?;
        // Another worker may have been faster: with the same record.
        Ok(Cow::Borrowed(slot.get_or_init(|| record)))
    }

    fn read(&self, index: usize) -> Result<Record> {
        let record = self.dataset.record(index)?;
        let first_step = || {
            let Prepared { mut samples, valid } = self.to_millivolts.prepare(&record)?;
            keep_valid(&mut samples, self.to_millivolts.samples, valid);
            let source = record.source().clone();
            let contract = &self.to_millivolts;
            Record::new(contract.leads.clone(), contract.sampling_rate, samples, source)
        };
        first_step().map_err(|source| self.dataset.record_error(index, source))
    }

    fn augmented(&self, record: &Record, mut stream: Stream) -> einthoven_signal::Result<Record> {
        let mut samples = record.samples().to_vec();
        let (length, rate) = (record.len(), record.sampling_rate());
        self.augment.apply(&mut samples, length, rate, &mut stream);
        let source = record.source().clone();
        Record::new(record.leads().to_vec(), rate, samples, source)
    }
}

/// Cuts every lead of `length` samples down to its first `valid` ones.
fn keep_valid(samples: &mut Vec<f32>, length: usize, valid: usize) {
    if valid == length {
        return;
    }
    let leads = samples.len() / length;
    for lead in 0..leads {
        samples.copy_within(lead * length..lead * length + valid, lead * valid);
    }
    samples.truncate(leads * valid);
    samples.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::keep_valid;

    #[test]
    fn padding_is_cut_off_each_lead() {
        let mut samples = vec![1.0, 2.0, 0.0, 3.0, 4.0, 0.0];
        keep_valid(&mut samples, 3, 2);
        assert_eq!(samples, [1.0, 2.0, 3.0, 4.0]);
    }
}
