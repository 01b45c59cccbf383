//! Options of the commands that bring models in and hand them on.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
