//! How far a build is: a line that renews itself on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use einthoven::caption::flow::Report;

/// Plain lines come no faster than this.
const INTERVAL: Duration = Duration::from_secs(5);

pub struct Progress {
    terminal: bool,
    started: Instant,
    last: Option<Instant>,
}

impl Progress {
    pub fn start() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), started: Instant::now(), last: None }
    }

    pub fn show(&mut self, report: &Report) {
        let (done, total) = (report.done(), report.to_ask);
        let interval = if self.terminal { Duration::from_millis(100) } else { INTERVAL };
        if done < total && self.last.is_some_and(|last| last.elapsed() < interval) {
            return;
        }
        self.last = Some(Instant::now());
        let elapsed = self.started.elapsed().as_secs_f64();
        let rate = done as f64 / elapsed.max(1e-9);
        let left = (total - done) as f64 / rate.max(1e-9);
        let failures: u64 = report.traffic.failures.values().sum();
        let cost = report.traffic.cost_usd.map_or(String::new(), |cost| format!("  {cost:.4} USD"));
        let line = format!(
            "{done}/{total} statements  {} replaced  {failures} failed requests{cost}  {rate:.1}/s  {left:.0} s left",
            report.by_knowledge
        );
        if self.terminal {
            eprint!("\r\x1b[K{line}");
        } else {
            eprintln!("{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.last.is_some() {
            eprintln!();
        }
    }
}
