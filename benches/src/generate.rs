//! A language model in a GGUF file, run here and by llama.cpp's server.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use einthoven::caption::model::Gguf;
use einthoven::caption::{KnowledgeBase, Prompt, PromptConfig, Request, Screen};
use serde_json::{Value, json};
use ureq::Agent;

use crate::measure::medians;
use crate::table::Table;
use crate::{Common, Result, machine};

/// How long the server may take to load the file.
const PATIENCE: Duration = Duration::from_secs(120);
/// The tokens that fit the prompts and answers.
const CONTEXT: &str = "4096";
/// A prompt that begins with its statement: nothing of it was read before.
const TEMPLATE: &str = r#"about = ""
system = "{{ statement }}: you are a cardiologist who describes what this looks like on a 12-lead electrocardiogram, in two or three sentences."
user = """
{% for passage in passages %}{{ passage.section }}: {{ passage.text }}
{% endfor %}How is "{{ statement }}" reflected in an ECG?"""
"#;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    /// The model, of a family that both know
    #[arg(long)]
    pub model: PathBuf,
    /// llama.cpp's server, the program
    #[arg(long, default_value = "llama-server")]
    pub server: PathBuf,
    /// Statements that are asked about
    #[arg(long, default_value_t = 12)]
    pub statements: usize,
    /// Tokens of an answer, at most
    #[arg(long, default_value_t = 64)]
    pub tokens: u32,
}

/// A running server, ended when dropped.
struct Server {
    child: Child,
    agent: Agent,
    url: String,
}

/// Tokens read and written a second, for one request.
type Rates = [f64; 2];

/// One row for reading, one for writing.
pub fn run(options: &Options) -> Result<Table> {
    let requests = requests(options)?;
    let model = Gguf::open(&options.model, 0, Arc::default())?;
    let server = Server::start(options)?;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    let mut read = 0;
    for (number, request) in requests.iter().enumerate() {
        eprintln!("{} of {}: {}", number + 1, requests.len(), request.statement().as_str());
        let (rates, tokens) = ask_here(&model, request)?;
        let theirs = server.ask(request, options.tokens)?;
        // The first warms up both.
        if number > 0 {
            here.push(rates);
            there.push(theirs);
            read += tokens;
        }
    }
    let (here, there) = (medians(&here), medians(&there));
    let row = |name: &str, which: usize| {
        let (ours, theirs) = (here[which], there[which]);
        vec![name.to_owned(), format!("{ours:.1}"), format!("{theirs:.1}"), format!("{:.2}", ours / theirs)]
    };
    let name = options.model.file_name().unwrap_or_default().to_string_lossy();
    Ok(Table {
        title: format!("{name}, tokens a second, {} threads", options.common.threads),
        machine: machine::describe(&options.common, false)?,
        head: vec!["", "Einthoven", "llama.cpp", "ratio"],
        rows: vec![row("prompt", 0), row("answer", 1)],
        notes: vec![format!(
            "Medians over {} prompts of {} tokens on average, no two with the same beginning; answers of up to {} tokens, the likeliest \
             ones; one request at a time, in turns. llama.cpp's server: {}.",
            requests.len() - 1,
            read / (requests.len() - 1).max(1) as u64,
            options.tokens,
            version(&options.server)
        )],
        ..Table::default()
    })
}

fn requests(options: &Options) -> Result<Vec<Request>> {
    let folder = tempfile::tempdir()?;
    let template = folder.path().join("template.toml");
    fs::write(&template, TEMPLATE)?;
    let template = template.display().to_string();
    let prompt = Prompt::open(&PromptConfig { template, max_tokens: options.tokens, ..PromptConfig::default() })?;
    let base = KnowledgeBase::built_in()?;
    let screen = Screen::new(&base);
    let mut requests = Vec::new();
    // The first is for warming up.
    for page in base.pages().take(options.statements + 1) {
        let statement = screen.admit(&page.name).map_err(|reason| format!("{}: {reason}", page.name))?;
        requests.push(prompt.request(&statement, &base.passages(&statement), &[])?);
    }
    Ok(requests)
}

/// The rates, and the tokens of the prompt.
fn ask_here(model: &Gguf, request: &Request) -> Result<(Rates, u64)> {
    let start = Instant::now();
    let mut first = None;
    let answer = model.stream(request, &mut |_| {
        first.get_or_insert_with(|| start.elapsed());
    })?;
    let first = first.ok_or("no answer")?;
    let writing = start.elapsed() - first;
    let rates =
        [answer.usage.input as f64 / first.as_secs_f64(), (answer.usage.output - 1) as f64 / writing.as_secs_f64()];
    Ok((rates, answer.usage.input))
}

impl Server {
    fn start(options: &Options) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let threads = options.common.threads.to_string();
        let mut command = Command::new(&options.server);
        command.arg("--model").arg(&options.model).args(["--host", "127.0.0.1", "--port", &port]);
        command.args(["--threads", &threads, "--threads-batch", &threads, "--parallel", "1", "--ctx-size", CONTEXT]);
        // Its libraries lie beside it.
        if let Some(folder) = options.server.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            command.env("LD_LIBRARY_PATH", folder);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("{}: {error}", options.server.display()))?;
        let agent = Agent::config_builder().http_status_as_error(true).build().new_agent();
        let mut server = Self { child, agent, url: format!("http://127.0.0.1:{port}") };
        let start = Instant::now();
        while server.agent.get(format!("{}/health", server.url)).call().is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{} ended: {status}", options.server.display()).into());
            }
            if start.elapsed() > PATIENCE {
                return Err("the server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    /// The rates that the server says itself, so that nothing is lost on the way.
    fn ask(&self, request: &Request, tokens: u32) -> Result<Rates> {
        let body = json!({
            "messages": [
                { "role": "system", "content": request.system() },
                { "role": "user", "content": request.user() },
            ],
            "max_tokens": tokens,
            "temperature": 0,
            "cache_prompt": false,
        });
        let mut response = self.agent.post(format!("{}/v1/chat/completions", self.url)).send(body.to_string())?;
        let json: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
        let rate = |key: &str| json.pointer(&format!("/timings/{key}")).and_then(Value::as_f64).ok_or("no timings");
        Ok([rate("prompt_per_second")?, rate("predicted_per_second")?])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn version(server: &Path) -> String {
    let output =
        Command::new(server).arg("--version").env("LD_LIBRARY_PATH", server.parent().unwrap_or(server)).output();
    let text = output.map(|output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
    let text = text.unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("version: ")).unwrap_or("of an unknown version").to_owned()
}
