//! `einthoven explain`.

use std::ffi::OsStr;
use std::process::ExitCode;

use einthoven::eval::saliency::{Attribution, Method, drawn};
use einthoven::signal::Lead;
use einthoven::signal::draw::{DrawOptions, highlighted_png, highlighted_svg};
use einthoven::{Error, Model, Result, locate, write_atomically};

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
    };
    let record = super::reading(&options.reading)?.open(&options.record)?;
    let model = Model::open(&locate(&options.run)?)?;
    let contract = model.checkpoint.contract();
    let found = model.explain(&options.record, &record, &options.text, method)?;
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
        super::print(&summary(&contract.leads, &found, method))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What each lead adds, and what is left over.
fn summary(leads: &[Lead], found: &Attribution, method: Method) -> String {
    let mut table = Table::new(&["lead", "for", "against", "together"]);
    let width = (found.values.len() / found.leads.max(1)).max(1);
    for (lead, values) in leads.iter().zip(found.values.chunks(width)) {
        let part = |sign: f64| values.iter().filter(|value| *value * sign > 0.0).sum::<f64>();
        let (for_text, against) = (part(1.0), part(-1.0));
        let row = [for_text, against, for_text + against].map(|value| format!("{value:+.4}"));
        table.row(&[vec![lead.to_string()], row.to_vec()].concat());
    }
    let scores = format!("cosine {:+.4}, of a flat line {:+.4}", found.score, found.flat_score);
    let sum = match method {
        Method::IntegratedGradients => format!("; the parts miss the difference by {:+.5}", found.gap()),
        Method::Occlusion => "; each part alone, which need not add up".to_owned(),
    };
    format!("{table}\n{scores}{sum}")
}
