//! Where the time of a step goes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A part of a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
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

/// The time that steps took, in all and by phase.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// In the order of [`Phase::ALL`].
    phases: [Duration; 4],
    busy: Duration,
    steps: u32,
    records: usize,
}

impl Clock {
    /// Runs a part of a step that belongs to `phase`.
    pub fn time<R>(&mut self, phase: Phase, body: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = body();
        self.add(phase, start);
        result
    }

    /// Counts the time since `start` as `phase`.
    pub fn add(&mut self, phase: Phase, start: Instant) {
        self.phases[phase as usize] += start.elapsed();
    }

    /// Ends a step that began at `start` and used `records`.
    pub fn end_step(&mut self, start: Instant, records: usize) {
        self.busy += start.elapsed();
        self.steps += 1;
        self.records += records;
    }

    /// Figures of the steps since the last call, for the metric log: `samples_per_second`, and the milliseconds a step
    /// took for each phase, `data_ms` and so on.
    pub fn take(&mut self) -> BTreeMap<String, f64> {
        let Self { phases, busy, steps, records } = std::mem::take(self);
        let milliseconds = |time: Duration| 1e3 * time.as_secs_f64() / f64::from(steps);
        let mut values: BTreeMap<_, _> =
            Phase::ALL.map(|phase| (format!("{}_ms", phase.name()), milliseconds(phases[phase as usize]))).into();
        values.insert("samples_per_second".to_owned(), records as f64 / busy.as_secs_f64());
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_its_own_time_and_the_mean_is_over_steps() {
        let mut clock = Clock::default();
        for _ in 0..2 {
            let start = Instant::now();
            for (phase, milliseconds) in [(Phase::Data, 4), (Phase::Backward, 8), (Phase::Backward, 8)] {
                clock.time(phase, || std::thread::sleep(Duration::from_millis(milliseconds)));
            }
            clock.end_step(start, 10);
        }
        let values = clock.take();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        assert_eq!(names, ["backward_ms", "data_ms", "forward_ms", "optimizer_ms", "samples_per_second"]);
        assert_eq!((values["forward_ms"], values["optimizer_ms"]), (0.0, 0.0));
        // A sleep is at least as long as asked for.
        assert!(values["data_ms"] >= 4.0 && values["backward_ms"] >= 16.0, "{values:?}");
        let step_ms = 1e3 * 10.0 / values["samples_per_second"];
        assert!(values["data_ms"] + values["backward_ms"] <= step_ms, "{values:?}");

        clock.end_step(Instant::now(), 1);
        assert_eq!(clock.take()["data_ms"], 0.0);
    }
}
