//! Ranks and recall of retrieval.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, same_length};

/// What a wrong item with exactly the score of the right one counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// It ranks behind the right one. A model that scores everything alike looks perfect.
    Optimistic,
    /// It ranks before the right one. A model that scores everything alike looks useless, as it is.
    Pessimistic,
    /// It ranks half before, half behind.
    Average,
}

/// The rank (from 1) of the best right item among `scores`; `None` when no item is right.
///
/// Other right items are never in the way: `1 + wrong items with a greater score`, and ties with
/// wrong items as `ties` says. Fails on NaN.
pub fn rank(scores: &[f64], is_right: impl Fn(usize) -> bool, ties: Ties) -> Result<Option<f64>> {
    if let Some(item) = scores.iter().position(|score| score.is_nan()) {
        return Err(Error::NotANumber { class: format!("item {item}"), record: "the query".into() });
    }
    let right = (0..scores.len()).filter(|&item| is_right(item)).map(|item| scores[item]);
    let Some(best) = right.reduce(f64::max) else {
        return Ok(None);
    };
    let (mut greater, mut equal) = (0usize, 0usize);
    for (item, &score) in scores.iter().enumerate() {
        if score >= best && !is_right(item) {
            if score > best {
                greater += 1;
            } else {
                equal += 1;
            }
        }
    }
    let rank = 1.0 + greater as f64;
    Ok(Some(match ties {
        Ties::Optimistic => rank,
        Ties::Pessimistic => rank + equal as f64,
        Ties::Average => rank + equal as f64 / 2.0,
    }))
}

/// Ranks of every row of a square similarity matrix, row `i` belonging to column `i` and to all
/// columns of the same group where `groups` are given.
pub fn ranks(similarity: &[Vec<f64>], groups: Option<&[u32]>, ties: Ties) -> Result<Vec<f64>> {
    let size = similarity.len();
    if let Some(groups) = groups {
        same_length("groups for the rows", size, groups.len())?;
    }
    let mut ranks = Vec::with_capacity(size);
    for (row, scores) in similarity.iter().enumerate() {
        same_length("columns of the square matrix", size, scores.len())?;
        let is_right = |column: usize| column == row || groups.is_some_and(|g| g[column] == g[row]);
        ranks.extend(rank(scores, is_right, ties)?);
    }
    Ok(ranks)
}

/// Recall@K: the fraction of ranks that are at most `k`; `None` without ranks.
pub fn recall_at(ranks: &[f64], k: usize) -> Option<f64> {
    let hits = ranks.iter().filter(|&&rank| rank <= k as f64).count();
    (!ranks.is_empty()).then(|| hits as f64 / ranks.len() as f64)
}

/// The median rank (mean of the two middle ones for an even count); `None` without ranks.
pub fn median_rank(ranks: &[f64]) -> Option<f64> {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        even if even % 2 == 0 => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}

/// The mean of `1 / rank`; `None` without ranks.
pub fn mean_reciprocal_rank(ranks: &[f64]) -> Option<f64> {
    let sum: f64 = ranks.iter().map(|rank| 1.0 / rank).sum();
    (!ranks.is_empty()).then(|| sum / ranks.len() as f64)
}
