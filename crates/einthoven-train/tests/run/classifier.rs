//! Supervised training: the same trainer with a classifier's objective.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::resume::check_runs;
use crate::support::{Action, Probe};
use candle_core::{DType, Device, Tensor};
use einthoven_corpus::{AugmentConfig, Dataset, Loader, LoaderConfig, SimulatedConfig};
use einthoven_models::{Classifier, ClassifierConfig, Combine, CropConfig, HeadConfig, SignalConfig, XResNetConfig};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::simulate::SimulatorConfig;
use einthoven_signal::{InputContract, Scaling};
use einthoven_train::config::{CheckpointConfig, EmaConfig, EncoderConfig};
use einthoven_train::metrics_log::{self, Kind};
use einthoven_train::schedule::Span;
use einthoven_train::{
    Checkpoint, ClassifierObjective, Error, ProgressDisplay, RunFolder, Setup, Summary, TrainConfig, Trainer,
};

/// Crops of 2.5 s of recordings of 5 s, dropout, batch norm, and all else that draws random numbers.
struct Variant {
    records: usize,
    dropout: f64,
    augment: AugmentConfig,
    crop: Option<CropConfig>,
    train: TrainConfig,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            records: 20,
            dropout: 0.5,
            augment: AugmentConfig::none(),
            crop: Some(CropConfig { samples: 250, combine: Combine::Max }),
            train: TrainConfig {
                steps: Some(9),
                batch_size: 4,
                learning_rate: 1e-2,
                log_every: 1,
                ..TrainConfig::default()
            },
        }
    }
}

