//! How long work on datasets shows itself: a bar with rate and time left on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Plain lines come no faster than this.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// The display of work of known length, for several threads.
pub struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: u64,
    done: AtomicU64,
    last: Mutex<Instant>,
}

impl Progress {
    /// A display of `total` units, called `what`.
    pub fn new(total: u64, what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let template = format!("{{bar:30}} {{pos}}/{{len}} {what}  {{per_sec}}  {{eta}} left");
            bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, what, total, done: AtomicU64::new(0), last: Mutex::new(Instant::now()) }
    }

    /// Notes that `count` more units are done.
    pub fn add(&self, count: u64) {
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        match (&self.bar, self.last.try_lock()) {
            (Some(bar), _) => bar.set_position(done),
            (None, Ok(mut last)) if last.elapsed() >= PLAIN_INTERVAL => {
                *last = Instant::now();
                eprintln!("{done} of {} {}", self.total, self.what);
            }
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
