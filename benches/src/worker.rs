//! The process that is Einthoven's side of a step, so that its memory and threads are its own: the counterpart of `pytorch/step.py`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use einthoven::models::Mode;
use einthoven::nn::{MatmulPrecision, set_matmul_precision};
use serde_json::json;

use crate::peer::Peer;
use crate::side::Side;
use crate::sizes::Sizes;
use crate::{Result, machine, twin};

/// Where the embeddings of the untouched weights, or the cosines of a query, are left.
pub const EMBEDDINGS: &str = "einthoven.safetensors";

/// What is asked of the process.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    sizes: Sizes,
    /// The published computation
    #[arg(long)]
    paper: bool,
    /// Matrix products in bf16
    #[arg(long)]
    bf16: bool,
    #[arg(long)]
    pub threads: u32,
    /// Where weights, batch and embeddings are left for the twin
    #[arg(long)]
    folder: Option<PathBuf>,
    /// All records against the first so many texts, instead of steps
    #[arg(long)]
    texts: Option<usize>,
}

/// Starts the process; with a `folder`, weights, batch, losses and embeddings are handed over.
pub fn start(
    sizes: &Sizes,
    mode: Mode,
    precision: MatmulPrecision,
    threads: u32,
    folder: Option<&Path>,
) -> Result<Peer> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("worker").args(sizes.arguments()).args(["--threads", &threads.to_string()]);
    if mode == Mode::Paper {
        command.arg("--paper");
    }
    if precision == MatmulPrecision::Bf16 {
        command.arg("--bf16");
    }
    if let Some(folder) = folder {
        command.arg("--folder").arg(folder);
    }
    Peer::start(&mut command)
}

/// Starts the process to compare all records with `texts` texts; weights, batch and cosines are handed over in `folder`.
pub fn start_query(sizes: &Sizes, texts: usize, threads: u32, folder: &Path) -> Result<Peer> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("worker").args(sizes.arguments()).args(["--threads", &threads.to_string(), "--paper"]);
    command.arg("--folder").arg(folder).args(["--texts", &texts.to_string()]);
    Peer::start(&mut command)
}

/// Answers requests until the input ends.
pub fn run(options: &Options) -> Result<()> {
    let mode = if options.paper { Mode::Paper } else { Mode::Corrected };
    if options.bf16 {
        set_matmul_precision(MatmulPrecision::Bf16)?;
    }
    let mut side = Side::new(&options.sizes, mode)?;
    let mut hello = json!({ "parameters": side.parameters.count(), "encoder_parameters": side.encoder_parameters() });
    if let Some(folder) = &options.folder {
        twin::hand_over(&side, folder)?;
        let computed = match options.texts {
            Some(texts) => side.query(texts)?,
            None => {
                let (contrastive, caption, _) = side.losses()?;
                hello["contrastive"] = contrastive.into();
                hello["caption"] = caption.into();
                side.model.encode_signals(&side.signals, None)?
            }
        };
        let embeddings = BTreeMap::from([("embeddings", computed)]);
        safetensors::serialize_to_file(&embeddings, None, &folder.join(EMBEDDINGS))?;
    }
    println!("{hello}");
    for request in std::io::stdin().lines() {
        let seconds = match request?.as_str() {
            "step" => side.step()?,
            "encode" => side.encode()?,
            "encoder" => side.encoder()?,
            "query" => {
                let start = Instant::now();
                side.query(options.texts.ok_or("no texts to compare with")?)?;
                start.elapsed().as_secs_f64()
            }
            other => return Err(format!("unknown request `{other}`").into()),
        };
        println!("{seconds}");
    }
    // Nobody listens any more if the comparison has failed.
    let _ = writeln!(std::io::stdout(), "{}", json!({ "peak_mib": machine::peak_mib() }));
    Ok(())
}
