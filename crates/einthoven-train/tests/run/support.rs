//! A tiny model on a simulated cohort: the whole stack, small enough to train in a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{DType, Device, Tensor};
use einthoven_corpus::{
    AugmentConfig, CaptionConfig, Dataset, Loader, LoaderConfig, SimulatedConfig, Statements, caption,
};
use einthoven_models::{
    BertConfig, Classifier, ContrastiveLoss, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, Mode,
    SignalConfig, Tokenizer, XResNetConfig,
};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::simulate::SimulatorConfig;
use einthoven_signal::{InputContract, Scaling};
use einthoven_train::{Error, EsiObjective, ProgressDisplay, RunFolder, Setup, TrainConfig, Validator};

/// What differs between the runs of the tests.
#[derive(Clone, Debug)]
pub struct Variant {
    pub mode: Mode,
    pub encoder: Encoder,
    /// Whether the contrastive loss is SigLIP's.
    pub sigmoid: bool,
    /// Width of the text encoder and of the latents.
    pub width: usize,
    pub records: usize,
    /// Length of a recording at 100 Hz.
    pub seconds: usize,
    pub dropout: f64,
    pub statements: Statements,
    pub augment: AugmentConfig,
    pub train: TrainConfig,
}

#[derive(Clone, Copy, Debug)]
pub enum Encoder {
    ConvNext,
    /// Of a published size.
    Atto,
    XResNet,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            mode: Mode::Corrected,
            encoder: Encoder::ConvNext,
            sigmoid: false,
            width: 16,
            records: 20,
            seconds: 5,
            dropout: 0.0,
            statements: Statements::All,
            augment: AugmentConfig::none(),
            train: TrainConfig {
                steps: Some(9),
                batch_size: 4,
                learning_rate: 1e-3,
                log_every: 1,
                ..TrainConfig::default()
            },
        }
    }
}

impl Variant {
    /// Everything of a run in `folder` but its validator.
    pub fn setup(&self, folder: RunFolder) -> Setup<EsiObjective> {
        self.try_setup(folder).unwrap()
    }

    pub fn try_setup(&self, folder: RunFolder) -> Result<Setup<EsiObjective>, Error> {
        let simulator =
            SimulatorConfig { sampling_rate: 100.0, seconds: self.seconds as f64, ..SimulatorConfig::default() };
        let cohort = SimulatedConfig { records: self.records, seed: 3, simulator, ..SimulatedConfig::default() };
        let template = CaptionConfig { statements: self.statements, ..CaptionConfig::default() };
        let dataset = Dataset::simulated(&cohort).unwrap();
        let (dataset, captions, _) = template.captions(&dataset, &caption::no_descriptions);
        let tokenizer = Tokenizer::train_word_piece(&captions, 300).unwrap();
        let streams = Streams::new(17);
        let loader = Loader::new(
            Arc::new(dataset),
            Arc::new(captions),
            InputContract { gain: 5.0, ..InputContract::twelve_leads(100.0, 100 * self.seconds, Scaling::None) },
            self.augment,
            LoaderConfig { batch_size: self.train.batch_size, cache: true, ..LoaderConfig::default() },
            streams,
        )
        .unwrap();
        let parameters = Parameters::new(DType::F32, &Device::Cpu, streams);
        let model = Esi::new(&self.model(&tokenizer), &parameters.root()).unwrap();
        Ok(Setup {
            objective: EsiObjective::new(model, &tokenizer, loader.captions(), &self.train, Device::Cpu)?,
            parameters,
            loader,
            config: self.train.clone(),
            experiment: "name = \"tiny\"\n".to_owned(),
            validator: None,
            streams,
            folder,
            stop: Arc::new(AtomicBool::new(false)),
            display: ProgressDisplay::Hidden,
        })
    }

    fn model(&self, tokenizer: &Tokenizer) -> EsiConfig {
        let signal = match self.encoder {
            Encoder::ConvNext => SignalConfig::ConvNext(ConvNextConfig {
                size: ConvNextSize::Custom { depths: [1; 4], widths: [8, 8, 16, 16] },
                norm: None,
            }),
            Encoder::Atto => SignalConfig::ConvNext(ConvNextConfig { size: ConvNextSize::Atto, norm: None }),
            Encoder::XResNet => SignalConfig::XResNet(XResNetConfig::default()),
        };
        let text = BertConfig {
            vocab_size: tokenizer.vocabulary_size(),
            hidden_size: self.width,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 2 * self.width,
            max_position_embeddings: 64,
            hidden_dropout_prob: self.dropout,
            attention_probs_dropout_prob: self.dropout,
            ..BertConfig::default()
        };
        let decoder = DecoderConfig { depth: 1, heads: 2, dim_head: 8, ff_mult: 2 };
        let contrastive_loss = if self.sigmoid { ContrastiveLoss::SigLip } else { ContrastiveLoss::InfoNce };
        let (mode, latents) = (self.mode, self.width);
        EsiConfig { mode, signal, text, decoder, contrastive_loss, latents, ..EsiConfig::default() }
    }
}

/// Gives one figure of the model, and does something else at one step.
pub struct Probe {
    pub at: u64,
    pub action: Action,
}

pub enum Action {
    Nothing,
    /// Ends the run on the spot, saving nothing, as a kill does.
    Die,
    /// What Ctrl-C does.
    Stop(Arc<AtomicBool>),
}

impl Probe {
    fn act(&self, step: u64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if step == self.at {
            match &self.action {
                Action::Nothing => {}
                Action::Die => return Err("killed".into()),
                Action::Stop(stop) => stop.store(true, Ordering::Relaxed),
            }
        }
        Ok(())
    }
}

impl Validator for Probe {
    fn validate(
        &mut self,
        model: &Esi,
        step: u64,
    ) -> Result<BTreeMap<String, f64>, Box<dyn std::error::Error + Send + Sync>> {
        self.act(step)?;
        let signals = Tensor::arange(0f32, 6000.0, &Device::Cpu)?.reshape((1, 12, 500))?.sin()?;
        let first = model.encode_signals(&signals, None)?.flatten_all()?.to_vec1::<f32>()?[0];
        // Neither always better nor always worse than before.
        Ok([("probe".to_owned(), f64::from(first * 1e4).sin())].into())
    }
}

impl Validator<Classifier> for Probe {
    fn validate(
        &mut self,
        model: &Classifier,
        step: u64,
    ) -> Result<BTreeMap<String, f64>, Box<dyn std::error::Error + Send + Sync>> {
        self.act(step)?;
        let signals = Tensor::arange(0f32, 6000.0, &Device::Cpu)?.reshape((1, 12, 500))?.sin()?;
        let first = model.probabilities(&signals, &[500])?[0];
        Ok([("probe".to_owned(), (first * 1e4).sin())].into())
    }
}

/// Every file of a folder by its name.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect()
}

/// A metric log without what depends on the clock.
pub fn timeless_log(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_per_second") && !name.ends_with("_ms"));
            entry.to_string()
        })
        .collect()
}
