//! Recordings of several datasets, drawn beside each other by what they show.

use serde::Serialize;

use super::{page, view::data_url};
use crate::error::Result;

/// A page of drawings: a section for each statement, in it a column for each dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recordings {
    /// What the columns are, such as the datasets' names.
    pub columns: Vec<String>,
    /// The statements.
    pub sections: Vec<RecordingsSection>,
}

/// The recordings that show one statement.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingsSection {
    /// The statement.
    pub title: String,
    /// The drawings of each column, which may be of different number.
    pub columns: Vec<Vec<Drawing>>,
}

/// A recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// What stands below it, such as its statements.
    pub caption: String,
    /// The drawing, an SVG document.
    pub svg: String,
}

impl Recordings {
    /// The page, one HTML file that needs nothing but itself.
    ///
    /// # Errors
    /// None in practice: the template is part of the program.
    pub fn to_html(&self) -> Result<String> {
        page("recordings.html", include_str!("recordings.html"), View::new(self))
    }
}

#[derive(Serialize)]
struct View<'a> {
    columns: &'a [String],
    sections: Vec<Section<'a>>,
}

#[derive(Serialize)]
struct Section<'a> {
    title: &'a str,
    /// A dataset may have fewer recordings than its neighbour: then the rest of its column is empty.
    rows: Vec<Vec<Option<Cell<'a>>>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    caption: &'a str,
    image: String,
}

impl<'a> View<'a> {
    fn new(recordings: &'a Recordings) -> Self {
        let cell = |drawing: &'a Drawing| Cell { caption: &drawing.caption, image: data_url(&drawing.svg) };
        let section = |section: &'a RecordingsSection| {
            let rows = section.columns.iter().map(Vec::len).max().unwrap_or(0);
            let row = |row: usize| section.columns.iter().map(|column| column.get(row).map(cell)).collect();
            Section { title: &section.title, rows: (0..rows).map(row).collect() }
        };
        Self { columns: &recordings.columns, sections: recordings.sections.iter().map(section).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_stand_in_their_columns() {
        let drawing = |caption: &str| Drawing { caption: caption.into(), svg: "<svg/>".into() };
        let section = RecordingsSection {
            title: "AFIB & more".into(),
            columns: vec![vec![drawing("real one"), drawing("real two")], vec![drawing("simulated one")]],
        };
        let page = Recordings { columns: vec!["real".into(), "simulated".into()], sections: vec![section] };
        let html = page.to_html().unwrap();
        assert!(html.contains("AFIB &amp; more"), "{html}");
        assert_eq!(html.matches("data:image/svg+xml,%3Csvg/%3E").count(), 3);
        let order = ["real one", "simulated one", "real two"].map(|caption| html.find(caption).unwrap());
        assert!(order.is_sorted(), "rows from left to right: {order:?}");
        assert!(html.contains(r#"<p class="soft">no further recording</p>"#), "the empty place says so");
    }
}
