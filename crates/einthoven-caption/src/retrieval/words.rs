//! Search for words: BM25.

use std::collections::HashMap;

use super::terms;

/// How fast more of the same word stops to count.
const K1: f64 = 1.2;
/// How much a long text is held against it.
const B: f64 = 0.75;

/// The texts by their terms, ranked by BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009).
#[derive(Debug)]
pub(super) struct Words {
    /// By term: the texts that have it, and how often.
    postings: HashMap<String, Vec<(usize, u32)>>,
    lengths: Vec<usize>,
    mean: f64,
}

impl Words {
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut postings: HashMap<String, Vec<(usize, u32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (index, text) in texts.enumerate() {
            let terms = terms(text);
            lengths.push(terms.len());
            for term in terms {
                let texts = postings.entry(term).or_default();
                match texts.last_mut() {
                    Some((last, count)) if *last == index => *count += 1,
                    _ => texts.push((index, 1)),
                }
            }
        }
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64;
        Self { postings, lengths, mean }
    }

    /// The `k` best texts, the best first, without those that share no term; of equals, the earlier.
    pub fn search(&self, query: &str, k: usize) -> Vec<usize> {
        let mut asked = terms(query);
        asked.sort_unstable();
        asked.dedup();
        let mut scores = vec![0.0; self.lengths.len()];
        for texts in asked.iter().filter_map(|term| self.postings.get(term)) {
            let (total, having) = (self.lengths.len() as f64, texts.len() as f64);
            let rarity = ((total - having + 0.5) / (having + 0.5)).ln_1p();
            for &(index, count) in texts {
                let count = f64::from(count);
                let length = self.lengths[index] as f64 / self.mean;
                scores[index] += rarity * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
            }
        }
        let mut found: Vec<usize> = (0..scores.len()).filter(|&index| scores[index] > 0.0).collect();
        found.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        found.truncate(k);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_and_short_texts_come_first() {
        let words = Words::new(["the P wave", "P wave and flutter wave", "wave after wave after wave", ""].into_iter());
        assert_eq!(words.search("flutter waves", 9), [1, 2, 0]);
        assert_eq!(words.search("flutter waves", 1), [1]);
        assert!(words.search("delta", 9).is_empty() && words.search("", 9).is_empty());
    }
}
