//! Which token comes next.

use einthoven_random::{Stream, Streams};
use rand::RngExt;

/// Chooses tokens.
pub(super) enum Choice {
    /// The likeliest.
    Likeliest,
    /// By chance, after the logits are divided by the temperature.
    Drawn { temperature: f64, stream: Box<Stream> },
}

impl Choice {
    /// The choices of an answer to `prompt`: the draws depend on the seed and the prompt alone.
    pub fn new(temperature: f32, streams: &Streams, prompt: &[u32]) -> Self {
        if temperature <= 0.0 || temperature.is_nan() {
            return Self::Likeliest;
        }
        let address: Vec<u64> = prompt.iter().map(|token| u64::from(*token)).collect();
        Self::Drawn { temperature: f64::from(temperature), stream: Box::new(streams.stream("answer", &address)) }
    }

    /// The next token, given logits of all. Of several that are likeliest, the first.
    pub fn next(&mut self, logits: &[f32]) -> u32 {
        let mut best = 0;
        for (token, logit) in logits.iter().enumerate() {
            if *logit > logits[best] || logits[best].is_nan() {
                best = token;
            }
        }
        let Self::Drawn { temperature, stream } = self else { return best as u32 };
        let most = f64::from(logits[best]);
        let weight = |logit: &f32| ((f64::from(*logit) - most) / *temperature).exp();
        let total: f64 = logits.iter().map(weight).sum();
        let mut left = stream.random_range(0.0..1.0) * total;
        for (token, logit) in logits.iter().enumerate() {
            left -= weight(logit);
            if left < 0.0 {
                return token as u32;
            }
        }
        best as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_softmax_of_the_logits() {
        let logits = [1.0, 3.0, f32::NEG_INFINITY, 2.0];
        assert_eq!(Choice::new(0.0, &Streams::new(1), &[7]).next(&logits), 1);
        let mut choice = Choice::new(0.5, &Streams::new(1), &[7]);
        let mut counts = [0.0f64; 4];
        (0..20_000).for_each(|_| counts[choice.next(&logits) as usize] += 1.0 / 20_000.0);
        let total: f64 = logits.iter().map(|logit| f64::from(*logit / 0.5).exp()).sum();
        for (count, logit) in counts.iter().zip(logits) {
            // Three standard deviations of a count are below 0.011.
            assert!((count - f64::from(logit / 0.5).exp() / total).abs() < 0.011, "{counts:?}");
        }
        let sequence = |seed| -> Vec<u32> {
            let mut choice = Choice::new(1.0, &Streams::new(seed), &[7, 8]);
            (0..32).map(|_| choice.next(&[0.0; 100])).collect()
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
        assert_eq!(Choice::Likeliest.next(&[f32::NAN, 1.0, 2.0]), 2);
        assert_eq!(Choice::Likeliest.next(&[f32::NAN; 3]), 2);
    }
}
