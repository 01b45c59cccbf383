//! A run is published on a Hub over HTTP, pulled again, and asked; `huggingface_hub` pulls the same files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../crates/einthoven-hub/tests/common/hub.rs"]
mod hub;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use einthoven_tests::{einthoven, failed, root, succeeded};
use hub::{Entry, Fault, TOKEN, TestHub};
use serde_json::Value;

const NAME: &str = "lab/tiny";
const QUESTION: [&str; 5] = ["simulated:5", "--text", "atrial fibrillation", "--text", "sinus rhythm"];

/// A small run that was judged, made once for all tests.
fn run_folder() -> &'static Path {
    static RUN: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, run) = RUN.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("run");
        let mut command = einthoven();
        command.arg("quickstart").arg("--out").arg(&out);
        for change in ["data.simulated.records=200", "train.epochs=1", "evaluate.bootstrap.resamples=20"] {
            command.args(["--set", change]);
        }
        succeeded(&command.output().unwrap());
        (place, out)
    });
    run
}

/// A small classifier that was judged.
fn classifier_run(place: &Path) -> PathBuf {
    let (experiment, out) = (place.join("tiny.toml"), place.join("classifier"));
    fs::write(&experiment, CLASSIFIER).unwrap();
    succeeded(&einthoven().arg("finetune").arg(&experiment).arg("--out").arg(&out).output().unwrap());
    out
}

const CLASSIFIER: &str = r#"
name = "tiny-classifier"
data = { dataset = "simulated", simulated = { records = 120, simulator = { sampling_rate = 100.0, seconds = 5.0 } } }
contract = { leads = ["I", "II", "V1", "V5"], sampling_rate = 100.0, samples = 500, scaling = "none" }
train = { epochs = 1, batch_size = 16, learning_rate = 1e-2 }
evaluate = { bootstrap = { resamples = 20 } }
[classifier]
labels = "super"
signal = { kind = "xresnet", layers = [1, 1], stem = [8, 8, 8], widen = 0.125 }
"#;

/// A machine of its own: a cache, and where the Hub is.
struct Machine {
    cache: tempfile::TempDir,
    endpoint: String,
}

impl Machine {
    fn new(server: &TestHub) -> Self {
        Self { cache: tempfile::tempdir().unwrap(), endpoint: server.address.clone() }
    }

    fn prepare(&self, command: &mut Command) {
        command.envs([("HF_ENDPOINT", self.endpoint.as_str()), ("HF_TOKEN", TOKEN), ("HF_HUB_OFFLINE", "")]);
        command.env("HF_HOME", self.cache.path()).env_remove("HF_HUB_CACHE");
    }

