//! CIDEr-D (Vedantam, Zitnick and Parikh, CVPR 2015, arXiv 1411.5726).

use std::collections::BTreeMap;

use super::words::n_grams;

/// The longest runs of words that count.
const ORDER: usize = 4;
/// How far lengths may differ: the standard deviation of a Gaussian, in runs of two words.
const SIGMA: f64 = 6.0;
/// What the published score is multiplied by.
const FACTOR: f64 = 10.0;

/// Runs of words of one length by their TF-IDF weights.
type Weights<'a> = BTreeMap<&'a [String], f64>;

/// A text as vectors of TF-IDF weights.
struct Vectors<'a> {
    /// By length of the run.
    weights: [Weights<'a>; ORDER],
    norms: [f64; ORDER],
    /// Runs of two words, by which lengths are compared.
    pairs: f64,
}

/// The score of each caption against its references, from 0 to 10; a run of words counts the less, the more records' references
/// have it. References of a single record leave every run without weight, and the score is 0.
///
/// It is what `pycocoevalcap` computes, which compares lengths by runs of two words.
pub fn cider_d(generated: &[Vec<String>], references: &[Vec<Vec<String>>]) -> Vec<f64> {
    let mut records_with: BTreeMap<&[String], u64> = BTreeMap::new();
    for texts in references {
        let counts = texts.iter().flat_map(|words| (1..=ORDER).map(|order| n_grams(words, order)));
        let runs: std::collections::BTreeSet<&[String]> = counts.flat_map(BTreeMap::into_keys).collect();
        for run in runs {
            *records_with.entry(run).or_default() += 1;
        }
    }
    let records = (references.len() as f64).ln();
    let rarity = |run: &[String]| records - (*records_with.get(run).unwrap_or(&1) as f64).ln();
    let score = |(generated, references): (&Vec<String>, &Vec<Vec<String>>)| {
        let generated = Vectors::new(generated, rarity);
        let similarity = |reference: &Vec<String>| generated.similarity(&Vectors::new(reference, rarity));
        let sum: f64 = references.iter().map(similarity).sum();
        if references.is_empty() { 0.0 } else { FACTOR * sum / references.len() as f64 }
    };
    generated.iter().zip(references).map(score).collect()
}

impl<'a> Vectors<'a> {
    fn new(words: &'a [String], rarity: impl Fn(&[String]) -> f64) -> Self {
        let weight = |(run, count): (&'a [String], u64)| (run, count as f64 * rarity(run));
        let weights: [Weights<'a>; ORDER] =
            std::array::from_fn(|order| n_grams(words, order + 1).into_iter().map(weight).collect());
        let norm = |weights: &Weights<'_>| weights.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        Self {
            norms: std::array::from_fn(|order| norm(&weights[order])),
            weights,
            pairs: words.windows(2).len() as f64,
        }
    }

    /// The mean over lengths of the cosine of the vectors, weights cut to the reference's, damped where lengths differ.
    fn similarity(&self, reference: &Self) -> f64 {
        let cosine = |order: usize| {
            let theirs = &reference.weights[order];
            let product = |(run, weight): (&&[String], &f64)| theirs.get(run).map(|other| weight.min(*other) * other);
            let sum: f64 = self.weights[order].iter().filter_map(product).sum();
            let norms = self.norms[order] * reference.norms[order];
            if norms == 0.0 { sum } else { sum / norms }
        };
        let damping = (-(self.pairs - reference.pairs).powi(2) / (2.0 * SIGMA * SIGMA)).exp();
        damping * (0..ORDER).map(cosine).sum::<f64>() / ORDER as f64
    }
}
