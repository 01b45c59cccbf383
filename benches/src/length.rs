//! Einthoven's step against the length of records, the batch and the size of the model.

use clap::Args;
use einthoven::models::Mode;
use einthoven::nn::MatmulPrecision;

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

/// A size that was measured: what the table calls it, and how much of what grows there is in all and for the signal encoder.
struct Point {
    label: String,
    whole: f64,
    encoder: f64,
}

impl Point {
    fn count(count: usize) -> Self {
        Self { label: count.to_string(), whole: count as f64, encoder: count as f64 }
    }

    fn parameters(model: Model, peer: &Peer) -> Result<Self> {
        let (whole, encoder) = (peer.number("parameters")?, peer.number("encoder_parameters")?);
        let label = format!("{}: {:.1} M, encoder {:.1} M", model.name(), whole / 1e6, encoder / 1e6);
        Ok(Self { label, whole, encoder })
    }
}

/// One table for each thing that grows.
pub fn run(options: &Options) -> Result<[Table; 3]> {
    let &Options { model, samples, batch, .. } = options;
    let name = model.name();
    let sizes = Sizes { model, batch, samples, tokens: model.tokens() };
    let lengths: Vec<Sizes> = options.lengths.iter().map(|&samples| Sizes { samples, ..sizes }).collect();
    let batches: Vec<Sizes> = options.batches.iter().map(|&batch| Sizes { batch, ..sizes }).collect();
    let of_model = |&model: &Model| Sizes { model, tokens: model.tokens(), ..sizes };
    let models: Vec<Sizes> = options.models.iter().map(of_model).collect();
    let common = &options.common;
    Ok([
        grow(common, "samples", format!("{name}, batch {batch}"), &lengths, |sizes, _| {
            Ok(Point::count(sizes.samples))
        })?,
        grow(common, "batch", format!("{name}, {samples} samples"), &batches, |sizes, _| {
            Ok(Point::count(sizes.batch))
        })?,
        grow(common, "parameters", format!("batch {batch}, {samples} samples"), &models, |sizes, peer| {
            Point::parameters(sizes.model, peer)
        })?,
    ])
}

/// Times at each of `sizes`, of which `axis` grows and the rest is `fixed`, and the exponents of a power law.
fn grow(
    common: &Common,
    axis: &'static str,
    fixed: String,
    sizes: &[Sizes],
    point: impl Fn(&Sizes, &Peer) -> Result<Point>,
) -> Result<Table> {
    eprintln!("length: {axis}, {fixed}");
    let start = |sizes| worker::start(sizes, Mode::Corrected, MatmulPrecision::F32, common.threads, None);
    let mut peers = sizes.iter().map(start).collect::<Result<Vec<Peer>>>()?;
    let mut time = |request| peers_in_turn(&mut peers.iter_mut().collect::<Vec<_>>(), request, common.rounds);
    let times = [time("step")?, time("encoder")?, time("encode")?];
    let points = sizes.iter().zip(&peers).map(|(sizes, peer)| point(sizes, peer)).collect::<Result<Vec<Point>>>()?;
    let peaks = peers.into_iter().map(Peer::finish).collect::<Result<Vec<f64>>>()?;
    let rows = points.iter().enumerate().map(|(i, point)| {
        let mut row = vec![point.label.clone()];
        row.extend(times.iter().map(|times| ms(times[i])));
        row.push(format!("{:.0}", peaks[i]));
        row
    });
    let fit = |times: &[f64], x: fn(&Point) -> f64| {
        exponent(&points.iter().map(x).zip(times.iter().copied()).collect::<Vec<_>>())
    };
    let [step, encoder, encode] = &times;
    Ok(Table {
        title: format!(
            "Einthoven against {axis}: {fixed}, {} threads, medians of {} rounds",
            common.threads, common.rounds
        ),
        machine: machine::describe(common, false)?,
        head: vec![axis, "step ms", "signal encoder, forward and backward ms", "inference ms", "peak MiB"],
        rows: rows.collect(),
        notes: vec![format!(
            "Exponents of {axis} by least squares: step {:.2}, signal encoder {:.2}, inference {:.2}.",
            fit(step, |point| point.whole),
            fit(encoder, |point| point.encoder),
            fit(encode, |point| point.encoder)
        )],
        ..Table::default()
    })
}
