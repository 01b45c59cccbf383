//! Answers judged before they are stored.
//!
//! A language model that is asked how a statement shows in an ECG may refuse, break off, describe another condition, or say the
//! opposite of what the statement says; a document or a report may have told it to do something else. [`Checks`] finds
//! that out from the answer and the knowledge pages of the statement alone, and says so in words that can be given back to the model.
//!
//! What an answer says for contrast ("unlike right bundle branch block"), of causes, or of what is absent is not held against it.

mod aside;
mod aspects;
mod conduction;
mod dimensions;
mod echo;
mod fault;
mod form;
mod language;
mod leads;
mod names;
mod nature;
mod numbers;
mod opposites;
mod origin;
mod picture;
mod polarity;
mod quantities;
mod ranges;
mod says;
mod signature;
mod speech;
mod text;
mod topic;

use std::collections::BTreeSet;

pub use fault::{Fault, FaultKind};
pub(crate) use leads::leads;
pub(crate) use numbers::{Measure, measures};
pub(crate) use text::clauses;

use crate::{Certainty, Finding, KnowledgeBase, Location, Page};

/// Pages of statements that say nothing of the heart.
const REMARKS: &[&str] = &["computer-interpretation-note", "technically-unsatisfactory-recording"];
/// The page of a recording without findings.
const NORMAL: &str = "normal-ecg";
/// Pages that an answer to such a statement may name.
const RECORDING: &[&str] = &[
    "computer-interpretation-note",
    "technically-unsatisfactory-recording",
    "artifact",
    "baseline-wander",
    "limb-lead-reversal",
    "precordial-lead-reversal",
    "simulated-or-unusual-recording",
];

/// The checks, with what they need to know of all pages.
#[derive(Debug)]
pub struct Checks<'k> {
    base: &'k KnowledgeBase,
    topics: topic::Topics,
    language: language::Language,
    echo: echo::Echo,
    names: names::Names,
    library: says::Library,
}

/// [`Checks::check`] for a single answer. For many answers, [`Checks`] reads the pages only once.
pub fn check(statement: &str, answer: &str, base: &KnowledgeBase) -> Vec<Fault> {
    Checks::new(base).check(statement, answer)
}

impl<'k> Checks<'k> {
    /// The checks on a knowledge base.
    pub fn new(base: &'k KnowledgeBase) -> Self {
        let language = language::Language::new(base);
        Self {
            base,
            topics: topic::Topics::new(base),
            echo: echo::Echo::new(&language),
            names: names::Names::new(base),
            library: says::Library::new(base),
            language,
        }
    }

    /// What is wrong with an answer to "How is `statement` reflected in ECG?"; nothing if it may be stored.
    ///
    /// What the answer says is compared with the pages of the statement's concepts. Of a statement that names no known concept, only
    /// the form of the answer is judged.
    pub fn check(&self, statement: &str, answer: &str) -> Vec<Fault> {
        let clauses = clauses(answer);
        let mut faults = form::faults(answer, &clauses);
        if faults.contains(&Fault::Empty) {
            return faults;
        }
        if !faults.iter().any(|fault| fault.kind() == FaultKind::LeakedPrompt) {
            faults.extend(self.echo.fault(&clauses));
        }
        let reading = self.base.read(statement);
        // A statement that is not wholly understood may still be like a name.
        let nearest = if reading.is_complete() { None } else { self.names.nearest(statement, self.base) };
        let nearest =
            nearest.map(|page| Finding { page, certainty: Certainty::Certain, location: Location::default() });
        // What is understood of it counts, too, unless the name is a narrower one.
        let is_covered = |page: &Page| {
            nearest.as_ref().is_some_and(|nearest| {
                nearest.page == page || self.base.ancestors(nearest.page).contains(page.slug.as_str())
            })
        };
        let understood = reading.present().filter(|finding| !is_covered(finding.page));
        let findings: Vec<&Finding<'_>> = nearest.iter().chain(understood).collect();
        if findings.is_empty() {
            return faults;
        }
        let mut pages: Vec<&Page> = findings.iter().map(|finding| finding.page).collect();
        pages.dedup();
        let expected = pages.iter().map(|page| page.name.as_str()).collect::<Vec<_>>().join(" with ");
        if is_named_only(&clauses, statement, &pages) {
            return vec![Fault::Empty];
        }
        let direct = aside::direct(&clauses);
        let says = self.library.of(&pages, self.base);
        let is_remark = pages.iter().all(|page| REMARKS.contains(&page.slug.as_str()));
        let is_measured = direct.iter().flat_map(measures).any(|measure| ranges::fits(&measure, &pages) == Some(true));
        let support = match (is_remark, is_measured || leads::cover(&direct, &pages)) {
            (true, _) => topic::Support::Remark,
            (_, true) => topic::Support::Figures,
            _ => topic::Support::None,
        };
        // "It resembles left bundle branch block" says something of the statement, too.
        let is_about = [&direct, &clauses].iter().any(|said| self.topics.is_about(said, &pages, self.base, support));
        let is_foreign = || {
            self.language.is_foreign(&clauses, &pages)
                || !is_measured
                    && polarity::is_foreign(&direct, &polarity::together(says.iter().map(|says| &says.poles)))
        };
        if !is_about
            || is_foreign()
            || signature::is_foreign(&direct, &pages)
            || is_remark && self.is_diagnosed(&direct)
        {
            faults.push(Fault::OffTopic { expected: expected.clone() });
        }
        faults.extend(self.contradiction([&clauses, &direct], &findings, &pages, &says, &expected));
        faults.extend(out_of_range([&clauses, &direct], &pages, &says));
        faults
    }

