//! A small HTTP server that can be as bad as real ones.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Sends so many bytes of the body and closes the connection.
    Cut(usize),
    /// Answers with this status, and asks to wait so many seconds.
    Status(u16, Option<u32>),
    /// Changes a byte.
    WrongByte,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub name: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Faults of each file, in the order in which they come; afterwards it is served well.
    faults: BTreeMap<String, Vec<Fault>>,
    requests: Vec<Request>,
    no_ranges: bool,
    no_tags: bool,
    password: Option<String>,
    /// The key of an object store's user, who may also write.
    key: Option<String>,
}

/// A server on a port of its own; its threads end with the test.
#[derive(Clone)]
pub struct Server {
    state: Arc<Mutex<State>>,
    pub address: String,
}

impl Server {
    /// A server of these files and the list of their checksums.
    pub fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let mut state = State::default();
        let mut sums = String::new();
        for (name, bytes) in files {
            sums += &format!("{} {name}\n", sha256(bytes));
            state.files.insert((*name).to_owned(), bytes.clone());
        }
        state.files.insert("SHA256SUMS.txt".to_owned(), sums.into_bytes());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/files/", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { state, address }
    }

    pub fn faults(&self, name: &str, faults: &[Fault]) -> &Self {
        self.state.lock().unwrap().faults.insert(name.to_owned(), faults.to_vec());
        self
    }

    pub fn replace(&self, name: &str, bytes: &[u8]) {
        self.state.lock().unwrap().files.insert(name.to_owned(), bytes.to_vec());
    }

    pub fn without_ranges(&self) -> &Self {
        self.state.lock().unwrap().no_ranges = true;
        self
    }

    pub fn without_tags(&self) -> &Self {
        self.state.lock().unwrap().no_tags = true;
        self
    }

    /// Asks for this `user:password` in Base64.
    pub fn with_password(&self, encoded: &str) {
        self.state.lock().unwrap().password = Some(format!("Basic {encoded}"));
    }

    /// Behaves as an object store, with a bucket called `files`, for the user of this key.
    pub fn as_store(&self, key: &str) {
        self.state.lock().unwrap().key = Some(key.to_owned());
    }

    /// A file as it is now.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().files.get(name).cloned()
    }

    /// The requests of a kind for a file.
    pub fn requests(&self, method: &str, name: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.method == method && request.name == name).count()
    }

    /// The requests for the body of a file.
    pub fn gets(&self, name: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.method == "GET" && request.name == name).cloned().collect()
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        if answer(&mut stream, request, state).is_none() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
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
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, name: path.strip_prefix("/files/")?.replace("%20", " "), headers, body })
}

/// Answers; none when the connection is to be closed.
fn answer(stream: &mut TcpStream, request: Request, state: &Mutex<State>) -> Option<()> {
    let mut state = state.lock().unwrap();
    state.requests.push(request.clone());
    let mut respond = |status: &str, headers: &str, body: &[u8]| {
        let body = if request.method == "HEAD" { &[] } else { body };
        stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes()).ok()?;
        stream.write_all(body).ok()
    };
    if state.password.is_some() && request.headers.get("authorization") != state.password.as_ref() {
        return respond("401 Unauthorized", "content-length: 0\r\n", &[]);
    }
    if let Some(key) = &state.key {
        let expected = format!("AWS4-HMAC-SHA256 Credential={key}/");
        let authorization = request.headers.get("authorization").map_or("", String::as_str);
        if !authorization.starts_with(&expected) {
            return respond("403 Forbidden", "content-length: 0\r\n", &[]);
        }
        assert_eq!(request.headers["x-amz-content-sha256"], sha256(&request.body));
    }
    if request.method == "PUT" {
        let faults = state.faults.get_mut(&request.name).filter(|faults| !faults.is_empty());
        return match faults.map(|faults| faults.remove(0)) {
            Some(Fault::Cut(_)) => None,
            Some(Fault::Status(status, _)) => {
                respond(&format!("{status} Trouble"), "content-length: 0\r\nretry-after: 0\r\n", &[])
            }
            _ => {
                state.files.insert(request.name, request.body);
                respond("200 OK", "content-length: 0\r\n", &[])
            }
        };
    }
    let Some(bytes) = state.files.get(&request.name).cloned() else {
        return respond("404 Not Found", "content-length: 0\r\n", &[]);
    };
    let tag = format!("\"{}\"", &sha256(&bytes)[..8]);
    let tag_header = if state.no_tags { String::new() } else { format!("etag: {tag}\r\n") };
    if request.method == "HEAD" {
        return respond("200 OK", &format!("content-length: {}\r\n{tag_header}", bytes.len()), &[]);
    }
    let faults = state.faults.get_mut(&request.name).filter(|faults| !faults.is_empty());
    let fault = faults.map(|faults| faults.remove(0));
    if let Some(Fault::Status(status, wait)) = fault {
        let wait = wait.map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
        return respond(&format!("{status} Trouble"), &format!("content-length: 0\r\n{wait}"), &[]);
    }
    let same = request.headers.get("if-range").is_none_or(|known| *known == tag);
    let range = request.headers.get("range").filter(|_| same && !state.no_ranges);
    let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let start = range.and_then(|(start, _)| start.parse::<usize>().ok());
    let end =
        range.and_then(|(_, last)| last.parse::<usize>().ok()).map_or(bytes.len(), |last| (last + 1).min(bytes.len()));
    if let Some(start) = start.filter(|&start| start >= bytes.len()) {
        let headers = format!("content-length: 0\r\ncontent-range: bytes */{}\r\n", bytes.len());
        assert!(start > 0);
        return respond("416 Range Not Satisfiable", &headers, &[]);
    }
    let mut body = bytes[start.unwrap_or(0)..end].to_vec();
    let mut headers = format!("content-length: {}\r\n{tag_header}", body.len());
    if let Some(start) = start {
        headers += &format!("content-range: bytes {start}-{}/{}\r\n", end - 1, bytes.len());
    }
    if fault == Some(Fault::WrongByte) {
        body[0] ^= 1;
    }
    let sent = if let Some(Fault::Cut(sent)) = fault { sent.min(body.len()) } else { body.len() };
    respond(if start.is_some() { "206 Partial Content" } else { "200 OK" }, &headers, &body[..sent])?;
    // Nothing more comes: the client sees the connection end in the middle of the body.
    (sent == body.len()).then_some(())
}
