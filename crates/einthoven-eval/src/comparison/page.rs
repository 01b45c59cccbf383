//! A comparison as one HTML file that needs nothing but itself.

use std::path::Path;

use serde::Serialize;

use super::pictures::{PictureView, pictures};
use super::table::{Cell, Scope, Standing, Table};
use super::{Compared, Comparison};
use crate::error::Result;
use crate::files::replace;
use crate::metrics::Ranking;
use crate::protocol::{Classification, Outcome, SubjectResult};
use crate::report::chart::{unit_square, whisker};
use crate::report::page;

/// Classes whose curves are drawn, those with most positives.
const CURVES: usize = 12;
/// Recordings shown of those that a subject is most right and most wrong about.
const CASES: usize = 3;

#[derive(Serialize)]
struct View<'a> {
    protocols: Vec<ProtocolView<'a>>,
}

#[derive(Serialize)]
struct ProtocolView<'a> {
    compared: &'a Compared,
    level: String,
    subjects: Vec<&'a str>,
    overview: Vec<OverviewRow<'a>>,
    tables: Vec<TableView<'a>>,
    pictures: Vec<PictureView<'a>>,
}

/// A task in the table that opens a protocol: the first metric of each subject.
#[derive(Serialize)]
struct OverviewRow<'a> {
    title: &'a str,
    metric: &'a str,
    cells: Vec<Shown>,
}

/// A number as it is shown.
#[derive(Clone, Default, Serialize)]
struct Shown {
    value: String,
    interval: String,
    best: bool,
    below: bool,
    reason: String,
}

#[derive(Serialize)]
struct TableView<'a> {
    title: &'a str,
    metrics: Vec<&'a str>,
    rows: Vec<SubjectRow<'a>>,
    low: String,
    classes: Vec<ScopeRow<'a>>,
    parts: Vec<ScopeRow<'a>>,
    tests: Vec<TestView<'a>>,
    curves: Vec<CurveView>,
    reliability: Vec<ReliabilityView<'a>>,
    cases: Vec<CaseView<'a>>,
}

#[derive(Serialize)]
struct SubjectRow<'a> {
    subject: &'a str,
    colour: usize,
    count: Option<usize>,
    cells: Vec<Shown>,
    whisker: String,
    reason: &'a str,
}

/// The first metric of each subject for a class or a part.
#[derive(Serialize)]
struct ScopeRow<'a> {
    name: &'a str,
    count: usize,
    cells: Vec<Shown>,
}

#[derive(Serialize)]
struct TestView<'a> {
    first: &'a str,
    second: &'a str,
    difference: String,
    p: String,
    p_holm: String,
    differs: bool,
}

#[derive(Serialize)]
struct CurveView {
    code: String,
    positives: usize,
    roc: String,
    pr: String,
}

#[derive(Serialize)]
struct ReliabilityView<'a> {
    subject: &'a str,
    svg: String,
    ece: String,
}

#[derive(Serialize)]
struct CaseView<'a> {
    subject: &'a str,
    worst: Vec<String>,
    best: Vec<String>,
}

impl Comparison {
    /// The page.
    ///
    /// # Errors
    /// Those of its template.
    pub fn to_html(&self) -> Result<String> {
        let protocols = self.protocols.iter().zip(&self.results);
        let view = View { protocols: protocols.map(|(c, results)| protocol(c, results)).collect::<Result<_>>()? };
        page("comparison.html", include_str!("comparison.html"), view)
    }

    /// Writes the page to a file: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write); those of [`Comparison::to_html`].
    pub fn save_html(&self, path: &Path) -> Result<()> {
        replace(path, self.to_html()?.as_bytes())
    }
}

fn protocol<'a>(compared: &'a Compared, results: &'a [SubjectResult]) -> Result<ProtocolView<'a>> {
    let subjects: Vec<&str> = compared.subjects.iter().map(|subject| subject.card.name.as_str()).collect();
    let numbers = compared.tables.iter().filter(|table| !table.metrics.is_empty());
    let overview = numbers.map(|table| OverviewRow {
        title: &table.title,
        metric: table.metrics.first().map_or("", String::as_str),
        cells: subjects.iter().map(|subject| first_cell(table, subject)).collect(),
    });
    let as_recorded = compared.tables.iter().enumerate().filter(|(_, table)| table.variation.is_none());
    let asked = as_recorded.filter(|(_, table)| !table.lines.is_empty());
    Ok(ProtocolView {
        level: format!("{:.0}", compared.bootstrap.level * 100.0),
        overview: overview.collect(),
        tables: asked.map(|(place, table)| table_view(table, place, &subjects, results)).collect::<Result<_>>()?,
        pictures: pictures(results)?,
        subjects,
        compared,
    })
}

fn first_cell(table: &Table, subject: &str) -> Shown {
    let reason = table.not_applicable.iter().find(|(name, _)| name == subject).map(|(_, reason)| reason.clone());
    let cell = table.line(subject, &Scope::All).and_then(|line| line.cells.first().copied().flatten());
    let standing = table.standing(subject);
    Shown {
        best: standing == Some(Standing::Best),
        below: standing == Some(Standing::Below),
        reason: reason.unwrap_or_default(),
        ..shown(cell.as_ref())
    }
}

