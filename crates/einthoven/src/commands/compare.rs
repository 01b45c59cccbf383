//! `einthoven compare`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::eval::comparison::{Comparison, Kind, Scope};

use super::table::Table;
use crate::cli::Compare;

pub fn compare(options: &Compare) -> Result<ExitCode> {
    let comparison = Comparison::load(&options.results)?;
    if let Some(path) = &options.html {
        comparison.save_html(path)?;
    }
    if let Some(path) = &options.csv {
        comparison.save_csv(path)?;
    }
    if let Some(path) = &options.json {
        comparison.save_json(path)?;
    }
    if let Some(path) = &options.latex {
        comparison.save_latex(path)?;
    }
    super::print(show(&comparison).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The first metric of each task and subject.
pub fn show(comparison: &Comparison) -> String {
    let mut text = String::new();
    for compared in &comparison.protocols {
        let subjects: Vec<&str> = compared.subjects.iter().map(|subject| subject.card.name.as_str()).collect();
        let mut table = Table::new(&[&["task", "metric"], subjects.as_slice()].concat());
        // Pictures have no metrics.
        for task in compared.tables.iter().filter(|task| task.kind != Some(Kind::Pictures)) {
            let mut row = vec![task.title.clone(), task.metrics.first().map_or("-", String::as_str).to_owned()];
            for subject in &subjects {
                let cell = task.line(subject, &Scope::All).and_then(|line| line.cells.first().copied().flatten());
                row.push(cell.map_or_else(|| "-".to_owned(), |cell| format!("{:.3}", cell.value)));
            }
            table.row(&row);
        }
        let (name, version, judged) = (&compared.protocol, compared.version, compared.records.judged);
        text.push_str(&format!("{name} version {version}, judged on {judged} recordings\n{table}\n"));
    }
    text
}
