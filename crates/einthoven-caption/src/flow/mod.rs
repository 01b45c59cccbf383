//! From statements to stored descriptions: asked once each, judged, tried again, or else composed.

mod plan;
mod report;
mod run;

use std::sync::atomic::AtomicBool;

use crate::model::LanguageModel;
use crate::store::{Fault, Origin};
use crate::{KnowledgeBase, Passage, Prompt, Section, Statement};

pub use plan::{Estimate, Plan};
pub(crate) use report::report_file;
pub use report::{Ended, Report};

/// Finds what a request carries beside its question.
pub type Evidence<'a> = dyn Fn(&Statement) -> Vec<Passage> + Sync + 'a;

/// Finds the faults of an answer; none if it passes.
pub type Judge<'a> = dyn Fn(&Statement, &str) -> Vec<Fault> + Sync + 'a;

/// All that takes part in describing statements.
pub struct Flow<'a> {
    /// Composes what the model does not manage to describe.
    pub base: &'a KnowledgeBase,
    /// Who is asked.
    pub model: &'a dyn LanguageModel,
    /// How it is asked.
    pub prompt: &'a Prompt,
    /// What it is given to read.
    pub evidence: &'a Evidence<'a>,
    /// Who judges its answers.
    pub judge: &'a Judge<'a>,
    /// How often it is asked about a statement, before the knowledge base has its turn.
    pub tries: u32,
    /// When it becomes true, nothing more is asked, and what is under way is still stored.
    pub stop: &'a AtomicBool,
}

impl Flow<'_> {
    /// Where the descriptions come from.
    pub fn origin(&self) -> Origin {
        Origin {
            model: self.model.name().to_owned(),
            prompt: self.prompt.version().to_owned(),
            knowledge: self.base.version(),
        }
    }
}

impl KnowledgeBase {
    /// What the pages of a statement's concepts say of the ECG, a passage for each page and section.
    pub fn passages(&self, statement: &Statement) -> Vec<Passage> {
        let reading = self.read(statement.as_str());
        let pages = reading.findings.iter().map(|finding| finding.page);
        let sections = [Section::OnTheEcg, Section::Criteria];
        let passage = |(page, section): (&crate::Page, Section)| Passage {
            page: page.name.clone(),
            section: section.heading().to_owned(),
            text: page.section(section).to_owned(),
        };
        pages.flat_map(|page| sections.map(|section| passage((page, section)))).collect()
    }
}
