//! Checkpoints of published systems, brought into run folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use einthoven_corpus::AugmentConfig;
use einthoven_models::import::{self, ImportedEncoder, SignalSystem};
use einthoven_models::{BertConfig, Esi, MerlEncoder, SignalConfig, Tokenizer, load_weights};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::{InputContract, Lead, Scaling};
use einthoven_train::TrainConfig;
use einthoven_train::checkpoint::{FORMAT, RunFolder, Snapshot, State, experiment_hash};

use crate::encoder::Encoder;
use crate::{DataConfig, Error, EvaluateConfig, Experiment, Result, TextConfig};

/// Samples of a recording that MERL and ECGFounder take: 10 s at 500 Hz.
const TEN_SECONDS: usize = 5000;
/// One over the standard deviation of PTB-XL's recordings at 100 Hz, 0.2258 mV over 353 recordings of folds 1 to 8.
const PTB_XL_GAIN: f32 = 4.43;

/// What an import found.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The run folder.
    pub run: PathBuf,
    /// Values of the model.
    pub parameters: usize,
    /// The tensors of the checkpoint that are no part of the model.
    pub left_out: Vec<String>,
}

/// Imports an ESI checkpoint (arXiv 2405.19366) into the new run folder `out`, in `paper` mode and under the published input contract.
///
/// `text` is the folder of the text encoder that it was trained with (BioLinkBERT-base as published): the tokenizer, which no
/// checkpoint holds, and `config.json` if there is one.
///
/// # Errors
/// Those of reading the files, with file and key; a folder that holds a run.
pub fn import_esi(file: &Path, text: &Path, out: &Path) -> Result<Imported> {
    let (tokenizer, config) = text_encoder(text)?;
    let imported = import::esi(load_weights(file)?, config.as_ref())?;
    check_vocabulary(text, &tokenizer, &imported.config.text)?;
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(0));
    let network = Esi::new(&imported.config, &parameters.root())?;
    parameters.load(&imported.tensors)?;

    let experiment = Experiment {
        name: "esi".to_owned(),
        seed: 0,
        start_from: None,
        data: DataConfig::of("ptb-xl"),
        contract: InputContract::esi_paper(),
        augment: AugmentConfig::default(),
        text: TextConfig::default(),
        model: network.config().clone(),
        // What it was trained with cannot be told from its weights.
        train: TrainConfig { epochs: Some(1), ..TrainConfig::default() },
        evaluate: EvaluateConfig {
            labels: "super".to_owned(),
            prompts: "ptb-xl-super".to_owned(),
            bootstrap: Default::default(),
        },
    };
    let config = experiment.to_toml()?;
    let state = State {
        format: FORMAT,
        step: 0,
        epoch: 0,
        batch: 0,
        batches_per_epoch: 0,
        seed: experiment.seed,
        best: None,
        experiment: experiment_hash(&config),
        files: BTreeMap::new(),
    };
    let snapshot = Snapshot {
        model: &parameters.tensors(),
        raw_model: None,
        optimizer: &BTreeMap::new(),
        state,
        config: &config,
        contract: &experiment.contract,
        tokenizer: Some(&tokenizer.to_json()?),
    };
    RunFolder::create(out)?.save(&snapshot, false, 1)?;
    Ok(Imported { run: out.to_path_buf(), parameters: parameters.count(), left_out: Vec::new() })
}

/// Imports the signal encoder of another system into the new folder `out`, under the input contract of its authors.
///
/// The result [embeds recordings](Encoder::embed); it has no text tower. [`import_merl`] brings one along.
///
/// # Errors
/// Those of reading the file, with the key; [`Error::RunExists`].
pub fn import_encoder(system: SignalSystem, file: &Path, out: &Path) -> Result<Imported> {
    let imported = system.import(load_weights(file)?)?;
    let contract = contract(system, &imported)?;
    let left_out = imported.left_out.clone();
    let encoder = Encoder::new(system, imported, None, contract)?;
    encoder.save(out)?;
    Ok(Imported { run: out.to_path_buf(), parameters: encoder.parameters.count(), left_out })
}

