//! A small Hub: the endpoints that publishing and pulling use, with a storage on a port of its own, and as bad as real ones.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The token that the Hub knows.
pub const TOKEN: &str = "hf_kXqTestOnlyNeverShow0123456789";

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// So many bytes of the request's or the answer's body pass, then the connection ends.
    Cut(usize),
    /// The request is carried out, and the connection ends without an answer.
    NoAnswer,
    /// This status, with a wait in seconds.
    Status(u16, Option<u32>),
    /// A byte of the answer changes on its way.
    WrongByte,
    /// Somebody else commits first.
    OtherCommit,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// Whether it came to the storage.
    pub storage: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub bytes: Vec<u8>,
    pub large: bool,
}

pub type Files = BTreeMap<String, Entry>;

#[derive(Clone, Debug, Default)]
pub struct Repository {
    pub private: bool,
    /// Commits and what they hold, oldest first.
    pub commits: Vec<(String, Files)>,
}

#[derive(Default)]
struct State {
    hub: String,
    storage: String,
    repositories: BTreeMap<String, Repository>,
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<(String, u64), Vec<u8>>,
    part_size: Option<u64>,
    faults: Vec<(String, Fault)>,
    requests: Vec<Request>,
}

/// A Hub on a port of its own; its threads end with the test.
#[derive(Clone)]
pub struct TestHub {
    state: Arc<Mutex<State>>,
    pub address: String,
}

impl TestHub {
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let listen = |storage: bool| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let shared = Arc::clone(&state);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let state = Arc::clone(&shared);
                    thread::spawn(move || serve(stream, &state, storage));
                }
            });
            address
        };
        let (hub, storage) = (listen(false), listen(true));
        {
            let mut state = state.lock().unwrap();
            (state.hub, state.storage) = (hub.clone(), storage);
        }
        Self { state, address: hub }
    }

    /// Takes large files in parts of so many bytes.
    pub fn with_parts(self, size: u64) -> Self {
        self.state.lock().unwrap().part_size = Some(size);
        self
    }

    /// Requests that begin so (`PUT /object`) meet these faults, one each.
    pub fn faults(&self, start: &str, faults: &[Fault]) -> &Self {
        self.state.lock().unwrap().faults.extend(faults.iter().map(|fault| (start.to_owned(), *fault)));
        self
    }

    pub fn pending_faults(&self) -> usize {
        self.state.lock().unwrap().faults.len()
    }

    pub fn repository(&self, name: &str) -> Option<Repository> {
        self.state.lock().unwrap().repositories.get(name).cloned()
    }

    /// The files of the newest commit.
    pub fn head(&self, name: &str) -> Files {
        self.repository(name).map(|found| found.commits.last().unwrap().1.clone()).unwrap_or_default()
    }

    /// Changes the repository as somebody else would.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Repository)) {
        change(self.state.lock().unwrap().repositories.entry(name.to_owned()).or_default());
    }

    pub fn requests(&self, start: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|r| format!("{} {}", r.method, r.path).starts_with(start)).cloned().collect()
    }

    /// The storage never sees the token.
    pub fn assert_token_stayed_here(&self) {
        let state = self.state.lock().unwrap();
        for request in state.requests.iter().filter(|request| request.storage) {
            assert!(!format!("{:?}", request.headers).contains(TOKEN), "{} {}", request.method, request.path);
        }
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a repository begins with.
pub fn first_commit() -> (String, Files) {
    let bytes = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n".to_vec();
    ("0".repeat(40), [(".gitattributes".to_owned(), Entry { bytes, large: false })].into())
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, storage: bool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while read(&mut reader, state, storage)
        .and_then(|(request, fault)| answer(&mut stream, &request, fault, state))
        .is_some()
    {}
    stream.shutdown(std::net::Shutdown::Both).ok();
}

/// The next request and what goes wrong with it.
fn read(reader: &mut BufReader<TcpStream>, state: &Mutex<State>, storage: bool) -> Option<(Request, Option<Fault>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((key, value)) = line.trim().split_once(':') else { break };
        headers.insert(key.to_lowercase(), value.trim().to_owned());
    }
    let mut request = Request { method, path, headers, body: Vec::new(), storage };
    let fault = {
        let mut state = state.lock().unwrap();
        let line = format!("{} {}", request.method, request.path);
        let found = state.faults.iter().position(|(start, _)| line.starts_with(start.as_str()));
        found.map(|index| state.faults.remove(index).1)
    };
    let length = request.headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let cut = match fault {
        Some(Fault::Cut(bytes)) if length > 0 => Some(bytes.min(length)),
        _ => None,
    };
    request.body = vec![0; cut.unwrap_or(length)];
    reader.read_exact(&mut request.body).ok()?;
    state.lock().unwrap().requests.push(request.clone());
    cut.is_none().then_some((request, fault))
}

