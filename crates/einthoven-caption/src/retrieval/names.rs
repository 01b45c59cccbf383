//! Questions that name a page.

use std::collections::HashMap;

use super::terms;

/// The pages by the terms of their names and synonyms.
#[derive(Debug, Default)]
pub(super) struct Names {
    pages: HashMap<Vec<String>, usize>,
    /// What an abbreviation stands for: `af` for `atrial fibrillation`.
    spelt_out: HashMap<String, String>,
}

impl Names {
    /// The names of a page, as titles have them: separated by semicolons.
    pub fn add(&mut self, title: &str, page: usize) {
        for name in title.split(';') {
            self.pages.entry(terms(name)).or_insert(page);
            let name = name.trim();
            let is_short = (2..=5).contains(&name.len()) && name.chars().all(|c| c.is_ascii_uppercase());
            if let (true, Some(full)) = (is_short, title.split(';').next()) {
                self.spelt_out.entry(name.to_lowercase()).or_insert_with(|| full.to_owned());
            }
        }
    }

    /// The question, followed by what its abbreviations stand for.
    pub fn spelt_out(&self, question: &str) -> String {
        let lower = question.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric());
        let full = words.filter_map(|word| self.spelt_out.get(word).map(String::as_str));
        std::iter::once(question).chain(full).collect::<Vec<_>>().join(" ")
    }

    /// The pages whose names make up at least half of the question's terms, the longest name first.
    pub fn named(&self, question: &str) -> Vec<usize> {
        let asked = terms(question);
        let mut found: Vec<(usize, usize)> = Vec::new();
        for start in 0..asked.len() {
            for end in (start + 1)..=asked.len() {
                let is_half = 2 * (end - start) >= asked.len();
                let page = self.pages.get(&asked[start..end]).filter(|_| is_half);
                found.extend(page.map(|&page| (end - start, page)));
            }
        }
        found.sort_by_key(|&(length, _)| std::cmp::Reverse(length));
        let mut pages: Vec<usize> = Vec::new();
        for (_, page) in found {
            if !pages.contains(&page) {
                pages.push(page);
            }
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_the_names_that_a_question_is_about() {
        let mut names = Names::default();
        names.add("atrial flutter; AFL", 0);
        names.add("flutter; flutter waves", 1);
        assert_eq!(names.named("How is atrial flutter reflected in ECG?"), [0, 1]);
        assert_eq!(names.named("What does AFL look like?"), [0]);
        assert!(names.named("Why does the AFL of this man come and go so often at night?").is_empty());
        assert!(names.named("").is_empty());
        assert_eq!(names.spelt_out("Is it AFL?"), "Is it AFL? atrial flutter");
    }
}
