//! A training step of ESI and its inference, against PyTorch's.

use clap::Args;
use einthoven::models::Mode;
use einthoven::nn::MatmulPrecision;
use tempfile::TempDir;

use crate::measure::{geometric_mean, peers_in_turn};
use crate::peer::Peer;
use crate::python::{self, Variant};
use crate::sizes::{Model, Sizes};
use crate::table::{Table, ms, ratio};
use crate::{Common, Result, machine, twin, worker};

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// Models
    #[arg(long, value_delimiter = ',', default_value = "atto-minilm")]
    pub model: Vec<Model>,
    /// Records in a batch [default: 16 for atto-minilm, 8 for nano-minilm, 4 and 16 for base-bert]
    #[arg(long, value_delimiter = ',')]
    pub batch: Vec<usize>,
    /// Samples of each of the 12 leads
    #[arg(long, default_value_t = 5000)]
    pub samples: usize,
    /// Tokens of each caption [default: 96, 128 for base-bert]
    #[arg(long)]
    pub tokens: Option<usize>,
    /// Also torch.compile
    #[arg(long)]
    pub compile: bool,
    /// Also PyTorch with its fused AdamW, MKL's path for Intel's processors and huge pages
    #[arg(long)]
    pub tuned: bool,
    /// Matrix products in bf16, also against PyTorch with matrix products of medium precision and with autocast to bf16
    #[arg(long)]
    pub bf16: bool,
}

/// What one PyTorch and Einthoven took for the same.
struct Pair {
    task: &'static str,
    theirs: f64,
    ours: f64,
    /// Peak memory in MiB, PyTorch's and Einthoven's.
    peaks: Option<[f64; 2]>,
}

/// The ratio of a step's times against each PyTorch.
struct Ratios {
    label: String,
    values: Vec<(Variant, f64)>,
}

/// Measures all models and batches.
pub fn run(options: &Options) -> Result<Table> {
    let common = &options.common;
    let mut table = Table {
        title: format!(
            "ESI{} on records of 12 × {} samples, {} threads, medians of {} rounds",
            if options.bf16 { ", Einthoven with products in bf16," } else { "" },
            options.samples,
            common.threads,
            common.rounds
        ),
        machine: machine::describe(common, true)?,
        head: vec![
            "model",
            "batch",
            "task",
            "PyTorch",
            "PyTorch ms",
            "Einthoven ms",
            "ratio",
            "PyTorch MiB",
            "Einthoven MiB",
            "share",
        ],
        ..Table::default()
    };
    let mut variants = vec![Variant::Eager];
    variants.extend(options.compile.then_some(Variant::Compiled));
    variants.extend(options.tuned.then_some(Variant::Tuned));
    let precision = if options.bf16 { MatmulPrecision::Bf16 } else { MatmulPrecision::F32 };
    if options.bf16 {
        variants.extend([Variant::Medium, Variant::Autocast]);
    }
    let mut ratios = Vec::new();
    for &model in &options.model {
        let batches = if options.batch.is_empty() { model.batches() } else { &options.batch };
        for &batch in batches {
            let tokens = options.tokens.unwrap_or(model.tokens());
            let sizes = Sizes { model, batch, samples: options.samples, tokens };
            let name = format!("{}, {tokens} tokens", model.name());
            let mut of_sizes = Ratios { label: format!("{}, batch {batch}", model.name()), values: Vec::new() };
            for &variant in &variants {
                eprintln!("step: {name}, batch {batch}, PyTorch {variant}");
                match measure(&sizes, variant, precision, common)? {
                    Ok(pairs) => {
                        of_sizes.values.push((variant, pairs[0].theirs / pairs[0].ours));
                        table.rows.extend(pairs.iter().map(|pair| pair.row(&name, batch, variant)));
                    }
                    Err(reason) => table.notes.push(format!("PyTorch {variant} does not run {name} here: {reason}.")),
                }
            }
            ratios.push(of_sizes);
        }
    }
    summarise(&mut table, &variants, &ratios);
    Ok(table)
}

/// Both sides in turns; or why this PyTorch does not work here.
fn measure(
    sizes: &Sizes,
    variant: Variant,
    precision: MatmulPrecision,
    common: &Common,
) -> Result<std::result::Result<Vec<Pair>, String>> {
    let folder = TempDir::new()?;
    let mut ours = worker::start(sizes, Mode::Paper, precision, common.threads, Some(folder.path()))?;
    let mut theirs = Peer::start(&mut python::steps(variant, folder.path(), common)?)?;
    if let Some(reason) = theirs.text("failed") {
        return Ok(Err(reason.to_owned()));
    }
    let tolerance = if precision == MatmulPrecision::Bf16 { twin::ROUNDED_TOLERANCE } else { twin::TOLERANCE };
    twin::compare(&ours, &theirs, folder.path(), tolerance)?;
    let mut pairs = Vec::new();
    for (task, request) in [("step", "step"), ("inference", "encode")] {
        let times = peers_in_turn(&mut [&mut theirs, &mut ours], request, common.rounds)?;
        pairs.push(Pair { task, theirs: times[0], ours: times[1], peaks: None });
    }
    let our_peak = ours.finish()?;
    if variant == Variant::Eager {
        let mut corrected = worker::start(sizes, Mode::Corrected, precision, common.threads, None)?;
        let times = peers_in_turn(&mut [&mut theirs, &mut corrected], "step", common.rounds)?;
        corrected.finish()?;
        pairs.push(Pair { task: "step, corrected mode", theirs: times[0], ours: times[1], peaks: None });
    }
    pairs[0].peaks = Some([theirs.finish()?, our_peak]);
    Ok(Ok(pairs))
}

impl Pair {
    fn row(&self, model: &str, batch: usize, variant: Variant) -> Vec<String> {
        let memory = match self.peaks {
            Some([theirs, ours]) => [format!("{theirs:.0}"), format!("{ours:.0}"), ratio(ours / theirs)],
            None => ["–", "–", "–"].map(str::to_owned),
        };
        let mut row = vec![model.to_owned(), batch.to_string(), self.task.to_owned(), variant.to_string()];
        row.extend([ms(self.theirs), ms(self.ours), ratio(self.theirs / self.ours)]);
        row.extend(memory);
        row
    }
}

/// Means over the models, against each PyTorch and against the fastest at each.
fn summarise(table: &mut Table, variants: &[Variant], ratios: &[Ratios]) {
    for &wanted in variants {
        let of =
            |ratios: &Ratios| ratios.values.iter().find(|(variant, _)| *variant == wanted).map(|(_, value)| *value);
        let values: Vec<f64> = ratios.iter().filter_map(of).collect();
        if !values.is_empty() {
            table.notes.push(format!("Steps against PyTorch {wanted}: {}.", spread(&values)));
        }
    }
    let fastest = |ratios: &Ratios| ratios.values.iter().map(|(_, value)| *value).min_by(f64::total_cmp);
    if variants.len() > 1 {
        let values: Vec<f64> = ratios.iter().filter_map(fastest).collect();
        table.notes.push(format!("Steps against the fastest PyTorch at each: {}.", spread(&values)));
    }
    for ratios in ratios {
        for (variant, value) in &ratios.values {
            table.bars.push((format!("{}, {variant}", ratios.label), *value));
        }
    }
}

fn spread(values: &[f64]) -> String {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    format!("geometric mean {:.2}, lowest {lowest:.2}", geometric_mean(values))
}
