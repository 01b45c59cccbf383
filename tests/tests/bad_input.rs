//! Bad input ends in a message that names the thing and the remedy, with an exit code that means something.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use einthoven_tests::{einthoven, failed, run, succeeded};

const QUICK: [&str; 12] = [
    "--set",
    "data.simulated.records=40",
    "--set",
    "train.epochs=1",
    "--set",
    "train.batch_size=4",
    "--set",
    "evaluate.bootstrap.resamples=10",
    "--set",
    "train.validate_every=2",
    "--set",
    "train.checkpoint.every=1",
];

/// A tiny run to ask things of.
fn tiny_run(place: &Path) -> PathBuf {
    let out = place.join("run");
    let output = einthoven().arg("quickstart").arg("--out").arg(&out).args(QUICK).output().unwrap();
    succeeded(&output);
    out
}

fn contains_all(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[test]
fn a_misspelt_key_names_file_line_and_key() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("wrong.toml");
    fs::write(&file, "name = \"x\"\n[train]\nsteps = 1\nbatchsize = 4\n").unwrap();
    let (code, message) = failed(&run(["pretrain".as_ref(), file.as_os_str()]));
    assert_eq!(code, 2);
    contains_all(&message, &["wrong.toml", "line 4", "batchsize", "batch_size"]);
}

#[test]
fn a_misspelt_override_is_named() {
    let (code, message) = failed(&run(["quickstart", "--set", "train.batchsize=4"]));
    assert_eq!(code, 2);
    contains_all(&message, &["--set train.batchsize=4", "batch_size"]);
}

#[test]
fn a_missing_experiment_is_named() {
    let (code, message) = failed(&run(["pretrain", "no/such.toml"]));
    assert_eq!(code, 1);
    contains_all(&message, &["no/such.toml"]);
}

#[test]
fn an_empty_dataset_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run").display().to_string();
    let (code, message) = failed(&run(["quickstart", "--out", &out, "--set", "data.simulated.records=0"]));
    assert_eq!(code, 2);
    contains_all(&message, &["simulated"]);
    assert!(!place.path().join("run/checkpoints").exists());
}

#[test]
fn recordings_that_cannot_be_used_are_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let model = tiny_run(place.path());
    let model = model.to_str().unwrap();
    let path = |name: &str| place.path().join(name).display().to_string();
    let ask = |file: &str| {
        let output = run(["query", model, file, "--text", "sinus rhythm"]);
        let (code, message) = failed(&output);
        assert_eq!(code, 1, "{message}");
        message
    };
    // Two leads of ten seconds at 100 Hz in format 16; the checksum is left open where it would be in the way.
    let header = |leads: usize, checksum: &str| {
        let mut text = format!("ecg {leads} 100 1000\n");
        for lead in ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"].iter().take(leads) {
            text.push_str(&format!("ecg.dat 16 1000/mV 16 0 0{checksum} {lead}\n"));
        }
        text
    };
    let samples = |leads: usize| vec![0u8; 2 * 1000 * leads];

    fs::write(path("ecg.hea"), header(8, " 0 0")).unwrap();
    fs::write(path("ecg.dat"), samples(8)).unwrap();
    contains_all(&ask(&path("ecg.hea")), &["ecg.hea", "III", "aVR", "V1"]);

    fs::write(path("ecg.dat"), &samples(8)[..7000]).unwrap();
    contains_all(&ask(&path("ecg.hea")), &["ecg.dat", "16000", "7000"]);

    fs::write(path("ecg.hea"), header(8, " 77 0")).unwrap();
    fs::write(path("ecg.dat"), samples(8)).unwrap();
    contains_all(&ask(&path("ecg.hea")), &["checksum", "77"]);

    fs::remove_file(path("ecg.dat")).unwrap();
    contains_all(&ask(&path("ecg.hea")), &["ecg.hea", "ecg.dat"]);

    contains_all(&ask(&path("nothing.hea")), &["nothing.hea"]);
    fs::write(path("note.txt"), "hello").unwrap();
    contains_all(&ask(&path("note.txt")), &["note.txt"]);

    // A whole record whose lead V3 is missing throughout.
    let leads = "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6";
    let mut csv = format!("{leads}\n");
    for _ in 0..1000 {
        csv.push_str("0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,nan,0.1,0.1,0.1\n");
    }
    fs::write(path("hole.csv"), csv).unwrap();
    contains_all(&ask(&path("hole.csv")), &["sampling"]);
    let output = run(["query", model, &path("hole.csv"), "--sampling-rate", "100", "--text", "x"]);
    contains_all(&failed(&output).1, &["V3"]);
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let model = tiny_run(place.path());
    let inspect = |path: &Path| run(["inspect".as_ref(), path.as_os_str()]);
    let newest = fs::read_dir(model.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    succeeded(&inspect(&newest));

    let weights = newest.join("model.safetensors");
    let whole = fs::read(&weights).unwrap();
    fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    contains_all(&failed(&inspect(&newest)).1, &["model.safetensors", "another checkpoint"]);
    fs::write(&weights, &whole).unwrap();

    fs::remove_file(newest.join("tokenizer.json")).unwrap();
    contains_all(&failed(&inspect(&newest)).1, &["tokenizer.json", "missing"]);

    let list = model.join("checkpoints.json");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replace("\"format\": 1", "\"format\": 99")).unwrap();
    contains_all(&failed(&inspect(&model)).1, &["checkpoints.json", "99"]);

    contains_all(&failed(&inspect(&place.path().join("nothing@last"))).1, &["nothing"]);
}

/// A small file system holds the first checkpoints but not the later ones.
#[test]
fn a_full_disk_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=28m", "tmpfs"]).arg(&disk).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: mounting a small file system is not permitted here");
        return;
    }
    let out = disk.join("run");
    let quickstart = |more: &[&str]| {
        einthoven()
            .arg("quickstart")
            .arg("--out")
            .arg(&out)
            .args(QUICK)
            .args(["--set", "train.checkpoint.keep=9"])
            .args(more)
            .output()
            .unwrap()
    };
    let output = quickstart(&["--set", "train.epochs=20"]);
    let result = std::panic::catch_unwind(|| {
        let (code, message) = failed(&output);
        assert_eq!(code, 1);
        contains_all(&message, &["disk", "checkpoint"]);
        // What was saved before is whole.
        succeeded(&run(["inspect", &format!("{}@last", out.display())]));
    });
    succeeded(&std::process::Command::new("umount").arg("-l").arg(&disk).output().unwrap());
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}