/// An answer: status, headers, body.
type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// Answers; none when the connection is to be closed.
fn answer(stream: &mut TcpStream, request: &Request, fault: Option<Fault>, state: &Mutex<State>) -> Option<()> {
    let mut state = state.lock().unwrap();
    let (status, headers, mut body) = match fault {
        Some(Fault::Status(status, wait)) => {
            let headers = wait.map(|seconds| ("retry-after", seconds.to_string())).into_iter().collect();
            // Some servers quote what they were given.
            let quoted = request.headers.get("authorization").cloned().unwrap_or_default();
            (status, headers, json!({ "error": format!("trouble with {quoted}") }).to_string().into_bytes())
        }
        _ => {
            if fault == Some(Fault::OtherCommit) {
                for repository in state.repositories.values_mut() {
                    let files = repository.commits.last().unwrap().1.clone();
                    repository.commits.push(("e".repeat(40), files));
                }
            }
            if request.storage { store(&mut state, request) } else { route(&mut state, request) }
        }
    };
    if fault == Some(Fault::NoAnswer) {
        return None;
    }
    if fault == Some(Fault::WrongByte) {
        body[0] ^= 1;
    }
    let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    if request.method == "HEAD" {
        return Some(());
    }
    let sent = if let Some(Fault::Cut(sent)) = fault { sent.min(body.len()) } else { body.len() };
    stream.write_all(&body[..sent]).ok()?;
    (sent == body.len()).then_some(())
}

fn ok(value: &Value) -> Answer {
    (200, vec![("content-type", "application/json".to_owned())], value.to_string().into_bytes())
}

fn refused(status: u16, message: &str) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned()), ("x-error-message", message.to_owned())];
    (status, headers, json!({ "error": message }).to_string().into_bytes())
}

/// The Hub.
fn route(state: &mut State, request: &Request) -> Answer {
    let path = request.path.split('?').next().unwrap().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let token = request.headers.get("authorization");
    let known = token.is_some_and(|token| *token == format!("Bearer {TOKEN}"));
    if token.is_some() && !known {
        return refused(401, "Invalid user token.");
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["api", "repos", "create"]) if known => create(state, &body),
        ("POST", ["api", "repos", "create"]) => refused(401, "Unauthorized"),
        (_, ["api", "models", owner, model, rest @ ..]) => {
            let name = format!("{owner}/{model}");
            match seen(state, &name, known) {
                Err(answer) => answer,
                Ok(()) => model_api(state, request, &name, rest, known),
            }
        }
        ("POST", [owner, model, "info", "lfs", "objects", what]) if known => {
            let name = format!("{owner}/{}", model.trim_end_matches(".git"));
            match (seen(state, &name, known), *what) {
                (Err(answer), _) => answer,
                (Ok(()), "batch") => batch(state, &body),
                (Ok(()), _) => {
                    let there = state.objects.get(body["oid"].as_str().unwrap_or_default());
                    match there.is_some_and(|bytes| body["size"] == bytes.len()) {
                        true => (200, Vec::new(), Vec::new()),
                        false => refused(404, "no such object"),
                    }
                }
            }
        }
        ("GET" | "HEAD", [owner, model, "resolve", revision, file @ ..]) => {
            let name = format!("{owner}/{model}");
            match seen(state, &name, known) {
                Err(answer) => answer,
                Ok(()) => resolve(state, &name, revision, &file.join("/")),
            }
        }
        // Small files lie behind a redirection within the Hub.
        ("GET" | "HEAD", ["api", "resolve-cache", "models", owner, model, revision, file @ ..]) => {
            let name = format!("{owner}/{model}");
            match seen(state, &name, known) {
                Err(answer) => answer,
                Ok(()) => small(state, request, &name, revision, &file.join("/")),
            }
        }
        _ => refused(404, "no such page"),
    }
}

/// Who is not let in is not told that a repository is there.
fn seen(state: &State, name: &str, known: bool) -> Result<(), Answer> {
    match state.repositories.get(name) {
        Some(repository) if known || !repository.private => Ok(()),
        _ if known => Err(refused(404, "Repository not found")),
        _ => Err(refused(401, "Repository not found")),
    }
}

