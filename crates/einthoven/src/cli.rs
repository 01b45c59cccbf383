//! What can be typed after `einthoven`.

pub mod caption;
pub mod data;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Pretrain models that understand ECGs through words, and ask any ECG any question in plain text.
#[derive(Debug, Parser)]
#[command(name = "einthoven", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Start with `einthoven quickstart`: it needs no data and no download.

Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 130 interrupted, with everything saved.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate a cohort, pretrain a small ESI on it, and report how well it answers for patients it never saw
    Quickstart(Quickstart),
    /// Pretrain a signal encoder and a text transformer together, as an experiment file says
    #[command(after_help = "Examples:
  einthoven pretrain experiments/simulated.toml
  einthoven pretrain experiments/ptbxl-sample.toml --set model.mode=paper --set seed=1 --out runs/paper-1
  einthoven pretrain experiments/simulated.toml --resume

A run killed at any step and resumed ends with the same bytes as one that was never interrupted.")]
    Pretrain(Pretrain),
    /// Train a classifier of labels, from new weights or from the encoder of a run or an import, as an experiment file says
    #[command(after_help = "Examples:
  einthoven finetune experiments/ptbxl-sample-xresnet1d.toml
  einthoven finetune experiments/ptbxl-sample-finetune.toml --set start_from=runs/ecg-fm --out runs/ecg-fm-super
  einthoven finetune experiments/ptbxl-sample-xresnet1d.toml --resume

A run killed at any step and resumed ends with the same bytes as one that was never interrupted.")]
    Finetune(Pretrain),
    /// Judge a run: zero-shot classification and retrieval on a dataset, with intervals; or several models by one protocol
    #[command(after_help = "Examples:
  einthoven evaluate runs/quickstart
  einthoven evaluate runs/quickstart --dataset simulated --labels conditions --folds 10 --html report.html
  einthoven evaluate --protocol ptbxl-sample --root ptbxl-sample paper=runs/esi-paper runs/merl --out results

Under a protocol random weights and interval features are judged beside the subjects. Results go to OUT/PROTOCOL/SUBJECT.json; what is
finished is not judged again. `einthoven compare` makes tables of them.")]
    Evaluate(Evaluate),
    /// Compare the subjects that protocols were carried out on: tables with intervals and tests, curves, calibration
    #[command(after_help = "Examples:
  einthoven compare results --html comparison.html
  einthoven compare results --csv comparison.csv --json comparison.json --latex comparison.tex")]
    Compare(Compare),
    /// Fit linear classifiers on the embeddings of a run's training records and judge them on a dataset
    #[command(after_help = "Examples:
  einthoven probe runs/quickstart --labels super
  einthoven probe runs/simulated-minilm --dataset ptb-xl --root ptbxl-sample --folds 1,2,3,4,5,6,7,8,9
  einthoven probe runs/simulated-minilm --labels conditions --classes AFIB,CLBBB --dataset ptb-xl \\
    --root ptbxl-sample --judged-labels all --folds 9")]
    Probe(Probe),
    /// Score recordings against free texts
    #[command(after_help = "Examples:
  einthoven query runs/quickstart ecg.hea --text \"atrial fibrillation\" --text \"sinus rhythm\"
  einthoven query runs/quickstart ecg.npy --sampling-rate 500 --unit mV --text \"left bundle branch block\" --json")]
    Query(Query),
    /// Write a caption for a recording, word by word from the model's decoder
    Describe(Describe),
    /// Show which parts of a recording make a text fit it, in colours beneath its drawing
    #[command(after_help = "Examples:
  einthoven explain runs/quickstart simulated:5 --text \"left bundle branch block\" -o saliency.svg
  einthoven explain runs/quickstart ecg.hea --text \"atrial fibrillation\" --method occlusion -o saliency.png

