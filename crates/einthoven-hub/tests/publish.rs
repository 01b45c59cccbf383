//! Publishing to a Hub over HTTP, with everything going wrong: a revision is there whole, or there is none.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::hub::{Entry, Fault, TOKEN, TestHub};
use common::model::{WEIGHTS, bundle, weights, with_receipt};
use einthoven_hub::{Bundle, Error, Hub, ModelName, Progress, RECEIPT_FILE};

const NAME: &str = "lab/esi";

fn hub(server: &TestHub) -> Hub {
    Hub::new(&server.address, "/nowhere", Some(TOKEN)).with_pause(Duration::from_millis(1))
}

fn name() -> ModelName {
    NAME.parse().unwrap()
}

fn publish(server: &TestHub, bundle: &Bundle) -> Result<String, Error> {
    hub(server).publish(&name(), bundle, false, &mut |_| {}).map(|published| published.revision)
}

/// That the newest revision is this bundle, whole, beside what the Hub itself keeps.
fn assert_complete(server: &TestHub, bundle: &Bundle) {
    let mut head = server.head(NAME);
    head.remove(".gitattributes");
    let prints = bundle.fingerprints();
    assert_eq!(head.keys().collect::<Vec<_>>(), prints.keys().collect::<Vec<_>>());
    for (file, Entry { bytes, large }) in head {
        assert_eq!(common::hub::sha256(&bytes), prints[&file].sha256, "{file}");
        assert_eq!(large, file.ends_with(".safetensors"), "{file}");
    }
}

/// That nothing has been published.
fn assert_nothing(server: &TestHub) {
    assert!(server.head(NAME).keys().all(|file| file == ".gitattributes"), "{:?}", server.head(NAME).keys());
}

#[test]
fn a_model_is_one_private_commit() {
    let server = TestHub::new();
    let bundle = bundle(1);
    let mut sent = 0;
    let published = hub(&server).publish(&name(), &bundle, false, &mut |progress| match progress {
        Progress::Sent(_, bytes) => sent += bytes,
        Progress::Present(file) => panic!("{file}"),
    });
    let published = published.unwrap();
    let repository = server.repository(NAME).unwrap();
    assert!(repository.private);
    assert_eq!(repository.commits.len(), 2);
    assert_eq!(repository.commits[1].0, published.revision);
    assert_eq!(published.page, format!("{}/{NAME}", server.address));
    assert_eq!(sent, WEIGHTS as u64);
    assert_complete(&server, &bundle);
    server.assert_token_stayed_here();
}

#[test]
fn large_files_go_in_parts_and_are_not_sent_twice() {
    let server = TestHub::new().with_parts(100_001);
    server.faults("PUT /part", &[Fault::Cut(50_000), Fault::Status(503, None)]);
    publish(&server, &bundle(1)).unwrap();
    assert_complete(&server, &bundle(1));
    // Three parts; the first came at the third attempt, and the others were not sent again for it.
    assert_eq!(server.requests("PUT /part").len(), 5);

    let mut present = Vec::new();
    let mut heard = |progress: Progress<'_>| match progress {
        Progress::Present(file) => present.push(file.to_owned()),
        Progress::Sent(file, _) => panic!("{file}"),
    };
    hub(&server).publish(&name(), &bundle(1), false, &mut heard).unwrap();
    assert_eq!(present, ["model.safetensors"]);
    assert_eq!(server.requests("PUT /part").len(), 5);
    server.assert_token_stayed_here();
}

#[test]
fn an_upload_that_was_given_up_goes_on_where_it_was() {
    let server = TestHub::new();
    server.faults("POST /api/models/lab/esi/commit", &[Fault::Status(403, None)]);
    assert!(matches!(publish(&server, &bundle(1)), Err(Error::Refused { status: 403, .. })));
    assert_nothing(&server);
    publish(&server, &bundle(1)).unwrap();
    assert_complete(&server, &bundle(1));
    assert_eq!(server.requests("PUT /object").len(), 1);
}

#[test]
fn what_an_earlier_model_left_goes_and_other_files_stay() {
    let server = TestHub::new();
    let mut first = Bundle::default();
    first.add_bytes("model.safetensors", weights(3));
    first.add_bytes("reference.safetensors", weights(4));
    publish(&server, &with_receipt(first)).unwrap();
    server.change(NAME, |repository| {
        let (_, files) = repository.commits.last_mut().unwrap();
        files.insert("picture.png".into(), Entry { bytes: vec![1], large: false });
    });
    publish(&server, &bundle(1)).unwrap();
    let files: Vec<String> = server.head(NAME).into_keys().collect();
    assert!(files.contains(&"picture.png".to_owned()), "{files:?}");
    assert!(!files.contains(&"reference.safetensors".to_owned()), "{files:?}");
}

