//! From statements to stored descriptions, with models on a server that fails, and without.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{KNOWLEDGE, data};
use einthoven_caption::audit::Audit;
use einthoven_caption::flow::{Ended, Flow, Plan};
use einthoven_caption::model::{Composer, LanguageModel, ModelConfig, Provider};
use einthoven_caption::store::{Fault, Source, Store, StoreWriter};
use einthoven_caption::{Error, Prompt, PromptConfig, Statement, Withheld};
use einthoven_corpus::{Dataset, SimulatedConfig};
use server::{Reply, Server, openai};
use tempfile::TempDir;

const ANSWER: &str = "A regular rhythm with an upright P wave before every QRS complex in lead II.";

/// As many distinct statements as there are pages, up to a hundred.
fn statements() -> Vec<String> {
    let names: Vec<String> = KNOWLEDGE.pages().map(|page| page.name.clone()).take(100).collect();
    assert_eq!(names.len(), 100);
    names
}

fn client(url: &str) -> ModelConfig {
    ModelConfig {
        provider: Provider::Openai,
        name: "test".into(),
        base_url: Some(url.to_owned()),
        timeout_seconds: 1.0,
        longest_wait_seconds: 2.0,
        ..ModelConfig::default()
    }
}

fn connect(config: &ModelConfig) -> Box<dyn LanguageModel> {
    config.connect(&Arc::new(KNOWLEDGE.clone()), Arc::default()).unwrap()
}

fn passes(_: &Statement, _: &str) -> Vec<Fault> {
    Vec::new()
}