Orange speaks for the text, blue against it, compared with a flat line; of attention, orange marks the moments that the network gathers
from, whatever the text. It shows what the network looks at, which need not be where the finding is.")]
    Explain(Explain),
    /// Print the embeddings of recordings
    #[command(after_help = "Examples:
  einthoven embed runs/quickstart simulated:5 simulated:6
  einthoven embed runs/ecg-fm ecg.hea --json")]
    Embed(Embed),
    /// Bring the checkpoint of a published system into a run folder
    #[command(after_help = "Examples:
  einthoven import esi esi.safetensors -o runs/esi --text models/BioLinkBERT-base
  einthoven import merl res18_best_ckpt.pth -o runs/merl --text models/MedCPT-Query-Encoder
  einthoven import ecg-fm mimic_iv_ecg_physionet_pretrained.pt -o runs/ecg-fm

Nothing in the file is executed. A run of esi is opened by query, explain, evaluate and describe; one of merl with its text tower by
query, explain, embed and evaluate --protocol; of the other systems the signal encoder is imported, which embed and evaluate --protocol
open.")]
    Import(Import),
    /// Write a model for other programs: its signal encoder as ONNX, or weights and code for PyTorch
    #[command(after_help = "Examples:
  einthoven export runs/quickstart -o encoder.onnx
  einthoven export runs/quickstart --pytorch quickstart-pytorch

The ONNX model (opset 17) takes `signals` [batch, leads, samples], prepared as the contract in its metadata says, and `valid` [batch],
how many samples of each recording are not padding, unless the encoder takes no notice of padding. It gives `pooled`, the encoder's
vector, and of an ESI `embedding`, which is compared with those of texts. The folder for PyTorch holds weights under their published
names, load.py, which says how to use it, and the network in plain PyTorch.")]
    Export(Export),
    /// Publish a run's model on the Hugging Face Hub, with a model card and a receipt: private unless told otherwise
    #[command(after_help = "Examples:
  einthoven publish runs/quickstart --to my-lab/esi-small --dry-run
  einthoven publish runs/quickstart --to my-lab/esi-small

The token comes from HF_TOKEN or from `hf auth login`. A revision appears whole or not at all; large files that are there already
are not sent again.")]
    Publish(Publish),
    /// Bring a published model into the local cache, every file verified; `query`, `explain`, `describe`, `embed` and `evaluate` take
    /// its name
    #[command(after_help = "Examples:
  einthoven pull my-lab/esi-small
  einthoven pull my-lab/esi-small@0f3c1de6a2b94c7d8e5f60718293a4b5c6d7e8f9

The cache is huggingface_hub's (HF_HUB_CACHE, HF_HOME). With HF_HUB_OFFLINE=1 the network is not asked.")]
    Pull(Pull),
    /// Say what a recording, a checkpoint or a run folder holds
    Inspect(Inspect),
    /// Measure a recording: rate, intervals, axes, voltages, rhythm, and the quality of each lead
    #[command(after_help = "Examples:
  einthoven measure ecg.hea
  einthoven measure simulated:5 --json")]
    Measure(Measure),
    /// Draw a recording on ECG paper: 25 mm/s, 10 mm/mV
    #[command(after_help = "Examples:
  einthoven draw ecg.hea -o ecg.svg
  einthoven draw simulated:5 -o ecg.png")]
    Draw(Draw),
    /// The Cardio Query Assistant: describe statements, store and audit descriptions, search the knowledge
    #[command(subcommand)]
    Caption(caption::Caption),
    /// Datasets: list, fetch, check, count, split, shard
    #[command(subcommand)]
    Data(data::Data),
    /// Print a completion script for your shell
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
}

