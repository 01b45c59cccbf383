//! From samples to a line on paper.

use super::picture::{Point, UNITS};

/// Millimetres per second.
pub(super) const SPEED: f64 = 25.0;

/// Millimetres per millivolt.
pub(super) const GAIN: f64 = 10.0;

/// Width in units of a column, of whose samples only the lowest and the highest are drawn.
const COLUMN: i32 = UNITS / 4;

/// The lines of one lead's samples (mV at `rate` Hz) from `origin`, the place of the first sample at `zero` mV.
///
/// Missing samples break the line. No peak is lost: where samples are denser than columns of a quarter of a
/// millimetre (10 ms), each column keeps its extremes.
pub(super) fn lines(samples: &[f32], rate: f64, zero: f32, origin: Point) -> Vec<Vec<Point>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for run in samples.split(|sample| sample.is_nan()) {
        let points = run.iter().enumerate().map(|(i, &sample)| {
            let seconds = (start + i) as f64 / rate;
            let x = (seconds * SPEED * f64::from(UNITS)).round() as i32;
            let y = (f64::from(sample - zero) * GAIN * f64::from(UNITS)).round() as i32;
            (x, y)
        });
        let points = straightened(thinned(points));
        if !points.is_empty() {
            lines.push(points.into_iter().map(|(x, y)| (origin.0 + x, origin.1.saturating_sub(y))).collect());
        }
        start += run.len() + 1;
    }
    lines
}

/// The lowest and the highest point of each column, in the order of time.
fn thinned(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    let mut column = (i32::MIN, 0);
    for point in points {
        let number = point.0 / COLUMN;
        if number != column.0 {
            column = (number, kept.len());
            kept.push(point);
            continue;
        }
        let first = kept[column.1];
        match kept.get(column.1 + 1).copied() {
            None => kept.push(point),
            Some(second) => {
                let (low, high) = if first.1 <= second.1 { (first, second) } else { (second, first) };
                if point.1 < low.1 {
                    kept[column.1..].copy_from_slice(&[high, point]);
                } else if point.1 > high.1 {
                    kept[column.1..].copy_from_slice(&[low, point]);
                }
            }
        }
    }
    kept
}

/// Without the points that lie on the straight line between their neighbours.
fn straightened(points: Vec<Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        if let [.., a, b] = kept[..] {
            let turn = i64::from(b.0 - a.0) * (i64::from(point.1) - i64::from(b.1))
                - i64::from(point.0 - b.0) * (i64::from(b.1) - i64::from(a.1));
            let forward = (i64::from(b.1) - i64::from(a.1)) * (i64::from(point.1) - i64::from(b.1)) >= 0;
            if turn == 0 && forward {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_tall_sample_is_drawn() {
        let mut samples = vec![0.0; 1000];
        samples[503] = 2.0;
        samples[505] = -1.0;
        let lines = lines(&samples, 1000.0, 0.0, (0, 0));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].iter().map(|p| p.1).min(), Some(-400));
        assert_eq!(lines[0].iter().map(|p| p.1).max(), Some(200));
        assert!(lines[0].len() < 12, "straight parts are two points: {:?}", lines[0]);
    }

    #[test]
    fn missing_samples_break_the_line() {
        let samples = [0.0, 0.1, f32::NAN, f32::NAN, 0.3, f32::NAN, 0.2];
        let lines = lines(&samples, 100.0, 0.0, (10, 100));
        assert_eq!(lines, [vec![(10, 100), (15, 80)], vec![(30, 40)], vec![(40, 60)]]);
    }

    #[test]
    fn dense_samples_give_two_points_a_column() {
        let samples: Vec<f32> = (0..10_000).map(|i| (i as f32 * 0.7).sin()).collect();
        let lines = lines(&samples, 5000.0, 0.0, (0, 0));
        assert!(lines[0].len() <= 2 * 201, "{}", lines[0].len());
    }
}
