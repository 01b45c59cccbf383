//! Where things are on the paper.

use super::highlights::Colours;
use super::picture::{Anchor, BLACK, Ink, Mark, Picture, Point, UNITS};
use super::trace::{GAIN, SPEED, lines};
use super::{DrawOptions, Highlights};
use crate::{Lead, Record};

/// Seconds across the paper.
const SECONDS: f64 = 10.0;

/// Millimetres, each a multiple of the large squares' 5 mm so that everything starts on a line of the grid.
const LEFT: i32 = 15;
const RIGHT: i32 = 5;
const HEAD: i32 = 15;
pub(super) const ROW: i32 = 30;
const FOOT: i32 = 10;

/// From the top of a row to its zero line, mm.
pub(super) const ZERO: i32 = 15;

const FINE: Ink = Ink { colour: [0xf6, 0xd9, 0xd5], width: 2.0 };
const COARSE: Ink = Ink { colour: [0xe9, 0xab, 0xa4], width: 3.0 };
const TRACE: Ink = Ink { colour: BLACK, width: 5.0 };

/// The leads in rows and columns, each column a part of the time; then the rhythm strip.
struct Arrangement {
    /// Indices of leads by column, from top to bottom.
    columns: Vec<Vec<usize>>,
    rows: usize,
    /// The lead drawn over the whole width below the others.
    strip: Option<usize>,
}

/// The drawing of a recording.
pub(super) fn picture(record: &Record, options: &DrawOptions, highlights: Option<&Highlights>) -> Picture {
    let arrangement = arrange(record);
    let all_rows = arrangement.rows + usize::from(arrangement.strip.is_some());
    let width = (LEFT + RIGHT) * UNITS + mm(SECONDS * SPEED);
    let height = (HEAD + ROW * all_rows as i32 + FOOT) * UNITS;
    let mut marks = vec![grid(width, height, 1, FINE), grid(width, height, 5, COARSE)];
    let mut colours = highlights.map(Colours::new);
    let zeros = zeros(record);

    let mut traces = Vec::new();
    let columns = arrangement.columns.len();
    let seconds = SECONDS / columns as f64;
    for (c, column) in arrangement.columns.iter().enumerate() {
        for (row, &lead) in column.iter().enumerate() {
            let origin = (LEFT * UNITS + mm(c as f64 * seconds * SPEED), zero_line(row));
            let start = part_start(record, c, seconds);
            traces.extend(part(record, lead, zeros[lead], start, seconds, origin));
            if let Some(colours) = &mut colours {
                colours.add(&record.leads()[lead], stretch(record, start, seconds), origin);
            }
            marks.push(name(record, lead, origin));
            if c > 0 {
                marks.push(separator(origin));
            }
        }
    }
    if let Some(lead) = arrangement.strip {
        let origin = (LEFT * UNITS, zero_line(arrangement.rows));
        traces.extend(part(record, lead, zeros[lead], 0, SECONDS, origin));
        if let Some(colours) = &mut colours {
            colours.add(&record.leads()[lead], stretch(record, 0, SECONDS), origin);
        }
        marks.push(name(record, lead, origin));
    }
    for row in 0..all_rows {
        traces.push(calibration(zero_line(row)));
    }
    marks.push(Mark::Lines { lines: traces, ink: TRACE });
    marks.extend(words(record, options, width, height));
    if let Some(colours) = colours {
        marks.extend(colours.scale((width / 2, height - 3 * UNITS)));
        // Beneath the grid and all else.
        marks.splice(0..0, colours.areas());
    }
    Picture { width, height, marks }
}

/// Three rows, in columns as many as it takes up to four; more leads make more rows. Three leads or fewer get the whole
/// width, and then there is no rhythm strip.
fn arrange(record: &Record) -> Arrangement {
    let order = order(record.leads());
    let columns = order.len().div_ceil(3).min(4);
    let rows = order.len().div_ceil(columns);
    let strip = (columns > 1).then(|| {
        let second = record.leads().iter().position(|lead| *lead == Lead::II);
        second.unwrap_or(0)
    });
    Arrangement { columns: order.chunks(rows).map(<[usize]>::to_vec).collect(), rows, strip }
}

/// The standard leads in their standard order, then the others as recorded.
fn order(leads: &[Lead]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..leads.len()).collect();
    order.sort_by_key(|&i| {
        let standard = Lead::TWELVE.iter().position(|lead| *lead == leads[i]);
        standard.unwrap_or(Lead::TWELVE.len())
    });
    order
}

