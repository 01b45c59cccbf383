//! Recordings on standard ECG paper: 25 mm/s, 10 mm/mV, a grid of 1 mm and 5 mm.
//!
//! Twelve leads stand in three rows of four columns (2.5 s each) above ten seconds of lead II; fewer or more leads are
//! arranged alike. Of a longer recording the first ten seconds are drawn, and the drawing says so. Each lead's zero line
//! is its median. What leaves the paper is cut off at its edge.

mod layout;
mod picture;
mod png;
mod strokes;
mod svg;
mod trace;

use crate::{Error, Record, Result};

/// The words on a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrawOptions {
    /// The large line above, such as the recording's name.
    pub title: String,
    /// The small line below it, such as the patient and the statements.
    pub subtitle: String,
}

/// Draws a recording as one self-contained `<svg>` element, in true size.
///
/// # Errors
/// None in practice; the signature is that of [`png`].
pub fn svg(record: &Record, options: &DrawOptions) -> Result<String> {
    let picture = layout::picture(record, options);
    svg::write(&picture, &options.title).map_err(|source| Error::Picture { source: Box::new(source) })
}

/// Draws a recording as a PNG file, 6 pixels to the millimetre.
///
/// # Errors
/// [`Error::PictureSize`] for more leads than a bitmap has room for; [`Error::Picture`] if encoding fails.
pub fn png(record: &Record, options: &DrawOptions) -> Result<Vec<u8>> {
    png::write(&layout::picture(record, options))
}
