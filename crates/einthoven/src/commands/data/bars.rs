//! Distributions as bars of text.

use std::fmt::Write as _;

use einthoven::corpus::Count;

/// The longest bar, in characters.
const WIDTH: usize = 40;

/// Lines that are shown at most.
const LINES: usize = 30;

/// A title, and a line with a bar for each value.
pub fn bars(title: &str, counts: &[Count]) -> String {
    let mut text = format!("{title}\n");
    let shown = &counts[..counts.len().min(LINES)];
    let name = shown.iter().map(|count| count.value.chars().count()).max().unwrap_or(0);
    let number = shown.iter().map(|count| count.records.to_string().len()).max().unwrap_or(0);
    let most = shown.iter().map(|count| count.records).max().unwrap_or(0).max(1);
    for Count { value, records } in shown {
        // A value that is there has a bar.
        let bar = "█".repeat((records * WIDTH).div_ceil(most));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {value:<name$}  {records:>number$}  {bar}");
    }
    if counts.len() > LINES {
        let _ = writeln!(text, "  and {} more", counts.len() - LINES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_counts() {
        let count = |value: &str, records| Count { value: value.into(), records };
        let text = bars("sex", &[count("female", 80), count("male", 40), count("unknown", 1), count("other", 0)]);
        let lengths: Vec<_> = text.lines().skip(1).map(|line| line.matches('█').count()).collect();
        assert_eq!(lengths, [40, 20, 1, 0]);
        assert!(text.starts_with("sex\n  female   80  █"), "{text}");
        assert!(bars("none", &[]).ends_with("none\n"));
    }
}
