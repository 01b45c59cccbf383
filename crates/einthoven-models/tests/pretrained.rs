//! Loading a pretrained text encoder from a folder and through a hub.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Tensor};
use common::{parameters, values};
use einthoven_models::{Bert, BertConfig, Error, Hub, PretrainedText, TextSource, Tokenizer, load_pytorch};
use einthoven_nn::Parameters;

const REPOSITORY: &str = "someone/tiny-bert";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn config() -> BertConfig {
    BertConfig {
        vocab_size: 120,
        hidden_size: 8,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 16,
        max_position_embeddings: 16,
        ..BertConfig::default()
    }
}

/// Writes a text encoder with weights renamed by `rename` and returns the parameters they are of.
fn write_encoder(folder: &Path, rename: impl Fn(&str) -> String) -> Parameters {
    let parameters = parameters(11);
    Bert::new(&config(), &parameters.root()).unwrap();
    let mut tensors: HashMap<String, Tensor> =
        parameters.tensors().into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect();
    let ids = Tensor::arange(0i64, 16, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    tensors.insert(rename("embeddings.position_ids"), ids);
    let head = Tensor::zeros(120, DType::F32, &Device::Cpu).unwrap();
    tensors.insert("cls.predictions.bias".to_owned(), head);
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    let mut json = serde_json::to_value(config()).unwrap();
    json["model_type"] = "bert".into();
    json["hidden_act"] = "gelu".into();
    json["architectures"] = serde_json::json!(["BertModel"]);
    std::fs::write(folder.join("config.json"), json.to_string()).unwrap();
    let captions = vec!["sinus rhythm sinus rhythm".to_owned()];
    Tokenizer::train_word_piece(&captions, 120).unwrap().save(&folder.join("tokenizer.json")).unwrap();
    parameters
}

fn assert_loads(pretrained: &PretrainedText, wanted: &Parameters) {
    let loaded = parameters(12);
    let scope = loaded.root().enter("text");
    Bert::new(&pretrained.config, &scope).unwrap();
    pretrained.load_into(&loaded, "text.").unwrap();
    let found = loaded.tensors();
    for (name, tensor) in wanted.tensors() {
        assert_eq!(values(&found[&format!("text.{name}")]), values(&tensor), "{name}");
    }
}

#[test]
fn every_way_of_naming_the_weights_is_read() {
    type Rename = fn(&str) -> String;
    let ways: [Rename; 3] = [
        |name| name.to_owned(),
        |name| format!("bert.{name}"),
        |name| {
            let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
            format!("bert.{}", name.replace("LayerNorm.bias", "LayerNorm.beta"))
        },
    ];
    for rename in ways {
        let folder = tempfile::tempdir().unwrap();
        let wanted = write_encoder(folder.path(), rename);
        let source = TextSource::Folder(folder.path().to_path_buf());
        let hub = Hub::new("http://127.0.0.1:1", folder.path()).offline();
        assert_loads(&PretrainedText::open(&source, &hub).unwrap(), &wanted);
    }
}

#[test]
fn weights_in_pytorch_format_are_read() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pytorch-bert"));
    let pretrained = PretrainedText::load(folder).unwrap();
    let parameters = parameters(1);
    Bert::new(&pretrained.config, &parameters.root()).unwrap();
    pretrained.load_into(&parameters, "").unwrap();
    let tensors = parameters.tensors();
    let words = values(&tensors["embeddings.word_embeddings.weight"]);
    assert_eq!(words, (0..32).map(|i| f64::from(i) / 64.0).collect::<Vec<_>>());
    assert_eq!(values(&tensors["embeddings.LayerNorm.weight"])[0], 72.0 / 64.0);
    let tokens = pretrained.tokenizer.encode_batch(&["Sinus rhythms".to_owned()], 8).unwrap();
    assert_eq!(tokens.ids(), [2, 5, 6, 7, 3]);

    let bytes = std::fs::read(folder.join("pytorch_model.bin")).unwrap();
    let cut = tempfile::tempdir().unwrap();
    let path = cut.path().join("pytorch_model.bin");
    for length in [0, 10, 500, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = load_pytorch(&path).unwrap_err();
        assert!(error.to_string().contains("pytorch_model.bin"), "{error}");
    }
}

