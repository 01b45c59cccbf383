//! What can be typed after `einthoven`.

mod ask;
pub mod caption;
pub mod data;
mod exchange;
mod judge;
mod recording;
mod train;

use clap::{Parser, Subcommand};

pub use ask::{Describe, Embed, Explain, Query, Search, Weighing};
pub use exchange::{Export, Import, Publish, Pull, System};
pub use judge::{Compare, Evaluate, Probe};
pub use recording::{Draw, Inspect, Measure, Reading};
pub use train::{Pretrain, Quickstart};

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
  einthoven pretrain experiments/simulated.toml --find-batch-size

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

Under a protocol random weights and interval features are judged beside the subjects; one whose name ends in -finetuning trains each
subject's encoder several times, which takes its time. Results go to OUT/PROTOCOL/SUBJECT.json; what is finished is not judged again.
`einthoven compare` makes tables of them.")]
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
    /// Print the embeddings of recordings, or keep them in a file to be searched
    #[command(after_help = "Examples:
  einthoven embed runs/quickstart simulated:5 simulated:6
  einthoven embed runs/quickstart simulated:5 simulated:6 -o embeddings.safetensors
  einthoven embed runs/quickstart --dataset ptb-xl --root ptb-xl --folds 9,10 -o ptb-xl.safetensors
  einthoven embed runs/ecg-fm ecg.hea --json

Of a dataset, recordings that are missing or that the model cannot be fed are left out, counted and named; rows are called by the
recordings' ids.")]
    Embed(Embed),
    /// Find the recordings that a text fits best among stored embeddings
    #[command(after_help = "Examples:
  einthoven embed runs/quickstart ward/*.hea -o ward.safetensors
  einthoven search runs/quickstart ward.safetensors --text \"atrial flutter\" --top 20

The search is exact: it finds what comparing the text with every embedding would.")]
    Search(Search),
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