fn create(state: &mut State, body: &Value) -> Answer {
    let name = format!("{}/{}", body["organization"].as_str().unwrap(), body["name"].as_str().unwrap());
    if name.starts_with("others/") {
        return refused(403, "You don't have the rights to create a model under this namespace");
    }
    if state.repositories.contains_key(&name) {
        return refused(409, "You already created this model repo");
    }
    let private = body["private"].as_bool().unwrap();
    state.repositories.insert(name.clone(), Repository { private, commits: vec![first_commit()] });
    ok(&json!({ "url": format!("{}/{name}", state.hub) }))
}

fn find<'a>(repository: &'a Repository, revision: &str) -> Option<&'a (String, Files)> {
    match revision {
        "main" => repository.commits.last(),
        sha => repository.commits.iter().find(|(commit, _)| commit == sha),
    }
}

fn model_api(state: &mut State, request: &Request, name: &str, rest: &[&str], known: bool) -> Answer {
    let repository = &state.repositories[name];
    let revision = rest.get(1).copied().unwrap_or("main");
    let Some((sha, files)) = find(repository, revision) else { return refused(404, "Revision not found") };
    match (request.method.as_str(), rest.first().copied()) {
        ("GET", None | Some("revision")) => {
            let siblings: Vec<Value> = files.keys().map(|file| json!({ "rfilename": file })).collect();
            ok(
                &json!({ "_id": "1", "id": name, "modelId": name, "sha": sha, "private": repository.private, "siblings": siblings, "tags": [], "downloads": 0 }),
            )
        }
        ("GET", Some("tree")) => ok(&files
            .iter()
            .map(|(path, entry)| json!({ "type": "file", "path": path, "size": entry.bytes.len(), "oid": tag(entry) }))
            .collect()),
        ("POST", Some("preupload")) if known => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let modes: Vec<Value> = body["files"].as_array().unwrap().iter().map(|file| {
                let path = file["path"].as_str().unwrap();
                let large = path.ends_with(".safetensors");
                json!({ "path": path, "uploadMode": if large { "lfs" } else { "regular" }, "shouldIgnore": false, "oid": null })
            }).collect();
            ok(&json!({ "files": modes }))
        }
        ("POST", Some("commit")) if known => commit(state, name, &request.body),
        _ => refused(403, "Forbidden"),
    }
}

fn commit(state: &mut State, name: &str, body: &[u8]) -> Answer {
    let repository = &state.repositories[name];
    let (head, mut files) = repository.commits.last().unwrap().clone();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        let value = &line["value"];
        let path = value["path"].as_str().unwrap_or_default().to_owned();
        match line["key"].as_str().unwrap() {
            "header" if value["parentCommit"] != head.as_str() => {
                return refused(412, "A commit has happened since. Please refresh and try again.");
            }
            "header" => {}
            "file" => {
                let bytes = BASE64_STANDARD.decode(value["content"].as_str().unwrap()).unwrap();
                files.insert(path, Entry { bytes, large: false });
            }
            "lfsFile" => match state.objects.get(value["oid"].as_str().unwrap()) {
                Some(bytes) => drop(files.insert(path, Entry { bytes: bytes.clone(), large: true })),
                None => {
                    return refused(
                        400,
                        "Your push was rejected because an LFS pointer pointed to a file that does not exist",
                    );
                }
            },
            "deletedFile" => drop(files.remove(&path).unwrap()),
            key => panic!("{key}"),
        }
    }
    let oid = sha256(format!("{head}{files:?}").as_bytes())[..40].to_owned();
    let answer = json!({ "success": true, "commitOid": oid, "commitUrl": format!("{}/{name}/commit/{oid}", state.hub), "hookOutput": "" });
    state.repositories.get_mut(name).unwrap().commits.push((oid, files));
    ok(&answer)
}

