//! How fast WFDB records are read: by this crate, by Python's `wfdb`, and their bytes without looking at them.
//!
//! ```sh
//! cargo run --release -p einthoven-signal --example read -- ../shared/data/ptbxl-sample/records500
//! ```
//!
//! All three go through the same records one after the other on one thread, once to warm the cache and then three times, of
//! which the fastest counts. `EINTHOVEN_PYTHON` names another interpreter than `python3`; without `wfdb` its line is left out.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use einthoven_signal::open;

/// As in the `einthoven` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds that are timed.
const ROUNDS: usize = 3;

/// Prints the seconds of the fastest round.
const PYTHON: &str = r#"
import sys, time, wfdb
names = [line.strip()[:-4] for line in sys.stdin]
fastest = float("inf")
for _ in range(4):
    started = time.perf_counter()
    for name in names:
        wfdb.rdrecord(name)
    fastest = min(fastest, time.perf_counter() - started)
print(fastest)
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("give the folder of WFDB records")?;
    let mut headers = Vec::new();
    headers_below(Path::new(&folder), &mut headers)?;
    headers.sort();
    if headers.is_empty() {
        return Err("there is no WFDB record in the folder".into());
    }
    let count = headers.len() as f64;
    let mut bytes = 0;
    let plain = fastest(|| {
        bytes = 0;
        for header in &headers {
            bytes += std::fs::read(header)?.len() + std::fs::read(header.with_extension("dat"))?.len();
        }
        Ok(())
    })?;
    let own = fastest(|| headers.iter().try_for_each(|header| open(header).map(drop).map_err(Into::into)))?;
    println!("{count} records, {:.1} MB", bytes as f64 / 1e6);
    let line = |who: &str, seconds: f64| {
        println!("{who:<12} {:>9.0} records/s {:>8.1} MB/s", count / seconds, bytes as f64 / 1e6 / seconds);
    };
    line("plain bytes", plain);
    line("einthoven", own);
    if let Some(python) = python(&headers)? {
        line("wfdb-python", python);
        println!("einthoven reads {:.1} times as many records a second as wfdb-python", python / own);
    }
    Ok(())
}

/// Seconds of the fastest round, after one that warms the cache.
fn fastest(mut round: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    round()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        round()?;
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    Ok(fastest)
}

/// Seconds that Python's package takes; none where it is not installed.
fn python(headers: &[PathBuf]) -> Result<Option<f64>, Box<dyn Error>> {
    let interpreter = std::env::var_os("EINTHOVEN_PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(&interpreter).args(["-c", "import wfdb"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: Python's wfdb is not installed");
        return Ok(None);
    }
    let list = tempfile::NamedTempFile::new()?;
    let names: Vec<String> = headers.iter().map(|header| header.display().to_string()).collect();
    std::fs::write(list.path(), names.join("\n"))?;
    let output = Command::new(&interpreter).args(["-c", PYTHON]).stdin(list.reopen()?).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Some(String::from_utf8(output.stdout)?.trim().parse()?))
}

/// The headers in a folder and the folders in it.
fn headers_below(folder: &Path, headers: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            headers_below(&path, headers)?;
        } else if path.extension().is_some_and(|extension| extension == "hea") {
            headers.push(path);
        }
    }
    Ok(())
}
