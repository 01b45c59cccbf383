//! The Cardio Query Assistant at work: the descriptions of a dataset's statements, asked for and stored.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_caption::checks::Checks;
use einthoven_caption::flow::{Ended, Estimate, Flow, Plan, Report};
use einthoven_caption::model::{LanguageModel, ModelConfig};
use einthoven_caption::store::{Fault, Store, StoreWriter};
use einthoven_caption::{KnowledgeBase, Passage, Prompt, PromptConfig, Statement};
use einthoven_corpus::{CaptionConfig, Captions, Dataset, Leftovers, StoreConfig};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, overrides, write_atomically};

/// Which model describes statements, and how it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssistantConfig {
    /// The model.
    pub model: ModelConfig,
    /// What it is asked.
    pub prompt: PromptConfig,
    /// How often it is asked about a statement, before the knowledge base has its turn.
    pub tries: u32,
}

impl Default for AssistantConfig {
    fn default() -> Self {
        Self { model: ModelConfig::default(), prompt: PromptConfig::default(), tries: 3 }
    }
}

impl AssistantConfig {
    /// Reads a configuration file, or else the default, with `key=value` overrides laid over it.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Config`] with file, line and key; [`Error::Override`].
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(Error::file("read", path))?,
            None => String::new(),
        };
        overrides::parse(path.unwrap_or(Path::new("assistant")), &text, overrides)
    }
}

/// A model, its prompt and the knowledge that its answers are judged by.
pub struct Assistant {
    base: Arc<KnowledgeBase>,
    model: Box<dyn LanguageModel>,
    prompt: Prompt,
    tries: u32,
    stop: Arc<AtomicBool>,
}

impl Assistant {
    /// The assistant of a configuration. When `stop` becomes true, it asks nothing more.
    ///
    /// # Errors
    /// Those of the prompt, and of [`ModelConfig::connect`].
    pub fn new(config: &AssistantConfig, stop: Arc<AtomicBool>) -> Result<Self> {
        let base = Arc::new(KnowledgeBase::built_in()?);
        let model = config.model.connect(&base, Arc::clone(&stop))?;
        Ok(Self { base, model, prompt: Prompt::open(&config.prompt)?, tries: config.tries, stop })
    }

    /// What there is to ask about the statements of `dataset`, and what it will take; nothing is asked.
    ///
    /// `store` need not exist.
    ///
    /// # Errors
    /// Those of the store and the prompt.
    pub fn plan(&self, dataset: &Dataset, caption: &CaptionConfig, store: &Path) -> Result<(Plan, Estimate)> {
        self.with_flow(|flow| {
            let store = Store::open_if_any(store)?;
            let asked = asked(dataset, caption);
            let plan = flow.plan(asked.iter().map(String::as_str), &store);
            let estimate = flow.estimate(&plan)?;
            Ok((plan, estimate))
        })
    }

    /// Describes the statements of `dataset` and stores the descriptions; `progress` sees how far it is.
    ///
    /// The report is left in the store's folder, too.
    ///
    /// # Errors
    /// Those of the store. What ends the work early is in the outcome.
    pub fn build(
        &self,
        dataset: &Dataset,
        caption: &CaptionConfig,
        store: &Path,
        progress: &mut dyn FnMut(&Report),
    ) -> Result<Ended> {
        self.with_flow(|flow| {
            let mut store = StoreWriter::open(store)?;
            let asked = asked(dataset, caption);
            let plan = flow.plan(asked.iter().map(String::as_str), store.store());
            let ended = flow.run(&plan, &mut store, progress)?;
            let json = serde_json::to_vec_pretty(&ended.report)
                .map_err(|error| Error::setting("report", error.to_string()))?;
            write_atomically(&store.store().folder().join(ended.report.file_name()), &json)?;
            Ok(ended)
        })
    }

