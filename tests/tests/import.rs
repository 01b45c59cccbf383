//! Checkpoints of published systems through the command: import, then use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use einthoven_tests::{einthoven, failed, root, run, succeeded};
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
        if system != "merl" {
            let other = folder.path().join("other").display().to_string();
            let (_, message) = failed(&run(["import", system, &fixture(name), "-o", &other, "--text", "models"]));
            assert!(message.contains("--text") && message.contains("reads no texts"), "{message}");
        }
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

/// Of small systems, whose texts are of the fixture's thirty words.
#[test]
fn a_merl_with_its_text_tower_is_asked_explained_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let text = root().join("crates/einthoven-models/tests/fixtures/published/merl-text").display().to_string();
    for name in ["merl-resnet", "merl-vit"] {
        let out = path(name);
        let imported = succeeded(&run(["import", "merl", &fixture(name), "-o", &out, "--text", &text, "--json"]));
        let imported: Value = serde_json::from_str(&imported).unwrap();
        let left_out: Vec<&str> =
            imported["left_out"].as_array().unwrap().iter().map(|x| x.as_str().unwrap()).collect();
        assert!(left_out.contains(&"linear1.weight") && !left_out.iter().any(|name| name.starts_with("proj_t")));

        let texts = ["atrial fibrillation", "sinus rhythm"];
        let query = ["query", &out, "simulated:1", "simulated:2", "--text", texts[0], "--text", texts[1], "--json"];
        let answer: Value = serde_json::from_str(&succeeded(&run(query))).unwrap();
        let number = |record: usize, text: usize, key: &str| answer["records"][record]["answers"][text][key].as_f64();
        for (record, text) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let cosine = number(record, text, "cosine").unwrap();
            assert!(cosine.abs() <= 1.0 && cosine != 0.0);
            assert!((number(record, text, "logit").unwrap() - cosine / 0.07).abs() < 1e-6);
        }
        assert_ne!(number(0, 0, "cosine"), number(0, 1, "cosine"));
        assert_ne!(number(0, 0, "cosine"), number(1, 0, "cosine"));
        let embedded: Value = serde_json::from_str(&succeeded(&run(["embed", &out, "simulated:1", "--json"]))).unwrap();
        let squares = embedded[0]["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap().powi(2));
        assert!((squares.sum::<f64>() - 1.0).abs() < 1e-5);
        let picture = path(&format!("{name}.svg"));
        let explained = ["explain", &out, "simulated:1", "--text", texts[0], "-o", &picture, "--method", "attention"];
        assert!(succeeded(&run(explained)).contains("share"));
        assert!(std::fs::read_to_string(&picture).unwrap().contains("share of the attention"));
        let (_, message) = failed(&run(["describe", &out, "simulated:1"]));
        assert!(message.contains("no captioner"), "{message}");
        let (_, message) = failed(&run(["import", "merl", &fixture(name), "-o", &out, "--text", &text]));
        assert!(message.contains("exists already"), "{message}");
    }
    let protocol = PROTOCOL.split("tasks = [").next().unwrap().to_owned()
        + r#"tasks = [{ kind = "zero-shot", labels = "super", prompts = "ptb-xl-super" }]"#;
    std::fs::write(path("few.toml"), protocol).unwrap();
    succeeded(&run(["evaluate", "--protocol", &path("few.toml"), &path("merl-vit"), "--out", &path("results")]));
    for (name, outcome) in [("merl-vit", "classification"), ("random-merl-vit", "not-applicable")] {
        let result = std::fs::read_to_string(path(&format!("results/few/{name}.json"))).unwrap();
        let result: Value = serde_json::from_str(&result).unwrap();
        assert_eq!(result["tasks"][0]["outcome"]["kind"], outcome, "{name}");
    }
    // The signal encoder alone has no text tower to bring along, and another tokenizer has ids that the table lacks.
    let out = path("none");
    let (_, message) = failed(&run(["import", "merl", &fixture("merl-resnet-encoder"), "-o", &out, "--text", &text]));
    assert!(message.contains("MERL: the checkpoint has no lm_model."), "{message}");
    let other = path("other");
    std::fs::create_dir(&other).unwrap();
    let vocabulary = std::fs::read_to_string(format!("{text}/vocab.txt")).unwrap();
    std::fs::write(format!("{other}/vocab.txt"), vocabulary + "another\n").unwrap();
    let (_, message) = failed(&run(["import", "merl", &fixture("merl-vit"), "-o", &out, "--text", &other]));
    assert!(message.contains("--text") && message.contains("another text encoder"), "{message}");
    assert!(!Path::new(&out).exists());
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

