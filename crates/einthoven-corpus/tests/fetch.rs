//! Fetching from a server that cuts connections, is busy, sends a wrong byte or knows no ranges: verified files or a clear error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::server::Fault::{Cut, Status, WrongByte};
use common::server::{Server, sha256};
use einthoven_corpus::fetch::{FetchConfig, Fetched, plan};
use einthoven_corpus::{CheckOptions, Dataset, DatasetCard, DatasetOptions, Error};

fn config() -> FetchConfig {
    FetchConfig { pause: Duration::from_millis(1), ..FetchConfig::default() }
}

fn fetch(server: &Server, folder: &Path, config: &FetchConfig) -> einthoven_corpus::Result<Fetched> {
    let card = DatasetCard::open("folder")?;
    plan(&card, Some(&server.address), folder, config)?.run(&|| {})
}

/// Bytes that differ from place to place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

const FILES: [(&str, usize); 4] =
    [("RECORDS", 10), ("a/one.dat", 300_000), ("a/two.dat", 5000), ("b/has space.hea", 1)];

fn server() -> Server {
    Server::of(&FILES.map(|(name, length)| (name, bytes(length))))
}

fn is_whole(folder: &Path) {
    for (name, length) in FILES {
        assert!(fs::read(folder.join(name)).unwrap() == bytes(length), "{name}");
    }
    let all = fs::read_dir(folder.join("a")).unwrap().count();
    assert_eq!(all, 2, "nothing is left over");
}

#[test]
fn files_come_verified_and_are_not_fetched_again() {
    let server = server();
    let place = tempfile::tempdir().unwrap();
    let card = DatasetCard::open("folder").unwrap();
    let planned = plan(&card, Some(&server.address), place.path(), &config()).unwrap();
    assert_eq!((planned.files, planned.bytes, planned.estimated), (4, Some(305_011), false));
    assert!(planned.free.unwrap() > 0);
    assert_eq!(planned.run(&|| {}).unwrap(), Fetched { fetched: 4, present: 0 });
    is_whole(place.path());
    assert_eq!(fetch(&server, place.path(), &config()).unwrap(), Fetched { fetched: 0, present: 4 });
    assert_eq!(server.gets("a/one.dat").len(), 1);

    // A file that was damaged since is fetched again.
    fs::write(place.path().join("a/two.dat"), b"damaged").unwrap();
    assert_eq!(fetch(&server, place.path(), &config()).unwrap(), Fetched { fetched: 1, present: 3 });
    is_whole(place.path());
}

#[test]
fn connections_that_break_are_taken_up_where_they_were() {
    let server = server();
    server.faults("a/one.dat", &[Cut(100_000), Cut(0), Cut(50_000), Cut(1)]);
    let place = tempfile::tempdir().unwrap();
    fetch(&server, place.path(), &config()).unwrap();
    is_whole(place.path());
    let ranges: Vec<_> = server.gets("a/one.dat").iter().map(|r| r.headers.get("range").cloned()).collect();
    let from = |start| Some(format!("bytes={start}-"));
    assert_eq!(ranges, [None, from(100_000), from(100_000), from(150_000), from(150_001)]);
    assert!(server.gets("a/one.dat")[1].headers.contains_key("if-range"));
}

/// Every request brings something: they may be more than the attempts that bring nothing.
#[test]
fn progress_is_worth_further_attempts() {
    let server = server();
    server.faults("a/one.dat", &[Cut(1000); 40]).without_tags();
    let place = tempfile::tempdir().unwrap();
    fetch(&server, place.path(), &config()).unwrap();
    is_whole(place.path());
    assert_eq!(server.gets("a/one.dat").len(), 41);
}

#[test]
fn a_new_start_goes_on_where_the_last_one_was() {
    let server = server();
    server.faults("a/one.dat", &[Cut(100_000), Cut(0), Cut(0), Cut(0)]);
    let place = tempfile::tempdir().unwrap();
    let once = FetchConfig { attempts: 1, ..config() };
    let error = fetch(&server, place.path(), &once).unwrap_err();
    assert!(matches!(&error, Error::NotFetched { failed: 1, files: 4, .. }), "{error}");
    assert_eq!(fs::metadata(place.path().join("a/one.dat.part")).unwrap().len(), 100_000);
    assert!(!place.path().join("a/one.dat").exists(), "a part is not taken for the whole");
    server.faults("a/one.dat", &[]);
    assert_eq!(fetch(&server, place.path(), &once).unwrap(), Fetched { fetched: 1, present: 3 });
    is_whole(place.path());
    assert_eq!(server.gets("a/one.dat").last().unwrap().headers["range"], "bytes=100000-");
}