impl Variant {
    fn setup(&self, folder: RunFolder) -> Result<Setup<ClassifierObjective>, Error> {
        let simulator = SimulatorConfig { sampling_rate: 100.0, seconds: 5.0, ..SimulatorConfig::default() };
        let cohort = SimulatedConfig { records: self.records, seed: 3, simulator, ..SimulatedConfig::default() };
        let dataset = Dataset::simulated(&cohort).unwrap();
        let labels = dataset.label_set("conditions").unwrap();
        let streams = Streams::new(17);
        let loader = Loader::new(
            Arc::new(dataset),
            Arc::new(vec![String::new(); self.records].into()),
            InputContract::twelve_leads(100.0, 500, Scaling::None),
            self.augment,
            LoaderConfig { batch_size: self.train.batch_size, cache: true, ..LoaderConfig::default() },
            streams,
        )
        .unwrap();
        let parameters = Parameters::new(DType::F32, &Device::Cpu, streams);
        let network = XResNetConfig { layers: vec![1, 1], stem: [8, 8, 8], widen: 0.125, ..XResNetConfig::default() };
        let config = ClassifierConfig {
            signal: SignalConfig::XResNet(network),
            head: HeadConfig { hidden: vec![16], batch_norm: true, dropout: self.dropout },
            crop: self.crop,
        };
        let model = Classifier::new(&config, 12, labels.classes.len(), &parameters.root()).unwrap();
        Ok(Setup {
            objective: ClassifierObjective::new(model, labels.targets, &self.train, Device::Cpu)?,
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

    fn run(&self, folder: RunFolder, threads: usize, at: u64, action: Action) -> Result<Summary, Error> {
        let mut setup = self.setup(folder)?;
        setup.config.threads = Some(threads);
        if let Action::Stop(stop) = &action {
            setup.stop = stop.clone();
        }
        setup.validator = Some(Box::new(Probe { at, action }));
        Trainer::new(setup)?.run()
    }

    /// The weights before and after the run, the losses of its steps, and its checkpoint.
    fn trained(&self) -> (HashMap<String, Tensor>, HashMap<String, Tensor>, Vec<f64>) {
        let folder = tempfile::tempdir().unwrap();
        let setup = self.setup(RunFolder::create(folder.path()).unwrap()).unwrap();
        let start = setup.parameters.tensors().into_iter().map(|(name, tensor)| (name, tensor.copy().unwrap()));
        let start = start.collect();
        Trainer::new(setup).unwrap().run().unwrap();
        let log = metrics_log::read(&folder.path().join("metrics.jsonl")).unwrap();
        let losses = log.iter().filter(|entry| entry.kind == Kind::Train).map(|entry| entry.values["loss"].unwrap());
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        assert!(!checkpoint.tokenizer_path().exists());
        (start, checkpoint.model_tensors(&Device::Cpu).unwrap(), losses.collect())
    }
}

/// Eight records are learnt by heart: from ln 2 and more to next to nothing.
#[test]
fn a_small_cohort_is_learnt_by_heart() {
    let mut variant = Variant { records: 8, dropout: 0.0, crop: None, ..Variant::default() };
    variant.train = TrainConfig { steps: Some(200), batch_size: 8, ..variant.train };
    let (_, _, losses) = variant.trained();
    assert!(losses[0] > 0.6 && losses[199] < 0.02, "{} {}", losses[0], losses[199]);
}

/// At a learning rate that changes nothing, a step of two batches has the mean of their losses; each step sees other crops.
#[test]
fn accumulation_averages_and_crops_are_drawn_anew() {
    let losses = |steps, accumulate, crop| {
        let mut variant = Variant { dropout: 0.0, crop, ..Variant::default() };
        let train = TrainConfig { steps: Some(steps), accumulate, learning_rate: 1e-30, ..variant.train };
        variant.train = TrainConfig { weight_decay: 0.0, ..train };
        variant.trained().2
    };
    let (single, double) = (losses(2, 1, None), losses(1, 2, None));
    assert!((double[0] - (single[0] + single[1]) / 2.0).abs() < 1e-6, "{single:?} {double:?}");
    // A batch of all records: what differs between its epochs is where the crops lie, and the order of the sums.
    let epochs = |crop| {
        let mut variant = Variant { records: 4, dropout: 0.0, crop, ..Variant::default() };
        variant.train = TrainConfig { steps: Some(2), learning_rate: 1e-30, weight_decay: 0.0, ..variant.train };
        let losses = variant.trained().2;
        (losses[0] - losses[1]).abs()
    };
    assert!(epochs(None) < 1e-6, "{}", epochs(None));
    assert!(epochs(Variant::default().crop) > 1e-4, "{}", epochs(Variant::default().crop));
}

/// While locked, the encoder rests, its batch statistics too; below the head, rates fall from layer to layer.
#[test]
fn the_encoder_is_locked_and_slowed_as_asked_for() {
    let moved = |encoder, steps| {
        let mut variant = Variant::default();
        variant.train = TrainConfig { steps: Some(steps), encoder: Some(encoder), weight_decay: 0.0, ..variant.train };
        variant.train.schedule = toml::from_str("kind = \"constant\"\nwarmup = { steps = 0 }").unwrap();
        let (start, end, _) = variant.trained();
        move |name: &str| {
            let difference = (&start[name] - &end[name]).unwrap().abs().unwrap();
            difference.flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap()
        }
    };
    let stem = "encoder.0.0.weight";
    for encoder in [
        EncoderConfig { learning_rate_scale: 0.0, ..EncoderConfig::default() },
        EncoderConfig { unlock: Some(Span::Steps(2)), ..EncoderConfig::default() },
    ] {
        let always = encoder.learning_rate_scale == 0.0;
        let locked = moved(encoder, if always { 9 } else { 3 });
        assert!(locked("head.linear1.weight") > 0.0);
        assert_eq!(locked(stem) == 0.0, always);
        assert_eq!(locked("encoder.0.1.running_mean") == 0.0, always);
    }
    // AdamW's first step is the learning rate itself.
    let slowed =
        moved(EncoderConfig { learning_rate_scale: 0.5, layer_decay: Some(0.1), ..EncoderConfig::default() }, 1);
    for (name, rate) in
        [("head.linear1.weight", 1e-2), ("encoder.5.0.convs.2.1.weight", 5e-3), ("encoder.4.0.convs.2.1.weight", 5e-4)]
    {
        assert!((slowed(name) - rate).abs() < 0.01 * rate, "{name}: {}", slowed(name));
    }
}

/// Crops, dropout, batch statistics, a staged unlock, accumulation and a moving average, disturbed before and after the unlock.
#[test]
fn a_disturbed_run_ends_as_an_undisturbed_one() {
    for (accumulate, ema) in [(1, None), (2, Some(EmaConfig { decay: 0.8 }))] {
        let mut variant = Variant { augment: AugmentConfig::default(), ..Variant::default() };
        variant.train = TrainConfig {
            steps: Some(6),
            accumulate,
            ema,
            clip_norm: Some(0.5),
            encoder: Some(EncoderConfig {
                unlock: Some(Span::Steps(2)),
                unlock_every: Some(Span::Steps(1)),
                layer_decay: Some(0.7),
                ..EncoderConfig::default()
            }),
            validate_every: Some(1),
            checkpoint: CheckpointConfig { every: Some(2), keep: 1, best: Some("probe".to_owned()) },
            ..variant.train
        };
        check_runs(6, &[2, 5], |folder, threads, at, action| variant.run(folder, threads, at, action));
    }
}

#[test]
fn what_only_pretraining_knows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, key) in [
        ("contrastive_batch = 32", "contrastive_batch"),
        ("unlock_text = { epochs = 1 }", "unlock_text"),
        ("max_tokens = 12", "max_tokens"),
        ("losses = { caption = 0.5 }", "losses"),
    ] {
        let train: TrainConfig = toml::from_str(&format!("steps = 9\n{text}")).unwrap();
        let variant = Variant { train, ..Variant::default() };
        let error = variant.setup(RunFolder::resume(folder.path()).unwrap()).err().unwrap();
        assert!(matches!(error, Error::Config { key: found, .. } if found == key), "{error}");
    }
    let never = EncoderConfig { unlock: Some(Span::Epochs(3)), ..EncoderConfig::default() };
    let mut variant = Variant::default();
    variant.train.encoder = Some(never);
    let setup = variant.setup(RunFolder::resume(folder.path()).unwrap()).unwrap();
    let message = Trainer::new(setup).err().unwrap().to_string();
    let wanted = "train.encoder.unlock: is 15 steps of a run of 9; to lock the encoder for all of it, set \
                  encoder.learning_rate_scale = 0";
    assert_eq!(message, wanted);
}
