//! How much a training pass keeps in memory, from sizes alone.

use crate::{Classifier, Esi, LossWeights, SignalEncoder};

/// The most logits of the caption loss in memory at a time.
const LOGITS: usize = 1 << 24;

/// How many values a part of a network, such as a stage, keeps until its backward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Those that a checkpointed pass does not keep but computes again.
    pub inside: usize,
    /// The part's result.
    pub result: usize,
}

/// A training pass, as far as the memory that it takes depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassSize {
    /// Recordings computed at once.
    pub records: usize,
    /// Samples of a lead.
    pub samples: usize,
    /// Tokens of all captions together.
    pub tokens: usize,
    /// Recordings contrasted with each other.
    pub contrasted: usize,
    /// Which losses are computed.
    pub weights: LossWeights,
    /// Whether recordings are contrasted with themselves, too ([`Embeddings::dropout_views`](crate::Embeddings::dropout_views)).
    pub dropout_views: bool,
    /// Whether the signal encoder is locked.
    pub signal_is_locked: bool,
    /// Whether the text encoder is locked.
    pub text_is_locked: bool,
    /// Whether the pass is checkpointed.
    pub checkpointing: bool,
}

impl Esi {
    /// An estimate of the most values (not bytes) that a training pass has in memory at once, parameters and their
    /// gradients left out. It counts what operations keep for the backward pass and, for the largest part, what its
    /// backward pass adds for a while.
    pub fn activation_count(&self, pass: &PassSize) -> usize {
        let PassSize { records, samples, tokens, contrasted, weights, .. } = *pass;
        let config = self.config();
        let (width, text, decoder) = (config.text.hidden_size, &config.text, &config.decoder);
        let signal = self.signal_encoder().kept(samples).into_iter();
        let mut parts: Vec<Kept> =
            signal.map(|part| Kept { inside: records * part.inside, result: records * part.result }).collect();
        let mut passing = 0;
        if pass.signal_is_locked {
            passing = largest_inside(&parts);
            // Of all parts, what the last makes is kept.
            parts = parts.pop().map(|last| Kept { inside: 0, ..last }).into_iter().collect();
        }
        if weights.contrastive != 0.0 && !pass.text_is_locked {
            // Per token: joint queries, keys and values; attention and its projection; two sums, two norms, two
            // dropouts; the feed-forward part.
            let inside = 3 * width + 8 * width + text.intermediate_size;
            let layer = Kept { inside: tokens * inside, result: tokens * width };
            parts.extend(vec![layer; text.num_hidden_layers]);
        }
        if weights.caption != 0.0 {
            let (inner, queries) = (decoder.ff_mult * width, decoder.heads * decoder.dim_head);
            // Per token, the causal block and then the cross-attending one.
            let causal = 2 * queries + 2 * decoder.dim_head + 2 * inner + 3 * width;
            let cross = 2 * queries + 2 * inner + 4 * width;
            let layer = Kept { inside: tokens * (causal + cross), result: tokens * width };
            parts.extend(vec![layer; decoder.depth]);
        }
        let kept = in_memory(&parts, pass.checkpointing);
        let input = 2 * records * config.leads * samples;
        let logits = if weights.caption == 0.0 { 0 } else { LOGITS.min(tokens * text.vocab_size) };
        // Cosines, a softmax each way and the slopes; the slopes of a second loss.
        let matrices = if weights.contrastive == 0.0 { 0 } else { 4 + usize::from(pass.dropout_views) };
        let pairs = matrices * contrasted * contrasted;
        input + passing.max(kept + logits.max(pairs))
    }
}

impl Classifier {
    /// An estimate of the most values (not bytes) that a training pass over `records` of so many `samples` has in memory at once,
    /// parameters and their gradients left out.
    pub fn activation_count(
        &self,
        records: usize,
        samples: usize,
        checkpointing: bool,
        encoder_is_locked: bool,
    ) -> usize {
        let seen = self.config().crop.map_or(samples, |crop| crop.samples.min(samples));
        let parts = self.encoder().kept(seen);
        let of_encoder = if encoder_is_locked { largest_inside(&parts) } else { in_memory(&parts, checkpointing) };
        records * (of_encoder + 2 * self.leads() * seen)
    }
}

/// The most values that one of these parts has in memory for a while.
fn largest_inside(parts: &[Kept]) -> usize {
    parts.iter().map(|part| part.inside).max().unwrap_or(0)
}

/// The most values of these parts that are in memory at once.
fn in_memory(parts: &[Kept], checkpointing: bool) -> usize {
    let results: usize = parts.iter().map(|part| part.result).sum();
    let inside = parts.iter().map(|part| part.inside);
    let largest = largest_inside(parts);
    // The gradients of a part's activations are about as many as they, though not all at once.
    if checkpointing { results + largest + largest / 2 } else { results + inside.sum::<usize>() + largest / 2 }
}
