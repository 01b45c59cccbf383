//! A profile of chosen steps in the Trace Event Format, which Perfetto (<https://ui.perfetto.dev>) and
//! `chrome://tracing` open.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::config::TraceConfig;

/// What happened when during the steps to be traced.
#[derive(Debug)]
pub(crate) struct Trace {
    config: TraceConfig,
    /// Time 0 of the trace.
    origin: Instant,
    events: Vec<Value>,
}

impl Trace {
    pub fn new(config: TraceConfig) -> Self {
        Self { config, origin: Instant::now(), events: Vec::new() }
    }

    /// Notes that `name`, a part of `step` (counted from 1) or all of it, began at `start`; nothing if the step is not
    /// to be traced.
    pub fn add(&mut self, name: &str, step: u64, start: Instant, duration: Duration) {
        let TraceConfig { first, steps } = self.config;
        if step < first || step - first >= steps {
            return;
        }
        let microseconds = |time: Duration| 1e6 * time.as_secs_f64();
        self.events.push(json!({
            "name": name,
            "cat": "train",
            // A complete event: it has a beginning and a duration.
            "ph": "X",
            "ts": microseconds(start.saturating_duration_since(self.origin)),
            "dur": microseconds(duration),
            "pid": 1,
            "tid": 1,
            "args": { "step": step },
        }));
    }

    /// The trace up to `step` as JSON, once: when its last step is done, or what there is of it if the run is over.
    pub fn take(&mut self, step: u64, is_over: bool) -> Option<String> {
        let TraceConfig { first, steps } = self.config;
        if self.events.is_empty() || !(is_over || step >= first.saturating_add(steps - 1)) {
            return None;
        }
        let name = json!({ "name": "process_name", "ph": "M", "pid": 1, "args": { "name": "einthoven" } });
        let events: Vec<Value> = std::iter::once(name).chain(self.events.drain(..)).collect();
        Some(json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string())
    }
}
