//! Letters as pen strokes, so that a bitmap needs no font.

use super::picture::Anchor;

/// A glyph's strokes: points as two digits, x from 0 to 4 and y upwards from 0 (descender) over 2 (baseline), 6 (small
/// letters) to 8 (capitals).
fn glyph(character: char) -> &'static str {
    match character {
        ' ' => "",
        'A' => "022842 1434",
        'B' => "02083847463505 3544433202",
        'C' => "4738180703123243",
        'D' => "02082846442202",
        'E' => "48080242 0535",
        'F' => "480802 0535",
        'G' => "47381807031232434525",
        'H' => "0208 4248 0545",
        'I' => "0208",
        'J' => "3833221203",
        'K' => "0208 4804 1542",
        'L' => "080242",
        'M' => "0208254842",
        'N' => "02084248",
        'O' => "180703123243473818",
        'P' => "02083847453404",
        'Q' => "180703123243473818 2442",
        'R' => "02083847453404 2442",
        'S' => "473818070615354443321203",
        'T' => "0848 2822",
        'U' => "080312324348",
        'V' => "082248",
        'W' => "0812253248",
        'X' => "0842 0248",
        'Y' => "082548 2522",
        'Z' => "08480242",
        'a' => "4642 4536160503123243",
        'b' => "0802 0516364543321203",
        'c' => "4536160503123243",
        'd' => "4842 4536160503123243",
        'e' => "04444536160503123243",
        'f' => "38281712 0626",
        'g' => "4641301001 4536160503123243",
        'h' => "0802 0516364542",
        'i' => "0602 0807",
        'j' => "161100 1817",
        'k' => "0802 3603 1442",
        'l' => "0802",
        'm' => "0602 05162522 25364542",
        'n' => "0602 0516364542",
        'o' => "160503123243453616",
        'p' => "0600 0516364543321203",
        'q' => "4640 4536160503123243",
        'r' => "0602 051636",
        's' => "45361605143443321203",
        't' => "18132232 0636",
        'u' => "0603123243 4642",
        'v' => "062246",
        'w' => "0612243246",
        'x' => "0642 0246",
        'y' => "0622 46221000",
        'z' => "06460242",
        '0' => "180703123243473818",
        '1' => "072822",
        '2' => "07183847460242",
        '3' => "07183847463515 354443321203",
        '4' => "32380444",
        '5' => "480805354443321203",
        '6' => "4738180703123243443505",
        '7' => "084812",
        '8' => "15060718384746351504031232434435",
        '9' => "0312324347381807061545",
        '.' => "0203",
        ',' => "1301",
        ':' => "0203 0506",
        ';' => "1301 1516",
        '-' | '–' | '—' | '−' => "0535",
        '+' => "0545 2327",
        '/' => "0248",
        '(' => "18070312",
        ')' => "08171302",
        '[' => "18080212",
        ']' => "08181202",
        '%' => "0248 0708181707 3343423233",
        '=' => "0444 0646",
        '<' => "470543",
        '>' => "074503",
        '_' => "0141",
        '\'' | '’' => "0806",
        '"' | '“' | '”' => "0806 1816",
        '*' => "2327 0446 4406",
        '#' => "1218 3238 0444 0646",
        '&' => "420607182837360403122244",
        '!' => "0203 0508",
        '?' => "07183847462524 2223",
        '|' => "0108",
        '·' => "0405",
        'µ' | 'μ' => "0600 03123243 4642",
        '°' => "1807162718",
        _ => "0208484202",
    }
}

/// The strokes of a text of font size `size` on a baseline from (or to) a point. Characters that have no glyph here are
/// drawn as boxes.
pub(super) fn strokes(text: &str, (x, y): (i32, i32), anchor: Anchor, size: i32) -> Vec<Vec<(f32, f32)>> {
    // Capitals are 0.72 of the font size high, as in common fonts, and a little narrower than half as wide.
    let (unit_x, unit_y) = (0.095 * size as f32, 0.12 * size as f32);
    let mut pen = 0.0;
    let mut strokes = Vec::new();
    for character in text.chars() {
        let mut right: f32 = 0.0;
        for stroke in glyph(character).split_ascii_whitespace() {
            let points = stroke.as_bytes().chunks_exact(2).map(|pair| {
                let [px, py] = [pair[0], pair[1]].map(|digit| f32::from(digit - b'0'));
                right = right.max(px);
                (pen + px * unit_x, y as f32 - (py - 2.0) * unit_y)
            });
            strokes.push(points.collect::<Vec<_>>());
        }
        pen += unit_x * if character == ' ' { 3.0 } else { right + 1.8 };
    }
    let left = match anchor {
        Anchor::Start => x as f32,
        Anchor::End => x as f32 - pen,
    };
    for (px, _) in strokes.iter_mut().flatten() {
        *px += left;
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_glyph_is_made_of_strokes_on_its_grid() {
        for character in (' '..='~').chain("–µ°·’“".chars()) {
            for stroke in glyph(character).split_ascii_whitespace() {
                assert!(stroke.len() >= 4 && stroke.len() % 2 == 0, "{character}: {stroke}");
                for pair in stroke.as_bytes().chunks(2) {
                    assert!((b'0'..=b'4').contains(&pair[0]), "{character}: {stroke}");
                    assert!((b'0'..=b'8').contains(&pair[1]), "{character}: {stroke}");
                }
            }
        }
    }

    #[test]
    fn text_ends_where_it_is_anchored() {
        let right = |text| strokes(text, (500, 0), Anchor::End, 60).concat().iter().map(|p| p.0).fold(0.0, f32::max);
        assert!(right("500 Hz") < 500.0);
        assert!(right("500 Hz") > 480.0);
    }
}