    fn with_flow<T>(&self, work: impl FnOnce(&Flow<'_>) -> Result<T>) -> Result<T> {
        let evidence = |statement: &Statement| -> Vec<Passage> { self.base.passages(statement) };
        let checks = Checks::new(&self.base);
        let judge = |statement: &Statement, answer: &str| faults(&checks, statement.as_str(), answer);
        work(&Flow {
            base: &self.base,
            model: &*self.model,
            prompt: &self.prompt,
            evidence: &evidence,
            judge: &judge,
            tries: self.tries,
            stop: &self.stop,
        })
    }
}

/// What is wrong with an answer about a statement, as the store keeps it.
fn faults(checks: &Checks<'_>, statement: &str, answer: &str) -> Vec<Fault> {
    let found = checks.check(statement, answer);
    found.into_iter().map(|fault| Fault { kind: fault.kind().to_string(), reason: fault.to_string() }).collect()
}

/// The statements, or the combinations of them, of all records.
fn asked(dataset: &Dataset, caption: &CaptionConfig) -> Vec<String> {
    dataset.entries.iter().flat_map(|entry| caption.asked(entry)).collect()
}

/// The records of a dataset that have a caption, the captions, and the records that have none, with descriptions from a store.
///
/// A statement that the store does not have is described by the knowledge base, where it can be.
///
/// # Errors
/// Those of the store, and an origin that it does not have.
pub fn captions_from_store(
    dataset: &Dataset,
    caption: &CaptionConfig,
    config: &StoreConfig,
) -> Result<(Dataset, Captions, Leftovers)> {
    let store = Store::open(&config.path)?;
    let origin = store.origin(config.origin.as_deref())?;
    let base = KnowledgeBase::built_in()?;
    let describe = |statement: &str| match store.get(origin, statement) {
        Some(record) => record.description.clone(),
        None => base.describe_parts(statement),
    };
    Ok(caption.captions(dataset, &describe))
}

#[cfg(test)]
mod tests {
    use einthoven_corpus::{Descriptions, Split};

    use super::*;
    use crate::{Data, DataConfig};

    fn data(descriptions: &str) -> DataConfig {
        let text = format!(
            "dataset = \"simulated\"\nsimulated = {{ records = 60 }}\ncaption = {{ descriptions = \"{descriptions}\" }}"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn captions_from_the_store_of_the_knowledge_base_are_those_of_the_knowledge_base() {
        let folder = tempfile::tempdir().unwrap();
        let knowledge = data("knowledge");
        let mut config = data("store");
        let dataset = Data::open(&config).unwrap();
        let train = Split::Train;
        let error = Data::select(&dataset, &config, &train).unwrap_err();
        assert!(error.to_string().contains("data.caption.store"), "{error}");

        config.caption.store = Some(StoreConfig { path: folder.path().to_owned(), origin: None });
        assert!(Data::select(&dataset, &config, &train).unwrap_err().is_usage());
        let assistant = Assistant::new(&AssistantConfig::default(), Arc::default()).unwrap();
        let (plan, _) = assistant.plan(&dataset, &config.caption, folder.path()).unwrap();
        let ended = assistant.build(&dataset, &config.caption, folder.path(), &mut |_| {}).unwrap();
        assert_eq!((ended.report.by_model, ended.report.withheld.len()), (plan.ask.len(), 0));
        let stored = Data::select(&dataset, &config, &train).unwrap();
        assert_eq!(stored.captions, Data::select(&dataset, &knowledge, &train).unwrap().captions);
        assert!(stored.leftovers.is_empty());
    }

    #[test]
    fn combinations_are_described_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = data("store");
        config.caption.described = einthoven_corpus::Described::Combination;
        config.caption.store = Some(StoreConfig { path: folder.path().to_owned(), origin: None });
        let dataset = Data::open(&config).unwrap();
        let assistant = Assistant::new(&AssistantConfig::default(), Arc::default()).unwrap();
        let ended = assistant.build(&dataset, &config.caption, folder.path(), &mut |_| {}).unwrap();
        assert!(ended.early.is_none());
        let data = Data::select(&dataset, &config, &Split::Train).unwrap();
        assert_eq!(data.captions.len(), data.dataset.len());
        assert!(data.captions.iter().all(|caption| caption.lines().count() == 3), "{:?}", data.captions[0]);
        assert_eq!(config.caption.descriptions, Descriptions::Store);
    }

    #[test]
    fn answers_are_judged_by_the_rules_of_the_knowledge_base() {
        let base = KnowledgeBase::built_in().unwrap();
        let checks = Checks::new(&base);
        let kinds = |answer: &str| {
            let faults = faults(&checks, "complete left bundle branch block", answer);
            faults.into_iter().map(|fault| fault.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds("I'm sorry, but I cannot help with that.")[0], "refusal");
        let right =
            "The QRS complex is wider than 120 ms, with a broad notched R wave in V5 and V6 and a deep S wave in V1.";
        assert!(kinds(right).is_empty());
    }

    #[test]
    fn the_configuration_knows_its_keys() {
        let overrides = ["model.provider=openai".to_owned(), "model.name=x".into(), "prompt.json=true".into()];
        let config = AssistantConfig::load(None, &overrides).unwrap();
        assert!(config.prompt.json && config.model.name == "x");
        let error = AssistantConfig::load(None, &["model.api_key=sk-1".to_owned()]).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("api_key"), "{error}");
    }
}
