//! Judging a model on recordings that it has not been trained on.

use std::collections::BTreeMap;

use einthoven_corpus::{AugmentConfig, LabelSet, Leftovers, Loader};
use einthoven_eval::retrieval::RetrievalResult;
use einthoven_eval::zero_shot::{self, ClassCurve, PromptSet, ZeroShotResult};
use einthoven_eval::{Embeddings, embed, retrieval};
use einthoven_models::{Esi, Tokenizer};
use einthoven_random::Streams;
use einthoven_signal::InputContract;
use einthoven_train::Validator;
use serde::Serialize;

use crate::{Data, Error, EvaluateConfig, Experiment, Result};

/// Recordings that are judged per batch.
const BATCH: usize = 16;

/// What a model is judged on: recordings, their labels, and the words for these.
#[derive(Clone)]
pub struct Judged {
    /// What the recordings are, such as `ptb-xl fold 9`.
    pub name: String,
    /// The recordings.
    pub loader: Loader,
    labels: LabelSet,
    prompts: PromptSet,
    config: EvaluateConfig,
    max_tokens: usize,
    /// The recordings left out because they have no caption or cannot be prepared.
    pub leftovers: Leftovers,
}

/// How a model did.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    /// What it was judged on.
    pub data: String,
    /// Zero-shot classification of the recordings that have a label of the set.
    pub zero_shot: ZeroShotResult,
    /// How many recordings have no label of the set.
    pub unlabelled: usize,
    /// Retrieval both ways among all recordings.
    pub retrieval: RetrievalResult,
    /// The recordings left out, with the reason for each.
    pub leftovers: Leftovers,
    /// The ROC curves.
    #[serde(skip)]
    pub curves: Vec<ClassCurve>,
    /// The recordings' places in the judged dataset, in the order of the embeddings.
    #[serde(skip)]
    pub indices: Vec<usize>,
    /// The recordings' captions.
    #[serde(skip)]
    pub captions: Vec<String>,
    /// The recordings' embeddings.
    #[serde(skip)]
    pub signals: Embeddings,
    /// The captions' embeddings.
    #[serde(skip)]
    pub texts: Embeddings,
}

impl Judged {
    /// Recordings under an experiment's contract, with the labels and prompts of `config`.
    ///
    /// # Errors
    /// An unknown label set or prompt set; a class without a prompt.
    pub fn new(
        data: &Data,
        experiment: &Experiment,
        contract: &InputContract,
        config: &EvaluateConfig,
    ) -> Result<Self> {
        let streams = Streams::new(experiment.seed);
        let loader = data.loader(&experiment.data, contract, AugmentConfig::none(), BATCH, streams)?;
        let labels = data.dataset.label_set(&config.labels)?;
        let prompts = PromptSet::open(&config.prompts)?;
        for class in &labels.classes {
            prompts.phrasings(class)?;
        }
        let mut leftovers = data.leftovers.clone();
        leftovers.records.extend(loader.leftovers().records.iter().cloned());
        Ok(Self {
            name: data.name.clone(),
            loader,
            labels,
            prompts,
            config: config.clone(),
            max_tokens: experiment.train.max_tokens,
            leftovers,
        })
    }
}

/// Judges `model`; `seen` hears how many recordings have been embedded.
///
/// # Errors
/// Those of reading recordings and of the model; [`Error::Setting`] if no recording has a label of the set.
pub fn judge(
    judged: &Judged,
    model: &Esi,
    tokenizer: &Tokenizer,
    streams: &Streams,
    seen: impl FnMut(usize),
) -> Result<Judgement> {
    let embedded = embed::signals(model, &judged.loader, seen)?;
    let embed_texts = |texts: &[String]| embed::texts(model, tokenizer, texts, judged.max_tokens);
    let texts = embed_texts(&embedded.captions)?;
    let retrieval = retrieval::judge(&embedded.embeddings, &texts, &embedded.captions)?;

    let targets: Vec<&Vec<bool>> = embedded.indices.iter().map(|&index| &judged.labels.targets[index]).collect();
    let labelled: Vec<usize> = (0..targets.len()).filter(|&row| targets[row].contains(&true)).collect();
    if labelled.is_empty() {
        let message = format!("no recording of {} has a label of {}", judged.name, judged.labels.name);
        return Err(Error::setting("evaluate.labels", message));
    }
    let classes = zero_shot::class_embeddings(&judged.prompts, &judged.labels.classes, embed_texts)?;
    let scores = zero_shot::scores(
        labelled.iter().map(|&row| embedded.ids[row].clone()).collect(),
        &embedded.embeddings.select(&labelled),
        judged.labels.classes.clone(),
        &classes,
    )?;
    let labelled_targets: Vec<Vec<bool>> = labelled.iter().map(|&row| targets[row].clone()).collect();
    let result = zero_shot::judge(
        &judged.labels.name,
        &judged.prompts,
        &scores,
        &labelled_targets,
        &judged.config.bootstrap,
        streams,
    )?;
    Ok(Judgement {
        data: judged.name.clone(),
        zero_shot: result,
        unlabelled: targets.len() - labelled.len(),
        retrieval,
        leftovers: judged.leftovers.clone(),
        curves: zero_shot::roc_curves(&scores, &labelled_targets)?,
        indices: embedded.indices,
        captions: embedded.captions,
        signals: embedded.embeddings,
        texts,
    })
}

/// Judges a model while it trains: its zero-shot AUROC and retrieval go into the metric log.
pub(crate) struct Monitor {
    pub(crate) judged: Judged,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) streams: Streams,
}

impl Validator for Monitor {
    fn validate(
        &mut self,
        model: &Esi,
        _step: u64,
    ) -> std::result::Result<BTreeMap<String, f64>, Box<dyn std::error::Error + Send + Sync>> {
        let judgement = judge(&self.judged, model, &self.tokenizer, &self.streams, |_| {})?;
        let recall = |direction: &retrieval::Direction| direction.recall.first().and_then(|recall| recall.value);
        let values = [
            ("zero_shot.auroc", judgement.zero_shot.r#macro.auroc.value),
            ("zero_shot.auprc", judgement.zero_shot.r#macro.auprc.value),
            ("retrieval.signal_to_text.recall_at_1", recall(&judgement.retrieval.signal_to_text)),
            ("retrieval.text_to_signal.recall_at_1", recall(&judgement.retrieval.text_to_signal)),
        ];
        Ok(values.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or(f64::NAN))).collect())
    }
}