/// Plans and runs a build into the store at `folder`.
fn build(
    model: &dyn LanguageModel,
    judge: &(dyn Fn(&Statement, &str) -> Vec<Fault> + Sync),
    statements: &[String],
    folder: &Path,
    stop: &AtomicBool,
) -> (Plan, Ended) {
    let prompt = Prompt::open(&PromptConfig::default()).unwrap();
    let evidence = |statement: &Statement| KNOWLEDGE.passages(statement);
    let flow = Flow { base: &KNOWLEDGE, model, prompt: &prompt, evidence: &evidence, judge, tries: 3, stop };
    let mut store = StoreWriter::open(folder).unwrap();
    let plan = flow.plan(statements.iter().map(String::as_str), store.store());
    let ended = flow.run(&plan, &mut store, &mut |_| {}).unwrap();
    (plan, ended)
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

/// How a server fails that fails in every way, each now and then.
fn unsteady(number: usize) -> Reply {
    match number {
        5 | 60 => Reply::after(429, "0.1"),
        11 | 70 => Reply::status(500),
        17 => Reply::Hang(Duration::from_secs(2)),
        23 => Reply::Cut("application/json", "{\"choices\":".into()),
        31 => Reply::json("certainly! {"),
        40 => Reply::Http(200, Vec::new(), "text/html", "<html></html>".into()),
        _ => Reply::json(openai(ANSWER)),
    }
}

#[test]
fn a_build_overcomes_every_failure_and_counts_it() {
    let server = Server::start(|number, _| unsteady(number));
    let folder = TempDir::new().unwrap();
    let model = connect(&client(&server.url));
    let (_, ended) = build(&*model, &passes, &statements(), folder.path(), &never());
    assert!(ended.early.is_none(), "{:?}", ended.early);
    let report = ended.report;
    assert_eq!((report.by_model, report.unanswered, report.done()), (100, 0, 100));
    let failures: Vec<(&str, u64)> =
        report.traffic.failures.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    let expected =
        [("content-type", 1), ("cut-answer", 1), ("http-429", 2), ("http-500", 2), ("invalid-json", 1), ("timeout", 1)];
    assert_eq!(failures, expected);
    assert_eq!((server.count(), report.traffic.requests), (108, 108));
    // Once more: nothing is left to ask.
    let (plan, ended) = build(&*model, &passes, &statements(), folder.path(), &never());
    assert_eq!((plan.stored, plan.ask.len(), ended.report.done()), (100, 0, 0));
    assert_eq!(server.count(), 108);
}

/// The statement that a request asks about.
fn asked(request: &str) -> String {
    let question = request.rsplit_once("How is \\\"").unwrap().1;
    question.split_once("\\\" reflected").unwrap().0.to_owned()
}

/// Does nothing by itself: the tests below run it in a process of its own, and kill that.
#[test]
fn the_build_that_is_killed() {
    let Ok(url) = std::env::var("EINTHOVEN_TEST_KILLED_URL") else { return };
    let folder = std::env::var_os("EINTHOVEN_TEST_KILLED_STORE").unwrap();
    build(&*connect(&patient(&url)), &passes, &statements(), Path::new(&folder), &never());
}

/// A client that waits for slow models.
fn patient(url: &str) -> ModelConfig {
    ModelConfig { timeout_seconds: 500.0, ..client(url) }
}

/// Kills a build once the server has seen `requests`, goes on with it, and sees what was asked.
fn kill_and_go_on(server: &Server, requests: usize) {
    let folder = TempDir::new().unwrap();
    let mut killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_build_that_is_killed"])
        .env("EINTHOVEN_TEST_KILLED_URL", &server.url)
        .env("EINTHOVEN_TEST_KILLED_STORE", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while server.count() < requests {
        assert!(killed.try_wait().unwrap().is_none(), "the build ended by itself");
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = server.count();
    // A statement whose answer was rejected has been asked about more than once.
    let asked_about: BTreeSet<String> = server.requests.lock().unwrap().iter().map(|request| asked(request)).collect();
    let stored: BTreeSet<String> =
        Store::open(folder.path()).unwrap().records().iter().map(|record| record.statement.clone()).collect();
    // All that was asked about is stored, but for what was under way.
    assert!(
        stored.is_subset(&asked_about) && stored.len() + 8 >= asked_about.len() && stored.len() < 100,
        "{stored:?}"
    );

    let model = connect(&patient(&server.url));
    let (plan, ended) = build(&*model, &passes, &statements(), folder.path(), &never());
    let report = ended.report;
    println!(
        "{} stored when killed after {before} requests about {}, {} requests after that: {report:#?}",
        stored.len(),
        asked_about.len(),
        server.count() - before
    );
    assert_eq!((plan.stored, report.done()), (stored.len(), 100 - stored.len()));
    let seen = server.requests.lock().unwrap();
    let again: BTreeSet<String> = seen[before..].iter().map(|request| asked(request)).collect();
    assert!(again.is_disjoint(&stored), "asked twice");
    let store = Store::open(folder.path()).unwrap();
    assert_eq!((store.records().len(), again.len()), (100, 100 - stored.len()));
    println!("{:#?}", Audit::of(&store, None).unwrap());
}

#[test]
fn a_killed_build_loses_nothing_and_asks_nothing_twice() {
    let server = Server::start(|_, _| {
        std::thread::sleep(Duration::from_millis(20));
        Reply::json(openai(ANSWER))
    });
    kill_and_go_on(&server, 50);
    let under_way = server.count() - 100;
    assert!(under_way <= 8, "{under_way}");
}

#[test]
fn a_real_server_describes_a_hundred_statements_though_the_build_is_killed() {
    let Ok(url) = std::env::var("EINTHOVEN_LLM_URL") else {
        println!("skipped: EINTHOVEN_LLM_URL names no OpenAI-compatible server, such as http://localhost:8080/v1");
        return;
    };
    let agent = ureq::Agent::new_with_defaults();
    let server = Server::start(move |_, request| {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let sent = agent.post(format!("{url}/chat/completions")).header("content-type", "application/json").send(body);
        match sent.and_then(|mut response| response.body_mut().read_to_string()) {
            Ok(body) => Reply::json(body),
            Err(error) => {
                println!("{error}");
                Reply::status(502)
            }
        }
    });
    kill_and_go_on(&server, 50);
}

#[test]
fn a_stop_keeps_what_is_under_way() {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let server = Server::start(move |number, _| {
        if number == 30 {
            flag.store(true, Ordering::Relaxed);
        }
        Reply::json(openai(ANSWER))
    });
    let folder = TempDir::new().unwrap();
    let model = client(&server.url).connect(&Arc::new(KNOWLEDGE.clone()), Arc::clone(&stop)).unwrap();
    let (_, ended) = build(&*model, &passes, &statements(), folder.path(), &stop);
    assert!(matches!(ended.early, Some(Error::Stopped)));
    let stored = Store::open(folder.path()).unwrap().records().len();
    assert_eq!((stored, ended.report.by_model), (server.count(), server.count()));
    assert!((31..100).contains(&stored));
}

#[test]
fn rejected_answers_are_asked_for_again_with_the_reason_and_then_composed() {
    let server = Server::start(|_, request| {
        let again = request.contains("it says nothing of the rhythm");
        Reply::json(openai(if again && asked(request) == "atrial flutter" { "good" } else { "bad" }))
    });
    let judge = |_: &Statement, answer: &str| match answer {
        "good" => Vec::new(),
        _ => vec![Fault { kind: "off-topic".into(), reason: "it says nothing of the rhythm".into() }],
    };
    let statements: Vec<String> =
        ["Atrial flutter", "atrial flutter.", "sinus rhythm", "rhythm of the patient"].map(Into::into).into();
    let folder = TempDir::new().unwrap();
    let (plan, ended) = build(&*connect(&client(&server.url)), &judge, &statements, folder.path(), &never());
    assert_eq!((plan.statements, plan.distinct, plan.ask.len()), (4, 3, 3));
    let report = ended.report;
    assert_eq!((report.by_model, report.by_knowledge, report.by_nobody), (0, 2, 1));
    assert_eq!(report.faults["off-topic"], 9);
    let store = Store::open(folder.path()).unwrap();
    let record = |statement: &str| store.records().iter().find(|record| record.statement == statement).unwrap();
    let composed = record("sinus rhythm");
    assert_eq!(
        (composed.source, composed.description.clone()),
        (Source::Knowledge, KNOWLEDGE.describe("sinus rhythm"))
    );
    assert_eq!((composed.asked, composed.faults.len()), (3, 3));
    assert_eq!(record("rhythm of the patient").description, None);

    let statements = ["atrial flutter".to_owned()];
    let other = TempDir::new().unwrap();
    let (_, ended) = build(&*connect(&client(&server.url)), &judge, &statements, other.path(), &never());
    assert_eq!((ended.report.by_model, ended.report.faults["off-topic"]), (1, 1));
}

#[test]
fn a_server_that_is_gone_or_refuses_ends_the_build() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|number, _| if number < 10 { Reply::json(openai(ANSWER)) } else { Reply::status(401) });
    let (_, ended) = build(&*connect(&client(&server.url)), &passes, &statements(), folder.path(), &never());
    assert!(matches!(ended.early, Some(Error::Refused { .. })), "{:?}", ended.early);
    assert_eq!(Store::open(folder.path()).unwrap().records().len(), 10);
    assert!(server.count() <= 18, "{}", server.count());

    let gone = ModelConfig { attempts: 1, ..client("http://127.0.0.1:9/v1") };
    let (_, ended) = build(&*connect(&gone), &passes, &statements(), folder.path(), &never());
    assert!(matches!(ended.early, Some(Error::Unanswered { .. })), "{:?}", ended.early);
    assert!((8..24).contains(&ended.report.unanswered), "{}", ended.report.unanswered);
}

#[test]
fn nothing_that_identifies_a_patient_leaves_the_machine() {
    let server = Server::start(|_, _| Reply::json(openai(ANSWER)));
    let mut dataset = Dataset::simulated(&SimulatedConfig { records: 12, ..SimulatedConfig::default() }).unwrap();
    let secrets = [
        "Grzegorczyk",
        "Amélie",
        "White-Horse",
        "15709",
        "4711",
        "1984",
        "9.11.84",
        "12/05/1990",
        "1990-05-12",
        "555-1234",
        "+49 30 1234",
        "a.b@clinic.org",
        "14:35",
        "third of May",
        "PAT",
        "tuesday",
        "Oak Street",
        "93",
    ];
    for (entry, secret) in dataset.entries.iter_mut().zip(secrets.iter().cycle()) {
        entry.id = format!("rec{secret}");
        entry.patient = format!("pat{secret}");
        entry.report = Some(format!("geschrieben für {secret}"));
        entry.age = Some(93);
    }
    let mut texts: Vec<String> = dataset.entries.iter().flat_map(|entry| entry.statements.clone()).collect();
    let clean = texts.iter().collect::<BTreeSet<_>>().len();
    for secret in secrets.iter().filter(|secret| **secret != "PAT" && **secret != "93") {
        texts.push(format!("sinus rhythm, {secret}"));
        texts.push(format!("{secret}: atrial fibrillation"));
        texts.push(format!("Confirmed by {secret}"));
    }
    let folder = TempDir::new().unwrap();
    // A variable that every test has, for a key that is easily found again.
    const KEY_ENV: &str = "CARGO_MANIFEST_DIR";
    let model = connect(&ModelConfig { key_env: Some(KEY_ENV.into()), ..client(&server.url) });
    let (plan, ended) = build(&*model, &passes, &texts, folder.path(), &never());
    assert_eq!((ended.report.by_model, plan.ask.len()), (clean, clean));
    assert_eq!(plan.withheld.values().map(Vec::len).sum::<usize>(), 3 * (secrets.len() - 2));
    assert!(plan.withheld.contains_key(&Withheld::Word) && plan.withheld.contains_key(&Withheld::Date));
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), clean);
    let stored: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let key = std::env::var(KEY_ENV).unwrap();
    assert!(requests.iter().all(|request| request.contains(&key)));
    assert!(stored.iter().all(|text| !text.contains(&key)), "the key is in the store");
    for secret in secrets {
        for text in requests.iter().chain(&stored) {
            // The head holds lengths and the port.
            let body = text.split_once("\r\n\r\n").map_or(text.as_str(), |(_, body)| body);
            for prefix in ["rec", "pat", "für ", "", ", "] {
                let secret = format!("{prefix}{secret}");
                if secret.len() > 3 {
                    assert!(!body.contains(&secret), "{secret} in {text}");
                }
            }
        }
    }
}

