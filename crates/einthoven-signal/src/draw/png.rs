//! The drawing as PNG.

use tiny_skia::{LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use super::picture::{BLACK, Mark, PAPER, Picture, UNITS};
use super::strokes::strokes;
use crate::{Error, Result};

/// Pixels per millimetre of paper: 152 to the inch.
const PIXELS: f32 = 6.0;

/// The picture as a PNG file.
pub(super) fn write(picture: &Picture) -> Result<Vec<u8>> {
    let scale = PIXELS / UNITS as f32;
    let size = |units: i32| (units as f32 * scale).round() as u32;
    let (width, height) = (size(picture.width), size(picture.height));
    let mut pixmap = Pixmap::new(width, height).ok_or(Error::PictureSize { width, height })?;
    let [red, green, blue] = PAPER;
    pixmap.fill(tiny_skia::Color::from_rgba8(red, green, blue, 255));
    for mark in &picture.marks {
        let (path, colour, width) = match mark {
            Mark::Areas { corners, colour } => {
                let mut paint = Paint::default();
                paint.set_color_rgba8(colour[0], colour[1], colour[2], 255);
                for &((left, top), (right, bottom)) in corners {
                    let corner = |place: i32| place as f32;
                    if let Some(area) = Rect::from_ltrb(corner(left), corner(top), corner(right), corner(bottom)) {
                        pixmap.fill_rect(area, &paint, Transform::from_scale(scale, scale), None);
                    }
                }
                continue;
            }
            Mark::Lines { lines, ink } => {
                let points = lines.iter().map(|line| line.iter().map(|&(x, y)| (x as f32, y as f32)));
                (path(points), ink.colour, ink.width)
            }
            Mark::Text { at, anchor, size, text } => {
                let strokes = strokes(text, *at, *anchor, *size);
                let pen = 0.085 * *size as f32;
                (path(strokes.iter().map(|stroke| stroke.iter().copied())), BLACK, pen)
            }
        };
        let mut paint = Paint::default();
        paint.set_color_rgba8(colour[0], colour[1], colour[2], 255);
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        if let Some(path) = path {
            pixmap.stroke_path(&path, &paint, &stroke, Transform::from_scale(scale, scale), None);
        }
    }
    pixmap.encode_png().map_err(|source| Error::Picture { source: Box::new(source) })
}

/// Lines as one path; none if there is nothing to draw.
fn path(lines: impl Iterator<Item = impl Iterator<Item = (f32, f32)>>) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for line in lines {
        for (i, (x, y)) in line.enumerate() {
            if i == 0 {
                builder.move_to(x, y);
                // A single point is drawn as a dot.
                builder.line_to(x, y);
            } else {
                builder.line_to(x, y);
            }
        }
    }
    builder.finish()
}
