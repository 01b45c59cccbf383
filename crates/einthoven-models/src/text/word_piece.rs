//! Training of a WordPiece vocabulary.
//!
//! Pieces are merged by frequency, as the `tokenizers` library does, but with every tie broken the same way:
//! that library numbers its pieces in the order of a randomly seeded hash map, so that two trainings on one
//! text give two vocabularies.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// The prefix of a piece that continues a word.
pub(crate) const CONTINUATION: &str = "##";

/// Pieces less frequent than this are not made.
const MIN_FREQUENCY: u64 = 2;

type Pair = (u32, u32);

/// The pieces of a vocabulary of at most `size` for words with their counts, after the `special` tokens.
///
/// All letters and digits of ASCII (alone and as continuations) and its punctuation are always in it, and so is
/// every character of the words, even if `size` is less.
pub(crate) fn train(words: &BTreeMap<String, u64>, special: &[&str], size: usize) -> Vec<String> {
    let mut trainer = Trainer::new(words, special);
    trainer.merge_until(size);
    trainer.pieces
}

struct Trainer {
    pieces: Vec<String>,
    ids: BTreeMap<String, u32>,
    words: Vec<(Vec<u32>, u64)>,
    counts: BTreeMap<Pair, u64>,
    places: BTreeMap<Pair, BTreeSet<usize>>,
}

impl Trainer {
    fn new(words: &BTreeMap<String, u64>, special: &[&str]) -> Self {
        let mut trainer = Self {
            pieces: Vec::new(),
            ids: BTreeMap::new(),
            words: Vec::new(),
            counts: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        for token in special {
            trainer.add(token);
        }
        let mut alphabet: BTreeSet<String> =
            (b'!'..=b'~').filter(|byte| !byte.is_ascii_uppercase()).map(|byte| char::from(byte).to_string()).collect();
        alphabet.extend((b'0'..=b'9').chain(b'a'..=b'z').map(|byte| format!("{CONTINUATION}{}", char::from(byte))));
        alphabet.extend(words.keys().flat_map(|word| characters(word)));
        for piece in &alphabet {
            trainer.add(piece);
        }
        for (word, &count) in words {
            let spelling = characters(word).map(|piece| trainer.add(&piece)).collect();
            trainer.words.push((spelling, count));
        }
        for index in 0..trainer.words.len() {
            trainer.count_pairs_of(index);
        }
        trainer
    }

    /// The number of `piece`, given now if it is new.
    fn add(&mut self, piece: &str) -> u32 {
        if let Some(&id) = self.ids.get(piece) {
            return id;
        }
        let id = self.pieces.len() as u32;
        self.pieces.push(piece.to_owned());
        self.ids.insert(piece.to_owned(), id);
        id
    }

    fn merge_until(&mut self, size: usize) {
        // Entries go stale when a merge changes a pair's count; the map `counts` is what holds.
        let mut queue: BinaryHeap<(u64, Reverse<Pair>)> =
            self.counts.iter().map(|(&pair, &count)| (count, Reverse(pair))).collect();
        while self.pieces.len() < size {
            let Some((count, Reverse(pair))) = queue.pop() else { break };
            if self.counts.get(&pair) != Some(&count) {
                continue;
            }
            if count < MIN_FREQUENCY {
                break;
            }
            for changed in self.merge(pair) {
                if let Some(&count) = self.counts.get(&changed) {
                    queue.push((count, Reverse(changed)));
                }
            }
        }
    }

    /// Joins every occurrence of `pair` and returns the pairs whose counts have changed.
    fn merge(&mut self, pair: Pair) -> BTreeSet<Pair> {
        let (left, right) = (&self.pieces[pair.0 as usize], &self.pieces[pair.1 as usize]);
        let joined = format!("{left}{}", right.strip_prefix(CONTINUATION).unwrap_or(right));
        let joined = self.add(&joined);
        let mut changed = BTreeSet::new();
        for index in self.places.get(&pair).cloned().unwrap_or_default() {
            changed.extend(self.forget_pairs_of(index));
            let spelling = &mut self.words[index].0;
            let mut merged = Vec::with_capacity(spelling.len());
            let mut rest = spelling.as_slice();
            while let Some((&first, after)) = rest.split_first() {
                if first == pair.0 && after.first() == Some(&pair.1) {
                    merged.push(joined);
                    rest = &after[1..];
                } else {
                    merged.push(first);
                    rest = after;
                }
            }
            *spelling = merged;
            changed.extend(self.count_pairs_of(index));
        }
        changed
    }

    fn count_pairs_of(&mut self, index: usize) -> Vec<Pair> {
        let (spelling, count) = &self.words[index];
        let pairs: Vec<Pair> = spelling.windows(2).map(|pair| (pair[0], pair[1])).collect();
        for &pair in &pairs {
            *self.counts.entry(pair).or_default() += count;
            self.places.entry(pair).or_default().insert(index);
        }
        pairs
    }

    fn forget_pairs_of(&mut self, index: usize) -> Vec<Pair> {
        let (spelling, count) = &self.words[index];
        let pairs: Vec<Pair> = spelling.windows(2).map(|pair| (pair[0], pair[1])).collect();
        for pair in &pairs {
            if let Some(total) = self.counts.get_mut(pair) {
                *total -= count;
                if *total == 0 {
                    self.counts.remove(pair);
                }
            }
            if let Some(places) = self.places.get_mut(pair) {
                places.remove(&index);
            }
        }
        pairs
    }
}

/// The characters of a word as pieces: the first as it is, the others as continuations.
fn characters(word: &str) -> impl Iterator<Item = String> + '_ {
    word.chars().enumerate().map(|(index, character)| match index {
        0 => character.to_string(),
        _ => format!("{CONTINUATION}{character}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        list.iter().map(|&(word, count)| (word.to_owned(), count)).collect()
    }

    #[test]
    fn frequent_pairs_become_pieces_in_order_of_frequency() {
        let words = words(&[("sinus", 9), ("rhythm", 9), ("sin", 3), ("us", 1)]);
        let alphabet = train(&words, &["[PAD]"], 0);
        assert_eq!(alphabet[0], "[PAD]");
        assert!(alphabet.iter().any(|piece| piece == "##x"));
        let pieces = train(&words, &["[PAD]"], alphabet.len() + 3);
        let merged = &pieces[alphabet.len()..];
        assert_eq!(&pieces[..alphabet.len()], &alphabet[..]);
        assert_eq!(merged[0], "##in", "12 occurrences, the smaller numbers of two equals first");
        assert_eq!(merged.len(), 3);
        let all = train(&words, &[], 10_000);
        for whole in ["sinus", "rhythm", "sin"] {
            assert!(all.iter().any(|piece| piece == whole), "{whole} not in {all:?}");
        }
        assert!(!all.iter().any(|piece| piece == "us"), "a piece seen once is not made");
    }

    #[test]
    fn overlapping_pairs_merge_from_the_left() {
        let pieces = train(&words(&[("aaaa", 5)]), &[], 10_000);
        for piece in ["##aa", "aaaa"] {
            assert!(pieces.iter().any(|p| p == piece), "{piece} not in {pieces:?}");
        }
    }
}
