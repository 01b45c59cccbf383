//! Ratios as a drawing.

use std::fmt::Write;

const LABELS: f64 = 330.0;
const BARS: f64 = 420.0;
const VALUES: f64 = 60.0;
const ROW: f64 = 22.0;
const TOP: f64 = 64.0;

/// Horizontal bars of ratios on a logarithmic axis that start at 1, as an SVG: to the right Einthoven is faster.
pub fn bars(title: &str, bars: &[(String, f64)]) -> String {
    let drawn = |value: f64| value.max(f64::MIN_POSITIVE).log2();
    let values = || bars.iter().map(|(_, value)| drawn(*value));
    let low = values().fold(0.0, f64::min).floor();
    let high = values().fold(1.0, f64::max).ceil();
    let place = |log: f64| LABELS + BARS * (log - low) / (high - low);
    let (width, bottom) = (LABELS + BARS + VALUES, TOP + ROW * bars.len() as f64);
    let mut svg = String::new();
    let mut add = |line: String| {
        let _ = writeln!(svg, "{line}"); // into a string, which cannot fail
    };
    add(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{:.0}" font-family="sans-serif" font-size="12">"##,
        bottom + 12.0
    ));
    add(r##"<rect width="100%" height="100%" fill="#fff"/>"##.to_owned());
    add(format!(r##"<text x="12" y="22" font-size="14" font-weight="bold">{}</text>"##, escaped(title)));
    add(r##"<text x="12" y="42" fill="#555">PyTorch's time divided by Einthoven's; above 1 Einthoven is faster</text>"##.to_owned());
    let mut tick = low;
    while tick <= high {
        let (x, label) = (place(tick), tick.exp2());
        let (color, width) = if tick == 0.0 { ("#222", 1.5) } else { ("#ddd", 1.0) };
        add(format!(r##"<path d="M{x:.1} {:.1}V{bottom:.1}" stroke="{color}" stroke-width="{width}"/>"##, TOP - 4.0));
        add(format!(r##"<text x="{x:.1}" y="{:.1}" text-anchor="middle" fill="#555">{label}</text>"##, TOP - 8.0));
        tick += 1.0;
    }
    for (row, (label, value)) in bars.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let (from, to) = (place(0.0), place(drawn(*value)));
        let color = if *value >= 1.0 { "#2a7f62" } else { "#b5473c" };
        add(format!(
            r##"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
            LABELS - 10.0,
            y + 15.0,
            escaped(label)
        ));
        add(format!(
            r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="{color}"/>"##,
            from.min(to),
            y + 4.0,
            (to - from).abs(),
            ROW - 8.0
        ));
        add(format!(r##"<text x="{:.1}" y="{:.1}">{value:.2}</text>"##, from.max(to) + 5.0, y + 15.0));
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn every_bar_is_drawn_on_its_side_of_one() {
        let svg = bars("a < b", &[("fast".to_owned(), 4.0), ("slow".to_owned(), 0.5)]);
        assert!(svg.contains("a &lt; b") && svg.contains(">fast</text>") && svg.contains(">4.00</text>"));
        // The axis goes from 1/2 to 4: 1 lies a third of the way.
        assert!(svg.contains(r#"<rect x="470.0" y="68.0" width="280.0""#), "{svg}");
        assert!(svg.contains(r#"<rect x="330.0" y="90.0" width="140.0""#), "{svg}");
    }
}
