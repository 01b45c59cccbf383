//! What can be typed after `einthoven caption`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The commands below `caption`.
#[derive(Debug, Subcommand)]
pub enum Caption {
    /// Ask about every distinct statement of a dataset once, judge the answers, and store them
    #[command(after_help = "Examples:
  einthoven caption build experiments/simulated.toml
  einthoven caption build --dataset ptb-xl --root ptb-xl --model openai:gpt-4o-mini --dry-run
  einthoven caption build --dataset simulated --model openai:qwen3 --base-url http://localhost:8080/v1
  einthoven caption build --dataset simulated --model gguf:models/gemma-3-270m-it-Q8_0.gguf

Without a model the knowledge base composes the descriptions. Statements that hold a name, a date or a number that may
identify someone are sent to no model. A build that was ended goes on where it was. Keys are read from OPENAI_API_KEY
and ANTHROPIC_API_KEY. An experiment takes its descriptions from the store with
  [data.caption]
  descriptions = \"store\"
  store = { path = \"captions\" }")]
    Build(Build),
    /// Show what the descriptions of a store are worth: coverage, faults, diversity, length, cost
    Audit(Audit),
    /// Take the descriptions of other stores into a store
    Merge(Merge),
    /// Make or renew an index of knowledge pages and of your own texts, so that questions find their passages
    #[command(after_help = "Examples:
  einthoven caption index
  einthoven caption index ward-index --documents notes/ --encoder models/all-MiniLM-L6-v2
  einthoven caption index ward-index --server http://localhost:8080/v1 --model bge-small

Only passages that are new to the folder are encoded. A server's key is read from OPENAI_API_KEY.")]
    Index(Index),
    /// Answer a question with the passages that fit it best, and name their sources
    #[command(after_help = "Examples:
  einthoven caption ask \"How is atrial flutter reflected in ECG?\"
  einthoven caption ask \"What do delta waves mean?\" --index ward-index --json
  einthoven caption ask \"When is a Q wave pathological?\" --rerank models/ms-marco-MiniLM-L6-v2")]
    Ask(Ask),
}

/// Options of `caption build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The experiment whose dataset is described
    #[arg(required_unless_present = "dataset", conflicts_with = "dataset")]
    pub experiment: Option<PathBuf>,
    /// The dataset, by name or card
    #[arg(long)]
    pub dataset: Option<String>,
    /// Where the dataset lies
    #[arg(long, requires = "dataset")]
    pub root: Option<PathBuf>,
    /// Describe all statements of a record together, not each by itself
    #[arg(long, requires = "dataset")]
    pub combinations: bool,
    /// Folder of the store [default: the experiment's, or captions]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Who describes: knowledge, openai:NAME (any server with OpenAI's API), anthropic:NAME or gguf:FILE (a model run here) [default: knowledge]
    #[arg(long)]
    pub model: Option<String>,
    /// Where the server's API begins, such as http://localhost:8080/v1
    #[arg(long)]
    pub base_url: Option<String>,
    /// A TOML file with the tables model and prompt
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Change one key of that configuration, such as model.in_flight=4 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Say what there is to ask and what it will cost, and ask nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `caption audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Folder of the store
    pub store: PathBuf,
    /// The beginning of an origin's id, where the store has several
    #[arg(long)]
    pub origin: Option<String>,
    /// Write the HTML page here
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `caption merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// Folder of the store that grows
    pub into: PathBuf,
    /// Folders of the others
    #[arg(required = true)]
    pub from: Vec<PathBuf>,
}

/// Options of `caption index`.
#[derive(Debug, Args)]
pub struct Index {
    /// Folder of the index
    #[arg(default_value = "knowledge-index")]
    pub folder: PathBuf,
    /// A folder of knowledge pages [default: those that come with the program]
    #[arg(long)]
    pub knowledge: Option<PathBuf>,
    /// A text of your own, or a folder of them: Markdown, plain text, HTML or PDF (repeatable)
    #[arg(long, value_name = "PATH")]
    pub documents: Vec<PathBuf>,
    /// A folder with a sentence encoder: config.json, tokenizer.json, model.safetensors
    #[arg(long, value_name = "FOLDER", conflicts_with = "server")]
    pub encoder: Option<PathBuf>,
    /// Where the API of a server with OpenAI's embeddings begins
    #[arg(long, value_name = "URL", requires = "model")]
    pub server: Option<String>,
    /// The server's model
    #[arg(long, requires = "server")]
    pub model: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `caption ask`.
#[derive(Debug, Args)]
pub struct Ask {
    /// The question
    pub question: String,
    /// Folder of an index [default: the knowledge pages that come with the program, searched by words]
    #[arg(long)]
    pub index: Option<PathBuf>,
    /// A folder with a cross-encoder, which reads the best passages once more beside the question: config.json, tokenizer.json,
    /// model.safetensors
    #[arg(long, value_name = "FOLDER")]
    pub rerank: Option<PathBuf>,
    /// Passages that are shown
    #[arg(long, default_value_t = 3)]
    pub top: usize,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
