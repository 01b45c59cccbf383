//! What is said of a model when it is published.

mod evaluation;

use std::path::{Path, PathBuf};

use einthoven_hub::{CardDataset, CardTask, ModelCard, ModelName};
use einthoven_models::TextSource;
use einthoven_train::Checkpoint;
use einthoven_train::checkpoint::INDEX_FILE;
use einthoven_train::metrics_log::{self, Kind};

use crate::Result;
use crate::provenance::Provenance;
use crate::publishable::Publishable;
use crate::run::describe_step;

/// The run's log.
const LOG_FILE: &str = "metrics.jsonl";

/// What a card is written from.
pub(crate) struct Source<'a> {
    pub run: &'a Path,
    pub name: &'a ModelName,
    pub model: &'a Publishable,
    pub provenance: &'a Provenance,
    /// The experiment as it is published.
    pub config: &'a str,
}

/// The card of a model.
pub(crate) fn of(source: &Source<'_>) -> Result<ModelCard> {
    let datasets = source.provenance.datasets.iter().map(|(card, _)| CardDataset {
        name: card.name.clone(),
        title: card.title.clone(),
        version: card.version.clone(),
        licence: card.licence.clone(),
        url: card.source.as_ref().map(|source| source.url.clone()),
        citation: card.citation.clone(),
    });
    let leads = source.model.checkpoint().contract().leads.len();
    let (task, summary, base_model) = match source.model {
        Publishable::Model(model) => {
            let summary = format!(
                "An ECG Semantic Integrator (ESI): a signal encoder for {leads}-lead ECGs and a text encoder that were pretrained together, so \
                 that any recording can be asked any question in plain text."
            );
            let base_model = match &model.experiment.text.pretrained {
                Some(TextSource::Hub { repository, .. }) => Some(repository.clone()),
                _ => None,
            };
            (CardTask::ZeroShot, summary, base_model)
        }
        Publishable::Classifier(classifier) => {
            let summary = format!(
                "A classifier of {leads}-lead ECGs: it gives each of the {} classes of the label set `{}` a probability.",
                classifier.classes().len(),
                classifier.labels()
            );
            (CardTask::Classification, summary, None)
        }
    };
    let run = run_folder(source.run, source.model.checkpoint());
    Ok(ModelCard {
        repository: source.name.repository(),
        experiment: source.model.name().to_owned(),
        task,
        summary,
        datasets: datasets.collect(),
        restricted: !source.provenance.obstacles.is_empty(),
        base_model,
        facts: facts(source.model),
        evaluation: run.as_deref().map(|run| evaluation::of(run, source)).transpose()?.flatten(),
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

fn facts(model: &Publishable) -> Vec<(String, String)> {
    let contract = model.checkpoint().contract();
    let leads: Vec<String> = contract.leads.iter().map(ToString::to_string).collect();
    let seconds = contract.samples as f64 / contract.sampling_rate;
    let scaling = serde_json::to_value(contract.scaling).ok();
    let scaling = scaling.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let mut facts = vec![("Experiment", model.name().to_owned())];
    if let Publishable::Model(model) = model {
        facts.push(("Mode", format!("{:?}", model.network.config().mode).to_lowercase()));
    }
    facts.extend([
        ("Parameters", grouped(model.parameters().count())),
        ("Checkpoint", describe_step(model.checkpoint())),
        ("Seed", model.seed().to_string()),
        ("Leads", leads.join(" ")),
        ("Sampling rate", format!("{} Hz", contract.sampling_rate)),
        ("Length", format!("{} samples ({seconds} s)", contract.samples)),
        ("Scaling", scaling),
    ]);
    match model {
        Publishable::Model(model) => {
            facts.push(("Vocabulary", format!("{} tokens", model.tokenizer.vocabulary_size())));
            if let Some(reference) = &model.reference {
                facts.push(("Reference", format!("{} ({} recordings)", reference.name, reference.embeddings.rows())));
            }
        }
        Publishable::Classifier(classifier) => {
            facts.push(("Label set", classifier.labels().to_owned()));
            facts.push(("Classes", classifier.classes().join(" ")));
        }
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

/// What training took, from the run's log.
fn cost(run: &Path, model: &Publishable) -> Result<Vec<String>> {
    let unknown = || vec!["The log of the training is not there, so its cost is not known.".to_owned()];
    let path = run.join(LOG_FILE);
    if !path.is_file() {
        return Ok(unknown());
    }
    let last = model.checkpoint().state().step;
    let batch = model.train().batch_size as f64;
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
    let threads = match model.train().threads {
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
    if source.config != source.model.checkpoint().config() {
        commands.push(
            "# paths of the machine that it was trained on are cut: set data.root and the like to yours".to_owned(),
        );
    }
    let command = match source.model {
        Publishable::Model(_) => "pretrain",
        Publishable::Classifier(_) => "finetune",
    };
    commands.push(format!("einthoven {command} experiment.toml --out runs/{}", source.name.model()));
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
