//! Pulling over HTTP: what comes is what the receipt says, or it does not come.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::hub::{Entry, Fault, TOKEN, TestHub};
use common::model::{WEIGHTS, bundle, weights};
use einthoven_hub::{Error, Hub, ModelName, Progress, Pulled, RECEIPT_FILE};

const NAME: &str = "lab/esi";
const SNAPSHOTS: &str = "models--lab--esi/snapshots";

/// A Hub with a published model.
fn published() -> (TestHub, String) {
    let server = TestHub::new();
    let revision = publish(&server, 1);
    (server, revision)
}

fn publish(server: &TestHub, seed: u8) -> String {
    let hub = Hub::new(&server.address, "/nowhere", Some(TOKEN));
    hub.publish(&name(NAME), &bundle(seed), false, &mut |_| {}).unwrap().revision
}

fn name(name: &str) -> ModelName {
    name.parse().unwrap()
}

fn hub(server: &TestHub, cache: &Path) -> Hub {
    Hub::new(&server.address, cache, Some(TOKEN)).with_pause(Duration::from_millis(1))
}

fn pull(server: &TestHub, cache: &Path) -> Result<Pulled, Error> {
    hub(server, cache).pull(&name(NAME), &mut |_| {})
}

/// That the folder holds the whole model.
fn assert_whole(pulled: &Pulled, seed: u8) {
    assert_eq!(fs::read(pulled.folder.join("model.safetensors")).unwrap(), weights(seed));
    let mut files: Vec<_> =
        fs::read_dir(&pulled.folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, bundle(seed).fingerprints().into_keys().collect::<Vec<_>>());
    pulled.receipt.verify(NAME, &pulled.folder).unwrap();
}

/// That nothing in the cache is taken for the model.
fn assert_nothing(server: &TestHub, cache: &Path) {
    assert_eq!(hub(server, cache).cached(&name(NAME)).unwrap(), None);
    let offline = hub(server, cache).offline().pull(&name(NAME), &mut |_| {});
    assert!(matches!(offline, Err(Error::NotCached { .. })), "{offline:?}");
}

#[test]
fn a_model_comes_whole_and_stays_without_network() {
    let (server, revision) = published();
    let cache = tempfile::tempdir().unwrap();
    assert_nothing(&server, cache.path());
    let mut received = 0;
    let pulled = hub(&server, cache.path()).pull(&name(NAME), &mut |progress| {
        if let Progress::Sent("model.safetensors", bytes) = progress {
            received += bytes;
        }
    });
    let pulled = pulled.unwrap();
    assert_eq!(pulled.revision, revision);
    assert_eq!(pulled.folder, cache.path().join(SNAPSHOTS).join(&revision));
    assert_eq!(received, WEIGHTS as u64);
    assert_whole(&pulled, 1);
    server.assert_token_stayed_here();

    let requests = server.requests("").len();
    let again = hub(&server, cache.path()).offline().pull(&name(NAME), &mut |_| {}).unwrap();
    assert_eq!(again, pulled);
    let pinned = hub(&server, cache.path()).pull(&name(&format!("{NAME}@{revision}")), &mut |_| {}).unwrap();
    assert_eq!(pinned, pulled);
    assert_eq!(server.requests("").len(), requests, "the network was asked");
}

#[test]
fn a_pinned_revision_stays_what_it_was() {
    let (server, first) = published();
    let second = publish(&server, 2);
    let cache = tempfile::tempdir().unwrap();
    assert_whole(&pull(&server, cache.path()).unwrap(), 2);
    let pinned = hub(&server, cache.path()).pull(&name(&format!("{NAME}@{first}")), &mut |_| {}).unwrap();
    assert_whole(&pinned, 1);
    // A branch goes on, and the cache follows when it is asked to.
    let third = publish(&server, 3);
    assert_eq!(hub(&server, cache.path()).cached(&name(NAME)).unwrap().unwrap().revision, second);
    let pulled = pull(&server, cache.path()).unwrap();
    assert_eq!(pulled.revision, third);
    assert_whole(&pulled, 3);
}

#[test]
fn troubles_that_pass_end_in_a_whole_model() {
    let requests = ["GET /api/models/lab/esi/revision", "GET /lab/esi/resolve", "HEAD /lab/esi/resolve", "GET /object"];
    let faults = [
        [Fault::Status(500, None), Fault::Status(503, None)],
        [Fault::Status(429, Some(0)), Fault::Status(429, Some(0))],
        [Fault::Cut(7), Fault::Cut(0)],
        [Fault::NoAnswer, Fault::NoAnswer],
    ];
    let (server, _) = published();
    for request in requests {
        for faults in faults {
            let cache = tempfile::tempdir().unwrap();
            server.faults(request, &faults);
            let pulled = pull(&server, cache.path()).unwrap_or_else(|error| panic!("{request} {faults:?}: {error}"));
            assert_whole(&pulled, 1);
            assert_eq!(server.pending_faults(), 0, "{request} {faults:?}");
        }
    }
}

#[test]
fn a_broken_download_goes_on_where_it_was() {
    let (server, _) = published();
    let cache = tempfile::tempdir().unwrap();
    // More cuts than attempts: each brings something new.
    server.faults("GET /object", &[Fault::Cut(40_000); 6]);
    assert_whole(&pull(&server, cache.path()).unwrap(), 1);
    let ranges: Vec<_> = server.requests("GET /object").iter().map(|get| get.headers.get("range").cloned()).collect();
    let expected: Vec<_> = (1..=6).map(|i| Some(format!("bytes={}-", i * 40_000))).collect();
    assert_eq!(ranges[0], None);
    assert_eq!(ranges[1..], expected);
    server.assert_token_stayed_here();
}

