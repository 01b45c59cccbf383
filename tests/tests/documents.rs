//! Every command in every document is run, in the order a reader meets them; the README's first one for real.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../crates/einthoven-hub/tests/common/hub.rs"]
mod hub;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use einthoven_tests::{data, einthoven, root, succeeded};

/// Documents in reading order.
const DOCUMENTS: [&str; 5] =
    ["README.md", "experiments/README.md", "prompts/README.md", "benches/README.md", "CONTRIBUTING.md"];

/// Commands that are not `einthoven`'s, and what runs them: everything else in a `sh` block must be ours.
const ELSEWHERE: [(&str, &str); 6] = [
    ("cargo test --workspace", "is what runs this test"),
    ("scripts/fetch-minilm.sh", "is run by the check script"),
    ("git clone ", "brought this text here"),
    ("cd einthoven", "brought this text here"),
    ("cargo run --release -p einthoven-benches", "compares with PyTorch, which tests do not need"),
    ("cargo +nightly fuzz run ", "wants a nightly compiler and half an hour"),
];

#[test]
fn every_command_in_every_document_works() {
    let place = tempfile::tempdir().unwrap();
    lay_out(place.path());
    let hub = hub::TestHub::new();
    for document in DOCUMENTS {
        for command in commands(document) {
            if let Some((_, reason)) = ELSEWHERE.iter().find(|(start, _)| command.starts_with(start)) {
                println!("{document}: `{command}` {reason}");
                continue;
            }
            let arguments = command
                .strip_prefix("cargo run --release -- ")
                .or_else(|| command.strip_prefix("einthoven "))
                .unwrap_or_else(|| panic!("{document}: nothing runs `{command}`"));
            run(document, arguments, place.path(), &hub);
        }
    }
}

/// A working folder like a fresh clone, but for the build.
fn lay_out(place: &Path) {
    for name in ["experiments", "prompts", "datasets"] {
        std::os::unix::fs::symlink(root().join(name), place.join(name)).unwrap();
    }
    if let Some(folder) = std::env::var_os("EINTHOVEN_MINILM") {
        fs::create_dir(place.join("models")).unwrap();
        std::os::unix::fs::symlink(folder, place.join("models/all-MiniLM-L6-v2")).unwrap();
    }
}

/// The lines of a document's `sh` blocks, without comments.
fn commands(document: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
    let mut commands: Vec<String> = Vec::new();
    let mut in_block = false;
    let mut continued = false;
    for line in text.lines() {
        match line.trim() {
            "```sh" => in_block = true,
            "```" => in_block = false,
            line if in_block && !line.is_empty() && !line.starts_with('#') => {
                let part = line.trim_end_matches('\\').trim();
                match commands.last_mut() {
                    Some(last) if continued => *last = format!("{last} {part}"),
                    _ => commands.push(part.split("  #").next().unwrap_or(part).trim().to_owned()),
                }
                continued = line.ends_with('\\');
            }
            _ => {}
        }
    }
    commands
}

fn run(document: &str, arguments: &str, place: &Path, hub: &hub::TestHub) {
    let mut arguments = shlex::split(arguments).unwrap_or_else(|| panic!("{document}: quotes in `{arguments}`"));
    let experiment = arguments.iter().find(|argument| argument.ends_with(".toml")).cloned();
    if matches!(arguments[0].as_str(), "pretrain" | "finetune") {
        let text = fs::read_to_string(place.join(experiment.as_deref().unwrap_or_default())).unwrap();
        if text.contains("ptb-xl") && data("ptbxl-sample").is_none() {
            return;
        }
        if text.contains("all-MiniLM") && !place.join("models/all-MiniLM-L6-v2").exists() {
            println!("skipped: `{}` wants the text encoder that EINTHOVEN_MINILM names", arguments.join(" "));
            return;
        }
        let start = text.lines().find_map(|line| line.strip_prefix("start_from = \"")?.strip_suffix('"'));
        if start.is_some_and(|run| !place.join(run).exists()) {
            println!("skipped: `{}` begins with a run that was skipped", arguments.join(" "));
            return;
        }
        // What a run comes to is another test's matter; here it has to work.
        let length = if text.contains("\nepochs") { "train.epochs=1" } else { "train.steps=2" };
        for short in [length, "evaluate.bootstrap.resamples=20", "data.simulated.records=200"] {
            arguments.extend(["--set".to_owned(), short.to_owned()]);
        }
    }
    if arguments[0] == "probe" {
        let wants_data = arguments.iter().any(|argument| argument == "ptb-xl");
        if wants_data && data("ptbxl-sample").is_none() {
            return;
        }
        if !place.join(&arguments[1]).exists() {
            println!("skipped: `{}` wants a run that was skipped", arguments.join(" "));
            return;
        }
    }
    let start = Instant::now();
    let data_folder = std::env::var_os("EINTHOVEN_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let output = einthoven()
        .args(&arguments)
        .current_dir(place)
        .env("EINTHOVEN_DATA", data_folder)
        .envs([("HF_ENDPOINT", hub.address.as_str()), ("HF_TOKEN", hub::TOKEN), ("HF_HUB_OFFLINE", "")])
        .env("HF_HUB_CACHE", place.join("hub"))
        .output()
        .unwrap();
    println!("{document}: einthoven {} ({:.1} s)", arguments.join(" "), start.elapsed().as_secs_f64());
    let text = succeeded(&output);
    if arguments[0] == "quickstart" {
        check_quickstart(place, &text);
    }
}

/// The README's promise: for simulated patients never seen, with label texts given only now, at least 0.90.
fn check_quickstart(place: &Path, text: &str) {
    let report = fs::read_to_string(place.join("runs/quickstart/report.html")).unwrap();
    assert!(text.contains("runs/quickstart/report.html"), "{text}");
    assert!(report.contains("<svg"), "the report has no pictures");
    let judgement = fs::read_to_string(place.join("runs/quickstart/judgement.json")).unwrap();
    let judgement: serde_json::Value = serde_json::from_str(&judgement).unwrap();
    let auroc = judgement["zero_shot"]["macro"]["auroc"]["value"].as_f64().unwrap();
    println!("zero-shot macro AUROC after quickstart: {auroc:.3}");
    assert!(auroc >= 0.90, "zero-shot macro AUROC {auroc}");
}
