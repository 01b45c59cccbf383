//! Texts as words.

/// The words of a text: lower case, each a run of letters and digits; all else divides and is dropped.
///
/// "ST-elevation in V1, 2.5 mm." is `st elevation in v1 2 5 mm`. Of ASCII text it makes what the tokeniser of Google's
/// `rouge-score` makes.
pub fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// How often each run of `length` words occurs, in the order of the runs.
pub(super) fn n_grams(words: &[String], length: usize) -> std::collections::BTreeMap<&[String], u64> {
    let mut counts = std::collections::BTreeMap::new();
    for run in words.windows(length) {
        *counts.entry(run).or_default() += 1;
    }
    counts
}
