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
fn a_checkpoint_of_another_system_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (_, message) = failed(&run(["import", "merl", &fixture("ecgfounder"), "-o", &out.display().to_string()]));
    assert!(message.contains("MERL: the checkpoint has no conv1.weight"), "{message}");
    assert!(!out.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
