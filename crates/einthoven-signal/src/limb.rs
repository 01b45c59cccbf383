//! Limb leads computed from others.

use crate::{Lead, Note, Record};

/// The limb leads that follow from I and II, each as a I + b II.
///
/// Einthoven's law gives III, Goldberger's definitions the augmented leads.
const DERIVED: [(Lead, f32, f32); 4] =
    [(Lead::III, -1.0, 1.0), (Lead::AVR, -0.5, -0.5), (Lead::AVL, 1.0, -0.5), (Lead::AVF, -0.5, 1.0)];

impl Record {
    /// The recording with those of the leads III, aVR, aVL and aVF that it lacks, computed from I and II.
    ///
    /// III = II − I (Einthoven's law); aVR = −(I + II) / 2, aVL = I − II / 2 and aVF = II − I / 2 (Goldberger's
    /// definitions). They come after the leads recorded, each with a [`Note::Derived`]. A sample that is missing in I or
    /// II is missing in them. Without I or II nothing changes.
    #[must_use]
    pub fn with_derived_limb_leads(self) -> Self {
        let (Some(one), Some(two)) = (self.lead(&Lead::I), self.lead(&Lead::II)) else {
            return self;
        };
        let mut samples = Vec::new();
        let mut leads = Vec::new();
        for (lead, a, b) in DERIVED {
            if self.lead(&lead).is_none() {
                samples.extend(one.iter().zip(two).map(|(one, two)| a * one + b * two));
                leads.push(lead);
            }
        }
        let notes = leads.iter().cloned().map(|lead| Note::Derived { lead }).collect::<Vec<_>>();
        self.with_leads(leads, &samples).with_notes(notes)
    }
}
