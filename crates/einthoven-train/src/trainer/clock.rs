//! Where the time of a step goes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use einthoven_nn::product_flops;

use super::trace::Trace;

/// A part of a step.
#[derive(Clone, Copy, Debug)]
pub enum Phase {
    /// Waiting for the loader.
    Data,
    /// From a batch to its losses.
    Forward,
    /// From the losses to the mean gradients.
    Backward,
    /// From the gradients to the new weights and their average.
    Optimizer,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Data, Self::Forward, Self::Backward, Self::Optimizer];

    fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Optimizer => "optimizer",
        }
    }
}

/// Measures steps and their phases.
#[derive(Debug)]
pub struct Clock {
    /// The step at hand, counted from 1, and when it began.
    step: (u64, Instant),
    /// [`product_flops`] when it began.
    flops: u64,
    sums: Sums,
    trace: Option<Trace>,
}

/// The time that steps took, in all and by phase.
#[derive(Debug, Default)]
struct Sums {
    /// In the order of [`Phase::ALL`].
    phases: [Duration; 4],
    busy: Duration,
    steps: u32,
    records: usize,
    /// Operations of matrix products.
    flops: u64,
}

impl Clock {
    /// A clock that also writes a trace if there is to be one.
    pub(crate) fn new(trace: Option<Trace>) -> Self {
        Self { step: (0, Instant::now()), flops: product_flops(), sums: Sums::default(), trace }
    }

    /// Begins step `step`, counted from 1.
    pub fn begin_step(&mut self, step: u64) {
        self.step = (step, Instant::now());
        self.flops = product_flops();
    }

    /// Runs a part of a step that belongs to `phase`.
    pub fn time<R>(&mut self, phase: Phase, body: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = body();
        self.add(phase, start);
        result
    }

    /// Counts the time since `start` as `phase`.
    pub fn add(&mut self, phase: Phase, start: Instant) {
        let duration = start.elapsed();
        self.sums.phases[phase as usize] += duration;
        self.trace(phase.name(), start, duration);
    }

    /// Ends the step, which used `records`.
    pub fn end_step(&mut self, records: usize) {
        let start = self.step.1;
        let duration = start.elapsed();
        self.sums.busy += duration;
        self.sums.flops += product_flops() - self.flops;
        self.sums.steps += 1;
        self.sums.records += records;
        self.trace("step", start, duration);
    }

    fn trace(&mut self, name: &str, start: Instant, duration: Duration) {
        if let Some(trace) = &mut self.trace {
            trace.add(name, self.step.0, start, duration);
        }
    }

    /// The trace as JSON, once, when it is whole or the run is over.
    pub fn take_trace(&mut self, is_over: bool) -> Option<String> {
        self.trace.as_mut()?.take(self.step.0, is_over)
    }

    /// Figures of the steps since the last call, for the metric log: `samples_per_second`, the arithmetic of matrix products
    /// in `gigaflops_per_second`, and the milliseconds a step took for each phase, `data_ms` and so on.
    pub fn take_figures(&mut self) -> BTreeMap<String, f64> {
        let Sums { phases, busy, steps, records, flops } = std::mem::take(&mut self.sums);
        let milliseconds = |time: Duration| 1e3 * time.as_secs_f64() / f64::from(steps);
        let mut values: BTreeMap<_, _> =
            Phase::ALL.map(|phase| (format!("{}_ms", phase.name()), milliseconds(phases[phase as usize]))).into();
        values.insert("samples_per_second".to_owned(), records as f64 / busy.as_secs_f64());
        values.insert("gigaflops_per_second".to_owned(), flops as f64 / busy.as_secs_f64() * 1e-9);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_its_own_time_and_the_mean_is_over_steps() {
        let mut clock = Clock::new(None);
        for step in 1..=2 {
            clock.begin_step(step);
            for (phase, milliseconds) in [(Phase::Data, 4), (Phase::Backward, 8), (Phase::Backward, 8)] {
                clock.time(phase, || std::thread::sleep(Duration::from_millis(milliseconds)));
            }
            clock.end_step(10);
        }
        let values = clock.take_figures();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["backward_ms", "data_ms", "forward_ms", "gigaflops_per_second", "optimizer_ms", "samples_per_second"]
        );
        assert_eq!((values["forward_ms"], values["optimizer_ms"]), (0.0, 0.0));
        // A sleep is at least as long as asked for.
        assert!(values["data_ms"] >= 4.0 && values["backward_ms"] >= 16.0, "{values:?}");
        let step_ms = 1e3 * 10.0 / values["samples_per_second"];
        assert!(values["data_ms"] + values["backward_ms"] <= step_ms, "{values:?}");

        clock.begin_step(3);
        clock.end_step(1);
        assert_eq!(clock.take_figures()["data_ms"], 0.0);
    }
}
