//! What may leave the machine: statements that cannot identify anyone.

use std::collections::HashSet;
use std::fmt;

use crate::words::words;
use crate::{KnowledgeBase, Section};

/// Bytes of the longest statement; more is a letter, not a statement.
const LONGEST: usize = 400;

const MONTHS: [&str; 23] = [
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
];

/// Units that two numbers in a row may belong to: `100-120 ms`.
const UNITS: [&str; 10] = ["ms", "msec", "s", "sec", "mm", "mv", "bpm", "/min", "degrees", "%"];

/// A statement that has passed a [`Screen`]. Requests hold nothing else about a recording.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement(String);

impl Statement {
    /// The statement, white space made single.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a statement is withheld from language models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withheld {
    /// It says nothing.
    Empty,
    /// It is too long for a statement.
    Long,
    /// It holds a date or a time of day.
    Date,
    /// It holds a number that may be an identifier or a telephone number.
    Number,
    /// It holds a sign that statements do not need, such as `@`.
    Sign,
    /// It holds a word that the knowledge base does not know: a name, perhaps.
    Word,
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "says nothing",
            Self::Long => "too long for a statement",
            Self::Date => "holds a date or a time of day",
            Self::Number => "holds a number that may identify someone",
            Self::Sign => "holds a sign that statements do not need",
            Self::Word => "holds a word unknown to the knowledge base, perhaps a name",
        })
    }
}

/// Lets statements pass that cannot identify anyone.
///
/// A statement passes if every word of it is one that the pages of the knowledge base use, or a part of a concept's
/// name: a person's name is neither, even where it is an eponym's ("Wolff-Parkinson-White" passes, "Mr White" does
/// not). Numbers may have three digits; dates, times, telephone numbers, and identifiers are held back.
#[derive(Clone, Debug)]
pub struct Screen<'k> {
    base: &'k KnowledgeBase,
    known: HashSet<String>,
}

impl<'k> Screen<'k> {
    /// A screen that knows the words of `base`.
    pub fn new(base: &'k KnowledgeBase) -> Self {
        let mut known = HashSet::new();
        for page in base.pages() {
            let texts = Section::ALL.iter().map(|section| page.section(*section));
            for text in texts.chain([page.name.as_str()]).chain(page.synonyms.iter().map(String::as_str)) {
                let common = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| is_common(word));
                known.extend(common.flat_map(words).map(|word| word.text));
            }
        }
        Self { base, known }
    }

    /// The statement, if it may be sent to a language model.
    ///
    /// # Errors
    /// The reason to withhold it.
    pub fn admit(&self, text: &str) -> Result<Statement, Withheld> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.contains(char::is_alphabetic) {
            return Err(Withheld::Empty);
        }
        if text.len() > LONGEST {
            return Err(Withheld::Long);
        }
        let is_plain = |c: char| c.is_alphanumeric() || " -–,.;:/()[]+*'’`\"%<>=≤≥±°&?!~".contains(c);
        if !text.chars().all(is_plain) {
            return Err(Withheld::Sign);
        }
        check_numbers(&text)?;
        let reading = self.base.read(&text);
        let is_known = |word: &String| !word.contains(char::is_alphabetic) || self.known.contains(word);
        if !reading.unknown.iter().all(is_known) {
            return Err(Withheld::Word);
        }
        Ok(Statement(text))
    }
}

/// Whether a word of a page is one of the language, or an abbreviation, and not someone's name.
fn is_common(word: &str) -> bool {
    let mut chars = word.chars();
    let first = chars.next().is_some_and(char::is_uppercase);
    !first || chars.all(|c| !c.is_lowercase())
}

