//! Clients of language models against a server that fails in every way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::KNOWLEDGE;
use einthoven_caption::model::{Finish, LanguageModel, ModelConfig, Prices, Provider, Usage};
use einthoven_caption::{Error, Prompt, PromptConfig, Request, Screen};
use server::{Reply, Server, openai};

/// A variable that every environment has, for a key that is easily found again.
const KEY_ENV: &str = "CARGO_MANIFEST_DIR";

fn config(server: &Server) -> ModelConfig {
    ModelConfig {
        provider: Provider::Openai,
        name: "test".into(),
        base_url: Some(server.url.clone()),
        key_env: Some(KEY_ENV.into()),
        timeout_seconds: 1.0,
        ..ModelConfig::default()
    }
}

fn connect(config: &ModelConfig) -> Box<dyn LanguageModel> {
    config.connect(&Arc::new(KNOWLEDGE.clone()), Arc::default()).unwrap()
}

fn request(json: bool) -> Request {
    let statement = Screen::new(&KNOWLEDGE).admit("atrial fibrillation").unwrap();
    Prompt::open(&PromptConfig { json, ..PromptConfig::default() }).unwrap().request(&statement, &[], &[]).unwrap()
}

#[test]
fn every_failure_is_counted_and_overcome() {
    let server = Server::start(|number, _| match number {
        0 => Reply::after(429, "0.2"),
        1 => Reply::status(500),
        2 => Reply::Hang(Duration::from_secs(2)),
        3 => Reply::Cut("application/json", openai("half an").chars().take(40).collect()),
        4 => Reply::json("{\"choices\": [}"),
        5 => Reply::Http(200, Vec::new(), "text/html", "<html>Welcome to the hotel's network</html>".into()),
        6 => Reply::json("{\"choices\": []}"),
        7 => Reply::Close,
        8 => Reply::status(503),
        _ => Reply::json(openai("Irregular R-R intervals without P waves.")),
    });
    let model = connect(&ModelConfig { attempts: 12, longest_wait_seconds: 1.0, ..config(&server) });
    let answer = model.answer(&request(false)).unwrap();
    assert_eq!(answer.text, "Irregular R-R intervals without P waves.");
    assert_eq!((answer.usage, answer.finish), (Usage { input: 100, output: 20 }, Finish::Stop));
    let traffic = model.traffic();
    let failures: Vec<(&str, u64)> = traffic.failures.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    let expected = [
        ("content-type", 1),
        ("cut-answer", 2),
        ("http-429", 1),
        ("http-500", 1),
        ("http-503", 1),
        ("invalid-json", 2),
        ("timeout", 1),
    ];
    assert_eq!(failures, expected);
    assert_eq!((traffic.requests, server.count()), (10, 10));
}

#[test]
fn retry_after_is_kept() {
    let server = Server::start(|number, _| match number {
        0 => Reply::after(429, "1"),
        _ => Reply::json(openai("yes")),
    });
    let started = Instant::now();
    connect(&config(&server)).answer(&request(false)).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));

    let patience = Server::start(|_, _| Reply::after(429, "3600"));
    let error = connect(&config(&patience)).answer(&request(false)).unwrap_err();
    assert!(matches!(error, Error::WaitTooLong { asked: 3600, .. }), "{error}");
    assert_eq!(patience.count(), 1);
}

