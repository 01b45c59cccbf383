//! A run is a pure function of its experiment file: killed and resumed, or at another number of threads, it ends in the
//! same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use einthoven_tests::{einthoven, failed, succeeded};

/// A small experiment with everything that draws random numbers switched on.
const EXPERIMENT: &str = r#"
name = "small"
seed = 3

[data]
dataset = "simulated"
workers = 2
cache = true
simulated = { records = 60, simulator = { sampling_rate = 100.0 } }

[contract]
leads = ["I", "II", "V1", "V5"]
sampling_rate = 100.0
samples = 500
scaling = "none"

[augment]
time_shift = 1.0
lead_mask = 0.1

[text]
vocabulary = 300

[model]
latents = 16
signal_tokens = 2
signal = { kind = "convnext", size = { custom = { depths = [1, 1, 1, 1], widths = [8, 8, 16, 16] } } }
text = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 32, max_position_embeddings = 64 }
decoder = { depth = 1, heads = 2, dim_head = 8 }

[train]
steps = 60
batch_size = 6
accumulate = 2
learning_rate = 1e-3
clip_norm = 1.0
max_tokens = 64
validate_every = 7
log_every = 3
checkpoint = { every = 5, keep = 2, best = "zero_shot.auroc" }

[evaluate]
labels = "conditions"
prompts = "simulated"
bootstrap = { resamples = 20 }
"#;

fn pretrain(place: &Path, out: &str, more: &[&str]) -> Command {
    let file = place.join("small.toml");
    fs::write(&file, EXPERIMENT).unwrap();
    let mut command = einthoven();
    command.arg("pretrain").arg(file).arg("--out").arg(place.join(out)).args(more).stdout(Stdio::null());
    command
}

/// Every file of a run folder that must not depend on when and how it was made.
fn content(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(base: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(base, &path, files);
            } else {
                files.insert(path.strip_prefix(base).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(run, &run.join("checkpoints"), &mut files);
    assert!(!files.is_empty());
    files
}

fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (content(a), content(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (path, bytes) in &a {
        assert!(bytes == &b[path], "{} differs", path.display());
    }
}

#[test]
fn killed_and_resumed_equals_uninterrupted() {
    let place = tempfile::tempdir().unwrap();
    succeeded(&pretrain(place.path(), "whole", &[]).output().unwrap());
    let whole = place.path().join("whole");

    let killed = place.path().join("killed");
    let mut kills = 0;
    // Each round kills the run a little later into it, at whatever step it happens to be.
    for round in 0..4u64 {
        let mut run = pretrain(place.path(), "killed", &["--resume"]).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while !killed.join("checkpoints.json").exists() && start.elapsed() < Duration::from_secs(120) {
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(150 + 217 * round));
        kills += u32::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
    }
    assert!(kills > 0, "the run ended before it could be killed");
    succeeded(&pretrain(place.path(), "killed", &["--resume"]).output().unwrap());
    assert_same(&whole, &killed);

    // A finished run is not trained again, and not overwritten.
    let before = content(&whole);
    let (code, message) = failed(&pretrain(place.path(), "whole", &[]).output().unwrap());
    assert_eq!(code, 2);
    assert!(message.contains("--resume") && message.contains("--out"), "{message}");
    succeeded(&pretrain(place.path(), "whole", &["--resume"]).output().unwrap());
    assert_eq!(before, content(&whole));
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let short = ["--set", "train.steps=10"];
    for (out, threads) in [("one", "1"), ("two", "2"), ("again", "2")] {
        let mut run = pretrain(place.path(), out, &short);
        succeeded(&run.env("RAYON_NUM_THREADS", threads).output().unwrap());
    }
    assert_same(&place.path().join("one"), &place.path().join("two"));
    assert_same(&place.path().join("two"), &place.path().join("again"));
}

#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    let mut run =
        pretrain(place.path(), "stopped", &["--set", "train.steps=100000", "--set", "train.checkpoint.every=2"]);
    let run = run.stderr(Stdio::piped()).spawn().unwrap();
    let folder = place.path().join("stopped");
    let start = Instant::now();
    while !folder.join("checkpoints.json").exists() && start.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(20));
    }
    succeeded(&Command::new("kill").args(["-INT", &run.id().to_string()]).output().unwrap());
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("saved") && message.contains("--resume"), "{message}");
    assert!(folder.join("checkpoints.json").exists());
}

