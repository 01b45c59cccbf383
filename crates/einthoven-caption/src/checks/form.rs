//! Faults that show without knowing the statement: empty, cut, refusing, leaking the prompt, obeying foreign instructions.

use super::text::{Clause, find, quote, words};
use super::{Fault, speech};

/// Fewer words than this say nothing about a waveform.
const FEWEST_WORDS: usize = 3;

/// What declines. The context, the passages and the author are those of a prompt, the model speaks of itself in the first person.
const REFUSALS: &[&str] = &[
    "context/text/texts/passage/passages/document/documents/author/authors/question/information/article/articles/source/sources/excerpt/excerpts/\
     material/materials/reference/references/snippet/snippets * not/doesn't/don't/didn't/cannot/can't/never * \
     provid~/mention~/contain~/discuss~/describe/say/specif~/state/answer~/includ~/address~/cover~/explain/give/tell/deal",
    "not/isn't/wasn't/aren't * provid~/mention~/contain~/discuss~/described/specif~/stated/includ~/covered/available/found/addressed * \
     context/text/texts/passage/passages/document/documents/information/source/sources/excerpt/excerpts/material/materials/reference/references",
    "context/text/texts/passage/passages/document/documents/source/sources/excerpt/excerpts/material/materials/reference/references * \
     say~/contain~/ha~/offer~/give~/mention~/provid~ nothing/little/no",
    "nothing * in/about/on/of the/these/this * context/text/texts/passage/passages/document/documents/source/sources/excerpt/excerpts/material",
    "it is/was not specified/mentioned/stated/clear",
    "information * isn't/not available/provided/sufficient",
    "no/insufficient/without * information/mention/details/context",
    "no answer/information/mention/description/evidence/reference/data/details/match * found",
    "none/neither of the * passages/documents/sources/texts/excerpts/references/materials/snippets",
    "share/give/send/supply * another/more/other/further source/context/information/text/details",
    "try/answer again",
    "cannot/can't be * answered",
    "i/we * cannot/can't/couldn't/unable/don't/didn't/won't/am * \
     answer/provide/know/help/assist/interpret/have/access/give/describe/say/determine/find/see/tell/diagnose",
    "i/we * do/am/is not * answer/provide/know/help/assist/interpret/have/sure/able/doctor/access/qualified",
    "i/we must/have * decline/refuse",
    "i'm/i unable/afraid/sorry/apologize/apologise/apologies/regret",
    "i'm not",
    "sorry/apologies/unfortunately",
    "as an/a * ai/assistant",
    "language model",
    "training data",
    "i * no access",
    "i/we * need/require/lack * context/information/details",
    "without/more/additional/further/enough/sufficient * information/context/details",
    "please provide/clarify/share/specify/consult/seek",
    "can/could you * provide/clarify/specify/explain/share",
    "consult/ask/asking/see/contact/visit/seek/speak/talk * doctor/cardiologist/physician/professional/provider/specialist/textbook",
    "doctor/cardiologist/physician/professional/specialist should/must/needs",
    "medical advice",
    "n a",
];

/// What belongs to a prompt.
const PROMPTS: &[&str] = &[
    "you are a/an/the * cardiologist/expert/assistant/physician/doctor/specialist/electrocardiography/model/system/helpful",
    "answer/respond/reply * following/question/query/questions",
    "answer/respond/reply in/with one/two/a/plain/at/no * paragraph/sentence/sentences/words/english/text/prose/markdown/lists/bullets",
    "how is/are * reflected in * ecg",
    "following pieces/passages/context/documents",
    "use/using only",
    "only use/using",
    "based on the/these/this * context/passages/passage/documents/text/excerpts/prompt/instruction/instructions/question",
    "according to the/these * context/passages/passage/documents/prompt/instructions",
    "the/this/these/my/your/given/provided instruction/instructions/prompt/task/assignment",
    "i am/i'm an/a/the * cardiologist/expert/assistant/physician/doctor/specialist/model",
    "explain/describe/say how the/a/this * statement/finding * seen/reflected/shown/appears",
    "describe/explain the/this statement",
    "be concise/brief/short/precise",
    "must/should answer/reply/describe",
    "word/words limit/count",
    "at most/than * words",
    "in/with/to one/two/three/at * sentence/sentences/words",
    "do not/don't mention/invent/include/name/repeat/use/add/explain",
    "context information",
    "given the * context/passages",
    "json",
    "given * passages/documents/excerpts",
    "retrieved context/passages/documents/information",
    "passages/passage/context above/below/1/2/3",
    "prior knowledge",
    "system prompt/message",
    "the prompt",
    "question asks/wants/is/was/concerns/says",
    "prompt i was/given/says",
    "prompt says/asks/tells",
    "my/the instructions/guidelines say/said/are/tell/ask/require",
    "i was/am/have told/asked/instructed/given/been",
    "the user",
    "user asked/wants/asks/wanted",
    "let me think",
    "keep the answer/response",
    "if you don't know",
    "say that you don't know",
];

