//! The numbers of a comparison as CSV, JSON and LaTeX.

use std::fmt::Write;
use std::path::Path;

use super::table::{Cell, Scope, Standing, Table};
use super::{Compared, Comparison, Kind};
use crate::error::{Error, Result};
use crate::files::replace;

/// The columns of the CSV file.
const COLUMNS: [&str; 16] = [
    "protocol",
    "version",
    "hash",
    "task",
    "labels",
    "variation",
    "subject",
    "scope",
    "part",
    "count",
    "metric",
    "value",
    "low",
    "high",
    "p",
    "p_holm",
];

impl Comparison {
    /// All numbers as CSV, one to a line, in full precision. A line whose scope is `test` is the difference of AUROCs between
    /// `subject` and the subject in `part`; that of a class has its code in `metric` behind `AUROC difference, `. A part that cannot be judged
    /// has the reason in `metric` behind `not judged: `.
    ///
    /// # Errors
    /// [`Error::Csv`].
    pub fn to_csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS).map_err(Error::Csv)?;
        for compared in &self.protocols {
            for table in &compared.tables {
                for row in rows(compared, table) {
                    writer.write_record(row).map_err(Error::Csv)?;
                }
            }
        }
        let bytes = writer.into_inner().map_err(|error| Error::Csv(error.into_error().into()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// All numbers as JSON, in full precision.
    ///
    /// # Errors
    /// [`Error::Json`].
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(Error::Json)
    }

    /// A LaTeX table for each task with the numbers over all records: the best in bold; of classes, a star where a subject's AUROC differs
    /// from the best. It wants the package `booktabs`.
    pub fn to_latex(&self) -> String {
        let mut text = String::new();
        for compared in &self.protocols {
            for table in compared.tables.iter().filter(|table| !table.lines.is_empty()) {
                latex_table(&mut text, compared, table);
            }
        }
        text
    }

    /// Writes [`Comparison::to_csv`] to a file: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Write`]; those of [`Comparison::to_csv`].
    pub fn save_csv(&self, path: &Path) -> Result<()> {
        replace(path, self.to_csv()?.as_bytes())
    }

    /// Writes [`Comparison::to_json`] to a file: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Write`]; those of [`Comparison::to_json`].
    pub fn save_json(&self, path: &Path) -> Result<()> {
        replace(path, format!("{}\n", self.to_json()?).as_bytes())
    }

    /// Writes [`Comparison::to_latex`] to a file: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save_latex(&self, path: &Path) -> Result<()> {
        replace(path, self.to_latex().as_bytes())
    }
}

/// The lines of a table.
fn rows(compared: &Compared, table: &Table) -> Vec<[String; 16]> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let head = [
        compared.protocol.clone(),
        compared.version.to_string(),
        compared.hash.clone(),
        table.task.clone(),
        table.labels.clone().unwrap_or_default(),
        table.variation.clone().unwrap_or_default(),
    ];
    let row = |rest: [String; 10]| -> [String; 16] {
        let mut all = head.iter().cloned().chain(rest);
        std::array::from_fn(|_| all.next().unwrap_or_default())
    };
    let mut rows = Vec::new();
    for line in &table.lines {
        let (scope, part) = match &line.scope {
            Scope::All => ("all", ""),
            Scope::Class(code) => ("class", code.as_str()),
            Scope::Part(part) => ("part", part.as_str()),
        };
        if let Some(reason) = &line.reason {
            let text = [&line.subject, scope, part, &line.count.to_string(), &format!("not judged: {reason}")]
                .map(str::to_owned);
            rows.push(row(std::array::from_fn(|i| text.get(i).cloned().unwrap_or_default())));
        }
        for (metric, cell) in table.metrics.iter().zip(&line.cells) {
            let Some(Cell { value, low, high }) = *cell else { continue };
            let text = [&line.subject, scope, part, &line.count.to_string(), metric].map(str::to_owned);
            let numbers = [Some(value), low, high, None, None].map(number);
            rows.push(row(std::array::from_fn(|i| if i < 5 { text[i].clone() } else { numbers[i - 5].clone() })));
        }
    }
    for test in &table.tests {
        let metric = match &test.class {
            Some(code) => format!("AUROC difference, {code}"),
            None => "AUROC difference".to_owned(),
        };
        let text = [test.first.clone(), "test".into(), test.second.clone(), test.records.to_string(), metric];
        let numbers = [Some(test.difference), None, None, test.p, test.p_holm].map(number);
        rows.push(row(std::array::from_fn(|i| if i < 5 { text[i].clone() } else { numbers[i - 5].clone() })));
    }
    for (subject, reason) in &table.not_applicable {
        let reason = format!("not applicable: {reason}");
        let text = [subject, "all", &reason, "", ""].map(str::to_owned);
        rows.push(row(std::array::from_fn(|i| text.get(i).cloned().unwrap_or_default())));
    }
    rows
}

fn latex_table(text: &mut String, compared: &Compared, table: &Table) {
    let used: Vec<usize> = (0..table.metrics.len())
        .filter(|&metric| table.lines.iter().any(|line| line.scope == Scope::All && line.cells[metric].is_some()))
        .collect();
    let head: Vec<String> = used.iter().map(|&metric| escaped(&table.metrics[metric])).collect();
    let mut rows = String::new();
    for subject in compared.subjects.iter().map(|subject| &subject.card.name) {
        let mut name = escaped(subject);
        let standing = table.standing(subject);
        if standing == Some(Standing::Best) {
            name = format!("\\textbf{{{name}}}");
        }
        let cells: Vec<String> = match table.line(subject, &Scope::All) {
            Some(line) => used.iter().map(|&metric| latex_cell(line.cells[metric].as_ref())).collect(),
            None => vec!["--".to_owned(); used.len()],
        };
        let star = if standing == Some(Standing::Below) { "$^{*}$" } else { "" };
        push(&mut rows, format_args!("    {name}{star} & {} \\\\\n", cells.join(" & ")));
    }
    let (columns, title) = ("l".repeat(used.len() + 1), escaped(&table.title));
    let (protocol, version, level) = (escaped(&compared.protocol), compared.version, compared.bootstrap.level * 100.0);
    let star = match table.kind {
        Some(Kind::Classification) => "; $^{*}$ AUROC differs from the best, $p<0.05$ after Holm's correction",
        _ => "",
    };
    push(
        text,
        format_args!(
            "% {} version {version}, {}\n\\begin{{table}}\n  \\caption{{{title} ({protocol} version {version}; {level:.0}\\,\\% intervals{star})}}\n  \
             \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    Subject & {} \\\\\n    \\midrule\n{rows}    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}\n\n",
            compared.protocol,
            compared.hash,
            head.join(" & ")
        ),
    );
}

fn latex_cell(cell: Option<&Cell>) -> String {
    match cell {
        None => "--".to_owned(),
        Some(Cell { value, low: Some(low), high: Some(high) }) => {
            format!("{value:.3} {{\\scriptsize({low:.3}--{high:.3})}}")
        }
        Some(Cell { value, .. }) => format!("{value:.3}"),
    }
}

/// Text without what LaTeX takes for itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Writing to a string cannot fail.
fn push(text: &mut String, more: std::fmt::Arguments) {
    text.write_fmt(more).ok();
}
