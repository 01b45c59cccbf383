//! Charts as SVG that takes its colours from the page.

use std::fmt::Write;

const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// How many colours the page defines, `--line-0` and on.
const COLOURS: usize = 6;
/// More points than this are averaged in equal stretches: a screen shows no more.
const POINTS: usize = 320;

/// One line of a chart.
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Its points by rising x.
    pub points: Vec<(f64, f64)>,
    /// Whether single points are marked.
    pub marked: bool,
}

/// How large a chart is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As wide as the page, with a legend.
    Wide,
    /// A third of it, for a single line that the title names.
    Small,
}

/// A chart of `lines` over training steps; empty when there is nothing finite to draw.
pub fn line_chart(lines: &[Line], size: Size) -> String {
    let (width, height, top, x_count) = match size {
        Size::Wide => (960.0, 280.0, 34.0, 8),
        Size::Small => (320.0, 180.0, 8.0, 4),
    };
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let Some((x_low, x_high)) = range(points().map(|point| point.0)) else {
        return String::new();
    };
    let Some((y_low, y_high)) = range(points().map(|point| point.1)) else {
        return String::new();
    };
    let y_ticks = ticks(y_low, y_high, 5);
    let x_ticks = ticks(x_low, x_high, x_count);
    let (y_low, y_high) = (y_low.min(y_ticks[0]), y_high.max(y_ticks[y_ticks.len() - 1]));
    let x_of = |x: f64| LEFT + (x - x_low) / (x_high - x_low) * (width - LEFT - RIGHT);
    let y_of = |y: f64| height - BOTTOM - (y - y_low) / (y_high - y_low) * (height - top - BOTTOM);

    let mut svg = format!("<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\">");
    for &tick in &y_ticks {
        let (y, end, label) = (y_of(tick), width - RIGHT, number(tick));
        push(&mut svg, format_args!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"));
        let (x, y) = (LEFT - 8.0, y + 4.0);
        push(&mut svg, format_args!("<text class=\"tick\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>"));
    }
    for &tick in x_ticks.iter().filter(|tick| (x_low..=x_high).contains(*tick)) {
        let (x, y, label) = (x_of(tick), height - BOTTOM + 18.0, number(tick));
        push(
            &mut svg,
            format_args!("<text class=\"tick\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>"),
        );
    }
    let (x, y) = ((LEFT + width - RIGHT) / 2.0, height - 4.0);
    push(&mut svg, format_args!("<text class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">step</text>"));

    let mut legend = LEFT;
    for (index, line) in lines.iter().enumerate() {
        let colour = index % COLOURS;
        let drawn: Vec<(f64, f64)> = thinned(&line.points).iter().map(|&(x, y)| (x_of(x), y_of(y))).collect();
        push(&mut svg, format_args!("<g class=\"line line-{colour}\"><polyline points=\"{}\"/>", coordinates(&drawn)));
        if line.marked || drawn.len() == 1 {
            for (x, y) in drawn {
                push(&mut svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\"/>"));
            }
        }
        if size == Size::Small {
            svg.push_str("</g>");
            continue;
        }
        let (swatch, text, name) = (legend + 16.0, legend + 21.0, escaped(&line.name));
        push(&mut svg, format_args!("<line x1=\"{legend:.0}\" x2=\"{swatch:.0}\" y1=\"14\" y2=\"14\"/></g>"));
        push(&mut svg, format_args!("<text class=\"legend\" x=\"{text:.0}\" y=\"18\">{name}</text>"));
        legend += 40.0 + 6.6 * line.name.chars().count() as f64;
    }
    svg + "</svg>"
}

/// A ROC curve in a unit square, with the diagonal of chance.
pub fn roc(fpr: &[f64], tpr: &[f64]) -> String {
    let points = fpr.iter().copied().zip(tpr.iter().copied()).collect();
    unit_square(&[(0, points)], true, false)
}

/// Lines in a unit square, each with the number of its colour; with the diagonal, and with the points marked, if wanted.
pub fn unit_square(lines: &[(usize, Vec<(f64, f64)>)], diagonal: bool, marked: bool) -> String {
    const SIDE: f64 = 140.0;
    let (side, end) = (SIDE, SIDE + 4.0);
    let mut svg = format!(
        "<svg class=\"roc\" viewBox=\"0 0 148 148\" role=\"img\"><rect class=\"frame\" x=\"4\" y=\"4\" width=\"{side}\" \
         height=\"{side}\"/>"
    );
    if diagonal {
        push(&mut svg, format_args!("<line class=\"grid\" x1=\"4\" y1=\"{end}\" x2=\"{end}\" y2=\"4\"/>"));
    }
    for (colour, points) in lines {
        let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| (4.0 + x * SIDE, 4.0 + (1.0 - y) * SIDE)).collect();
        let (colour, line) = (colour % COLOURS, coordinates(&points));
        push(&mut svg, format_args!("<g class=\"line line-{colour}\"><polyline points=\"{line}\"/>"));
        for (x, y) in points.iter().filter(|_| marked) {
            push(&mut svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>"));
        }
        svg.push_str("</g>");
    }
    svg + "</svg>"
}

/// A value and its interval on the stretch from `low` to 1, with a mark at 0.5 (chance, for an AUROC).
pub fn whisker(value: f64, interval: Option<(f64, f64)>, low: f64) -> String {
    let x = |value: f64| 4.0 + (value.clamp(low, 1.0) - low) / (1.0 - low) * 152.0;
    let mut svg = format!(
        "<svg class=\"whisker\" viewBox=\"0 0 160 16\" role=\"img\"><line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"0\" \
         y2=\"16\"/><g class=\"line line-0\">",
        x(0.5)
    );
    if let Some((from, to)) = interval {
        push(&mut svg, format_args!("<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"8\" y2=\"8\"/>", x(from), x(to)));
    }
    push(&mut svg, format_args!("<circle cx=\"{:.1}\" cy=\"8\" r=\"4\"/></g></svg>", x(value)));
    svg
}

/// A number as a reader would write it on an axis or in a table of facts.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    let decimals = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        4
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Writing to a string cannot fail.
fn push(svg: &mut String, text: std::fmt::Arguments) {
    svg.write_fmt(text).ok();
}

/// Points of a polyline, without those that fall on the same tenth of a unit as the one before.
fn coordinates(points: &[(f64, f64)]) -> String {
    let mut texts: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    texts.dedup();
    texts.join(" ")
}

/// The finite points, averaged in equal stretches where there are too many to be seen.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let stretch = finite.len().div_ceil(POINTS).max(1);
    finite
        .chunks(stretch)
        .map(|chunk| {
            let count = chunk.len() as f64;
            let sum = chunk.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (sum.0 / count, sum.1 / count)
        })
        .collect()
}

/// The least and the greatest value, apart from each other; `None` without values.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold(None, |range: Option<(f64, f64)>, value| {
        Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    })?;
    let margin = f64::max(low.abs() * 0.05, 1e-6);
    Some(if low < high { (low, high) } else { (low - margin, high + margin) })
}

