//! A model in a GGUF file, run here.
//!
//! Architecture, vocabulary, chat template and the tokens that end an answer are all taken from the file.

mod attention;
mod blocks;
mod chat;
mod choice;
mod file;
mod kernel;
mod maths;
mod matrix;
mod network;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use einthoven_random::Streams;

use self::chat::Chat;
use self::choice::Choice;
use self::file::File;
use self::network::{Network, Thread};
use self::vocabulary::Vocabulary;
use super::limiter::lock;
use super::meter::Meter;
use super::{Answer, Finish, LanguageModel, Prices, Traffic, Usage};
use crate::hash::Hash;
use crate::{Error, Request, Result};

/// What nothing costs.
const FREE: Prices = Prices { input: 0.0, output: 0.0 };

/// A language model in a GGUF file (architectures `llama` and `gemma3`), run on the processor by rayon's threads.
///
/// Weights stay as the file has them, down to 4 bits; what is multiplied with them is rounded to 8 bits, in groups of 32, and what is stored
/// as F32, F16 or BF16 likewise. The same file, request and seed give the same answer, at any number of threads. The beginning that a
/// request has in common with the one before it, such as the system's part, is not read again.
///
/// A file without a chat template holds a model that only continues texts; it is given the request as one.
pub struct Gguf {
    name: String,
    path: PathBuf,
    vocabulary: Vocabulary,
    chat: Chat,
    network: Network,
    thread: Mutex<Thread>,
    streams: Streams,
    meter: Meter,
    stop: Arc<AtomicBool>,
}

impl fmt::Debug for Gguf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gguf").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Gguf {
    /// Opens a file; `seed` is that of answers at a temperature above zero. When `stop` becomes true, answers end with [`Error::Stopped`].
    ///
    /// # Errors
    /// [`Error::Read`] for a file that cannot be read, [`Error::Gguf`] for one that is cut, contradicts itself, or holds another kind of model.
    pub fn open(path: impl AsRef<Path>, seed: u64, stop: Arc<AtomicBool>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path)?;
        let vocabulary = Vocabulary::open(&file)?;
        let chat = Chat::open(&file)?;
        let network = Network::open(&file, vocabulary.size())?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut hash = Hash::default();
        Ok(Self {
            // Whatever it is called: answers are kept under the model that gave them.
            name: format!("gguf:{stem}@{}", hash.add(file.bytes()).short()),
            path: path.to_owned(),
            thread: Mutex::new(network.thread()),
            vocabulary,
            chat,
            network,
            streams: Streams::new(seed),
            meter: Meter::new(Some(FREE), None),
            stop,
        })
    }

    /// Answers a request; `say` is given each piece of the text as it comes.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::Gguf`] for a chat template that cannot be filled in, [`Error::Stopped`].
    pub fn stream(&self, request: &Request, say: &mut (dyn FnMut(&str) + Send)) -> Result<Answer> {
        let wrong = |message| Error::Gguf { path: self.path.clone(), message };
        let text = self.chat.write(&self.vocabulary, request.system(), request.user()).map_err(wrong)?;
        let prompt = self.vocabulary.encode(&text).map_err(wrong)?;
        let context = self.network.context();
        if prompt.is_empty() || prompt.len() >= context {
            return Err(Error::TooLong { path: self.path.clone(), tokens: prompt.len(), context });
        }
        self.meter.begin(Usage::default())?;
        let mut guard = lock(&self.thread);
        let thread = &mut *guard;
        // Among rayon's threads, so that no step has to wake them from outside.
        let answer = rayon::scope(|_| self.write(thread, request, &prompt, say));
        let failure = answer.is_err().then_some("stopped");
        self.meter.end(Usage::default(), answer.as_ref().map_or(Usage::default(), |answer| answer.usage), failure);
        answer
    }

    fn write(
        &self,
        thread: &mut Thread,
        request: &Request,
        prompt: &[u32],
        say: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Answer> {
        let go_on = || !self.stop.load(Ordering::Relaxed);
        let longest = (request.max_tokens() as usize).min(self.network.context() - prompt.len());
        let mut choice = Choice::new(request.temperature(), &self.streams, prompt);
        let mut writer = self.vocabulary.writer();
        let (mut text, mut written, mut finish) = (String::new(), 0, Finish::Length);
        let held = thread.keep(prompt);
        let mut logits = self.network.read(thread, &prompt[held..], go_on).ok_or(Error::Stopped)?;
        while written < longest {
            let token = choice.next(&logits);
            written += 1;
            if self.vocabulary.ends(token) {
                finish = Finish::Stop;
                break;
            }
            let piece = writer(token).map_err(|message| Error::Gguf { path: self.path.clone(), message })?;
            say(&piece);
            text.push_str(&piece);
            if written < longest {
                logits = self.network.read(thread, &[token], go_on).ok_or(Error::Stopped)?;
            }
        }
        Ok(Answer { text, usage: Usage { input: prompt.len() as u64, output: written as u64 }, finish })
    }
}

impl LanguageModel for Gguf {
    fn name(&self) -> &str {
        &self.name
    }

    fn answer(&self, request: &Request) -> Result<Answer> {
        self.stream(request, &mut |_| ())
    }

    fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    fn prices(&self) -> Option<Prices> {
        Some(FREE)
    }
}
