//! The drawing as SVG.

use std::fmt::{self, Write};

use super::picture::{Anchor, BLACK, Mark, PAPER, Picture, Point, UNITS};

/// The picture as one self-contained `<svg>` element, as large as the paper.
pub(super) fn write(picture: &Picture, label: &str) -> Result<String, fmt::Error> {
    let Picture { width, height, marks } = picture;
    let mut svg = String::new();
    write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{}\" width=\"{}mm\" height=\"{}mm\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" fill=\"{}\">\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
        escaped(label),
        width / UNITS,
        height / UNITS,
        colour(BLACK),
        colour(PAPER),
    )?;
    for mark in marks {
        match mark {
            Mark::Areas { corners, colour: fill } => {
                write!(svg, "<path fill=\"{}\" d=\"", colour(*fill))?;
                for ((left, top), (right, bottom)) in corners {
                    write!(svg, "M{left} {top}H{right}V{bottom}H{left}z")?;
                }
                svg.push_str("\"/>");
            }
            Mark::Lines { lines, ink } => {
                write!(
                    svg,
                    "<path fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\" d=\"",
                    colour(ink.colour),
                    ink.width
                )?;
                for line in lines {
                    path(&mut svg, line)?;
                }
                svg.push_str("\"/>");
            }
            Mark::Text { at: (x, y), anchor, size, text } => {
                let anchor = if *anchor == Anchor::End { " text-anchor=\"end\"" } else { "" };
                write!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}>{}</text>", escaped(text))?;
            }
        }
    }
    svg.push_str("</svg>");
    Ok(svg)
}

/// A line through points, in steps: whole numbers with no more between them than it takes to tell them apart.
fn path(svg: &mut String, line: &[Point]) -> fmt::Result {
    let Some(&(mut x, mut y)) = line.first() else {
        return Ok(());
    };
    write!(svg, "M{x} {y}")?;
    let mut command = 'M';
    for &(next_x, next_y) in &line[1..] {
        let (dx, dy) = (i64::from(next_x) - i64::from(x), i64::from(next_y) - i64::from(y));
        (x, y) = (next_x, next_y);
        let (wanted, steps): (char, &[i64]) = match (dx, dy) {
            (_, 0) => ('h', &[dx]),
            (0, _) => ('v', &[dy]),
            _ => ('l', &[dx, dy]),
        };
        let repeated = wanted == command;
        if !repeated {
            svg.push(wanted);
            command = wanted;
        }
        for (i, step) in steps.iter().enumerate() {
            if (repeated || i > 0) && *step >= 0 {
                svg.push(' ');
            }
            write!(svg, "{step}")?;
        }
    }
    if line.len() == 1 {
        svg.push_str("h1");
    }
    Ok(())
}

fn colour([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text as XML may contain it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Control characters are not allowed in XML, not even escaped.
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compact() {
        let mut svg = String::new();
        path(&mut svg, &[(0, 5), (10, 5), (12, 2), (13, 7), (13, 9)]).unwrap();
        assert_eq!(svg, "M0 5h10l2-3 1 5v2");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("QT < 450 & \"so\u{7}\""), "QT &lt; 450 &amp; &quot;so &quot;");
    }
}
