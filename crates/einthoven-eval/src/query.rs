//! Queries: how well free texts fit recordings.
//!
//! A cosine alone says little: one text lies near to every recording, another far from all. So every answer holds
//!
//! - `cosine`: between the recording's and the text's embedding, in [−1, 1];
//! - `logit`: the cosine times the model's learned scale, as in training;
//! - `probability`: the softmax of the logits over the texts of this query. It says which of *these* texts fits best,
//!   not whether any of them is true; with a single text it would always be 1 and is left out;
//! - `percentile`: the fraction of reference recordings (those of the validation split, say) that lie farther from the
//!   text than this one, those at the same distance counted half. 0.97 reads: the text fits this recording better than 97 %
//!   of the reference recordings. It is calibrated by ranking, not by outcome: no probability of disease. Without a
//!   reference set it is left out.

use serde::{Deserialize, Serialize};

use crate::embeddings::Embeddings;
use crate::error::{Result, no_nan, same_length};
use crate::metrics::ScoreTable;
use crate::reference::ReferenceSet;

/// The answers to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryResult {
    /// The texts asked for.
    pub texts: Vec<String>,
    /// The reference set that percentiles are of; `None` when the run has none.
    pub reference: Option<ReferenceInfo>,
    /// How the scores are to be read.
    pub notes: Vec<String>,
    /// One per record, in the order given.
    pub records: Vec<RecordAnswer>,
}

/// Which recordings percentiles are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceInfo {
    /// What they are called.
    pub name: String,
    /// How many they are.
    pub records: usize,
}

/// One record's answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordAnswer {
    /// The record.
    pub record: String,
    /// One per text, in the order of the texts.
    pub answers: Vec<Answer>,
}

/// How well one text fits one record; see the [module](self) for what the numbers mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Cosine of the two embeddings.
    pub cosine: f64,
    /// The cosine times the model's scale.
    pub logit: f64,
    /// Softmax over the query's texts; `None` for a single text.
    pub probability: Option<f64>,
    /// Fraction of reference records that the text fits less well; `None` without a reference set.
    pub percentile: Option<f64>,
}

impl RecordAnswer {
    /// The answers, the best fitting text first: by percentile where there is a reference set, else by cosine.
    pub fn ranked(&self) -> Vec<&Answer> {
        let key = |answer: &Answer| (answer.percentile.unwrap_or(0.0), answer.cosine);
        let mut answers: Vec<&Answer> = self.answers.iter().collect();
        answers.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
        });
        answers
    }
}

/// Scores every text for every record; embeddings are of length one, `logit_scale` is the model's (already exponentiated).
pub fn query(
    records: Vec<String>,
    signals: &Embeddings,
    texts: Vec<String>,
    text_embeddings: &Embeddings,
    logit_scale: f64,
    reference: Option<&ReferenceSet>,
) -> Result<QueryResult> {
    same_length("embeddings of the texts", texts.len(), text_embeddings.rows())?;
    let table = ScoreTable::new(records, texts, signals.cosines(text_embeddings)?)?;
    let reference_cosines = reference
        .filter(|reference| reference.embeddings.rows() > 0)
        .map(|reference| sorted_cosines(&reference.embeddings, text_embeddings))
        .transpose()?;
    let records = table.records().iter().enumerate().map(|(index, record)| {
        let cosines = table.row(index);
        let probabilities = softmax(cosines, logit_scale);
        let answers = table.classes().iter().enumerate().map(|(column, text)| Answer {
            text: text.clone(),
            cosine: cosines[column],
            logit: cosines[column] * logit_scale,
            probability: (cosines.len() > 1).then(|| probabilities[column]),
            percentile: reference_cosines.as_ref().map(|sorted| percentile(&sorted[column], cosines[column])),
        });
        RecordAnswer { record: record.clone(), answers: answers.collect() }
    });
    Ok(QueryResult {
        texts: table.classes().to_vec(),
        reference: reference
            .filter(|_| reference_cosines.is_some())
            .map(|set| ReferenceInfo { name: set.name.clone(), records: set.embeddings.rows() }),
        notes: notes(table.classes().len(), reference),
        records: records.collect(),
    })
}

fn notes(texts: usize, reference: Option<&ReferenceSet>) -> Vec<String> {
    let first = match reference {
        Some(set) if set.embeddings.rows() > 0 => format!(
            "percentile: the fraction of {} reference records ({}) that the text fits less well; a rank, not a probability of disease",
            set.embeddings.rows(),
            set.name
        ),
        _ => "no percentiles: the run holds no reference embeddings; cosines can be compared between records for one text, \
              not between texts"
            .into(),
    };
    let second = match texts {
        1 => "no probabilities: a softmax over a single text is always 1".into(),
        _ => "probability: a softmax over the texts of this query; it says which of them fits best, not whether one is true".into(),
    };
    vec![first, second]
}

/// For every text the cosines of the reference records, rising.
fn sorted_cosines(reference: &Embeddings, texts: &Embeddings) -> Result<Vec<Vec<f64>>> {
    let table = texts.cosines(reference)?;
    no_nan(&table)?;
    let mut rows: Vec<Vec<f64>> = table.chunks(reference.rows()).map(<[f64]>::to_vec).collect();
    for row in &mut rows {
        row.sort_by(f64::total_cmp);
    }
    Ok(rows)
}

/// The fraction of the `sorted` values below `value`, equal ones counted half.
fn percentile(sorted: &[f64], value: f64) -> f64 {
    let below = sorted.partition_point(|&other| other < value);
    let not_above = sorted.partition_point(|&other| other <= value);
    (below + not_above) as f64 / (2 * sorted.len()) as f64
}

fn softmax(cosines: &[f64], scale: f64) -> Vec<f64> {
    let greatest = cosines.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = cosines.iter().map(|cosine| ((cosine - greatest) * scale).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}
