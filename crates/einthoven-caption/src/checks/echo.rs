//! Answers that repeat the prompt.

use std::collections::HashSet;

use super::Fault;
use super::language::Language;
use super::text::{Clause, clauses, quote, words};
use crate::prompt;

/// So many words in a row are no chance.
const LENGTH: usize = 5;
/// As many of them may be words of descriptions: "P waves, PR interval and QRS complexes" is not the prompt's alone.
const MOST_DESCRIPTIVE: usize = 2;

/// What the prompts that come with the program say.
#[derive(Debug)]
pub(super) struct Echo(HashSet<String>);

impl Echo {
    pub fn new(language: &Language) -> Self {
        let mut runs = HashSet::new();
        for clause in prompt::built_in().flat_map(clauses) {
            let words = words(&clause);
            let is_own = |run: &&[&str]| run.iter().filter(|word| language.describes(word)).count() <= MOST_DESCRIPTIVE;
            runs.extend(words.windows(LENGTH).filter(is_own).map(|run| run.join(" ")));
        }
        Self(runs)
    }

    /// The fault of an answer that repeats them.
    pub fn fault(&self, answer: &[Clause]) -> Option<Fault> {
        let repeats = |clause: &&Clause| words(clause).windows(LENGTH).any(|run| self.0.contains(&run.join(" ")));
        answer.iter().find(repeats).map(|clause| Fault::LeakedPrompt { said: quote(clause) })
    }
}
