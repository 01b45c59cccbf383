//! `einthoven measure`.

use std::process::ExitCode;

use einthoven::Result;
use einthoven::signal::measure::{LeadQuality, Measurements, measure, quality};
use serde::Serialize;

use super::table::Table;
use crate::cli;

/// What was measured on a recording.
#[derive(Serialize)]
struct Measured {
    recording: String,
    #[serde(flatten)]
    measurements: Measurements,
    quality: Vec<LeadQuality>,
}

pub fn run(options: &cli::Measure) -> Result<ExitCode> {
    let record = super::reading(&options.reading)?.open(&options.record)?;
    let measured =
        Measured { recording: options.record.clone(), measurements: measure(&record)?, quality: quality(&record) };
    if options.json {
        super::print_json(&measured)?
    } else {
        super::print(&show(&measured))?
    }
    Ok(ExitCode::SUCCESS)
}

fn show(measured: &Measured) -> String {
    let Measurements { rate, rhythm, intervals, axes, voltage, leads, beats, .. } = &measured.measurements;
    let regular = match rhythm.irregularity {
        None => "regularity unknown",
        Some(_) if rhythm.irregular => "irregular",
        Some(_) => "regular",
    };
    let p_waves = if rhythm.p_waves { "P waves" } else { "no P waves" };
    let like = if rhythm.fibrillation_like { ", as in atrial fibrillation" } else { "" };
    let mut text = format!(
        "{}: {} beats, {} of another shape, {} paced; {regular}, {p_waves}{like}\n",
        measured.recording,
        beats.len(),
        rhythm.other_shapes,
        rhythm.paced
    );
    for (name, value, unit, digits) in [
        ("heart rate", rate.heart_rate, "/min", 0),
        ("SDNN", rate.sdnn_ms, "ms", 0),
        ("RMSSD", rate.rmssd_ms, "ms", 0),
        ("P", intervals.p_ms, "ms", 0),
        ("PR", intervals.pr_ms, "ms", 0),
        ("QRS", intervals.qrs_ms, "ms", 0),
        ("QT", intervals.qt_ms, "ms", 0),
        ("QTc (Bazett)", intervals.qtc_bazett_ms, "ms", 0),
        ("QTc (Fridericia)", intervals.qtc_fridericia_ms, "ms", 0),
        ("P axis", axes.p, "degrees", 0),
        ("QRS axis", axes.qrs, "degrees", 0),
        ("T axis", axes.t, "degrees", 0),
        ("Sokolow-Lyon", voltage.sokolow_lyon_mv, "mV", 2),
        ("Cornell", voltage.cornell_mv, "mV", 2),
        ("Cornell product", voltage.cornell_product_mv_ms, "mV ms", 0),
    ] {
        let value = value.map_or("-".to_owned(), |value| format!("{value:.digits$} {unit}"));
        text.push_str(&format!("  {name:<17} {value}\n"));
    }
    let mut table = Table::new(&["lead", "R mV", "S mV", "ST mV", "T mV", "quality"]);
    let fixed = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    for (lead, quality) in leads.iter().zip(&measured.quality) {
        table.row(&[
            lead.lead.to_string(),
            fixed(lead.r_mv),
            fixed(lead.s_mv),
            fixed(lead.st_mv),
            fixed(lead.t_mv),
            fixed(Some(quality.score)),
        ]);
    }
    text.push_str(&table.to_string());
    for quality in &measured.quality {
        for defect in &quality.defects {
            text.push_str(&format!("  {}: {defect}\n", quality.lead));
        }
    }
    text
}
