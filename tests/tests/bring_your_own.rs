//! The page for a hospital's engineer, `docs/bring-your-own-ecgs.md`: its files are written as it shows them, recordings are put where
//! it says, and its commands are run in their order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use einthoven::Reading;
use einthoven::signal::Record;
use einthoven::signal::format::wfdb;
use einthoven_tests::{einthoven, root, succeeded};

#[test]
fn every_command_of_the_page_works() {
    let page = fs::read_to_string(root().join("docs/bring-your-own-ecgs.md")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    put_recordings(place);
    let blocks = blocks(&page);
    for block in blocks.iter().filter(|block| ["csv", "toml"].contains(&block.language.as_str())) {
        let name = block.name.as_ref().unwrap_or_else(|| panic!("what is this file called?\n{}", block.text));
        fs::write(place.join(name), &block.text).unwrap();
    }
    let commands: Vec<&str> =
        blocks.iter().filter(|block| block.language == "sh").flat_map(|b| b.text.lines()).collect();
    assert!(commands.len() >= 14, "{commands:?}");
    for command in commands {
        let arguments = command.strip_prefix("einthoven ").unwrap_or_else(|| panic!("nothing runs `{command}`"));
        let mut arguments = shlex::split(arguments).unwrap();
        if arguments[0] == "pretrain" {
            // Whether a model learns is another test's matter; here it has to work.
            arguments
                .extend(["--set", "train.epochs=1", "--set", "evaluate.bootstrap.resamples=20"].map(str::to_owned));
        }
        let text = succeeded(&einthoven().args(&arguments).current_dir(place).output().unwrap());
        println!("{command}\n{text}");
        if command.contains(" check ") {
            assert!(text.contains("0 problems"), "{command}\n{text}");
        }
    }
    assert!(fs::read_to_string(place.join("0001.svg")).unwrap().contains("<svg"));
    assert_eq!(fs::read_to_string(place.join("folds.csv")).unwrap().lines().count(), 13);
}

/// A fenced block, and the last name in backticks before it.
struct Block {
    language: String,
    name: Option<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut before = String::new();
    let mut open = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(language), false) => {
                let name = before.trim_end().strip_suffix("`:").and_then(|text| text.rsplit('`').next());
                let name = name.map(str::to_owned);
                blocks.push(Block { language: language.to_owned(), name, text: String::new() });
                open = true;
                before.clear();
            }
            (None, true) => writeln!(blocks.last_mut().unwrap().text, "{line}").unwrap(),
            (None, false) => before = before + line + "\n",
        }
    }
    blocks
}

fn put_recordings(place: &Path) {
    let reading = Reading::default();
    let patient = |index: usize| reading.open(&format!("simulated:{index}")).unwrap();
    for folder in ["my-wfdb", "my-arrays", "my-edf"] {
        fs::create_dir(place.join(folder)).unwrap();
    }
    for index in 1..=3 {
        wfdb::write(&patient(index), &place.join(format!("my-wfdb/{index:04}.hea"))).unwrap();
    }
    for index in 1..=12 {
        fs::write(place.join(format!("my-arrays/{index:02}.csv")), csv(&patient(index))).unwrap();
    }
    fs::write(place.join("my-edf/holter.edf"), edf(&patient(20))).unwrap();
}

/// Lead names, then a row for each point in time.
fn csv(record: &Record) -> String {
    let names: Vec<&str> = record.leads().iter().map(|lead| lead.name()).collect();
    let mut text = names.join(",") + "\n";
    for i in 0..record.len() {
        let row: Vec<String> = (0..names.len()).map(|lead| format!("{:.4}", record.row(lead)[i])).collect();
        text += &(row.join(",") + "\n");
    }
    text
}

/// An EDF file with data records of a second, a thousand steps a millivolt.
fn edf(record: &Record) -> Vec<u8> {
    let leads = record.leads();
    let rate = record.sampling_rate() as usize;
    let mut text = format!("{:<8}{:<80}{:<80}01.01.2401.01.01", "0", "X X X X", "Startdate 01-JAN-2024 X X X");
    write!(text, "{:<8}{:<44}{:<8}{:<8}{:<4}", 256 * (leads.len() + 1), "", record.len() / rate, 1, leads.len())
        .unwrap();
    for (width, field) in [(80, ""), (8, "mV"), (8, "-32.768"), (8, "32.767"), (8, "-32768"), (8, "32767"), (80, "")] {
        if width == 80 && field.is_empty() && text.len() == 256 {
            leads.iter().for_each(|lead| write!(text, "{:<16}", format!("ECG {lead}")).unwrap());
        }
        leads.iter().for_each(|_| write!(text, "{field:<width$}").unwrap());
    }
    leads.iter().for_each(|_| write!(text, "{rate:<8}").unwrap());
    leads.iter().for_each(|_| write!(text, "{:<32}", "").unwrap());
    let mut bytes = text.into_bytes();
    for second in 0..record.len() / rate {
        for lead in 0..leads.len() {
            let row = &record.row(lead)[second * rate..(second + 1) * rate];
            bytes.extend(row.iter().flat_map(|sample| ((sample * 1000.0).round() as i16).to_le_bytes()));
        }
    }
    bytes
}