/// First sample of a column: the columns follow each other in time; a recording too short for that starts again.
fn part_start(record: &Record, column: usize, seconds: f64) -> usize {
    let samples = seconds * record.sampling_rate();
    let parts = ((record.len() as f64 / samples) as usize).max(1);
    ((column % parts) as f64 * samples).round() as usize
}

/// The trace of a lead from a sample on, as long as `seconds` allow.
fn part(record: &Record, lead: usize, zero: f32, start: usize, seconds: f64, origin: Point) -> Vec<Vec<Point>> {
    let rate = record.sampling_rate();
    let end = (start + (seconds * rate).round() as usize).min(record.len());
    lines(&record.row(lead)[start..end], rate, zero, origin)
}

/// The times of the samples that [`part`] draws, s.
fn stretch(record: &Record, start: usize, seconds: f64) -> (f64, f64) {
    let start = start as f64 / record.sampling_rate();
    (start, (start + seconds).min(record.duration()))
}

/// Each lead's zero line: its median, as recorders take the electrodes' offset away.
fn zeros(record: &Record) -> Vec<f32> {
    let median = |row: &[f32]| {
        let mut present: Vec<f32> = row.iter().copied().filter(|sample| !sample.is_nan()).collect();
        let middle = present.len() / 2;
        if present.is_empty() { 0.0 } else { *present.select_nth_unstable_by(middle, f32::total_cmp).1 }
    };
    (0..record.leads().len()).map(|lead| median(record.row(lead))).collect()
}

/// Lines every `step` millimetres in both directions.
fn grid(width: i32, height: i32, step: i32, ink: Ink) -> Mark {
    let wanted = |i: &i32| step > 1 || i % 5 != 0;
    let places = |length: i32| (0..=length / (step * UNITS)).filter(wanted).map(|i| i * step * UNITS);
    let across = places(height).map(|y| vec![(0, y), (width, y)]);
    let down = places(width).map(|x| vec![(x, 0), (x, height)]);
    Mark::Lines { lines: across.chain(down).collect(), ink }
}

fn zero_line(row: usize) -> i32 {
    (HEAD + ROW * row as i32 + ZERO) * UNITS
}

/// A pulse of 1 mV and 200 ms.
fn calibration(y: i32) -> Vec<Point> {
    let top = y - mm(GAIN);
    [(5, y), (7, y), (7, top), (12, top), (12, y), (14, y)].map(|(x, y)| (x * UNITS, y)).into()
}

/// A short line between the leads of neighbouring columns.
fn separator((x, y): Point) -> Mark {
    let line = vec![(x, y - 4 * UNITS), (x, y + 4 * UNITS)];
    Mark::Lines { lines: vec![line], ink: Ink { width: 4.0, ..TRACE } }
}

/// A lead's name, above the start of its trace.
fn name(record: &Record, lead: usize, (x, y): Point) -> Mark {
    let at = (x + UNITS, y - 10 * UNITS);
    Mark::Text { at, anchor: Anchor::Start, size: 4 * UNITS, text: record.leads()[lead].to_string() }
}

/// Title and subtitle above, scales below.
fn words(record: &Record, options: &DrawOptions, width: i32, height: i32) -> Vec<Mark> {
    let start = |y, size, text: String| Mark::Text { at: (5 * UNITS, y), anchor: Anchor::Start, size, text };
    let foot = height - 3 * UNITS;
    let shown = SECONDS.min(record.duration());
    let length = if record.duration() > SECONDS {
        format!("first {shown} s of {:.1} s", record.duration())
    } else {
        format!("{} s", (shown * 10.0).round() / 10.0)
    };
    let mut words = vec![
        start(7 * UNITS, 5 * UNITS, options.title.clone()),
        start(12 * UNITS, 7 * UNITS / 2, options.subtitle.clone()),
        start(foot, 3 * UNITS, format!("{SPEED} mm/s   {GAIN} mm/mV")),
        Mark::Text {
            at: (width - 5 * UNITS, foot),
            anchor: Anchor::End,
            size: 3 * UNITS,
            text: format!("{length}   {} Hz", record.sampling_rate()),
        },
    ];
    words.retain(|mark| !matches!(mark, Mark::Text { text, .. } if text.is_empty()));
    words
}

pub(super) fn mm(millimetres: f64) -> i32 {
    (millimetres * f64::from(UNITS)).round() as i32
}
