//! What is said of a model when it is published.

use std::path::{Path, PathBuf};

use einthoven_eval::bootstrap::{Estimate, Estimates};
use einthoven_eval::retrieval::{Direction, RetrievalResult};
use einthoven_eval::zero_shot::ZeroShotResult;
use einthoven_hub::{CardDataset, CardEvaluation, CardMetric, CardRow, ModelCard, ModelName};
use einthoven_models::TextSource;
use einthoven_train::Checkpoint;
use einthoven_train::checkpoint::INDEX_FILE;
use einthoven_train::metrics_log::{self, Kind};
use serde::Deserialize;

use crate::provenance::Provenance;
use crate::run::{JUDGEMENT_FILE, describe_step};
use crate::{Error, Model, Result};

/// The run's log.
const LOG_FILE: &str = "metrics.jsonl";

/// What a card is written from.
pub(crate) struct Source<'a> {
    pub run: &'a Path,
    pub name: &'a ModelName,
    pub model: &'a Model,
    pub provenance: &'a Provenance,
    /// The experiment as it is published.
    pub config: &'a str,
}

/// What the card takes from `judgement.json`.
#[derive(Deserialize)]
struct Judged {
    data: String,
    zero_shot: ZeroShotResult,
    unlabelled: usize,
    retrieval: RetrievalResult,
}

