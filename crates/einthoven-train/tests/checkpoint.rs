//! Checkpoints are whole, exact, and never lost: saving, choosing, pruning, and every way a folder can be broken.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::{Device, Tensor};
use einthoven_signal::InputContract;
use einthoven_train::checkpoint::{self, Best, FORMAT, Snapshot, State, Which};
use einthoven_train::{Checkpoint, Error, RunFolder};

const CONFIG: &str = "[train]\nsteps = 3\n";

fn tensors(seed: f32, size: usize) -> BTreeMap<String, Tensor> {
    let tensor = |offset: f32| Tensor::arange(offset, offset + size as f32, &Device::Cpu).unwrap();
    [("b.weight", seed), ("a.bias", seed + 0.5), ("c", -seed)]
        .map(|(name, value)| (name.to_owned(), tensor(value)))
        .into()
}

fn state(step: u64) -> State {
    State {
        format: FORMAT,
        step,
        epoch: step / 4,
        batch: step % 4,
        batches_per_epoch: 4,
        seed: 7,
        best: (step > 1).then(|| Best { metric: "auroc".to_owned(), value: 0.1 + 0.2, step: 1 }),
        experiment: checkpoint::experiment_hash(CONFIG),
        files: BTreeMap::new(),
    }
}

fn save(run: &mut RunFolder, step: u64, size: usize, is_best: bool, keep: usize) -> Result<PathBuf, Error> {
    save_with(run, step, size, is_best, keep, None)
}

fn save_with(
    run: &mut RunFolder,
    step: u64,
    size: usize,
    is_best: bool,
    keep: usize,
    raw_model: Option<&BTreeMap<String, Tensor>>,
) -> Result<PathBuf, Error> {
    let snapshot = Snapshot {
        model: &tensors(step as f32, size),
        raw_model,
        optimizer: &tensors(-1.0 - step as f32, size),
        state: state(step),
        config: CONFIG,
        contract: &InputContract::esi_paper(),
        tokenizer: Some("{\"version\": \"1.0\"}"),
    };
    run.save(&snapshot, is_best, keep)
}

/// Every file below a folder with its content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            let content = fs::read(&path).unwrap();
            files.insert(path, content);
        }
    }
    files
}

fn checkpoints(run: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(&folder.path().join("run")).unwrap();
    let path = save(&mut run, 3, 10, false, 1).unwrap();
    for given in [path.as_path(), run.path()] {
        let checkpoint = Checkpoint::open(given).unwrap();
        assert_eq!(checkpoint.folder(), path);
        assert_eq!(checkpoint.config(), CONFIG);
        assert_eq!(checkpoint.contract(), &InputContract::esi_paper());
        let expected = State { files: checkpoint.state().files.clone(), ..state(3) };
        assert_eq!(checkpoint.state(), &expected);
        assert!(checkpoint.tokenizer_path().is_file());
        let model = checkpoint.model_tensors(&Device::Cpu).unwrap();
        let saved = tensors(3.0, 10);
        assert_eq!(model.len(), saved.len());
        for (name, tensor) in saved {
            assert_eq!(model[&name].to_vec1::<f32>().unwrap(), tensor.to_vec1::<f32>().unwrap());
        }
    }
}

#[test]
fn the_weights_behind_an_average_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path()).unwrap();
    let plain = Checkpoint::open(&save(&mut run, 1, 10, false, 2).unwrap()).unwrap();
    let message = plain.raw_model_tensors(&Device::Cpu).unwrap_err().to_string();
    assert!(message.contains("does not list raw_model.safetensors"), "{message}");

    let path = save_with(&mut run, 2, 10, false, 2, Some(&tensors(9.0, 10))).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let value = |tensors: std::collections::HashMap<String, Tensor>| tensors["c"].to_vec1::<f32>().unwrap()[0];
    assert_eq!(value(checkpoint.model_tensors(&Device::Cpu).unwrap()), -2.0);
    assert_eq!(value(checkpoint.raw_model_tensors(&Device::Cpu).unwrap()), -9.0);
    fs::remove_file(path.join("raw_model.safetensors")).unwrap();
    let message = Checkpoint::open(&path).unwrap_err().to_string();
    assert!(message.contains("raw_model.safetensors: is missing"), "{message}");
}

