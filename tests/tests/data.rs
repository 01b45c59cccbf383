//! `einthoven data`, from the command's side.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use einthoven_tests::{data, einthoven, failed, run, succeeded};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn datasets_are_listed() {
    let text = succeeded(&run(["data", "list"]));
    for name in [
        "ptb-xl",
        "mimic-iv-ecg",
        "chapman-shaoxing-ningbo",
        "cinc2021",
        "code-15",
        "cpsc2018",
        "ludb",
        "table",
        "folder",
    ] {
        assert!(text.contains(name), "{text}");
    }
    let card = json(&succeeded(&run(["data", "list", "ptb-xl", "--json"])));
    assert_eq!((&card[0]["size"]["records"], &card[0]["licence"]), (&21799.into(), &"CC-BY-4.0".into()));
    let (code, message) = failed(&run(["data", "list", "ptbxl"]));
    assert!(code == 1 && message.contains("there is no dataset `ptbxl`"), "{message}");
}

#[test]
fn a_copy_is_checked_and_the_exit_code_says_how_it_is() {
    for (card, sample, records) in [("ptb-xl", "ptbxl-sample", 434), ("cinc2021", "cinc2021-sample", 40)] {
        let Some(root) = data(sample) else { continue };
        let root = root.to_str().unwrap();
        let report = json(&succeeded(&run(["data", "check", card, "--root", root, "--part", "--json"])));
        assert_eq!(report["readable"], records);
        let output = run(["data", "check", card, "--root", root]);
        failed(&output);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("problem: ") && text.contains(&format!("{records} records are listed")), "{text}");
    }
}

#[test]
fn distributions_are_drawn() {
    let Some(root) = data("cinc2021-sample") else { return };
    let root = root.to_str().unwrap();
    let text = succeeded(&run(["data", "stats", "cinc2021", "--root", root]));
    for part in [
        "40 records",
        "labels: scored",
        "427084000 sinus tachycardia",
        "sampling rate, Hz\n  500  40  █",
        "length, s\n  10  40  █",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let stats = json(&succeeded(&run(["data", "stats", "cinc2021", "--root", root, "--json"])));
    assert_eq!(
        stats["sexes"],
        serde_json::json!([{"value": "female", "records": 20}, {"value": "male", "records": 20}])
    );
}

#[test]
fn quality_is_told_when_asked_for() {
    let Some(root) = data("cinc2021-sample") else { return };
    let root = root.to_str().unwrap();
    let plain = json(&succeeded(&run(["data", "stats", "cinc2021", "--root", root, "--json"])));
    assert!(plain.get("quality").is_none());
    let stats = json(&succeeded(&run(["data", "stats", "cinc2021", "--root", root, "--quality", "--json"])));
    let sum =
        |counts: &Value| counts.as_array().unwrap().iter().map(|count| count["records"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum(&stats["quality"]["scores"]), 40);
    assert!(sum(&stats["quality"]["defects"]) >= 40, "a recording without a defect counts as such: {stats}");
    assert_eq!(stats["quality"]["unreadable"]["records"], serde_json::json!([]));
    let text = succeeded(&run(["data", "stats", "cinc2021", "--root", root, "--quality"]));
    assert!(text.contains("quality, mean of the leads") && text.contains("recordings with a lead that is"), "{text}");
}

#[test]
fn recordings_of_a_statement_are_drawn_beside_each_other() {
    let place = tempfile::tempdir().unwrap();
    let page = place.path().join("beside.html");
    let out = page.to_str().unwrap();
    let files = ["experiments/quickstart.toml", "experiments/simulated.toml"];
    let draw = |codes: &str| run(["data", "draw", files[0], files[1], "--codes", codes, "--count", "2", "-o", out]);
    let (_, message) = failed(&draw("NOSUCH"));
    assert!(message.contains("no recording has the code NOSUCH") && !page.exists(), "{message}");
    succeeded(&draw("AFIB,CLBBB"));
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("<img ").count(), 8, "two of each, of two statements, of two datasets");
    assert!(html.contains("AFIB: atrial fibrillation") && html.contains("CLBBB: complete left bundle branch block"));
}

#[test]
fn a_split_is_written_and_audited() {
    let Some(root) = data("ptbxl-sample") else { return };
    let root = root.to_str().unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).display().to_string();
    let split = |out: &str, more: &[&str]| {
        let arguments =
            [&["data", "split", "ptb-xl", "--root", root, "--labels", "super", "-o", out][..], more].concat();
        succeeded(&run(arguments))
    };
    let (first, again, published) = (path("a.csv"), path("b.csv"), path("c.csv"));
    split(&first, &["--folds", "5"]);
    split(&again, &["--folds", "5"]);
    let text = fs::read_to_string(&first).unwrap();
    assert_eq!(text, fs::read_to_string(&again).unwrap());
    assert!(text.starts_with("id,patient,fold,split\n") && text.lines().count() == 435, "{text}");

    // The benchmark's rule: folds as they are, records without a label of the set left out.
    let shown = split(&published, &["--published"]);
    assert!(shown.contains("352") && shown.contains("72"), "{shown}");
    assert_eq!(fs::read_to_string(&published).unwrap().lines().count(), 425);

    for file in [&first, &published] {
        let audit = json(&succeeded(&run(["data", "split", "ptb-xl", "--root", root, "--audit", file, "--json"])));
        assert_eq!(audit["leaks"], serde_json::json!([]));
    }
    let leaky = leak(&text, Path::new(&path("leaky.csv")));
    let output = run(["data", "split", "ptb-xl", "--root", root, "--audit", &leaky]);
    assert_eq!(failed(&output).0, 1);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 patients are in several parts") && text.contains("leak: patient"), "{text}");
}

