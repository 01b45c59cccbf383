//! ESI models and batches from golden files.

use candle_core::Tensor;
use einthoven_models::{
    BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, Mode, SignalConfig, TokenBatch,
    canonical_names,
};
use einthoven_nn::Parameters;

use super::{Golden, channels_first, parameters};

fn four(golden: &Golden, key: &str) -> [usize; 4] {
    let list = golden.hyper(key).as_array().unwrap();
    let list: Vec<usize> = list.iter().map(|value| value.as_u64().unwrap() as usize).collect();
    list.try_into().unwrap()
}

/// The configuration that a golden file's hyper-parameters describe.
pub fn config(golden: &Golden) -> EsiConfig {
    let bert = golden.hyper("bert");
    assert_eq!(bert["hidden_act"], "gelu");
    let number = |key: &str| bert[key].as_u64().unwrap() as usize;
    let dropout = bert["dropout"].as_f64().unwrap();
    let esi = &golden.json["hyper_parameters"]["esi"];
    let or = |key: &str, default: usize| esi[key].as_u64().map_or(default, |value| value as usize);
    let size = ConvNextSize::Custom { depths: four(golden, "depths"), widths: four(golden, "dims") };
    assert_eq!(golden.number("dim"), number("hidden_size"));
    EsiConfig {
        mode: Mode::Paper,
        leads: golden.tensor("in.signal").dim(2).unwrap(),
        signal: SignalConfig::ConvNext(ConvNextConfig { size, norm: None }),
        text: BertConfig {
            vocab_size: number("vocab_size"),
            hidden_size: number("hidden_size"),
            num_hidden_layers: number("num_hidden_layers"),
            num_attention_heads: number("num_attention_heads"),
            intermediate_size: number("intermediate_size"),
            max_position_embeddings: number("max_position_embeddings"),
            type_vocab_size: number("type_vocab_size"),
            layer_norm_eps: bert["layer_norm_eps"].as_f64().unwrap(),
            pad_token_id: number("pad_token_id") as u32,
            hidden_dropout_prob: dropout,
            attention_probs_dropout_prob: dropout,
            ..BertConfig::default()
        },
        pooling: None,
        decoder: DecoderConfig {
            depth: golden.number("mdepth"),
            heads: golden.number("heads"),
            dim_head: golden.number("dim_head"),
            ff_mult: or("ff_mult", 4),
        },
        latents: or("dim_latents", golden.number("dim")),
        signal_tokens: 1,
        ..EsiConfig::default()
    }
}

/// The model with the golden parameters.
pub fn load(golden: &Golden) -> (Esi, Parameters) {
    let parameters = parameters(1);
    let model = Esi::new(&config(golden), &parameters.root()).unwrap();
    let mut tensors = golden.below("param.");
    tensors.extend(golden.below("buffer."));
    parameters.load(&canonical_names(tensors)).unwrap();
    (model, parameters)
}

/// All signals, `[batch, leads, samples]`.
pub fn signals(golden: &Golden) -> Tensor {
    channels_first(golden.tensor("in.signal"))
}

/// The captions of the chosen rows.
pub fn tokens(golden: &Golden, rows: &[usize]) -> TokenBatch {
    let len = golden.tensor("in.input_ids").dim(1).unwrap();
    let (ids, mask) = (golden.integers("in.input_ids"), golden.integers("in.attention_mask"));
    let texts = rows.iter().map(|&row| {
        let mask = &mask[row * len..(row + 1) * len];
        let length = mask.iter().filter(|&&bit| bit == 1).count();
        assert!(mask[..length].iter().all(|&bit| bit == 1), "padding is at the end");
        &ids[row * len..][..length]
    });
    TokenBatch::new(&texts.collect::<Vec<_>>()).unwrap().padded_to(len)
}