#[test]
fn equal_states_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a", "b"].map(|name| {
        let mut run = RunFolder::create(&folder.path().join(name)).unwrap();
        let path = save(&mut run, 2, 1000, true, 1).unwrap();
        content(&path)
            .into_iter()
            .map(|(file, bytes)| (file.strip_prefix(&path).unwrap().to_owned(), bytes))
            .collect::<Vec<_>>()
    });
    assert_eq!(first.len(), 6);
    assert_eq!(first, second);
}

#[test]
fn the_newest_and_the_best_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path()).unwrap();
    for step in 1..=5 {
        save(&mut run, step, 4, step == 2, 2).unwrap();
    }
    assert_eq!(checkpoints(folder.path()), ["step-00000002", "step-00000004", "step-00000005"]);
    let step = |which| Checkpoint::open_run(folder.path(), which).unwrap().state().step;
    assert_eq!(step(Which::BestOrLast), 2);
    assert_eq!(step(Which::Best), 2);
    assert_eq!(step(Which::Last), 5);
    let with_suffix = |suffix: &str| {
        let path = format!("{}{suffix}", folder.path().display());
        Checkpoint::open(Path::new(&path)).unwrap().state().step
    };
    assert_eq!(with_suffix("@last"), 5);
    assert_eq!(with_suffix("@best"), 2);
    assert_eq!(with_suffix(""), 2);
    // A better one takes the place of the best.
    save(&mut run, 6, 4, true, 1).unwrap();
    assert_eq!(checkpoints(folder.path()), ["step-00000006"]);
}

#[test]
fn a_run_is_never_started_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path()).unwrap();
    assert!(matches!(RunFolder::create(folder.path()), Err(Error::RunLocked { .. })));
    save(&mut run, 1, 4, false, 1).unwrap();
    drop(run);
    assert!(matches!(RunFolder::create(folder.path()), Err(Error::RunExists { .. })));
    assert!(RunFolder::resume(folder.path()).unwrap().last().unwrap().is_some());
    let nowhere = RunFolder::resume(&folder.path().join("nowhere")).unwrap_err();
    assert!(nowhere.to_string().contains("no such run"), "{nowhere}");
}

#[test]
fn what_a_killed_process_left_unfinished_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path()).unwrap();
    save(&mut run, 1, 4, false, 1).unwrap();
    drop(run);
    let at = |name: &str| folder.path().join("checkpoints").join(name);
    // Killed between listing a checkpoint and discarding an older one, killed while writing, and killed between moving a checkpoint
    // into place and listing it.
    fs::create_dir(at("step-00000000")).unwrap();
    fs::create_dir(at(".unfinished-step-00000002")).unwrap();
    fs::create_dir(at("step-00000003")).unwrap();
    fs::write(at("step-00000003").join("model.safetensors"), "half").unwrap();
    let mut run = RunFolder::resume(folder.path()).unwrap();
    assert_eq!(run.last().unwrap().unwrap().state().step, 1);
    assert!(!at(".unfinished-step-00000002").exists());
    assert!(!at("step-00000000").exists() && at("step-00000001").exists());
    let path = save(&mut run, 3, 4, false, 1).unwrap();
    assert!(Checkpoint::open(&path).unwrap().model_tensors(&Device::Cpu).is_ok());
}

#[test]
fn a_lost_list_of_checkpoints_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path()).unwrap();
    for step in 1..=3 {
        save(&mut run, step, 4, step == 1, 1).unwrap();
    }
    drop(run);
    fs::remove_file(folder.path().join("checkpoints.json")).unwrap();
    assert!(matches!(RunFolder::create(folder.path()), Err(Error::RunExists { .. })));
    let run = RunFolder::resume(folder.path()).unwrap();
    assert_eq!(run.last().unwrap().unwrap().state().step, 3);
    assert!(run.best_path().unwrap().ends_with("step-00000001"));
}

