//! Files that are damaged, lie, or would run a program if Python read them.

use std::collections::HashMap;

use candle_core::Tensor;
use einthoven_models::import::SignalSystem;
use einthoven_models::{Error, load_pytorch, load_weights};

use crate::common::values;
use crate::pickles::{Pickle, archive, checkpoint, state_dict};

fn load(bytes: &[u8]) -> Result<HashMap<String, Tensor>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    std::fs::write(&path, bytes).unwrap();
    load_weights(&path)
}

/// The message that `bytes` are refused with, which names the file.
fn refusal(bytes: &[u8]) -> String {
    let error = load(bytes).unwrap_err();
    assert!(matches!(error, Error::PyTorchWeights { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("model.pt"), "{message}");
    message
}

fn assert_refused(bytes: &[u8], reason: &str) {
    let message = refusal(bytes);
    assert!(message.contains(reason), "expected {reason:?} in: {message}");
}

#[test]
fn a_sound_file_gives_its_tensors_whatever_their_strides() {
    let tensors = load(&checkpoint(&state_dict(6, &[2, 3], &[3, 1]))).unwrap();
    assert_eq!(tensors["weight"].to_vec2::<f32>().unwrap(), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
    let tensors = load(&checkpoint(&state_dict(6, &[3, 2], &[1, 3]))).unwrap();
    assert_eq!(tensors["weight"].to_vec2::<f32>().unwrap(), [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]);
    let tensors = load(&checkpoint(&state_dict(6, &[], &[]))).unwrap();
    assert_eq!(values(&tensors["weight"]), [0.0]);
}

#[test]
fn a_pickle_that_would_run_a_program_is_refused_by_the_name_of_what_it_calls() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("was-run");
    let command = format!("touch {}", mark.display());
    for (module, name) in
        [("posix", "system"), ("os", "system"), ("builtins", "eval"), ("torch.hub", "load"), ("torch", "load")]
    {
        let pickle = Pickle::new().name(module, name).raw(b"(").text(&command).raw(b"tR").end();
        assert_refused(&checkpoint(&pickle), &format!("`{module}.{name}`"));
        // Within a dict beside a sound tensor, by a name made of two texts.
        let pickle = Pickle::new().raw(b"}(").text("weight").tensor("0", 6, &[6], &[1]).text("extra");
        let pickle = pickle.text(module).text(name).raw(b"\x93(").text(&command).raw(b"tRu").end();
        assert_refused(&checkpoint(&pickle), &format!("`{module}.{name}`"));
    }
    // Instructions of protocol 0 that call.
    assert_refused(&checkpoint(b"(S'true'\nios\nsystem\n."), "has no place in a state dict");
    assert!(!mark.exists());
}

#[test]
fn plain_settings_beside_the_weights_are_passed_over_and_never_made() {
    let pickle = Pickle::new().raw(b"}(").text("args").name("argparse", "Namespace").raw(b")R}(").text("lr").raw(b"G");
    let pickle = pickle.raw(&0.1f64.to_be_bytes()).raw(b"ub").text("model").raw(b"}(").text("weight");
    let pickle = pickle.tensor("0", 6, &[6], &[1]).raw(b"uu").end();
    let tensors = load(&checkpoint(&pickle)).unwrap();
    assert_eq!(tensors.len(), 1);
    assert_eq!(values(&tensors["weight"]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn an_archive_that_would_grow_is_refused() {
    let sound = checkpoint(&state_dict(6, &[6], &[1]));
    // Both headers of the data say that they are deflated.
    let mut bomb = sound.clone();
    for (signature, method) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let places: Vec<usize> = (0..bomb.len() - 4).filter(|&at| &bomb[at..at + 4] == signature).collect();
        bomb[places[2] + method] = 8;
    }
    assert_refused(&bomb, "archive/data/0 is compressed");

    // The directory says that the data are of 4 GB.
    let mut giant = sound;
    let places: Vec<usize> = (0..giant.len() - 4).filter(|&at| &giant[at..at + 4] == b"PK\x01\x02").collect();
    for offset in [20, 24] {
        giant[places[2] + offset..places[2] + offset + 4].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    }
    assert_refused(&giant, "archive/data/0 claims more data than the file holds");
}

#[test]
fn a_tensor_beyond_its_data_is_refused_by_name() {
    for (count, shape, strides) in [
        (6, vec![7], vec![1]),
        (600, vec![6], vec![1]),
        (6, vec![6], vec![2]),
        // A view that repeats one number a billion times.
        (6, vec![1_000_000_000], vec![0]),
        (6, vec![65536, 65536, 65536, 65536], vec![0, 0, 0, 0]),
        (6, vec![6], vec![1, 1]),
    ] {
        let message = refusal(&checkpoint(&state_dict(count, &shape, &strides)));
        assert!(message.contains("the tensor weight of shape"), "{message}");
        assert!(message.contains("claims more data than its storage holds"), "{message}");
    }
    let pickle = Pickle::new().raw(b"}(").text("weight").tensor("7", 6, &[6], &[1]).raw(b"u").end();
    assert_refused(&checkpoint(&pickle), "the tensor weight has no data in the file");
    // One storage under very many names.
    let many = (0..2000).fold(Pickle::new().raw(b"}("), |pickle, index| {
        pickle.text(&format!("w{index}")).tensor("0", 60_000, &[60_000], &[1])
    });
    let bytes = archive(&[("a/data.pkl", &many.raw(b"u").end()), ("a/data/0", &vec![0; 240_000])]);
    assert_refused(&bytes, "claims more than 4 times the data that it holds");
}

#[test]
fn depth_and_repetition_cost_nothing() {
    // A tuple within a tuple, a million deep.
    let deep = Pickle::new().raw(b")").raw(&vec![0x85; 1_000_000]).end();
    assert_refused(&checkpoint(&deep), "no state dict");
    let endless = Pickle::new().raw(&vec![b'N'; 5_000_000]).end();
    assert_refused(&checkpoint(&endless), "more than 4194304 values");
    // Each tuple twice in the next: 2^10,000 elements if written out.
    let doubling = (0..10_000).fold(Pickle::new().raw(b")q\0"), |pickle, _| pickle.raw(b"h\0h\0\x86q\0")).end();
    assert_refused(&checkpoint(&doubling), "no state dict");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let small = state_dict(6, &[6], &[1]);
    for bytes in [checkpoint(&small), std::fs::read(fixture("merl-resnet-encoder.pt")).unwrap()] {
        let step = (bytes.len() / 400).max(1);
        for length in (2..bytes.len()).step_by(step) {
            refusal(&bytes[..length]);
        }
    }
    // A pickle cut within the archive.
    for length in 2..small.len() {
        refusal(&checkpoint(&small[..length]));
    }
}

#[test]
fn changed_bytes_are_refused_or_harmless() {
    let sound = checkpoint(&state_dict(6, &[2, 3], &[3, 1]));
    for place in 0..sound.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[place] ^= change;
            if let Ok(tensors) = load(&bytes) {
                assert!(tensors.values().all(|tensor| tensor.elem_count() <= 6), "byte {place}");
            }
        }
    }
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/published/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_is_no_checkpoint_at_all_is_said_to_be_none() {
    assert_refused(&archive(&[("word/document.xml", b"text")]), "no single data.pkl");
    assert_refused(&checkpoint(&Pickle::new().raw(b"}(").text("epoch").int(3).raw(b"u").end()), "its keys are epoch");
    let big = archive(&[("a/data.pkl", &state_dict(6, &[6], &[1])), ("a/byteorder", b"big"), ("a/data/0", &[0; 24])]);
    assert_refused(&big, "big-endian");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    std::fs::write(&path, "not a checkpoint").unwrap();
    assert!(load_pytorch(&path).unwrap_err().to_string().contains("not a file that torch.save wrote"));
}

#[test]
fn missing_extra_and_misshapen_keys_are_named() {
    let sound = load_weights(fixture("ecgfounder.pt").as_ref()).unwrap();
    let message = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors = sound.clone();
        change(&mut tensors);
        SignalSystem::EcgFounder
            .import(tensors)
            .and_then(|imported| imported.build().map(|_| ()))
            .unwrap_err()
            .to_string()
    };
    let squeeze = "stage_list.0.block_list.0.se_fc1.weight";
    let error = message(&|tensors| drop(tensors.remove(squeeze)));
    assert!(error.contains(squeeze) && error.contains("missing"), "{error}");
    let error = message(&|tensors| drop(tensors.remove("first_conv.conv.weight")));
    assert!(error.starts_with("ECGFounder: the checkpoint has no first_conv.conv.weight"), "{error}");
    let error = message(&|tensors| drop(tensors.insert("surprise".to_owned(), sound[squeeze].clone())));
    assert!(error.contains("surprise"), "{error}");
    let error = message(&|tensors| drop(tensors.insert(squeeze.to_owned(), sound["first_conv.conv.bias"].clone())));
    assert!(error.contains(squeeze), "{error}");
    let error = message(&|tensors| {
        let ones = sound["first_bn.running_var"].clone();
        tensors.insert("first_bn.running_mean".to_owned(), ones);
    });
    assert!(error.contains("trained with batch norm"), "{error}");
    // Another system's checkpoint.
    let error = SignalSystem::Merl.import(sound.clone()).unwrap_err().to_string();
    assert!(error.starts_with("MERL: the checkpoint has no conv1.weight; it begins with"), "{error}");
}