#[test]
fn another_process_goes_on_where_one_was_killed() {
    let (server, _) = published();
    let cache = tempfile::tempdir().unwrap();
    server.faults("GET /object", &[Fault::Cut(40_000), Fault::Status(404, None)]);
    assert!(matches!(pull(&server, cache.path()), Err(Error::Refused { status: 404, .. })));
    assert_nothing(&server, cache.path());
    assert_whole(&pull(&server, cache.path()).unwrap(), 1);
    let last = server.requests("GET /object").pop().unwrap();
    assert_eq!(last.headers["range"], "bytes=40000-");
}

#[test]
fn troubles_that_stay_end_in_no_model() {
    let requests = ["GET /api/models/lab/esi/revision", "GET /lab/esi/resolve", "HEAD /lab/esi/resolve", "GET /object"];
    let statuses = [(401, "HF_TOKEN"), (403, "read access"), (404, "check the name"), (429, "later"), (500, "later")];
    let (server, _) = published();
    for request in requests {
        for (status, remedy) in statuses {
            let cache = tempfile::tempdir().unwrap();
            let faults = if status < 429 { 1 } else { 5 };
            server.faults(request, &[Fault::Status(status, None); 5][..faults]);
            let error = pull(&server, cache.path()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(&status.to_string()) && shown.contains(remedy), "{request} {status}: {shown}");
            assert!(!shown.contains(TOKEN) && !shown.contains("geheim"), "{request} {status}: {shown}");
            assert_nothing(&server, cache.path());
            assert_eq!(server.pending_faults(), 0, "{request} {status}");
        }
    }
}

#[test]
fn a_wrong_byte_on_the_way_is_fetched_anew_and_one_in_the_file_is_refused() {
    let (server, _) = published();
    let cache = tempfile::tempdir().unwrap();
    server.faults("GET /object", &[Fault::WrongByte]);
    assert_whole(&pull(&server, cache.path()).unwrap(), 1);

    let cache = tempfile::tempdir().unwrap();
    server.faults("GET /object", &[Fault::WrongByte, Fault::WrongByte]);
    let error = pull(&server, cache.path()).unwrap_err();
    assert!(matches!(&error, Error::WrongFile { file, .. } if file == "model.safetensors"), "{error}");
    assert!(error.to_string().contains("SHA-256"), "{error}");
    assert_nothing(&server, cache.path());
    // Nothing bad was kept: the next one succeeds.
    assert_whole(&pull(&server, cache.path()).unwrap(), 1);
}

#[test]
fn a_file_that_was_exchanged_on_the_hub_is_named() {
    for file in ["config.toml", "model.safetensors"] {
        let (server, _) = published();
        server.change(NAME, |repository| {
            repository.commits.last_mut().unwrap().1.insert(file.into(), Entry { bytes: vec![7; 9], large: false });
        });
        let cache = tempfile::tempdir().unwrap();
        let error = pull(&server, cache.path()).unwrap_err();
        assert!(matches!(&error, Error::WrongFile { file: found, .. } if found == file), "{error}");
        assert_nothing(&server, cache.path());
    }
    let (server, _) = published();
    server.change(NAME, |repository| drop(repository.commits.last_mut().unwrap().1.remove("contract.json")));
    let cache = tempfile::tempdir().unwrap();
    assert!(pull(&server, cache.path()).unwrap_err().to_string().contains("contract.json"));
}

#[test]
fn a_file_that_was_changed_in_the_cache_is_refused_and_repaired_by_pulling() {
    let (server, _) = published();
    let cache = tempfile::tempdir().unwrap();
    let pulled = pull(&server, cache.path()).unwrap();
    fs::write(pulled.folder.join("config.toml"), "seed = 9\n").unwrap();
    for hub in [hub(&server, cache.path()), hub(&server, cache.path()).offline()] {
        let error = hub.cached(&name(NAME)).unwrap_err();
        assert!(matches!(&error, Error::WrongFile { file, .. } if file == "config.toml"), "{error}");
    }
    assert_whole(&pull(&server, cache.path()).unwrap(), 1);
}

#[test]
fn what_is_no_model_of_ours_is_refused() {
    let (server, _) = published();
    let cache = tempfile::tempdir().unwrap();
    let attempt = |change: &dyn Fn(&mut Vec<u8>)| {
        server.change(NAME, |repository| {
            let entry = repository.commits.last_mut().unwrap().1.get_mut(RECEIPT_FILE).unwrap();
            change(&mut entry.bytes);
        });
        pull(&server, cache.path()).unwrap_err().to_string()
    };
    let outside = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("\"config.toml\"", "\"../../config.toml\"").into_bytes();
    };
    assert!(attempt(&outside).contains("not a file of the model's folder"));
    assert!(attempt(&|bytes| *bytes = b"{\"format\": 9}".to_vec()).contains("version 9"));
    assert!(attempt(&|bytes| *bytes = b"no json".to_vec()).contains("not valid"));
    server.change(NAME, |repository| drop(repository.commits.last_mut().unwrap().1.remove(RECEIPT_FILE)));
    assert!(matches!(pull(&server, cache.path()), Err(Error::NoReceipt { .. })));
    let nobody = Hub::new(&server.address, cache.path(), None).pull(&name(NAME), &mut |_| {}).unwrap_err();
    assert!(nobody.to_string().contains("private"), "{nobody}");
}
