//! Retrieval: does a recording find its caption among all captions, and a caption its recording?
//!
//! Pair `i` is signal `i` and text `i`. Captions are often alike word for word, so every item that has the same caption
//! as the query counts as right, and the best of them is the one ranked. A wrong item with exactly the same
//! similarity ranks before the right one ([`Ties::Pessimistic`]): a model that embeds everything alike finds nothing.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::embeddings::Embeddings;
use crate::error::{Result, same_length};
use crate::metrics::retrieval::{Ties, mean_reciprocal_rank, median_rank, rank, recall_at};

/// The `K` of Recall@K.
const CUTOFFS: [usize; 3] = [1, 5, 10];

/// How well records and captions find each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrievalResult {
    /// How many pairs there were.
    pub pairs: usize,
    /// How many of the captions were distinct.
    pub distinct_captions: usize,
    /// What ties counted for.
    pub ties: Ties,
    /// A recording asks for its caption.
    pub signal_to_text: Direction,
    /// A caption asks for its recording.
    pub text_to_signal: Direction,
}

/// One direction of retrieval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// Recall@1, @5 and @10.
    pub recall: Vec<Recall>,
    /// The median rank of the best right item; `None` without pairs.
    pub median_rank: Option<f64>,
    /// The mean of one over that rank; `None` without pairs.
    pub mean_reciprocal_rank: Option<f64>,
}

/// One Recall@K.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// How many of the first items count.
    pub k: usize,
    /// The fraction of queries with a right item among them; `None` without pairs.
    pub value: Option<f64>,
    /// What a random order would reach; `None` without pairs.
    pub chance: Option<f64>,
}

/// A caption found for a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The caption.
    pub text: String,
    /// Its cosine with the record.
    pub cosine: f64,
    /// Whether it is the record's own caption.
    pub right: bool,
}

/// Judges retrieval both ways; embeddings are of length one, row `i` of both with `captions[i]`.
pub fn judge(signals: &Embeddings, texts: &Embeddings, captions: &[String]) -> Result<RetrievalResult> {
    same_length("text embeddings for the signals", signals.rows(), texts.rows())?;
    same_length("captions for the signals", signals.rows(), captions.len())?;
    signals.same_width(texts)?;
    let groups = groups(captions);
    let mut sizes: HashMap<u32, usize> = HashMap::new();
    for &group in &groups {
        *sizes.entry(group).or_default() += 1;
    }
    let right: Vec<usize> = groups.iter().map(|group| sizes[group]).collect();
    Ok(RetrievalResult {
        pairs: captions.len(),
        distinct_captions: sizes.len(),
        ties: Ties::Pessimistic,
        signal_to_text: direction(signals, texts, &groups, &right)?,
        text_to_signal: direction(texts, signals, &groups, &right)?,
    })
}

/// The `count` distinct captions nearest to one record, nearest first; of captions at the same
/// distance the one that comes first.
pub fn best_matches(
    signal: &[f32],
    caption: &str,
    texts: &Embeddings,
    captions: &[String],
    count: usize,
) -> Result<Vec<Match>> {
    same_length("width of the signal's embedding", texts.width(), signal.len())?;
    same_length("captions for the texts", texts.rows(), captions.len())?;
    let cosines = texts.cosines_with(signal);
    let mut order: Vec<usize> = (0..captions.len()).collect();
    order.sort_by(|&a, &b| cosines[b].total_cmp(&cosines[a]));
    let mut matches: Vec<Match> = Vec::with_capacity(count);
    for index in order {
        if matches.len() == count {
            break;
        }
        let text = &captions[index];
        if matches.iter().all(|found| found.text != *text) {
            matches.push(Match { text: text.clone(), cosine: cosines[index], right: text == caption });
        }
    }
    Ok(matches)
}

/// Equal numbers for equal captions.
fn groups(captions: &[String]) -> Vec<u32> {
    let mut numbers = HashMap::new();
    captions
        .iter()
        .map(|caption| {
            let next = numbers.len() as u32;
            *numbers.entry(caption.as_str()).or_insert(next)
        })
        .collect()
}

fn direction(queries: &Embeddings, items: &Embeddings, groups: &[u32], right: &[usize]) -> Result<Direction> {
    let ranks: Vec<f64> = (0..queries.rows())
        .into_par_iter()
        .map(|query| {
            let similarity = items.cosines_with(queries.row(query));
            rank(&similarity, |item| groups[item] == groups[query], Ties::Pessimistic)
        })
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let recall = CUTOFFS.map(|k| Recall {
        k,
        value: recall_at(&ranks, k),
        chance: (!right.is_empty())
            .then(|| right.iter().map(|&right| chance(right, groups.len(), k)).sum::<f64>() / right.len() as f64),
    });
    Ok(Direction {
        recall: recall.into(),
        median_rank: median_rank(&ranks),
        mean_reciprocal_rank: mean_reciprocal_rank(&ranks),
    })
}

/// The probability that the first `k` of `items` in random order hold at least one of the `right` ones.
fn chance(right: usize, items: usize, k: usize) -> f64 {
    let missed = (0..k.min(items)).map(|place| (items - place).saturating_sub(right) as f64 / (items - place) as f64);
    1.0 - missed.product::<f64>()
}
