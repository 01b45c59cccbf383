//! The index on disk: whole, incremental, and of the encoder it was made with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::KNOWLEDGE;
use einthoven_caption::Error;
use einthoven_caption::retrieval::{Built, EncoderConfig, Index, Method, Vectors};
use serde_json::{Value, json};
use tempfile::TempDir;

const NOTES: &str =
    "# Ward notes\n\nRound at eight.\n\n## Gerbil rhythm\n\nThe gerbil rhythm has zebra waves before each complex.\n";

fn build(folder: &Path, documents: &[PathBuf], encoder: Option<&EncoderConfig>) -> Result<Built, Error> {
    Index::build(folder, &KNOWLEDGE, documents, encoder, |_, _| ())
}

/// A server of embeddings that counts the texts it encodes: letters by their number.
fn server() -> (EncoderConfig, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let encoded = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&encoded);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let lower = line.to_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let letters = |text: &str| -> Vec<usize> { ('a'..='z').map(|c| 1 + text.matches(c).count()).collect() };
            let texts = asked["input"].as_array().unwrap();
            count.fetch_add(texts.len(), Ordering::SeqCst);
            let entry = |(index, text): (usize, &Value)| json!({ "index": index, "embedding": letters(text.as_str().unwrap()) });
            // Entries may come in any order.
            let data: Vec<Value> = texts.iter().enumerate().rev().map(entry).collect();
            let answer = json!({ "data": data }).to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            reader.get_mut().write_all((head + &answer).as_bytes()).unwrap();
        }
    });
    (EncoderConfig::Server { url, model: "letters".to_owned() }, encoded)
}

#[test]
fn pages_and_documents_are_found_and_quoted() {
    let folder = TempDir::new().unwrap();
    let documents = folder.path().join("documents");
    fs::create_dir_all(documents.join("deep")).unwrap();
    fs::write(documents.join("notes.md"), format!("---\ntitle: x\n---\n{NOTES}")).unwrap();
    fs::write(documents.join("deep/plain.txt"), "Quokka beats # come in sevens.").unwrap();
    let html = "<html><head><title>t</title><script>var wombat</script></head><body><h1>Page</h1><h2>Numbat</h2><p>A <b>numbat</b> interval &gt; 1 s.</p></body></html>";
    fs::write(documents.join("page.html"), html).unwrap();
    fs::write(documents.join("picture.png"), [0xff, 0xd8]).unwrap();
    let index = folder.path().join("index");
    let built = build(&index, &[documents], None).unwrap();
    assert_eq!(built, Built { chunks: 6 * KNOWLEDGE.pages().count() + 4, ..Built::default() });
    let index = Index::open(&index).unwrap();
    let first = |question: &str| {
        let passage = index.search(question, 1).unwrap().remove(0);
        (passage.page, passage.section, passage.text)
    };
    let found = |page: &str, section: &str, text: &str| (page.to_owned(), section.to_owned(), text.to_owned());
    let notes = "The gerbil rhythm has zebra waves before each complex.";
    assert_eq!(first("What are zebra waves?"), found("notes.md", "Gerbil rhythm", notes));
    assert_eq!(first("quokka"), found("deep/plain.txt", "", "Quokka beats come in sevens."));
    assert_eq!(first("numbat"), found("page.html", "Numbat", "A **numbat** interval > 1 s."));
    assert!(index.search("wombat", 1).unwrap().is_empty());
    assert_eq!(first("How is atrial flutter reflected in ECG?").0, "atrial-flutter");
    assert!(!index.has_vectors() && index.search_by(Method::Meaning, "flutter", 3).unwrap().is_empty());
}

