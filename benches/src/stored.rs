//! The search for the nearest of many stored embeddings, against PyTorch's.

use std::io::{BufWriter, Write};
use std::time::Instant;

use clap::Args;
use einthoven::eval::{Embeddings, Found, Gallery};
use einthoven::random::Streams;
use tempfile::TempDir;

use crate::measure::median;
use crate::peer::Peer;
use crate::search::{NEIGHBOURS, SPREAD, near, values};
use crate::table::{Table, ms, ratio};
use crate::{Common, Result, machine, python, twin};

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// Embeddings that are searched
    #[arg(long, default_value_t = 1_000_000)]
    pub embeddings: usize,
    /// Numbers of each; 768 as published
    #[arg(long, default_value_t = 768)]
    pub width: usize,
    /// Texts, one search each
    #[arg(long, default_value_t = 50)]
    pub texts: usize,
}

/// One row.
pub fn run(options: &Options) -> Result<Table> {
    let &Options { embeddings, width, texts, ref common } = options;
    eprintln!("{embeddings} embeddings of {width}");
    let streams = Streams::new(0);
    let mut data = values(embeddings, width, &mut streams.stream("stored", &[]));
    let unit = |vector: &mut [f32]| {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
    };
    data.chunks_exact_mut(width).for_each(unit);
    let mut stream = streams.stream("texts", &[]);
    let asked: Vec<Vec<f32>> = (0..texts)
        .map(|text| {
            let from = text * (embeddings / texts.max(1)) * width;
            let mut query = near(&data[from..from + width], SPREAD.1, &mut stream);
            unit(&mut query);
            query
        })
        .collect();

    let folder = TempDir::new()?;
    leave(&folder.path().join("embeddings.f32"), std::iter::once(data.as_slice()))?;
    leave(&folder.path().join("texts.f32"), asked.iter().map(Vec::as_slice))?;
    let start = Instant::now();
    let gallery = Gallery::new(Embeddings::new(embeddings, width, data)?)?;
    let prepared = start.elapsed().as_secs_f64();
    let mut command = python::script("stored.py", folder.path(), common);
    command.args(["--width", &width.to_string(), "--neighbours", &NEIGHBOURS.to_string()]);
    let mut theirs = Peer::start(&mut command)?;
    let mut seconds = [Vec::new(), Vec::new()];
    for (text, query) in asked.iter().enumerate() {
        let answer = theirs.ask(&text.to_string())?;
        seconds[0].push(answer["seconds"].as_f64().ok_or("PyTorch gave no time")?);
        let start = Instant::now();
        let found = gallery.nearest(query, NEIGHBOURS)?;
        seconds[1].push(start.elapsed().as_secs_f64());
        compare(text, &found, &answer["cosines"])?;
    }
    let peak = theirs.finish()?;
    let slowest = |seconds: &[f64]| seconds.iter().copied().fold(0.0, f64::max);
    let highest = [slowest(&seconds[0]), slowest(&seconds[1])];
    let [slow, fast] = seconds.map(median);
    Ok(Table {
        title: format!(
            "The {NEIGHBOURS} nearest of {embeddings} stored embeddings of {width}, {} threads",
            common.threads
        ),
        machine: machine::describe(common, true)?,
        head: vec!["texts", "PyTorch ms", "slowest", "Einthoven ms", "slowest", "ratio"],
        rows: vec![vec![texts.to_string(), ms(slow), ms(highest[0]), ms(fast), ms(highest[1]), ratio(slow / fast)]],
        notes: vec![format!(
            "Both sides compare all embeddings and find the same cosines. Made ready for searches in {prepared:.1} s; peak memory \
                 {} MiB, with the embeddings as they were made; PyTorch {peak:.0} MiB.",
            machine::peak_mib().map_or("unknown".to_owned(), |mib| format!("{mib:.0}"))
        )],
        ..Table::default()
    })
}

/// Leaves numbers in a file, four bytes each.
fn leave<'a>(path: &std::path::Path, parts: impl Iterator<Item = &'a [f32]>) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for value in parts.flatten() {
        file.write_all(&value.to_le_bytes())?;
    }
    Ok(file.flush()?)
}

fn compare(text: usize, found: &[Found], theirs: &serde_json::Value) -> Result<()> {
    let theirs: Vec<f64> = serde_json::from_value(theirs.clone())?;
    let same = found.len() == theirs.len()
        && found.iter().zip(&theirs).all(|(found, theirs)| (found.cosine - theirs).abs() <= twin::TOLERANCE);
    if same { Ok(()) } else { Err(format!("text {text}: Einthoven found {found:?}, PyTorch {theirs:?}").into()) }
}