/// Round numbers that span `low` to `high`, about `count` of them.
fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high - low) / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = power * [1.0, 2.0, 2.5, 5.0].into_iter().find(|step| step * power >= rough).unwrap_or(10.0);
    let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    (first..=last).map(|tick| tick as f64 * step).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_span_the_values() {
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(3.0, 97.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(number(0.6000000000000001), "0.6");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 1.0, 20.0, 1500.0, 12.25, 0.125, 1e-4, 5e-5, 2e7].map(number);
        assert_eq!(shown, ["0", "1", "20", "1500", "12.2", "0.125", "1e-4", "5e-5", "2e7"]);
    }

    #[test]
    fn constant_empty_and_infinite_lines_do_not_break_a_chart() {
        let line = |points| Line { name: "a<b".into(), points, marked: false };
        assert_eq!(line_chart(&[line(vec![])], Size::Wide), "");
        assert_eq!(line_chart(&[line(vec![(1.0, f64::NAN)])], Size::Wide), "");
        let svg = line_chart(&[line(vec![(1.0, 2.0), (2.0, f64::INFINITY), (3.0, 2.0)])], Size::Wide);
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let huge = line_chart(&[line(vec![(1.0, -1e300), (2.0, 1e300)])], Size::Small);
        assert!(!huge.contains("NaN"), "{huge}");
    }

    #[test]
    fn many_points_are_averaged() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS);
        assert!(thin.iter().all(|point| (point.1 - 0.5).abs() < 0.1));
    }
}