#[test]
fn a_folder_that_is_not_whole_is_an_error_that_says_so() {
    let message = |change: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        write_encoder(folder.path(), str::to_owned);
        change(folder.path());
        PretrainedText::load(folder.path()).unwrap_err().to_string()
    };
    let remove = |name: &'static str| message(&move |folder: &Path| std::fs::remove_file(folder.join(name)).unwrap());
    assert!(remove("config.json").contains("config.json"));
    assert!(remove("model.safetensors").contains("model.safetensors"));
    assert!(remove("tokenizer.json").contains("vocab.txt"));
    let replace = |name: &'static str, from: &'static str, to: &'static str| {
        message(&move |folder: &Path| {
            let path = folder.join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            std::fs::write(&path, text.replace(from, to)).unwrap();
        })
    };
    assert!(replace("config.json", "\"gelu\"", "\"relu\"").contains("hidden_act"));
    assert!(replace("config.json", "\"bert\"", "\"roberta\"").contains("model_type"));
    assert!(replace("config.json", "\"vocab_size\":120", "\"vocab_size\":99").contains("table"));
    assert!(replace("config.json", "\"num_attention_heads\":2", "\"num_attention_heads\":3").contains("divide"));
    assert!(replace("tokenizer.json", "\"[SEP]\"", "\"[TEP]\"").contains("[SEP]"));
    assert!(replace("tokenizer.json", "{", "").contains("tokenizer.json"));
    let cut = message(&|folder: &Path| {
        let path = folder.join("model.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(cut.contains("cut short"), "{cut}");
}

#[test]
fn weights_of_another_shape_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_encoder(folder.path(), str::to_owned);
    let pretrained = PretrainedText::load(folder.path()).unwrap();
    let parameters = parameters(3);
    let other = BertConfig { hidden_size: 4, ..config() };
    Bert::new(&other, &parameters.root()).unwrap();
    let before: Vec<Vec<f64>> = parameters.tensors().values().map(values).collect();
    let error = pretrained.load_into(&parameters, "").unwrap_err().to_string();
    assert!(error.contains("embeddings.LayerNorm.weight"), "{error}");
    let after: Vec<Vec<f64>> = parameters.tensors().values().map(values).collect();
    assert_eq!(before, after);

    // A layer too many does not go unnoticed.
    let parameters = common::parameters(3);
    let shallow = BertConfig { num_hidden_layers: 1, ..config() };
    Bert::new(&shallow, &parameters.root()).unwrap();
    let error = pretrained.load_into(&parameters, "").unwrap_err().to_string();
    assert!(error.contains("encoder.layer.1.output.dense.weight"), "{error}");
}

/// A hub that knows one repository, and what it was asked.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Clone, Debug)]
struct Request {
    path: String,
    headers: BTreeMap<String, String>,
}

impl Server {
    /// Serves the files of `folder` as `REPOSITORY` at branch `main`, tag `v1` and `COMMIT`.
    fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, folder) = (requests.clone(), folder.to_path_buf());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(first)) = lines.next() else { continue };
                let path = first.split(' ').nth(1).unwrap().to_owned();
                let headers: BTreeMap<String, String> = lines
                    .map_while(|line| {
                        let line = line.ok()?;
                        let (name, value) = line.split_once(": ")?;
                        Some((name.to_lowercase(), value.to_owned()))
                    })
                    .collect();
                let request = Request { path, headers };
                let _ = stream.write_all(&answer(&folder, &request));
                seen.lock().unwrap().push(request);
            }
        });
        Self { address, requests }
    }

    fn paths(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|request| request.path.clone()).collect()
    }
}

fn answer(folder: &Path, request: &Request) -> Vec<u8> {
    let response = |status: &str, headers: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    for revision in ["main", "v1", COMMIT] {
        if request.path == format!("/api/models/{REPOSITORY}/revision/{revision}") {
            let mut names: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            let siblings: Vec<_> = names.iter().map(|name| serde_json::json!({ "rfilename": name })).collect();
            let body = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
            return response("200 OK", "Content-Type: application/json\r\n", body.as_bytes());
        }
    }
    let Some(name) = request.path.strip_prefix(&format!("/{REPOSITORY}/resolve/{COMMIT}/")) else {
        return response("404 Not Found", "", b"Repository not found");
    };
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let range = request.headers["range"].strip_prefix("bytes=").unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = end.parse().map_or(bytes.len(), |end: usize| end + 1);
    let headers = format!(
        "Content-Range: bytes {start}-{}/{}\r\nx-repo-commit: {COMMIT}\r\nETag: \"etag-of-{name}\"\r\n",
        end - 1,
        bytes.len()
    );
    response("206 Partial Content", &headers, &bytes[start..end])
}

