//! From recordings to figures with a real, untrained model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use einthoven_corpus::{
    AugmentConfig, CaptionConfig, Dataset, Loader, LoaderConfig, SimulatedConfig, caption::no_descriptions,
};
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::query::query;
use einthoven_eval::report::{Example, Report, RetrievalSection, ZeroShotSection};
use einthoven_eval::zero_shot::{PromptSet, class_embeddings, judge, roc_curves, scores};
use einthoven_eval::{Error, ReferenceSet, embed, retrieval};
use einthoven_models::{
    BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, SignalConfig, Tokenizer,
};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::draw::{DrawOptions, svg};
use einthoven_signal::{InputContract, Lead, Record, Scaling, Source};

const MAX_TOKENS: usize = 60;

struct Fixture {
    dataset: Arc<Dataset>,
    captions: Arc<Vec<String>>,
    contract: InputContract,
    tokenizer: Tokenizer,
    model: Esi,
}

fn fixture() -> Fixture {
    let dataset = Dataset::simulated(&SimulatedConfig { records: 90, seed: 4, ..SimulatedConfig::default() }).unwrap();
    let (dataset, captions, leftovers) = CaptionConfig::default().captions(&dataset, &no_descriptions);
    assert!(leftovers.is_empty());
    let tokenizer = Tokenizer::train_word_piece(&captions, 300).unwrap();
    let config = EsiConfig {
        signal: SignalConfig::ConvNext(ConvNextConfig {
            size: ConvNextSize::Custom { depths: [1; 4], widths: [8, 8, 16, 16] },
            norm: None,
        }),
        text: BertConfig {
            vocab_size: tokenizer.vocabulary_size(),
            hidden_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 32,
            ..BertConfig::default()
        },
        decoder: DecoderConfig { depth: 1, heads: 2, dim_head: 8, ..DecoderConfig::default() },
        latents: 16,
        ..EsiConfig::default()
    };
    let parameters = Parameters::new(DType::F32, &Device::Cpu, Streams::new(1));
    Fixture {
        dataset: Arc::new(dataset),
        captions: Arc::new(captions),
        contract: InputContract::twelve_leads(100.0, 1000, Scaling::None),
        tokenizer,
        model: Esi::new(&config, &parameters.root()).unwrap(),
    }
}

impl Fixture {
    fn loader(&self, batch_size: usize) -> Loader {
        let config = LoaderConfig { batch_size, ..LoaderConfig::default() };
        Loader::new(
            Arc::clone(&self.dataset),
            Arc::clone(&self.captions),
            self.contract.clone(),
            AugmentConfig::none(),
            config,
            Streams::new(1),
        )
        .unwrap()
    }
}

#[test]
fn embeddings_are_those_of_the_model_in_the_order_asked_for() {
    let fixture = fixture();
    let mut heard = Vec::new();
    let embedded = embed::signals(&fixture.model, &fixture.loader(40), |done| heard.push(done)).unwrap();
    assert_eq!(heard, [40, 80, 90]);
    assert_eq!(embedded.indices, (0..90).collect::<Vec<_>>());
    assert_eq!(embedded.captions, *fixture.captions);

    let index = 57;
    let record = fixture.dataset.record(index).unwrap();
    let prepared = fixture.contract.prepare(&record).unwrap();
    let alone = Tensor::from_vec(prepared.samples, (1, 12, 1000), &Device::Cpu).unwrap();
    let alone = fixture.model.encode_signals(&alone, Some(&[prepared.valid])).unwrap();
    let near = |found: &[f32], expected: &[f32]| {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
    };
    near(embedded.embeddings.row(index), &alone.flatten_all().unwrap().to_vec1().unwrap());

    let records = [("a".to_owned(), fixture.dataset.record(3).unwrap()), ("b".to_owned(), record)];
    let files = embed::records(&fixture.model, &fixture.contract, &records).unwrap();
    near(files.row(0), embedded.embeddings.row(3));
    near(files.row(1), embedded.embeddings.row(index));

    let texts = embed::texts(&fixture.model, &fixture.tokenizer, &fixture.captions, MAX_TOKENS).unwrap();
    for row in [0, 31, 57, 89] {
        let tokens = fixture.tokenizer.encode_batch(&fixture.captions[row..=row], MAX_TOKENS).unwrap();
        let alone = fixture.model.encode_texts(&tokens).unwrap();
        near(texts.row(row), &alone.flatten_all().unwrap().to_vec1().unwrap());
    }
    let none = embed::texts(&fixture.model, &fixture.tokenizer, &[], MAX_TOKENS).unwrap();
    assert_eq!((none.rows(), none.width()), (0, 16));
}

