//! A table that reads well on a terminal and is Markdown too.

use std::fmt;

/// A measured table.
#[derive(Debug, Default)]
pub struct Table {
    pub title: String,
    /// What it was measured on.
    pub machine: String,
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Lines below it.
    pub notes: Vec<String>,
    /// Ratios to draw.
    pub bars: Vec<(String, f64)>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "**{}**\n\n{}.\n", self.title, self.machine)?;
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
            cells.chain([self.head[column]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        // A column of numbers is set to the right.
        let is_number = |cell: &str| cell.chars().all(|c| c.is_ascii_digit() || ".,–".contains(c));
        let right: Vec<bool> = (0..self.head.len())
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).all(|cell| is_number(cell)))
            .collect();
        let line = |f: &mut fmt::Formatter<'_>, cells: &mut dyn Iterator<Item = &str>| {
            for (cell, (&width, &right)) in cells.zip(widths.iter().zip(&right)) {
                if right { write!(f, "| {cell:>width$} ")? } else { write!(f, "| {cell:<width$} ")? }
            }
            writeln!(f, "|")
        };
        line(f, &mut self.head.iter().copied())?;
        for (&width, &right) in widths.iter().zip(&right) {
            let rule = "-".repeat(width);
            if right { write!(f, "| {}: ", &rule[1..])? } else { write!(f, "| {rule} ")? }
        }
        writeln!(f, "|")?;
        for row in &self.rows {
            line(f, &mut row.iter().map(String::as_str))?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// Seconds as milliseconds, with three digits at least.
pub fn ms(seconds: f64) -> String {
    let ms = 1e3 * seconds;
    let places = if ms < 10.0 {
        2
    } else if ms < 100.0 {
        1
    } else {
        0
    };
    format!("{ms:.places$}")
}

/// A number with two places.
pub fn ratio(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_markdown() {
        let table = Table {
            title: "Steps".to_owned(),
            machine: "A machine".to_owned(),
            head: vec!["op", "ms"],
            rows: vec![vec!["gelu".to_owned(), ms(0.00956)], vec!["norm".to_owned(), ms(0.1234)]],
            notes: vec!["Note.".to_owned()],
            ..Table::default()
        };
        let text =
            "**Steps**\n\nA machine.\n\n| op   |   ms |\n| ---- | ---: |\n| gelu | 9.56 |\n| norm |  123 |\n\nNote.\n";
        assert_eq!(table.to_string(), text);
    }
}