/// Dates, times, and numbers that may identify someone.
fn check_numbers(text: &str) -> Result<(), Withheld> {
    let lower = text.to_lowercase();
    let chunks = lower.split(|c: char| c.is_whitespace() || ",;()[]".contains(c)).filter(|chunk| !chunk.is_empty());
    let chunks: Vec<&str> = chunks.map(|chunk| chunk.trim_matches(['.', '*', '-', '\'', '"', ':'])).collect();
    for (i, chunk) in chunks.iter().enumerate() {
        let word = chunk.trim_matches(|c: char| !c.is_alphabetic());
        if MONTHS.contains(&word) {
            return Err(Withheld::Date);
        }
        // The month of May, and not what may be.
        let after = i.checked_sub(1).and_then(|before| chunks.get(before)).unwrap_or(&"");
        let before = chunks.get(i + 1).unwrap_or(&"");
        if word == "may"
            && (has_digit(chunk) || has_digit(before) || has_digit(after) || ["of", "in", "since"].contains(after))
        {
            return Err(Withheld::Date);
        }
        let groups: Vec<&str> = chunk.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
        if chunk.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()) || groups.iter().any(|group| group.len() > 3) {
            return Err(Withheld::Number);
        }
        let between = |separator: char| {
            chunk.split(separator).zip(chunk.split(separator).skip(1)).filter(|(left, right)| {
                left.ends_with(|c: char| c.is_ascii_digit()) && right.starts_with(|c: char| c.is_ascii_digit())
            })
        };
        let joints = between('/').count() + between('-').count() + between('.').count();
        let is_time = between(':').any(|(_, right)| right.chars().take_while(char::is_ascii_digit).count() > 1);
        if joints > 1 || between('/').count() > 0 || is_time {
            return Err(Withheld::Date);
        }
    }
    check_runs(&chunks)
}

/// Numbers in a row: a telephone number, unless they are two with a unit.
fn check_runs(chunks: &[&str]) -> Result<(), Withheld> {
    let is_number = |chunk: &&str| {
        !chunk.is_empty() && !chunk.contains(char::is_alphabetic) && has_digit(chunk) && !chunk.contains(':')
    };
    let mut rest = chunks;
    while let Some(start) = rest.iter().position(is_number) {
        rest = &rest[start..];
        let run = rest.iter().take_while(|chunk| is_number(chunk)).count();
        let numbers = rest[..run].iter().flat_map(|chunk| chunk.split(|c: char| !c.is_ascii_digit() && c != '.'));
        let numbers = numbers.filter(|number| !number.is_empty()).count();
        let unit = rest.get(run).is_some_and(|next| UNITS.contains(next)) || rest[run - 1].ends_with('%');
        if numbers > 2 || (numbers == 2 && !unit) {
            return Err(Withheld::Number);
        }
        rest = &rest[run..];
    }
    Ok(())
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(text: &str) -> Result<String, Withheld> {
        let base = KnowledgeBase::built_in().unwrap();
        Screen::new(&base).admit(text).map(|statement| statement.0)
    }

    #[test]
    fn statements_pass() {
        for statement in [
            "Sinus rhythm with 1st degree A-V block.",
            "Possible inferior infarct - age undetermined",
            "Predominant 2:1 AV block",
            "ST elevation in V1-V4, 2.5 mm",
            "QRS duration 100-120 ms",
            "Wolff-Parkinson-White syndrome",
            "Changes may be due to myocardial ischemia",
            "** INTERPRETATION MADE WITHOUT KNOWING PATIENT'S GENDER/AGE **",
        ] {
            assert_eq!(admit(statement).as_deref(), Ok(statement));
        }
        assert_eq!(admit("  sinus \n rhythm ").as_deref(), Ok("sinus rhythm"));
    }

    #[test]
    fn whatever_may_identify_someone_is_withheld() {
        for (reason, statements) in [
            (
                Withheld::Word,
                &[
                    "Sinus rhythm, confirmed by Dr. Grzegorczyk",
                    "Patient White, sinus rhythm",
                    "sinus rhythm, wolff",
                    "Müller sinus rhythm",
                    "sinus rhythm 山田",
                    "MRN B12 sinus rhythm",
                    "Sinus rhythm, seen on Tuesday",
                ][..],
            ),
            (
                Withheld::Date,
                &[
                    "sinus rhythm on 12/05/90",
                    "infarct since 9.1.84",
                    "infarct 1-2-84",
                    "infarct on the 3rd of May",
                    "infarct, May 3",
                    "infarct in March",
                    "atrial fibrillation at 10:35",
                    "infarct 11/84",
                ],
            ),
            (
                Withheld::Number,
                &[
                    "sinus rhythm 15709",
                    "infarct in 1984",
                    "sinus rhythm, 555 123 45",
                    "sinus rhythm (55) 12 34",
                    "sinus rhythm 123-456",
                    "sinus rhythm ٣٤",
                ],
            ),
            (Withheld::Sign, &["sinus rhythm a@b", "sinus_rhythm", "sinus rhythm #4"]),
            (Withheld::Empty, &["", "*** - 12"]),
        ] {
            for statement in statements {
                assert_eq!(admit(statement), Err(reason), "{statement}");
            }
        }
        assert_eq!(admit(&"sinus rhythm ".repeat(50)), Err(Withheld::Long));
    }
}