/// Imports a checkpoint of the whole MERL (Liu et al., ICML 2024), signal encoder and text tower, into the new folder `out`, under the
/// input contract of its authors.
///
/// `text` is the folder of the text encoder that it was trained with (MedCPT's query encoder as published), as for [`import_esi`].
///
/// # Errors
/// Those of reading the files, with file and key; [`Error::Setting`] for a folder that exists.
pub fn import_merl(file: &Path, text: &Path, out: &Path) -> Result<Imported> {
    let (tokenizer, config) = text_encoder(text)?;
    let tensors = load_weights(file)?;
    let tower = import::merl_text(tensors.clone(), config.as_ref())?;
    check_vocabulary(text, &tokenizer, &tower.config.text)?;
    let mut signal = SignalSystem::Merl.import(tensors)?;
    let contract = contract(SignalSystem::Merl, &signal)?;
    signal.left_out.retain(|name| !tower.tensors.contains_key(name));
    let left_out = signal.left_out.clone();
    let encoder = Encoder::new(SignalSystem::Merl, signal, Some((tower, tokenizer)), contract)?;
    encoder.save(out)?;
    let of_text = encoder.text.as_ref().map_or(0, |text| text.parameters.count());
    Ok(Imported { run: out.to_path_buf(), parameters: encoder.parameters.count() + of_text, left_out })
}

/// The tokenizer in a text encoder's folder, and its configuration if it is there.
fn text_encoder(folder: &Path) -> Result<(Tokenizer, Option<BertConfig>)> {
    let config = folder.join("config.json");
    let config = config.is_file().then(|| BertConfig::load(&config)).transpose()?;
    Ok((Tokenizer::load(folder)?, config))
}

/// That the tokenizer of the folder `text` has no id beyond the table of the text encoder in the checkpoint.
fn check_vocabulary(text: &Path, tokenizer: &Tokenizer, encoder: &BertConfig) -> Result<()> {
    let (found, rows) = (tokenizer.vocabulary_size(), encoder.vocab_size);
    if found > rows {
        let text = text.display();
        let message =
            format!("{text} has {found} ids, the checkpoint's table only {rows}: it belongs to another text encoder");
        return Err(Error::setting("--text", message));
    }
    Ok(())
}

/// What the authors feed their encoder.
///
/// - MERL: MIMIC-IV-ECG's order of leads (aVF before aVL), 10 s at 500 Hz, the recording between 0 and 1.
/// - xresnet1d: 2.5 s at 100 Hz; the benchmark standardises by PTB-XL's mean, which is near zero, and deviation.
/// - ECG-FM: 5 s at 500 Hz, each lead standardised. The authors standardise before they cut; here what is cut is.
/// - ECGFounder: 10 s at 500 Hz, the recording standardised; one lead means lead I.
fn contract(system: SignalSystem, imported: &ImportedEncoder) -> Result<InputContract> {
    let contract = match system {
        SignalSystem::Merl => {
            let mut contract =
                InputContract::twelve_leads(500.0, merl_samples(&imported.config), Scaling::MinMaxRecord);
            contract.leads.swap(4, 5);
            contract
        }
        SignalSystem::XResNet1d => {
            InputContract { gain: PTB_XL_GAIN, ..InputContract::twelve_leads(100.0, 250, Scaling::None) }
        }
        SignalSystem::EcgFm => InputContract::twelve_leads(500.0, TEN_SECONDS / 2, Scaling::ZScoreLead),
        SignalSystem::EcgFounder => InputContract::twelve_leads(500.0, TEN_SECONDS, Scaling::ZScoreRecord),
    };
    match (imported.leads, system) {
        (12, _) => Ok(contract),
        (1, SignalSystem::EcgFounder) => Ok(InputContract { leads: vec![Lead::I], ..contract }),
        (leads, _) => {
            let message = format!("the checkpoint takes {leads} leads; which ones is known of 12 only");
            Err(Error::setting(system.name(), message))
        }
    }
}

