//! One task on the page.

use serde::Serialize;

use super::plots::{CaseView, CurveView, ReliabilityView, cases, curves, reliability};
use super::{Shown, first_cell, first_of, shown};
use crate::comparison::table::{Scope, Table};
use crate::comparison::{Compared, Kind};
use crate::error::Result;
use crate::protocol::{Classification, Outcome, SubjectResult};
use crate::report::chart::whisker;

#[derive(Serialize)]
pub(super) struct TableView<'a> {
    title: &'a str,
    /// What is counted, how columns are to be read, and how intervals were made.
    counted: &'static str,
    explained: &'static str,
    intervals: String,
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

pub(super) fn table_view<'a>(
    table: &'a Table,
    place: usize,
    subjects: &[&'a str],
    compared: &Compared,
    results: &'a [SubjectResult],
) -> Result<TableView<'a>> {
    let used: Vec<usize> = (0..table.metrics.len())
        .filter(|&metric| table.lines.iter().any(|line| line.scope == Scope::All && line.cells[metric].is_some()))
        .collect();
    let all = || table.lines.iter().filter(|line| line.scope == Scope::All);
    let firsts = all().filter_map(|line| line.cells.first().copied().flatten());
    let lowest = firsts.map(|cell| cell.low.unwrap_or(cell.value)).fold(1.0, f64::min);
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
        counted: table.kind.map_or("", Kind::counted),
        explained: table.kind.map_or("", Kind::explained),
        intervals: table.kind.map_or_else(String::new, |kind| kind.intervals(&compared.bootstrap)),
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
        let cell = |subject: &&str| first_of(table.line(subject, &line.scope));
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
