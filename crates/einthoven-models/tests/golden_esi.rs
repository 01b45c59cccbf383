//! The whole model in paper mode against tensors of the published one.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use std::collections::BTreeMap;

use candle_core::Tensor;
use common::{esi, parameters, scalar, values};
use einthoven_models::{
    BertConfig, Captions, ConvNextConfig, ConvNextSize, Esi, EsiConfig, EsiLosses, LossWeights, Mode, SignalConfig,
    SignalEncoder,
};
use einthoven_nn::{AdamW, AdamWConfig, ParameterGroup, Pass, Spans, backward, embedding, layer_norm, linear};

#[test]
fn every_state_equals_the_published_one() {
    for golden in common::open("esi-coca") {
        let (model, _) = esi::load(&golden);
        let signals = esi::signals(&golden);
        let tokens = esi::tokens(&golden, &(0..golden.number("batch")).collect::<Vec<_>>());
        let (pass, short) = (Pass::evaluate(), tokens.without_last_column().unwrap());

        let bert = model.text_encoder();
        let mut hidden = bert.embed(&bert.embed_words(&short).unwrap(), short.spans(), &pass).unwrap();
        golden.assert_rows_close(&hidden, "mid.bert_embeddings", short.spans());
        for layer in 0..bert.depth() {
            hidden = bert.layer(layer, &hidden, short.spans(), &pass).unwrap();
            golden.assert_rows_close(&hidden, &format!("mid.bert_layer.{layer}"), short.spans());
        }
        let states = bert.forward(&short, &pass).unwrap();
        golden.assert_rows_close(&states, "mid.bert_last_hidden_state", short.spans());
        let firsts: Vec<u32> = short.spans().ranges().iter().map(|range| range.start as u32).collect();
        let cls = embedding(&states, &firsts, &[firsts.len()]).unwrap();
        golden.assert_close(&cls, "out.text_embeds");

        let pooled = model.signal_encoder().forward(&signals, None, &pass).unwrap().pooled;
        golden.assert_close(&pooled, "mid.signal_encoder_embedding");
        let parameter = |name: &str| golden.tensor(&format!("param.{name}"));
        let (weight, bias) = (parameter("img_token_head.weight"), parameter("img_token_head.bias"));
        let image = linear(&pooled, weight, Some(bias)).unwrap();
        let image = layer_norm(&image, parameter("img_attn_pool_norm.gamma"), None, 1e-5).unwrap();
        golden.assert_close(&image, "out.image_embeds");

        let decoder = model.decoder();
        let signal_tokens = image.unsqueeze(1).unwrap();
        // The decoder reads all but the first position.
        let places: Vec<u32> = (0..short.ids().len() as u32).filter(|place| !firsts.contains(place)).collect();
        let mut x = embedding(&states, &places, &[places.len()]).unwrap();
        let lengths: Vec<usize> = (0..short.count()).map(|text| short.row(text).len() - 1).collect();
        let spans = Spans::packed(&lengths).unwrap();
        for layer in 0..decoder.depth() {
            x = decoder.attend_text(layer, &x, &spans).unwrap();
            golden.assert_rows_close(&x, &format!("mid.multimodal.{layer}.self"), &spans);
            x = decoder.attend_signal(layer, &x, &spans, &signal_tokens).unwrap();
            golden.assert_rows_close(&x, &format!("mid.multimodal.{layer}.cross"), &spans);
        }
        let logits = model.caption_logits(&signals, None, &tokens, &pass).unwrap();
        let lengths: Vec<usize> = (0..tokens.count()).map(|text| tokens.row(text).len() - 2).collect();
        golden.assert_rows_close(&logits, "out.logits", &Spans::packed(&lengths).unwrap());

        let text = model.encode_texts(&short).unwrap();
        let signal = model.encode_signals(&signals, None).unwrap();
        golden.assert_close(&text, "mid.text_latents");
        golden.assert_close(&signal, "mid.image_latents");
        let scale = model.logit_scale().unwrap();
        let similarity = (linear(&text, &signal, None).unwrap() * scale).unwrap();
        golden.assert_close(&similarity, "mid.sim");
    }
}

