//! Every trainable parameter of every model and mode is reached by a finite gradient that is not zero, and the
//! corrected captioner sees what it should and nothing else.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use common::{parameters, values};
use einthoven_models::{
    BertConfig, Captions, Classifier, ClassifierConfig, Combine, ContrastiveLoss, ConvNextConfig, ConvNextSize,
    CropConfig, DecoderConfig, Esi, EsiConfig, HeadConfig, LossWeights, Mode, SignalConfig, TextPooling, TokenBatch,
    VitConfig, XResNetConfig,
};
use einthoven_nn::{Parameters, Pass, backward, binary_cross_entropy};
use einthoven_random::Streams;

const VOCABULARY: usize = 40;
const LEN: usize = 9;

/// What the published model holds and never uses.
const DEAD: [&str; 10] = [
    "img_attn_pool.context_norm.gamma",
    "img_attn_pool.norm.gamma",
    "img_attn_pool.to_kv.weight",
    "img_attn_pool.to_out.weight",
    "img_attn_pool.to_q.weight",
    "img_encoder.head.bias",
    "img_encoder.head.weight",
    "pretrained_text_encoder.pooler.dense.bias",
    "pretrained_text_encoder.pooler.dense.weight",
    "text_cls_norm.gamma",
];

fn convnext() -> SignalConfig {
    let size = ConvNextSize::Custom { depths: [1, 1, 2, 1], widths: [8, 12, 16, 24] };
    SignalConfig::ConvNext(ConvNextConfig { size, norm: None })
}

fn xresnet() -> SignalConfig {
    SignalConfig::XResNet(XResNetConfig {
        layers: vec![1, 2, 1, 1],
        stem: [8, 8, 16],
        widen: 0.125,
        ..XResNetConfig::default()
    })
}

fn config(mode: Mode, signal: SignalConfig) -> EsiConfig {
    EsiConfig {
        mode,
        leads: 3,
        signal,
        text: BertConfig {
            vocab_size: VOCABULARY,
            hidden_size: 16,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 32,
            max_position_embeddings: 20,
            ..BertConfig::default()
        },
        pooling: None,
        decoder: DecoderConfig { depth: 2, heads: 2, dim_head: 8, ff_mult: 2 },
        latents: 12,
        signal_tokens: 4,
        ..EsiConfig::default()
    }
}

/// A model whose zero and one initial values are moved, so that no path is closed.
fn model(config: &EsiConfig) -> (Esi, Parameters) {
    let parameters = parameters(5);
    let model = Esi::new(config, &parameters.root()).unwrap();
    open_paths(&parameters);
    (model, parameters)
}

fn open_paths(parameters: &Parameters) {
    for (index, (_, variable)) in parameters.trainable().iter().enumerate() {
        let start = values(variable);
        let moved = start.iter().enumerate().map(|(i, x)| x + 0.2 * ((i * 7 + index * 3) as f64 * 0.37).sin());
        let moved = Tensor::from_iter(moved, &Device::Cpu).unwrap().to_dtype(variable.dtype()).unwrap();
        variable.set(&moved.reshape(variable.shape()).unwrap()).unwrap();
    }
}

fn signals(batch: usize, shift: f64) -> Tensor {
    let wave = (0..batch * 3 * 400).map(|i| {
        let t = i as f64 + shift;
        ((t * 0.11).sin() + 0.5 * (t * 0.023 + (i / 1200) as f64).cos()) as f32
    });
    Tensor::from_iter(wave, &Device::Cpu).unwrap().reshape((batch, 3, 400)).unwrap()
}

fn texts() -> Vec<Vec<u32>> {
    let mut texts: Vec<Vec<u32>> = (0..4u32)
        .map(|row| {
            let words = (0..LEN as u32 - 2).map(|place| 5 + (row * 11 + place * 3) % 35);
            std::iter::once(2).chain(words).chain(std::iter::once(3)).collect()
        })
        .collect();
    // One text is shorter.
    texts[2].truncate(7);
    texts[2][6] = 3;
    texts
}