/// The bytes of each tensor of a safetensors file.
fn tensors(file: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    let (size, rest) = bytes.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(size.try_into().unwrap()) as usize);
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).unwrap();
    let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
    let offset = |entry: &Value, end: usize| entry["data_offsets"][end].as_u64().unwrap() as usize;
    tensors.map(|(name, entry)| (name, data[offset(&entry, 0)..offset(&entry, 1)].to_vec())).collect()
}

/// The encoder is locked, so it ends as it was imported; what it is fed and how it is shaped, errors say.
#[test]
fn pretraining_begins_with_an_imported_encoder() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    import("ecgfounder", "ecgfounder", &path("founder"));
    std::fs::write(path("tiny.toml"), TINY).unwrap();
    let pretrain = |settings: &[String]| {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        einthoven()
            .arg("pretrain")
            .arg(path("tiny.toml"))
            .arg("--out")
            .arg(path("run"))
            .args(settings)
            .output()
            .unwrap()
    };
    let contract: Value = serde_json::from_slice(&std::fs::read(path("founder/contract.json")).unwrap()).unwrap();
    let mut settings = vec![
        format!("start_from={}", path("founder").display()),
        "train.encoder.learning_rate_scale=0.0".to_owned(),
        "data.simulated.simulator.sampling_rate=500.0".to_owned(),
    ];
    let (_, message) = failed(&pretrain(&settings));
    assert!(message.contains("model.signal: is another encoder"), "{message}");
    let shape = message.split_once("make it ").unwrap().1.lines().next().unwrap();
    settings.push(format!("model.signal={shape}"));
    let (_, message) = failed(&pretrain(&settings));
    assert!(message.contains("contract: has other leads or another sampling rate"), "{message}");
    settings.push(format!("contract.leads={}", contract["leads"]));
    settings.push(format!("contract.sampling_rate={:.1}", contract["sampling_rate"].as_f64().unwrap()));
    assert!(!path("run").exists());
    succeeded(&pretrain(&settings));

    let (there, here) = (
        tensors(&path("founder/model.safetensors")),
        tensors(&path("run/checkpoints/step-00000002/model.safetensors")),
    );
    assert!(there.len() > 10);
    for (name, bytes) in there {
        assert!(here[&format!("img_encoder.{name}")] == bytes, "{name}");
    }
}

