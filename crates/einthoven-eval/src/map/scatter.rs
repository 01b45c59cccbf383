//! A map as SVG.

use std::fmt::{self, Write};

use super::Map;
use crate::error::{Result, same_length};

/// After Okabe and Ito, whose colours colour-blind eyes tell apart; the last two are ours.
const COLOURS: [&str; 8] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a6a00", "#5b3fa0"];
/// Of other classes, and of none.
const OTHER: &str = "#777777";
const NONE: &str = "#d0d0d0";

const SIDE: f64 = 640.0;
const HEAD: f64 = 56.0;
const FOOT: f64 = 34.0;
const LEGEND: f64 = 220.0;
const MARGIN: f64 = 16.0;

/// Draws a map, each record in the colour of its class.
///
/// `classes` are the names of classes, `of` those of each row of the embeddings, as indices. A record of several classes is shown as the
/// rarest of them on the map, which says most about it; the eight classes that are then most frequent get a colour.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if `of` lacks a row of the map.
pub fn svg(map: &Map, title: &str, classes: &[String], of: &[Vec<usize>]) -> Result<String> {
    let needed = map.rows.last().map_or(0, |row| row + 1);
    same_length("rows with classes for the map", needed, of.len().min(needed))?;
    let mut occurrences = vec![0usize; classes.len()];
    for &class in map.rows.iter().flat_map(|&row| &of[row]).filter(|class| **class < classes.len()) {
        occurrences[class] += 1;
    }
    let rarest = |row: usize| {
        let known = of[row].iter().copied().filter(|&class| class < classes.len());
        known.min_by_key(|&class| (occurrences[class], class))
    };
    let shown: Vec<Option<usize>> = map.rows.iter().map(|&row| rarest(row)).collect();
    let mut counts: Vec<(usize, usize)> =
        (0..classes.len()).map(|class| (class, shown.iter().filter(|other| **other == Some(class)).count())).collect();
    counts.sort_by_key(|&(class, count)| (std::cmp::Reverse(count), class));
    counts.retain(|&(_, count)| count > 0);
    counts.truncate(COLOURS.len());
    let colour = |class: &Option<usize>| match class {
        None => NONE,
        Some(class) => counts.iter().position(|(other, _)| other == class).map_or(OTHER, |place| COLOURS[place]),
    };
    let coloured: Vec<&str> = shown.iter().map(colour).collect();
    let mut legend: Vec<(&str, &str)> =
        counts.iter().zip(COLOURS).map(|(&(class, _), colour)| (classes[class].as_str(), colour)).collect();
    legend.extend([("another class", OTHER), ("no class", NONE)]);
    let legend = legend.into_iter().filter_map(|(name, colour)| {
        let count = coloured.iter().filter(|other| **other == colour).count();
        (count > 0).then_some((name, colour, count))
    });
    let mut svg = String::new();
    // Writing to a string does not fail.
    write(&mut svg, map, title, &coloured, &legend.collect::<Vec<_>>()).ok();
    Ok(svg)
}

fn write(svg: &mut String, map: &Map, title: &str, colours: &[&str], legend: &[(&str, &str, usize)]) -> fmt::Result {
    let (width, height) = (SIDE + LEGEND, HEAD + SIDE + FOOT);
    let title = escaped(title);
    write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"14\" fill=\"#161620\">\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\
         <text x=\"{MARGIN}\" y=\"34\" font-size=\"20\">{title}</text>\
         <rect x=\"{MARGIN}\" y=\"{HEAD}\" width=\"{0}\" height=\"{0}\" fill=\"none\" stroke=\"#d0d0d0\"/>\
         <g fill-opacity=\"0.8\">",
        SIDE - MARGIN,
    )?;
    let place = places(&map.points);
    let radius = if map.points.len() > 1500 { 2.0 } else { 3.2 };
    for (point, colour) in map.points.iter().zip(colours) {
        let (x, y) = place(point);
        write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>")?;
    }
    svg.push_str("</g>");
    for (line, (name, colour, count)) in legend.iter().enumerate() {
        let (x, y) = (SIDE + MARGIN, HEAD + 12.0 + 24.0 * line as f64);
        write!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"6\" fill=\"{colour}\"/>")?;
        write!(svg, "<text x=\"{}\" y=\"{}\">{} ({count})</text>", x + 14.0, y + 5.0, escaped(name))?;
    }
    let Map { components, explained, perplexity, .. } = map;
    write!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"12\" fill=\"#555555\">{} recordings, each as the rarest of its classes; {components} principal components \
         ({:.0} % of the variance), t-SNE of perplexity {perplexity:.0}</text></svg>",
        height - 12.0,
        map.points.len(),
        100.0 * explained,
    )
}

/// From places on the map to those on the drawing: one scale for both axes, the map in the middle of the frame.
fn places(points: &[[f64; 2]]) -> impl Fn(&[f64; 2]) -> (f64, f64) {
    let range = |axis: usize| {
        let ends = points.iter().map(|point| point[axis]);
        ends.clone().fold(f64::INFINITY, f64::min)..ends.fold(f64::NEG_INFINITY, f64::max)
    };
    let (across, up) = (range(0), range(1));
    let extent = (across.end - across.start).max(up.end - up.start);
    let frame = SIDE - MARGIN;
    let scale = if extent > 0.0 { (frame - 24.0) / extent } else { 0.0 };
    let middle = ((across.start + across.end) / 2.0, (up.start + up.end) / 2.0);
    move |point| {
        (MARGIN + frame / 2.0 + scale * (point[0] - middle.0), HEAD + frame / 2.0 - scale * (point[1] - middle.1))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
