//! Reading a statement of a machine report: which concepts it names, where, and how certain it is of them.

use std::collections::BTreeSet;

use einthoven_signal::Lead;

use crate::vocabulary::{TERMS, Term};
use crate::words::{Word, words};
use crate::{KnowledgeBase, Page, Wall};

/// Words of the longest name: a bound on the work that a long text makes.
const LONGEST: usize = 24;

/// How certain a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It is said not to be there.
    Denied,
    /// It may be there: "possible", "consider", "cannot rule out".
    Possible,
    /// It is likely there: "probable", "suggests", "consistent with".
    Probable,
    /// It is there.
    Certain,
}

/// Where a report sees something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The walls named.
    pub walls: BTreeSet<Wall>,
    /// The leads named.
    pub leads: BTreeSet<Lead>,
    /// Whether it is in most leads.
    pub diffuse: bool,
}

impl Location {
    /// Whether no place is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A concept that a statement names.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<'k> {
    /// The concept's page.
    pub page: &'k Page,
    /// How certain the statement is of it.
    pub certainty: Certainty,
    /// Where it is seen, if the page leaves that open and the statement says it.
    pub location: Location,
}

/// What a statement says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading<'k> {
    /// The concepts, in the statement's order, none broader than another one.
    pub findings: Vec<Finding<'k>>,
    /// The words that were not understood.
    pub unknown: Vec<String>,
}

impl<'k> Reading<'k> {
    /// Whether the statement names a concept and every word of it is understood.
    pub fn is_complete(&self) -> bool {
        !self.findings.is_empty() && self.unknown.is_empty()
    }

    /// The concepts that the statement does not deny.
    pub fn present(&self) -> impl Iterator<Item = &Finding<'k>> {
        self.findings.iter().filter(|finding| finding.certainty != Certainty::Denied)
    }
}

/// Concepts up to the next turn of the statement, and the places named beside them.
#[derive(Default)]
struct Clause<'k> {
    findings: Vec<Finding<'k>>,
    /// Walls as they are named: "inferior and anteroseptal" is two.
    walls: Vec<&'static [Wall]>,
    /// How many of the walls are named before the last finding.
    walls_before: usize,
    leads: BTreeSet<Lead>,
    /// How many of the findings are named before the last lead.
    findings_before: usize,
    diffuse: bool,
    /// Whether the leads named are the sound ones.
    only: bool,
}

/// What is known up to some word of a statement.
struct Reader<'k> {
    base: &'k KnowledgeBase,
    past: Vec<Clause<'k>>,
    clause: Clause<'k>,
    /// How certain the statement is of what follows.
    certainty: Certainty,
}

impl KnowledgeBase {
    /// Finds the concepts in a statement.
    ///
    /// The longest names come first: "incomplete right bundle branch block" names one concept. Walls and leads go to the
    /// concepts beside them, and a general concept becomes the narrower one where there is one: "infarct" and "inferior"
    /// are an inferior infarct. A denied concept is found, as [`Certainty::Denied`].
    pub fn read(&self, statement: &str) -> Reading<'_> {
        let words = words(statement);
        if let Some(page) = self.by_normalised(&join(&words)) {
            let finding = Finding { page, certainty: Certainty::Certain, location: Location::default() };
            return Reading { findings: vec![finding], unknown: Vec::new() };
        }
        let mut reader =
            Reader { base: self, past: Vec::new(), clause: Clause::default(), certainty: Certainty::Certain };
        let mut unknown = Vec::new();
        let mut rest = words.as_slice();
        while let Some(word) = rest.first() {
            if word.after_break && reader.certainty == Certainty::Denied {
                reader.certainty = Certainty::Certain;
            }
            let length = match self.longest(rest) {
                Some((length, hit)) => {
                    reader.take(hit);
                    length
                }
                None => {
                    unknown.push(word.text.clone());
                    1
                }
            };
            rest = &rest[length..];
        }
        Reading { findings: reader.finish(), unknown }
    }

    /// The longest phrase that the words begin with.
    fn longest(&self, words: &[Word]) -> Option<(usize, Hit<'_>)> {
        (1..=words.len().min(LONGEST)).rev().find_map(|length| {
            let phrase = join(&words[..length]);
            let term = TERMS.get(&phrase).map(Hit::Term);
            let hit = term.or_else(|| self.by_normalised(&phrase).map(Hit::Page))?;
            Some((length, hit))
        })
    }

    /// The narrower concepts of `page` that cover the walls: one for all together, or else one for each name; none if
    /// a wall has none.
    fn at_all_walls(&self, page: &Page, named: &[&[Wall]]) -> Vec<&Page> {
        let together: BTreeSet<Wall> = named.iter().copied().flatten().copied().collect();
        if let Some(page) = self.at_walls(page, &together) {
            return vec![page];
        }
        let each = named.iter().map(|walls| self.at_walls(page, &walls.iter().copied().collect()));
        each.collect::<Option<_>>().unwrap_or_default()
    }
}

