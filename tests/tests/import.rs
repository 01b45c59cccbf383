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
fn a_checkpoint_of_another_system_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (_, message) = failed(&run(["import", "merl", &fixture("ecgfounder"), "-o", &out.display().to_string()]));
    assert!(message.contains("MERL: the checkpoint has no conv1.weight"), "{message}");
    assert!(!out.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// An ESI so small that it is trained in seconds.
const TINY: &str = r#"
name = "tiny"
data = { dataset = "simulated", caption = { template = "findings" }, simulated = { records = 60, simulator = { sampling_rate = 100.0 } } }
contract = { leads = ["I", "II", "V1", "V5"], sampling_rate = 100.0, samples = 500, scaling = "none" }
text = { vocabulary = 300 }
train = { steps = 2, batch_size = 6, learning_rate = 1e-3, max_tokens = 64 }
evaluate = { labels = "conditions", prompts = "simulated", bootstrap = { resamples = 20 } }
[model]
latents = 16
signal_tokens = 2
signal = { kind = "convnext", size = { custom = { depths = [1, 1, 1, 1], widths = [8, 8, 16, 16] } } }
text = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 32, max_position_embeddings = 64 }
decoder = { depth = 1, heads = 2, dim_head = 8 }
"#;

/// A protocol that asks everything of a few simulated patients.
const PROTOCOL: &str = r#"
name = "few"
version = 1
about = "For a test."
seed = 0
data = { dataset = "simulated", simulated = { records = 150, seed = 9, simulator = { sampling_rate = 100.0 } }, fitted = [1, 2, 3, 4, 5, 6], judged = [9, 10] }
bootstrap = { resamples = 20, level = 0.95 }
tasks = [
  { kind = "zero-shot", labels = "super", prompts = "ptb-xl-super" },
  { kind = "probe", labels = "super", shares = [0.1, 1.0], seeds = 2, decay = 0.01, subgroups = ["sex", "age"] },
  { kind = "neighbours", labels = "super", k = 5 },
  { kind = "retrieval" },
  { kind = "varied", labels = "super", decay = 0.01, variations = [{ leads = 2 }, { rate = 50.0 }] },
]
"#;

fn small_run(folder: &Path) -> String {
    std::fs::write(folder.join("tiny.toml"), TINY).unwrap();
    let (experiment, out) = (folder.join("tiny.toml").display().to_string(), folder.join("tiny").display().to_string());
    succeeded(&run(["pretrain", &experiment, "--out", &out]));
    out
}

fn outcome(result: &Value, place: usize) -> &str {
    result["tasks"][place]["outcome"]["kind"].as_str().unwrap()
}

#[test]
fn several_subjects_are_judged_by_a_protocol_once_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = |name: &str| folder.join(name).display().to_string();
    let tiny = small_run(folder);
    import("merl", "merl-vit", &folder.join("merl"));
    std::fs::write(folder.join("few.toml"), PROTOCOL).unwrap();
    let (protocol, merl, results) = (file("few.toml"), file("merl"), file("results"));
    let arguments = ["evaluate", "--protocol", &protocol, &tiny, &merl, "--out", &results];
    let first = succeeded(&run(arguments));
    assert!(first.lines().any(|line| line.contains("tiny") && line.contains("random-tiny")), "{first}");
    let read = |name: &str| -> Value {
        let path = folder.join("results/few").join(format!("{name}.json"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    for (name, kind, zero_shot) in [
        ("tiny", "ESI, corrected", "classification"),
        ("merl", "MERL", "not-applicable"),
        ("random-tiny", "random encoder", "not-applicable"),
        ("measurements", "interval features", "not-applicable"),
    ] {
        let result = read(name);
        assert_eq!(result["subject"]["kind"], kind);
        assert_eq!((outcome(&result, 0), outcome(&result, 1)), (zero_shot, "classification"), "{name}");
        assert_eq!(result["tasks"].as_array().unwrap().len(), 7);
        assert_eq!(
            (result["hash"].clone(), result["protocol"]["seed"].clone()),
            (read("tiny")["hash"].clone(), 0.into())
        );
    }
    assert_ne!(read("tiny")["subject"]["fingerprint"], read("random-tiny")["subject"]["fingerprint"]);

    // Nothing is judged twice, and what another weight would have answered is.
    let written = |name: &str| {
        std::fs::metadata(folder.join("results/few").join(format!("{name}.json"))).unwrap().modified().unwrap()
    };
    let before = ["tiny", "merl", "random-tiny", "measurements"].map(written);
    let again = run(arguments);
    assert_eq!(succeeded(&again), first);
    assert_eq!(String::from_utf8_lossy(&again.stderr).matches("was finished before").count(), 4);
    assert_eq!(["tiny", "merl", "random-tiny", "measurements"].map(written), before);
    let as_merl = format!("merl={tiny}");
    let other = run(["evaluate", "--protocol", &protocol, &as_merl, "--out", &results]);
    succeeded(&other);
    assert_eq!(read("merl")["subject"]["kind"], "ESI, corrected");

    let (html, csv, json, latex) = (file("c.html"), file("c.csv"), file("c.json"), file("c.tex"));
    let shown = run(["compare", &results, "--html", &html, "--csv", &csv, "--json", &json, "--latex", &latex]);
    assert!(succeeded(&shown).contains("few version 1, judged on"));
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("not applicable: it has no text tower") && page.contains("random-tiny"));
    let json: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let value = &json["protocols"][0]["tables"][1]["lines"][0]["cells"][0]["value"];
    assert!(std::fs::read_to_string(&csv).unwrap().contains(&format!(",{value},")), "{value}");
    assert!(std::fs::read_to_string(&latex).unwrap().contains(&format!("{:.3}", value.as_f64().unwrap())));

    let (code, message) = failed(&run(["evaluate", &tiny, &merl]));
    assert_eq!(code, 2);
    assert!(message.contains("--protocol"), "{message}");
    let (_, message) = failed(&run(["evaluate", "--protocol", "nothing", &tiny, "--out", &results]));
    assert!(message.contains("ptbxl-sample"), "{message}");
    let (_, message) = failed(&run(["evaluate", "--protocol", "ptbxl-super", &tiny, "--out", &results]));
    assert!(message.contains("root"), "{message}");
}

#[test]
fn the_sample_of_ptb_xl_is_judged_by_its_protocol() {
    let Some(root) = einthoven_tests::data("ptbxl-sample") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let root = root.display().to_string();
    let output =
        run(["evaluate", "--protocol", "ptbxl-sample", "measurements", "--root", &root, "--out", &out, "--json"]);
    let results: Value = serde_json::from_str(&succeeded(&output)).unwrap();
    let result = &results[0];
    assert_eq!((result["records"]["fitted"].as_u64(), result["records"]["judged"].as_u64()), (Some(353), Some(81)));
    let task = |title: &str| {
        let mut tasks = result["tasks"].as_array().unwrap().iter();
        tasks.find(|task| task["task"] == title && task["variation"].is_null()).unwrap()["outcome"].clone()
    };
    assert_eq!(task("probe 100 %")["unlabelled"], 9);
    let auroc = |title: &str| task(title)["macro"]["auroc"]["value"].as_f64().unwrap();
    println!("measurements: {:.3} at 1 %, {:.3} at 100 %", auroc("probe 1 %"), auroc("probe 100 %"));
    assert!(auroc("probe 100 %") > 0.8 && auroc("probe 1 %") > 0.6);
}
