//! A contrastive batch in parts is the whole one.

use candle_core::{DType, Device};
use einthoven_corpus::PartialCaption;
use einthoven_models::{
    BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, Mode, SignalConfig, Tokenizer,
};
use einthoven_nn::Parameters;
use einthoven_random::Streams;

use super::*;
use crate::config::{LossConfig, TrainConfig};
use crate::objective::Objective;

/// The second caption of the first batch is that of the first recording of the second batch.
const CAPTIONS: [&str; 6] = [
    "sinus rhythm",
    "atrial fibrillation with a rapid rate",
    "left bundle branch block",
    "atrial fibrillation with a rapid rate",
    "sinus bradycardia, otherwise normal",
    "normal",
];

fn objective(mode: Mode, dropout: f64, dtype: DType) -> (EsiObjective, Parameters) {
    let captions = CAPTIONS.map(str::to_owned);
    let tokenizer = Tokenizer::train_word_piece(&captions, 150).unwrap();
    let size = ConvNextSize::Custom { depths: [1; 4], widths: [4, 4, 8, 8] };
    let config = EsiConfig {
        mode,
        leads: 2,
        signal: SignalConfig::ConvNext(ConvNextConfig { size, norm: None }),
        text: BertConfig {
            vocab_size: tokenizer.vocabulary_size(),
            hidden_size: 8,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 16,
            hidden_dropout_prob: dropout,
            attention_probs_dropout_prob: dropout,
            ..BertConfig::default()
        },
        decoder: DecoderConfig { depth: 1, heads: 2, dim_head: 4, ff_mult: 2 },
        latents: 8,
        ..EsiConfig::default()
    };
    let parameters = Parameters::new(dtype, &Device::Cpu, Streams::new(11));
    let model = Esi::new(&config, &parameters.root()).unwrap();
    // A paper model has the published losses.
    let dropout_views = if mode == Mode::Paper { 0.0 } else { 0.4 };
    let losses = LossConfig { contrastive: 0.7, caption: 1.3, dropout_views, near_duplicate: None };
    let config = TrainConfig { losses, max_tokens: 64, ..TrainConfig::default() };
    let mut objective = EsiObjective::new(model, &tokenizer, &captions, &config, Device::Cpu).unwrap();
    // A paper model takes no notice of it.
    objective.largest_cosine = Some(0.9);
    (objective, parameters)
}

/// The recordings `indices`.
fn batch(indices: &[usize]) -> Batch {
    let (leads, samples) = (2, 96);
    let wave = |index: &usize| {
        let index = *index as f32;
        (0..leads * samples).map(move |at| (at as f32 * (0.05 + 0.03 * index)).sin() + 0.2 * index)
    };
    Batch {
        ids: indices.iter().map(usize::to_string).collect(),
        indices: indices.to_vec(),
        signals: indices.iter().flat_map(wave).collect(),
        valid: indices.iter().map(|index| samples - 8 * index).collect(),
        captions: indices.iter().map(|index| CAPTIONS[*index].to_owned()).collect(),
        parts: Vec::new(),
        leads,
        samples,
    }
}

/// Both encoders learn, or the text encoder and the lower half of the signal encoder are locked.
fn round(is_locked: bool) -> Round {
    let [signal_layers, text_layers] = if is_locked { [2, 0] } else { [usize::MAX; 2] };
    Round { done: 0, first: 0, signal_layers, text_layers, checkpointing: false, streams: Streams::new(4) }
}

/// The recordings `indices`, contrasted with one statement each: that of 0 is true of 2, too, and that of 3 of 5.
fn in_parts(indices: &[usize]) -> Batch {
    let part = |index: &usize| {
        let text = CAPTIONS[*index].split_whitespace().next().unwrap().to_owned();
        let also = match index {
            2 => vec![0],
            5 => vec![3],
            _ => Vec::new(),
        };
        PartialCaption { text, said: vec![*index as u32], all: [vec![*index as u32], also].concat() }
    };
    Batch { parts: indices.iter().map(part).collect(), ..batch(indices) }
}

fn cached(
    objective: &mut EsiObjective,
    locked: bool,
    batch: fn(&[usize]) -> Batch,
) -> (Gradients, Vec<(&'static str, f64)>) {
    let batches = [batch(&[0, 1]), batch(&[3, 2]), batch(&[4, 5])];
    let mut sum = Gradients::default();
    let named = objective.add_gradients(&batches, &round(locked), &mut sum, &mut Clock::new(None)).unwrap();
    (sum, named)
}

/// The largest difference of a parameter's gradients relative to their largest magnitude. Some are 0 but for rounding,
/// such as a bias's before a norm; none counts as smaller than a ten-thousandth of the largest of all.
fn distance(parameters: &Parameters, found: &Gradients, wanted: &Gradients) -> f64 {
    let numbers = |gradient: &Tensor| -> Vec<f64> {
        gradient.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
    };
    let largest = |gradient: &Tensor| numbers(gradient).into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let all = parameters.trainable().into_iter().filter_map(|(_, variable)| wanted.get(&variable).map(largest));
    let floor = 1e-4 * all.fold(0.0, f64::max);
    let mut worst = 0.0f64;
    for (name, variable) in parameters.trainable() {
        let (Some(found), Some(wanted)) = (found.get(&variable), wanted.get(&variable)) else {
            assert!(found.get(&variable).is_none() && wanted.get(&variable).is_none(), "{name}");
            continue;
        };
        let largest = largest(wanted).max(floor);
        let (found, wanted) = (numbers(found), numbers(wanted));
        let difference = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs()).fold(0.0, f64::max);
        worst = worst.max(difference / largest);
    }
    worst
}

