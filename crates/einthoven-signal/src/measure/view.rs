//! A stretch of some leads that is looked at as one.

use std::ops::Range;

use super::numeric::{mean, slope};

/// Leads with their weights, all equally long.
pub(super) struct View<'a> {
    pub rows: Vec<&'a [f64]>,
    pub weights: &'a [f64],
}

impl View<'_> {
    pub fn len(&self) -> usize {
        self.rows.first().map_or(0, |row| row.len())
    }

    /// How fast the leads together change, mV per sample, seen over `half` samples on each side.
    pub fn speed(&self, half: usize) -> Vec<f64> {
        let mut square = vec![0.0; self.len()];
        for (row, weight) in self.rows.iter().zip(self.weights) {
            for (sum, v) in square.iter_mut().zip(slope(row, half)) {
                *sum += weight * v * v;
            }
        }
        square.into_iter().map(f64::sqrt).collect()
    }

    /// The level of each lead in `range`, mV.
    pub fn level(&self, range: Range<usize>) -> Vec<f64> {
        self.rows.iter().map(|row| mean(&row[range.clone()]).unwrap_or_default()).collect()
    }

    /// How far the leads together are from `level`, mV, root mean square over the leads.
    pub fn distance(&self, i: usize, level: &[f64]) -> f64 {
        let total: f64 = self.weights.iter().sum();
        let square: f64 =
            self.rows.iter().zip(level).zip(self.weights).map(|((row, l), w)| w * (row[i] - l).powi(2)).sum();
        if total > 0.0 { (square / total).sqrt() } else { 0.0 }
    }

    /// The leads less `level`, seen from the direction in which they vary most in `range`: their first principal
    /// component, mV.
    ///
    /// Its sign is arbitrary.
    pub fn principal(&self, range: Range<usize>, level: &[f64]) -> Vec<f64> {
        /// Enough for a direction where one stands out.
        const TURNS: usize = 30;
        let at = |lead: usize, i: usize| self.weights[lead].sqrt() * (self.rows[lead][i] - level[lead]);
        // Starts from the largest moment, so that the result does not depend on chance.
        let start = super::numeric::largest(range.clone(), |i| self.distance(i, level)).unwrap_or(range.start);
        let mut direction: Vec<f64> = (0..self.rows.len()).map(|lead| at(lead, start)).collect();
        for _ in 0..TURNS {
            normalise(&mut direction);
            let mut next = vec![0.0; direction.len()];
            for i in range.clone() {
                let along: f64 = direction.iter().enumerate().map(|(lead, d)| d * at(lead, i)).sum();
                for (lead, sum) in next.iter_mut().enumerate() {
                    *sum += along * at(lead, i);
                }
            }
            direction = next;
        }
        normalise(&mut direction);
        (0..self.len()).map(|i| direction.iter().enumerate().map(|(lead, d)| d * at(lead, i)).sum()).collect()
    }
}

fn normalise(direction: &mut [f64]) {
    let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
    if length > 0.0 {
        direction.iter_mut().for_each(|d| *d /= length);
    }
}