/// The card of a model.
pub(crate) fn of(source: &Source<'_>) -> Result<ModelCard> {
    let experiment = &source.model.experiment;
    let datasets = source.provenance.datasets.iter().map(|(card, _)| CardDataset {
        name: card.name.clone(),
        title: card.title.clone(),
        version: card.version.clone(),
        licence: card.licence.clone(),
        url: card.source.as_ref().map(|source| source.url.clone()),
        citation: card.citation.clone(),
    });
    let base_model = match &experiment.text.pretrained {
        Some(TextSource::Hub { repository, .. }) => Some(repository.clone()),
        _ => None,
    };
    let leads = experiment.contract.leads.len();
    let run = run_folder(source.run, &source.model.checkpoint);
    Ok(ModelCard {
        repository: source.name.repository(),
        experiment: experiment.name.clone(),
        summary: format!(
            "An ECG Semantic Integrator (ESI): a signal encoder for {leads}-lead ECGs and a text encoder that were pretrained together, so that \
             any recording can be asked any question in plain text."
        ),
        datasets: datasets.collect(),
        restricted: !source.provenance.obstacles.is_empty(),
        base_model,
        facts: facts(source.model),
        evaluation: run.as_deref().map(|run| evaluation(run, source)).transpose()?.flatten(),
        cost: run
            .as_deref()
            .map(|run| cost(run, source.model))
            .transpose()?
            .unwrap_or_else(|| vec!["The log of the training is not there, so its cost is not known.".to_owned()]),
        config: source.config.to_owned(),
        commands: commands(source),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The run that a checkpoint belongs to.
fn run_folder(run: &Path, checkpoint: &Checkpoint) -> Option<PathBuf> {
    let above = checkpoint.folder().parent().and_then(Path::parent);
    [Some(run), above].into_iter().flatten().find(|folder| folder.join(INDEX_FILE).is_file()).map(Path::to_path_buf)
}

fn facts(model: &Model) -> Vec<(String, String)> {
    let contract = model.checkpoint.contract();
    let leads: Vec<String> = contract.leads.iter().map(ToString::to_string).collect();
    let seconds = contract.samples as f64 / contract.sampling_rate;
    let scaling = serde_json::to_value(contract.scaling).ok();
    let scaling = scaling.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let mut facts = vec![
        ("Experiment", model.experiment.name.clone()),
        ("Mode", format!("{:?}", model.network.config().mode).to_lowercase()),
        ("Parameters", grouped(model.parameters.count())),
        ("Checkpoint", describe_step(&model.checkpoint)),
        ("Seed", model.experiment.seed.to_string()),
        ("Leads", leads.join(" ")),
        ("Sampling rate", format!("{} Hz", contract.sampling_rate)),
        ("Length", format!("{} samples ({seconds} s)", contract.samples)),
        ("Scaling", scaling),
        ("Vocabulary", format!("{} tokens", model.tokenizer.vocabulary_size())),
    ];
    if let Some(reference) = &model.reference {
        facts.push(("Reference", format!("{} ({} recordings)", reference.name, reference.embeddings.rows())));
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A number with a comma at every thousand.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How the checkpoint did, if it is the one that the run's judgement is of.
fn evaluation(run: &Path, source: &Source<'_>) -> Result<Option<CardEvaluation>> {
    let path = run.join(JUDGEMENT_FILE);
    if !path.is_file() || Checkpoint::open(run)?.folder() != source.model.checkpoint.folder() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let judged: Judged = serde_json::from_str(&text)
        .map_err(|error| Error::Config { path: path.clone(), message: format!("is no judgement: {error}") })?;
    let result = &judged.zero_shot;
    let averages = &result.r#macro;
    let metrics = [
        ("roc_auc", "AUROC, macro", &averages.auroc),
        ("average_precision", "AUPRC, macro", &averages.auprc),
        ("f1", "largest F1, macro", &averages.f1_max),
    ];
    let metrics = metrics.into_iter().filter_map(|(kind, name, estimate)| {
        let interval = estimate.interval.map(|interval| (interval.low, interval.high));
        Some(CardMetric { r#type: kind.to_owned(), name: name.to_owned(), value: estimate.value?, interval })
    });
    let row = |class: String, positives, metrics: &Estimates| CardRow {
        class,
        positives,
        values: [&metrics.auroc, &metrics.auprc, &metrics.f1_max].map(show).to_vec(),
    };
    let classes = result.classes.iter();
    let rows = classes
        .map(|class| row(format!("{} ({})", class.code, class.words), Some(class.positives), &class.metrics))
        .chain([row("macro average".to_owned(), None, averages)]);
    let card = &source.model.experiment.data.dataset;
    let known = source.provenance.datasets.first().map(|(card, _)| (card.name.clone(), card.title.clone()));
    let (dataset, title) = known.unwrap_or_else(|| (card.clone(), card.clone()));
    Ok(Some(CardEvaluation {
        data: judged.data.clone(),
        dataset,
        title,
        records: result.records,
        labels: format!("label set `{}`, prompts `{}`", result.labels, result.prompts),
        level: format!("{}", (1e4 * result.bootstrap.level).round() / 100.0),
        metrics: metrics.collect(),
        rows: rows.collect(),
        notes: notes(&judged),
    }))
}

/// In one piece: neither the space nor the dash is a place for a line to end.
fn show(estimate: &Estimate) -> String {
    match (estimate.value, estimate.interval) {
        (Some(value), Some(interval)) => {
            format!("{value:.3}\u{a0}({:.3}–\u{2060}{:.3})", interval.low, interval.high)
        }
        (Some(value), None) => format!("{value:.3}"),
        _ => "–".to_owned(),
    }
}

fn notes(judged: &Judged) -> Vec<String> {
    let recall = |direction: &Direction| {
        let values = direction.recall.iter().filter_map(|recall| Some(format!("@{} {:.3}", recall.k, recall.value?)));
        values.collect::<Vec<_>>().join(", ")
    };
    let retrieval = &judged.retrieval;
    let mut notes = vec![format!(
        "Retrieval among {} pairs with {} distinct captions: recall from ECG to text {}, from text to ECG {}.",
        retrieval.pairs,
        retrieval.distinct_captions,
        recall(&retrieval.signal_to_text),
        recall(&retrieval.text_to_signal)
    )];
    if !judged.zero_shot.left_out.is_empty() {
        let codes: Vec<&str> = judged.zero_shot.left_out.iter().map(|class| class.code.as_str()).collect();
        notes.push(format!("Left out for lack of positives or negatives: {}.", codes.join(", ")));
    }
    if judged.unlabelled > 0 {
        notes.push(format!("{} recordings without a label of the set were left out.", judged.unlabelled));
    }
    notes
}

/// What training took, from the run's log.
fn cost(run: &Path, model: &Model) -> Result<Vec<String>> {
    let unknown = || vec!["The log of the training is not there, so its cost is not known.".to_owned()];
    let path = run.join(LOG_FILE);
    if !path.is_file() {
        return Ok(unknown());
    }
    let last = model.checkpoint.state().step;
    let batch = model.experiment.train.batch_size as f64;
    let (mut seconds, mut done) = (0.0, 0);
    for entry in metrics_log::read(&path)?.iter().filter(|entry| entry.kind == Kind::Train && entry.step <= last) {
        let rate = entry.values.get("samples_per_second").copied().flatten().filter(|rate| *rate > 0.0);
        let Some(rate) = rate else { return Ok(unknown()) };
        seconds += entry.step.saturating_sub(done) as f64 * batch / rate;
        done = entry.step;
    }
    if done == 0 {
        return Ok(unknown());
    }
    let threads = match model.experiment.train.threads {
        Some(1) => "one thread".to_owned(),
        Some(threads) => format!("{threads} threads"),
        None => "all threads of the machine".to_owned(),
    };
    Ok(vec![
        format!(
            "Training took {done} steps of {batch} recordings: {} of computing on {threads}, {:.0} recordings a second (from the run's log, \
             without validation and judgement).",
            duration(seconds),
            done as f64 * batch / seconds
        ),
        "The log holds neither the machine nor its energy.".to_owned(),
    ])
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} seconds"),
        ..7200.0 => format!("{:.0} minutes", seconds / 60.0),
        _ => format!("{:.1} hours", seconds / 3600.0),
    }
}

fn commands(source: &Source<'_>) -> Vec<String> {
    let mut commands = Vec::new();
    if source.config != source.model.checkpoint.config() {
        commands.push(
            "# paths of the machine that it was trained on are cut: set data.root and the like to yours".to_owned(),
        );
    }
    commands.push(format!("einthoven pretrain experiment.toml --out runs/{}", source.name.model()));
    commands
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1000, 1_588_481].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,588,481"]);
    }
}