impl<'k> Reader<'k> {
    fn take(&mut self, hit: Hit<'k>) {
        let clause = &mut self.clause;
        match hit {
            Hit::Page(page) => self.found(page),
            Hit::Term(Term::Age(slug)) => self.base.page(slug).into_iter().for_each(|page| self.found(page)),
            Hit::Term(Term::Walls(walls)) => clause.walls.push(walls),
            Hit::Term(Term::Lead(lead)) => {
                if clause.findings_before > 0 && clause.findings.len() > clause.findings_before {
                    // "artifact in I and baseline wander in V2": each has leads of its own.
                    let findings = clause.findings.split_off(clause.findings_before);
                    self.past.push(std::mem::replace(clause, Clause { findings, ..Clause::default() }));
                }
                clause.findings_before = clause.findings.len();
                clause.leads.insert(lead.clone());
            }
            Hit::Term(Term::Diffuse) => clause.diffuse = true,
            Hit::Term(Term::Only) => clause.only = true,
            Hit::Term(Term::Before(certainty)) => self.certainty = *certainty,
            Hit::Term(Term::After(certainty)) => {
                if let Some(finding) = clause.findings.last_mut() {
                    finding.certainty = *certainty;
                }
            }
            Hit::Term(Term::Or) => {
                let last = clause.findings.last_mut().map(|finding| &mut finding.certainty);
                for certainty in last.into_iter().chain([&mut self.certainty]) {
                    if *certainty == Certainty::Certain {
                        *certainty = Certainty::Possible;
                    }
                }
            }
            Hit::Term(Term::Turn) => {
                self.certainty = Certainty::Certain;
                self.past.push(std::mem::take(clause));
            }
            Hit::Term(Term::Filler) => {}
        }
    }

    fn found(&mut self, page: &'k Page) {
        let (base, certainty, clause) = (self.base, self.certainty, &mut self.clause);
        let finding = |page| Finding { page, certainty, location: Location::default() };
        let named = &clause.walls[clause.walls_before..];
        let mut pages = vec![page];
        if !page.walls.is_empty() && !named.is_empty() {
            // "inferior and anteroseptal infarct": the wall named before shares the word after.
            let own: Vec<Wall> = page.walls.iter().copied().collect();
            let all: Vec<&[Wall]> = named.iter().copied().chain([own.as_slice()]).collect();
            let broader = page.parents.iter().filter_map(|slug| base.page(slug));
            let shared = broader.map(|broader| base.at_all_walls(broader, &all)).find(|pages| !pages.is_empty());
            if let Some(shared) = shared {
                pages = shared;
                clause.walls.truncate(clause.walls_before);
            }
        }
        clause.findings.extend(pages.into_iter().map(finding));
        clause.walls_before = clause.walls.len();
    }

    /// The findings at their places, without those that say less than another one.
    fn finish(mut self) -> Vec<Finding<'k>> {
        self.past.push(self.clause);
        let findings: Vec<_> = self.past.into_iter().flat_map(|clause| clause.placed(self.base)).collect();
        let mut kept: Vec<Finding<'k>> = Vec::new();
        for finding in &findings {
            let is_again = |other: &&Finding<'k>| other.page == finding.page && other.location == finding.location;
            let is_narrower = |other: &Finding<'k>| {
                finding.certainty != Certainty::Denied
                    && other.certainty >= finding.certainty
                    && finding.location.is_empty()
                    && self.base.ancestors(other.page).contains(&*finding.page.slug)
            };
            if !kept.iter().any(|other| is_again(&other)) && !findings.iter().any(is_narrower) {
                kept.push(finding.clone());
            }
        }
        kept
    }
}

impl<'k> Clause<'k> {
    fn placed(self, base: &'k KnowledgeBase) -> Vec<Finding<'k>> {
        let walls: BTreeSet<Wall> = self.walls.iter().copied().flatten().copied().collect();
        let leads = if self.only { BTreeSet::new() } else { self.leads };
        let location = Location { walls, leads, diffuse: self.diffuse };
        let mut placed = Vec::new();
        for finding in self.findings {
            if !finding.page.regional {
                placed.push(finding);
                continue;
            }
            let narrower =
                if self.walls.is_empty() { Vec::new() } else { base.at_all_walls(finding.page, &self.walls) };
            if narrower.is_empty() {
                placed.push(Finding { location: location.clone(), ..finding });
            } else {
                placed.extend(narrower.into_iter().map(|page| Finding { page, ..finding.clone() }));
            }
        }
        placed
    }
}

/// What a phrase is.
enum Hit<'k> {
    Page(&'k Page),
    Term(&'k Term),
}

fn join(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}
