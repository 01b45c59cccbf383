//! A comparison as one HTML file that needs nothing but itself.

mod plots;
mod tables;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use self::tables::{TableView, table_view};
use super::pictures::{PictureView, pictures};
use super::table::{Cell, Line, Scope, Standing, Table};
use super::{Compared, Comparison, Kind};
use crate::error::Result;
use crate::files::replace;
use crate::protocol::{FEWEST, SubjectResult};
use crate::report::page;

#[derive(Serialize)]
struct View<'a> {
    protocols: Vec<ProtocolView<'a>>,
    /// Of fewer records nothing is judged.
    fewest: usize,
}

#[derive(Serialize)]
struct ProtocolView<'a> {
    compared: &'a Compared,
    level: String,
    /// How intervals were made, and how the best of a row is told from another, in each kind of task.
    intervals: Vec<String>,
    told_apart: BTreeSet<&'static str>,
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

impl Comparison {
    /// The page.
    ///
    /// # Errors
    /// Those of its template.
    pub fn to_html(&self) -> Result<String> {
        let protocols = self.protocols.iter().zip(&self.results);
        let protocols = protocols.map(|(compared, results)| protocol(compared, results)).collect::<Result<_>>()?;
        let view = View { protocols, fewest: FEWEST };
        page("comparison.html", include_str!("../comparison.html"), view)
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
    let numbers = || compared.tables.iter().filter(|table| table.kind != Some(Kind::Pictures));
    let kinds: BTreeSet<Kind> = numbers().filter_map(|table| table.kind).collect();
    let overview = numbers().map(|table| OverviewRow {
        title: &table.title,
        metric: table.metrics.first().map_or("–", String::as_str),
        cells: subjects.iter().map(|subject| first_cell(table, subject)).collect(),
    });
    let as_recorded = compared.tables.iter().enumerate().filter(|(_, table)| table.variation.is_none());
    let asked = as_recorded.filter(|(_, table)| !table.lines.is_empty());
    Ok(ProtocolView {
        level: format!("{:.0}", compared.bootstrap.level * 100.0),
        intervals: kinds.iter().map(|kind| kind.intervals(&compared.bootstrap)).collect(),
        told_apart: kinds.iter().map(|kind| kind.told_apart()).collect(),
        overview: overview.collect(),
        tables: asked
            .map(|(place, table)| table_view(table, place, &subjects, compared, results))
            .collect::<Result<_>>()?,
        pictures: pictures(results)?,
        subjects,
        compared,
    })
}

fn first_cell(table: &Table, subject: &str) -> Shown {
    let reason = table.not_applicable.iter().find(|(name, _)| name == subject).map(|(_, reason)| reason.clone());
    let standing = table.standing(subject);
    Shown {
        best: standing == Some(Standing::Best),
        below: standing == Some(Standing::Below),
        reason: reason.unwrap_or_default(),
        ..first_of(table.line(subject, &Scope::All))
    }
}

/// The first number of a line, or why it has none.
fn first_of(line: Option<&Line>) -> Shown {
    let reason = line.and_then(|line| line.reason.clone()).unwrap_or_default();
    Shown { reason, ..shown(line.and_then(|line| line.cells.first()?.as_ref())) }
}

fn shown(cell: Option<&Cell>) -> Shown {
    let Some(Cell { value, low, high }) = cell else { return Shown { value: "–".into(), ..Shown::default() } };
    let interval = low.zip(*high).map(|(low, high)| format!("{low:.3}–{high:.3}"));
    Shown { value: format!("{value:.3}"), interval: interval.unwrap_or_default(), ..Shown::default() }
}
