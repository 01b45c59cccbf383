//! `einthoven data draw`.

use std::process::ExitCode;

use einthoven::corpus::{Dataset, Entry, statements};
use einthoven::eval::report::{Drawing, Recordings, RecordingsSection};
use einthoven::signal::draw::{DrawOptions, svg};
use einthoven::{Data, Error, Experiment, Result, write_atomically};

use crate::cli::data::Draw;

pub fn draw(options: &Draw) -> Result<ExitCode> {
    let mut columns = Vec::new();
    for path in &options.experiments {
        let experiment = Experiment::load(path, &[])?;
        columns.push((experiment.name, Data::open(&experiment.data)?));
    }
    let mut page = Recordings { columns: columns.iter().map(|(name, _)| name.clone()).collect(), sections: Vec::new() };
    for code in &options.codes {
        let of_column = |(_, dataset): &(String, Dataset)| drawings(dataset, code, options.count);
        let section = columns.iter().map(of_column).collect::<Result<Vec<_>>>()?;
        if section.iter().all(Vec::is_empty) {
            let message = format!("no recording has the code {code}; `einthoven data stats` lists the codes");
            return Err(Error::Setting { key: "--codes".to_owned(), message });
        }
        let title = statements::english(code).map_or_else(|| code.clone(), |text| format!("{code}: {text}"));
        page.sections.push(RecordingsSection { title, columns: section });
    }
    write_atomically(&options.output, page.to_html()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The first recordings that have the code.
fn drawings(dataset: &Dataset, code: &str, count: usize) -> Result<Vec<Drawing>> {
    let has = |entry: &Entry| entry.codes.iter().any(|stated| stated.code == code);
    let found = dataset.entries.iter().enumerate().filter(|(_, entry)| has(entry)).take(count);
    let drawing = |(index, entry): (usize, &Entry)| {
        let options = DrawOptions { title: format!("{} {}", dataset.name, entry.id), ..DrawOptions::default() };
        Ok(Drawing { caption: entry.statements.join(", "), svg: svg(&dataset.record(index)?, &options)? })
    };
    found.map(drawing).collect()
}
