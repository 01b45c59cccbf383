//! What an answer says of its subject, without what it says of others for contrast.

use super::text::{Clause, Token, find};
use crate::retrieval::terms;

/// A clause with one of these is about something else.
const ABOUT_OTHERS: &[&str] = &[
    "in contrast",
    "by contrast",
    "unlike",
    "differential",
    "should/must/need/needs/has * considered/excluded/distinguished/differentiated",
    "can/may mimic",
    "causes include/are",
    "common/possible causes",
    "often accompan~",
    "consider/think",
    "is the opposite",
    "negative/inverted * is/are normal",
];

/// From one of these on, a clause is about something else, or about what is not there.
const TURNS: &[&str] = &[
    "in contrast/contrasts",
    "as opposed to",
    "not to be confused",
    "rather than",
    "instead of",
    "compared to/with",
    "resembl~",
    "mimic~",
    "similar to",
    "like",
    "distinguish~",
    "differentiat~",
    "separates",
    "because",
    "due to",
    "caused by",
    "reciprocal~",
    "mirror",
    "suggest~ that",
    "as seen in",
    "carr~",
    "secondary to",
    "so that other",
    "other causes",
    "accompanies/accompanied/accompanying",
    "suspect~",
    "spares/sparing",
    "but not in",
    "argu~/speak~/clinch~/decide~ * against",
    "where * normally/usually/ordinarily/should/expected",
    "while/whereas normally/usually/ordinarily",
];

/// From one of these up to the next comma, a clause says what is not there, or may not be.
const DENIALS: &[&str] =
    &["without", "no", "neither", "nor", "lack", "lacks", "absence of", "missing", "none", "nothing", "if", "unless"];

/// The clauses without asides.
pub(super) fn direct(clauses: &[Clause]) -> Vec<Clause> {
    let is_of_health =
        |clause: &Clause| clause.iter().find(|token| token.is_word()).is_some_and(|token| token.lower == "normally");
    let is_aside =
        |clause: &Clause| is_of_health(clause) || ABOUT_OTHERS.iter().any(|phrase| position(clause, phrase).is_some());
    let kept = clauses.iter().filter(|clause| !is_aside(clause));
    kept.map(|clause| {
        let clause = without_opening(clause);
        let end = TURNS.iter().filter_map(|phrase| position(clause, phrase)).min().unwrap_or(clause.len());
        clause[..end].to_vec()
    })
    .filter(|clause| !clause.is_empty())
    .collect()
}

/// A clause without what it says at its beginning not to be there: "instead of P waves, the baseline shows ...".
fn without_opening(clause: &[Token]) -> &[Token] {
    let is = |i: usize, word: &str| clause.get(i).is_some_and(|token| token.lower == word);
    let is_opening = is(0, "instead") && is(1, "of") || is(0, "rather") && is(1, "than");
    let begins = |&i: &usize| [",", "there", "the", "a", "an"].iter().any(|word| is(i, word));
    let start = if is_opening { (3..clause.len()).find(begins) } else { None };
    &clause[start.unwrap_or(0)..]
}

/// A clause without the parts that say what is not there.
pub(super) fn affirmed(clause: &[Token]) -> Clause {
    let kept = clause.iter().zip(denied(clause)).filter(|(_, is_denied)| !is_denied);
    kept.map(|(token, _)| token.clone()).collect()
}

/// Whether each token of a clause is in a part that says what is not there.
pub(super) fn denied(clause: &[Token]) -> Vec<bool> {
    let mut denied = vec![false; clause.len()];
    let mut from = 0;
    while let Some(start) = DENIALS.iter().filter_map(|phrase| position(&clause[from..], phrase)).min() {
        let start = from + start;
        from = (start..clause.len()).find(|&i| ends_denial(&clause[i..])).unwrap_or(clause.len());
        denied[start..from].fill(true);
    }
    denied
}

/// Whether what is denied ends here: at a comma, or where the clause goes on with another predicate, as in "without a P wave and is
/// followed by a pause".
fn ends_denial(rest: &[Token]) -> bool {
    const PREDICATES: [&str; 8] = ["is", "are", "has", "have", "shows", "follows", "comes", "falls"];
    let is_predicate = rest.get(1).is_some_and(|next| PREDICATES.contains(&next.lower.as_str()));
    rest[0].text == "," || rest[0].lower == "and" && is_predicate
}

/// The terms of what a clause says to be there.
pub(super) fn affirmed_terms(clause: &[Token]) -> Vec<String> {
    terms(&joined(&affirmed(clause)))
}

/// What a description can deny to be there.
const VISIBLE: &[&str] =
    &["wave", "waves", "spike", "spikes", "artefact", "artefacts", "artifact", "artifacts", "stimulus", "stimuli"];

/// The terms of the waves and spikes that a clause denies: `delta` of "no delta wave", `pacemaker` and `spike` of "no visible pacing spikes".
pub(super) fn denied_terms(clause: &[Token]) -> Vec<String> {
    let is = |token: &Token, names: &[&str]| names.contains(&token.lower.as_str());
    let denials = (0..clause.len()).filter(|&i| is(&clause[i], &["no", "without", "nor", "lacks"]));
    let named = denials.filter_map(|i| {
        let phrase = &clause[i + 1..clause.len().min(i + 5)];
        let is_joint = |token: &Token| !token.is_word() || is(token, &["and", "or", "but", "with", "in", "of", "is"]);
        let phrase = &phrase[..phrase.iter().position(is_joint).unwrap_or(phrase.len())];
        phrase.iter().position(|token| is(token, VISIBLE)).map(|last| &phrase[..=last])
    });
    let generic: Vec<String> = terms(
        "wave visible identifiable discernible obvious distinct preceding following clear normal sinus organised organized other further",
    );
    named.flat_map(|phrase| terms(&joined(phrase))).filter(|term| term.len() > 1 && !generic.contains(term)).collect()
}

/// The tokens of a clause as text.
pub(super) fn joined(clause: &[Token]) -> String {
    clause.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The token at which a phrase begins.
fn position(clause: &[Token], phrase: &str) -> Option<usize> {
    let words: Vec<(usize, &str)> = clause
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is_word())
        .map(|(i, token)| (i, token.lower.as_str()))
        .collect();
    let lower: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
    find(&lower, phrase).map(|(start, _)| words[start].0)
}
