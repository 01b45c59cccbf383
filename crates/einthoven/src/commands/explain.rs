//! `einthoven explain`.

use std::ffi::OsStr;
use std::process::ExitCode;

use einthoven::eval::saliency::{Attribution, Method, drawn};
use einthoven::signal::InputContract;
use einthoven::signal::draw::{DrawOptions, highlighted_png, highlighted_svg};
use einthoven::{Error, Result, Trained, locate, write_atomically};

use super::table::Table;
use crate::cli::{Explain, Weighing};

pub fn explain(options: &Explain) -> Result<ExitCode> {
    let ending = options.output.extension().and_then(OsStr::to_str);
    if !matches!(ending, Some("svg" | "png")) {
        let message = format!("{} should end in .svg or .png", options.output.display());
        return Err(Error::Setting { key: "--output".to_owned(), message });
    }
    let method = match options.method {
        Weighing::Gradients => Method::IntegratedGradients,
        Weighing::Occlusion => Method::Occlusion,
        Weighing::Attention => Method::Attention,
    };
    let record = super::reading(&options.reading)?.open(&options.record)?;
    let trained = Trained::open(&locate(&options.run)?)?;
    let pair = trained.pair()?;
    let contract = pair.contract;
    let found = pair.explain(&options.record, &record, &options.text, method)?;
    let picture = DrawOptions {
        title: format!("{}: {}", options.record, options.text),
        subtitle: format!("cosine {:+.3}, of a flat line {:+.3}", found.score, found.flat_score),
    };
    let (record, highlights) = (drawn(contract, &record), found.highlights(contract, &record)?);
    let bytes = match ending {
        Some("svg") => highlighted_svg(&record, &picture, &highlights)?.into_bytes(),
        _ => highlighted_png(&record, &picture, &highlights)?,
    };
    write_atomically(&options.output, &bytes)?;
    if options.json {
        super::print_json(&found)?;
    } else {
        super::print(&summary(contract, &found))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What each lead adds, and what is left over; of attention, what falls on each second.
fn summary(contract: &InputContract, found: &Attribution) -> String {
    let scores = format!("cosine {:+.4}, of a flat line {:+.4}", found.score, found.flat_score);
    if found.method == Method::Attention {
        return format!("{}\n{scores}", seconds(contract, found));
    }
    let mut table = Table::new(&["lead", "for", "against", "together"]);
    let width = (found.values.len() / found.leads.max(1)).max(1);
    for (lead, values) in contract.leads.iter().zip(found.values.chunks(width)) {
        let part = |sign: f64| values.iter().filter(|value| *value * sign > 0.0).sum::<f64>();
        let (for_text, against) = (part(1.0), part(-1.0));
        let row = [for_text, against, for_text + against].map(|value| format!("{value:+.4}"));
        table.row(&[vec![lead.to_string()], row.to_vec()].concat());
    }
    let sum = match found.method {
        Method::IntegratedGradients => format!("; the parts miss the difference by {:+.5}", found.gap()),
        Method::Occlusion | Method::Attention => "; each part alone, which need not add up".to_owned(),
    };
    format!("{table}\n{scores}{sum}")
}

/// The share of the attention that falls on each second.
fn seconds(contract: &InputContract, found: &Attribution) -> Table {
    let steps = (found.values.len() / found.leads.max(1)).max(1);
    let mut shares = Vec::new();
    for (index, value) in found.values.iter().enumerate() {
        let second = ((index % steps * found.window) as f64 / contract.sampling_rate) as usize;
        shares.resize(shares.len().max(second + 1), 0.0);
        shares[second] += value;
    }
    let mut table = Table::new(&["second", "share"]);
    for (second, share) in shares.iter().enumerate() {
        table.row(&[second.to_string(), format!("{share:.3}")]);
    }
    table
}
