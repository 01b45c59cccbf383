//! Recordings on standard ECG paper: 25 mm/s, 10 mm/mV, a grid of 1 mm and 5 mm.
//!
//! Twelve leads stand in three rows of four columns (2.5 s each) above ten seconds of lead II; fewer or more leads are
//! arranged alike. Of a longer recording the first ten seconds are drawn, and the drawing says so. Each lead's zero line
//! is its median. What leaves the paper is cut off at its edge.

mod highlights;
mod layout;
mod picture;
mod png;
mod strokes;
mod svg;
mod trace;

use crate::{Error, Lead, Record, Result};

/// The words on a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrawOptions {
    /// The large line above, such as the recording's name.
    pub title: String,
    /// The small line below it, such as the patient and the statements.
    pub subtitle: String,
}

/// Colours beneath the traces: a value for each stretch of time of a lead.
///
/// Orange stands for values above 0, blue for those below, the paper's colour for 0; the largest absolute value has the full
/// colour. A scale stands below the traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Highlights {
    /// Seconds from the recording's first sample to the first value.
    pub start: f64,
    /// Seconds that each value stands for.
    pub step: f64,
    /// The values of leads; a lead that is not named stays white.
    pub leads: Vec<(Lead, Vec<f64>)>,
    /// What the values are, for the scale.
    pub meaning: String,
}

/// Draws a recording as one self-contained `<svg>` element, in true size.
///
/// # Errors
/// None in practice; the signature is that of [`png`].
pub fn svg(record: &Record, options: &DrawOptions) -> Result<String> {
    write_svg(&layout::picture(record, options, None), options)
}

/// Draws a recording as [`svg`] does, with colours beneath the traces.
///
/// # Errors
/// As of [`svg`].
pub fn highlighted_svg(record: &Record, options: &DrawOptions, highlights: &Highlights) -> Result<String> {
    write_svg(&layout::picture(record, options, Some(highlights)), options)
}

fn write_svg(picture: &picture::Picture, options: &DrawOptions) -> Result<String> {
    svg::write(picture, &options.title).map_err(|source| Error::Picture { source: Box::new(source) })
}

/// Draws a recording as a PNG file, 6 pixels to the millimetre.
///
/// # Errors
/// [`Error::PictureSize`] for more leads than a bitmap has room for; [`Error::Picture`] if encoding fails.
pub fn png(record: &Record, options: &DrawOptions) -> Result<Vec<u8>> {
    png::write(&layout::picture(record, options, None))
}

/// Draws a recording as [`png()`] does, with colours beneath the traces.
///
/// # Errors
/// As of [`png()`].
pub fn highlighted_png(record: &Record, options: &DrawOptions, highlights: &Highlights) -> Result<Vec<u8>> {
    png::write(&layout::picture(record, options, Some(highlights)))
}
