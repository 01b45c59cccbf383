//! A whole experiment, recordings read, model trained and judged, against the same experiment in PyTorch.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Args;
use einthoven::corpus::{Location, Split};
use einthoven::eval::zero_shot::PromptSet;
use einthoven::models::{Mode, SignalConfig, TextSource, Tokenizer};
use einthoven::train::schedule::{Decay, Span};
use einthoven::train::{Checkpoint, ProgressDisplay};
use einthoven::{Data, Experiment, Outcome, RunOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::measure::median;
use crate::table::{Table, ratio};
use crate::{Common, Result, machine, python};

/// The most that the AUROC of the same weights may differ: they are ranked alike but for rounding.
const TOLERANCE: f64 = 2e-3;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// An experiment on files with a ConvNeXt in corrected mode, a locked text encoder from a folder and a linear schedule
    #[arg(long, default_value = "experiments/ptbxl-sample.toml")]
    pub experiment: PathBuf,
    /// Seeds of the runs
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    pub seeds: Vec<u64>,
    /// Threads on both sides
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: u32,
    /// Python with torch, transformers, safetensors and wfdb
    #[arg(long, default_value = "python3")]
    pub python: String,
}

/// What is asked of the process that is Einthoven's side.
#[derive(Clone, Debug, Args)]
pub struct Side {
    experiment: PathBuf,
    seed: u64,
    out: PathBuf,
    #[arg(long)]
    pub threads: u32,
}

/// One run of one side.
struct Run {
    auroc: String,
    seconds: f64,
    peak_mib: f64,
}

/// Carries out all runs, the sides in turns.
pub fn run(options: &Options) -> Result<Table> {
    let common = Common { rounds: 1, threads: options.threads, python: options.python.clone() };
    let experiment = Experiment::load(&options.experiment, &[])?;
    let mut table = Table {
        title: format!("{} from beginning to end, {} threads", options.experiment.display(), options.threads),
        machine: machine::describe(&common, true)?,
        head: vec!["seed", "side", "seconds", "zero-shot AUROC", "MiB"],
        ..Table::default()
    };
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("task.json"), task(&experiment)?.to_string())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for &seed in &options.seeds {
        let out = folder.path().join(format!("run-{seed}"));
        eprintln!("train: Einthoven, seed {seed}");
        let (einthoven, value) = own(options, seed, &out)?;
        if theirs.is_empty() {
            compare(&Checkpoint::open(&out)?, value, folder.path(), &common)?;
        }
        eprintln!("train: PyTorch, seed {seed}");
        let pytorch = peer(folder.path(), &["--seed", &seed.to_string()], &common)?;
        for (name, run) in [("Einthoven", &einthoven), ("PyTorch", &pytorch)] {
            let cells = [format!("{:.0}", run.seconds), run.auroc.clone(), format!("{:.0}", run.peak_mib)];
            table.rows.push([seed.to_string(), name.to_owned()].into_iter().chain(cells).collect());
        }
        ours.push(einthoven.seconds);
        theirs.push(pytorch.seconds);
    }
    table.notes.push(format!("PyTorch's time over Einthoven's, medians: {}.", ratio(median(theirs) / median(ours))));
    Ok(table)
}

/// Einthoven's side in this process.
pub fn side(options: &Side) -> Result<()> {
    let seed = format!("seed={}", options.seed);
    let experiment = Experiment::load(&options.experiment, &[seed])?;
    let pretrain = RunOptions {
        out: options.out.clone(),
        resume: false,
        stop: Arc::new(AtomicBool::new(false)),
        display: ProgressDisplay::Hidden,
    };
    let Outcome { judgement, .. } = einthoven::pretrain(experiment, &pretrain)?;
    let auroc = judgement.ok_or("the run was interrupted")?.zero_shot.r#macro.auroc;
    println!("{}", json!({ "auroc": auroc, "peak_mib": machine::peak_mib() }));
    Ok(())
}

/// Einthoven's side in a process of its own; also its AUROC.
fn own(options: &Options, seed: u64, out: &Path) -> Result<(Run, f64)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("train-side").arg(&options.experiment).arg(seed.to_string()).arg(out);
    command.args(["--threads", &options.threads.to_string()]);
    let start = Instant::now();
    let answer = answer(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    let number = |value: &Value| value.as_f64().ok_or("Einthoven's side says no number");
    let auroc = &answer["auroc"];
    let value = number(&auroc["value"])?;
    let (low, high) = (number(&auroc["interval"]["low"])?, number(&auroc["interval"]["high"])?);
    let run =
        Run { auroc: format!("{value:.3} ({low:.3}–{high:.3})"), seconds, peak_mib: number(&answer["peak_mib"])? };
    Ok((run, value))
}

