//! Texts as terms: what two texts on the same have in common.

use rust_stemmers::{Algorithm, Stemmer};

use crate::words::words;

/// Words too frequent to tell one text from another.
const STOP_WORDS: &[&str] = &[
    "a",
    "about",
    "after",
    "again",
    "all",
    "also",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "both",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "doe",
    "during",
    "each",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "her",
    "here",
    "him",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "itself",
    "may",
    "me",
    "might",
    "mostly",
    "must",
    "my",
    "no",
    "nor",
    "not",
    "of",
    "often",
    "on",
    "or",
    "other",
    "our",
    "she",
    "should",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "to",
    "too",
    "typically",
    "usually",
    "very",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
    "ecg",
    "electrocardiogram",
    "tracing",
    "shown",
    "show",
    "seen",
    "see",
    "reflected",
    "reflect",
    "look",
    "called",
    "mean",
    "patient",
    "like",
    "appear",
    "meant",
    "say",
    "said",
    "named",
    "recognised",
    "recognise",
    "told",
    "tell",
    "reported",
    "happened",
    "happen",
];

/// Other words for the same.
const SYNONYMS: [(&str, &str); 25] = [
    ("bpm", "beat"),
    ("min", "minute"),
    ("precordial", "chest"),
    ("pathological", "abnormal"),
    ("pathologic", "abnormal"),
    ("isoelectric", "baseline"),
    ("wide", "broad"),
    ("widened", "broad"),
    ("upside", "inverted"),
    ("negative", "inverted"),
    ("upright", "positive"),
    ("pacing", "pacemaker"),
    ("paced", "pacemaker"),
    ("stimulus", "spike"),
    ("extrasystole", "premature"),
    ("early", "premature"),
    ("long", "prolonged"),
    ("lengthened", "prolonged"),
    ("fast", "rapid"),
    ("enlarged", "enlargement"),
    ("atria", "atrial"),
    ("ventricle", "ventricular"),
    ("thickened", "hypertrophy"),
    ("overloaded", "overload"),
    ("nodal", "junctional"),
];

/// The terms of a text in its order: words in one spelling, without the most frequent ones, reduced to their stems.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    let kept = words(text).into_iter().filter(|word| !STOP_WORDS.contains(&word.text.as_str()));
    kept.map(|word| {
        let synonym = SYNONYMS.iter().find(|(other, _)| *other == word.text);
        stemmer.stem(synonym.map_or(word.text.as_str(), |(_, term)| term)).into_owned()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_say_the_same_share_their_terms() {
        assert_eq!(terms("How is the PR interval prolonged in infarctions?"), ["pr", "interv", "prolong", "infarct"]);
        assert_eq!(terms("pathological Q-waves"), terms("abnormal Q wave"));
        assert_eq!(terms("wide QRS complexes"), terms("a broad QRS complex"));
    }
}