#[test]
fn losses_and_gradients_are_those_of_the_whole_batch() {
    let (exact, single) = ((DType::F64, 1e-11), (DType::F32, 1e-5));
    // The published norm over time divides the little that differs between three time steps by itself: in `f32`, its
    // gradient here is good to three digits, in whatever order it is computed.
    for (mode, (dtype, tolerance)) in [(Mode::Corrected, exact), (Mode::Paper, exact), (Mode::Corrected, single)] {
        let kinds: [fn(&[usize]) -> Batch; 2] = [batch, in_parts];
        for (locked, batch) in [false, true].into_iter().flat_map(|locked| kinds.map(|batch| (locked, batch))) {
            let (mut objective, parameters) = objective(mode, 0.0, dtype);
            let (found, named) = cached(&mut objective, locked, batch);
            let whole = objective.losses(&batch(&[0, 1, 3, 2, 4, 5]), &round(locked)).unwrap();
            let wanted = backward(&whole.total).unwrap();
            let distance = distance(&parameters, &found, &wanted);
            println!("{dtype:?}, {mode:?}, locked {locked}: {distance:.1e}");
            assert!(distance < tolerance, "{dtype:?}, {mode:?}, locked {locked}: {distance}");
            assert_eq!(named.len(), if mode == Mode::Paper { 3 } else { 4 });
            for ((name, found), (wanted_name, wanted)) in named.iter().zip(&whole.named) {
                assert_eq!(name, wanted_name);
                assert!((found - wanted).abs() < tolerance * wanted, "{name}: {found}, {wanted}");
            }
        }
    }
}

/// Both times that a batch is computed, the same is dropped: the gradient is that of one graph of all batches.
#[test]
fn dropout_is_the_same_both_times() {
    let (mut objective, parameters) = objective(Mode::Corrected, 0.3, DType::F64);
    let (found, named) = cached(&mut objective, false, batch);
    let batches = [batch(&[0, 1]), batch(&[3, 2]), batch(&[4, 5])];
    let whole = objective.captions.batch(&[0, 1, 3, 2, 4, 5]).unwrap();
    let parts = objective.parts(&batches, &whole, &round(false)).unwrap();
    let mut embeddings = Vec::new();
    let mut caption = Tensor::zeros((), DType::F64, &Device::Cpu).unwrap();
    for (index, part) in parts.iter().enumerate() {
        let (part_embeddings, told) = objective.outputs(part, objective.weights, &round(false).pass(index)).unwrap();
        embeddings.push(part_embeddings);
        caption = (caption + told.unwrap() * part.share).unwrap();
    }
    let cat =
        |side: fn(&Embeddings) -> &Tensor| Tensor::cat(&embeddings.iter().map(side).collect::<Vec<_>>(), 0).unwrap();
    let joint =
        Embeddings { signal: cat(|part| &part.signal), text: cat(|part| &part.text), pooled: cat(|part| &part.pooled) };
    let contrastive = objective.model.contrastive_loss(&joint, objective.negatives(&whole.groups(), None)).unwrap();
    let views = joint.dropout_views(&round(false).joint_pass("dropout_views", 2)).unwrap();
    let total = ((contrastive * 0.7).unwrap() + (caption * 1.3).unwrap() + (views * 0.4).unwrap()).unwrap();
    let distance = distance(&parameters, &found, &backward(&total).unwrap());
    assert!(distance < 1e-11, "{distance}");
    assert!((named[0].1 - scalar(&total).unwrap()).abs() < 1e-12, "{named:?}");
}

/// What a text says may be true of another record: then the two are not told apart.
#[test]
fn true_texts_are_no_negatives() {
    let contrast = |parts: Vec<PartialCaption>| {
        let (mut objective, _) = objective(Mode::Corrected, 0.0, DType::F64);
        // To a new text encoder, all texts are nearly the same.
        objective.largest_cosine = None;
        let batch = Batch { parts, ..batch(&[0, 1, 2]) };
        objective.losses(&batch, &round(false)).unwrap().named[1].1
    };
    let part = |text: &str, said: u32, all: &[u32]| PartialCaption {
        text: text.to_owned(),
        said: vec![said],
        all: all.to_vec(),
    };
    let own = contrast(vec![part("sinus", 0, &[0]), part("fibrillation", 1, &[1]), part("bundle", 2, &[2])]);
    let some = contrast(vec![part("sinus", 0, &[0]), part("fibrillation", 1, &[1, 0]), part("bundle", 2, &[2])]);
    let all = [0, 1, 2];
    let every = contrast(vec![part("sinus", 0, &all), part("fibrillation", 1, &all), part("bundle", 2, &all)]);
    assert!(own > some && some > 0.1, "{own} {some}");
    assert_eq!(every, 0.0);
}
