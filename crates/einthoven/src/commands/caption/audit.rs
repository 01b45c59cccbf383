//! `einthoven caption audit`.

use std::process::ExitCode;

use einthoven::caption::audit::Audit;
use einthoven::caption::store::Store;
use einthoven::{Result, write_atomically};

use crate::cli::caption as cli;
use crate::commands::table::Table;
use crate::commands::{print, print_json};

/// Descriptions that are shown; the page has more.
const EXAMPLES: usize = 4;

pub fn audit(options: &cli::Audit) -> Result<ExitCode> {
    let store = Store::open(&options.store)?;
    super::warn_of_damage(&store);
    let audit = Audit::of(&store, options.origin.as_deref())?;
    if let Some(path) = &options.html {
        write_atomically(path, audit.to_html()?.as_bytes())?;
    }
    if options.json {
        print_json(&audit)?
    } else {
        print(show(&audit).trim_end())?
    }
    Ok(ExitCode::SUCCESS)
}

fn show(audit: &Audit) -> String {
    let mut text = format!("{}\n", audit.origin);
    let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / audit.statements.max(1) as f64);
    let mut coverage = Table::new(&["described by", "statements", "share"]);
    let rows = [
        ("the model", audit.coverage.model),
        ("the knowledge base instead", audit.coverage.knowledge),
        ("nobody", audit.coverage.nobody),
    ];
    for (name, count) in rows {
        coverage.row(&[name.to_owned(), count.to_string(), share(count)]);
    }
    text.push_str(&coverage.to_string());
    if !audit.faults.is_empty() {
        let mut faults = Table::new(&["rejected for", "answers", "example"]);
        for fault in &audit.faults {
            let example = fault.examples.first().map(|example| format!("{}: {}", example.statement, example.text));
            faults.row(&[fault.kind.clone(), fault.count.to_string(), example.unwrap_or_default()]);
        }
        text.push_str(&faults.to_string());
    }
    let (length, diversity) = (&audit.length, &audit.diversity);
    text.push_str(&format!(
        "  {} to {} words, median {}, 95 % at most {}; {} different descriptions, {} different words, distinct-2 {:.3}\n",
        length.min, length.max, length.median, length.p95, diversity.distinct, diversity.vocabulary, diversity.distinct_2
    ));
    let cost = audit.cost_usd.map_or(String::new(), |cost| format!(", {cost:.4} USD"));
    text.push_str(&format!(
        "  {} answers, {} tokens read, {} written{cost}\n",
        audit.answers, audit.usage.input, audit.usage.output
    ));
    for example in audit.examples.iter().take(EXAMPLES) {
        text.push_str(&format!("  {}: {}\n", example.statement, example.text));
    }
    if !audit.undescribed.is_empty() {
        text.push_str(&format!("  described by nobody: {}\n", audit.undescribed.join("; ")));
    }
    text
}
