//! How a conversation is written down for a model.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;

use super::file::File;
use super::vocabulary::Vocabulary;
use crate::Result;

/// Steps that a template may take: the longest known take a few hundred.
const FUEL: u64 = 100_000;

/// A file's chat template.
pub(super) struct Chat {
    /// None if the file has no template: its model only continues texts.
    environment: Option<Environment<'static>>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: &'a str,
}

impl Chat {
    /// The template of a file.
    ///
    /// # Errors
    /// [`Error::Gguf`](crate::Error::Gguf) for one that is not valid.
    pub fn open(file: &File) -> Result<Self> {
        let Some(template) = file.text("tokenizer.chat_template") else { return Ok(Self { environment: None }) };
        // As the libraries do for which templates are written.
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| file.wrong(error.to_string()))?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> std::result::Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        let added = environment.add_template_owned("chat", template.to_owned());
        added.map_err(|error| file.wrong(format!("the chat template is not valid: {error:#}")))?;
        Ok(Self { environment: Some(environment) })
    }

    /// The conversation up to where the answer begins. Where a template knows no system role, the question begins with what that would say.
    ///
    /// # Errors
    /// What the template says.
    pub fn write(&self, vocabulary: &Vocabulary, system: &str, user: &str) -> std::result::Result<String, String> {
        let (system, user) = (vocabulary.plain(system), vocabulary.plain(user));
        let both = format!("{system}\n\n{user}");
        let Some(environment) = &self.environment else { return Ok(format!("{both}\n\n")) };
        let fill = |messages: &[Message<'_>]| {
            environment.get_template("chat")?.render(context! {
                messages => Value::from(Serde(messages)),
                bos_token => vocabulary.begin(),
                eos_token => vocabulary.end(),
                add_generation_prompt => true,
            })
        };
        let question = Message { role: "user", content: &user };
        fill(&[Message { role: "system", content: &system }, question])
            .or_else(|_| fill(&[Message { role: "user", content: &both }]))
            .map_err(|error| format!("the chat template: {error:#}"))
    }
}
