//! Captioning: how near what a model writes comes to what was written of the recording.
//!
//! All scores are over the [words](words()) of a text. [BLEU-4](BleuCounts) is of the whole corpus; [ROUGE-L](rouge_l()),
//! [METEOR](meteor()) and [CIDEr-D](cider_d()) are means over records. They reward wording; whether the *findings* are right,
//! the [concepts](concepts()) say: "no atrial fibrillation" and "atrial fibrillation" share most words and no concept.
//!
//! Intervals come from records drawn with replacement. CIDEr-D's weights of rare words stay those of all records' references.

mod bleu;
mod cider;
mod concepts;
mod meteor;
mod rouge;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use einthoven_caption::KnowledgeBase;
use einthoven_random::Streams;
use serde::{Deserialize, Serialize};

pub use bleu::BleuCounts;
pub use cider::cider_d;
pub use concepts::{Agreement, ConceptAgreement, ConceptRow, agreement, concepts};
pub use meteor::{Synonyms, meteor};
pub use rouge::rouge_l;
pub use words::words;

use crate::bootstrap::{BootstrapConfig, Estimate, estimates, weighted_mean};
use crate::error::{Error, Result, same_length};

/// How well a model writes captions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptioningResult {
    /// How many records there were.
    pub records: usize,
    /// BLEU-4 of the corpus, 0 to 1.
    pub bleu_4: Estimate,
    /// Mean ROUGE-L, 0 to 1.
    pub rouge_l: Estimate,
    /// Mean METEOR of this crate's kind, 0 to 1; not METEOR 1.5.
    pub meteor: Estimate,
    /// Mean CIDEr-D, 0 to 10.
    pub cider_d: Estimate,
    /// Of the concepts that captions name, the fraction that the references name.
    pub concept_precision: Estimate,
    /// Of the concepts that the references name, the fraction that captions name.
    pub concept_recall: Estimate,
    /// F1 over all namings.
    pub concept_f1_micro: Estimate,
    /// Mean F1 of the concepts.
    pub concept_f1_macro: Estimate,
    /// Each concept that occurs.
    pub concepts: BTreeMap<String, ConceptRow>,
}

/// One record's own scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptionScores {
    /// ROUGE-L.
    pub rouge_l: f64,
    /// METEOR.
    pub meteor: f64,
    /// CIDEr-D.
    pub cider_d: f64,
}

/// Captions prepared for judging.
pub struct Captions {
    bleu: Vec<BleuCounts>,
    rouge_l: Vec<f64>,
    meteor: Vec<f64>,
    cider_d: Vec<f64>,
    generated: Vec<BTreeSet<String>>,
    expected: Vec<BTreeSet<String>>,
}

impl Captions {
    /// Compares the caption of each record with its references, of which every record has at least one. The concepts expected
    /// are those that any of them names.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many sets of references as captions; [`Error::NoReference`] for an empty set.
    pub fn new(generated: &[String], references: &[Vec<String>], base: &KnowledgeBase) -> Result<Self> {
        same_length("sets of references for the captions", generated.len(), references.len())?;
        if let Some(record) = references.iter().position(Vec::is_empty) {
            return Err(Error::NoReference { record });
        }
        let split = |texts: &[String]| texts.iter().map(|text| words(text)).collect::<Vec<_>>();
        let texts = split(generated);
        let others: Vec<Vec<Vec<String>>> = references.iter().map(|texts| split(texts)).collect();
        let synonyms = Synonyms::new(base);
        let spelt = |words: &Vec<String>| synonyms.spell_out(words);
        let pairs = || texts.iter().zip(&others);
        let meteor = pairs().map(|(text, others)| meteor(&spelt(text), &others.iter().map(spelt).collect::<Vec<_>>()));
        Ok(Self {
            bleu: pairs().map(|(text, others)| BleuCounts::new(text, others)).collect(),
            rouge_l: pairs().map(|(text, others)| rouge_l(text, others)).collect(),
            meteor: meteor.collect(),
            cider_d: cider_d(&texts, &others),
            generated: generated.iter().map(|text| concepts(base, text)).collect(),
            expected: references
                .iter()
                .map(|texts| texts.iter().flat_map(|text| concepts(base, text)).collect())
                .collect(),
        })
    }

    /// Each record's scores.
    pub fn scores(&self) -> Vec<CaptionScores> {
        let score = |i| CaptionScores { rouge_l: self.rouge_l[i], meteor: self.meteor[i], cider_d: self.cider_d[i] };
        (0..self.bleu.len()).map(score).collect()
    }

    /// All metrics with intervals; draws come from the stream `("bootstrap/captioning", [resample])`.
    ///
    /// # Errors
    /// [`Error::Level`] for an interval that covers no probability.
    pub fn judge(&self, bootstrap: &BootstrapConfig, streams: &Streams) -> Result<CaptioningResult> {
        let records = self.bleu.len();
        let metrics = |times: &[u32]| {
            let mut bleu = BleuCounts::default();
            for (counts, &times) in self.bleu.iter().zip(times) {
                bleu.add(counts, u64::from(times));
            }
            let concepts = agreement(&self.generated, &self.expected, times);
            let of = |metric: fn(&ConceptAgreement) -> f64| concepts.as_ref().map(metric);
            [
                (records > 0).then(|| bleu.score()),
                weighted_mean(&self.rouge_l, times),
                weighted_mean(&self.meteor, times),
                weighted_mean(&self.cider_d, times),
                of(|concepts| concepts.micro.precision),
                of(|concepts| concepts.micro.recall),
                of(|concepts| concepts.micro.f1),
                of(|concepts| concepts.macro_f1),
            ]
        };
        let [bleu_4, rouge_l, meteor, cider_d, precision, recall, micro, r#macro] =
            estimates(records, bootstrap, streams, "bootstrap/captioning", metrics)?;
        let all = agreement(&self.generated, &self.expected, &vec![1; records]);
        Ok(CaptioningResult {
            records,
            bleu_4,
            rouge_l,
            meteor,
            cider_d,
            concept_precision: precision,
            concept_recall: recall,
            concept_f1_micro: micro,
            concept_f1_macro: r#macro,
            concepts: all.map(|all| all.concepts).unwrap_or_default(),
        })
    }
}
