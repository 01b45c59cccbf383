//! Plain tables for people.

use std::fmt;

use einthoven::eval::bootstrap::Estimate;
use einthoven::eval::probe::ProbeResult;

/// A table whose first column is aligned left and whose others right.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            write!(f, "  {:<1$}", row[0], widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The metrics of each class and their means.
pub fn metrics_table(result: &ProbeResult) -> Table {
    let mut table = Table::new(&["class", "positives", "AUROC", "interval", "AUPRC", "F1 max"]);
    let value = |estimate: &Estimate| estimate.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let interval = |estimate: &Estimate| {
        estimate.interval.map_or("-".to_owned(), |interval| format!("{:.3}–{:.3}", interval.low, interval.high))
    };
    let classes = result.classes.iter().map(|class| (class.code.as_str(), class.positives.to_string(), &class.metrics));
    for (name, positives, metrics) in classes.chain([("macro", String::new(), &result.r#macro)]) {
        let cells = [value(&metrics.auroc), interval(&metrics.auroc), value(&metrics.auprc), value(&metrics.f1_max)];
        table.row(&[[name.to_owned(), positives].as_slice(), cells.as_slice()].concat());
    }
    table
}

/// A line about the classes that could not be judged; empty if all could.
pub fn left_out(result: &ProbeResult) -> String {
    if result.left_out.is_empty() {
        return String::new();
    }
    let codes: Vec<&str> = result.left_out.iter().map(|class| class.code.as_str()).collect();
    let (count, codes) = (codes.len(), codes.join(", "));
    format!("  {count} classes left out for lack of positives or negatives: {codes}\n")
}