/// Every request of a publication, with the faults that pass: a second or third attempt brings it to its end.
#[test]
fn troubles_that_pass_end_in_a_whole_revision() {
    let requests = [
        "POST /api/repos/create",
        "GET /api/models/lab/esi/revision/main",
        "POST /api/models/lab/esi/preupload/main",
        "POST /lab/esi.git/info/lfs/objects/batch",
        "PUT /object",
        "POST /lab/esi.git/info/lfs/objects/verify",
        "POST /api/models/lab/esi/commit/main",
    ];
    let faults = [
        [Fault::Status(500, None), Fault::Status(503, None)],
        [Fault::Status(429, Some(0)), Fault::Status(429, Some(0))],
        [Fault::Cut(10), Fault::Cut(0)],
        [Fault::NoAnswer, Fault::NoAnswer],
    ];
    for request in requests {
        for faults in faults {
            let server = TestHub::new();
            server.faults(request, &faults);
            let revision = publish(&server, &bundle(1)).unwrap_or_else(|error| panic!("{request} {faults:?}: {error}"));
            let repository = server.repository(NAME).unwrap();
            assert_eq!(repository.commits.len(), 2, "{request} {faults:?}");
            assert_eq!(repository.commits[1].0, revision, "{request} {faults:?}");
            assert_complete(&server, &bundle(1));
            assert_eq!(server.pending_faults(), 0, "{request} {faults:?}");
        }
    }
}

/// Every request of a publication, with the statuses that do not pass: the error tells what to do, and nothing is published.
#[test]
fn troubles_that_stay_end_in_no_revision() {
    let requests = [
        "POST /api/repos/create",
        "GET /api/models/lab/esi/revision/main",
        "POST /api/models/lab/esi/preupload/main",
        "POST /lab/esi.git/info/lfs/objects/batch",
        "PUT /object",
        "POST /lab/esi.git/info/lfs/objects/verify",
        "POST /api/models/lab/esi/commit/main",
    ];
    let statuses = [
        (401, "HF_TOKEN"),
        (403, "write access"),
        (404, "check the name"),
        (409, "try again"),
        (412, "try again"),
        (413, "too large"),
        (429, "try again later"),
        (500, "try again later"),
    ];
    for request in requests {
        for (status, remedy) in statuses {
            if request.ends_with("create") && status == 409 {
                // The repository is there already: no trouble.
                continue;
            }
            let server = TestHub::new();
            server.faults(request, &[Fault::Status(status, None); 8]);
            let error = publish(&server, &bundle(1)).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(
                matches!(error, Error::Refused { status: found, .. } if found == status),
                "{request} {status}: {shown}"
            );
            assert!(shown.contains(remedy), "{request} {status}: {shown}");
            assert!(shown.contains(&server.address) || request.starts_with("PUT"), "{request} {status}: {shown}");
            assert!(!shown.contains(TOKEN) && !shown.contains("geheim"), "{request} {status}: {shown}");
            assert_nothing(&server);
        }
    }
}

#[test]
fn a_cut_that_stays_ends_in_no_revision() {
    for request in ["PUT /object", "POST /api/models/lab/esi/commit/main"] {
        let server = TestHub::new();
        server.faults(request, &[Fault::Cut(1000); 5]);
        let error = publish(&server, &bundle(1)).unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{request}: {error}");
        assert!(!error.to_string().contains("geheim"), "{error}");
        assert_nothing(&server);
    }
}

#[test]
fn a_long_wait_is_not_waited_for() {
    let server = TestHub::new();
    server.faults("POST /api/repos/create", &[Fault::Status(429, Some(100_000))]);
    assert!(matches!(publish(&server, &bundle(1)), Err(Error::Refused { status: 429, .. })));
}

#[test]
fn somebody_elses_commit_is_not_overwritten() {
    let server = TestHub::new();
    server.faults("POST /api/models/lab/esi/commit/main", &[Fault::OtherCommit]);
    let error = publish(&server, &bundle(1)).unwrap_err();
    assert!(matches!(&error, Error::Changed { name } if name == NAME), "{error}");
    assert_nothing(&server);
}

#[test]
fn private_models_do_not_become_public_unnoticed() {
    let server = TestHub::new();
    let publish = |public| hub(&server).publish(&name(), &bundle(1), public, &mut |_| {}).map(drop);
    publish(true).unwrap();
    assert!(!server.repository(NAME).unwrap().private);
    let error = publish(false).unwrap_err();
    assert!(error.to_string().contains("--public"), "{error}");
    server.change(NAME, |repository| repository.private = true);
    assert!(matches!(publish(true), Err(Error::Visibility { found: "private", .. })));
    assert_eq!(server.repository(NAME).unwrap().commits.len(), 2);
}

#[test]
fn who_may_not_publish_is_told_why() {
    let server = TestHub::new();
    let attempt =
        |hub: &Hub, name: &str| hub.publish(&name.parse().unwrap(), &bundle(1), false, &mut |_| {}).unwrap_err();
    let without = Hub::new(&server.address, "/nowhere", None);
    assert!(attempt(&without, NAME).to_string().contains("HF_TOKEN"));
    let wrong = Hub::new(&server.address, "/nowhere", Some("hf_wrong"));
    let error = attempt(&wrong, NAME).to_string();
    assert!(error.contains("not accepted") && !error.contains("hf_wrong"), "{error}");
    assert!(attempt(&hub(&server), "others/esi").to_string().contains("write access"));
    assert!(matches!(attempt(&hub(&server).offline(), NAME), Error::Offline { .. }));
    assert!(server.repository(NAME).is_none());
}

#[test]
fn the_receipt_is_the_same_each_time() {
    let prints = [bundle(1), bundle(1), bundle(2)].map(|bundle| bundle.fingerprints()[RECEIPT_FILE].clone());
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[0], prints[2]);
}
