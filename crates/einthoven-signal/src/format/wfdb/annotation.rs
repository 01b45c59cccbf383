//! WFDB annotation files in the MIT format, after the WFDB Applications Guide, annot(5).

use std::collections::BTreeMap;
use std::path::Path;

use crate::format::{read_file, text};
use crate::{Error, Result};

/// The annotations of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    /// Ticks per second in which [`Annotation::sample`] counts, in Hz, if the file says it; mostly it does not, and
    /// they are the record's frames.
    pub sampling_rate: Option<f64>,
    /// The annotations, in the file's order: that of time.
    pub annotations: Vec<Annotation>,
}

/// A mark at a point in time: a beat, a change of rhythm, a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Where it is, counted from the record's first frame.
    pub sample: i64,
    /// What it is: `N` for a normal beat, `+` for a change of rhythm. For a code without a symbol, `[code]`.
    pub symbol: String,
    /// A class within the symbol, whose meaning is the database's.
    pub subtype: i8,
    /// The signal that it is about; 0 mostly means the whole record.
    pub channel: u8,
    /// A number whose meaning is the database's; often which annotator it is from.
    pub number: i8,
    /// Text that belongs to it, such as `(AFIB` for a change of rhythm. Empty for most.
    pub text: String,
}

/// Not a mark but time that passes before the next one.
const SKIP: u8 = 59;
/// The number of this and the following annotations.
const NUMBER: u8 = 60;
/// The subtype of the annotation.
const SUBTYPE: u8 = 61;
/// The channel of this and the following annotations.
const CHANNEL: u8 = 62;
/// The text of the annotation.
const TEXT: u8 = 63;
/// No annotation, though it takes the place of one.
const NONE: u8 = 0;
/// A comment, which at the file's beginning may say things about it.
const NOTE: u8 = 22;

/// Reads an annotation file in the MIT format, such as `100.atr`.
///
/// Comments at the beginning that state the time resolution or define symbols are understood and not handed over.
///
/// # Errors
/// [`Error::Read`]; [`Error::Damaged`] if the file ends within an annotation.
pub fn read_annotations(path: &Path) -> Result<Annotations> {
    let bytes = read_file(path)?;
    let marks = marks(&bytes).map_err(|message| Error::Damaged { path: path.to_owned(), message: message.into() })?;
    let mut annotations = Annotations::default();
    let mut symbols = BTreeMap::new();
    let mut defining = false;
    for (code, mut annotation) in marks {
        if code == NONE {
            continue;
        }
        if code == NOTE && annotation.sample == 0 {
            let text = annotation.text.as_str();
            if let Some(rate) = text.strip_prefix("## time resolution:").and_then(|rate| rate.trim().parse().ok()) {
                annotations.sampling_rate = Some(rate).filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
                continue;
            }
            match text {
                "## annotation type definitions" => defining = true,
                "## end of definitions" => defining = false,
                _ if defining => symbols.extend(definition(text)),
                _ => annotations.annotations.push(annotation),
            }
            continue;
        }
        if let Some(symbol) = symbols.get(&code) {
            annotation.symbol.clone_from(symbol);
        }
        annotations.annotations.push(annotation);
    }
    Ok(annotations)
}

/// The annotations as stored, with their codes.
fn marks(bytes: &[u8]) -> std::result::Result<Vec<(u8, Annotation)>, &'static str> {
    let mut marks: Vec<(u8, Annotation)> = Vec::new();
    let mut rest = bytes;
    let (mut sample, mut channel, mut number) = (0_i64, 0, 0);
    while let [low, high, after @ ..] = rest {
        rest = after;
        let code = high >> 2;
        let value = u16::from_le_bytes([*low, high & 3]);
        let last = marks.last_mut().map(|(_, annotation)| annotation);
        match (code, last) {
            (NONE, _) if value == 0 => return Ok(marks),
            (SKIP, _) => {
                // The higher 16 bits come first, as on a PDP-11.
                let [a, b, c, d, after @ ..] = rest else {
                    return Err("it ends within a skip in time");
                };
                sample = sample.saturating_add(i32::from_le_bytes([*c, *d, *a, *b]).into());
                rest = after;
            }
            (NUMBER, last) => {
                number = low.cast_signed();
                last.into_iter().for_each(|annotation| annotation.number = number);
            }
            (CHANNEL, last) => {
                channel = *low;
                last.into_iter().for_each(|annotation| annotation.channel = channel);
            }
            (SUBTYPE, Some(annotation)) => annotation.subtype = low.cast_signed(),
            (TEXT, Some(annotation)) => {
                let length = usize::from(value);
                // Text of odd length is followed by a byte of fill.
                let Some((bytes, after)) = rest.split_at_checked(length + length % 2) else {
                    return Err("it ends within a text");
                };
                annotation.text = text(&bytes[..length]).trim_end_matches('\0').to_owned();
                rest = after;
            }
            (SUBTYPE | TEXT, None) => return Err("a subtype or text comes before the first annotation"),
            _ => {
                sample = sample.saturating_add(value.into());
                let symbol = symbol(code).map_or_else(|| format!("[{code}]"), str::to_owned);
                let annotation = Annotation { sample, symbol, subtype: 0, channel, number, text: String::new() };
                marks.push((code, annotation));
            }
        }
    }
    if rest.is_empty() { Ok(marks) } else { Err("it has an odd number of bytes") }
}

/// The code and symbol that `42 b description` defines.
fn definition(text: &str) -> Option<(u8, String)> {
    let mut words = text.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
}

/// The symbol of a code.
fn symbol(code: u8) -> Option<&'static str> {
    const SYMBOLS: [&str; 42] = [
        "", "N", "L", "R", "a", "V", "F", "J", "A", "S", "E", "j", "/", "Q", "~", "", "|", "", "s", "T", "*", "D",
        "\"", "=", "p", "B", "^", "t", "+", "u", "?", "!", "[", "]", "e", "n", "@", "x", "f", "(", ")", "r",
    ];
    SYMBOLS.get(usize::from(code)).copied().filter(|symbol| !symbol.is_empty())
}
