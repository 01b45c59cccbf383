//! Model cards: what a model is, in words for people and in front matter for the Hub.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use crate::{Error, Result};

/// The card, with gaps.
const TEMPLATE: &str = include_str!("card.md");

/// Licences that the Hub knows, and what it calls them (huggingface.co/docs/hub/repositories-licenses).
const LICENCES: [(&str, &str); 9] = [
    ("Apache-2.0", "apache-2.0"),
    ("BSD-3-Clause", "bsd-3-clause"),
    ("CC-BY-4.0", "cc-by-4.0"),
    ("CC-BY-NC-4.0", "cc-by-nc-4.0"),
    ("CC-BY-SA-4.0", "cc-by-sa-4.0"),
    ("CC0-1.0", "cc0-1.0"),
    ("MIT", "mit"),
    ("ODbL-1.0", "odbl"),
    ("ODC-By-1.0", "odc-by"),
];

/// What a model card says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCard {
    /// `owner/model`.
    pub repository: String,
    /// What the experiment is called.
    pub experiment: String,
    /// What it does.
    pub task: CardTask,
    /// What it is, in one sentence.
    pub summary: String,
    /// What it was trained on.
    pub datasets: Vec<CardDataset>,
    /// Whether a dataset's terms, as far as its card states them, do not allow its weights to be passed on.
    pub restricted: bool,
    /// The repository on the Hub that its text encoder began with.
    pub base_model: Option<String>,
    /// The model and its input, as pairs of a name and a value.
    pub facts: Vec<(String, String)>,
    /// How it did; none if it was not judged.
    pub evaluation: Option<CardEvaluation>,
    /// What training took, as sentences.
    pub cost: Vec<String>,
    /// The resolved experiment, in TOML.
    pub config: String,
    /// The commands that train it anew.
    pub commands: Vec<String>,
    /// The version of the program.
    pub version: String,
}

/// What a model does with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardTask {
    /// It answers texts, classes in words among them.
    ZeroShot,
    /// It gives classes of a label set probabilities.
    Classification,
}

/// A dataset of a model card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CardDataset {
    /// Short name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Version.
    pub version: String,
    /// Licence, as an SPDX expression.
    pub licence: String,
    /// The page it comes from.
    pub url: Option<String>,
    /// What to cite.
    pub citation: String,
}

/// How a model did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CardEvaluation {
    /// What it was judged on, such as `ptb-xl fold 10`.
    pub data: String,
    /// The dataset's short name.
    pub dataset: String,
    /// The dataset's title.
    pub title: String,
    /// Recordings.
    pub records: usize,
    /// Label set, and prompts where there are some.
    pub labels: String,
    /// The level of the intervals in per cent, as people write it.
    pub level: String,
    /// The macro averages, for the front matter.
    pub metrics: Vec<CardMetric>,
    /// The table, a row for each class and one for the macro average.
    pub rows: Vec<CardRow>,
    /// Retrieval and what was left out, as sentences.
    pub notes: Vec<String>,
}

/// A metric of the front matter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CardMetric {
    /// What the Hub calls it, such as `roc_auc`.
    pub r#type: String,
    /// What people call it.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The ends of its interval.
    pub interval: Option<(f64, f64)>,
}

/// A row of the evaluation's table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CardRow {
    /// The class.
    pub class: String,
    /// Recordings that have it; none for an average.
    pub positives: Option<usize>,
    /// AUROC, AUPRC and the largest F1, each with its interval.
    pub values: Vec<String>,
}

impl ModelCard {
    /// The card as Markdown with front matter.
    ///
    /// # Errors
    /// [`Error::Card`] if the template cannot be filled in.
    pub fn render(&self) -> Result<String> {
        let failed = |source| Error::Card { source };
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(failed)?);
        // A string of JSON is one of YAML, whatever it holds.
        environment.add_filter("yaml", |text: String| serde_json::Value::String(text).to_string());
        environment.add_filter("cell", |text: String| text.replace('|', "\\|").replace('\n', " "));
        let licence = self.licence();
        environment.render_str(TEMPLATE, context! { card => Serde(self), licence => licence }).map_err(failed)
    }

    /// What the Hub calls the licence of the weights, which is that of the training data; none if it has no name for it.
    fn licence(&self) -> Option<&'static str> {
        let hub_name = |dataset: &CardDataset| {
            let mut choices = dataset.licence.split(" OR ");
            choices.find_map(|choice| LICENCES.iter().find(|(spdx, _)| *spdx == choice.trim()))
        };
        let names: Option<Vec<_>> = self.datasets.iter().map(hub_name).collect();
        let names = names.filter(|_| !self.restricted)?;
        let (first, others) = names.split_first()?;
        others.iter().all(|other| other == first).then_some(first.1)
    }
}
