//! How fast shards are written and read, and in how much memory: `cargo run --release -p einthoven-corpus --example shards`.
//!
//! Writes 2,000 records of 12 leads, 10 s at 500 Hz (480 MB) into a temporary folder with 1 thread and with 2, then reads five
//! epochs of batches of 64, as training does, with 1 worker and with 2. What was just written is read from the system's cache.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use einthoven_corpus::shards::{ShardConfig, write};
use einthoven_corpus::{AugmentConfig, Dataset, DatasetOptions, Loader, LoaderConfig, SimulatedConfig};
use einthoven_random::Streams;
use einthoven_signal::InputContract;

const RECORDS: usize = 2000;
const EPOCHS: u64 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    // A hundred patients, again and again: what is measured does not depend on what is in a record.
    let cohort = Dataset::simulated(&SimulatedConfig { records: 100, ..SimulatedConfig::default() })?;
    let dataset = cohort.subset(&(0..RECORDS).map(|index| index % 100).collect::<Vec<_>>());
    let contract = InputContract::esi_corrected();
    let place = tempfile::tempdir()?;
    for threads in [1, 2] {
        let folder = place.path().join(threads.to_string());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let start = Instant::now();
        pool.install(|| write(&dataset, &contract, ShardConfig::default(), &folder, &|_| {}))?;
        let seconds = start.elapsed().as_secs_f64();
        println!("written with {threads} threads: {:.0} records/min", RECORDS as f64 / seconds * 60.0);
    }
    let folder = place.path().join("1");
    println!("the same files read whole, as fast as the system gives them: {:.2} GB/s", plain_speed(&folder)?);
    let shards = Arc::new(Dataset::open(&folder.display().to_string(), None, &DatasetOptions::default())?);
    let captions = Arc::new(vec![String::new(); shards.len()].into());
    for workers in [1, 2] {
        let config = LoaderConfig { batch_size: 64, workers, ..LoaderConfig::default() };
        let (shards, captions) = (Arc::clone(&shards), Arc::clone(&captions));
        let none = AugmentConfig::none();
        let loader = Loader::new(shards, captions, contract.clone(), none, config, Streams::new(0))?;
        let (start, mut records) = (Instant::now(), 0);
        for epoch in 0..EPOCHS {
            for batch in loader.epoch(epoch, 0) {
                records += batch?.len();
            }
            println!("  epoch {epoch}: {}", memory());
        }
        let seconds = start.elapsed().as_secs_f64();
        let bytes = records as f64 * 12.0 * 5000.0 * 4.0;
        println!(
            "read with {workers} workers: {:.0} records/min, {:.2} GB/s",
            records as f64 / seconds * 60.0,
            bytes / seconds / 1e9
        );
    }
    Ok(())
}

/// Bytes a nanosecond at which the shards are read and thrown away.
fn plain_speed(folder: &Path) -> std::io::Result<f64> {
    let (start, mut bytes) = (Instant::now(), 0);
    for entry in std::fs::read_dir(folder)? {
        bytes += std::io::copy(&mut std::fs::File::open(entry?.path())?, &mut std::io::sink())?;
    }
    Ok(bytes as f64 / start.elapsed().as_secs_f64() / 1e9)
}

/// The process's memory, as Linux counts it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
