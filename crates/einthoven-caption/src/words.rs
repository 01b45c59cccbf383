//! Statements as sequences of words, spelt in one way.

/// A word of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word: lower case, singular, one spelling.
    pub text: String,
    /// Whether a comma, a full stop, a colon or a dash stands before it.
    pub after_break: bool,
}

/// Phrases that are spelt out before a statement is split, because a part of them is said once for two.
const SPELT_OUT: [(&str, &str); 13] = [
    ("premature ventricular or aberrant", "premature ventricular complexes or aberrant"),
    ("st elevation or depression", "st elevation or st depression"),
    ("multifocal interpolated", "multifocal pvc and interpolated"),
    ("(es)", ""),
    ("(s)", "s"),
    ("a-v", "av"),
    ("s-a", "sa"),
    ("i.v.", "iv"),
    ("flutter/fibrillation", "flutter and atrial fibrillation"),
    ("sinus or ectopic atrial bradycardia", "sinus bradycardia or ectopic atrial bradycardia"),
    ("sinus or ectopic atrial tachycardia", "sinus tachycardia or ectopic atrial tachycardia"),
    ("sinus or ectopic atrial rhythm", "sinus rhythm or ectopic atrial rhythm"),
    ("sinus or paroxysmal atrial tachycardia", "sinus tachycardia or paroxysmal atrial tachycardia"),
];

/// Abbreviations and other spellings of single words.
const SPELLINGS: [(&str, &str); 42] = [
    ("1st", "first"),
    ("2nd", "second"),
    ("3rd", "third"),
    ("abnrm", "abnormality"),
    ("abnormalities", "abnormality"),
    ("acces'y", "accessory"),
    ("afib", "af"),
    ("analysed", "analyzed"),
    ("ant", "anterior"),
    ("artefact", "artifact"),
    ("atrioventricular", "av"),
    ("complexes", "complex"),
    ("brady", "bradycardia"),
    ("depr", "depression"),
    ("elev", "elevation"),
    ("excitat'n", "excitation"),
    ("flut", "flutter"),
    ("infarction", "infarct"),
    ("infarctions", "infarct"),
    ("intraventricular", "iv"),
    ("ischaemia", "ischemia"),
    ("ischaemic", "ischemic"),
    ("lds", "lead"),
    ("nondiagnostic", "non diagnostic"),
    ("nonspecific", "non specific"),
    ("nonsustained", "non sustained"),
    ("pacs", "pac"),
    ("postoperative", "post operative"),
    ("prob", "probable"),
    ("pvcs", "pvc"),
    ("repol", "repolarization"),
    ("repolarisation", "repolarization"),
    ("hyperkalaemia", "hyperkalemia"),
    ("hypokalaemia", "hypokalemia"),
    ("sinoatrial", "sa"),
    ("supraven", "supraventricular"),
    ("sv", "supraventricular"),
    ("tach", "tachycardia"),
    ("tachy", "tachycardia"),
    ("vent", "ventricular"),
    ("vpcs", "vpc"),
    ("w", "with"),
];

/// Splits a statement into words.
///
/// Case, plural, hyphens and known abbreviations make no difference: `PVC(s)` and `pvcs` are `pvc`. A range of chest
/// leads is spelt out: `V2-V4` and `V2 to V4` are `v2 v3 v4`.
pub(crate) fn words(statement: &str) -> Vec<Word> {
    let mut text = statement.to_lowercase().replace(['’', '`'], "'");
    for (written, spelt) in SPELT_OUT {
        text = text.replace(written, spelt);
    }
    let mut words: Vec<Word> = Vec::new();
    let mut after_break = false;
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '\'';
        if !is_word(c) {
            rest = &rest[c.len_utf8()..];
            let dash = c == '-' && (rest.starts_with(' ') || rest.starts_with('-'));
            after_break |= dash || matches!(c, ',' | '.' | ';' | ':');
            if c == '+' || c == '&' {
                words.push(Word { text: "and".into(), after_break: std::mem::take(&mut after_break) });
            }
            continue;
        }
        let end = rest
            .char_indices()
            .find(|&(i, c)| !is_word(c) && !is_ratio(&rest[i..], &rest[..i]))
            .map_or(rest.len(), |(i, _)| i);
        push(&mut words, &rest[..end], std::mem::take(&mut after_break));
        rest = &rest[end..];
        if let Some((last, after)) = range_end(&words, rest) {
            rest = after;
            let first = words.last().map_or(last, |word| digit(&word.text));
            for number in first + 1..=last {
                words.push(Word { text: format!("v{number}"), after_break: false });
            }
        }
    }
    words
}

