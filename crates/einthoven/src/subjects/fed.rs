//! Recordings as an input contract prepares them, gaps and all.

use std::borrow::Cow;

use candle_core::{DType, Device, Tensor};
use einthoven_corpus::Leftovers;
use einthoven_eval::Embeddings;
use einthoven_eval::protocol::{Recording, Rows};
use einthoven_signal::{InputContract, LimbLeads, Missing, Prepared, Record};

use crate::Result;

/// Recordings that go through a network at once.
const BATCH: usize = 16;

/// What is fed under a contract, in words.
pub fn described(contract: &InputContract) -> String {
    let derived = match contract.limb_leads {
        LimbLeads::Derived => "limb leads computed from I and II, other ",
        LimbLeads::Recorded => "",
    };
    format!(
        "{} leads, {:.1} s at {} Hz; {derived}missing leads at 0 mV",
        contract.leads.len(),
        contract.samples as f64 / contract.sampling_rate,
        contract.sampling_rate
    )
}

/// Rows of `width` numbers that `forward` makes of batches, `[batch, leads, samples]` and the valid samples of each recording.
///
/// A lead that a recording lacks is derived where the contract says so, and is 0 mV throughout otherwise. A recording with none of the
/// contract's leads is refused, and one that cannot be resampled.
pub fn rows(
    contract: &InputContract,
    recordings: &[Recording],
    width: usize,
    forward: impl Fn(&Tensor, &[usize]) -> Result<Tensor>,
) -> Result<Rows> {
    let (kept, prepared, refused) = inputs(contract, recordings);
    let mut data = Vec::with_capacity(kept.len() * width);
    for batch in prepared.chunks(BATCH) {
        let (signals, valid) = stacked(contract, batch)?;
        data.extend(forward(&signals, &valid)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(Rows { values: Embeddings::new(kept.len(), width, data)?, kept, refused })
}

/// What `write` says of batches, as of [`rows`]; nothing of a recording that is refused.
pub fn texts(
    contract: &InputContract,
    recordings: &[Recording],
    write: impl Fn(&Tensor, &[usize]) -> Result<Vec<String>>,
) -> Result<Vec<String>> {
    let (kept, prepared, _) = inputs(contract, recordings);
    let mut texts = vec![String::new(); recordings.len()];
    for (places, batch) in kept.chunks(BATCH).zip(prepared.chunks(BATCH)) {
        let (signals, valid) = stacked(contract, batch)?;
        for (&place, text) in places.iter().zip(write(&signals, &valid)?) {
            texts[place] = text;
        }
    }
    Ok(texts)
}

/// The recordings that can be fed: their places, and what is fed; and the others.
fn inputs(contract: &InputContract, recordings: &[Recording]) -> (Vec<usize>, Vec<Prepared>, Leftovers) {
    let contract = InputContract { missing: Missing::LeadMeanOrZero, ..contract.clone() };
    let (mut kept, mut prepared, mut refused) = (Vec::new(), Vec::new(), Leftovers::default());
    for (place, (name, record)) in recordings.iter().enumerate() {
        match completed(&contract, record).and_then(|record| contract.prepare(&record)) {
            Ok(input) => {
                kept.push(place);
                prepared.push(input);
            }
            Err(error) => refused.push(name, error.to_string()),
        }
    }
    (kept, prepared, refused)
}

/// A batch `[batch, leads, samples]`, and the valid samples of each recording.
fn stacked(contract: &InputContract, batch: &[Prepared]) -> Result<(Tensor, Vec<usize>)> {
    let samples: Vec<f32> = batch.iter().flat_map(|input| &input.samples).copied().collect();
    let signals = Tensor::from_vec(samples, (batch.len(), contract.leads.len(), contract.samples), &Device::Cpu)?;
    Ok((signals, batch.iter().map(|input| input.valid).collect()))
}

/// The recording with all leads of the contract, those that it lacks without a sample.
pub fn completed<'a>(contract: &InputContract, record: &'a Record) -> einthoven_signal::Result<Cow<'a, Record>> {
    let lacks = |record: &Record| contract.leads.iter().any(|lead| record.lead(lead).is_none());
    let has_some = contract.leads.iter().any(|lead| record.lead(lead).is_some());
    if !has_some || !lacks(record) {
        return Ok(Cow::Borrowed(record));
    }
    let record = match contract.limb_leads {
        LimbLeads::Derived => record.clone().with_derived_limb_leads(),
        LimbLeads::Recorded => record.clone(),
    };
    let missing: Vec<_> = contract.leads.iter().filter(|lead| record.lead(lead).is_none()).cloned().collect();
    let mut samples = record.samples().to_vec();
    samples.resize(samples.len() + missing.len() * record.len(), f32::NAN);
    let leads = [record.leads(), &missing].concat();
    Ok(Cow::Owned(Record::new(leads, record.sampling_rate(), samples, record.source().clone())?))
}

#[cfg(test)]
mod tests {
    use einthoven_signal::{Lead, Scaling, Source};

    use super::*;

    #[test]
    fn missing_leads_are_derived_or_zero_and_strange_recordings_refused() {
        let record = |leads: &[Lead]| {
            let samples = (0..leads.len()).flat_map(|lead| vec![lead as f32 + 1.0; 10]).collect();
            ("r".to_owned(), Record::new(leads.to_vec(), 100.0, samples, Source::Memory).unwrap())
        };
        let recordings = [record(&Lead::TWELVE), record(&[Lead::I, Lead::II]), record(&[Lead::V9])];
        let contract = InputContract::twelve_leads(100.0, 10, Scaling::None);
        let first = |signals: &Tensor, _: &[usize]| Ok(signals.narrow(2, 0, 1)?.squeeze(2)?);
        let recorded = rows(&contract, &recordings, 12, first).unwrap();
        assert_eq!((recorded.kept.as_slice(), recorded.refused.count()), (&[0, 1][..], 1));
        assert_eq!(recorded.values.row(1), [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let derived = InputContract { limb_leads: LimbLeads::Derived, ..contract };
        let derived = rows(&derived, &recordings, 12, first).unwrap();
        assert_eq!(derived.values.row(1), [1.0, 2.0, 1.0, -1.5, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(derived.values.row(0), recorded.values.row(0));
    }
}
