//! `einthoven data split`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use einthoven::corpus::folds::{Audit, audit, read_parts, stratified_folds};
use einthoven::corpus::{Dataset, SplitConfig};
use einthoven::{Error, Result, write_atomically};
use serde::Serialize;

use crate::cli::data::Split;
use crate::commands::table::Table;

/// Leaks that are listed at most; JSON has them all.
const LISTED: usize = 20;

/// A part of a split.
#[derive(Serialize)]
struct Part {
    fold: u8,
    split: &'static str,
    records: usize,
    patients: usize,
    labels: BTreeMap<String, usize>,
}

pub fn split(options: &Split) -> Result<ExitCode> {
    let (mut dataset, _) = super::open(&options.source)?;
    if let Some(path) = &options.audit {
        return show_audit(&audit(&dataset, &read_parts(path)?), options.json);
    }
    if options.published {
        if let Some(name) = &options.labels {
            dataset = dataset.subset(&dataset.label_set(name)?.labelled());
        }
    } else {
        let folds = stratified_folds(&dataset, options.labels.as_deref(), options.folds, options.seed)?;
        dataset.entries.iter_mut().zip(folds).for_each(|(entry, fold)| entry.fold = Some(fold));
        let last = options.folds;
        dataset.splits = SplitConfig { train: (1..last - 1).collect(), validation: vec![last - 1], test: vec![last] };
    }
    let parts = parts(&dataset, options.labels.as_deref())?;
    if let Some(path) = &options.output {
        write_atomically(path, &csv(&dataset, path)?)?;
    }
    if options.json {
        crate::commands::print_json(&parts)?
    } else {
        crate::commands::print(&show(&parts))?
    }
    Ok(ExitCode::SUCCESS)
}

/// What a fold serves for.
fn name_of(splits: &SplitConfig, fold: u8) -> &'static str {
    let names = [("train", &splits.train), ("validation", &splits.validation), ("test", &splits.test)];
    names.into_iter().find(|(_, folds)| folds.contains(&fold)).map_or("", |(name, _)| name)
}

fn parts(dataset: &Dataset, labels: Option<&str>) -> Result<Vec<Part>> {
    let folds: BTreeSet<u8> = dataset.entries.iter().filter_map(|entry| entry.fold).collect();
    let part = |fold| {
        let part = dataset.select(&[fold][..].into());
        let patients: BTreeSet<&str> = part.entries.iter().map(|entry| entry.patient.as_str()).collect();
        let labels = match labels {
            Some(name) => {
                let set = part.label_set(name)?;
                set.classes.iter().cloned().zip(set.counts()).collect()
            }
            None => BTreeMap::new(),
        };
        let split = name_of(&dataset.splits, fold);
        Ok(Part { fold, split, records: part.len(), patients: patients.len(), labels })
    };
    folds.into_iter().map(part).collect()
}

fn csv(dataset: &Dataset, path: &Path) -> Result<Vec<u8>> {
    let fail = |source| Error::File { action: "write", path: path.to_owned(), source };
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "patient", "fold", "split"]).map_err(|error| fail(error.into()))?;
    for entry in &dataset.entries {
        let Some(fold) = entry.fold else { continue };
        let row = [&entry.id, &entry.patient, &fold.to_string(), name_of(&dataset.splits, fold)];
        writer.write_record(row).map_err(|error| fail(error.into()))?;
    }
    writer.into_inner().map_err(|error| fail(error.into_error()))
}

fn show(parts: &[Part]) -> String {
    // Classes that some record has, the most frequent first.
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    for (class, count) in parts.iter().flat_map(|part| &part.labels) {
        *totals.entry(class).or_default() += count;
    }
    let mut classes: Vec<&str> = totals.iter().filter(|(_, count)| **count > 0).map(|(class, _)| *class).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(totals[class]));
    classes.truncate(8);
    let mut head = vec!["fold", "split", "records", "patients"];
    head.extend(&classes);
    let mut table = Table::new(&head);
    for part in parts {
        let mut row =
            vec![part.fold.to_string(), part.split.to_owned(), part.records.to_string(), part.patients.to_string()];
        row.extend(classes.iter().map(|class| part.labels.get(*class).copied().unwrap_or(0).to_string()));
        table.row(&row);
    }
    for split in ["train", "validation", "test"] {
        let of = |count: fn(&Part) -> usize| parts.iter().filter(|part| part.split == split).map(count).sum::<usize>();
        let mut row = vec![
            "all".to_owned(),
            split.to_owned(),
            of(|part| part.records).to_string(),
            of(|part| part.patients).to_string(),
        ];
        let label = |class: &str| {
            let parts = parts.iter().filter(|part| part.split == split);
            parts.filter_map(|part| part.labels.get(class)).sum::<usize>().to_string()
        };
        row.extend(classes.iter().map(|class| label(class)));
        table.row(&row);
    }
    table.to_string().trim_end().to_owned()
}

fn show_audit(audit: &Audit, json: bool) -> Result<ExitCode> {
    if json {
        crate::commands::print_json(audit)?;
    } else {
        let parts: Vec<String> = audit.parts.iter().map(|(part, records)| format!("{part}: {records}")).collect();
        let mut text = format!(
            "records by part: {}\n{} patients are in several parts; {} records are in no part; {} ids are not in the dataset\n",
            parts.join(", "),
            audit.leaks.len(),
            audit.unassigned,
            audit.unknown.len()
        );
        for leak in audit.leaks.iter().take(LISTED) {
            let records = leak.records.iter().map(|(part, ids)| format!("{part}: {}", ids.join(" ")));
            text.push_str(&format!("  leak: patient {} ({})\n", leak.patient, records.collect::<Vec<_>>().join("; ")));
        }
        if audit.leaks.len() > LISTED {
            text.push_str(&format!("  and {} more: --json lists them\n", audit.leaks.len() - LISTED));
        }
        crate::commands::print(text.trim_end())?;
    }
    Ok(if audit.leaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
