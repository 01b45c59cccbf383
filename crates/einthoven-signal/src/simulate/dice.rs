//! The draws that a simulated patient is made of.

use einthoven_random::Stream;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::StandardNormal;

/// Draws from one stream.
pub(super) struct Dice(pub Stream);

impl Dice {
    /// Uniform in `low..high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    /// Standard normal.
    pub fn gaussian(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    /// Normal, cut off at `range` of standard deviations around the mean so that no patient is absurd.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.gaussian().clamp(-2.5, 2.5)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// One of `count` numbers from 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// Puts the items in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }
}
