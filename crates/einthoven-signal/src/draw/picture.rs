//! A drawing as lines and words, before it becomes SVG or PNG.

/// Units per millimetre of paper; all coordinates are whole units. A unit is 2 ms wide and 5 µV high.
pub(super) const UNITS: i32 = 20;

/// A point: to the right and downwards from the upper left corner.
pub(super) type Point = (i32, i32);

/// A line's colour and width in units.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    pub colour: [u8; 3],
    pub width: f32,
}

/// Where a text's point is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
}

/// Something on the paper.
pub(super) enum Mark {
    /// Filled rectangles, each from its upper left to its lower right corner.
    Areas { corners: Vec<(Point, Point)>, colour: [u8; 3] },
    /// Lines through points, all in one ink.
    Lines { lines: Vec<Vec<Point>>, ink: Ink },
    /// Words on a baseline; `size` is the font's, in units.
    Text { at: Point, anchor: Anchor, size: i32, text: String },
}

/// A sheet of paper, its marks in the order in which they are made.
pub(super) struct Picture {
    pub width: i32,
    pub height: i32,
    pub marks: Vec<Mark>,
}

/// Colour of the paper.
pub(super) const PAPER: [u8; 3] = [0xff, 0xfc, 0xfb];

/// Colour of words and traces.
pub(super) const BLACK: [u8; 3] = [0x16, 0x16, 0x20];
