//! Einthoven's step against the length of records, the batch and the size of the model.

use clap::Args;
use einthoven::models::Mode;

use crate::measure::{exponent, peers_in_turn};
use crate::peer::Peer;
use crate::sizes::{Model, Sizes};
use crate::table::{Table, ms};
use crate::{Common, Result, machine, worker};

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// The model that grows in length and batch
    #[arg(long, default_value = "atto-minilm")]
    pub model: Model,
    /// Samples of each of the 12 leads
    #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000,20000")]
    pub lengths: Vec<usize>,
    /// Records in a batch
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16")]
    pub batches: Vec<usize>,
    /// Models that are compared by their size
    #[arg(long, value_delimiter = ',', default_value = "atto-minilm,nano-minilm,base-bert")]
    pub models: Vec<Model>,
    /// Samples where it is not they that grow
    #[arg(long, default_value_t = 5000)]
    pub samples: usize,
    /// Records in a batch where it is not they that grow
    #[arg(long, default_value_t = 4)]
    pub batch: usize,
}

/// One table for each thing that grows.
pub fn run(options: &Options) -> Result<[Table; 3]> {
    let &Options { model, samples, batch, .. } = options;
    let sizes = Sizes { model, batch, samples, tokens: model.tokens() };
    let lengths: Vec<Sizes> = options.lengths.iter().map(|&samples| Sizes { samples, ..sizes }).collect();
    let batches: Vec<Sizes> = options.batches.iter().map(|&batch| Sizes { batch, ..sizes }).collect();
    let models: Vec<Sizes> =
        options.models.iter().map(|&model| Sizes { model, tokens: model.tokens(), ..sizes }).collect();
    let name = model.name();
    Ok([
        grow(options, format!("{name}, batch {batch}"), "samples", &lengths, |sizes, _| sizes.samples as f64)?,
        grow(options, format!("{name}, {samples} samples"), "batch", &batches, |sizes, _| sizes.batch as f64)?,
        grow(options, format!("batch {batch}, {samples} samples"), "parameters", &models, |_, parameters| parameters)?,
    ])
}

/// Times at each of `sizes`, whose `x` is what grows, and the exponents of a power law.
fn grow(
    options: &Options,
    fixed: String,
    axis: &'static str,
    sizes: &[Sizes],
    x: impl Fn(&Sizes, f64) -> f64,
) -> Result<Table> {
    let common = &options.common;
    eprintln!("length: {axis}, {fixed}");
    let mut peers = sizes
        .iter()
        .map(|sizes| worker::start(sizes, Mode::Corrected, common.threads, None))
        .collect::<Result<Vec<Peer>>>()?;
    let mut times = Vec::new();
    for request in ["step", "encoder", "encode"] {
        times.push(peers_in_turn(&mut peers.iter_mut().collect::<Vec<_>>(), request, common.rounds)?);
    }
    let parameters = peers.iter().map(|peer| peer.number("parameters")).collect::<Result<Vec<f64>>>()?;
    let peaks = peers.into_iter().map(Peer::finish).collect::<Result<Vec<f64>>>()?;
    let xs: Vec<f64> = sizes.iter().zip(parameters).map(|(sizes, parameters)| x(sizes, parameters)).collect();
    let rows = xs.iter().enumerate().map(|(i, x)| {
        let mut row = vec![x.to_string()];
        row.extend(times.iter().map(|times| ms(times[i])));
        row.push(format!("{:.0}", peaks[i]));
        row
    });
    let exponents: Vec<f64> = times
        .iter()
        .map(|times| exponent(&xs.iter().copied().zip(times.iter().copied()).collect::<Vec<_>>()))
        .collect();
    Ok(Table {
        title: format!(
            "Einthoven against {axis}: {fixed}, {} threads, medians of {} rounds",
            common.threads, common.rounds
        ),
        machine: machine::describe(common, false)?,
        head: vec![axis, "step ms", "signal encoder, forward and backward ms", "inference ms", "peak MiB"],
        rows: rows.collect(),
        notes: vec![format!(
            "Time grows as {axis} to the power of {:.2} (step), {:.2} (signal encoder), {:.2} (inference), by least squares.",
            exponents[0], exponents[1], exponents[2]
        )],
        ..Table::default()
    })
}