#[test]
fn a_repository_is_fetched_once_and_then_read_from_the_cache() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let wanted = write_encoder(folder.path(), str::to_owned);
    std::fs::write(folder.path().join("README.md"), "not needed").unwrap();
    let server = Server::start(folder.path());
    let source = |revision: &str| TextSource::Hub { repository: REPOSITORY.to_owned(), revision: revision.to_owned() };
    for revision in ["main", "v1", COMMIT] {
        let hub = Hub::new(&server.address, cache.path());
        let before = server.paths().len();
        assert_loads(&PretrainedText::open(&source(revision), &hub).unwrap(), &wanted);
        let asked = server.paths().split_off(before);
        assert!(!asked.iter().any(|path| path.contains("README")), "{asked:?}");
        if revision == "main" {
            assert!(asked.iter().any(|path| path.ends_with("/model.safetensors")), "{asked:?}");
        } else {
            // All files are of the same commit, which the cache has.
            assert!(!asked.iter().any(|path| path.contains("/resolve/")), "{asked:?}");
        }
        // Neither a dead server nor a closed network matters any more.
        let before = server.paths().len();
        for hub in [Hub::new("http://127.0.0.1:1", cache.path()), hub.offline()] {
            assert_loads(&PretrainedText::open(&source(revision), &hub).unwrap(), &wanted);
        }
        assert_eq!(server.paths().len(), before);
    }
}

#[test]
fn what_a_hub_does_not_have_is_said() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_encoder(folder.path(), str::to_owned);
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let server = Server::start(folder.path());
    let hub = Hub::new(&server.address, cache.path());
    let message = |hub: &Hub, repository: &str, revision: &str| {
        let error = hub.fetch(repository, revision).unwrap_err();
        assert!(matches!(error, Error::Hub { .. }), "{error}");
        error.to_string()
    };
    assert!(message(&hub, REPOSITORY, "main").contains("model.safetensors"));
    let missing = message(&hub, "someone/else", "main");
    assert!(missing.contains("someone/else") && missing.contains("404"), "{missing}");
    assert!(message(&hub, REPOSITORY, "no-such-branch").contains("no-such-branch"));
    let before = server.paths().len();
    for (repository, revision) in
        [("../../etc", "main"), ("a/b/c", "main"), ("", "main"), ("a/b", "../x"), ("a/b", "x y")]
    {
        message(&hub, repository, revision);
    }
    assert!(message(&hub.offline(), REPOSITORY, "main").contains("offline") || server.paths().len() == before);
    assert_eq!(server.paths().len(), before, "bad names and offline work ask nobody");
    let dead = Hub::new("http://127.0.0.1:1", cache.path());
    assert!(message(&dead, REPOSITORY, "main").contains("http://127.0.0.1:1"));
}

/// Environment variables belong to a process, so the environment is tested in one of its own.
#[test]
fn the_environment_decides_on_endpoint_cache_and_token() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_encoder(folder.path(), str::to_owned);
    let server = Server::start(folder.path());
    let run = |variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child_fetches", "--ignored", "--nocapture"]);
        for name in ["HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    };
    let home_path = home.path().to_str().unwrap();
    let base = [("HF_ENDPOINT", server.address.as_str()), ("HF_HOME", home_path)];

    let (ok, text) = run(&[base[0], base[1], ("HF_HUB_OFFLINE", "1")]);
    assert!(!ok && text.contains("HF_HUB_OFFLINE"), "{text}");
    assert!(server.paths().is_empty());

    let (ok, text) = run(&[base[0], base[1], ("HF_TOKEN", "hf_secret")]);
    assert!(ok, "{text}");
    assert!(!text.contains("hf_secret"), "the token is not told to anyone");
    let cached = home.path().join("hub/models--someone--tiny-bert/snapshots").join(COMMIT);
    assert!(cached.join("model.safetensors").is_file());
    let tokens = |server: &Server| -> Vec<Option<String>> {
        let requests = server.requests.lock().unwrap();
        requests.iter().map(|request| request.headers.get("authorization").cloned()).collect()
    };
    assert!(tokens(&server).iter().all(|token| token.as_deref() == Some("Bearer hf_secret")));

    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("token"), "hf_of_the_cache\n").unwrap();
    let before = server.paths().len();
    let (ok, text) = run(&[base[0], ("HF_HOME", other.path().to_str().unwrap())]);
    assert!(ok, "{text}");
    assert!(tokens(&server)[before..].iter().all(|t| t.as_deref() == Some("Bearer hf_of_the_cache")));
}

#[test]
#[ignore = "run by another test, in a process with an environment of its own"]
fn child_fetches() {
    let hub = Hub::from_env();
    println!("{hub:?}");
    let folder: PathBuf = match hub.fetch(REPOSITORY, "main") {
        Ok(folder) => folder,
        Err(error) => panic!("{error}"),
    };
    PretrainedText::load(&folder).unwrap();
}
