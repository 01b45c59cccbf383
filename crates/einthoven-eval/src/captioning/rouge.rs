//! ROUGE-L (Lin, ACL workshop 2004).

/// The F1 of the longest common subsequence of words, from 0 to 1, of the reference that fits best.
///
/// Precision and recall weigh the same, as in Google's `rouge-score`; the COCO captioning tools weigh recall by 1.2².
pub fn rouge_l(generated: &[String], references: &[Vec<String>]) -> f64 {
    references.iter().map(|reference| f1(generated, reference)).fold(0.0, f64::max)
}

fn f1(generated: &[String], reference: &[String]) -> f64 {
    let common = longest_common_subsequence(generated, reference) as f64;
    if common == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (common / generated.len() as f64, common / reference.len() as f64);
    2.0 * precision * recall / (precision + recall)
}

fn longest_common_subsequence(a: &[String], b: &[String]) -> usize {
    // Row by row of the table over both: the longest of the words of `a` so far and the first words of `b`.
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut above_left = 0;
        for (index, other) in b.iter().enumerate() {
            let above = row[index + 1];
            row[index + 1] = if word == other { above_left + 1 } else { above.max(row[index]) };
            above_left = above;
        }
    }
    row[b.len()]
}