    /// Whether a statement about the recording alone is answered with what the heart does.
    fn is_diagnosed(&self, direct: &[text::Clause]) -> bool {
        let named = |clause: &text::Clause| {
            let text: Vec<&str> = clause.iter().map(|token| token.text.as_str()).collect();
            let reading = self.base.read(&text.join(" "));
            reading.present().any(|finding| !RECORDING.contains(&finding.page.slug.as_str()))
        };
        direct.iter().any(named)
    }

    /// The clause that names a disturbance in a normal recording.
    fn disturbed(&self, direct: &[text::Clause], pages: &[&Page], says: &[&says::Says]) -> Option<String> {
        let [page] = pages else { return None };
        if page.slug != NORMAL {
            return None;
        }
        let names = |text: &str| -> Vec<&str> {
            self.base.read(text).present().map(|finding| finding.page.slug.as_str()).collect()
        };
        let is_disturbed = |clause: &&text::Clause| {
            let text = aside::joined(&aside::affirmed(clause));
            names(&text).iter().any(|name| *name != NORMAL && !says.iter().any(|says| says.named.contains(*name)))
        };
        direct.iter().find(is_disturbed).map(|clause| text::quote(clause))
    }

    /// What the answer, with its asides and without them, says against the statement.
    fn contradiction(
        &self,
        [clauses, direct]: [&[text::Clause]; 2],
        findings: &[&Finding<'_>],
        pages: &[&Page],
        says: &[&says::Says],
        expected: &str,
    ) -> Option<Fault> {
        let opposites: Vec<&Page> = pages.iter().flat_map(|page| opposites::opposites(self.base, page)).collect();
        let reversed = || {
            let (aspect, said) = polarity::reversed(direct, &polarity::together(says.iter().map(|says| &says.poles)))?;
            Some(format!("{said} ({aspect})"))
        };
        let own: Vec<text::Clause> = says.iter().flat_map(|says| says.direct.iter().cloned()).collect();
        let pictured = || {
            let feature =
                picture::against(&picture::picture(direct), &picture::together(says.iter().map(|says| &says.picture)))?;
            let speaks = |clause: &&text::Clause| {
                picture::picture(std::slice::from_ref(clause)).keys().any(|(other, _)| *other == feature)
            };
            direct.iter().find(speaks).map(|clause| text::quote(clause))
        };
        let said = opposites::named(direct, self.base, pages, says, &opposites)
            .or_else(|| opposites::wrong_side(direct, pages))
            .or_else(|| opposites::wrong_chamber(direct, pages))
            .or_else(|| opposites::wrong_fascicle(direct, pages))
            .or_else(|| origin::wrong_origin(direct, pages))
            .or_else(|| self.disturbed(direct, pages, says))
            .or_else(|| leads::misplaced(clauses, direct, findings).map(|clause| text::quote(&clause)))
            .or_else(reversed)
            .or_else(|| topic::denied(direct, pages).map(|clause| text::quote(clause)))
            .or_else(|| conduction::wrong_ratio(direct, &own))
            .or_else(pictured)?;
        Some(Fault::Contradiction { expected: expected.to_owned(), said })
    }
}

/// Whether an answer says no more than what it was asked about is called.
fn is_named_only(clauses: &[text::Clause], statement: &str, pages: &[&Page]) -> bool {
    let names = pages.iter().map(|page| page.name.as_str()).chain([statement]).flat_map(text::clauses).flatten();
    let names: BTreeSet<String> = names.map(|token| token.lower).collect();
    clauses.iter().flatten().all(|token| !token.is_word() || names.contains(&token.lower))
}

fn out_of_range([clauses, direct]: [&[text::Clause]; 2], pages: &[&Page], says: &[&says::Says]) -> Option<Fault> {
    let measures = || direct.iter().flat_map(measures);
    let strange = measures().find(|measure| ranges::fits(measure, pages) == Some(false)).map(|measure| {
        let expected =
            pages.iter().map(|page| format!("{} has {}", page.name, ranges::describe(measure.quantity, page)));
        Fault::OutOfRange { expected: expected.collect::<Vec<_>>().join(" and "), said: measure.said }
    });
    let fault = |(said, expected)| Fault::OutOfRange { expected, said };
    let of_leads = || {
        let lead = clauses.iter().find_map(|clause| leads::impossible(clause))?;
        Some((lead.text.clone(), "the chest leads are V1 to V9".to_owned()))
    };
    let of_nature = || of_leads().or_else(|| nature::impossible(direct)).or_else(|| nature::contradicts(direct, says));
    strange.or_else(|| of_nature().map(fault))
}
