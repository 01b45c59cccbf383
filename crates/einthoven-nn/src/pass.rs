use std::cell::RefCell;

use einthoven_random::Stream;
use rand::{Rng, SeedableRng};

/// How one forward pass runs: evaluating, or training with random draws.
///
/// Layers take it by reference; dropout draws from its stream in the order of the calls.
#[derive(Debug)]
pub struct Pass {
    stream: Option<RefCell<Stream>>,
    checkpointing: bool,
}

/// One draw of dropout: which elements are dropped is a pure function of it.
#[derive(Clone, Debug)]
pub struct Dropout {
    /// Probability that an element becomes zero, in `[0, 1)`.
    pub rate: f64,
    /// The ChaCha key of the draw.
    pub seed: [u8; 32],
}

impl Pass {
    /// A deterministic pass without dropout.
    pub fn evaluate() -> Self {
        Self { stream: None, checkpointing: false }
    }

    /// A training pass whose dropout draws from `stream`.
    pub fn train(stream: Stream) -> Self {
        Self { stream: Some(RefCell::new(stream)), checkpointing: false }
    }

    /// Whether networks shall compute the activations of each stage and layer again in the backward pass, which saves the
    /// memory to keep them; see [`checkpoint`](crate::checkpoint).
    #[must_use]
    pub fn with_checkpointing(self, checkpointing: bool) -> Self {
        Self { checkpointing, ..self }
    }

    pub(crate) fn is_checkpointing(&self) -> bool {
        self.checkpointing
    }

    /// The stream of a training pass as it is now.
    pub(crate) fn stream(&self) -> Option<Stream> {
        self.stream.as_ref().map(|stream| stream.borrow().clone())
    }

    /// Whether this is a training pass.
    pub fn is_training(&self) -> bool {
        self.stream.is_some()
    }

    /// The next draw of dropout; `None` when evaluating or when `rate` is zero.
    pub fn dropout(&self, rate: f64) -> Option<Dropout> {
        if rate <= 0.0 {
            return None;
        }
        let stream = self.stream.as_ref()?;
        let mut seed = [0; 32];
        stream.borrow_mut().fill_bytes(&mut seed);
        Some(Dropout { rate, seed })
    }
}

impl Dropout {
    /// Which elements of the `part`-th piece of a tensor are kept: a source of one answer per element.
    ///
    /// Pieces draw from streams of their own and may be asked in any order.
    pub(crate) fn keeps(&self, part: usize) -> impl FnMut() -> bool + use<> {
        let mut stream = Stream::from_seed(self.seed);
        stream.set_stream(part as u64);
        // Dropped if a 32-bit draw lies in the first `rate` of its range.
        let threshold = (self.rate * 4_294_967_296.0) as u64;
        move || u64::from(stream.next_u32()) >= threshold
    }

    /// What kept elements are multiplied by.
    pub(crate) fn scale(&self) -> f64 {
        1.0 / (1.0 - self.rate)
    }
}
