//! The search for the nearest of many vectors, against comparing all of them.

use std::collections::HashSet;
use std::time::Instant;

use clap::Args;
use einthoven::caption::retrieval::Vectors;
use einthoven::random::{Stream, Streams};
use rand_distr::{Distribution, StandardNormal};

use crate::table::{Table, ms};
use crate::{Common, Result, machine};

/// Neighbours asked for.
pub const NEIGHBOURS: usize = 10;
/// How far a vector lies from the centre of its topic, and a question from the vector it was made of, relative to their length: cosines near
/// 0.78 and 0.89, as between passages on one topic and between a question and its passage.
pub const SPREAD: (f32, f32) = (0.8, 0.5);
/// Vectors of a topic, on average.
const PER_TOPIC: usize = 40;

/// A search: a question to the numbers of its nearest vectors and their cosines.
type Search<'a> = dyn Fn(&[f32]) -> Vec<(usize, f32)> + 'a;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// Vectors that are searched
    #[arg(long, default_value_t = 1_000_000)]
    pub vectors: usize,
    /// Numbers of each
    #[arg(long, default_value_t = 384)]
    pub dimension: usize,
    /// Questions
    #[arg(long, default_value_t = 1000)]
    pub questions: usize,
    /// Questions of these that are also put to all vectors
    #[arg(long, default_value_t = 200)]
    pub compared: usize,
}

/// One row for the search in cells, one for all vectors.
pub fn run(options: &Options) -> Result<Table> {
    let &Options { vectors, dimension, questions, compared, ref common } = options;
    let streams = Streams::new(0);
    eprintln!("{vectors} vectors of {dimension}");
    let values = values(vectors, dimension, &mut streams.stream("search", &[]));
    let mut stream = streams.stream("questions", &[]);
    let asked: Vec<Vec<f32>> = (0..questions)
        .map(|question| {
            let from = question * (vectors / questions.max(1)) * dimension;
            near(&values[from..from + dimension], SPREAD.1, &mut stream)
        })
        .collect();
    let start = Instant::now();
    let index = Vectors::new(dimension, values)?;
    let built = start.elapsed().as_secs_f64();
    let peak = machine::peak_mib();
    let time = |search: &Search<'_>, asked: &[Vec<f32>]| {
        let mut seconds = Vec::new();
        let mut found = Vec::new();
        for question in asked {
            let start = Instant::now();
            found.push(search(question));
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        (found, seconds)
    };
    let (found, fast) = time(&|question| index.nearest(question, NEIGHBOURS), &asked);
    let (all, slow) = time(&|question| index.nearest_of_all(question, NEIGHBOURS), &asked[..compared.min(asked.len())]);
    let shared: usize = all
        .iter()
        .zip(&found)
        .map(|(all, found)| {
            let right: HashSet<usize> = all.iter().map(|(index, _)| *index).collect();
            found.iter().filter(|(index, _)| right.contains(index)).count()
        })
        .sum();
    let recall = shared as f64 / (NEIGHBOURS * all.len()).max(1) as f64;
    let row = |name: &str, seconds: &[f64], recall: f64| {
        let at = |part: f64| {
            seconds.get((part * seconds.len() as f64) as usize).map_or("–".to_owned(), |&seconds| ms(seconds))
        };
        vec![name.to_owned(), seconds.len().to_string(), at(0.5), at(0.95), format!("{recall:.3}")]
    };
    Ok(Table {
        title: format!("The {NEIGHBOURS} nearest of {vectors} vectors of {dimension}, {} threads", common.threads),
        machine: machine::describe(common, false)?,
        head: vec!["search", "questions", "median ms", "95 % ms", "recall@10"],
        rows: vec![row("in cells", &fast, recall), row("all vectors", &slow, 1.0)],
        notes: vec![
            format!(
                "Put into cells in {built:.0} s; peak memory {}.",
                peak.map_or("unknown".to_owned(), |mib| format!("{mib:.0} MiB"))
            ),
            format!(
                "The vectors lie around {} random topics of unequal size; a question lies near one of them.",
                vectors / PER_TOPIC
            ),
        ],
        ..Table::default()
    })
}

/// Vectors around topics: independent random vectors would have no neighbours in so many dimensions.
pub fn values(count: usize, dimension: usize, stream: &mut Stream) -> Vec<f32> {
    let topics: Vec<Vec<f32>> = (0..(count / PER_TOPIC).max(1)).map(|_| normal(dimension, stream)).collect();
    let mut values = Vec::with_capacity(count * dimension);
    for index in 0..count {
        // Squared, so that the first topics have more vectors than the last.
        let part = (index as f64 / count as f64).powi(2);
        values.extend(near(&topics[(part * topics.len() as f64) as usize], SPREAD.0, stream));
    }
    values
}

/// A vector whose distance from another one is `spread` of that one's length.
pub fn near(centre: &[f32], spread: f32, stream: &mut Stream) -> Vec<f32> {
    let length = |vector: &[f32]| vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let noise = normal(centre.len(), stream);
    let scale = spread * length(centre) / length(&noise);
    centre.iter().zip(noise).map(|(value, noise)| value + scale * noise).collect()
}

fn normal(dimension: usize, stream: &mut Stream) -> Vec<f32> {
    StandardNormal.sample_iter(stream).take(dimension).collect()
}
