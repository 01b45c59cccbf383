use candle_core::{D, Tensor};
use einthoven_nn::{Pass, Spans, without_gradients};

use super::{Esi, rows};
use crate::{Error, Result, TokenBatch};

impl Esi {
    /// Captions of `signals` `[batch, leads, samples]`: the likeliest next token at each step, from `prompt` until `stop` or
    /// `max_tokens` tokens, the prompt among them and the `stop` not.
    ///
    /// [`Tokenizer::prompt`](crate::Tokenizer::prompt) makes the prompt and [`Tokenizer::sep`](crate::Tokenizer::sep) is the stop. A `paper`
    /// model was never trained to predict the first token after `[CLS]`, so its prompt must hold one.
    ///
    /// # Errors
    /// [`Error::Input`] if the prompt is too short or something does not fit the model.
    pub fn generate(
        &self,
        signals: &Tensor,
        valid: Option<&[usize]>,
        prompt: &[u32],
        stop: u32,
        max_tokens: usize,
    ) -> Result<Vec<Vec<u32>>> {
        let shortest = if self.corrected.is_some() { 1 } else { 2 };
        if prompt.len() < shortest {
            let message = format!("{} tokens, at least {shortest} are needed", prompt.len());
            return Err(Error::input("prompt", message));
        }
        let longest = self.config.text.max_position_embeddings;
        without_gradients(|| {
            let pass = Pass::evaluate();
            let signal = self.view(&self.features(signals, valid, usize::MAX, &pass)?)?.tokens;
            let batch = signal.dim(0)?;
            let mut captions = vec![prompt.to_vec(); batch];
            let mut ended = vec![false; batch];
            for len in prompt.len()..max_tokens.min(longest) {
                let next = self.next_tokens(&captions, len, &signal, &pass)?;
                for (index, caption) in captions.iter_mut().enumerate() {
                    ended[index] |= next[index] == stop;
                    // Rows that have ended go on as padding, so that all stay of one length.
                    caption.push(if ended[index] { stop } else { next[index] });
                }
                if ended.iter().all(|&ended| ended) {
                    break;
                }
            }
            for caption in &mut captions {
                let end = caption[prompt.len()..].iter().position(|&id| id == stop);
                caption.truncate(end.map_or(caption.len(), |end| prompt.len() + end));
            }
            Ok(captions)
        })
    }

    /// The likeliest token after each caption, all of `len` tokens.
    fn next_tokens(&self, captions: &[Vec<u32>], len: usize, signal: &Tensor, pass: &Pass) -> Result<Vec<u32>> {
        let texts: Vec<&[u32]> = captions.iter().map(Vec::as_slice).collect();
        let tokens = TokenBatch::new(&texts)?;
        // Those that the decoder reads of each caption.
        let (inputs, read) = match &self.corrected {
            Some(corrected) => (corrected.word_norm.forward(&self.text.embed_words(&tokens)?)?, len),
            None => {
                let states = self.text.forward(&tokens, pass)?;
                let places: Vec<u32> = (0..states.dim(0)? as u32).filter(|place| place % len as u32 > 0).collect();
                (rows(&states, &places)?, len - 1)
            }
        };
        let states = self.decoder.forward(&inputs, &Spans::even(captions.len(), read)?, signal, pass)?;
        let lasts: Vec<u32> = (1..=captions.len()).map(|caption| (caption * read - 1) as u32).collect();
        Ok(self.decoder.logits(&rows(&states, &lasts)?)?.argmax(D::Minus1)?.to_vec1::<u32>()?)
    }
}