#[test]
fn only_new_chunks_are_encoded() {
    let folder = TempDir::new().unwrap();
    let (encoder, encoded) = server();
    let notes = folder.path().join("notes.md");
    fs::write(&notes, NOTES).unwrap();
    let index = folder.path().join("index");
    let pages = 6 * KNOWLEDGE.pages().count();
    let all = build(&index, std::slice::from_ref(&notes), Some(&encoder)).unwrap();
    assert_eq!(all, Built { chunks: pages + 2, encoded: pages + 2, kept: 0, ..Built::default() });
    let again = build(&index, std::slice::from_ref(&notes), Some(&encoder)).unwrap();
    assert_eq!(again, Built { chunks: pages + 2, encoded: 0, kept: pages + 2, ..Built::default() });
    fs::write(&notes, NOTES.replace("zebra", "giraffe")).unwrap();
    let renewed = build(&index, &[notes], Some(&encoder)).unwrap();
    assert_eq!(renewed, Built { chunks: pages + 2, encoded: 1, kept: pages + 1, ..Built::default() });
    assert_eq!(encoded.load(Ordering::SeqCst), pages + 3);
    let mut names: Vec<_> =
        fs::read_dir(&index).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let kinds: Vec<_> = names.iter().map(|name| name.split('-').next().unwrap()).collect();
    assert_eq!(kinds, ["chunks", "index.json", "index.lock", "vectors"]);
    let index = Index::open(&index).unwrap();
    let passage = index
        .search_by(Method::Meaning, "Ward notes. The gerbil rhythm has giraffe waves before each complex.", 1)
        .unwrap();
    assert_eq!(passage[0].section, "Gerbil rhythm");
    assert_eq!(index.search("giraffe", 1).unwrap()[0].page, "notes.md");
}

#[test]
fn what_is_damaged_or_foreign_is_refused() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("none");
    assert!(matches!(Index::open(&missing), Err(Error::NoIndex { .. })));
    let index = folder.path().join("index");
    let (encoder, _) = server();
    build(&index, &[], Some(&encoder)).unwrap();
    let part = |name: &str| {
        let entries = fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with(name)).unwrap()
    };
    let message = |path: &Path, bytes: &[u8]| {
        let kept = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
        let error = Index::open(&index).unwrap_err().to_string();
        fs::write(path, kept).unwrap();
        assert!(error.ends_with("; make the index anew with `einthoven caption index`"), "{error}");
        error
    };
    assert!(message(&part("chunks"), b"{}").contains("its content has changed"));
    assert!(message(&part("vectors"), b"abc").contains("3 bytes, expected"));
    let manifest = fs::read_to_string(part("index.json")).unwrap();
    assert!(
        message(&part("index.json"), manifest.replace("\"format\": 1", "\"format\": 9").as_bytes())
            .contains("format 9, expected 1")
    );
    assert!(
        message(&part("index.json"), manifest.replace("letters at", "words at").as_bytes())
            .contains("made with the encoder words at")
    );
    assert!(message(&part("index.json"), b"{").contains("index.json"));
    assert!(Index::open(&index).is_ok());
    let documents = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        build(&index, &[path], None).unwrap_err().to_string()
    };
    assert!(documents("a.docx", b"PK").contains("a.docx: expected a file that ends in md"));
    assert!(documents("a.txt", &[0xff, 0xfe]).contains("a.txt: not UTF-8"));
    assert!(matches!(build(&index, &[missing], None), Err(Error::Document { .. })));
    let none = EncoderConfig::Folder { path: folder.path().to_owned() };
    assert!(build(&index, &[], Some(&none)).unwrap_err().to_string().contains("config.json"));
    let silent = EncoderConfig::Server { url: "http://127.0.0.1:9/v1".to_owned(), model: "m".to_owned() };
    assert!(build(&index, &[], Some(&silent)).unwrap_err().to_string().contains("http://127.0.0.1:9/v1/embeddings"));
    assert!(Index::open(&index).unwrap().has_vectors(), "a build that failed leaves the index as it was");
}