#[test]
fn stored_embeddings_are_searched_by_the_model_that_made_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let tiny = small_run(folder.path());
    let names: Vec<String> = (0..70).map(|index| format!("simulated:{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let embed = |run_folder: &str, names: &[&str], more: &[&str]| run([&["embed", run_folder], names, more].concat());
    let (stored, text) = (file("stored.safetensors"), "atrial fibrillation");
    let said = succeeded(&embed(&tiny, &names, &["-o", &stored]));
    assert!(said.contains("70 embeddings of 16 numbers"), "{said}");

    let search =
        |run_folder: &str, stored: &str| run(["search", run_folder, stored, "--text", text, "--top", "5", "--json"]);
    let found: Value = serde_json::from_str(&succeeded(&search(&tiny, &stored))).unwrap();
    // Every recording asked by itself, the best fitting ones first.
    let query = succeeded(&run([&["query", &tiny], names.as_slice(), &["--text", text, "--json"]].concat()));
    let query: Value = serde_json::from_str(&query).unwrap();
    let cosine = |record: &Value| record["answers"][0]["cosine"].as_f64().unwrap();
    let mut expected: Vec<&Value> = query["records"].as_array().unwrap().iter().collect();
    expected.sort_by(|a, b| cosine(b).total_cmp(&cosine(a)));
    assert_eq!((found["recordings"].as_u64(), found["text"].as_str()), (Some(70), Some(text)));
    let found = found["found"].as_array().unwrap();
    assert_eq!(found.len(), 5);
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found["record"], expected["record"]);
        assert_eq!(found["cosine"].as_f64().unwrap(), cosine(expected));
    }
    let table = succeeded(&run(["search", &tiny, &stored, "--text", text, "--top", "2"]));
    assert!(table.starts_with("2 of 70 recordings") && table.contains(found[1]["record"].as_str().unwrap()), "{table}");

    import("merl", "merl-vit", &folder.path().join("merl"));
    let (merl, of_merl) = (file("merl"), file("merl.safetensors"));
    succeeded(&embed(&merl, &names[..2], &["-o", &of_merl]));
    let told = |run_folder: &str, stored: &str| failed(&search(run_folder, stored)).1;
    assert!(told(&tiny, &of_merl).contains("another model"), "{}", told(&tiny, &of_merl));
    assert!(told(&merl, &of_merl).contains("without a text tower"));
    assert!(told(&tiny, &file("nowhere")).contains("cannot read"));
    assert!(told(&tiny, &file("tiny.toml")).contains("holds no stored embeddings"));
    // The last number of the last recording is none; numbers stand before names in the file, as they are wider.
    let mut broken = std::fs::read(&stored).unwrap();
    let (header, _) = broken.split_at(8);
    let begin = 8 + u64::from_le_bytes(header.try_into().unwrap()) as usize;
    let numbers = 70 * 16 * 4;
    broken[begin + numbers - 4..begin + numbers].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(file("broken.safetensors"), broken).unwrap();
    let message = told(&tiny, &file("broken.safetensors"));
    assert!(message.contains("simulated:69") && message.contains("not finite"), "{message}");
}

/// A folder of recordings in WFDB's format: of `a` and `b` there is everything, of `c` leads are missing, of `d` the samples.
fn recordings(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let all = ["I", "II", "V1", "V5"];
    for (name, leads, speed) in [("a", &all[..], 0.1), ("b", &all, 0.2), ("c", &all[..2], 0.1), ("d", &all, 0.1)] {
        let wave = |sample: usize| (300.0 * (sample as f64 * speed).sin()) as i16;
        let checksum = (0..500).map(wave).fold(0, i16::wrapping_add);
        let line = |lead: &&str| format!("{name}.dat 16 1000(0)/mV 16 0 0 {checksum} 0 {lead}\n");
        let lines: String = leads.iter().map(line).collect();
        std::fs::write(folder.join(format!("{name}.hea")), format!("{name} {} 100 500\n{lines}", leads.len())).unwrap();
        let frame = |sample: usize| wave(sample).to_le_bytes().repeat(leads.len());
        if name != "d" {
            std::fs::write(folder.join(format!("{name}.dat")), (0..500).flat_map(frame).collect::<Vec<u8>>()).unwrap();
        }
    }
}

