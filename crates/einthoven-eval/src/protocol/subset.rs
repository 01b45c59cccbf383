//! The labels that a classifier may see, where it may not see all.

use einthoven_random::Streams;
use rand::seq::SliceRandom;

/// Subset number `draw` of the records of `targets`, `[record][class]`: at least `share` of them, as indices in rising order.
///
/// It is a pure function of the arguments. Classes are served from the rarest on: each gets its share of positives, rounded, and at
/// least one where there is one; records drawn at random fill the rest, those
/// without a class first. Where classes are many and the share is small, the one
/// positive of each makes the subset larger than its share.
pub fn label_subset(targets: &[Vec<bool>], share: f64, draw: u64, streams: &Streams) -> Vec<usize> {
    if share >= 1.0 {
        return (0..targets.len()).collect();
    }
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.shuffle(&mut streams.stream("protocol/label-subset", &[draw, share.to_bits()]));
    let positives = |class: usize| targets.iter().filter(|row| row[class]).count();
    let mut classes: Vec<(usize, usize)> =
        (0..targets.first().map_or(0, Vec::len)).map(|class| (positives(class), class)).collect();
    classes.sort_unstable();
    let mut drawn = vec![false; targets.len()];
    for (count, class) in classes.into_iter().filter(|(count, _)| *count > 0) {
        let wanted = ((share * count as f64).round() as usize).max(1);
        let has = (0..targets.len()).filter(|&record| drawn[record] && targets[record][class]).count();
        let of_class = order.iter().filter(|&&record| targets[record][class]);
        let more: Vec<usize> =
            of_class.copied().filter(|&record| !drawn[record]).take(wanted.saturating_sub(has)).collect();
        more.into_iter().for_each(|record| drawn[record] = true);
    }
    let size = (share * targets.len() as f64).ceil() as usize;
    let missing = size.saturating_sub(drawn.iter().filter(|drawn| **drawn).count());
    let mut rest: Vec<usize> = order.into_iter().filter(|&record| !drawn[record]).collect();
    // Every class has its share by now: what has none comes first.
    rest.sort_by_key(|&record| targets[record].contains(&true));
    rest.into_iter().take(missing).for_each(|record| drawn[record] = true);
    (0..targets.len()).filter(|&record| drawn[record]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_is_fixed_stratified_and_has_every_class() {
        let targets: Vec<Vec<bool>> = (0..1000).map(|i| vec![i % 2 == 0, i % 10 == 3, i == 777]).collect();
        let draw = |draw, seed| label_subset(&targets, 0.1, draw, &Streams::new(seed));
        let subset = draw(0, 0);
        assert_eq!(subset, draw(0, 0));
        assert_ne!(subset, draw(1, 0));
        assert_ne!(subset, draw(0, 1));
        let positives = |class: usize| subset.iter().filter(|&&record| targets[record][class]).count();
        assert_eq!((subset.len(), positives(0), positives(1), positives(2)), (100, 50, 10, 1));
        assert!(subset.is_sorted_by(|a, b| a < b));
        assert_eq!(label_subset(&targets, 1.0, 0, &Streams::new(0)).len(), 1000);
        // One positive of each class, though the share is less than that.
        assert!(label_subset(&targets, 0.001, 0, &Streams::new(0)).contains(&777));
    }
}