#[test]
fn ctrl_c_ends_a_protocol_and_leaves_no_half_result() {
    let place = tempfile::tempdir().unwrap();
    let experiment = place.path().join("small.toml");
    fs::write(&experiment, EXPERIMENT).unwrap();
    let protocol = place.path().join("tuned.toml");
    let text = r#"
name = "tuned"
version = 1
about = "For a test."
seed = 0
data = { dataset = "simulated", simulated = { records = 60, simulator = { sampling_rate = 100.0 } }, fitted = [1, 2, 3], judged = [10] }
bootstrap = { resamples = 0 }
tasks = [{ kind = "fine-tuning", labels = ["super"], shares = [1.0], seeds = 1, training = { epochs = 100000, batch_size = 8, learning_rate = 1e-3, weight_decay = 0.0 } }]
"#;
    fs::write(&protocol, text).unwrap();
    let (out, scratch) = (place.path().join("results"), place.path().join("scratch"));
    fs::create_dir(&scratch).unwrap();
    let subject = format!("random:{}", experiment.display());
    let mut run = einthoven();
    run.args(["evaluate", &subject, "--protocol"]).arg(&protocol).arg("--out").arg(&out).env("TMPDIR", &scratch);
    let run = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    // The run of a fine-tuning lies in a folder of its own while it goes on.
    while fs::read_dir(&scratch).unwrap().count() == 0 && start.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(20));
    }
    succeeded(&Command::new("kill").args(["-INT", &run.id().to_string()]).output().unwrap());
    let output = run.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("not judged again"), "{message}");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    assert_eq!(fs::read_dir(out.join("tuned")).unwrap().count(), 0);
}

#[test]
fn a_run_begins_with_the_weights_of_another() {
    let place = tempfile::tempdir().unwrap();
    let first = place.path().join("first");
    succeeded(&pretrain(place.path(), "first", &["--set", "train.steps=4"]).output().unwrap());
    let from = format!("start_from={}", first.display());
    // A step too small to be seen.
    let still = ["--set", &from, "--set", "train.steps=1", "--set", "train.learning_rate=1e-40"];
    succeeded(&pretrain(place.path(), "second", &still).output().unwrap());
    let weights = |run: &str| {
        let (path, bytes) = content(&place.path().join(run))
            .into_iter()
            .rfind(|(path, _)| path.ends_with("model.safetensors"))
            .unwrap();
        assert!(!bytes.is_empty(), "{}", path.display());
        bytes
    };
    assert!(weights("first") == weights("second"));

    // The locked encoder of another run stays; a new one is not locked.
    let locked = ["--set", "train.steps=2", "--set", "train.encoder.learning_rate_scale=0.0"];
    let (_, message) = failed(&pretrain(place.path(), "refused", &locked).output().unwrap());
    assert!(message.contains("train.encoder") && message.contains("start_from"), "{message}");
    assert!(!place.path().join("refused").exists());
    succeeded(&pretrain(place.path(), "third", &[&locked[..], &["--set", &from]].concat()).output().unwrap());
    assert!(weights("third") != weights("first"));

    for (change, says) in [("model.latents=12", "latents"), ("text.vocabulary=120", "vocabulary")] {
        let more = ["--set", &from, "--set", "train.steps=1", "--set", change];
        let (_, message) = failed(&pretrain(place.path(), "refused", &more).output().unwrap());
        assert!(message.contains("start_from") && message.contains(says), "{message}");
        assert!(!place.path().join("refused").exists());
    }
}
