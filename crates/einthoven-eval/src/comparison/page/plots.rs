//! What is drawn and told of classifications: curves, reliability, the cases at either end.

use serde::Serialize;

use crate::error::Result;
use crate::metrics::Ranking;
use crate::protocol::Classification;
use crate::report::chart::unit_square;

/// Classes whose curves are drawn, those with most positives.
const CURVES: usize = 12;
/// Recordings shown of those that a subject is most right and most wrong about.
const CASES: usize = 3;

#[derive(Serialize)]
pub(super) struct CurveView {
    code: String,
    positives: usize,
    roc: String,
    pr: String,
}

#[derive(Serialize)]
pub(super) struct ReliabilityView<'a> {
    subject: &'a str,
    svg: String,
    ece: String,
}

#[derive(Serialize)]
pub(super) struct CaseView<'a> {
    subject: &'a str,
    worst: Vec<String>,
    best: Vec<String>,
}

/// ROC and precision-recall curves of the classes with most positives, a line for each subject; of several runs the first.
pub(super) fn curves(found: &[(usize, &str, &Classification)]) -> Result<Vec<CurveView>> {
    let Some((_, _, first)) = found.first() else { return Ok(Vec::new()) };
    let mut classes: Vec<(usize, &str)> =
        first.classes.iter().map(|class| (class.positives, class.code.as_str())).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.0));
    classes.truncate(CURVES);
    let mut curves = Vec::new();
    for (positives, code) in classes {
        let (mut roc, mut pr) = (Vec::new(), Vec::new());
        for (colour, _, found) in found {
            let scores = &found.scores;
            let Some(class) = scores.classes.iter().position(|class| class == code) else { continue };
            let all: Vec<usize> = (0..scores.records.len()).collect();
            let ranking = Ranking::new(&scores.targets(class, &all), &scores.column(0, class, &all))?;
            if let Some(curve) = ranking.roc_curve() {
                roc.push((*colour, curve.fpr.into_iter().zip(curve.tpr).collect()));
            }
            if let Some(curve) = ranking.pr_curve() {
                pr.push((*colour, curve.recall.into_iter().zip(curve.precision).collect()));
            }
        }
        curves.push(CurveView {
            code: code.to_owned(),
            positives,
            roc: unit_square(&roc, true, false),
            pr: unit_square(&pr, false, false),
        });
    }
    Ok(curves)
}

pub(super) fn reliability<'a>(colour: usize, subject: &'a str, found: &Classification) -> Option<ReliabilityView<'a>> {
    let calibration = found.calibration.as_ref()?;
    let points = calibration.bins.iter().map(|bin| (bin.mean_probability, bin.positives)).collect();
    Some(ReliabilityView {
        subject,
        svg: unit_square(&[(colour, points)], true, true),
        ece: format!("{:.3}", calibration.expected_error),
    })
}

/// The records whose probabilities are furthest from the truth, and those nearest to it, by their mean squared difference.
pub(super) fn cases<'a>(subject: &'a str, found: &Classification) -> Option<CaseView<'a>> {
    let scores = &found.scores;
    let probability = |score: f32| scores.scale.probability(f64::from(score));
    let mut errors: Vec<(f64, usize)> = Vec::new();
    for (place, record) in scores.records.iter().enumerate() {
        let squares = scores.classes.iter().zip(record.scores.first()?).map(|(class, &score)| {
            Some((probability(score)? - f64::from(u8::from(record.labels.contains(class)))).powi(2))
        });
        errors.push((squares.sum::<Option<f64>>()? / scores.classes.len().max(1) as f64, place));
    }
    errors.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let case = |&(error, place): &(f64, usize)| {
        let record = &scores.records[place];
        let strongest = scores.classes.iter().zip(record.scores.first().into_iter().flatten());
        let strongest = strongest.max_by(|a, b| a.1.total_cmp(b.1));
        let said = strongest.and_then(|(class, &score)| Some(format!("{class} at {:.2}", probability(score)?)));
        let said = said.unwrap_or_default();
        format!("{}: {}; said {said} (Brier {error:.3})", record.id, record.labels.join(", "))
    };
    Some(CaseView {
        subject,
        worst: errors.iter().take(CASES).map(case).collect(),
        best: errors.iter().rev().take(CASES).map(case).collect(),
    })
}
