//! From an experiment to its parts: recordings with captions, text encoder, model.

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device};
use einthoven_caption::KnowledgeBase;
use einthoven_corpus::{
    AugmentConfig, Captions, Dataset, Described, Descriptions, Leftovers, Loader, Split, Statements, caption,
};
use einthoven_models::{BertConfig, Esi, Hub, PretrainedText, Tokenizer};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::InputContract;
use einthoven_train::Checkpoint;

use crate::assistant::captions_from_store;
use crate::run::describe_step;
use crate::{DataConfig, Error, Experiment, Result, in_data_folder};

/// The name below which a model keeps its text encoder.
const TEXT_ENCODER: &str = "pretrained_text_encoder.";

/// Recordings of one split, with captions.
#[derive(Clone, Debug)]
pub struct Data {
    /// What they are, such as `ptb-xl fold 9`.
    pub name: String,
    /// The recordings.
    pub dataset: Arc<Dataset>,
    /// The caption of each.
    pub captions: Arc<Captions>,
    /// The recordings left out because they have no caption.
    pub leftovers: Leftovers,
}

impl Data {
    /// The dataset of an experiment, with the splits it asks for.
    ///
    /// # Errors
    /// Those of [`Dataset::open`], and of splits that overlap.
    pub fn open(config: &DataConfig) -> Result<Dataset> {
        let root = config.root.as_deref().map(in_data_folder);
        let mut dataset = Dataset::open(&config.dataset, root.as_deref(), &config.options())?;
        if let Some(splits) = &config.splits {
            dataset.splits = splits.clone();
        }
        dataset.splits.validate()?;
        Ok(dataset)
    }

    /// The recordings of a split that have a caption.
    ///
    /// # Errors
    /// [`Error::Setting`] if none is left.
    pub fn select(dataset: &Dataset, config: &DataConfig, split: &Split) -> Result<Self> {
        let name = name_of(dataset, split);
        let selected = dataset.select(split);
        if (config.caption.statements, config.caption.described) == (Statements::Sampled, Described::Combination) {
            let message = "a description of all statements together is not one of some; leave out one of `statements` and `described`";
            return Err(Error::setting("data.caption.statements", message));
        }
        let (selected, captions, leftovers) = match config.caption.descriptions {
            Descriptions::None => config.caption.captions(&selected, &caption::no_descriptions),
            Descriptions::Knowledge => config.caption.captions(&selected, &KnowledgeBase::built_in()?.descriptions()),
            Descriptions::Store => {
                let missing =
                    || Error::setting("data.caption.store", "name the store: store = { path = \"captions\" }");
                let store = config.caption.store.as_ref().ok_or_else(missing)?;
                captions_from_store(&selected, &config.caption, store)?
            }
        };
        if selected.is_empty() {
            let message = format!("{name} holds no recording with a caption; choose other folds");
            return Err(Error::setting("data.splits", message));
        }
        Ok(Self { name, dataset: Arc::new(selected), captions: Arc::new(captions), leftovers })
    }

    /// A loader of these recordings.
    ///
    /// # Errors
    /// Those of [`Loader::new`].
    pub fn loader(
        &self,
        config: &DataConfig,
        contract: &InputContract,
        augment: AugmentConfig,
        batch_size: usize,
        streams: Streams,
    ) -> Result<Loader> {
        let (dataset, captions) = (Arc::clone(&self.dataset), Arc::clone(&self.captions));
        Ok(Loader::new(dataset, captions, contract.clone(), augment, config.loader(batch_size), streams)?)
    }
}

/// What the recordings of a split are called, such as `ptb-xl fold 9`.
pub fn name_of(dataset: &Dataset, split: &Split) -> String {
    let folds = dataset.splits.folds(split);
    let list: Vec<String> = folds.iter().map(u8::to_string).collect();
    format!("{} fold{} {}", dataset.name, if folds.len() == 1 { "" } else { "s" }, list.join(", "))
}

/// What an experiment trains, and on what.
pub struct Parts {
    /// The training recordings.
    pub training: Data,
    /// What makes tokens of texts.
    pub tokenizer: Tokenizer,
    /// The parameters of the network.
    pub parameters: Parameters,
    /// The network, as [`model`] makes it.
    pub network: Esi,
}