/// The samples that a MERL encoder takes, which its tables of positions are made for.
fn merl_samples(config: &SignalConfig) -> usize {
    let vit = |patch: usize, positions: usize| patch * positions;
    match config {
        SignalConfig::Vit(config) => vit(config.patch, config.positions),
        SignalConfig::Merl(config) => match &config.encoder {
            MerlEncoder::Vit(config) => vit(config.patch, config.positions),
            // The stem halves the length, each stage but the first again, rounding up.
            MerlEncoder::ResNet(network) => {
                let stride = 1 << network.layers.len();
                let published = TEN_SECONDS.div_ceil(stride) == config.steps;
                if published { TEN_SECONDS } else { config.steps * stride }
            }
        },
        _ => TEN_SECONDS,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::Tensor;
    use einthoven_models::{ConvNextConfig, ConvNextSize, DecoderConfig, EsiConfig, Mode};

    use super::*;
    use crate::{Model, Reading};

    /// A tiny `paper` model, its state dict in the published naming, and the folder of its text encoder.
    fn published(folder: &Path) -> (Esi, Tokenizer) {
        let captions: Vec<String> = ["sinus rhythm", "atrial fibrillation", "This patient"].map(str::to_owned).to_vec();
        let tokenizer = Tokenizer::train_word_piece(&captions, 200).unwrap();
        tokenizer.save(&folder.join("tokenizer.json")).unwrap();
        let size = ConvNextSize::Custom { depths: [1; 4], widths: [4, 4, 8, 8] };
        let config = EsiConfig {
            mode: Mode::Paper,
            signal: SignalConfig::ConvNext(ConvNextConfig { size, norm: None }),
            text: BertConfig {
                vocab_size: tokenizer.vocabulary_size(),
                hidden_size: 8,
                num_hidden_layers: 1,
                num_attention_heads: 1,
                intermediate_size: 16,
                ..BertConfig::default()
            },
            decoder: DecoderConfig { depth: 1, heads: 2, dim_head: 4, ff_mult: 2 },
            latents: 8,
            ..EsiConfig::default()
        };
        let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(11));
        let model = Esi::new(&config, &parameters.root()).unwrap();
        let mut tensors: HashMap<String, Tensor> = parameters.tensors().into_iter().collect();
        // As published, the text encoder lies in the file under its other name, beside constants.
        let text: Vec<String> =
            tensors.keys().filter(|name| name.starts_with("pretrained_text_encoder.")).cloned().collect();
        for name in text {
            let tensor = tensors.remove(&name).unwrap();
            tensors.insert(name.replace("pretrained_text_encoder.", "unimodal_layers."), tensor);
        }
        tensors.insert("img_attn_pool_norm.beta".to_owned(), Tensor::zeros(8, DType::F32, &Device::Cpu).unwrap());
        candle_core::safetensors::save(&tensors, folder.join("esi.safetensors")).unwrap();
        (model, tokenizer)
    }

    #[test]
    fn an_imported_esi_is_opened_as_our_own() {
        let folder = tempfile::tempdir().unwrap();
        let (original, _) = published(folder.path());
        let run = folder.path().join("run");
        import_esi(&folder.path().join("esi.safetensors"), folder.path(), &run).unwrap();

        let model = Model::open(&run).unwrap();
        assert_eq!(model.network.config().mode, Mode::Paper);
        assert_eq!(*model.checkpoint.contract(), InputContract::esi_paper());
        let record = Reading::default().open("simulated:3").unwrap();
        let embedded = model.embed(&[("3".to_owned(), record.clone())]).unwrap();
        let prepared = InputContract::esi_paper().prepare(&record).unwrap();
        let signal = Tensor::from_vec(prepared.samples, (1, 12, 5000), &Device::Cpu).unwrap();
        let expected = original.encode_signals(&signal, None).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(embedded.row(0), expected);
        let answer = model.query(&[("3".to_owned(), record.clone())], vec!["sinus rhythm".to_owned()]).unwrap();
        assert!(answer.records[0].answers[0].cosine.is_finite());
        model.describe(&record, 4).unwrap();

        let again = import_esi(&folder.path().join("esi.safetensors"), folder.path(), &run).unwrap_err();
        assert!(again.to_string().contains("already holds a run"), "{again}");
    }

    #[test]
    fn an_export_for_pytorch_comes_back_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        published(folder.path());
        let [run, exported, again] = ["run", "exported", "again"].map(|name| folder.path().join(name));
        import_esi(&folder.path().join("esi.safetensors"), folder.path(), &run).unwrap();
        let export = crate::Export { pytorch: Some(exported.clone()), ..crate::Export::default() };
        let written = export.write(&run).unwrap();
        assert!(written.iter().all(|(file, bytes)| std::fs::metadata(file).unwrap().len() == *bytes), "{written:?}");
        import_esi(&exported.join("model.safetensors"), &exported.join("text"), &again).unwrap();
        let checkpoint = |run: &Path| Model::open(run).unwrap().checkpoint.folder().to_path_buf();
        for file in ["model.safetensors", "config.toml", "contract.json"] {
            let bytes = |run: &Path| std::fs::read(checkpoint(run).join(file)).unwrap();
            assert!(bytes(&run) == bytes(&again), "{file}");
        }
        let error = export.write(&run).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
    }

    #[test]
    fn a_tokenizer_of_another_text_encoder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        published(folder.path());
        let captions: Vec<String> = (0..300).map(|index| format!("finding{index}")).collect();
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        Tokenizer::train_word_piece(&captions, 400).unwrap().save(&other.join("tokenizer.json")).unwrap();
        let run = folder.path().join("run");
        let error = import_esi(&folder.path().join("esi.safetensors"), &other, &run).unwrap_err();
        assert!(error.to_string().contains("belongs to another text encoder"), "{error}");
        assert!(!run.exists());
    }
}
