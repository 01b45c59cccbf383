//! From a dataset's record to an example.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use einthoven_random::Stream;
use einthoven_signal::{InputContract, Pad, Prepared, Record, Scaling};

use crate::{AugmentConfig, Dataset, Error, Result};

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
    /// A preparer of the dataset's records.
    ///
    /// # Errors
    /// [`Error::OtherContract`] for shards that were made under a contract with another first step.
    pub fn new(dataset: Arc<Dataset>, contract: &InputContract, augment: AugmentConfig, cache: bool) -> Result<Self> {
        let to_millivolts = InputContract {
            scaling: Scaling::None,
            gain: 1.0,
            // Padding is cut off again: it belongs after scaling.
            pad: Pad::End,
            ..contract.clone()
        };
        let to_input = InputContract { filter: None, ..contract.clone() };
        let cache = cache.then(|| (0..dataset.len()).map(|_| OnceLock::new()).collect());
        if let Some(field) = dataset.prepared().and_then(|prepared| difference(prepared, &to_millivolts)) {
            return Err(Error::OtherContract { dataset: dataset.name.clone(), field });
        }
        Ok(Self { dataset, to_millivolts, to_input, augment, cache })
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
        match self.dataset.prepared() {
            Some(_) => self.dataset.record(index),
            None => first_step(&self.dataset, &self.to_millivolts, index),
        }
    }

    fn augmented(&self, record: &Record, mut stream: Stream) -> einthoven_signal::Result<Record> {
        let rate = record.sampling_rate();
        let samples = self.augment.apply(record.samples().to_vec(), record.leads(), rate, &mut stream);
        Record::new(record.leads().to_vec(), rate, samples, record.source().clone())
    }
}

/// The record at `index` under `contract`, which keeps millivolts, without its padding.
pub(crate) fn first_step(dataset: &Dataset, contract: &InputContract, index: usize) -> Result<Record> {
    let record = dataset.record(index)?;
    let prepare = || {
        let Prepared { mut samples, valid } = contract.prepare(&record)?;
        keep_valid(&mut samples, contract.samples, valid);
        Record::new(contract.leads.clone(), contract.sampling_rate, samples, record.source().clone())
    };
    prepare().map_err(|source| dataset.record_error(index, source))
}

/// The first key in which two contracts differ.
fn difference(a: &InputContract, b: &InputContract) -> Option<&'static str> {
    [
        ("leads", a.leads != b.leads),
        ("sampling_rate", a.sampling_rate != b.sampling_rate),
        ("samples", a.samples != b.samples),
        ("crop", a.crop != b.crop),
        ("limb_leads", a.limb_leads != b.limb_leads),
        ("missing", a.missing != b.missing),
        ("filter", a.filter != b.filter),
    ]
    .into_iter()
    .find_map(|(field, differs)| differs.then_some(field))
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
