//! Principal components.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

/// Rows seen from the directions of most variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// How many there are.
    pub count: usize,
    /// `[rows, count]`, the coordinate of most variance first.
    pub scores: Vec<f64>,
    /// Variance along each (of a sample: over rows − 1).
    pub variances: Vec<f64>,
    /// The part of all variance that these hold; 1 where there is none.
    pub explained: f64,
}

/// The first `count` components of `values`, `[rows, width]`, or as many as there are.
///
/// A direction is determined up to its sign: its entry of largest absolute value is above 0.
pub fn pca(values: &[f64], width: usize, count: usize) -> Components {
    let rows = values.len() / width.max(1);
    let count = count.min(width).min(rows);
    if count == 0 {
        return Components { count, scores: Vec::new(), variances: Vec::new(), explained: 1.0 };
    }
    let mut means = vec![0.0; width];
    for row in values.chunks_exact(width) {
        means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / rows as f64);
    }
    let centred: Vec<f64> =
        values.chunks_exact(width).flat_map(|row| row.iter().zip(&means).map(|(value, mean)| value - mean)).collect();
    let degrees = (rows - 1).max(1) as f64;
    // Each row of the covariance adds up the recordings in their order, whichever thread does it.
    let covariance: Vec<f64> = (0..width)
        .into_par_iter()
        .flat_map_iter(|i| {
            let mut sums = vec![0.0; width];
            for row in centred.chunks_exact(width) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += row[i] * value);
            }
            sums.into_iter().map(|sum| sum / degrees)
        })
        .collect();
    let SymmetricEigen { eigenvectors, eigenvalues } = DMatrix::from_vec(width, width, covariance).symmetric_eigen();
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&a, &b| eigenvalues[b].total_cmp(&eigenvalues[a]));
    let directions: Vec<Vec<f64>> = order[..count]
        .iter()
        .map(|&column| {
            let direction: Vec<f64> = eigenvectors.column(column).iter().copied().collect();
            let largest =
                direction.iter().copied().fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most });
            direction.iter().map(|x| x * largest.signum()).collect()
        })
        .collect();
    let project = |row: &[f64]| -> Vec<f64> {
        directions.iter().map(|direction| direction.iter().zip(row).map(|(a, b)| a * b).sum()).collect()
    };
    let variances: Vec<f64> = order[..count].iter().map(|&column| eigenvalues[column].max(0.0)).collect();
    let total: f64 = eigenvalues.iter().map(|value| value.max(0.0)).sum();
    let explained = if total > 0.0 { variances.iter().sum::<f64>() / total } else { 1.0 };
    Components { count, scores: centred.par_chunks_exact(width).flat_map_iter(project).collect(), variances, explained }
}
