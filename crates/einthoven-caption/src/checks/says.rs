//! What a page says, worked out once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::aside;
use super::dimensions::{Figure, figures};
use super::picture::{Picture, picture};
use super::polarity::{Poles, poles};
use super::text::{Clause, clauses};
use crate::{KnowledgeBase, Page, Section};

/// The sections that describe what a page is about.
const SECTIONS: [Section; 4] = [Section::Definition, Section::OnTheEcg, Section::Criteria, Section::Waveform];

/// What a page says of its subject.
#[derive(Debug)]
pub(super) struct Says {
    /// Its clauses, without asides.
    pub direct: Vec<Clause>,
    /// What each lead shows.
    pub picture: Picture,
    /// Which side of which aspect.
    pub poles: Poles,
    /// The numbers, asides included.
    pub figures: Vec<Figure>,
    /// The slugs of the pages that it names.
    pub named: BTreeSet<String>,
}

impl Says {
    fn of(page: &Page, base: &KnowledgeBase) -> Self {
        let all = SECTIONS.map(|section| clauses(page.section(section))).concat();
        let direct = aside::direct(&all);
        let read = |section| base.read(page.section(section));
        let named = SECTIONS
            .map(read)
            .into_iter()
            .flat_map(|reading| reading.present().map(|finding| finding.page.slug.clone()).collect::<Vec<_>>());
        Self {
            picture: picture(&direct),
            poles: poles(page),
            figures: all.iter().flat_map(figures).collect(),
            named: named.collect(),
            direct,
        }
    }
}

/// What the pages of a knowledge base say, each worked out when it is first asked for.
#[derive(Debug)]
pub(super) struct Library(BTreeMap<String, OnceLock<Says>>);

impl Library {
    pub fn new(base: &KnowledgeBase) -> Self {
        Self(base.pages().map(|page| (page.slug.clone(), OnceLock::new())).collect())
    }

    /// What each of the pages says.
    pub fn of(&self, pages: &[&Page], base: &KnowledgeBase) -> Vec<&Says> {
        let says = |page: &&Page| Some(self.0.get(&page.slug)?.get_or_init(|| Says::of(page, base)));
        pages.iter().filter_map(says).collect()
    }
}
