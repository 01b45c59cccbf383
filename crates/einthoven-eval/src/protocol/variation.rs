//! Recordings as they might have been: with fewer leads, with noise, at another rate.

use einthoven_random::Streams;
use einthoven_signal::dsp::Resampler;
use einthoven_signal::{Lead, Record};
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// How a recording is changed before it is fed. Draws depend on the protocol's seed and the record's place alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variation {
    /// Only so many leads are left, the sets of the PhysioNet/CinC Challenge 2021 and lead I: 12; 6, those of the limbs; 4, I, II,
    /// III and V2; 3, I, II and V2; 2, I and II; 1, I.
    Leads(usize),
    /// White noise at so many dB below the lead's own power about its mean.
    NoiseDb(f64),
    /// So many leads, drawn anew for each recording, are lost.
    LostLeads(usize),
    /// Resampled to so many Hz.
    Rate(f64),
}

impl Variation {
    /// What tables call it.
    pub fn name(&self) -> String {
        match self {
            Self::Leads(1) => "1 lead".into(),
            Self::Leads(leads) => format!("{leads} leads"),
            Self::NoiseDb(ratio) => format!("noise at {ratio} dB"),
            Self::LostLeads(1) => "1 lead lost".into(),
            Self::LostLeads(leads) => format!("{leads} leads lost"),
            Self::Rate(rate) => format!("{rate} Hz"),
        }
    }

    /// What cannot be done, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        match *self {
            Self::Leads(count) if lead_set(count).is_none() => {
                Err(format!("there is no set of {count} leads; choose 12, 6, 4, 3, 2 or 1"))
            }
            Self::NoiseDb(ratio) if !ratio.is_finite() => Err("`noise-db` must be a number".into()),
            Self::Rate(rate) if !(rate > 0.0 && rate.is_finite()) => Err("`rate` must be above 0".into()),
            _ => Ok(()),
        }
    }

    /// The record at place `index`, changed.
    ///
    /// # Errors
    /// Those of a recording that would have no lead left, and of rates too far apart.
    pub fn apply(&self, record: Record, index: u64, streams: &Streams) -> einthoven_signal::Result<Record> {
        match *self {
            Self::Leads(count) => {
                let kept = lead_set(count).unwrap_or_default();
                with_leads(&record, |lead| kept.contains(lead))
            }
            Self::LostLeads(count) => {
                let mut leads = record.leads().to_vec();
                leads.shuffle(&mut streams.stream("protocol/lost-leads", &[index]));
                let lost = &leads[..count.min(leads.len())];
                with_leads(&record, |lead| !lost.contains(lead))
            }
            Self::NoiseDb(ratio) => {
                let mut samples = record.samples().to_vec();
                let mut stream = streams.stream("protocol/noise", &[index]);
                for lead in samples.chunks_exact_mut(record.len()) {
                    let deviation = deviation(lead) / 10f64.powf(ratio / 20.0);
                    for sample in lead {
                        let noise: f64 = StandardNormal.sample(&mut stream);
                        *sample += (deviation * noise) as f32;
                    }
                }
                Record::new(record.leads().to_vec(), record.sampling_rate(), samples, record.source().clone())
            }
            Self::Rate(rate) => {
                let resampler = Resampler::between(record.sampling_rate(), rate)?;
                let mut samples = Vec::new();
                for row in (0..record.leads().len()).map(|lead| record.row(lead)) {
                    let row: Vec<f64> = row.iter().map(|&sample| f64::from(sample)).collect();
                    samples.extend(resampler.run(&row).into_iter().map(|sample| sample as f32));
                }
                Record::new(record.leads().to_vec(), rate, samples, record.source().clone())
            }
        }
    }
}

fn lead_set(count: usize) -> Option<Vec<Lead>> {
    Some(match count {
        12 => Lead::TWELVE.to_vec(),
        6 => Lead::TWELVE[..6].to_vec(),
        4 => vec![Lead::I, Lead::II, Lead::III, Lead::V2],
        3 => vec![Lead::I, Lead::II, Lead::V2],
        2 => vec![Lead::I, Lead::II],
        1 => vec![Lead::I],
        _ => return None,
    })
}

/// The recording with those of its leads that are wanted.
fn with_leads(record: &Record, wanted: impl Fn(&Lead) -> bool) -> einthoven_signal::Result<Record> {
    let kept: Vec<usize> = (0..record.leads().len()).filter(|&lead| wanted(&record.leads()[lead])).collect();
    let leads = kept.iter().map(|&lead| record.leads()[lead].clone()).collect();
    let samples = kept.iter().flat_map(|&lead| record.row(lead)).copied().collect();
    Record::new(leads, record.sampling_rate(), samples, record.source().clone())
}

/// The standard deviation of the samples that are there.
fn deviation(lead: &[f32]) -> f64 {
    let there = || lead.iter().filter(|sample| !sample.is_nan()).map(|&sample| f64::from(sample));
    let count = there().count().max(1) as f64;
    let mean = there().sum::<f64>() / count;
    (there().map(|sample| (sample - mean).powi(2)).sum::<f64>() / count).sqrt()
}
