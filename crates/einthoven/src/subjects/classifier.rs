//! Trained classifiers.

use candle_core::{Device, Tensor};
use einthoven_eval::protocol::{Answer, FineTuned, Lesson, Recording, Rows, Subject, SubjectCard};
use einthoven_models::SignalEncoder;
use einthoven_train::ProgressDisplay;

use super::learner::Learner;
use super::{fed, network};
use crate::fingerprint::fingerprint;
use crate::supervised::Start;
use crate::{Classifier, Result};

/// A classifier of a run: it gives probabilities of its classes, and embeds recordings by its encoder's pooled vector.
pub struct ClassifierSubject {
    card: SubjectCard,
    classifier: Classifier,
    learner: Learner,
}

impl ClassifierSubject {
    /// The `classifier` under the name that tables call it; `display` says whether it shows how it is trained further.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) if its contract cannot be written as JSON.
    pub fn new(name: String, classifier: Classifier, display: ProgressDisplay) -> Result<Self> {
        let kind = match classifier.is_fresh {
            true => "random encoder".to_owned(),
            false => format!("classifier, {}", classifier.labels()),
        };
        let fingerprint = fingerprint(classifier.contract(), &[&classifier.parameters])?;
        let learner = Learner::new(Start::of_classifier(&classifier, name.clone()), display);
        let card = network::card(name, kind, classifier.contract(), fingerprint);
        Ok(Self { card, classifier, learner })
    }

    /// Rows of `width` numbers that `read` makes of recordings.
    fn rows(
        &self,
        recordings: &[Recording],
        width: usize,
        read: impl Fn(&Tensor, &[usize]) -> einthoven_models::Result<Vec<f64>>,
    ) -> Result<Rows> {
        fed::rows(self.classifier.contract(), recordings, width, |signals, valid| {
            Ok(Tensor::from_vec(read(signals, valid)?, (valid.len(), width), &Device::Cpu)?)
        })
    }
}

impl Subject for ClassifierSubject {
    fn card(&self) -> SubjectCard {
        self.card.clone()
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        let network = &self.classifier.network;
        let width = network.encoder().width();
        Ok(self.rows(recordings, width, |signals, valid| network.embed(signals, valid))?)
    }

    fn fine_tune(&self, lesson: &Lesson) -> Answer<FineTuned> {
        self.learner.fine_tune(lesson)
    }

    fn scores(&self, recordings: &[Recording], labels: &str, classes: &[String]) -> Answer<Option<Rows>> {
        let own = self.classifier.classes();
        let places = classes.iter().map(|class| own.iter().position(|known| known == class));
        let Some(places) = places.collect::<Option<Vec<usize>>>() else { return Ok(None) };
        // Fresh weights know no class.
        if labels != self.classifier.labels() || self.classifier.is_fresh {
            return Ok(None);
        }
        let network = &self.classifier.network;
        let rows = self.rows(recordings, places.len(), |signals, valid| {
            let probabilities = network.probabilities(signals, valid)?;
            let of_record = |row: &[f64]| places.iter().map(|&place| row[place]).collect::<Vec<_>>();
            Ok(probabilities.chunks(own.len()).flat_map(of_record).collect())
        })?;
        Ok(Some(rows))
    }
}