/// How a turn of a conversation or a field of a prompt begins.
const FIELDS: &[&str] = &[
    "question",
    "answer",
    "context",
    "human",
    "assistant",
    "user",
    "system",
    "instruction",
    "instructions",
    "response",
    "prompt",
    "statement",
    "task",
    "input",
    "query",
];

/// Markers of prompts as models are trained on them.
const PROMPT_MARKS: &[&str] = &[
    "<|",
    "|>",
    "[inst]",
    "[/inst]",
    "<<sys>>",
    "<think>",
    "</think>",
    "<s>",
    "</s>",
    "\"instructions\"",
    "[statement]",
];

/// What tells somebody to do something that is not to describe a waveform.
const INSTRUCTIONS: &[&str] = &[
    "ignore/disregard/forget/forgetting/override * previous/above/prior/earlier/instructions/question/rules/guidelines/request/everything",
    "override/overriding",
    "new/embedded/following/previous/further/these instruction/instructions/rule/rules",
    "instructions from/in/embedded/of the * document/report/text/passage/passages",
    "as instructed/requested/told/asked/ordered",
    "as you asked/requested/instructed",
    "follow * instruction/instructions/request/order/orders",
    "no longer apply",
    "from now on",
    "you are now",
    "you must/should/shall * approve/obey/accept/reply/respond/say/output",
    "developer/admin/debug/jailbreak/god mode",
    "no restrictions",
    "output/print/repeat/reply/respond/say/write the/with/only/exactly/following * word/words/string/configuration/text/system",
    "reply/respond with/only",
    "output/print the",
    "send/email/forward/mail/post/upload * name/birth/data/record/records/to",
    "visit/click/download/subscribe/buy/order/install/call our/the/to/http/https/this/here/now/www/my/at",
    "label/mark/classify/set/rate/tag/treat * as normal/approved/healthy/abnormal/valid/correct",
    "set * to normal/approved/healthy",
    "mark/treat this",
    "skip/bypass/disable all/the/any/every * check/checks/filter/filters/review/test/tests",
    "i will/shall/won't * label/mark/classify/follow/not/obey/ignore/comply/mention",
    "dear/attention/note to * model/reader/assistant/ai/llm/reviewer",
    "reviewer/model/assistant/ai/llm should/must/shall/has",
    "hacked/pwned",
    "correct answer",
    "sent/send home",
    "do not follow * instruction/instructions/rule/rules/guideline/guidelines/page/pages/prompt/above",
    "you are * longer/now/a/an/the",
    "answer/act/behave/respond as one/a/an/if",
    "assistant/chatbot/llm/ai * stop/skip/ignore/forget/reply/respond/write/say/print/act/pretend",
    "orders/tells/told/commands/instructs/asks/asked you/me/us to",
    "delete/erase/unlock all/the/any/every",
    "return/output/print only",
    "stop describing/answering/explaining/analysing/analyzing",
    "write/tell/compose/sing a/an/me/us * poem/story/joke/song/essay/letter/haiku",
];

/// Links, code and addresses: no description of a waveform holds them.
const INSTRUCTION_MARKS: &[&str] = &[
    "http://",
    "https://",
    "www.",
    "<script",
    "</",
    "{{",
    "}}",
    "| bash",
    "curl ",
    "wget ",
    "rm -rf",
    "\"role\"",
    "<|im_start",
    "sudo ",
];

/// Faults of form, from the raw answer and its clauses.
pub(super) fn faults(answer: &str, clauses: &[Clause]) -> Vec<Fault> {
    let spoken = |clause: &Clause| {
        clause.iter().filter(|token| token.text.chars().filter(|c| c.is_alphabetic()).count() >= 2).count()
    };
    if clauses.iter().map(spoken).sum::<usize>() < FEWEST_WORDS {
        return vec![Fault::Empty];
    }
    let mut faults: Vec<Fault> = Vec::new();
    let said = |phrases: &[&str]| {
        let found = |clause: &&Clause| phrases.iter().any(|phrase| find(&words(clause), phrase).is_some());
        clauses.iter().find(found).map(|clause| quote(clause))
    };
    let lower = answer.to_lowercase();
    let marked = |marks: &[&str]| marks.iter().find(|mark| lower.contains(**mark)).map(|mark| (*mark).to_owned());
    let field = || clauses.iter().find(|clause| is_field(clause)).map(|clause| quote(clause));
    faults.extend(said(REFUSALS).map(|said| Fault::Refusal { said }));
    faults
        .extend(marked(PROMPT_MARKS).or_else(field).or_else(|| said(PROMPTS)).map(|said| Fault::LeakedPrompt { said }));
    let address = || answer.split_whitespace().find(|word| is_address(word)).map(str::to_owned);
    let foreign = marked(INSTRUCTION_MARKS).or_else(|| markup(answer)).or_else(address).or_else(|| said(INSTRUCTIONS));
    faults.extend(foreign.map(|said| Fault::Injection { said }));
    let talks = speech::fault(clauses).filter(|fault| !faults.iter().any(|known| known.kind() == fault.kind()));
    faults.extend(talks);
    faults.extend(cut(answer).map(|end| Fault::Cut { end }));
    faults
}