#[test]
fn a_file_that_changed_meanwhile_is_begun_anew() {
    let server = server();
    server.faults("a/one.dat", &[Cut(100_000)]);
    server.replace("a/one.dat", &vec![7; 200_000]);
    let place = tempfile::tempdir().unwrap();
    let once = FetchConfig { attempts: 1, ..config() };
    fetch(&server, place.path(), &once).unwrap_err();
    server.replace("a/one.dat", &bytes(300_000));
    fetch(&server, place.path(), &config()).unwrap();
    is_whole(place.path());
}

/// Killed after the last byte, and before the file was moved to its place; and a part that is longer than the file.
#[test]
fn a_part_that_is_whole_is_taken_and_one_that_is_too_long_is_not() {
    let server = server();
    for (length, requests) in [(300_000, 1), (300_001, 2)] {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("a")).unwrap();
        fs::write(place.path().join("a/one.dat.part"), bytes(length)).unwrap();
        let before = server.gets("a/one.dat").len();
        fetch(&server, place.path(), &config()).unwrap();
        is_whole(place.path());
        assert_eq!(server.gets("a/one.dat").len() - before, requests);
    }
}

#[test]
fn a_listed_file_that_is_not_there_does_not_keep_the_others() {
    let server = server();
    let list: String = FILES.iter().map(|(name, length)| format!("{} {name}\n", sha256(&bytes(*length)))).collect();
    server.replace("SHA256SUMS.txt", format!("{list}{} gone.dat\n", "0".repeat(64)).as_bytes());
    let place = tempfile::tempdir().unwrap();
    let error = fetch(&server, place.path(), &config()).unwrap_err();
    let Error::NotFetched { failed: 1, files: 5, first } = error else { panic!("{error}") };
    assert!(first.to_string().contains("gone.dat: the server answers 404"), "{first}");
    is_whole(place.path());
}

#[test]
fn a_server_without_ranges_sends_all_again() {
    let server = server();
    server.faults("a/one.dat", &[Cut(100_000), Cut(200_000)]).without_ranges();
    let place = tempfile::tempdir().unwrap();
    fetch(&server, place.path(), &config()).unwrap();
    is_whole(place.path());

    // But not for ever: what never gets further than before ends in an error.
    server.faults("a/two.dat", &[Cut(100); 100]);
    fs::remove_file(place.path().join("a/two.dat")).unwrap();
    let error = fetch(&server, place.path(), &config()).unwrap_err();
    let Error::NotFetched { first, .. } = error else { panic!("{error}") };
    assert!(first.to_string().contains("a/two.dat: the connection broke"), "{first}");
    assert_eq!(server.gets("a/two.dat").len(), 1 + 6);
}

#[test]
fn a_busy_server_is_waited_for() {
    let server = server();
    server.faults("a/two.dat", &[Status(429, Some(1)), Status(500, None), Status(503, Some(0))]);
    server.faults("SHA256SUMS.txt", &[Status(502, None), Cut(20)]);
    let place = tempfile::tempdir().unwrap();
    let start = Instant::now();
    fetch(&server, place.path(), &config()).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "the server asked for a second");
    is_whole(place.path());
    assert_eq!(server.gets("a/two.dat").len(), 4);

    // One that is busy for good, or for an hour, ends in an error that says so; the other files are there.
    for faults in [vec![Status(500, None); 9], vec![Status(429, Some(3600))]] {
        let place = tempfile::tempdir().unwrap();
        server.faults("a/two.dat", &faults);
        let error = fetch(&server, place.path(), &config()).unwrap_err();
        let Error::NotFetched { failed: 1, first, .. } = error else { panic!("{error}") };
        assert!(first.to_string().contains("a/two.dat: the server answers"), "{first}");
        assert!(place.path().join("a/one.dat").is_file());
        server.faults("a/two.dat", &[]);
    }
}

#[test]
fn a_wrong_byte_is_never_taken() {
    let server = server();
    server.faults("a/one.dat", &[WrongByte]);
    // The first half is wrong, and the second comes later.
    server.faults("a/two.dat", &[WrongByte, Cut(2000), WrongByte]);
    let place = tempfile::tempdir().unwrap();
    fetch(&server, place.path(), &config()).unwrap();
    is_whole(place.path());

    let place = tempfile::tempdir().unwrap();
    server.faults("a/one.dat", &[WrongByte; 100]);
    let error = fetch(&server, place.path(), &config()).unwrap_err();
    let Error::NotFetched { failed: 1, first, .. } = error else { panic!("{error}") };
    assert!(matches!(*first, Error::WrongFile { .. }), "{first}");
    assert!(!place.path().join("a/one.dat").exists());
}

