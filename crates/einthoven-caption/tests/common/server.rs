//! A language model's server on this machine that answers as it is told, and remembers what it was sent.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, headers, content type and body.
    Http(u16, Vec<(&'static str, String)>, &'static str, String),
    /// Headers that promise more than comes.
    Cut(&'static str, String),
    /// Nothing, for so long.
    Hang(Duration),
    /// The connection is closed.
    Close,
}

impl Reply {
    pub fn json(body: impl Into<String>) -> Self {
        Self::Http(200, Vec::new(), "application/json", body.into())
    }

    pub fn status(code: u16) -> Self {
        Self::Http(code, Vec::new(), "application/json", r#"{"error":{"message":"as told"}}"#.into())
    }

    pub fn after(code: u16, retry_after: &str) -> Self {
        Self::Http(code, vec![("Retry-After", retry_after.into())], "application/json", "{}".into())
    }

    pub fn events(body: impl Into<String>) -> Self {
        Self::Http(200, Vec::new(), "text/event-stream", body.into())
    }
}

/// An answer in OpenAI's form.
pub fn openai(text: &str) -> String {
    serde_json::json!({
        "choices": [{ "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 20 },
    })
    .to_string()
}

pub struct Server {
    pub url: String,
    /// The bytes of each request, head and body.
    pub requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    address: std::net::SocketAddr,
}

impl Server {
    /// A server that answers the request number `n`, from 0, with the text `request` by `reply(n, request)`.
    pub fn start(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, ended, reply) = (Arc::clone(&requests), Arc::clone(&stop), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, reply, ended) = (Arc::clone(&seen), Arc::clone(&reply), Arc::clone(&ended));
                thread::spawn(move || serve(stream.unwrap(), &seen, &*reply, &ended));
            }
        });
        Self { url: format!("http://{address}/v1"), requests, stop, address }
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees.
        TcpStream::connect(self.address).ok();
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, reply: &dyn Fn(usize, &str) -> Reply, ended: &AtomicBool) {
    while let Some(request) = receive(&mut stream) {
        // A server that is no more answers nothing.
        if ended.load(Ordering::Relaxed) {
            return;
        }
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        match reply(number, &request) {
            Reply::Http(code, headers, kind, body) => {
                let mut head =
                    format!("HTTP/1.1 {code} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                if stream.write_all(format!("{head}\r\n{body}").as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Cut(kind, body) => {
                let length = body.len() + 100;
                let head = format!("HTTP/1.1 200 x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
                stream.write_all(head.as_bytes()).ok();
                stream.shutdown(Shutdown::Both).ok();
                return;
            }
            Reply::Hang(time) => {
                thread::sleep(time);
                return;
            }
            Reply::Close => {
                stream.shutdown(Shutdown::Both).ok();
                return;
            }
        }
    }
}

/// The next request on a connection; none when it ends.
fn receive(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