fn shown(cell: Option<&Cell>) -> Shown {
    let Some(Cell { value, low, high }) = cell else { return Shown { value: "–".into(), ..Shown::default() } };
    let interval = low.zip(*high).map(|(low, high)| format!("{low:.3}–{high:.3}"));
    Shown { value: format!("{value:.3}"), interval: interval.unwrap_or_default(), ..Shown::default() }
}

fn table_view<'a>(
    table: &'a Table,
    place: usize,
    subjects: &[&'a str],
    results: &'a [SubjectResult],
) -> Result<TableView<'a>> {
    let used: Vec<usize> = (0..table.metrics.len())
        .filter(|&metric| table.lines.iter().any(|line| line.scope == Scope::All && line.cells[metric].is_some()))
        .collect();
    let all = || table.lines.iter().filter(|line| line.scope == Scope::All);
    let lowest = all().filter_map(|line| line.cells.first().copied().flatten()?.low).fold(1.0, f64::min);
    let low = if lowest < 0.4 { 0.0 } else { 0.4 };
    let row = |(colour, subject): (usize, &&'a str)| {
        let line = table.line(subject, &Scope::All);
        let mut cells: Vec<Shown> =
            used.iter().map(|&metric| shown(line.and_then(|line| line.cells[metric].as_ref()))).collect();
        if let Some(first) = cells.first_mut() {
            *first = first_cell(table, subject);
        }
        let cell = line.and_then(|line| line.cells.first().copied().flatten());
        let reason = table.not_applicable.iter().find(|(name, _)| name == subject);
        SubjectRow {
            subject,
            colour,
            count: line.map(|line| line.count),
            cells,
            whisker: cell.map_or_else(String::new, |cell| whisker(cell.value, cell.low.zip(cell.high), low)),
            reason: reason.map_or("", |(_, reason)| reason),
        }
    };
    let classifications: Vec<(usize, &'a str, &'a Classification)> = results
        .iter()
        .enumerate()
        .filter_map(|(colour, result)| match &result.tasks.get(place)?.outcome {
            Outcome::Classification(found) => Some((colour, result.subject.name.as_str(), found.as_ref())),
            _ => None,
        })
        .collect();
    Ok(TableView {
        title: &table.title,
        metrics: used.iter().map(|&metric| table.metrics[metric].as_str()).collect(),
        rows: subjects.iter().enumerate().map(row).collect(),
        low: format!("{low:.1}"),
        classes: scopes(table, subjects, |scope| match scope {
            Scope::Class(code) => Some(code),
            _ => None,
        }),
        parts: scopes(table, subjects, |scope| match scope {
            Scope::Part(part) => Some(part),
            _ => None,
        }),
        tests: tests(table),
        curves: curves(&classifications)?,
        reliability: classifications
            .iter()
            .filter_map(|(colour, subject, found)| reliability(*colour, subject, found))
            .collect(),
        cases: classifications.iter().filter_map(|(_, subject, found)| cases(subject, found)).collect(),
    })
}

fn scopes<'a>(
    table: &'a Table,
    subjects: &[&str],
    name: impl Fn(&'a Scope) -> Option<&'a String>,
) -> Vec<ScopeRow<'a>> {
    let mut rows: Vec<ScopeRow> = Vec::new();
    for line in &table.lines {
        let Some(name) = name(&line.scope) else { continue };
        if rows.iter().any(|row| row.name == name) {
            continue;
        }
        let cell =
            |subject: &&str| shown(table.line(subject, &line.scope).and_then(|line| line.cells.first()?.as_ref()));
        rows.push(ScopeRow { name, count: line.count, cells: subjects.iter().map(cell).collect() });
    }
    rows
}

fn tests(table: &Table) -> Vec<TestView<'_>> {
    let p = |value: Option<f64>| match value {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    };
    let of_means = table.tests.iter().filter(|test| test.class.is_none());
    of_means
        .map(|test| TestView {
            first: &test.first,
            second: &test.second,
            difference: format!("{:+.3}", test.difference),
            p: p(test.p),
            p_holm: p(test.p_holm),
            differs: test.p_holm.is_some_and(|p| p < 0.05),
        })
        .collect()
}

/// ROC and precision-recall curves of the classes with most positives, a line for each subject; of several runs the first.
fn curves(found: &[(usize, &str, &Classification)]) -> Result<Vec<CurveView>> {
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

fn reliability<'a>(colour: usize, subject: &'a str, found: &Classification) -> Option<ReliabilityView<'a>> {
    let calibration = found.calibration.as_ref()?;
    let points = calibration.bins.iter().map(|bin| (bin.mean_probability, bin.positives)).collect();
    Some(ReliabilityView {
        subject,
        svg: unit_square(&[(colour, points)], true, true),
        ece: format!("{:.3}", calibration.expected_error),
    })
}

/// The records whose probabilities are furthest from the truth, and those nearest to it, by their mean squared difference.
fn cases<'a>(subject: &'a str, found: &Classification) -> Option<CaseView<'a>> {
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