#[test]
fn large_sets_are_searched_in_cells() {
    // Points near 400 centres, in 16 dimensions.
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let (count, width) = (60_000, 16);
    let centres: Vec<f32> = (0..400 * width).map(|_| draw()).collect();
    let values: Vec<f32> = (0..count)
        .flat_map(|i| (0..width).map(move |j| (i % 400) * width + j))
        .map(|j| centres[j] + 0.3 * draw())
        .collect();
    let vectors = Vectors::new(width, values.clone()).unwrap();
    assert_eq!((vectors.len(), vectors.dimension()), (count, width));
    let (mut shared, queries) = (0, 100);
    for query in 0..queries {
        let query: Vec<f32> = values[query * 577 * width..][..width].iter().map(|value| value + 0.1 * draw()).collect();
        let exact: Vec<usize> = vectors.nearest_of_all(&query, 10).into_iter().map(|(index, _)| index).collect();
        shared += vectors.nearest(&query, 10).iter().filter(|(index, _)| exact.contains(index)).count();
    }
    println!("recall@10 {:.3}", shared as f64 / (10 * queries) as f64);
    assert!(shared >= 950);
    assert_eq!(vectors.nearest(&values[..width], 1)[0].0, 0);
    assert!(vectors.nearest(&[1.0], 3).is_empty());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert!(one.install(|| Vectors::new(width, values).unwrap()) == vectors, "cells depend on the number of threads");
    assert!(
        Vectors::new(0, Vec::new()).is_err()
            && Vectors::new(2, vec![0.0, 0.0]).is_err()
            && Vectors::new(2, vec![1.0]).is_err()
    );
}

const QUOKKA: &str =
    "The quokka rhythm shows marsupial waves at 300 per minute in leads II, III and aVF, before each complex.";

/// PDF files of other programs, made by `scripts/fixtures/documents.py`.
fn pdf(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents").join(name)
}

fn indexed(document: PathBuf) -> Result<(Built, Index), Error> {
    let folder = TempDir::new().unwrap();
    let built = build(folder.path(), &[document], None)?;
    Ok((built, Index::open(folder.path())?))
}

#[test]
fn the_pages_of_a_pdf_are_found_and_quoted() {
    let first = |name: &str, question: &str| indexed(pdf(name)).unwrap().1.search(question, 1).unwrap().remove(0);
    let found = first("notes.pdf", "Which marsupial waves are there in quokka rhythm?");
    assert_eq!((found.page.as_str(), found.section.as_str()), ("notes.pdf", "page 1"));
    let measured = "The numbat interval is measured from wombat to wombat.";
    assert_eq!(found.text, format!("Ward notes {QUOKKA} {measured}"));
    let second = first("notes.pdf", "echidna axis");
    assert_eq!(second.section, "page 2");
    assert_eq!(second.text, "Der Wärter misst 5 µV; the echidna axis is −30°.");
    assert_eq!(first("paragraphs.pdf", "quokka").text, format!("{QUOKKA} Bilby beats come early."));
    assert_eq!(first("moves.pdf", "koala").text, "Koala waves follow a pause.");
    // Readers may open it, whatever else is forbidden.
    assert_eq!(first("restricted.pdf", "dingo").text, "A dingo wave.");
}

#[test]
fn pages_of_a_pdf_without_text_are_counted() {
    // One page of three is empty; a folder may hold scans beside other texts.
    assert_eq!(indexed(pdf("paragraphs.pdf")).unwrap().0.blank, 1);
    assert_eq!(indexed(pdf("notes.pdf")).unwrap().0.blank, 0);
    let folder = TempDir::new().unwrap();
    fs::copy(pdf("scan.pdf"), folder.path().join("scan.pdf")).unwrap();
    fs::write(folder.path().join("notes.md"), NOTES).unwrap();
    assert_eq!(indexed(folder.path().to_owned()).unwrap().0.blank, 1);
}

#[test]
fn pdf_files_that_give_no_text_are_refused_with_the_remedy() {
    let message = |path: PathBuf| indexed(path).unwrap_err().to_string();
    let said = message(pdf("locked.pdf"));
    assert!(said.ends_with("locked.pdf: encrypted: save it without a password first"), "{said}");
    let said = message(pdf("scan.pdf"));
    assert!(said.ends_with("scan.pdf: no text in it, as in a scan: run text recognition over it first"), "{said}");
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("broken.pdf");
    fs::write(&broken, "no PDF at all").unwrap();
    let said = message(broken);
    assert!(
        said.contains("broken.pdf: not a PDF that can be read: ") && said.ends_with("print it to a new PDF"),
        "{said}"
    );
}

/// A page tree of 400 levels, one that is its own child, and a stream that decompresses to a gigabyte.
#[test]
fn hostile_pdf_files_are_survived() {
    for name in ["deep.pdf", "circle.pdf", "bomb.pdf"] {
        let Err(Error::Document { message, .. }) = indexed(pdf(name)) else { panic!("{name} was read") };
        println!("{name}: {message}");
    }
}
