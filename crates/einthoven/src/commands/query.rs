//! `einthoven query`.

use std::process::ExitCode;

use einthoven::signal::Record;
use einthoven::{Result, Trained, locate};

use super::table::Table;
use crate::cli::Query;

pub fn query(options: Query) -> Result<ExitCode> {
    let reading = super::reading(&options.reading)?;
    let open = |name: String| reading.open(&name).map(|record| (name, record));
    let records: Vec<(String, Record)> = options.records.into_iter().map(open).collect::<Result<_>>()?;
    let result = Trained::open(&locate(&options.run)?)?.pair()?.query(&records, options.texts)?;
    if options.json {
        super::print_json(&result)?;
        return Ok(ExitCode::SUCCESS);
    }
    for record in &result.records {
        let mut table = Table::new(&["text", "percentile", "probability", "cosine"]);
        let fixed = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        for answer in record.ranked() {
            table.row(&[
                answer.text.clone(),
                fixed(answer.percentile),
                fixed(answer.probability),
                format!("{:+.3}", answer.cosine),
            ]);
        }
        super::print(&format!("{}\n{table}", record.record))?;
    }
    super::print(&result.notes.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}
