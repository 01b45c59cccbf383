//! Questions that describe by numbers and leads: "PR of 240 ms", "Q waves in II, III and aVF".

use std::collections::BTreeSet;

use einthoven_signal::Lead;

use crate::Quantity;
use crate::checks::{Measure, clauses, leads, measures};

/// Leads that a question must name for its places to be compared: one alone is said of almost everything.
const FEWEST_LEADS: usize = 2;

/// What a text says in numbers and of leads.
#[derive(Debug, Default)]
struct Figures {
    measures: Vec<Measure>,
    leads: BTreeSet<Lead>,
}

impl Figures {
    fn of(text: &str) -> Self {
        let mut figures = Self::default();
        for clause in clauses(text) {
            figures.measures.extend(measures(&clause));
            figures.leads.extend(leads(&clause));
        }
        figures
    }

    /// The measures of a quantity.
    fn of_quantity(&self, quantity: Quantity) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(move |measure| measure.quantity == quantity)
    }

    /// How many of the asked numbers lie within what the text says, less those that it excludes; quantities of which it says nothing count for neither.
    fn fit(&self, asked: &Self) -> i32 {
        let fits = |asked: &Measure| {
            let mut known = self.of_quantity(asked.quantity).peekable();
            known.peek()?;
            Some(known.any(|known| asked.low <= known.high && asked.high >= known.low))
        };
        let known = asked.measures.iter().filter_map(fits);
        known.map(|fits| if fits { 1 } else { -1 }).sum()
    }

    /// How much the leads are those that are asked for, from 0 to 1 (Jaccard's index).
    fn overlap(&self, asked: &Self) -> f64 {
        let both = self.leads.intersection(&asked.leads).count();
        both as f64 / self.leads.union(&asked.leads).count().max(1) as f64
    }
}

/// The pages by the numbers and leads in their text.
#[derive(Debug, Default)]
pub(super) struct Pages(Vec<Figures>);

impl Pages {
    /// Adds the text of the next page.
    pub fn add(&mut self, text: &str) {
        self.0.push(Figures::of(text));
    }

    /// The pages whose numbers admit those of the question, in their order, and those whose numbers exclude them.
    pub fn by_numbers(&self, question: &str) -> (Vec<usize>, Vec<usize>) {
        let asked = Figures::of(question);
        let fit: Vec<i32> = self.0.iter().map(|page| page.fit(&asked)).collect();
        let best = fit.iter().copied().max().unwrap_or_default().max(1);
        let with = |wanted: fn(i32, i32) -> bool| (0..fit.len()).filter(|&page| wanted(fit[page], best)).collect();
        (with(|fit, best| fit == best), with(|fit, _| fit < 0))
    }

    /// The pages that speak of the question's leads, those first that speak of no others.
    pub fn by_leads(&self, question: &str) -> Vec<usize> {
        let asked = Figures::of(question);
        if asked.leads.len() < FEWEST_LEADS {
            return Vec::new();
        }
        let overlaps: Vec<f64> = self.0.iter().map(|page| page.overlap(&asked)).collect();
        let mut pages: Vec<usize> = (0..overlaps.len()).filter(|&page| overlaps[page] > 0.0).collect();
        pages.sort_by(|&a, &b| overlaps[b].total_cmp(&overlaps[a]).then(a.cmp(&b)));
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_their_numbers_and_leads() {
        let mut pages = Pages::default();
        pages.add("PR above 200 ms. Seen in II.");
        pages.add("PR interval of 120 to 200 ms; rate 60 to 100 beats per minute");
        pages.add("Q waves in II, III and aVF");
        pages.add("Q waves in I, II, III, aVF, V5 and V6");
        assert_eq!(pages.by_numbers("What is a PR of 240 ms?"), (vec![0], vec![1]));
        assert_eq!(pages.by_numbers("PR 160 ms at 70 bpm"), (vec![1], vec![0]));
        assert_eq!(pages.by_numbers("What is it?"), (Vec::new(), Vec::new()));
        assert_eq!(pages.by_leads("Q waves in II, III and aVF?"), [2, 3, 0]);
        assert!(pages.by_leads("Q waves in V5").is_empty());
    }
}