impl Parts {
    /// The parts of an experiment on `dataset`; `experiment.model` is brought into line with them.
    ///
    /// # Errors
    /// Those of [`Data::select`], [`text`] and [`model`].
    pub fn new(experiment: &mut Experiment, dataset: &Dataset) -> Result<Self> {
        let training = Data::select(dataset, &experiment.data, &Split::Train)?;
        let (tokenizer, pretrained) = text(experiment, &training.captions)?;
        let (parameters, network) = model(experiment, pretrained.as_ref())?;
        Ok(Self { training, tokenizer, parameters, network })
    }
}

/// The tokenizer of an experiment, and the pretrained text encoder where it names one.
///
/// `experiment.model` is brought into line with them, so that it describes the model that is built.
///
/// # Errors
/// Those of loading a text encoder or training a vocabulary.
pub fn text(experiment: &mut Experiment, captions: &[String]) -> Result<(Tokenizer, Option<PretrainedText>)> {
    experiment.model.leads = experiment.contract.leads.len();
    match &experiment.text.pretrained {
        Some(source) => {
            let pretrained = PretrainedText::open(source, &Hub::from_env())?;
            experiment.model.text = pretrained.config.clone();
            Ok((pretrained.tokenizer.clone(), Some(pretrained)))
        }
        None => {
            let tokenizer = Tokenizer::train_word_piece(captions, experiment.text.vocabulary)?;
            experiment.model.text = BertConfig {
                vocab_size: tokenizer.vocabulary_size(),
                pad_token_id: tokenizer.pad(),
                ..experiment.model.text.clone()
            };
            Ok((tokenizer, None))
        }
    }
}

/// Captions that the origin of texts is found by at most, and how many go through the text encoder at once.
const CENTRED_ON: usize = 4096;
const BATCH: usize = 32;

/// Makes the mean of the captions, or of as many of them spread evenly, the origin of the model's texts.
///
/// # Errors
/// Those of the tokenizer and the text encoder.
pub fn centre_texts(model: &Esi, tokenizer: &Tokenizer, captions: &[String], max_tokens: usize) -> Result<()> {
    let step = captions.len().div_ceil(CENTRED_ON).max(1);
    let chosen: Vec<String> = captions.iter().step_by(step).cloned().collect();
    let batches = chosen.chunks(BATCH).map(|texts| tokenizer.encode_batch(texts, max_tokens));
    let batches = batches.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(model.centre_texts(&batches)?)
}

/// Gives `parameters` the weights of another run; returns the step that they are of.
///
/// # Errors
/// A folder that holds no run; [`Error::Setting`] if its vocabulary is another or a weight is missing or of another shape.
pub fn start_from(run: &Path, parameters: &Parameters, tokenizer: &Tokenizer) -> Result<String> {
    let setting = |message: String| Error::setting("start_from", format!("{}: {message}", run.display()));
    let checkpoint = Checkpoint::open(run)?;
    if Tokenizer::load(&checkpoint.tokenizer_path())?.to_json()? != tokenizer.to_json()? {
        return Err(setting("its vocabulary is another; give both runs the same pretrained text encoder".to_owned()));
    }
    parameters.load(&checkpoint.model_tensors(&Device::Cpu)?).map_err(|error| setting(error.to_string()))?;
    Ok(describe_step(&checkpoint))
}

/// A new model, its text encoder with the pretrained weights where there are some.
///
/// # Errors
/// Those of a configuration that makes no model, and of weights that do not fit it.
pub fn model(experiment: &Experiment, pretrained: Option<&PretrainedText>) -> Result<(Parameters, Esi)> {
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(experiment.seed));
    let model = Esi::new(&experiment.model, &parameters.root())?;
    if let Some(pretrained) = pretrained {
        pretrained.load_into(&parameters, TEXT_ENCODER)?;
    }
    Ok((parameters, model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_say_what_each_finding_looks_like_where_that_is_asked_for() {
        let captions = |descriptions: &str| {
            let text = format!(
                "dataset = \"simulated\"\nsimulated = {{ records = 60 }}\ncaption = {{ descriptions = \"{descriptions}\" }}"
            );
            let config: DataConfig = toml::from_str(&text).unwrap();
            let dataset = Data::open(&config).unwrap();
            Data::select(&dataset, &config, &Split::Train).unwrap().captions
        };
        for (plain, described) in captions("none").iter().zip(captions("knowledge").iter()) {
            assert!(!plain.contains("Potential ECG waveforms:"), "{plain}");
            let (findings, descriptions) = described.split_once("\nPotential ECG waveforms: \n").unwrap();
            assert_eq!(findings, plain);
            let statements = findings.split_once("ECG Findings: ").unwrap().1.split(", ").count();
            assert_eq!(descriptions.lines().count(), statements, "{described}");
        }
    }
}