/// Killed while it writes, and called again: the same files as if it had never been.
#[test]
fn sharding_survives_a_kill() {
    let Some(root) = data("ptbxl-sample") else { return };
    let place = tempfile::tempdir().unwrap();
    let (whole, cut) = (place.path().join("whole"), place.path().join("cut"));
    let arguments = |out: &Path| {
        let fixed =
            ["data", "shard", "ptb-xl", "--contract", "experiments/ptbxl-sample.toml", "--records", "16", "--root"];
        let mut arguments: Vec<String> = fixed.map(str::to_owned).to_vec();
        arguments.extend([root.display().to_string(), "-o".to_owned(), out.display().to_string()]);
        arguments
    };
    let mut child = einthoven().args(arguments(&cut)).stdout(std::process::Stdio::null()).spawn().unwrap();
    while !cut.join("shard-00002.json").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!cut.join("manifest.json").exists(), "it was too fast to be killed");
    let text = succeeded(&run(arguments(&cut)));
    assert!(text.contains("434 records in 28 shards") && !text.contains(" 0 of them from before"), "{text}");
    succeeded(&run(arguments(&whole)));
    let mut names: Vec<_> = fs::read_dir(&whole).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 2 * 28 + 2);
    for name in names {
        assert!(fs::read(whole.join(&name)).unwrap() == fs::read(cut.join(&name)).unwrap(), "{name:?}");
    }
    let report = json(&succeeded(&run(["data", "check", whole.to_str().unwrap(), "--json"])));
    assert_eq!((&report["readable"], &report["problems"]), (&434.into(), &serde_json::json!([])));
}

/// The split with one record of a patient who has several moved to another fold.
fn leak(split: &str, path: &Path) -> String {
    let mut lines: Vec<String> = split.lines().map(str::to_owned).collect();
    let patient = |line: &str| line.split(',').nth(1).unwrap().to_owned();
    let place = (1..lines.len())
        .find(|&i| lines.iter().filter(|line| patient(line) == patient(&lines[i])).count() > 1)
        .expect("the sample has patients with several records");
    let fields: Vec<String> = lines[place].split(',').map(str::to_owned).collect();
    let other = if fields[2] == "1" { "2" } else { "1" };
    lines[place] = format!("{},{},{other},{}", fields[0], fields[1], fields[3]);
    fs::write(path, lines.join("\n")).unwrap();
    path.display().to_string()
}