    /// Runs `einthoven`; whatever it says, it does not tell the token.
    fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.run_with(arguments, &[])
    }

    fn run_with<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
    ) -> Output {
        let mut command = einthoven();
        self.prepare(&mut command);
        let output = command.args(arguments).envs(variables.iter().copied()).output().unwrap();
        for text in [&output.stdout, &output.stderr] {
            assert!(!String::from_utf8_lossy(text).contains(TOKEN));
        }
        output
    }

    fn publish(&self, run: &Path, more: &[&str]) -> Output {
        let arguments = ["publish", run.to_str().unwrap(), "--to", NAME];
        self.run(arguments.into_iter().chain(more.iter().copied()))
    }

    fn query(&self, model: &str, variables: &[(&str, &str)]) -> Output {
        self.run_with(["query", model, "--json"].into_iter().chain(QUESTION), variables)
    }

    /// That no file of the machine holds the token.
    fn assert_no_token(&self) {
        let mut folders = vec![self.cache.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    let bytes = fs::read(&path).unwrap();
                    assert!(!bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn a_run_is_published_pulled_and_asked() {
    let server = TestHub::new().with_parts(1 << 20);
    let (here, there) = (Machine::new(&server), Machine::new(&server));
    server.faults("PUT /part", &[Fault::Cut(1000), Fault::Status(503, None)]);
    let published = succeeded(&here.publish(run_folder(), &["--json"]));
    let published: Value = serde_json::from_str(&published).unwrap();
    let revision = published["revision"].as_str().unwrap();
    assert!(server.repository(NAME).unwrap().private);

    let local = succeeded(&here.query(run_folder().to_str().unwrap(), &[]));
    // A name is enough.
    assert_eq!(succeeded(&there.query(NAME, &[])), local);
    let pulled: Value = serde_json::from_str(&succeeded(&there.run(["pull", NAME, "--json"]))).unwrap();
    assert_eq!(pulled["revision"], revision);
    assert_eq!(pulled["receipt"]["datasets"][0]["name"], "simulated");
    // Everything is there without a network, the pinned revision too, and the folder is a model like any other.
    let offline = [("HF_HUB_OFFLINE", "1"), ("HF_ENDPOINT", "http://127.0.0.1:1")];
    let pinned = format!("{NAME}@{revision}");
    for model in [NAME, &pinned, pulled["folder"].as_str().unwrap()] {
        assert_eq!(succeeded(&there.query(model, &offline)), local, "{model}");
    }
    let caption = succeeded(&there.run_with(["describe", NAME, "simulated:5"], &offline));
    assert_eq!(caption, succeeded(&here.run(["describe", run_folder().to_str().unwrap(), "simulated:5"])));
    let judged = |model: &str| succeeded(&there.run_with(["evaluate", model, "--json"], &offline));
    assert_eq!(judged(NAME), judged(run_folder().to_str().unwrap()));
    // Nothing that trains goes out.
    let files: Vec<&String> = published["files"].as_object().unwrap().keys().collect();
    let expected = [
        "README.md",
        "config.json",
        "config.toml",
        "contract.json",
        "model.safetensors",
        "receipt.json",
        "reference.safetensors",
        "state.json",
        "tokenizer.json",
    ];
    assert_eq!(files, expected);
    here.assert_no_token();
    there.assert_no_token();
    server.assert_token_stayed_here();
}

#[test]
fn a_dry_run_shows_the_card_and_the_files_and_sends_nothing() {
    let server = TestHub::new();
    let shown = succeeded(&Machine::new(&server).publish(run_folder(), &["--dry-run"]));
    for part in [
        "license: mit",
        "model-index:",
        "type: \"roc_auc\"",
        "## Intended use",
        "## Limits",
        "Einthoven's simulated cohort",
        "MIT OR Apache-2.0",
        "| macro average |",
        "Training took 5 steps of 32 recordings",
        "einthoven pretrain experiment.toml",
        "records = 200",
        "McSharry",
        "model.safetensors",
        "private",
    ] {
        assert!(shown.contains(part), "no {part:?} in:\n{shown}");
    }
    assert!(!shown.contains(run_folder().parent().unwrap().to_str().unwrap()), "a path of this machine:\n{shown}");
    assert!(server.requests("").is_empty());
}

#[test]
fn a_classifier_is_published_pulled_and_judged() {
    let place = tempfile::tempdir().unwrap();
    let run = classifier_run(place.path());
    let server = TestHub::new();
    let (here, there) = (Machine::new(&server), Machine::new(&server));
    let published: Value = serde_json::from_str(&succeeded(&here.publish(&run, &["--json"]))).unwrap();
    let files: Vec<&String> = published["files"].as_object().unwrap().keys().collect();
    let expected =
        ["README.md", "config.json", "config.toml", "contract.json", "model.safetensors", "receipt.json", "state.json"];
    assert_eq!(files, expected);

    let pulled: Value = serde_json::from_str(&succeeded(&there.run(["pull", NAME, "--json"]))).unwrap();
    assert_eq!(pulled["revision"], published["revision"]);
    let offline = [("HF_HUB_OFFLINE", "1"), ("HF_ENDPOINT", "http://127.0.0.1:1")];
    let run = run.to_str().unwrap();
    for command in [["evaluate", NAME, "--json"], ["embed", NAME, "simulated:5"]] {
        let local = command.map(|word| if word == NAME { run } else { word });
        assert_eq!(succeeded(&there.run_with(command, &offline)), succeeded(&here.run(local)), "{command:?}");
    }
    let (_, message) = failed(&there.query(NAME, &offline));
    assert!(message.contains("tiny-classifier: is a classifier, which reads no texts"), "{message}");

    let judgement: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(run).join("judgement.json")).unwrap()).unwrap();
    let head = server.head(NAME);
    let config: Value = serde_json::from_slice(&head["config.json"].bytes).unwrap();
    let classes: Vec<&str> =
        config["classes"].as_array().unwrap().iter().map(|class| class.as_str().unwrap()).collect();
    assert!(classes.contains(&"NORM"), "{classes:?}");
    let card = String::from_utf8(head["README.md"].bytes.clone()).unwrap();
    let auroc = &judgement["result"]["macro"]["auroc"]["value"];
    for part in [
        "type: multi-label-classification",
        "the label set `super` a probability",
        &format!("| Classes | {} |", classes.join(" ")),
        &format!("value: {auroc}"),
        "| macro average |",
        "Classification on simulated",
        "einthoven finetune experiment.toml",
        "einthoven evaluate lab/tiny",
    ] {
        assert!(card.contains(part), "no {part:?} in:\n{card}");
    }
    for part in ["einthoven query", "Written captions", "ero-shot", "Semantic Integrator", "{%"] {
        assert!(!card.contains(part), "{part:?} in:\n{card}");
    }
    // What the card's table says of a class is what the judgement says of it.
    for class in judgement["result"]["classes"].as_array().unwrap() {
        let row = format!(
            "| {} | {} | {:.3}",
            class["code"].as_str().unwrap(),
            class["positives"],
            class["auroc"]["value"].as_f64().unwrap()
        );
        assert!(card.contains(&row), "no {row:?} in:\n{card}");
    }
}

#[test]
fn what_is_published_can_be_refused_with_a_reason() {
    let server = TestHub::new();
    let machine = Machine::new(&server);
    let run = run_folder();
    let without_token = machine.run_with(["publish", run.to_str().unwrap(), "--to", NAME], &[("HF_TOKEN", "")]);
    let (code, message) = failed(&without_token);
    assert_eq!(code, 2);
    assert!(message.contains("HF_TOKEN") && message.contains("hf auth login"), "{message}");
    let (code, message) = failed(&machine.run(["publish", run.to_str().unwrap(), "--to", "nobody"]));
    assert_eq!(code, 2);
    assert!(message.contains("owner/model"), "{message}");
    let (code, message) = failed(&machine.run(["publish", run.to_str().unwrap(), "--to", "others/tiny"]));
    assert_eq!(code, 1);
    assert!(message.contains("write access"), "{message}");
    let (code, message) = failed(&machine.query("lab/nothing", &[]));
    assert_eq!(code, 1);
    assert!(message.contains("lab/nothing is no run or checkpoint here") && message.contains("404"), "{message}");
    let (_, message) = failed(&machine.query("lab/nothing", &[("HF_HUB_OFFLINE", "1")]));
    assert!(message.contains("HF_HUB_OFFLINE"), "{message}");
}

#[test]
fn weights_of_data_that_may_not_be_passed_on_stay_unless_told() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    copy(run_folder(), &run);
    // The run's experiment comes to name a card of one's own, which says nothing of publishing.
    let card = fs::read_to_string(root().join("datasets/simulated.toml")).unwrap();
    let mine = place.path().join("clinic.toml");
    fs::write(
        &mine,
        card.replace("name = \"simulated\"", "name = \"clinic\"").replace("publication = \"allowed\"\n", ""),
    )
    .unwrap();
    let checkpoint = fs::read_dir(run.join("checkpoints")).unwrap().next().unwrap().unwrap().path();
    let config = fs::read_to_string(checkpoint.join("config.toml")).unwrap();
    let changed = config.replace("dataset = \"simulated\"", &format!("dataset = {:?}", mine.to_str().unwrap()));
    let state = fs::read_to_string(checkpoint.join("state.json")).unwrap();
    let size = |text: &str| format!("\"config.toml\": {}", text.len());
    fs::write(checkpoint.join("state.json"), state.replace(&size(&config), &size(&changed))).unwrap();
    fs::write(checkpoint.join("config.toml"), changed).unwrap();

    let server = TestHub::new();
    let machine = Machine::new(&server);
    let (code, message) = failed(&machine.publish(&run, &[]));
    assert_eq!(code, 2);
    assert!(message.contains("`clinic`") && message.contains("--allow-restricted"), "{message}");
    fs::write(&mine, fs::read_to_string(&mine).unwrap().replace("licence =", "publication = \"forbidden\"\nlicence ="))
        .unwrap();
    let (_, message) = failed(&machine.publish(&run, &["--dry-run"]));
    assert!(message.contains("forbids"), "{message}");
    assert!(server.requests("").is_empty());

    succeeded(&machine.publish(&run, &["--allow-restricted"]));
    let files = server.head(NAME);
    assert!(!files.contains_key("reference.safetensors"), "embeddings of recordings went out");
    let card = String::from_utf8(files["README.md"].bytes.clone()).unwrap();
    assert!(card.contains("license: other") && card.contains("do not say that weights"), "{card}");
    let config = String::from_utf8(files["config.toml"].bytes.clone()).unwrap();
    assert!(config.contains("dataset = \"clinic.toml\""), "{config}");
    for (name, Entry { bytes, .. }) in &files {
        let path = place.path().to_str().unwrap().as_bytes();
        assert!(!bytes.windows(path.len()).any(|part| part == path), "{name} holds a path of this machine");
    }
    let local = succeeded(&machine.run(["describe", run.to_str().unwrap(), "simulated:5"]));
    assert_eq!(succeeded(&machine.run(["describe", NAME, "simulated:5"])), local);
}

