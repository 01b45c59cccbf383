//! Colours beneath the traces.

use super::Highlights;
use super::layout::{ROW, ZERO, mm};
use super::picture::{Anchor, Mark, PAPER, Point, UNITS};
use super::trace::SPEED;
use crate::Lead;

/// The full colour of values above 0.
const FOR: [u8; 3] = [0xf5, 0x84, 0x1f];
/// The full colour of values below 0.
const AGAINST: [u8; 3] = [0x2f, 0x7f, 0xd6];
/// Shades from the paper to a full colour.
const SHADES: i32 = 12;
/// Width of a shade on the scale, mm.
const CELL: i32 = 2;
/// Height of the scale, mm.
const BAR: i32 = 3;

/// The coloured areas of a drawing, by shade: −12 to 12.
pub(super) struct Colours<'a> {
    highlights: &'a Highlights,
    largest: f64,
    areas: Vec<Vec<(Point, Point)>>,
}

impl<'a> Colours<'a> {
    pub fn new(highlights: &'a Highlights) -> Self {
        let values = highlights.leads.iter().flat_map(|(_, values)| values);
        let largest =
            values.copied().filter(|value| value.is_finite()).fold(0.0, |most, value| f64::max(most, value.abs()));
        Self { highlights, largest, areas: vec![Vec::new(); (2 * SHADES + 1) as usize] }
    }

    /// Colours a lead from a time to another, whose trace begins at `origin` on its zero line.
    pub fn add(&mut self, lead: &Lead, (from, to): (f64, f64), (x, y): Point) {
        let Highlights { start, step, leads, .. } = self.highlights;
        let Some((_, values)) = leads.iter().find(|(other, _)| other == lead) else { return };
        for (index, &value) in values.iter().enumerate() {
            let (begin, end) = (start + index as f64 * step, start + (index + 1) as f64 * step);
            let (begin, end) = (begin.max(from), end.min(to));
            let shade = self.shade(value);
            if begin >= end || shade == 0 {
                continue;
            }
            let place = |time: f64| x + mm((time - from) * SPEED);
            let top = y - ZERO * UNITS + UNITS / 2;
            let corners = ((place(begin), top), (place(end), top + ROW * UNITS - UNITS));
            self.areas[(shade + SHADES) as usize].push(corners);
        }
    }

    fn shade(&self, value: f64) -> i32 {
        let share = if self.largest > 0.0 { value / self.largest } else { 0.0 };
        (share.clamp(-1.0, 1.0) * f64::from(SHADES)).round() as i32
    }

    /// All areas.
    pub fn areas(self) -> Vec<Mark> {
        let shades = self.areas.into_iter().zip(-SHADES..=SHADES);
        let marks = shades.map(|(corners, shade)| Mark::Areas { corners, colour: colour(shade) });
        marks.filter(|mark| !matches!(mark, Mark::Areas { corners, .. } if corners.is_empty())).collect()
    }

    /// The scale with its ends named, its middle at `middle` on the words' baseline.
    pub fn scale(&self, (middle, baseline): Point) -> Vec<Mark> {
        let half = (2 * SHADES + 1) * CELL * UNITS / 2;
        let cell = |shade: i32| {
            let left = middle - half + (shade + SHADES) * CELL * UNITS;
            let corners = vec![((left, baseline - BAR * UNITS), (left + CELL * UNITS, baseline))];
            Mark::Areas { corners, colour: colour(shade) }
        };
        let word = |at, anchor, text| Mark::Text { at, anchor, size: 3 * UNITS, text };
        let (left, right) = (middle - half - UNITS, middle + half + UNITS);
        let bound = rounded(self.largest);
        (-SHADES..=SHADES)
            .map(cell)
            .chain([
                word((left, baseline), Anchor::End, format!("-{bound}")),
                word((right, baseline), Anchor::Start, format!("+{bound}   {}", self.highlights.meaning)),
            ])
            .collect()
    }
}

/// Two digits that count.
fn rounded(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let places = (1.0 - value.log10().floor()).max(0.0) as usize;
    format!("{value:.places$}")
}

/// The paper's colour with a share of the full one.
fn colour(shade: i32) -> [u8; 3] {
    let full = if shade > 0 { FOR } else { AGAINST };
    let share = f64::from(shade.abs()) / f64::from(SHADES);
    std::array::from_fn(|i| (f64::from(PAPER[i]) + share * (f64::from(full[i]) - f64::from(PAPER[i]))).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_shades_at_their_times() {
        let highlights = Highlights {
            start: 1.0,
            step: 0.5,
            leads: vec![(Lead::V1, vec![0.0, 2.0, -1.0, f64::NAN])],
            meaning: String::new(),
        };
        let mut colours = Colours::new(&highlights);
        colours.add(&Lead::V2, (0.0, 10.0), (0, 0));
        colours.add(&Lead::V1, (1.25, 10.0), (100, 600));
        let found: Vec<(i32, Vec<(i32, i32)>)> = colours
            .areas
            .iter()
            .zip(-SHADES..)
            .filter(|(areas, _)| !areas.is_empty())
            .map(|(areas, shade)| (shade, areas.iter().map(|(a, b)| (a.0, b.0)).collect()))
            .collect();
        // 25 mm/s, 20 units to the millimetre.
        assert_eq!(found, [(-6, vec![(475, 725)]), (12, vec![(225, 475)])]);
        assert_eq!((colour(0), colour(SHADES), colour(-SHADES)), (PAPER, FOR, AGAINST));
    }

    #[test]
    fn bounds_have_two_digits() {
        assert_eq!([0.0, 0.01234, 0.5, 12.3].map(rounded), ["0", "0.012", "0.50", "12"]);
    }
}