#[test]
fn a_full_disk_leaves_the_old_checkpoint_intact() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: mounting a file system is not permitted here");
        return;
    };
    let run_path = folder.path().join("run");
    let mut run = RunFolder::create(&run_path).unwrap();
    save(&mut run, 1, 1000, true, 1).unwrap();
    let before = content(&run_path);

    let error = save(&mut run, 2, 20_000, true, 1).unwrap_err();
    let message = error.to_string();
    for part in [
        "checkpoint of step 2 was not saved",
        "model.safetensors",
        "No space left on device",
        "free some space",
        "step-00000001 is intact",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(error.source().is_some());
    assert_eq!(content(&run_path), before);

    // Once there is room the run goes on.
    save(&mut run, 2, 1000, true, 1).unwrap();
    assert_eq!(Checkpoint::open(&run_path).unwrap().state().step, 2);
}

/// A file system of 128 KiB, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
            .arg(path)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| Self(path.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().ok();
    }
}

/// Saves a run of one checkpoint, lets `spoil` break it, and returns the message of opening it.
fn message_after(spoil: impl Fn(&Path, &Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path()).unwrap();
    let path = save(&mut run, 1, 100, false, 1).unwrap();
    spoil(folder.path(), &path);
    let opened = Checkpoint::open(folder.path()).and_then(|checkpoint| checkpoint.model_tensors(&Device::Cpu));
    opened.unwrap_err().to_string()
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_broken_checkpoint_is_refused_by_name() {
    let cut = message_after(|_, checkpoint| {
        let path = checkpoint.join("model.safetensors");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(cut.contains("model.safetensors: holds"), "{cut}");
    assert!(cut.contains("use another checkpoint"), "{cut}");

    let garbled = message_after(|_, checkpoint| {
        let path = checkpoint.join("model.safetensors");
        let size = fs::read(&path).unwrap().len();
        fs::write(&path, vec![0xff; size]).unwrap();
    });
    assert!(garbled.contains("not a whole safetensors file"), "{garbled}");

    for name in ["optimizer.safetensors", "tokenizer.json", "contract.json", "config.toml"] {
        let missing = message_after(|_, checkpoint| fs::remove_file(checkpoint.join(name)).unwrap());
        assert!(missing.contains(&format!("{name}: is missing")), "{missing}");
    }

    let half_state = message_after(|_, checkpoint| fs::write(checkpoint.join("state.json"), "{\"format\": 1").unwrap());
    assert!(half_state.contains("state.json: cannot be read"), "{half_state}");

    let gone = message_after(|run, _| fs::remove_dir_all(run.join("checkpoints")).unwrap());
    assert!(gone.contains("state.json"), "{gone}");
}

#[test]
fn another_version_is_refused_before_anything_else_is_read() {
    let run = message_after(|run, _| fs::write(run.join("checkpoints.json"), "{\"format\": 2, \"all\": []}").unwrap());
    assert!(run.contains("checkpoints.json has format version 2"), "{run}");
    assert!(run.contains("reads version 1"), "{run}");

    let checkpoint =
        message_after(|_, checkpoint| edit(&checkpoint.join("state.json"), "\"format\": 1", "\"format\": 9"));
    assert!(checkpoint.contains("state.json has format version 9"), "{checkpoint}");
}

#[test]
fn a_path_that_is_no_checkpoint_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| Checkpoint::open(path).unwrap_err().to_string();
    assert!(message(folder.path()).contains("is neither a checkpoint"));
    assert!(message(&folder.path().join("nowhere")).contains("no such run or checkpoint"));
    let mut run = RunFolder::create(folder.path()).unwrap();
    save(&mut run, 1, 4, false, 1).unwrap();
    let best = format!("{}@best", folder.path().display());
    assert!(message(Path::new(&best)).contains("no such checkpoint"));
}