#[test]
fn a_recording_that_the_contract_refuses_is_named() {
    let fixture = fixture();
    let lead = Record::new(vec![Lead::II], 100.0, vec![0.0; 1000], Source::Memory).unwrap();
    let error = embed::records(&fixture.model, &fixture.contract, &[("holter.dat".into(), lead)]).unwrap_err();
    assert!(matches!(&error, Error::Record { record, .. } if record == "holter.dat"), "{error}");
}

#[test]
fn the_whole_way_from_recordings_to_a_report() {
    let fixture = fixture();
    let Fixture { model, tokenizer, dataset, .. } = &fixture;
    let embedded = embed::signals(model, &fixture.loader(32), |_| {}).unwrap();
    let labels = dataset.label_set("conditions").unwrap();
    let prompts = PromptSet::for_labels(&labels.name).unwrap();
    let embed_texts = |texts: &[String]| embed::texts(model, tokenizer, texts, MAX_TOKENS);
    let classes = class_embeddings(&prompts, &labels.classes, embed_texts).unwrap();
    let table = scores(embedded.ids.clone(), &embedded.embeddings, labels.classes.clone(), &classes).unwrap();
    let config = BootstrapConfig { resamples: 100, level: 0.95 };
    let result = judge(&labels.name, &prompts, &table, &labels.targets, &config, &Streams::new(2)).unwrap();
    assert_eq!(result.classes.len() + result.left_out.len(), labels.classes.len());
    let auroc = result.r#macro.auroc.value.unwrap();
    assert!((0.2..0.9).contains(&auroc), "untrained, and yet {auroc}");

    let texts = embed_texts(&embedded.captions).unwrap();
    let retrieved = retrieval::judge(&embedded.embeddings, &texts, &embedded.captions).unwrap();
    assert_eq!(retrieved.pairs, 90);

    let reference = ReferenceSet { name: "simulated".into(), embeddings: embedded.embeddings.clone() };
    let asked = vec!["atrial fibrillation".to_owned(), "sinus rhythm".to_owned()];
    let asked_embeddings = embed_texts(&asked).unwrap();
    let scale = model.logit_scale().unwrap();
    let answers =
        query(embedded.ids.clone(), &embedded.embeddings, asked, &asked_embeddings, scale, Some(&reference)).unwrap();
    let mean: f64 = answers.records.iter().map(|record| record.answers[0].percentile.unwrap()).sum::<f64>() / 90.0;
    assert!((mean - 0.5).abs() < 1e-9, "percentiles of the reference itself average one half, not {mean}");

    let example = |index: usize| {
        let record = dataset.record(index).unwrap();
        let signal = embedded.embeddings.row(index);
        let caption = &embedded.captions[index];
        Example {
            record: embedded.ids[index].clone(),
            drawing: svg(&record, &DrawOptions { title: format!("Recording {index}"), subtitle: String::new() })
                .unwrap(),
            caption: caption.clone(),
            generated: None,
            matches: retrieval::best_matches(signal, caption, &texts, &embedded.captions, 5).unwrap(),
        }
    };
    let report = Report {
        title: "untrained".into(),
        zero_shot: vec![ZeroShotSection {
            split: "simulated".into(),
            result,
            curves: roc_curves(&table, &labels.targets).unwrap(),
        }],
        retrieval: Some(RetrievalSection { split: "simulated".into(), result: retrieved }),
        examples: [0, 7].map(example).into(),
        ..Report::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    report.save(&path).unwrap();
    if let Some(copy) = std::env::var_os("EINTHOVEN_REPORT_COPY") {
        std::fs::copy(&path, copy).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert_eq!(page.matches("data:image/svg+xml").count(), 2);
}