#[test]
fn credentials_are_sent_and_their_lack_is_explained() {
    let server = server();
    server.with_password("YW5uYTpnZWhlaW0=");
    let place = tempfile::tempdir().unwrap();
    let message = fetch(&server, place.path(), &config()).unwrap_err().to_string();
    assert!(message.contains("set EINTHOVEN_USER and EINTHOVEN_PASSWORD"), "{message}");
    let wrong = FetchConfig { credentials: Some(("anna".into(), "falsch".into())), ..config() };
    let message = fetch(&server, place.path(), &wrong).unwrap_err().to_string();
    assert!(message.contains("are wrong") && !message.contains("falsch"), "{message}");
    let right = FetchConfig { credentials: Some(("anna".into(), "geheim".into())), ..config() };
    fetch(&server, place.path(), &right).unwrap();
    is_whole(place.path());
}

#[test]
fn a_part_can_be_asked_for() {
    let server = server();
    let place = tempfile::tempdir().unwrap();
    let only = FetchConfig { only: vec!["b/".into(), "RECORDS".into()], ..config() };
    assert_eq!(fetch(&server, place.path(), &only).unwrap().fetched, 2);
    assert!(!place.path().join("a").exists());
    let none = FetchConfig { only: vec!["c/".into()], ..config() };
    assert!(matches!(fetch(&server, place.path(), &none), Err(Error::FileList { .. })));
}

#[test]
fn lists_and_sources_that_are_none_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let server = server();
    let digest = "0".repeat(64);
    for list in
        ["<html>Welcome!</html>".to_owned(), format!("{digest} ../../etc/passwd\n"), format!("{digest} /etc/passwd\n")]
    {
        server.replace("SHA256SUMS.txt", list.as_bytes());
        let error = fetch(&server, place.path(), &config()).unwrap_err();
        assert!(matches!(error, Error::FileList { .. }), "{error}");
    }
    let card = DatasetCard::open("folder").unwrap();
    assert!(matches!(plan(&card, None, place.path(), &config()), Err(Error::NoSource { .. })));
    let nowhere = plan(&card, Some(&format!("{}nowhere/", server.address)), place.path(), &config());
    assert!(matches!(nowhere, Err(Error::Http { status: Some(404), .. })));
    let closed = FetchConfig { attempts: 2, ..config() };
    assert!(matches!(
        plan(&card, Some("http://127.0.0.1:1/"), place.path(), &closed),
        Err(Error::Http { status: None, .. })
    ));
    for card in ["ptb-xl", "cinc2021", "cpsc2018", "chapman-shaoxing-ningbo", "mimic-iv-ecg", "ludb"] {
        assert!(
            DatasetCard::open(card).unwrap().source.unwrap().files.unwrap().starts_with("https://physionet.org/files/")
        );
    }
}

/// What was fetched passes the check, checksums and all.
#[test]
fn what_was_fetched_is_sound() {
    let records = tempfile::tempdir().unwrap();
    common::wfdb::write(records.path(), "A1", "mat", "# Age: 5\n# Dx: 426783006\n");
    let file = |name: &str| fs::read(records.path().join(name)).unwrap();
    let server = Server::of(&[("g1/A1.hea", file("A1.hea")), ("g1/A1.mat", file("A1.mat"))]);
    server.faults("g1/A1.mat", &[Cut(1000), Status(500, None), WrongByte]);
    let place = tempfile::tempdir().unwrap();
    fetch(&server, place.path(), &config()).unwrap();
    let dataset = Dataset::open("folder", Some(place.path()), &DatasetOptions::default()).unwrap();
    let report = dataset.check(Some(place.path()), CheckOptions::default(), &|| {});
    assert!(report.is_whole() && report.readable == 1, "{:?}", report.problems);

    // The publisher's list came along, so that a change shows.
    fs::remove_file(place.path().join("g1/A1.mat")).unwrap();
    let report = dataset.check(Some(place.path()), CheckOptions::default(), &|| {});
    assert!(report.problems.iter().any(|finding| finding.about == "g1/A1.mat" && finding.what == "is missing"));
}
