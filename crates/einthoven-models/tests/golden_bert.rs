//! A pretrained BERT against values computed by Hugging Face's implementation. The weights are not in the repository:
//! `EINTHOVEN_MINILM` names a folder with all-MiniLM-L6-v2.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use std::path::PathBuf;

use candle_core::Tensor;
use common::{Golden, parameters};
use einthoven_models::{Bert, PretrainedText, TokenBatch};
use einthoven_nn::{Pass, Spans, l2_normalize, linear, mean_over_spans, without_gradients};

fn minilm() -> Option<PretrainedText> {
    match std::env::var_os("EINTHOVEN_MINILM") {
        Some(folder) => Some(PretrainedText::load(&PathBuf::from(folder)).unwrap()),
        None => {
            println!("skipped: EINTHOVEN_MINILM names no folder with all-MiniLM-L6-v2");
            None
        }
    }
}

fn sentences(golden: &Golden) -> Vec<String> {
    let list = golden.json["sentences"].as_array().unwrap();
    list.iter().map(|sentence| sentence.as_str().unwrap().to_owned()).collect()
}

fn embeddings(bert: &Bert, tokens: &TokenBatch) -> (Tensor, Tensor, Tensor) {
    let states = bert.forward(tokens, &Pass::evaluate()).unwrap();
    let mean = mean_over_spans(&states, tokens.spans()).unwrap();
    let unit = l2_normalize(&mean, 1e-12).unwrap();
    (states, mean, unit)
}

#[test]
fn tokens_and_states_equal_those_of_hugging_face() {
    let Some(pretrained) = minilm() else { return };
    for golden in common::open("bert-parity") {
        let parameters = parameters(1);
        let bert = Bert::new(&pretrained.config, &parameters.root()).unwrap();
        pretrained.load_into(&parameters, "").unwrap();

        let longest = golden.json["max_length"].as_u64().unwrap() as usize;
        let texts = sentences(&golden);
        let tokens = pretrained.tokenizer.encode_batch(&texts, longest).unwrap();
        let unpadded = |ids: Vec<u32>, mask: Vec<u32>| -> Vec<u32> {
            ids.into_iter().zip(mask).filter_map(|(id, mask)| (mask == 1).then_some(id)).collect()
        };
        let mask = golden.integers("in.attention_mask");
        let lengths = mask.chunks(tokens.padded_len()).map(|row| row.iter().sum::<u32>() as usize);
        assert!(lengths.eq(tokens.spans().ranges().iter().map(ExactSizeIterator::len)));
        assert_eq!(tokens.ids(), unpadded(golden.integers("in.input_ids"), mask));

        without_gradients(|| {
            let (states, mean, unit) = embeddings(&bert, &tokens);
            golden.assert_rows_close(&states, "out.last_hidden_state", tokens.spans());
            golden.assert_close(&mean, "out.mean_pooled");
            golden.assert_close(&unit, "out.embedding");
            let cosine = linear(&unit, &unit, None).unwrap();
            golden.assert_close(&cosine, "out.cosine_matrix");

            let pass = Pass::evaluate();
            let first = Spans::packed(&[tokens.row(0).len()]).unwrap();
            let close = |x: &Tensor, name: &str| {
                golden.assert_rows_close(&x.narrow(0, 0, first.rows()).unwrap(), name, &first);
            };
            let mut hidden = bert.embed(&bert.embed_words(&tokens).unwrap(), tokens.spans(), &pass).unwrap();
            close(&hidden, "mid.embeddings_sample0");
            for layer in 0..bert.depth() {
                hidden = bert.layer(layer, &hidden, tokens.spans(), &pass).unwrap();
                close(&hidden, &format!("mid.layer{layer}_sample0"));
            }

            let note = golden.json["long_text_unit"].as_str().unwrap();
            let unit = note.split('\'').nth(1).unwrap();
            let long = vec![unit.repeat(30), texts[0].clone()];
            let tokens = pretrained.tokenizer.encode_batch(&long, longest).unwrap();
            let pad = pretrained.tokenizer.pad();
            let padded = golden.integers("in.long.input_ids");
            assert_eq!(tokens.ids(), padded.into_iter().filter(|&id| id != pad).collect::<Vec<_>>());
            golden.assert_close(&embeddings(&bert, &tokens).2, "out.long.embedding");
        });
    }
}

#[test]
fn token_texts_equal_those_of_hugging_face() {
    let Some(pretrained) = minilm() else { return };
    for golden in common::open("bert-parity") {
        let texts = sentences(&golden);
        let tokens = pretrained.tokenizer.encode_batch(&texts, 256).unwrap();
        for (row, wanted) in golden.json["tokens"].as_array().unwrap().iter().enumerate() {
            let wanted: Vec<&str> = wanted.as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
            let decoded = pretrained.tokenizer.decode(tokens.row(row)).unwrap();
            let plain = wanted[1..wanted.len() - 1].join(" ").replace(" ##", "");
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&decoded), bare(&plain));
            assert_eq!(tokens.row(row).len(), wanted.len());
        }
    }
}
