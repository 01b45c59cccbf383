//! What requests cost, and the budget that they must keep.

use std::sync::Mutex;

use super::limiter::lock;
use super::{Prices, Traffic, Usage};
use crate::{Error, Result};

/// Counts requests, failures, tokens and dollars.
///
/// Before a request begins, the most that it can cost is set aside; the budget is kept even if all requests under
/// way cost that much.
#[derive(Debug)]
pub(crate) struct Meter {
    prices: Option<Prices>,
    budget_usd: Option<f64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    traffic: Traffic,
    spent: f64,
    set_aside: f64,
}

impl Meter {
    pub fn new(prices: Option<Prices>, budget_usd: Option<f64>) -> Self {
        let spent = Traffic { cost_usd: prices.map(|_| 0.0), ..Traffic::default() };
        Self { prices, budget_usd, state: Mutex::new(State { traffic: spent, ..State::default() }) }
    }

    /// Begins a request that takes at most the tokens `bound`.
    ///
    /// # Errors
    /// [`Error::Budget`] if it could go beyond the budget.
    pub fn begin(&self, bound: Usage) -> Result<()> {
        let mut state = lock(&self.state);
        let bound = self.cost(bound);
        if let Some(budget) = self.budget_usd
            && state.spent + state.set_aside + bound > budget
        {
            return Err(Error::Budget { budget, spent: state.spent });
        }
        state.set_aside += bound;
        state.traffic.requests += 1;
        Ok(())
    }

    /// Ends a request that was begun with `bound` and took `usage`; `failure` says how it failed.
    pub fn end(&self, bound: Usage, usage: Usage, failure: Option<&str>) {
        let mut state = lock(&self.state);
        state.set_aside = (state.set_aside - self.cost(bound)).max(0.0);
        state.spent += self.cost(usage);
        state.traffic.usage += usage;
        if let Some(kind) = failure {
            *state.traffic.failures.entry(kind.to_owned()).or_default() += 1;
        }
        if self.prices.is_some() {
            state.traffic.cost_usd = Some(state.spent);
        }
    }

    pub fn prices(&self) -> Option<Prices> {
        self.prices
    }

    pub fn traffic(&self) -> Traffic {
        lock(&self.state).traffic.clone()
    }

    fn cost(&self, usage: Usage) -> f64 {
        self.prices.map_or(0.0, |prices| prices.cost(usage))
    }
}

impl Prices {
    /// What `usage` costs, in US dollars.
    pub fn cost(&self, usage: Usage) -> f64 {
        (usage.input as f64 * self.input + usage.output as f64 * self.output) / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_for_requests_under_way_together() {
        let prices = Prices { input: 1.0, output: 2.0 };
        let meter = Meter::new(Some(prices), Some(0.010));
        let bound = Usage { input: 1000, output: 1500 };
        meter.begin(bound).unwrap();
        meter.begin(bound).unwrap();
        let error = meter.begin(bound).unwrap_err();
        assert!(matches!(error, Error::Budget { budget: 0.010, .. }), "{error}");
        meter.end(bound, Usage { input: 500, output: 500 }, None);
        meter.begin(bound).unwrap();
        meter.end(bound, Usage::default(), Some("http-500"));
        meter.end(bound, bound, Some("timeout"));
        let traffic = meter.traffic();
        assert_eq!((traffic.requests, traffic.usage), (3, Usage { input: 1500, output: 2000 }));
        assert_eq!(traffic.failures.len(), 2);
        assert!((traffic.cost_usd.unwrap() - 0.0055).abs() < 1e-12);
    }
}