/// Options of `quickstart`.
#[derive(Debug, Args)]
pub struct Quickstart {
    /// Folder for the run
    #[arg(long, default_value = "runs/quickstart")]
    pub out: PathBuf,
    /// Change one key of the embedded experiment (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Go on with the run in the folder
    #[arg(long)]
    pub resume: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `pretrain` and `finetune`.
#[derive(Debug, Args)]
pub struct Pretrain {
    /// The experiment file
    pub experiment: PathBuf,
    /// Change one key of the experiment (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Folder for the run [default: runs/ and the experiment's name]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on from the last checkpoint, or start if there is none
    #[arg(long)]
    pub resume: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// How to read recordings in files that do not say it themselves.
#[derive(Debug, Args)]
pub struct Reading {
    /// Sampling rate of array files, in Hz
    #[arg(long)]
    pub sampling_rate: Option<f64>,
    /// Leads of array files, in order (such as I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6)
    #[arg(long, value_delimiter = ',')]
    pub leads: Option<Vec<String>>,
    /// Unit of array files: mV, uV or V
    #[arg(long)]
    pub unit: Option<String>,
}

/// Options of `evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]. With --protocol several, also imported encoders, random:RUN or random:EXPERIMENT.toml (fresh
    /// weights) and measurements (interval features), under names of your own as NAME=SUBJECT
    #[arg(required = true, value_name = "RUN|SUBJECT")]
    pub subjects: Vec<String>,
    /// Judge by a protocol: the name of an embedded one (experiments/protocols) or a TOML file
    #[arg(long, value_name = "NAME|FILE", requires = "out")]
    #[arg(conflicts_with_all = ["dataset", "labels", "prompts", "folds", "html"])]
    pub protocol: Option<String>,
    /// Folder for the results of a protocol
    #[arg(long, requires = "protocol")]
    pub out: Option<PathBuf>,
    /// Dataset to judge on [default: the run's own]
    #[arg(long)]
    pub dataset: Option<String>,
    /// Where the dataset lies
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Label set [default: the run's own]
    #[arg(long)]
    pub labels: Option<String>,
    /// Label prompts: the name of an embedded set or a TOML file [default: the run's own]
    #[arg(long)]
    pub prompts: Option<String>,
    /// Folds to judge on [default: the run's test folds]
    #[arg(long, value_delimiter = ',')]
    pub folds: Option<Vec<u8>>,
    /// Write the HTML report here
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The folder of results
    pub results: PathBuf,
    /// Write the page here
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Write all numbers as CSV here
    #[arg(long)]
    pub csv: Option<PathBuf>,
    /// Write all numbers as JSON here
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Write the tables as LaTeX here
    #[arg(long)]
    pub latex: Option<PathBuf>,
}

/// Options of `probe`.
#[derive(Debug, Args)]
pub struct Probe {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose) or a checkpoint folder
    pub run: PathBuf,
    /// Label set of the run's dataset to learn [default: the run's own]
    #[arg(long)]
    pub labels: Option<String>,
    /// Classes of it [default: all that the judged label set has, too]
    #[arg(long, value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Dataset to judge on [default: the run's own]
    #[arg(long)]
    pub dataset: Option<String>,
    /// Where the dataset lies
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// Label set to judge by [default: the one that was learnt]
    #[arg(long)]
    pub judged_labels: Option<String>,
    /// Folds to judge on [default: the dataset's test folds]
    #[arg(long, value_delimiter = ',')]
    pub folds: Option<Vec<u8>>,
    /// L2 penalty of the classifiers, above 0
    #[arg(long, default_value_t = 0.01)]
    pub decay: f64,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `query`.
#[derive(Debug, Args)]
pub struct Query {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// Recordings: WFDB, NumPy or CSV files, or simulated:INDEX
    #[arg(required = true)]
    pub records: Vec<String>,
    /// A text to score (repeatable)
    #[arg(long = "text", required = true)]
    pub texts: Vec<String>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    #[command(flatten)]
    pub reading: Reading,
    /// Longest caption, in tokens
    #[arg(long, default_value_t = 128)]
    pub max_tokens: usize,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, or a published
    /// model: owner/model[@revision]
    pub run: PathBuf,
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    /// The text
    #[arg(long)]
    pub text: String,
    /// Picture to write: its ending, .svg or .png, says the kind
    #[arg(short, long)]
    pub output: PathBuf,
    /// How parts are weighed
    #[arg(long, value_enum, default_value_t = Weighing::Gradients)]
    pub method: Weighing,
    #[command(flatten)]
    pub reading: Reading,
    /// Print what was found, each part's share included, as JSON
    #[arg(long)]
    pub json: bool,
}

/// How parts of a recording are weighed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Weighing {
    /// Integrated gradients: of each sample, adding up to the whole
    Gradients,
    /// Windows of 0.4 s of a lead, each flattened by itself
    Occlusion,
    /// Attention of the network, whatever the text: of moments, all leads alike
    Attention,
}

/// Options of `embed`.
#[derive(Debug, Args)]
pub struct Embed {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, an imported encoder or a
    /// published model: owner/model[@revision]
    pub run: PathBuf,
    /// Recordings: WFDB, NumPy or CSV files, or simulated:INDEX
    #[arg(required = true)]
    pub records: Vec<String>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON instead of CSV
    #[arg(long)]
    pub json: bool,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The system that the checkpoint is of
    pub system: System,
    /// The checkpoint: safetensors, or a file that torch.save wrote
    pub file: PathBuf,
    /// Folder for the run
    #[arg(short, long)]
    pub output: PathBuf,
    /// For esi and merl: folder of the text encoder that it was trained with (tokenizer.json or vocab.txt, config.json). Of a merl
    /// without it the signal encoder alone is imported
    #[arg(long, required_if_eq("system", "esi"))]
    pub text: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Systems whose checkpoints can be imported.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum System {
    /// ESI: ConvNeXt V2 or XResNet1d with BERT and a captioning decoder
    Esi,
    /// MERL: ResNet or ViT, with its head or without, and MedCPT with its projection
    Merl,
    /// xresnet1d of the PTB-XL benchmark
    #[value(name = "xresnet1d101")]
    XResNet1d,
    /// ECG-FM: wav2vec 2.0, pretrained or fine-tuned
    EcgFm,
    /// ECGFounder: Net1D of 12 leads or one
    #[value(name = "ecgfounder")]
    EcgFounder,
}

/// Options of `export`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub struct Export {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose), a checkpoint folder, an imported encoder, or a
    /// published model: owner/model[@revision]
    pub run: PathBuf,
    /// ONNX file to write
    #[arg(short, long, value_name = "FILE", group = "what")]
    pub output: Option<PathBuf>,
    /// Folder to write for PyTorch
    #[arg(long, value_name = "FOLDER", group = "what")]
    pub pytorch: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `publish`.
#[derive(Debug, Args)]
pub struct Publish {
    /// A run folder (its best checkpoint, or the last; RUN@last and RUN@best choose) or a checkpoint folder
    pub run: PathBuf,
    /// What it is to be called: owner/model
    #[arg(long, value_name = "OWNER/MODEL")]
    pub to: String,
    /// Show the card and the files, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// For everybody to see
    #[arg(long)]
    pub public: bool,
    /// Publish weights although a dataset's card forbids it or does not allow it
    #[arg(long)]
    pub allow_restricted: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `pull`.
#[derive(Debug, Args)]
pub struct Pull {
    /// owner/model, or owner/model@revision with a branch, tag or commit
    pub name: String,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A recording, a run folder or a checkpoint folder
    pub path: String,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `measure`.
#[derive(Debug, Args)]
pub struct Measure {
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    #[command(flatten)]
    pub reading: Reading,
    /// Print the result as JSON, each beat with its waves
    #[arg(long)]
    pub json: bool,
}

/// Options of `draw`.
#[derive(Debug, Args)]
pub struct Draw {
    /// The recording: a WFDB, NumPy or CSV file, or simulated:INDEX
    pub record: String,
    /// Picture to write: its ending, .svg or .png, says the kind
    #[arg(short, long)]
    pub output: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
}