#[test]
fn losses_and_every_gradient_equal_the_published_ones() {
    for golden in common::open("esi-coca") {
        let (model, parameters) = esi::load(&golden);
        let tokens = esi::tokens(&golden, &(0..golden.number("batch")).collect::<Vec<_>>());
        let signals = esi::signals(&golden);
        let pass = Pass::evaluate();
        let weight = |key: &str| golden.hyper("esi")[key].as_f64().unwrap();
        let weights =
            LossWeights { contrastive: weight("contrastive_loss_weight"), caption: weight("caption_loss_weight") };
        // Equal groups would take negatives away; the published loss knows nothing of them.
        let groups = vec![0; tokens.count()];
        let captions = Captions { negatives: Some(&groups[..]).into(), ..Captions::new(&tokens) };
        let features = model.features(&signals, None, usize::MAX, &pass).unwrap();
        let losses = model.losses(&features, captions, weights, &pass).unwrap();
        let weighted = |loss: &Tensor, weight: f64| (loss * weight).unwrap().reshape(1).unwrap();
        golden.assert_close(&weighted(losses.caption.as_ref().unwrap(), weights.caption), "out.loss.caption");
        golden
            .assert_close(&weighted(losses.contrastive.as_ref().unwrap(), weights.contrastive), "out.loss.contrastive");
        golden.assert_close(&losses.total.reshape(1).unwrap(), "out.loss.total");
        let gradients = backward(&losses.total).unwrap();
        golden.assert_gradients(&gradients, &parameters, "", &golden.names("no_gradient"));
    }
}

/// The published schedule: linear warm-up over two steps from zero, then linear decay to zero.
fn learning_rate(step: usize, steps: usize, peak: f64) -> f64 {
    if step < 2 { peak * step as f64 / 2.0 } else { peak * (steps - step) as f64 / (steps - 2) as f64 }
}

