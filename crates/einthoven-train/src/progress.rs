//! How a long run shows itself: a bar with rate and time left on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Plain lines come no faster than this.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Whether a run shows its progress on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressDisplay {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Shown,
    /// Nothing.
    Hidden,
}

/// The display of a run of known length.
#[derive(Debug)]
pub(crate) struct Progress {
    display: Display,
    first: u64,
    total: u64,
    records_per_step: usize,
    started: Instant,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    Lines { last: Option<Instant> },
    Nothing,
}

impl Progress {
    /// The display of a run that has done `first` of `total` steps.
    pub(crate) fn start(display: ProgressDisplay, first: u64, total: u64, records_per_step: usize) -> Self {
        let display = match display {
            ProgressDisplay::Hidden => Display::Nothing,
            ProgressDisplay::Shown if std::io::stderr().is_terminal() => Display::Bar(bar(first, total)),
            ProgressDisplay::Shown => Display::Lines { last: None },
        };
        Self { display, first, total, records_per_step, started: Instant::now() }
    }

    /// Shows that `step` steps are done; `describe` gives their figures, should they be shown.
    pub(crate) fn step(&mut self, step: u64, describe: impl FnOnce() -> String) {
        let done = step.saturating_sub(self.first).max(1);
        let elapsed = self.started.elapsed();
        let rate = (done as f64 * self.records_per_step as f64) / elapsed.as_secs_f64();
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_position(step);
                bar.set_message(format!("{}  {rate:.1} records/s", describe()));
            }
            Display::Lines { last } => {
                let due = last.is_none_or(|last| last.elapsed() >= PLAIN_INTERVAL) || step == self.total;
                if due {
                    *last = Some(Instant::now());
                    let left = elapsed.mul_f64(self.total.saturating_sub(step) as f64 / done as f64);
                    let (total, left) = (self.total, HumanDuration(left));
                    eprintln!("step {step}/{total}  {}  {rate:.1} records/s  {left} left", describe());
                }
            }
            Display::Nothing => {}
        }
    }

    /// Shows a line of its own.
    pub(crate) fn line(&self, text: &str) {
        match &self.display {
            Display::Bar(bar) => bar.println(text),
            Display::Lines { .. } => eprintln!("{text}"),
            Display::Nothing => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.abandon();
        }
    }
}

fn bar(first: u64, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} steps  {msg}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total).with_style(style).with_position(first);
    bar.reset_eta();
    bar
}
