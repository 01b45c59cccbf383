//! BLEU (Papineni et al., ACL 2002).

use std::collections::BTreeMap;

use super::words::n_grams;

/// The longest runs of words that BLEU-4 counts.
const ORDER: usize = 4;

/// What BLEU counts of one caption, or of many together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BleuCounts {
    /// Runs of 1 to 4 words that a reference has too, each counted as often as in the reference that has it most.
    matched: [u64; ORDER],
    /// All runs of 1 to 4 words.
    total: [u64; ORDER],
    /// Words of the caption.
    generated: u64,
    /// Words of the reference nearest to it in length; of two as near, the shorter one.
    reference: u64,
}

impl BleuCounts {
    /// The counts of one caption against its references.
    pub fn new(generated: &[String], references: &[Vec<String>]) -> Self {
        let length = generated.len();
        let nearest = references.iter().map(Vec::len).min_by_key(|&other| (other.abs_diff(length), other));
        let mut counts = Self { generated: length as u64, reference: nearest.unwrap_or(0) as u64, ..Self::default() };
        for order in 0..ORDER {
            let of_references: Vec<_> = references.iter().map(|words| n_grams(words, order + 1)).collect();
            let most = |run| of_references.iter().filter_map(|counts: &BTreeMap<_, _>| counts.get(run)).max().copied();
            for (run, count) in n_grams(generated, order + 1) {
                counts.matched[order] += count.min(most(run).unwrap_or(0));
                counts.total[order] += count;
            }
        }
        counts
    }

    /// Adds another caption's counts, `times` over.
    pub fn add(&mut self, other: &Self, times: u64) {
        for order in 0..ORDER {
            self.matched[order] += other.matched[order] * times;
            self.total[order] += other.total[order] * times;
        }
        self.generated += other.generated * times;
        self.reference += other.reference * times;
    }

    /// BLEU-4, from 0 to 1: the geometric mean of the four precisions, times `exp(1 − r/c)` where the captions have fewer
    /// words (c) than the references (r). Nothing is smoothed: it is 0 without a common run of four words.
    pub fn score(&self) -> f64 {
        if self.matched.contains(&0) {
            return 0.0;
        }
        let precision = |order: usize| self.matched[order] as f64 / self.total[order] as f64;
        let log_mean = (0..ORDER).map(|order| precision(order).ln()).sum::<f64>() / ORDER as f64;
        let brevity = (1.0 - self.reference as f64 / self.generated as f64).min(0.0);
        (log_mean + brevity).exp()
    }
}