/// The words joined by spaces: what two ways to write the same have in common.
pub(crate) fn normalise(statement: &str) -> String {
    let words = words(statement);
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Whether `rest` begins with the colon of a ratio such as `2:1`.
fn is_ratio(rest: &str, before: &str) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    rest.starts_with(':') && digit(before.chars().last()) && digit(rest.chars().nth(1))
}

fn push(words: &mut Vec<Word>, written: &str, after_break: bool) {
    let written = written.trim_matches(|c| c == '\'').to_owned() + if written.ends_with("r'") { "'" } else { "" };
    if written.is_empty() {
        return;
    }
    let spelt = match SPELLINGS.iter().find(|(other, _)| *other == written) {
        Some((_, spelt)) => (*spelt).to_owned(),
        None => singular(&written),
    };
    for (i, text) in spelt.split(' ').enumerate() {
        words.push(Word { text: text.to_owned(), after_break: after_break && i == 0 });
    }
}

fn singular(word: &str) -> String {
    let has_plural = word.len() > 3 && !["ss", "us", "is", "'s"].iter().any(|end| word.ends_with(end));
    match word.strip_suffix('s') {
        Some(stem) if has_plural => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// If the last word is a chest lead and `rest` goes on with a dash or `to` and a later one, that one and what follows it.
fn range_end<'a>(words: &[Word], rest: &'a str) -> Option<(u8, &'a str)> {
    let first = words.last().map(|word| digit(&word.text)).filter(|&n| n > 0)?;
    let rest = rest.trim_start();
    let until = ["-", "to ", "through "].iter().find_map(|until| rest.strip_prefix(until))?;
    let after = until.trim_start().strip_prefix('v')?;
    let last = after.bytes().next().filter(|b| (b'1'..=b'6').contains(b))? - b'0';
    (first < last).then(|| (last, &after[1..]))
}

/// The number of a chest lead `v1` to `v6`; else 0.
fn digit(word: &str) -> u8 {
    match word.as_bytes() {
        [b'v', n @ b'1'..=b'6'] => n - b'0',
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_write_the_same_become_one() {
        assert_eq!(normalise("Sinus rhythm with PVC(s)."), "sinus rhythm with pvc");
        assert_eq!(normalise("1st degree A-V block"), "first degree av block");
        assert_eq!(normalise("LOW R(V2-V4)"), "low r v2 v3 v4");
        assert_eq!(normalise("V1 - V6 analyzed"), "v1 v2 v3 v4 v5 v6 analyzed");
        assert_eq!(normalise("in V1 to V4, V6"), "in v1 v2 v3 v4 v6");
        assert_eq!(normalise("Predominant 2:1 AV block"), "predominant 2:1 av block");
        assert_eq!(normalise("rSr'(V1) - probable normal variant"), "rsr' v1 probable normal variant");
        assert_eq!(normalise("Inferior+ant/septal ST elev"), "inferior and anterior septal st elevation");
        assert_eq!(normalise("Vent pre-excitat'n(WPW)"), "ventricular pre excitation wpw");
        assert_eq!(normalise("patient's axis"), "patient's axis");
        assert_eq!(normalise("--- * ---"), "");
        assert_eq!(normalise("naïve ’ß"), "naïve ß");
    }

    #[test]
    fn breaks_are_kept() {
        let words = words("No ST elevation, T wave inversion - old");
        let breaks: Vec<_> = words.iter().filter(|w| w.after_break).map(|w| w.text.as_str()).collect();
        assert_eq!(breaks, ["t", "old"]);
    }
}
