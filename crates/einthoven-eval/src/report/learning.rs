//! The curves of a run's log, sorted into charts.

use std::collections::BTreeMap;

use super::LogEntry;
use super::chart::{Line, Size, line_chart};

/// More lines than this make a chart unreadable.
const LINES: usize = 6;

/// A chart and what stands above it.
#[derive(serde::Serialize)]
pub struct Chart {
    /// The chart's title.
    pub title: String,
    /// The chart as SVG.
    pub svg: String,
    /// Whether it takes the whole width of the page.
    pub wide: bool,
    /// Names of curves that found no room.
    pub hidden: Vec<String>,
}

/// The charts of a log: losses, validation scores, and the state of the optimiser.
pub fn charts(log: &[LogEntry]) -> Vec<Chart> {
    let train = curves(log, "train");
    let validation = curves(log, "validation");
    let chosen = |curves: &BTreeMap<String, Vec<(f64, f64)>>, keep: &dyn Fn(&str) -> bool, marked, prefix: &str| {
        let kept = curves.iter().filter(|(name, _)| keep(name));
        kept.map(|(name, points)| Line {
            name: format!("{prefix}{}", name.replace('_', " ")),
            points: points.clone(),
            marked,
        })
        .collect::<Vec<Line>>()
    };
    let is_loss = |name: &str| name.contains("loss");
    let is_score = |name: &str| {
        !is_loss(name) && validation.get(name).is_some_and(|points| points.iter().all(|p| (0.0..=1.0).contains(&p.1)))
    };

    let mut charts = vec![
        chart("Training loss", Size::Wide, chosen(&train, &is_loss, false, "")),
        chart("Validation scores", Size::Wide, chosen(&validation, &is_score, true, "")),
        chart("Validation loss", Size::Wide, chosen(&validation, &is_loss, true, "")),
    ];
    for (name, title) in
        [("lr", "Learning rate"), ("grad_norm", "Gradient norm before clipping"), ("logit_scale", "Logit scale")]
    {
        charts.push(chart(title, Size::Small, chosen(&train, &|other| other == name, false, "")));
    }
    charts.retain(|chart| !chart.svg.is_empty());
    charts
}

/// The macro averages come first where not all lines have room.
fn chart(title: &str, size: Size, mut lines: Vec<Line>) -> Chart {
    lines.sort_by_key(|line| !line.name.contains("macro"));
    let hidden = lines.split_off(lines.len().min(LINES)).into_iter().map(|line| line.name).collect();
    Chart { title: title.into(), svg: line_chart(&lines, size), wide: size == Size::Wide, hidden }
}

/// The values of the entries of one kind by name.
fn curves(log: &[LogEntry], kind: &str) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut curves: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for entry in log.iter().filter(|entry| entry.kind == kind) {
        for (name, value) in &entry.values {
            if let Some(value) = value {
                curves.entry(name.clone()).or_default().push((entry.step as f64, *value));
            }
        }
    }
    curves
}
