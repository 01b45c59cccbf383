//! Electrocardiographs' XML files: HL7 annotated ECG, GE MUSE and Philips Sierra.
//!
//! They are told apart by their root elements. Only waveforms are handed over: the patient's data stay in the file.

mod annotated;
mod document;
mod muse;
mod philips;
mod xli;

use std::path::Path;

use super::read_file;
use crate::{Error, Record, Result};
use document::Element;

type Parsed<T> = std::result::Result<T, String>;

/// Reads the recording in an XML file of an electrocardiograph.
///
/// - HL7 annotated ECG (aECG, ANSI/HL7 V3 ECG R1): the first series' first set of sequences.
/// - GE MUSE's resting ECG: the waveform of type `Rhythm`.
/// - Philips Sierra ECG 1.03 to 1.04.02: the parsed waveforms, also compressed (XLI).
///
/// Others in the file, such as median beats, are noted. III, aVR, aVL and aVF are derived where the file lacks them.
///
/// # Errors
/// [`Error::UnknownFormat`] for another root element; [`Error::Damaged`]; [`Error::Unsupported`]; [`Error::Unit`]; those of
/// [`Record::new`].
pub fn read(path: &Path) -> Result<Record> {
    let bytes = read_file(path)?;
    let damaged = |message| Error::Damaged { path: path.to_owned(), message };
    let document = document::decoded(&bytes).map_err(damaged)?;
    match document::root(&document).map_err(damaged)?.as_str() {
        "AnnotatedECG" => annotated::read(&document, path),
        "RestingECG" => muse::read(&document, path),
        "restingecgdata" => philips::read(&document, path),
        _ => Err(Error::UnknownFormat { path: path.to_owned() }),
    }
}

/// Whether a file may be one of XML: its first character is `<`, in UTF-8 or UTF-16.
pub(super) fn may_be(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    start.starts_with(b"<") || start.starts_with(b"\xff\xfe<\0") || start.starts_with(b"\xfe\xff\0<")
}

/// The finite number in a text.
fn number(what: &str, text: &str) -> Parsed<f64> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{what} is `{}`: expected a number", shortened(text)))
}

/// The bytes that a text of base64, broken into lines, stands for.
fn bytes(element: &Element) -> Parsed<Vec<u8>> {
    use base64::Engine;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let text: Vec<u8> = element.text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let decoded = GeneralPurpose::new(&STANDARD, config).decode(text);
    decoded.map_err(|error| format!("{} is no base64: {error}", element.name))
}

/// The beginning of a text, for messages.
fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(40)).unwrap_or_default()
}
