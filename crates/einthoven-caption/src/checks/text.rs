//! Answers as clauses of tokens, and phrases found in them.

/// A word, a number or a sign of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// As it is written.
    pub text: String,
    /// In lower case.
    pub lower: String,
}

impl Token {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), lower: text.to_lowercase() }
    }

    /// Whether the token is a word or a number.
    pub fn is_word(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_alphanumeric)
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        let is_number = self.text.starts_with(|c: char| c.is_ascii_digit());
        if is_number { self.text.replace(',', "").parse().ok() } else { None }
    }
}

/// A part of an answer between full stops, semicolons or line ends.
pub(crate) type Clause = Vec<Token>;

/// The clauses of an answer, Markdown's emphasis left out.
pub(crate) fn clauses(answer: &str) -> Vec<Clause> {
    let mut clauses = vec![Clause::new()];
    let text: Vec<char> = answer.chars().map(plain).filter(|c| !matches!(c, '*' | '#' | '`' | '_')).collect();
    let mut start = 0;
    while let Some(&c) = text.get(start) {
        if matches!(c, '\n' | '.' | ';' | '!' | '?') {
            clauses.push(Clause::new());
        }
        let end = start + length(&text[start..]);
        if !c.is_whitespace() && !matches!(c, '.' | ';' | '!' | '?') {
            let token: String = text[start..end].iter().collect();
            clauses.extend(clauses.is_empty().then(Clause::new));
            if let Some(clause) = clauses.last_mut() {
                clause.push(Token::new(&token));
            }
        }
        start = end;
    }
    clauses.retain(|clause| clause.iter().any(Token::is_word));
    clauses.iter_mut().for_each(count);
    clauses
}

/// Writes numbers before units as digits: "three large squares", "two minutes".
fn count(clause: &mut Clause) {
    const NUMBERS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
    const UNITS: [&str; 10] =
        ["large", "small", "big", "little", "square", "squares", "seconds", "minute", "minutes", "millimetres"];
    for at in 1..clause.len() {
        let number = NUMBERS.iter().position(|number| *number == clause[at - 1].lower);
        if let (Some(number), true) = (number, UNITS.contains(&clause[at].lower.as_str())) {
            clause[at - 1] = Token::new(&(number + 1).to_string());
        }
    }
}

/// One way to write dashes and quotes.
fn plain(c: char) -> char {
    match c {
        '–' | '—' | '−' | '‑' => '-',
        '’' | '`' | '′' => '\'',
        '\u{a0}' | '\u{202f}' => ' ',
        _ => c,
    }
}

/// The length of the token that the text begins with: a number with its decimals, a word, or one sign.
fn length(text: &[char]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut whole = digits(0);
    // "1,200".
    if (1..=3).contains(&whole) {
        while text.get(whole) == Some(&',') && digits(whole + 1) == 3 {
            whole += 4;
        }
    }
    if whole > 0 {
        let decimals = if text.get(whole) == Some(&'.') { digits(whole + 1) } else { 0 };
        let number = if decimals > 0 { whole + 1 + decimals } else { whole };
        // "1st" and "12-lead" are words; "120ms" is a number and its unit.
        let suffix: String = text[number..].iter().take_while(|c| c.is_alphabetic()).collect();
        return if ["st", "nd", "rd", "th"].contains(&suffix.as_str()) { number + 2 } else { number };
    }
    let is_word = |i: usize| {
        text[i].is_alphanumeric()
            || text[i] == '\'' && i > 0 && text.get(i + 1).is_none_or(|c| !c.is_alphanumeric() || i > 1)
    };
    let word = (0..text.len()).take_while(|&i| is_word(i)).count();
    word.max(1)
}

/// Whether the words of a clause contain a phrase, and where: the index after its last word.
///
/// In a phrase `a/b` is one word or the other, `stem~` every word that begins with the stem, `@same` every word of that meaning (see
/// [`MEANINGS`]), and `*` up to four words that deny nothing.
pub(super) fn find(words: &[&str], phrase: &str) -> Option<(usize, usize)> {
    let pattern: Vec<&str> = phrase.split(' ').collect();
    (0..words.len()).find_map(|start| Some((start, start + matched(&words[start..], &pattern)?)))
}