/// PyTorch's side; it tells its time itself, without what it takes to import PyTorch.
fn peer(folder: &Path, arguments: &[&str], common: &Common) -> Result<Run> {
    let answer = answer(python::script("train.py", folder, common).args(arguments))?;
    let number = |key: &str| answer[key].as_f64().ok_or_else(|| format!("PyTorch's side says no {key}"));
    Ok(Run { auroc: format!("{:.3}", number("auroc")?), seconds: number("seconds")?, peak_mib: number("peak_mib")? })
}

/// Fails unless PyTorch judges Einthoven's trained weights as Einthoven does.
fn compare(run: &Checkpoint, ours: f64, folder: &Path, common: &Common) -> Result<()> {
    let weights = run.folder().join("model.safetensors");
    let mut script = python::script("train.py", folder, common);
    let theirs = answer(script.arg("--weights").arg(weights))?["auroc"].as_f64().unwrap_or(f64::NAN);
    eprintln!("train: the same weights, AUROC {ours:.4} here and {theirs:.4} in PyTorch");
    let off = (ours - theirs).abs();
    if off.is_nan() || off > TOLERANCE {
        return Err(format!("the same weights have AUROC {ours} here and {theirs} in PyTorch").into());
    }
    Ok(())
}

/// The last line that a process prints, a JSON object.
fn answer(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().filter(|_| output.status.success());
    Ok(serde_json::from_str(last.ok_or("a side of the comparison failed")?)?)
}

/// All that PyTorch's side needs to know: sizes, settings, records with the tokens of their captions, prompts.
fn task(experiment: &Experiment) -> Result<Value> {
    let Experiment { model, train, augment, contract, .. } = experiment;
    let SignalConfig::ConvNext(signal) = &model.signal else { return Err("the twin is a ConvNeXt".into()) };
    let Some(TextSource::Folder(text)) = &experiment.text.pretrained else {
        return Err("the twin wants a pretrained text encoder from a folder".into());
    };
    let Some(epochs) = train.epochs else { return Err("the twin wants `train.epochs`".into()) };
    let Span::Fraction(warmup) = train.schedule.warmup else {
        return Err("the twin wants a fraction of warm-up".into());
    };
    if model.mode != Mode::Corrected || train.text_learning_rate_scale != 0.0 || train.schedule.kind != Decay::Linear {
        return Err("the twin is corrected, its text encoder locked and its schedule linear".into());
    }
    let bert: Value = serde_json::from_slice(&std::fs::read(text.join("config.json"))?)?;
    let tokenizer = Tokenizer::load(&text.join("tokenizer.json"))?;
    let encode = |texts: &[String]| -> Result<Vec<Vec<u32>>> {
        let batch = tokenizer.encode_batch(texts, train.max_tokens)?;
        Ok((0..batch.count()).map(|text| batch.row(text).to_vec()).collect())
    };
    let dataset = Data::open(&experiment.data)?;
    let records = |split: Split| -> Result<(Vec<Value>, Vec<String>)> {
        let data = Data::select(&dataset, &experiment.data, &split)?;
        let labels = data.dataset.label_set(&experiment.evaluate.labels)?;
        let ids = encode(&data.captions)?;
        let entries = data.dataset.entries.iter().zip(ids).zip(labels.targets);
        let records = entries.map(|((entry, ids), targets)| match &entry.location {
            Location::File(path) => Ok(json!({ "path": path.with_extension(""), "ids": ids, "targets": targets })),
            _ => Err("the twin reads recordings from files".into()),
        });
        Ok((records.collect::<Result<_>>()?, labels.classes))
    };
    let (training, _) = records(Split::Train)?;
    let (test, classes) = records(Split::Test)?;
    let prompts = PromptSet::open(&experiment.evaluate.prompts)?;
    let prompts: Vec<Vec<Vec<u32>>> =
        classes.iter().map(|class| encode(&prompts.texts(class)?)).collect::<Result<_>>()?;
    Ok(json!({
        "config": {
            "dim": bert["hidden_size"],
            "latents": model.latents,
            "leads": contract.leads.len(),
            "signal_tokens": model.signal_tokens,
            "depths": signal.size.depths(),
            "widths": signal.size.widths(),
            "depth": model.decoder.depth,
            "heads": model.decoder.heads,
            "dim_head": model.decoder.dim_head,
            "ff_mult": model.decoder.ff_mult,
            "bert": bert,
        },
        "train": {
            "epochs": epochs,
            "batch_size": train.batch_size,
            "learning_rate": train.learning_rate,
            "weight_decay": train.weight_decay,
            "betas": train.betas,
            "eps": train.eps,
            "clip_norm": train.clip_norm.unwrap_or(f64::MAX),
            "ema": train.ema.map_or(0.0, |ema| ema.decay),
            "warmup": warmup,
        },
        "augment": augment,
        "gain": contract.gain,
        "sampling_rate": contract.sampling_rate,
        "text": text.join("model.safetensors"),
        "training": training,
        "test": test,
        "prompts": prompts,
    }))
}
