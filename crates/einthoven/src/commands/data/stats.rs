//! `einthoven data stats`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::corpus::{self, Count, Quality, ontology, statements};
use serde::Serialize;

use super::bars::bars;
use crate::cli::data::Stats;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    stats: corpus::Stats,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
}

pub fn stats(options: &Stats) -> Result<ExitCode> {
    let dataset = super::open(&options.source)?.0;
    let shown = Shown { stats: dataset.stats()?, quality: options.quality.then(|| dataset.quality()) };
    if options.json {
        crate::commands::print_json(&shown)?
    } else {
        crate::commands::print(&show(&shown))?
    }
    Ok(ExitCode::SUCCESS)
}

fn show(Shown { stats, quality }: &Shown) -> String {
    let mut parts = vec![format!("{}: {} records of {} patients\n", stats.dataset, stats.records, stats.patients)];
    parts.extend(stats.label_sets.iter().map(|(name, counts)| bars(&format!("labels: {name}"), &named(counts))));
    for (title, counts) in [
        ("statements", &stats.statements),
        ("age, years", &stats.ages),
        ("sex", &stats.sexes),
        ("length, s", &stats.seconds),
        ("sampling rate, Hz", &stats.sampling_rates),
        ("fold", &stats.folds),
    ] {
        parts.push(bars(title, counts));
    }
    if let Some(quality) = quality {
        parts.push(bars("quality, mean of the leads", &quality.scores));
        parts.push(bars("recordings with a lead that is", &quality.defects));
        if !quality.unreadable.is_empty() {
            parts.push(format!("quality is not known: {}", quality.unreadable));
        }
    }
    if !stats.unreadable.is_empty() {
        parts.push(format!("length and rate are not known: {}", stats.unreadable));
    }
    parts.join("\n").trim_end().to_owned()
}

/// The counts with what their codes say, where that is known.
fn named(counts: &[Count]) -> Vec<Count> {
    let name =
        |code: &str| statements::english(code).or_else(|| ontology::snomed(code).map(|known| known.name.as_str()));
    let named = |count: &Count| match name(&count.value) {
        Some(name) => Count { value: format!("{} {name}", count.value), records: count.records },
        None => count.clone(),
    };
    counts.iter().map(named).collect()
}
