//! Checkpoints of published systems through the command: import, then use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use einthoven_tests::{failed, root, run, succeeded};
use serde_json::Value;

fn fixture(name: &str) -> String {
    root().join(format!("crates/einthoven-models/tests/fixtures/published/{name}.pt")).display().to_string()
}

fn import(system: &str, name: &str, out: &Path) -> Value {
    let out = out.display().to_string();
    let output = run(["import", system, &fixture(name), "-o", &out, "--json"]);
    serde_json::from_str(&succeeded(&output)).unwrap()
}

#[test]
fn an_imported_encoder_embeds_and_says_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    for (system, name, width) in [
        ("merl", "merl-vit", 8),
        ("merl", "merl-resnet", 8),
        ("xresnet1d101", "xresnet1d", 16),
        ("ecg-fm", "ecg-fm", 16),
        ("ecgfounder", "ecgfounder", 8),
    ] {
        let out = folder.path().join(name);
        let imported = import(system, name, &out);
        assert!(!imported["left_out"].as_array().unwrap().is_empty(), "{name}");
        let out = out.display().to_string();
        let embedded = succeeded(&run(["embed", &out, "simulated:1", "simulated:2", "--json"]));
        let embedded: Value = serde_json::from_str(&embedded).unwrap();
        let rows: Vec<&Vec<Value>> =
            embedded.as_array().unwrap().iter().map(|row| row["embedding"].as_array().unwrap()).collect();
        assert_eq!(rows.len(), 2, "{name}");
        assert!(rows.iter().all(|row| row.len() == width && row.iter().all(Value::is_number)), "{name}");
        assert_ne!(rows[0], rows[1], "{name}");

        let (_, message) = failed(&run(["query", &out, "simulated:1", "--text", "sinus rhythm"]));
        assert!(message.contains("without a text tower") && message.contains("einthoven embed"), "{message}");
        let (_, message) = failed(&run(["import", system, &fixture(name), "-o", &out]));
        assert!(message.contains("exists already"), "{message}");
    }
}

#[test]
fn an_imported_encoder_is_exported_and_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: String| folder.path().join(name).display().to_string();
    for (system, name) in [
        ("merl", "merl-vit"),
        ("merl", "merl-resnet"),
        ("xresnet1d101", "xresnet1d"),
        ("ecg-fm", "ecg-fm"),
        ("ecgfounder", "ecgfounder"),
    ] {
        let (first, again) = (path(name.to_owned()), path(format!("{name}-again")));
        import(system, name, Path::new(&first));
        let (onnx, pytorch) = (path(format!("{name}.onnx")), path(format!("{name}-pytorch")));
        let written = succeeded(&run(["export", &first, "-o", &onnx, "--pytorch", &pytorch, "--json"]));
        let written: Value = serde_json::from_str(&written).unwrap();
        for file in written.as_array().unwrap() {
            let size = std::fs::metadata(file["file"].as_str().unwrap()).unwrap().len();
            assert_eq!(file["bytes"], size, "{file}");
        }
        let weights = format!("{pytorch}/model.safetensors");
        succeeded(&run(["import", system, &weights, "-o", &again]));
        let bytes = |run: &str| std::fs::read(Path::new(run).join("model.safetensors")).unwrap();
        assert!(bytes(&first) == bytes(&again), "{name}");
        assert!(bytes(&first) == bytes(&pytorch), "{name}");

        let (_, message) = failed(&run(["export", &first, "--pytorch", &pytorch]));
        assert!(message.contains("exists already"), "{message}");
    }
    let (_, message) = failed(&run(["export", "runs/none"]));
    assert!(message.contains("--output <FILE>") && message.contains("--pytorch <FOLDER>"), "{message}");
}

#[test]
fn what_was_exported_embeds_a_recording_as_the_command_does() {
    let Some(python) = std::env::var_os("EINTHOVEN_PYTHON") else {
        println!("skipped: EINTHOVEN_PYTHON names no interpreter");
        return;
    };
    let modules = "import torch, safetensors, scipy, onnxruntime";
    let found = std::process::Command::new(&python).args(["-c", modules]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: Python's torch, safetensors, scipy or onnxruntime is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut table = "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6\n".to_owned();
    for sample in 0..1700 {
        let value =
            |lead: usize| ((sample as f64 * (0.02 + 0.003 * lead as f64)).sin() * (1.0 + 0.1 * lead as f64)) as f32;
        let row: Vec<String> = (0..12).map(|lead| value(lead).to_string()).collect();
        table.push_str(&format!("{}\n", row.join(",")));
    }
    let recording = path("ecg.csv");
    std::fs::write(&recording, table).unwrap();
    let quickstart = path("esi");
    let mut command = ["quickstart", "--out", &quickstart].map(str::to_owned).to_vec();
    for change in ["data.simulated.records=60", "train.epochs=1", "evaluate.bootstrap.resamples=20"] {
        command.extend(["--set".to_owned(), change.to_owned()]);
    }
    succeeded(&run(command));
    for (system, name) in [("", "esi"), ("merl", "merl-resnet"), ("xresnet1d101", "xresnet1d"), ("ecg-fm", "ecg-fm")] {
        let model = path(name);
        if !system.is_empty() {
            import(system, name, Path::new(&model));
        }
        let (onnx, pytorch) = (path(&format!("{name}.onnx")), path(&format!("{name}-pytorch")));
        succeeded(&run(["export", &model, "-o", &onnx, "--pytorch", &pytorch]));
        let arguments = ["embed", &model, &recording, "--sampling-rate", "500", "--unit", "mV", "--json"];
        let expected: Value = serde_json::from_str(&succeeded(&run(arguments))).unwrap();
        let expected: Vec<f64> = serde_json::from_value(expected[0]["embedding"].clone()).unwrap();
        let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let mut script = std::process::Command::new(&python);
        script.arg("-B").arg(root().join("tests/exported_embed.py")).args([&pytorch, &onnx, &recording]);
        let answer: Value = serde_json::from_str(&succeeded(&script.output().unwrap())).unwrap();
        for by in ["pytorch", "onnx"] {
            let found: Vec<f64> = serde_json::from_value(answer[by].clone()).unwrap();
            assert_eq!(found.len(), expected.len(), "{name} by {by}");
            let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest;
            println!("{name} by {by}: {off:.1e}");
            assert!(off <= 1e-4, "{name} by {by} differs by {off:e}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_system_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (_, message) = failed(&run(["import", "merl", &fixture("ecgfounder"), "-o", &out.display().to_string()]));
    assert!(message.contains("MERL: the checkpoint has no conv1.weight"), "{message}");
    assert!(!out.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
