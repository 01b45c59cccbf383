//! Beats found against beats that are there, and errors of intervals.

use einthoven_signal::measure::Measurements;
use einthoven_signal::simulate::Truth;

/// Beats found within this of a true one are that one, s: the window of IEC 60601-2-47 is 150 ms, half of it is asked.
const WINDOW: f64 = 0.075;

/// What was found, over several recordings.
#[derive(Clone, Default)]
pub struct Score {
    found: usize,
    missed: usize,
    extra: usize,
    pub qrs: Vec<f64>,
    pub pr: Vec<f64>,
    pub qt: Vec<f64>,
    pub rate: Vec<f64>,
    /// Recordings whose truth has a PR interval where none was measured.
    pub no_pr: usize,
    /// Recordings with P waves, and those like fibrillation, as measured.
    pub p_waves: usize,
    pub fibrillation_like: usize,
    pub recordings: usize,
}

impl Score {
    /// Adds one recording of `seconds`.
    pub fn add(&mut self, measured: &Measurements, truth: &Truth, seconds: f64) {
        let mut left: Vec<f64> = measured.beats.iter().map(|beat| beat.r).collect();
        for &r in &truth.r_peaks {
            let near = left.iter().enumerate().map(|(i, x)| (i, (x - r).abs())).min_by(|a, b| a.1.total_cmp(&b.1));
            match near {
                Some((i, distance)) if distance <= WINDOW => {
                    left.remove(i);
                    self.found += 1;
                }
                // Of a beat this close to an end so little may be recorded that nobody can see it.
                _ if r < WINDOW || r > seconds - WINDOW => {}
                _ => self.missed += 1,
            }
        }
        // What is found this close to an end may be a beat whose R peak is outside.
        self.extra += left.iter().filter(|r| (WINDOW..=seconds - WINDOW).contains(*r)).count();
        let intervals = measured.intervals;
        let error = |got: Option<f64>, want: f64| got.map(|got| got - want);
        self.qrs.extend(error(intervals.qrs_ms, truth.qrs_ms));
        self.qt.extend(error(intervals.qt_ms, truth.qt_ms));
        self.rate.extend(error(measured.rate.heart_rate, truth.heart_rate));
        if let Some(want) = truth.pr_ms {
            self.pr.extend(error(intervals.pr_ms, want));
            self.no_pr += usize::from(intervals.pr_ms.is_none());
        }
        self.p_waves += usize::from(measured.rhythm.p_waves);
        self.fibrillation_like += usize::from(measured.rhythm.fibrillation_like);
        self.recordings += 1;
    }

    /// Adds all of another score.
    pub fn merge(&mut self, other: &Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.extra += other.extra;
        self.qrs.extend(&other.qrs);
        self.pr.extend(&other.pr);
        self.qt.extend(&other.qt);
        self.rate.extend(&other.rate);
        self.no_pr += other.no_pr;
        self.p_waves += other.p_waves;
        self.fibrillation_like += other.fibrillation_like;
        self.recordings += other.recordings;
    }

    /// The F1 score of the beats.
    pub fn f1(&self) -> f64 {
        let twice = 2.0 * self.found as f64;
        twice / (twice + (self.missed + self.extra) as f64)
    }

    /// A line of a table.
    pub fn row(&self, name: &str) -> String {
        let errors = [&self.qrs, &self.pr, &self.qt];
        let cells = errors.map(|errors| format!("{:>5.1} ({:+5.1})", absolute(errors), median(errors)));
        format!(
            "{name:<10} {:>6.4} {:>5} {:>4} {:>4}  {}  {:>5.2}  {:>5} {:>5} {:>5} {:>5}",
            self.f1(),
            self.found,
            self.missed,
            self.extra,
            cells.join("  "),
            largest(&self.rate),
            self.no_pr,
            self.p_waves,
            self.fibrillation_like,
            self.recordings
        )
    }
}

/// The head of the table of [`Score::row`]: median absolute errors, in brackets median errors, ms and beats per minute.
pub const HEAD: &str =
    "               F1 found miss extra   QRS ms         PR ms          QT ms         rate  no PR     P AF-like  of";

/// The median, 0 of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The median of the absolute values.
pub fn absolute(values: &[f64]) -> f64 {
    median(&values.iter().map(|x| x.abs()).collect::<Vec<_>>())
}

/// The 95th percentile of the absolute values.
fn largest(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|x| x.abs()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * 95 / 100).copied().unwrap_or_default()
}
