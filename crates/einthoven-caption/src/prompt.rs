//! What is said to a language model: templates, and the requests made of them.

use std::path::{Path, PathBuf};

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::hash::Hash;
use crate::model::Usage;
use crate::{Error, Result, Statement};

/// The prompts that come with the program.
const BUILT_IN: [(&str, &str); 1] = [("esi", include_str!("../../../prompts/assistant/esi.toml"))];

/// Bytes of a token of English text, about.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens of a usual answer: 25 to 60 words.
const USUAL_ANSWER: u64 = 80;

/// A text that a request carries beside its question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// The page that it is from.
    pub page: String,
    /// The section.
    pub section: String,
    /// The text.
    pub text: String,
}

/// How an answer should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptConfig {
    /// The template: the name of one that comes with the program, or a TOML file.
    pub template: String,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// How freely the model chooses its words, from 0.
    pub temperature: f32,
    /// Whether the answer comes as JSON that the server keeps to a schema.
    pub json: bool,
}

impl Default for PromptConfig {
    fn default() -> Self {
        Self { template: "esi".to_owned(), max_tokens: 200, temperature: 0.0, json: false }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    #[serde(rename = "about")]
    _about: String,
    system: String,
    user: String,
}

/// What a template may ask for.
#[derive(Serialize)]
struct Values<'a> {
    statement: &'a str,
    passages: &'a [Passage],
    json: bool,
    faults: &'a [String],
}

/// A prompt that is ready to be filled in.
#[derive(Debug)]
pub struct Prompt {
    config: PromptConfig,
    path: PathBuf,
    environment: Environment<'static>,
    version: String,
}

/// A question to a language model.
///
/// Only a [`Prompt`] makes requests, and it takes a [`Statement`]: whatever else is known of a recording or a patient
/// has no way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    statement: Statement,
    system: String,
    user: String,
    max_tokens: u32,
    temperature: f32,
    schema: Option<serde_json::Value>,
}

impl Prompt {
    /// The prompt of a configuration.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Prompt`] for a template that cannot be read or filled in.
    pub fn open(config: &PromptConfig) -> Result<Self> {
        let path = PathBuf::from(&config.template);
        let wrong = |message: String| Error::Prompt { path: path.clone(), message };
        let text = match BUILT_IN.iter().find(|(name, _)| *name == config.template) {
            Some((_, text)) => (*text).to_owned(),
            None => read(&path)?,
        };
        let template: Template = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut hash = Hash::default();
        for (name, source) in [("system", template.system), ("user", template.user)] {
            hash.add(&source);
            environment.add_template_owned(name, source).map_err(|error| wrong(format!("{error:#}")))?;
        }
        hash.add(config.max_tokens.to_le_bytes()).add(config.temperature.to_le_bytes()).add([u8::from(config.json)]);
        Ok(Self { config: config.clone(), path, environment, version: hash.short() })
    }

    /// A hash of all that shapes a request, 16 hexadecimal digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks how `statement` is reflected in an ECG, with `passages` at hand; `faults` are those of earlier answers.
    ///
    /// # Errors
    /// [`Error::Prompt`] for a template that asks for something else.
    pub fn request(&self, statement: &Statement, passages: &[Passage], faults: &[String]) -> Result<Request> {
        let json = self.config.json;
        let values = Value::from(Serde(Values { statement: statement.as_str(), passages, json, faults }));
        let fill = |name: &str| {
            let filled = self.environment.get_template(name).and_then(|template| template.render(values.clone()));
            let wrong =
                |error: minijinja::Error| Error::Prompt { path: self.path.clone(), message: format!("{error:#}") };
            filled.map(|text| text.trim().to_owned()).map_err(wrong)
        };
        Ok(Request {
            statement: statement.clone(),
            system: fill("system")?,
            user: fill("user")?,
            max_tokens: self.config.max_tokens,
            temperature: self.config.temperature,
            schema: json.then(schema),
        })
    }

    /// The description in an answer's text; none if the answer is not as it was asked for.
    pub(crate) fn description(&self, text: &str) -> Option<String> {
        if !self.config.json {
            return Some(text.trim().to_owned());
        }
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(json.get("description")?.as_str()?.trim().to_owned())
    }
}

impl Request {
    /// The statement that is asked about.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Who the model is to be.
    pub fn system(&self) -> &str {
        &self.system
    }

    /// What it is asked.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The longest answer, in tokens.
    pub fn max_tokens(&self) -> u32 {
        self.max_tokens
    }

    /// How freely it chooses its words.
    pub fn temperature(&self) -> f32 {
        self.temperature
    }

    /// The JSON schema of its answer.
    pub fn schema(&self) -> Option<&serde_json::Value> {
        self.schema.as_ref()
    }

    /// The tokens of the request and of a usual answer, about.
    pub(crate) fn estimate_usual(&self) -> Usage {
        Usage { output: USUAL_ANSWER.min(u64::from(self.max_tokens)), ..self.estimate("") }
    }

    /// The tokens of the request and of `answer`, about.
    pub(crate) fn estimate(&self, answer: &str) -> Usage {
        let tokens = |bytes: usize| (bytes as u64).div_ceil(BYTES_PER_TOKEN);
        Usage { input: tokens(self.system.len() + self.user.len()), output: tokens(answer.len()) }
    }
}

/// The texts of the prompts that come with the program.
pub(crate) fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(_, text)| *text)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn schema() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": { "description": { "type": "string" } },
        "required": ["description"],
        "additionalProperties": false,
    })
}
