//! t-SNE (van der Maaten and Hinton, JMLR 2008), exact.
//!
//! Written here because the layouts of the crates there are depend on a global generator or on the number of threads. The forces
//! between all pairs are computed, each point's by itself and in one order; affinities reach to the nearest three perplexities' points, as
//! in Barnes-Hut t-SNE (van der Maaten, JMLR 2014). The schedule is scikit-learn's: 250 steps with affinities twelvefold and
//! momentum 0.5, then 750 with momentum 0.8, learning rate n/48 but at least 50, gains per coordinate. It starts from the first two
//! components, which keeps the large arrangement (Kobak and Berens, Nature Communications 2019).

use rayon::prelude::*;

const EXAGGERATION: f64 = 12.0;
const EXAGGERATED_STEPS: usize = 250;
const STEPS: usize = 1000;
/// Standard deviation of the first coordinate at the start.
const START: f64 = 1e-4;
/// Halvings that find a width; the entropy is then right to rounding.
const HALVINGS: usize = 100;

/// Lays out `values`, `[points, width]`, on a plane; each point has about `perplexity` neighbours.
///
/// The first two columns are where the points start, as [principal components](super::pca) are.
pub fn tsne(values: &[f64], width: usize, perplexity: f64) -> Vec<[f64; 2]> {
    let points: Vec<&[f64]> = values.chunks_exact(width.max(1)).collect();
    let affinities = affinities(&points, perplexity);
    let mut places = start(&points);
    let rate = (points.len() as f64 / (4.0 * EXAGGERATION)).max(50.0);
    let mut moves = vec![[0.0; 2]; places.len()];
    let mut gains = vec![[1.0f64; 2]; places.len()];
    for step in 0..STEPS {
        let (factor, momentum) = if step < EXAGGERATED_STEPS { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        for (point, gradient) in gradients(&affinities, &places, factor).into_iter().enumerate() {
            for axis in 0..2 {
                let (moved, gain) = (&mut moves[point][axis], &mut gains[point][axis]);
                *gain = if *moved * gradient[axis] < 0.0 { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                *moved = momentum * *moved - rate * *gain * gradient[axis];
                places[point][axis] += *moved;
            }
        }
    }
    places
}

/// The first two coordinates, so small that all points are near each other.
fn start(points: &[&[f64]]) -> Vec<[f64; 2]> {
    let coordinate = |point: &&[f64], axis: usize| point.get(axis).copied().unwrap_or(0.0);
    let squares: f64 = points.iter().map(|point| coordinate(point, 0).powi(2)).sum();
    let deviation = (squares / points.len().max(1) as f64).sqrt();
    let scale = if deviation > 0.0 { START / deviation } else { 0.0 };
    points.iter().map(|point| [scale * coordinate(point, 0), scale * coordinate(point, 1)]).collect()
}

/// How much each point holds on to its neighbours: rows of `(neighbour, affinity)`, symmetric, 1 in all.
fn affinities(points: &[&[f64]], perplexity: f64) -> Vec<Vec<(usize, f64)>> {
    let count = ((3.0 * perplexity) as usize).min(points.len().saturating_sub(1));
    let one_way: Vec<Vec<(usize, f64)>> =
        (0..points.len()).into_par_iter().map(|point| neighbours(points, point, count, perplexity)).collect();
    let mut both: Vec<Vec<(usize, f64)>> = one_way.clone();
    for (point, row) in one_way.iter().enumerate() {
        for &(neighbour, weight) in row {
            both[neighbour].push((point, weight));
        }
    }
    let total = 2.0 * points.len() as f64;
    for row in &mut both {
        row.sort_by_key(|(neighbour, _)| *neighbour);
        row.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
        row.iter_mut().for_each(|(_, weight)| *weight /= total);
    }
    both
}

/// The nearest `count` points with Gaussian weights of sum 1, as wide as the entropy of `perplexity` points wants it.
fn neighbours(points: &[&[f64]], point: usize, count: usize, perplexity: f64) -> Vec<(usize, f64)> {
    let squared = |other: &[f64]| points[point].iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let mut nearest: Vec<(usize, f64)> =
        (0..points.len()).filter(|&other| other != point).map(|other| (other, squared(points[other]))).collect();
    nearest.sort_by(|a, b| a.1.total_cmp(&b.1));
    nearest.truncate(count);
    let Some(&(_, least)) = nearest.first() else { return nearest };
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..HALVINGS {
        let (mut sum, mut mean) = (0.0, 0.0);
        for (_, distance) in &nearest {
            let weight = (-precision * (distance - least)).exp();
            sum += weight;
            mean += weight * (distance - least);
        }
        let entropy = sum.ln() + precision * mean / sum;
        if entropy > perplexity.ln() {
            low = precision;
            precision = if high.is_finite() { (low + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (low + high) / 2.0;
        }
    }
    // Points in one place have no width that fits; all of them are neighbours alike.
    let weights: Vec<f64> = nearest.iter().map(|(_, distance)| (-precision * (distance - least)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    nearest.iter().zip(weights).map(|(&(other, _), weight)| (other, weight / sum)).collect()
}

/// The gradient of the divergence between affinities, `factor`-fold, and the map's, for each point.
fn gradients(affinities: &[Vec<(usize, f64)>], places: &[[f64; 2]], factor: f64) -> Vec<[f64; 2]> {
    // Each point's repulsion, not yet normalised, and its share of the normalisation.
    let repulsions: Vec<[f64; 3]> = places
        .par_iter()
        .map(|&[x, y]| {
            let mut sums = [0.0; 3];
            for &[other_x, other_y] in places {
                let (dx, dy) = (x - other_x, y - other_y);
                let nearness = 1.0 / (1.0 + dx * dx + dy * dy);
                sums[0] += nearness;
                sums[1] += nearness * nearness * dx;
                sums[2] += nearness * nearness * dy;
            }
            // Without the point itself.
            [sums[0] - 1.0, sums[1], sums[2]]
        })
        .collect();
    let total: f64 = repulsions.iter().map(|sums| sums[0]).sum();
    places
        .par_iter()
        .enumerate()
        .map(|(point, &[x, y])| {
            let mut gradient = [-repulsions[point][1] / total, -repulsions[point][2] / total];
            for &(other, affinity) in &affinities[point] {
                let (dx, dy) = (x - places[other][0], y - places[other][1]);
                let pull = factor * affinity / (1.0 + dx * dx + dy * dy);
                gradient[0] += pull * dx;
                gradient[1] += pull * dy;
            }
            gradient.map(|value| 4.0 * value)
        })
        .collect()
}