/// Every statement of a corpus is described, without a language model.
fn assert_described(dataset: &Dataset) {
    let texts: Vec<String> = dataset.entries.iter().flat_map(|entry| entry.statements.clone()).collect();
    let folder = TempDir::new().unwrap();
    let model = Composer::new(Arc::new(KNOWLEDGE.clone()));
    let (plan, ended) = build(&model, &passes, &texts, folder.path(), &never());
    assert!(plan.withheld.is_empty(), "{:?}", plan.withheld);
    assert_eq!((ended.report.by_model, ended.report.done()), (plan.distinct, plan.distinct));
    println!("{} statements, {} distinct", plan.statements, plan.distinct);
}

#[test]
fn every_statement_of_the_cohort_and_the_sample_is_described_without_a_model() {
    assert_described(&Dataset::simulated(&SimulatedConfig { records: 200, ..SimulatedConfig::default() }).unwrap());
    let Some(sample) = data("ptbxl-sample") else { return };
    assert_described(&Dataset::ptbxl(&sample, 100).unwrap());
}

#[test]
fn machine_reports_pass_the_screen() {
    let Some(folder) = data("mimic-iv-ecg-statements") else { return };
    let text = std::fs::read_to_string(folder.join("statements.txt")).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let folder = TempDir::new().unwrap();
    let model = Composer::new(Arc::new(KNOWLEDGE.clone()));
    let (plan, ended) = build(&model, &passes, &lines, folder.path(), &never());
    let withheld: usize = plan.withheld.values().map(Vec::len).sum();
    println!("{} distinct, {withheld} withheld: {:?}", plan.distinct, plan.withheld);
    println!("{} described, {} by nobody", ended.report.by_model, ended.report.by_nobody);
    assert!(withheld * 100 <= plan.distinct, "{withheld}");
}