#[test]
fn what_cannot_pass_is_not_tried_again_and_no_error_shows_the_key() {
    let key = std::env::var(KEY_ENV).unwrap();
    let echo = format!(r#"{{"error":{{"message":"your key {key} is wrong"}}}}"#);
    for code in [400, 401, 403, 404, 422] {
        let echo = echo.clone();
        let server = Server::start(move |_, _| Reply::Http(code, Vec::new(), "application/json", echo.clone()));
        let model = connect(&config(&server));
        let error = model.answer(&request(false)).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert_eq!(server.count(), 1);
        assert!(server.requests.lock().unwrap()[0].contains(&format!("Bearer {key}")), "the key is sent");
        let shown = format!("{error} {error:?} {:?} {:?}", error.source().map(|e| e.to_string()), config(&server));
        assert!(!shown.contains(&key), "{shown}");
        assert!(shown.contains(KEY_ENV));
    }
    let server = Server::start(move |_, _| Reply::Http(500, Vec::new(), "application/json", echo.clone()));
    let error = connect(&ModelConfig { attempts: 2, ..config(&server) }).answer(&request(false)).unwrap_err();
    assert!(matches!(error, Error::Unanswered { attempts: 2, .. }) && !error.to_string().contains(&key), "{error}");
}

#[test]
fn openai_answers_stream_in() {
    let chunk = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
               data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
    let whole = format!("{}{}{end}", chunk("No P "), chunk("waves."));
    let torn = chunk("No P ");
    let server = Server::start(move |number, _| match number {
        0 => Reply::events(torn.clone()),
        1 => Reply::Cut("text/event-stream", torn.clone()),
        _ => Reply::events(whole.clone()),
    });
    let model = connect(&ModelConfig { stream: true, ..config(&server) });
    let answer = model.answer(&request(false)).unwrap();
    assert_eq!((answer.text.as_str(), answer.finish), ("No P waves.", Finish::Length));
    assert_eq!(answer.usage, Usage { input: 7, output: 3 });
    assert_eq!(model.traffic().failures.get("cut-answer"), Some(&2));
    assert!(server.requests.lock().unwrap()[2].contains("\"stream\":true"));
}

#[test]
fn anthropic_answers_whole_and_in_a_stream_and_to_a_schema() {
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
         data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"No P waves.\"}}\n\n\
         data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":4}}\n\n\
         data: {\"type\":\"message_stop\"}\n\n";
    let whole = r#"{"content":[{"type":"tool_use","input":{"description":"No P waves."}}],"stop_reason":"tool_use","usage":{"input_tokens":9,"output_tokens":4}}"#;
    let server =
        Server::start(
            move |_, request| {
                if request.contains("\"stream\":true") { Reply::events(events) } else { Reply::json(whole) }
            },
        );
    let anthropic = ModelConfig { provider: Provider::Anthropic, ..config(&server) };
    let answer = connect(&ModelConfig { stream: true, ..anthropic.clone() }).answer(&request(false)).unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), ("No P waves.", Usage { input: 9, output: 4 }));
    let answer = connect(&anthropic).answer(&request(true)).unwrap();
    assert_eq!(answer.text, r#"{"description":"No P waves."}"#);
    let requests = server.requests.lock().unwrap();
    assert!(requests[1].to_lowercase().contains("x-api-key: ") && requests[1].contains("input_schema"));
    assert!(requests[1].starts_with("POST /v1/messages ") && requests[1].contains("anthropic-version: 2023-06-01"));
}

#[test]
fn a_budget_ends_the_work_before_it_is_exceeded() {
    let server = Server::start(|_, _| Reply::json(openai("yes")));
    let prices = Some(Prices { input: 100.0, output: 1000.0 });
    // An answer costs 0.03 USD; before it is there, it could cost 0.2 for its tokens and some for the request's bytes.
    let model = connect(&ModelConfig { prices, budget_usd: Some(1.0), ..config(&server) });
    let request = request(false);
    let error = (0..100).find_map(|_| model.answer(&request).err()).unwrap();
    assert!(matches!(error, Error::Budget { .. }) && error.to_string().contains("budget_usd"), "{error}");
    let traffic = model.traffic();
    let spent = traffic.cost_usd.unwrap();
    assert!(spent <= 1.0 && (spent - 0.03 * server.count() as f64).abs() < 1e-9, "{spent}");
    assert!(server.count() > 5);
}

#[test]
fn requests_keep_to_their_rate() {
    let server = Server::start(|_, _| Reply::json(openai("yes")));
    let model = connect(&ModelConfig { requests_per_minute: Some(300.0), in_flight: 2, ..config(&server) });
    let started = Instant::now();
    for _ in 0..7 {
        model.answer(&request(false)).unwrap();
    }
    // Two at once, then five a second.
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn a_stop_ends_the_wait_for_a_server() {
    let server = Server::start(|_, _| Reply::after(503, "30"));
    let stop = Arc::new(AtomicBool::new(false));
    let model = config(&server).connect(&Arc::new(KNOWLEDGE.clone()), Arc::clone(&stop)).unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| model.answer(&request(false)));
        while server.count() == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(asking.join().unwrap(), Err(Error::Stopped)));
    });
    assert!(started.elapsed() < Duration::from_secs(20));
}
