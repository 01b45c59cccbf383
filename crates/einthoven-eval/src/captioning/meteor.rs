//! A METEOR for ECG captions, after Banerjee and Lavie (ACL workshop 2005).
//!
//! Words are aligned in stages: those that are the same, then those of one stem (Porter's second stemmer for English), each
//! from the last word to the first. Synonyms are the knowledge base's: before aligning, each name of a concept is
//! [spelt out](Synonyms::spell_out) as the concept's main name, so that "AF" is "atrial fibrillation". With precision P and
//! recall R of the m aligned words in c runs, the score is `P·R / (0.9·P + 0.1·R) · (1 − 0.5·(c/m)³)`.
//!
//! METEOR 1.5 (Denkowski and Lavie 2014) differs: it takes synonyms from WordNet and paraphrases from tables, weighs the stages and
//! function words, searches for the alignment of fewest runs, and has parameters tuned to human judgement (α 0.85, β 0.2,
//! γ 0.6, δ 0.75). Figures of the two must not be compared. Without synonyms, this is NLTK's `meteor_score`.

use std::collections::HashMap;

use einthoven_caption::KnowledgeBase;
use rust_stemmers::{Algorithm, Stemmer};

use super::words::words;

const ALPHA: f64 = 0.9;
const BETA: i32 = 3;
const GAMMA: f64 = 0.5;

/// The names of concepts, each with the main one.
#[derive(Clone, Debug, Default)]
pub struct Synonyms {
    names: HashMap<Vec<String>, Vec<String>>,
    /// Words of the longest name.
    longest: usize,
}

impl Synonyms {
    /// The names that the pages of a knowledge base give.
    pub fn new(base: &KnowledgeBase) -> Self {
        let mut names = HashMap::new();
        for page in base.pages() {
            let main = words(&page.name);
            for synonym in &page.synonyms {
                names.entry(words(synonym)).or_insert_with(|| main.clone());
            }
        }
        // What is one concept's main name stays itself, also where it is another one's synonym.
        for page in base.pages() {
            names.insert(words(&page.name), words(&page.name));
        }
        names.remove(&Vec::new());
        let longest = names.keys().map(Vec::len).max().unwrap_or(0);
        Self { names, longest }
    }

    /// The words with each name of a concept replaced by its main name; of names that overlap, the earlier, then the longer
    /// one counts.
    pub fn spell_out(&self, words: &[String]) -> Vec<String> {
        let mut spelt = Vec::with_capacity(words.len());
        let mut rest = words;
        while let Some(word) = rest.first() {
            let longest = self.longest.min(rest.len());
            let found = (1..=longest).rev().find_map(|length| Some((length, self.names.get(&rest[..length])?)));
            match found {
                Some((length, main)) => {
                    spelt.extend_from_slice(main);
                    rest = &rest[length..];
                }
                None => {
                    spelt.push(word.clone());
                    rest = &rest[1..];
                }
            }
        }
        spelt
    }
}

/// The score of words against those of the reference that fits best, from 0 to 1.
pub fn meteor(generated: &[String], references: &[Vec<String>]) -> f64 {
    references.iter().map(|reference| score(generated, reference)).fold(0.0, f64::max)
}

fn score(generated: &[String], reference: &[String]) -> f64 {
    let aligned = align(generated, reference);
    if aligned.is_empty() {
        return 0.0;
    }
    let matches = aligned.len() as f64;
    let (precision, recall) = (matches / generated.len() as f64, matches / reference.len() as f64);
    let mean = precision * recall / (ALPHA * precision + (1.0 - ALPHA) * recall);
    let follows = |pair: &[(usize, usize)]| pair[1].0 == pair[0].0 + 1 && pair[1].1 == pair[0].1 + 1;
    let runs = 1 + aligned.windows(2).filter(|pair| !follows(pair)).count();
    mean * (1.0 - GAMMA * (runs as f64 / matches).powi(BETA))
}

/// The places of aligned words in both texts, in the order of the first.
fn align(generated: &[String], reference: &[String]) -> Vec<(usize, usize)> {
    let stemmer = Stemmer::create(Algorithm::English);
    let stems = |words: &[String]| words.iter().map(|word| stemmer.stem(word).into_owned()).collect::<Vec<_>>();
    let (mut free, mut free_of_reference) = (vec![true; generated.len()], vec![true; reference.len()]);
    let mut aligned = Vec::new();
    for (words, others) in [(generated, reference), (&stems(generated), &stems(reference))] {
        for place in (0..words.len()).rev() {
            let same = |&other: &usize| free_of_reference[other] && words[place] == others[other];
            if free[place]
                && let Some(other) = (0..others.len()).rev().find(same)
            {
                aligned.push((place, other));
                (free[place], free_of_reference[other]) = (false, false);
            }
        }
    }
    aligned.sort_unstable();
    aligned
}