#[test]
fn a_whole_dataset_is_embedded_and_searched() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let tiny = small_run(folder.path());
    recordings(&folder.path().join("dataset"));
    let (root, stored) = (file("dataset"), file("dataset.safetensors"));
    let embed = |more: &[&str]| run([&["embed", &tiny, "--dataset", "folder", "--root", &root], more].concat());
    let output = embed(&["-o", &stored]);
    assert!(succeeded(&output).contains("2 embeddings of 16 numbers"), "{}", succeeded(&output));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("2 records left out: c (") && said.contains("; d ("), "{said}");

    let found = succeeded(&run(["search", &tiny, &stored, "--text", "sinus rhythm", "--json"]));
    let found: Value = serde_json::from_str(&found).unwrap();
    let mut names: Vec<&str> =
        found["found"].as_array().unwrap().iter().map(|hit| hit["record"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);

    // A recording has the embedding that its file has.
    let rows = |output: &std::process::Output| -> Vec<Value> { serde_json::from_str(&succeeded(output)).unwrap() };
    let (all, single) = (rows(&embed(&["--json"])), rows(&run(["embed", &tiny, &format!("{root}/b.hea"), "--json"])));
    assert_eq!((&all[1]["record"], &all[1]["embedding"]), (&"b".into(), &single[0]["embedding"]));
    let (code, message) = failed(&run(["embed", &tiny, "--dataset", "folder", "simulated:1"]));
    assert!(code == 2 && message.contains("--dataset"), "{message}");
    let none = ["a", "b"].map(|name| std::fs::remove_file(format!("{root}/{name}.dat")));
    assert!(none.into_iter().all(|removed| removed.is_ok()));
    assert!(failed(&embed(&["-o", &stored])).1.contains("no recording can be embedded"));
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

/// Fine-tuning of a few simulated patients.
const FINE_TUNING: &str = r#"
name = "tuned"
version = 1
about = "For a test."
seed = 0
data = { dataset = "simulated", simulated = { records = 150, seed = 9, simulator = { sampling_rate = 100.0 } }, fitted = [1, 2, 3, 4], chosen = [8], judged = [9, 10] }
bootstrap = { resamples = 20, level = 0.95 }
[[tasks]]
kind = "fine-tuning"
labels = ["super"]
shares = [0.1, 1.0]
seeds = 2
subgroups = ["sex"]
training = { epochs = 2, batch_size = 8, learning_rate = 1e-3, weight_decay = 0.01, encoder = { layer_decay = 0.9 }, head = { dropout = 0.2 } }
"#;

#[test]
fn subjects_are_fine_tuned_by_a_protocol_once_and_alike_at_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = |name: &str| folder.join(name).display().to_string();
    let tiny = small_run(folder);
    import("merl", "merl-vit", &folder.join("merl"));
    std::fs::write(folder.join("tuned.toml"), FINE_TUNING).unwrap();
    let (protocol, merl) = (file("tuned.toml"), file("merl"));
    let evaluate = |out: &str, threads: &str| {
        let arguments = ["evaluate", "--protocol", &protocol, &tiny, &merl, "--out", &file(out)];
        einthoven().args(arguments).env("RAYON_NUM_THREADS", threads).output().unwrap()
    };
    let first = succeeded(&evaluate("one", "1"));
    assert!(first.contains("fine-tuning 10 %, super") && first.contains("fine-tuning 100 %, super"), "{first}");
    assert_eq!(succeeded(&evaluate("three", "3")), first);
    for (name, kind) in [
        ("tiny", "classification"),
        ("merl", "classification"),
        ("random-tiny", "classification"),
        ("measurements", "not-applicable"),
    ] {
        let bytes = |out: &str| std::fs::read(folder.join(out).join("tuned").join(format!("{name}.json"))).unwrap();
        assert!(bytes("one") == bytes("three"), "{name}");
        let result: Value = serde_json::from_slice(&bytes("one")).unwrap();
        assert_eq!(result["tasks"].as_array().unwrap().len(), 2);
        for (place, runs) in [(0, 2), (1, 1)] {
            assert_eq!(outcome(&result, place), kind, "{name}");
            if kind == "classification" {
                let found = &result["tasks"][place]["outcome"];
                assert_eq!(found["scores"]["runs"], runs);
                assert!(found["macro"]["auroc"]["interval"]["low"].is_number(), "{name}");
                // The subsets and the draws of the head differ.
                let scores = &found["scores"]["records"][0]["scores"];
                assert!(runs == 1 || scores[0] != scores[1], "{name}");
            }
        }
    }
    let again = evaluate("one", "2");
    assert_eq!(succeeded(&again), first);
    assert_eq!(String::from_utf8_lossy(&again.stderr).matches("was finished before").count(), 4);

    let (html, csv, latex) = (file("c.html"), file("c.csv"), file("c.tex"));
    succeeded(&run(["compare", &file("one"), "--html", &html, "--csv", &csv, "--latex", &latex]));
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    assert!(read(&html).contains("not applicable: it has no weights that could be trained"));
    assert!(read(&csv).contains("fine-tuning 100 %,super,,merl,all,,"), "{}", read(&csv));
    assert!(read(&latex).contains("fine-tuning 10 \\%, super"), "{}", read(&latex));
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