fn batch(texts: &[Vec<u32>]) -> TokenBatch {
    TokenBatch::new(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

fn tokens() -> TokenBatch {
    batch(&texts())
}

/// The usual captions with one token of the first changed.
fn tokens_with(place: usize, id: u32) -> TokenBatch {
    let mut texts = texts();
    texts[0][place] = id;
    batch(&texts)
}

fn unreached(config: &EsiConfig, valid: Option<&[usize]>) -> Vec<String> {
    let (model, parameters) = model(config);
    let pass = Pass::train(Streams::new(3).stream("dropout", &[0]));
    let features = model.features(&signals(4, 0.0), valid, usize::MAX, &pass).unwrap();
    let losses = model.losses(&features, Captions::new(&tokens()), LossWeights::default(), &pass).unwrap();
    unreached_by(&losses.total, &parameters)
}

fn unreached_by(loss: &Tensor, parameters: &Parameters) -> Vec<String> {
    let gradients = backward(loss).unwrap();
    let mut unreached = Vec::new();
    for (name, variable) in parameters.trainable() {
        match gradients.get(&variable) {
            Some(gradient) => {
                let gradient = values(gradient);
                assert!(gradient.iter().all(|x| x.is_finite()), "{name}");
                if gradient.iter().all(|&x| x == 0.0) {
                    unreached.push(name);
                }
            }
            None => unreached.push(name),
        }
    }
    unreached
}

#[test]
fn every_parameter_of_a_corrected_model_gets_a_gradient() {
    for signal in [convnext(), xresnet()] {
        for pooling in [TextPooling::Cls, TextPooling::Mean] {
            let config = EsiConfig { pooling: Some(pooling), ..config(Mode::Corrected, signal.clone()) };
            let none: Vec<String> = Vec::new();
            assert_eq!(unreached(&config, None), none);
            assert_eq!(unreached(&config, Some(&[400, 400, 200, 300])), none);
        }
    }
    let config = EsiConfig { contrastive_loss: ContrastiveLoss::SigLip, ..config(Mode::Corrected, convnext()) };
    assert_eq!(unreached(&config, None), Vec::<String>::new());
}

#[test]
fn only_siglip_has_a_bias_and_each_loss_its_published_start() {
    let new = |contrastive_loss| {
        let parameters = parameters(1);
        let config = EsiConfig { contrastive_loss, ..config(Mode::Corrected, convnext()) };
        let model = Esi::new(&config, &parameters.root()).unwrap();
        let bias = parameters.tensors().get("logit_bias").map(values);
        (model.logit_scale().unwrap().round(), bias)
    };
    assert_eq!(new(ContrastiveLoss::InfoNce), (14.0, None));
    assert_eq!(new(ContrastiveLoss::SigLip), (10.0, Some(vec![-10.0])));
    let paper = EsiConfig { contrastive_loss: ContrastiveLoss::SigLip, ..config(Mode::Paper, convnext()) };
    let error = paper.validate().unwrap_err().to_string();
    assert!(error.starts_with("configuration key `contrastive_loss`: "), "{error}");
}

/// Loss, gradients and running statistics of a training pass with dropout, by name.
fn trained(mode: Mode, signal: SignalConfig, checkpointing: bool) -> BTreeMap<String, Vec<f32>> {
    let (model, parameters) = model(&config(mode, signal));
    let pass = Pass::train(Streams::new(3).stream("dropout", &[0])).with_checkpointing(checkpointing);
    let (tokens, weights) = (tokens(), LossWeights::default());
    let valid = [400, 400, 200, 300];
    let features = model.features(&signals(4, 0.0), Some(&valid), usize::MAX, &pass).unwrap();
    let losses = model.losses(&features, Captions::new(&tokens), weights, &pass).unwrap();
    let gradients = backward(&losses.total).unwrap();
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
    let gradients = parameters.trainable().into_iter().filter_map(|(name, variable)| {
        gradients.get(&variable).map(|gradient| (format!("gradient of {name}"), numbers(gradient)))
    });
    let state = parameters.tensors().into_iter().map(|(name, tensor)| (name, numbers(&tensor)));
    gradients.chain(state).chain([("loss".to_owned(), numbers(&losses.total))]).collect()
}

#[test]
fn a_checkpointed_pass_is_the_plain_one_bit_for_bit() {
    for mode in [Mode::Corrected, Mode::Paper] {
        for signal in [convnext(), xresnet()] {
            let (plain, checkpointed) = (trained(mode, signal.clone(), false), trained(mode, signal, true));
            assert_eq!(plain.len(), checkpointed.len());
            for (name, values) in plain {
                assert!(checkpointed[&name] == values, "{mode:?}, {name}");
            }
        }
    }
}

#[test]
fn the_parameters_of_a_paper_model_without_gradient_are_the_published_ones() {
    let is_query = |name: &String| name.starts_with("multimodal") && name.ends_with("1.fn.to_q.weight");
    // Attention to copies of one vector does not depend on its queries: their gradient is zero or rounding noise.
    let mut found = unreached(&config(Mode::Paper, convnext()), None);
    found.retain(|name| !is_query(name));
    assert_eq!(found, DEAD);

    // XResNet has no class head.
    let mut found = unreached(&config(Mode::Paper, xresnet()), None);
    found.retain(|name| !is_query(name));
    let dead: Vec<&str> = DEAD.into_iter().filter(|name| !name.starts_with("img_encoder.head")).collect();
    assert_eq!(found, dead);
}

/// The logits of each caption's positions.
fn logits(model: &Esi, signals: &Tensor, tokens: &TokenBatch) -> Vec<Vec<Vec<f32>>> {
    let logits = model.caption_logits(signals, None, tokens, &Pass::evaluate()).unwrap();
    let mut rows = logits.to_vec2::<f32>().unwrap().into_iter();
    let unread = tokens.ids().len() - rows.len();
    let per_text = unread / tokens.count();
    (0..tokens.count()).map(|text| rows.by_ref().take(tokens.row(text).len() - per_text).collect()).collect()
}

#[test]
fn the_corrected_decoder_does_not_see_what_it_predicts() {
    let (model, _) = model(&config(Mode::Corrected, convnext()));
    let (signals, tokens) = (signals(4, 0.0), tokens());
    let before = logits(&model, &signals, &tokens);
    assert_eq!(before[0].len(), LEN - 1, "the first token is predicted too");
    for place in 1..LEN {
        let after = logits(&model, &signals, &tokens_with(place, 4));
        // Position p predicts token p + 1 and has read tokens 0..=p.
        assert_eq!(before[0][..place], after[0][..place], "token {place} leaks");
        if place < LEN - 1 {
            assert_ne!(before[0][place], after[0][place], "token {place} is not read");
        }
        assert_eq!(before[1..], after[1..], "another text's token is seen");
    }
}

#[test]
fn the_paper_decoder_sees_what_it_predicts() {
    let (model, _) = model(&config(Mode::Paper, convnext()));
    let (signals, tokens) = (signals(4, 0.0), tokens());
    let before = logits(&model, &signals, &tokens);
    let after = logits(&model, &signals, &tokens_with(LEN - 2, 4));
    assert_ne!(before[0][0], after[0][0]);
}

#[test]
fn the_corrected_decoder_looks_at_the_signal_through_its_attention() {
    let (model, parameters) = model(&config(Mode::Corrected, convnext()));
    let tokens = tokens();
    let before = logits(&model, &signals(4, 0.0), &tokens);
    let after = logits(&model, &signals(4, 77.0), &tokens);
    for row in 0..4 {
        for (place, (before, after)) in before[row].iter().zip(&after[row]).enumerate() {
            assert_ne!(before, after, "text {row}, position {place}");
        }
    }
    // Unlike in the published model, where to look matters.
    let (_, query) =
        parameters.trainable().into_iter().find(|(name, _)| name == "multimodal_layers.0.1.fn.to_q.weight").unwrap();
    query.set(&(query.as_detached_tensor() * -1.0).unwrap()).unwrap();
    assert_ne!(before, logits(&model, &signals(4, 0.0), &tokens));
}

/// True of new models already: what is invisible at the start is learned late or never.
#[test]
fn amplitude_and_level_reach_the_corrected_embedding_only() {
    let distance = |a: &Tensor, b: &Tensor| {
        let squares = (a - b).unwrap().sqr().unwrap().sum_all().unwrap();
        f64::from(squares.to_scalar::<f32>().unwrap()).sqrt()
    };
    for (gain, level) in [(2.0, 0.0), (1.0, 0.5)] {
        let shift = |mode| {
            let model = Esi::new(&config(mode, convnext()), &parameters(5).root()).unwrap();
            let embed = |signals: &Tensor| model.encode_signals(signals, None).unwrap();
            let plain = signals(4, 0.0);
            let (here, there) = (embed(&plain), embed(&signals(4, 500.0)));
            let moved = embed(&plain.affine(gain, level).unwrap());
            // In units of the distance between different recordings.
            distance(&here, &moved) / distance(&here, &there)
        };
        let (paper, corrected) = (shift(Mode::Paper), shift(Mode::Corrected));
        println!("gain {gain}, level {level}: paper {paper:.1e}, corrected {corrected:.1e}");
        assert!(paper < 1e-3 && corrected > 0.1, "paper {paper}, corrected {corrected}");
    }
}

#[test]
fn identical_captions_are_no_negatives_in_a_corrected_model() {
    let mut texts = texts();
    texts[1] = texts[0].clone();
    let tokens = batch(&texts);
    assert_eq!(tokens.groups(), [0, 0, 1, 2]);
    let groups = tokens.groups();
    let loss = |mode, groups: Option<&[u32]>| {
        let (model, _) = model(&config(mode, convnext()));
        let captions = Captions { negatives: groups.into(), ..Captions::new(&tokens) };
        let weights = LossWeights::default();
        let pass = Pass::evaluate();
        let features = model.features(&signals(4, 0.0), None, usize::MAX, &pass).unwrap();
        let losses = model.losses(&features, captions, weights, &pass).unwrap();
        common::scalar(&losses.contrastive.unwrap())
    };
    assert!(loss(Mode::Corrected, Some(&groups)) < loss(Mode::Corrected, None));
    assert_eq!(loss(Mode::Paper, Some(&groups)), loss(Mode::Paper, None));
}

#[test]
fn the_logit_scale_starts_and_stays_where_it_should() {
    let (corrected, parameters) = model(&config(Mode::Corrected, convnext()));
    let start = Esi::new(&config(Mode::Corrected, convnext()), &common::parameters(1).root());
    let start = start.unwrap().logit_scale().unwrap();
    assert!((start - 1.0 / 0.07).abs() < 1e-4, "{start}");
    let set = |parameters: &Parameters, value: f32| {
        let all = parameters.trainable();
        let (_, temperature) = all.iter().find(|(name, _)| name == "temperature").unwrap();
        temperature.set(&Tensor::new(&[value], &Device::Cpu).unwrap()).unwrap();
    };
    set(&parameters, 3.0);
    corrected.clamp_logit_scale().unwrap();
    assert!((corrected.logit_scale().unwrap() - 3f64.exp()).abs() < 1e-3);
    set(&parameters, 6.0);
    corrected.clamp_logit_scale().unwrap();
    assert!((corrected.logit_scale().unwrap() - 100.0).abs() < 1e-3);

    let (paper, parameters) = model(&config(Mode::Paper, convnext()));
    set(&parameters, 6.0);
    paper.clamp_logit_scale().unwrap();
    assert!((paper.logit_scale().unwrap() - 6f64.exp()).abs() < 1e-1);
}

#[test]
fn captions_are_generated_step_by_step() {
    for (mode, prompt) in [(Mode::Corrected, vec![2]), (Mode::Paper, vec![2, 7])] {
        let (model, _) = model(&config(mode, convnext()));
        let signals = signals(4, 0.0);
        let captions = model.generate(&signals, None, &prompt, 3, 12).unwrap();
        assert_eq!(captions.len(), 4);
        for (row, caption) in captions.iter().enumerate() {
            assert!(caption.starts_with(&prompt) && caption.len() <= 12, "{caption:?}");
            // Alone, a recording gets the caption it got in company.
            let alone = signals.narrow(0, row, 1).unwrap();
            let alone = model.generate(&alone, None, &prompt, 3, 12).unwrap();
            assert_eq!(&alone[0], caption);
        }
        // Each token is the likeliest after those before it.
        if mode == Mode::Corrected {
            let caption = &captions[0];
            let len = caption.len();
            let tokens = batch(std::slice::from_ref(caption));
            let logits = logits(&model, &signals.narrow(0, 0, 1).unwrap(), &tokens);
            for place in 1..len {
                let row = &logits[0][place - 1];
                let best = (0..VOCABULARY).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
                assert_eq!(caption[place] as usize, best);
            }
        }
    }
    let (model, _) = model(&config(Mode::Paper, convnext()));
    assert!(model.generate(&signals(1, 0.0), None, &[2], 3, 12).is_err());
}

#[test]
fn the_input_gradient_reaches_the_recording() {
    let (model, _) = model(&config(Mode::Corrected, convnext()));
    let input = Var::from_tensor(&signals(4, 0.0)).unwrap();
    let weights = LossWeights { contrastive: 0.0, caption: 1.0 };
    let pass = Pass::evaluate();
    let features = model.features(&input, None, usize::MAX, &pass).unwrap();
    let losses = model.losses(&features, Captions::new(&tokens()), weights, &pass).unwrap();
    let gradients = backward(&losses.total).unwrap();
    let gradient = values(gradients.get(&input).unwrap());
    assert!(gradient.iter().filter(|x| **x != 0.0).count() > gradient.len() / 2);
}

/// The loss of a classifier of three classes in training, with dropout, on four recordings.
fn classifier_loss(classifier: &Classifier) -> Tensor {
    let pass = Pass::train(Streams::new(3).stream("dropout", &[0]));
    let pooled = classifier.pooled(&signals(4, 0.0), Some(&[400, 400, 300, 400]), usize::MAX, &pass).unwrap();
    let targets: Vec<bool> = (0..12).map(|i| i % 3 == 0 || i == 7).collect();
    binary_cross_entropy(&classifier.logits(&pooled, &pass).unwrap(), &targets).unwrap()
}

fn classifier(signal: SignalConfig, head: HeadConfig, dtype: DType) -> (Classifier, Parameters) {
    let parameters = Parameters::new(dtype, &Device::Cpu, Streams::new(5));
    let config = ClassifierConfig { signal, head, crop: None };
    let classifier = Classifier::new(&config, 3, 3, &parameters.root()).unwrap();
    open_paths(&parameters);
    (classifier, parameters)
}

fn heads() -> [HeadConfig; 2] {
    [HeadConfig::default(), HeadConfig { hidden: vec![7], batch_norm: true, dropout: 0.3 }]
}

#[test]
fn every_parameter_of_a_classifier_gets_a_gradient() {
    let vit = VitConfig { width: 8, depth: 2, heads: 2, mlp: 16, patch: 40, positions: 10 };
    for signal in [convnext(), xresnet(), SignalConfig::Vit(vit)] {
        for head in heads() {
            let (classifier, parameters) = classifier(signal.clone(), head, DType::F32);
            assert_eq!(unreached_by(&classifier_loss(&classifier), &parameters), Vec::<String>::new());
        }
    }
}

/// The slope of the loss along a direction through all parameters, from the gradient and from finite differences.
#[test]
fn gradients_of_a_classifier_are_slopes_of_its_loss() {
    for signal in [convnext(), xresnet()] {
        for head in heads() {
            let (classifier, parameters) = classifier(signal.clone(), head, DType::F64);
            let gradients = backward(&classifier_loss(&classifier)).unwrap();
            let mut slope = 0.0;
            let mut directions = Vec::new();
            for (index, (_, variable)) in parameters.trainable().into_iter().enumerate() {
                let gradient = values(gradients.get(&variable).unwrap());
                let direction: Vec<f64> = (0..gradient.len()).map(|i| ((i * 5 + index) as f64 * 0.61).cos()).collect();
                slope += gradient.iter().zip(&direction).map(|(g, d)| g * d).sum::<f64>();
                let direction = Tensor::from_vec(direction, variable.shape(), &Device::Cpu).unwrap();
                directions.push((variable.as_detached_tensor().copy().unwrap(), variable, direction));
            }
            let loss_at = |step: f64| {
                for (start, variable, direction) in &directions {
                    variable.set(&(start + (direction * step).unwrap()).unwrap()).unwrap();
                }
                values(&classifier_loss(&classifier))[0]
            };
            let numeric = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6;
            assert!((slope - numeric).abs() < 1e-6 * slope.abs().max(1.0), "{slope} {numeric}");
        }
    }
}

/// A recording is scored by the crops within it: as each of them alone, combined.
#[test]
fn crops_are_combined() {
    let (classifier, parameters) = classifier(xresnet(), heads()[1].clone(), DType::F32);
    let signals = signals(2, 0.0);
    let valid = [400, 250];
    let mut alone = vec![Vec::new(); 2];
    for (record, starts) in [(0, &[0, 50, 100, 150, 200, 250, 300][..]), (1, &[0, 50, 100, 150][..])] {
        for &start in starts {
            let crop = signals.narrow(0, record, 1).unwrap().narrow(2, start, 100).unwrap().contiguous().unwrap();
            alone[record].push(classifier.probabilities(&crop, &[100]).unwrap());
        }
    }
    for combine in [Combine::Max, Combine::Mean] {
        let config =
            ClassifierConfig { crop: Some(CropConfig { samples: 100, combine }), ..classifier.config().clone() };
        let cropped = Parameters::new(DType::F32, &Device::Cpu, Streams::new(5));
        let model = Classifier::new(&config, 3, 3, &cropped.root()).unwrap();
        cropped.load(&parameters.tensors().into_iter().collect()).unwrap();
        let found = model.probabilities(&signals, &valid).unwrap();
        for (record, crops) in alone.iter().enumerate() {
            for class in 0..3 {
                let each = crops.iter().map(|crop| crop[class]);
                let wanted = match combine {
                    Combine::Max => each.fold(0.0, f64::max),
                    Combine::Mean => each.sum::<f64>() / crops.len() as f64,
                };
                // A batch of two and a batch of one may round differently.
                assert!((found[3 * record + class] - wanted).abs() < 1e-6, "{combine:?}, record {record}");
            }
        }
        let width = model.embed(&signals, &valid).unwrap().len() / 2;
        assert_eq!(width, model.pooled(&signals, None, usize::MAX, &Pass::evaluate()).unwrap().dim(1).unwrap());
    }
}
