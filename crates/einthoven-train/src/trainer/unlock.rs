//! When the encoders of a model begin to learn.

use super::length::Length;
use crate::objective::{PretrainedPart, Tower};
use crate::schedule::Span;
use crate::{Error, Result};

/// When a part of a model begins to learn: its uppermost layer first, then each one below after as many steps more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlock {
    part: PretrainedPart,
    /// Steps before the uppermost layer learns.
    first: u64,
    /// Steps from the unlocking of a layer to that of the one below.
    every: u64,
}

impl Unlock {
    /// What the configuration says of a `part` of so many layers.
    pub fn new(part: PretrainedPart, layers: usize, length: Length) -> Result<Self> {
        if part.is_always_locked() {
            return Ok(Self { part, first: u64::MAX, every: 0 });
        }
        let total = length.total;
        let steps = |span: Option<Span>| span.map_or(0, |span| span.steps(total, length.steps_per_epoch));
        let (first, every) = (steps(part.unlock), steps(part.unlock_every));
        let (name, [key, scale]) = (name(part.tower), part.keys);
        if first >= total {
            let message =
                format!("is {first} steps of a run of {total}; to lock the {name} for all of it, set {scale} = 0");
            return Err(Error::Config { key, message });
        }
        let unlock = Self { part, first, every };
        let last = unlock.locked_steps(layers.saturating_sub(1));
        let message = if part.unlock_every.is_some() && every == 0 {
            "comes to less than one step; leave it out to unlock all layers at once".to_owned()
        } else if last >= total {
            format!("unlocks the lowest of {layers} layers after {last} steps of a run of {total}; shorten it")
        } else {
            return Ok(unlock);
        };
        Err(Error::Config { key: "encoder.unlock_every", message })
    }

    /// Which part it is.
    pub fn tower(&self) -> Tower {
        self.part.tower
    }

    /// Steps before a layer learns that lies below so many others.
    fn locked_steps(&self, layers_above: usize) -> u64 {
        self.first.saturating_add(self.every.saturating_mul(layers_above as u64))
    }

    /// How many of the uppermost layers learn in the step after `done` others.
    pub fn learning_layers(&self, done: u64) -> usize {
        match done.checked_sub(self.first) {
            None => 0,
            Some(_) if self.every == 0 => usize::MAX,
            Some(since) => usize::try_from(since / self.every).unwrap_or(usize::MAX).saturating_add(1),
        }
    }
}

/// What a part is called.
fn name(tower: Tower) -> &'static str {
    match tower {
        Tower::Signal => "encoder",
        Tower::Text => "text encoder",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: PretrainedPart = PretrainedPart {
        tower: Tower::Signal,
        prefix: "encoder.",
        learning_rate_scale: 1.0,
        layer_decay: None,
        unlock: Some(Span::Steps(4)),
        unlock_every: Some(Span::Steps(3)),
        keys: ["encoder.unlock", "encoder.learning_rate_scale"],
    };
    const LENGTH: Length = Length { total: 20, steps_per_epoch: 5, batches_per_epoch: 5, batches_per_step: 1 };

    #[test]
    fn layers_are_unlocked_from_the_uppermost_down() {
        let layers = |part: PretrainedPart| {
            let unlock = Unlock::new(part, 4, LENGTH).unwrap();
            let learning: Vec<usize> = (0..20).map(|done| unlock.learning_layers(done).min(4)).collect();
            for (done, &learning) in learning.iter().enumerate() {
                assert_eq!(learning, (0..4).filter(|&above| unlock.locked_steps(above) <= done as u64).count());
            }
            learning
        };
        assert_eq!(layers(PART), [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(layers(PretrainedPart { unlock: None, ..PART })[..7], [1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(layers(PretrainedPart { unlock_every: None, ..PART })[..6], [0, 0, 0, 0, 4, 4]);
        assert_eq!(layers(PretrainedPart { learning_rate_scale: 0.0, ..PART }), [0; 20]);
        let of_epochs =
            PretrainedPart { unlock: Some(Span::Epochs(1)), unlock_every: Some(Span::Fraction(0.2)), ..PART };
        assert_eq!(layers(of_epochs)[..10], [0, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
    }

    #[test]
    fn what_is_never_unlocked_is_refused() {
        let message = |part, layers| Unlock::new(part, layers, LENGTH).unwrap_err().to_string();
        let late = PretrainedPart { unlock: Some(Span::Epochs(4)), ..PART };
        let wanted = "train.encoder.unlock: is 20 steps of a run of 20; to lock the encoder for all of it, set \
                      encoder.learning_rate_scale = 0";
        assert_eq!(message(late, 4), wanted);
        let wanted =
            "train.encoder.unlock_every: unlocks the lowest of 7 layers after 22 steps of a run of 20; shorten it";
        assert_eq!(message(PART, 7), wanted);
        assert!(Unlock::new(PART, 6, LENGTH).is_ok());
        let none = PretrainedPart { unlock_every: Some(Span::Fraction(0.01)), ..PART };
        assert!(message(none, 4).starts_with("train.encoder.unlock_every: comes to less than one step"));
    }
}
