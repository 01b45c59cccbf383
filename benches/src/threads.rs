//! Einthoven's step against the number of threads.

use clap::Args;
use einthoven::models::Mode;
use einthoven::nn::MatmulPrecision;

use crate::measure::peers_in_turn;
use crate::peer::Peer;
use crate::sizes::{Model, Sizes};
use crate::table::{Table, ms, ratio};
use crate::{Common, Result, machine, worker};

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// Numbers of threads [default: powers of two up to the number of cores, and that]
    #[arg(long, value_delimiter = ',')]
    pub counts: Vec<u32>,
    /// The model
    #[arg(long, default_value = "atto-minilm")]
    pub model: Model,
    /// Records in a batch
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Samples of each of the 12 leads
    #[arg(long, default_value_t = 5000)]
    pub samples: usize,
}

/// One row for each number of threads.
pub fn run(options: &Options) -> Result<Table> {
    let &Options { model, batch, samples, ref common, .. } = options;
    let sizes = Sizes { model, batch, samples, tokens: model.tokens() };
    let counts = if options.counts.is_empty() { up_to_all()? } else { options.counts.clone() };
    eprintln!("threads: {counts:?}");
    let mut peers = counts
        .iter()
        .map(|&threads| worker::start(&sizes, Mode::Corrected, MatmulPrecision::F32, threads, None))
        .collect::<Result<Vec<Peer>>>()?;
    let mut times = Vec::new();
    for request in ["step", "encode"] {
        times.push(peers_in_turn(&mut peers.iter_mut().collect::<Vec<_>>(), request, common.rounds)?);
    }
    let peaks = peers.into_iter().map(Peer::finish).collect::<Result<Vec<f64>>>()?;
    let rows = counts.iter().enumerate().map(|(i, count)| {
        let mut row = vec![count.to_string()];
        for times in &times {
            row.extend([ms(times[i]), ratio(times[0] / times[i])]);
        }
        row.push(format!("{:.0}", peaks[i]));
        row
    });
    Ok(Table {
        title: format!(
            "Einthoven against threads: {}, batch {batch} of 12 × {samples} samples, medians of {} rounds",
            model.name(),
            common.rounds
        ),
        machine: machine::describe(common, false)?,
        head: vec!["threads", "step ms", "speed-up", "inference ms", "speed-up", "peak MiB"],
        rows: rows.collect(),
        ..Table::default()
    })
}

fn up_to_all() -> Result<Vec<u32>> {
    let cores = u32::try_from(std::thread::available_parallelism()?.get())?;
    let mut counts: Vec<u32> = (0..u32::BITS).map(|i| 1 << i).take_while(|&count| count < cores).collect();
    counts.push(cores);
    Ok(counts)
}