#[test]
fn training_follows_the_published_trace() {
    for golden in common::open("esi-train") {
        let (model, parameters) = esi::load(&golden);
        let signals = esi::signals(&golden);
        let number = |key: &str| golden.hyper(key).as_f64().unwrap();
        let betas = golden.hyper("betas").as_array().unwrap();
        let trainable = parameters.trainable();
        let group = ParameterGroup {
            parameters: trainable.clone(),
            weight_decay: number("weight_decay"),
            learning_rate_scale: 1.0,
        };
        let config =
            AdamWConfig { beta1: betas[0].as_f64().unwrap(), beta2: betas[1].as_f64().unwrap(), eps: number("eps") };
        let mut optimizer = AdamW::new(vec![group], config).unwrap();
        let (steps, batch) = (golden.number("steps"), golden.number("batch"));
        let order = golden.integers("in.batch_index");
        let trace = |name: &str| values(golden.tensor(&format!("out.trace.{name}")));
        let close = |found: f64, wanted: f64, what: &str, step: usize| {
            let error = (found - wanted).abs() / wanted.abs();
            assert!(error <= 1e-3, "step {step}: {what} is {found}, published {wanted}");
            error
        };
        let mut worst = 0f64;
        for step in 0..steps {
            let rows: Vec<usize> = order[step * batch..(step + 1) * batch].iter().map(|&row| row as usize).collect();
            let index: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
            let index = Tensor::new(index, signals.device()).unwrap();
            let chosen = signals.index_select(&index, 0).unwrap();
            let tokens = esi::tokens(&golden, &rows);
            let pass = Pass::evaluate();
            let features = model.features(&chosen, None, usize::MAX, &pass).unwrap();
            let losses = model.losses(&features, Captions::new(&tokens), LossWeights::default(), &pass).unwrap();
            for (name, loss) in [
                ("loss_total", &losses.total),
                ("loss_caption", losses.caption.as_ref().unwrap()),
                ("loss_contrastive", losses.contrastive.as_ref().unwrap()),
            ] {
                worst = worst.max(close(scalar(loss), trace(name)[step], name, step));
            }
            let gradients = backward(&losses.total).unwrap();
            let norm = gradients.norm(trainable.iter().map(|(_, variable)| variable)).unwrap();
            worst = worst.max(close(norm, trace("grad_norm")[step], "gradient norm", step));
            let rate = learning_rate(step, steps, number("lr"));
            let published = trace("lr_used")[step];
            assert!((rate - published).abs() < 1e-9, "step {step}: rate {rate}, {published}");
            optimizer.step(&gradients, rate).unwrap();
            let temperature = model.logit_scale().unwrap().ln();
            worst = worst.max(close(temperature, trace("temperature_after")[step], "temperature", step));
        }
        println!("{}: worst relative error of the trace {worst:.2e}", golden.name);

        let state = optimizer.state().unwrap();
        for kind in ["exp_avg", "exp_avg_sq"] {
            for name in golden.below(&format!("out.adam.{kind}.")).keys() {
                let error = golden.error(&state[&format!("{name}.{kind}")], &format!("out.adam.{kind}.{name}"));
                assert!(error <= 1e-2, "{kind} of {name} differs by {error:e}");
            }
        }
        let noise = golden.names("rounding_noise_driven_parameters");
        let unchanged = golden.names("unchanged_no_gradient");
        for (name, variable) in &trainable {
            if unchanged.contains(name) {
                assert_eq!(golden.error(variable, &format!("param.{name}")), 0.0, "{name}");
            } else if !noise.contains(name) {
                let error = golden.error(variable, &format!("out.final_param.{name}"));
                assert!(error <= 1e-2, "{name} ends off by {error:e}");
            }
        }
        let all: Vec<usize> = (0..golden.number("records")).collect();
        let tokens = esi::tokens(&golden, &all);
        let pass = Pass::evaluate();
        let features = model.features(&signals, None, usize::MAX, &pass).unwrap();
        let losses = model.losses(&features, Captions::new(&tokens), LossWeights::default(), &pass).unwrap();
        let wanted = values(golden.tensor("out.eval_losses"));
        let EsiLosses { contrastive, caption, total, .. } = losses;
        for (loss, wanted) in [&total, &caption.unwrap(), &contrastive.unwrap()].into_iter().zip(wanted) {
            close(scalar(loss), wanted, "loss on all records", steps);
        }
    }
}

#[test]
fn the_full_size_model_has_the_published_names_and_shapes() {
    let Some(folder) = common::folder() else { return };
    let path = folder.join("esi-coca/esi-full-size-keys.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} not found", path.display());
        return;
    };
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vocabulary = BertConfig { vocab_size: 50, ..BertConfig::default() };
    let size = ConvNextSize::Base;
    let config = EsiConfig {
        mode: Mode::Paper,
        signal: SignalConfig::ConvNext(ConvNextConfig { size, norm: None }),
        text: vocabulary,
        ..EsiConfig::default()
    };
    let parameters = parameters(1);
    Esi::new(&config, &parameters.root()).unwrap();
    let found = common::shapes(&parameters);
    // Buffers of the published model are constants: zero betas and rotary frequencies.
    let wanted: BTreeMap<String, Vec<usize>> = json["state_dict"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, entry)| entry["kind"] == "parameter")
        .map(|(name, entry)| {
            let shape = entry["shape"].as_array().unwrap();
            (name.clone(), shape.iter().map(|n| n.as_u64().unwrap_or(50) as usize).collect())
        })
        .collect();
    for (name, shape) in &wanted {
        assert_eq!(found.get(name), Some(shape), "{name}");
    }
    let extra: Vec<&String> = found.keys().filter(|name| !wanted.contains_key(*name)).collect();
    assert!(extra.is_empty(), "not in the published model: {extra:?}");

    // The published count is of a vocabulary of 28895, and without the text encoder.
    let text: usize = found
        .iter()
        .filter(|(name, _)| name.starts_with("pretrained_text_encoder."))
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    let width = config.text.hidden_size;
    let count = parameters.count() - text + (28895 - 50) * width;
    assert_eq!(Some(count as u64), json["parameters_without_text_encoder"].as_u64());
}