/// Whether a clause begins like `Question: …`.
fn is_field(clause: &Clause) -> bool {
    let mut tokens = clause.iter().filter(|token| !matches!(token.text.as_str(), "[" | "\"" | "-" | "{"));
    let named = tokens.next().is_some_and(|token| FIELDS.contains(&token.lower.as_str()));
    // "Context:", or a heading that says no more.
    named && tokens.next().is_none_or(|token| token.text == ":")
}

/// A tag of HTML or the like; `R<S` and `<120 ms` are none.
fn markup(answer: &str) -> Option<String> {
    answer.split('<').skip(1).find_map(|rest| {
        let (tag, _) = rest.split_once('>')?;
        let name = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphabetic).count();
        (name >= 3 && tag.len() < 200).then(|| format!("<{tag}>"))
    })
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.trim_end_matches('.').contains('.'))
}

/// Words that do not end a sentence or an entry of a list.
const OPEN: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "because", "but", "by", "can", "for", "from", "if", "in", "is", "may",
    "of", "on", "or", "than", "that", "the", "to", "was", "were", "which", "while", "with", "within", "without",
];

/// The last words of an answer that ends in the middle of a sentence.
///
/// Sentences end with a full stop or the like. Entries of a list may end without, but not in a word that asks for another one.
fn cut(answer: &str) -> Option<String> {
    let text = answer.trim_end_matches(|c: char| c.is_whitespace());
    let line = text.lines().last().unwrap_or_default().trim();
    let is_even = |mark: &str| text.matches(mark).count() % 2 == 0;
    let closed = is_even("**") && is_even("```") && text.matches('(').count() <= text.matches(')').count();
    let bare = text.trim_end_matches(['*', '_', '"', '”', '\'', ')', ']', '`']);
    let word = last_word(bare);
    let entry = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let marker = ["- ", "* ", "• ", ". ", ") ", "| "].iter().any(|marker| entry.starts_with(marker));
    // An entry of one word after entries of more.
    let length = |line: &str| line.split_whitespace().skip(1).count();
    let is_short = length(line) == 1 && text.lines().rev().skip(1).take(1).any(|line| length(line) > 1);
    let is_entry = marker && !is_short && !word.is_empty() && !OPEN.contains(&word.as_str());
    let is_open =
        ["a", "an", "and", "of", "or", "than", "the", "with"].contains(&last_word(bare.trim_end_matches('.')).as_str());
    let is_trailing = text.ends_with("...") || text.ends_with('…');
    let is_ended = bare.ends_with(['.', '!', '?'])
        && !is_open
        && !is_trailing
        && !is_number(line)
        && !is_open_entry(text)
        && !is_half_number(bare);
    let whole = closed && (is_ended || is_entry);
    (!whole).then(|| {
        let words: Vec<&str> = text.split_whitespace().collect();
        words[words.len().saturating_sub(4)..].join(" ")
    })
}

/// The word at the very end of a text, in lower case.
fn last_word(text: &str) -> String {
    text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase()
}

/// Whether a text ends in a limit of one digit, which lacks its decimals and its unit: "an amplitude of over 2."; a ratio needs none.
fn is_half_number(text: &str) -> bool {
    const LIMITS: [&str; 9] = ["over", "above", "than", "exceeds", "exceeding", "below", "under", "least", "about"];
    let last = text.rsplit(['.', ';', '\n']).nth(1).unwrap_or_default();
    let words: Vec<&str> = last.split_whitespace().collect();
    let [.., before, number] = words[..] else { return false };
    let is_bare = text.ends_with('.') && number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
    is_bare && LIMITS.contains(&before) && !last.contains('/') && !last.to_lowercase().contains("ratio")
}

/// Whether a text ends in the number of an entry that is missing: "1. tall T waves; 2.".
fn is_open_entry(text: &str) -> bool {
    let mut words = text.split_whitespace().rev();
    let is_last = words.next().is_some_and(is_number);
    is_last && words.next().is_some_and(|before| before.ends_with([';', ':', ',', '.']))
}

/// Whether a line is the bare number of a list's next entry.
fn is_number(line: &str) -> bool {
    line.strip_suffix('.').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}
