//! A trained model, opened from a run.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use einthoven_eval::query::QueryResult;
use einthoven_eval::saliency::{Attribution, Method};
use einthoven_eval::{Embeddings, ReferenceSet};
use einthoven_models::{Esi, Mode, Tokenizer};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::Record;
use einthoven_train::Checkpoint;

use crate::{Encoder, Error, Experiment, Pair, Result, SupervisedExperiment};

/// The file of reference embeddings beside a checkpoint's weights.
pub(crate) const REFERENCE_FILE: &str = "reference.safetensors";

/// A trained model with everything needed to use it.
#[derive(Debug)]
pub struct Model {
    /// The checkpoint it was opened from.
    pub checkpoint: Checkpoint,
    /// The experiment it comes from.
    pub experiment: Experiment,
    /// Its parameters.
    pub parameters: Parameters,
    /// The network.
    pub network: Esi,
    /// The tokenizer of its texts.
    pub tokenizer: Tokenizer,
    /// Embeddings of recordings to rank a query among, where the run kept some.
    pub reference: Option<ReferenceSet>,
    /// Whether the weights are fresh ones, not the run's.
    pub(crate) is_fresh: bool,
}

impl Model {
    /// Opens a run folder (its best checkpoint, else its last; `RUN@last` and `RUN@best` choose) or a checkpoint folder.
    ///
    /// # Errors
    /// Names the file that is missing, cut short, or from another version; [`Error::Setting`] for the folder of an [`Encoder`] or a
    /// [`Classifier`](crate::Classifier).
    pub fn open(path: &Path) -> Result<Self> {
        if Encoder::is_at(path) {
            let message = "holds an imported encoder, with no captioner to write texts and no experiment to go on from; \
                           `einthoven embed` gives its embeddings, `einthoven evaluate --protocol` judges it, and \
                           `einthoven query` asks it if its text tower was imported";
            return Err(Error::setting(path.display().to_string(), message));
        }
        let checkpoint = Checkpoint::open(path)?;
        if SupervisedExperiment::is_in(checkpoint.config()) {
            let message = "holds a classifier, which reads no texts and writes none; `einthoven evaluate` judges it and \
                           `einthoven embed` gives its embeddings";
            return Err(Error::setting(path.display().to_string(), message));
        }
        let folder = checkpoint.folder();
        let experiment = Experiment::parse(&folder.join("config.toml"), checkpoint.config(), &[])?;
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(experiment.seed));
        let network = Esi::new(&experiment.model, &parameters.root())?;
        parameters.load(&checkpoint.model_tensors(&Device::Cpu)?)?;
        let tokenizer = Tokenizer::load(&checkpoint.tokenizer_path())?;
        let reference = folder.join(REFERENCE_FILE);
        let reference = reference.exists().then(|| ReferenceSet::load(&reference)).transpose()?;
        Ok(Self { checkpoint, experiment, parameters, network, tokenizer, reference, is_fresh: false })
    }

    /// The same model with fresh weights of `seed` in all its parts, as a baseline.
    ///
    /// # Errors
    /// Those of building the model.
    pub(crate) fn with_fresh_weights(self, seed: u64) -> Result<Self> {
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(seed));
        let network = Esi::new(&self.experiment.model, &parameters.root())?;
        Ok(Self { parameters, network, reference: None, is_fresh: true, ..self })
    }

    /// Embeds recordings of any leads, rate and length that the input contract can prepare.
    ///
    /// # Errors
    /// Names the recording and what the contract lacks in it.
    pub fn embed(&self, records: &[(String, Record)]) -> Result<Embeddings> {
        self.pair().embed(records)
    }

    /// The model as what answers texts.
    pub fn pair(&self) -> Pair<'_> {
        Pair {
            towers: &self.network,
            tokenizer: &self.tokenizer,
            max_tokens: self.experiment.train.max_tokens,
            contract: self.checkpoint.contract(),
            reference: self.reference.as_ref(),
        }
    }

    /// Scores every text for every recording; these come with the names that answers call them by.
    ///
    /// # Errors
    /// As [`Model::embed`].
    pub fn query(&self, records: &[(String, Record)], texts: Vec<String>) -> Result<QueryResult> {
        self.pair().query(records, texts)
    }

    /// Explains how well a text fits a recording, which messages call `name`: what each part of it adds to the cosine.
    ///
    /// # Errors
    /// As [`Model::embed`].
    pub fn explain(&self, name: &str, record: &Record, text: &str, method: Method) -> Result<Attribution> {
        self.pair().explain(name, record, text, method)
    }

    /// Writes a caption for a recording, of at most `max_tokens` tokens.
    ///
    /// A `paper` model cannot begin a caption by itself and is given the published opening.
    ///
    /// # Errors
    /// As [`Model::embed`].
    pub fn describe(&self, record: &Record, max_tokens: usize) -> Result<String> {
        let contract = self.checkpoint.contract();
        let prepared = contract.prepare(record)?;
        let shape = (1, contract.leads.len(), contract.samples);
        let signal = Tensor::from_vec(prepared.samples, shape, &Device::Cpu)?;
        let prompt = self.tokenizer.prompt(opening(self.network.config().mode))?;
        let stop = self.tokenizer.sep();
        let captions = self.network.generate(&signal, Some(&[prepared.valid]), &prompt, stop, max_tokens)?;
        Ok(self.tokenizer.decode(&captions.concat())?)
    }
}

/// What a caption is begun with: a `paper` model cannot begin one by itself.
pub(crate) fn opening(mode: Mode) -> &'static str {
    match mode {
        Mode::Paper => "This",
        Mode::Corrected => "",
    }
}
