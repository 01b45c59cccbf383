//! How well the recordings of a dataset were recorded.

use std::collections::BTreeSet;

use einthoven_signal::measure;
use rayon::prelude::*;
use serde::Serialize;

use crate::stats::{by_frequency, count};
use crate::{Count, Dataset, Leftovers};

/// The classes that a recording's score falls into, each a tenth wide.
const TENTHS: usize = 10;

/// The quality of a dataset's recordings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Recordings by the mean score of their leads, from 0 (of no use) to 1, in tenths.
    pub scores: Vec<Count>,
    /// Recordings with a lead that has a defect, by the kind of it, and those without any.
    pub defects: Vec<Count>,
    /// The recordings that could not be read.
    pub unreadable: Leftovers,
}

impl Dataset {
    /// Reads every recording and judges its leads by [`measure::quality`]. What cannot be read is in
    /// [`Quality::unreadable`].
    pub fn quality(&self) -> Quality {
        let judged: Vec<_> = (0..self.len())
            .into_par_iter()
            .map(|index| {
                let leads = measure::quality(&self.record(index)?);
                let score = leads.iter().map(|lead| lead.score).sum::<f64>() / leads.len() as f64;
                let kinds: BTreeSet<_> =
                    leads.iter().flat_map(|lead| &lead.defects).map(|defect| defect.kind()).collect();
                Ok((score, kinds))
            })
            .collect::<Vec<crate::Result<_>>>();
        let mut unreadable = Leftovers::default();
        for (entry, result) in self.entries.iter().zip(&judged) {
            if let Err(error) = result {
                unreadable.push(&entry.id, error.to_string());
            }
        }
        let readable = || judged.iter().filter_map(|result| result.as_ref().ok());
        let tenth = |(score, _): &(f64, _)| ((score * TENTHS as f64) as usize).min(TENTHS - 1);
        let bounds = |tenth: usize| [tenth, tenth + 1].map(|bound| bound as f64 / TENTHS as f64);
        let kinds = readable().flat_map(|(_, kinds)| match kinds.is_empty() {
            true => vec!["none"],
            false => kinds.iter().copied().collect(),
        });
        Quality {
            scores: count(readable().map(tenth), |&tenth| {
                let [low, high] = bounds(tenth);
                format!("{low:.1}-{high:.1}")
            }),
            defects: by_frequency(count(kinds, ToString::to_string)),
            unreadable,
        }
    }
}
