//! What subjects with an encoder are fine-tuned from.

use einthoven_eval::protocol::{Answer, FineTuned, Lesson};
use einthoven_train::ProgressDisplay;

use super::ClassifierSubject;
use crate::supervised::{Start, Taught, teach};

/// The encoder that each fine-tuning begins with.
pub struct Learner {
    start: Start,
    display: ProgressDisplay,
}

impl Learner {
    /// What learns from `start`, its progress shown or not.
    pub fn new(start: Start, display: ProgressDisplay) -> Self {
        Self { start, display }
    }

    /// The subject that comes of a lesson.
    pub fn fine_tune(&self, lesson: &Lesson) -> Answer<FineTuned> {
        Ok(match teach(&self.start, lesson, self.display)? {
            Taught::Classifier(classifier) => {
                let name = self.start.about.clone();
                FineTuned::Classifier(Box::new(ClassifierSubject::new(name, *classifier, self.display)?))
            }
            Taught::Refused(reason) => FineTuned::NotApplicable { reason },
        })
    }
}