/// How many words a pattern covers at their beginning.
fn matched(words: &[&str], pattern: &[&str]) -> Option<usize> {
    let Some((first, rest)) = pattern.split_first() else { return Some(0) };
    if *first == "*" {
        let skipped = words.iter().take(4).take_while(|word| !["no", "not", ","].contains(word)).count();
        return (0..=skipped).find_map(|skip| Some(skip + matched(&words[skip..], rest)?));
    }
    let (word, after) = words.split_first()?;
    if fits(first, word) { Some(1 + matched(after, rest)?) } else { None }
}

/// Whether a word is one of the options `a/b`.
fn fits(options: &str, word: &str) -> bool {
    options.split('/').any(|option| match (option.strip_prefix('@'), option.strip_suffix('~')) {
        (Some(meaning), _) => MEANINGS.iter().any(|(name, words)| *name == meaning && fits(words, word)),
        (None, Some(stem)) => word.starts_with(stem),
        (None, None) => option == word,
    })
}

/// Words of one meaning, by the name that phrases call them.
const MEANINGS: [(&str, &str); 11] = [
    ("each", "each/every/all/any"),
    ("same", "same/identical/equal/constant/fixed/uniform/unchanged/unchanging/alike/stable/invariable/unvarying"),
    (
        "varied",
        "vary/varies/varying/change/changes/changing/differ/differs/different/various/several/multiple/diverse/unequal/dissimilar/variable",
    ),
    ("longer", "lengthen~/prolong~/grow~/stretch~/increas~/longer/extend~/creep~"),
    ("follows", "conduct~/follow~/reach~/captur~/transmit~/answer~/find/finds/gets/passes/leads/produces/yields"),
    ("narrow", "narrow/slim/slender/thin"),
    ("broad", "broad/wide/widened/broadened/bizarre"),
    ("sudden", "sudden~/abrupt~"),
    ("gradual", "gradual~/slow~/progressive~/little/step"),
    ("begins", "begin~/start~/starts/set/sets/onset/commence~/arise~"),
    ("early", "early/premature/ectopic/extra"),
];

/// The words of a clause in lower case.
pub(super) fn words(clause: &[Token]) -> Vec<&str> {
    clause.iter().filter(|token| token.is_word()).map(|token| token.lower.as_str()).collect()
}

/// The words of a clause in lower case, and its commas, which no phrase goes beyond.
pub(super) fn words_and_commas(clause: &[Token]) -> Vec<&str> {
    words_and(",", clause)
}

/// The words of a clause in lower case, and one of its signs.
pub(super) fn words_and<'a>(sign: &str, clause: &'a [Token]) -> Vec<&'a str> {
    let kept = clause.iter().filter(|token| token.is_word() || token.text == sign);
    kept.map(|token| token.lower.as_str()).collect()
}

/// A clause as it is quoted in a message.
pub(super) fn quote(clause: &[Token]) -> String {
    const LONGEST: usize = 14;
    let mut text = String::new();
    for token in clause.iter().take(LONGEST) {
        let is_glued = text.is_empty() || matches!(token.text.as_str(), "," | ":" | ")" | "%" | "°");
        text.push_str(if is_glued { "" } else { " " });
        text.push_str(&token.text);
    }
    if clause.len() > LONGEST {
        text.push_str(" …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(answer: &str) -> Vec<Vec<String>> {
        clauses(answer).into_iter().map(|clause| clause.into_iter().map(|token| token.text).collect()).collect()
    }

    #[test]
    fn answers_are_split_into_clauses_of_tokens() {
        assert_eq!(
            texts("**QRS** ≥ 0.12 s. It's rSR' in V1"),
            [vec!["QRS", "≥", "0.12", "s"], vec!["It's", "rSR'", "in", "V1"]]
        );
        assert_eq!(texts("1st; 120ms\n-30° – x"), [vec!["1st"], vec!["120", "ms"], vec!["-", "30", "°", "-", "x"]]);
        assert!(texts("... \n * ?").is_empty());
    }

    #[test]
    fn phrases_are_found() {
        let words = ["the", "context", "really", "does", "not", "mention", "it"];
        assert_eq!(find(&words, "context/text * not provid~/mention~"), Some((1, 6)));
        assert_eq!(find(&words, "context not"), None);
        assert_eq!(find(&words, "context * it"), None);
    }
}