fn batch(state: &State, body: &Value) -> Answer {
    let objects: Vec<Value> = body["objects"].as_array().unwrap().iter().map(|object| {
        let (oid, size) = (object["oid"].as_str().unwrap(), object["size"].as_u64().unwrap());
        if state.objects.contains_key(oid) {
            return json!({ "oid": oid, "size": size });
        }
        let verify = json!({ "href": format!("{}/{}.git/info/lfs/objects/verify", state.hub, any(state)), "header": { "authorization": "Basic other" } });
        let upload = match state.part_size {
            None => json!({ "href": format!("{}/object/{oid}?X-Signature=geheim", state.storage), "header": {} }),
            Some(part) => {
                let mut header = json!({ "chunk_size": part.to_string() });
                for number in 1..=size.div_ceil(part) {
                    header[format!("{number:05}")] = json!(format!("{}/part/{oid}/{number}?X-Signature=geheim", state.storage));
                }
                json!({ "href": format!("{}/complete/{oid}?X-Signature=geheim", state.storage), "header": header })
            }
        };
        json!({ "oid": oid, "size": size, "authenticated": true, "actions": { "upload": upload, "verify": verify } })
    }).collect();
    let transfer = if state.part_size.is_some() { "multipart" } else { "basic" };
    ok(&json!({ "transfer": transfer, "objects": objects }))
}

/// Any repository: the storage of large files is one.
fn any(state: &State) -> String {
    state.repositories.keys().next().unwrap().clone()
}

/// What a content is called.
fn tag(entry: &Entry) -> String {
    let sum = sha256(&entry.bytes);
    if entry.large { sum } else { sum[..40].to_owned() }
}

fn resolve(state: &State, name: &str, revision: &str, file: &str) -> Answer {
    let Some((sha, files)) = find(&state.repositories[name], revision) else {
        return refused(404, "Revision not found");
    };
    let Some(entry) = files.get(file) else { return refused(404, "Entry not found") };
    let tag = tag(entry);
    let mut headers = vec![("x-repo-commit", sha.clone()), ("accept-ranges", "bytes".to_owned())];
    if entry.large {
        headers.push(("x-linked-etag", format!("\"{tag}\"")));
        headers.push(("x-linked-size", entry.bytes.len().to_string()));
        headers.push(("location", format!("{}/object/{tag}?X-Signature=geheim", state.storage)));
        return (302, headers, Vec::new());
    }
    headers.push(("location", format!("/api/resolve-cache/models/{name}/{sha}/{file}")));
    (307, headers, Vec::new())
}

fn small(state: &State, request: &Request, name: &str, revision: &str, file: &str) -> Answer {
    let (sha, files) = find(&state.repositories[name], revision).unwrap();
    let entry = &files[file];
    let headers = vec![("x-repo-commit", sha.clone()), ("etag", format!("\"{}\"", tag(entry)))];
    ranged(request, headers, &entry.bytes)
}

fn ranged(request: &Request, mut headers: Vec<(&'static str, String)>, bytes: &[u8]) -> Answer {
    let range = request.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
    let Some((start, end)) = range.and_then(|range| range.split_once('-')) else {
        return (200, headers, bytes.to_vec());
    };
    let start: usize = start.parse().unwrap();
    let end = end.parse::<usize>().map_or(bytes.len(), |end| (end + 1).min(bytes.len()));
    if start >= bytes.len() {
        return (416, headers, Vec::new());
    }
    headers.push(("content-range", format!("bytes {start}-{}/{}", end - 1, bytes.len())));
    (206, headers, bytes[start..end].to_vec())
}

/// The storage of large files.
fn store(state: &mut State, request: &Request) -> Answer {
    let (path, query) = request.path.split_once('?').unwrap();
    if query != "X-Signature=geheim" || request.headers.contains_key("authorization") {
        return refused(400, "Only one auth mechanism allowed");
    }
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("PUT", ["object", oid]) if sha256(&request.body) == *oid => {
            state.objects.insert((*oid).to_owned(), request.body.clone());
            (200, Vec::new(), Vec::new())
        }
        ("PUT", ["part", oid, number]) => {
            state.parts.insert(((*oid).to_owned(), number.parse().unwrap()), request.body.clone());
            (200, vec![("etag", format!("\"tag-{number}\""))], Vec::new())
        }
        ("POST", ["complete", oid]) => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let mut bytes = Vec::new();
            for part in body["parts"].as_array().unwrap() {
                let number = part["partNumber"].as_u64().unwrap();
                assert_eq!(part["etag"], format!("\"tag-{number}\""));
                bytes.extend(&state.parts[&((*oid).to_owned(), number)]);
            }
            if sha256(&bytes) != *oid {
                return refused(400, "wrong content");
            }
            state.objects.insert((*oid).to_owned(), bytes);
            (200, Vec::new(), Vec::new())
        }
        ("GET" | "HEAD", ["object", oid]) => match state.objects.get(*oid) {
            Some(bytes) => ranged(request, vec![("etag", "\"storage\"".to_owned())], bytes),
            None => refused(404, "no such object"),
        },
        _ => refused(400, "wrong request"),
    }
}