#[test]
fn huggingface_hub_pulls_the_same_files() {
    let python = std::env::var("EINTHOVEN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import huggingface_hub, safetensors, numpy"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no huggingface_hub, safetensors and numpy");
        return;
    }
    let server = TestHub::new();
    let (here, there) = (Machine::new(&server), Machine::new(&server));
    succeeded(&here.publish(run_folder(), &[]));
    let mut command = Command::new(python);
    there.prepare(&mut command);
    // Its usage statistics would leave the machine.
    command.envs([
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_DISABLE_XET", "1"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
    ]);
    let output = command.arg(root().join("tests/huggingface_pull.py")).arg(NAME).output().unwrap();
    let seen: Value = serde_json::from_str(&succeeded(&output)).unwrap();
    let head = server.head(NAME);
    for (file, entry) in &head {
        assert_eq!(seen["files"][file], hub::sha256(&entry.bytes), "{file}");
    }
    assert_eq!(seen["tensors"].as_u64().unwrap(), tensors(&head["model.safetensors"].bytes));
    let judgement: Value =
        serde_json::from_str(&fs::read_to_string(run_folder().join("judgement.json")).unwrap()).unwrap();
    assert_eq!(seen["card"]["license"], "mit");
    assert_eq!(seen["card"]["datasets"][0], "simulated");
    assert_eq!(seen["results"]["roc_auc"], judgement["zero_shot"]["macro"]["auroc"]["value"]);
    // Both programs share one cache: what Python pulled needs no network here.
    let offline = [("HF_HUB_OFFLINE", "1"), ("HF_ENDPOINT", "http://127.0.0.1:1")];
    assert_eq!(succeeded(&there.query(NAME, &offline)), succeeded(&here.query(run_folder().to_str().unwrap(), &[])));
}

/// Tensors that the header of a safetensors file lists.
fn tensors(bytes: &[u8]) -> u64 {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header.as_object().unwrap().keys().filter(|name| *name != "__metadata__").count() as u64
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
