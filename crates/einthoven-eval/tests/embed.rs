//! From recordings to figures with a real, untrained model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use candle_core::{D, DType, Device, Tensor};
use einthoven_corpus::{
    AugmentConfig, CaptionConfig, Captions, Dataset, Leftovers, Loader, LoaderConfig, SimulatedConfig,
    caption::no_descriptions,
};
use einthoven_eval::bootstrap::BootstrapConfig;
use einthoven_eval::comparison::Comparison;
use einthoven_eval::identification::identify;
use einthoven_eval::map::{self, Map};
use einthoven_eval::protocol::{
    self, Answer, Outcome, Protocol, Recording, Records, Rows, Subject, SubjectCard, SubjectResult,
};
use einthoven_eval::query::query;
use einthoven_eval::report::{Example, Report, RetrievalSection, ZeroShotSection};
use einthoven_eval::saliency::{self, Compared, Method, TOLERANCE, explain, integrated_gradients, occlusion};
use einthoven_eval::zero_shot::{PromptSet, class_embeddings, judge, roc_curves, scores};
use einthoven_eval::{Embeddings, Error, ReferenceSet, embed, retrieval};
use einthoven_models::{
    BertConfig, ConvNextConfig, ConvNextSize, DecoderConfig, Esi, EsiConfig, Mode, SignalConfig, Tokenizer,
};
use einthoven_nn::Parameters;
use einthoven_random::Streams;
use einthoven_signal::draw::{DrawOptions, highlighted_svg, svg};
use einthoven_signal::{Crop, InputContract, Lead, Pad, Record, Scaling, Source};

const MAX_TOKENS: usize = 60;

struct Fixture {
    dataset: Arc<Dataset>,
    captions: Arc<Captions>,
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
    assert_eq!(embedded.captions, fixture.captions[..]);

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

#[test]
fn integrated_gradients_add_up_to_the_difference_of_scores() {
    let Fixture { dataset, contract, tokenizer, model, .. } = fixture();
    let texts = ["sinus rhythm", "left bundle branch block"];
    let mut largest: f64 = 0.0;
    for (index, text) in [0, 5, 11, 17].into_iter().zip(texts.into_iter().cycle()) {
        let record = dataset.record(index).unwrap();
        let explained =
            |method| explain(&model, &tokenizer, &contract, ("r", &record), text, MAX_TOKENS, method).unwrap();
        let gradients = explained(Method::IntegratedGradients);
        assert_eq!((gradients.values.len(), gradients.window), (12 * 1000, 1));
        let difference = gradients.score - gradients.flat_score;
        largest = largest.max(difference.abs());
        let gap = gradients.gap();
        println!("record {index}: difference {difference:+.5}, attributions miss it by {gap:+.6}");
        assert!(gap.abs() <= TOLERANCE * difference.abs() + 1e-4, "{gap} of {difference}");
        let pooled = gradients.pooled(7).unwrap();
        assert!((pooled.gap() - gap).abs() < 1e-9);

        let cosine = embed::records(&model, &contract, &[("r".into(), record.clone())]).unwrap();
        let text = embed::texts(&model, &tokenizer, &[text.to_owned()], MAX_TOKENS).unwrap();
        let cosine = cosine.cosines(&text).unwrap()[0];
        assert!((gradients.score - cosine).abs() < 1e-6);
        let windows = explained(Method::Occlusion);
        assert_eq!((windows.values.len(), windows.window), (12 * 25, 40));
        assert!(windows.values.iter().any(|value| *value != 0.0) && windows.score == gradients.score);
        assert!(matches!(windows.pooled(0), Err(Error::Explanation { .. })));
        let attention = explained(Method::Attention);
        assert!((attention.values.iter().sum::<f64>() - 1.0).abs() < 1e-9 && attention.score == gradients.score);
        let steps = attention.values.len() / 12;
        assert!(
            attention.values.iter().all(|value| *value >= 0.0) && steps * attention.window <= 1000 + attention.window
        );
        assert!(attention.values.chunks(steps).all(|lead| *lead == attention.values[..steps]));
        assert_eq!(attention.highlights(&contract, &record).unwrap().meaning, "share of the attention");
    }
    // A paper model with a network of convolutions attends to nothing.
    let config = EsiConfig { mode: Mode::Paper, ..model.config().clone() };
    let paper = Esi::new(&config, &Parameters::new(DType::F32, &Device::Cpu, Streams::new(1)).root()).unwrap();
    let record = dataset.record(0).unwrap();
    let refused = explain(&paper, &tokenizer, &contract, ("r", &record), texts[0], MAX_TOKENS, Method::Attention);
    assert!(refused.unwrap_err().to_string().contains("expected gradients or occlusion"));
    // An untrained model tells some recordings from a flat line, by far more than the tolerance.
    assert!(largest > 0.03, "{largest}");
}

#[test]
fn only_the_place_that_a_score_depends_on_is_salient() {
    let dataset = Dataset::simulated(&SimulatedConfig { records: 1, ..SimulatedConfig::default() }).unwrap();
    // Short of the contract's 12 s, so that there is padding on both sides.
    let contract = InputContract { pad: Pad::Both, ..InputContract::twelve_leads(100.0, 1200, Scaling::None) };
    let record = dataset.record(0).unwrap();
    let compared = Compared::new(&contract, contract.prepare(&record).unwrap()).unwrap();
    assert_eq!(compared.real, 100..1100);
    // The energy of V2 (the eighth lead) between 3.5 and 4.5 s of the input.
    let energy = |signals: &Tensor| -> einthoven_eval::Result<Tensor> {
        let place = signals.narrow(1, 7, 1)?.narrow(2, 350, 100)?.flatten_from(1)?;
        Ok(place.sqr()?.sum(D::Minus1)?)
    };
    let found = occlusion(&compared, 50, energy).unwrap();
    for (index, value) in found.values.iter().enumerate() {
        let there = index / 24 == 7 && (7..9).contains(&(index % 24));
        assert_eq!(*value != 0.0, there, "window {index}: {value}");
    }
    let found = integrated_gradients(&compared, energy).unwrap();
    assert!(found.values.iter().enumerate().all(|(index, value)| {
        let there = index / 1200 == 7 && (350..450).contains(&(index % 1200));
        there || *value == 0.0
    }));
    // Of a square the midpoint rule is exact.
    assert!(found.gap().abs() < 1e-5 * found.score, "{}", found.gap());
    assert!(matches!(occlusion(&compared, 0, energy), Err(Error::Explanation { .. })));
    // The input's first second is before the recording.
    let highlights = found.highlights(&contract, &record).unwrap();
    assert_eq!((highlights.start, highlights.step, highlights.leads.len()), (-1.0, 0.04, 12));
    let cropped = InputContract { crop: Crop::Center, ..InputContract::twelve_leads(100.0, 400, Scaling::None) };
    assert_eq!(found.highlights(&cropped, &record).unwrap().start, 3.0);
    let drawing = highlighted_svg(&record, &DrawOptions::default(), &highlights).unwrap();
    assert!(drawing.contains("change of the cosine") && drawing.contains("#f5841f"));
    assert!(saliency::drawn(&contract, &record) == record);
}

#[test]
fn patients_are_recognised_by_the_shape_of_their_beats() {
    let config = SimulatedConfig { records: 180, recordings_per_patient: 3, seed: 2, ..SimulatedConfig::default() };
    let dataset = Dataset::simulated(&config).unwrap();
    let patients: Vec<String> = dataset.entries.iter().map(|entry| entry.patient.clone()).collect();
    // Quantiles of each lead: amplitudes of QRS and T on both sides of the zero line.
    let quantiles = |index: usize| -> Vec<f32> {
        let record = dataset.record(index).unwrap();
        let lead = |row: usize| {
            let mut sorted = record.row(row).to_vec();
            sorted.sort_by(f32::total_cmp);
            [0.01, 0.05, 0.2, 0.8, 0.95, 0.99].map(|part| sorted[(part * sorted.len() as f64) as usize])
        };
        let values: Vec<f32> = (0..12).flat_map(lead).collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.iter().map(|value| value / length).collect()
    };
    let data: Vec<f32> = (0..180).flat_map(quantiles).collect();
    let embeddings = Embeddings::new(180, 72, data).unwrap();
    let bootstrap = BootstrapConfig { resamples: 200, ..BootstrapConfig::default() };
    let found = identify(&embeddings, &patients, &bootstrap, &Streams::new(1)).unwrap();
    println!("{found:?}");
    assert_eq!((found.gallery, found.probes, found.probed_patients), (60, 120, 60));
    assert_eq!((found.chance_rank_1, found.chance_rank_5), (1.0 / 60.0, 5.0 / 60.0));
    assert!(found.rank_1.interval.unwrap().low > 5.0 * found.chance_rank_1);
    assert!(found.rank_5.interval.unwrap().low > 3.0 * found.chance_rank_5);
    assert!(found.equal_error_rate.interval.unwrap().high < 0.3);
}

#[test]
fn a_map_keeps_groups_together_and_is_the_same_at_any_thread_count() {
    // Three groups of 40 in 20 dimensions.
    let value = |i: usize| ((i * 7919 % 104_729) as f32 / 104_729.0 - 0.5) * 0.5;
    let row = |i: usize| (0..20).map(move |d| value(i * 20 + d) + if d % 3 == i % 3 { 1.0 } else { 0.0 });
    let embeddings = Embeddings::new(120, 20, (0..120).flat_map(row).collect()).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Map::new(&embeddings).unwrap())
    };
    let map = run(1);
    assert_eq!(run(3), map);
    assert_eq!((map.rows.len(), map.components, map.perplexity), (120, 20, 30.0));
    assert!((map.explained - 1.0).abs() < 1e-9);
    let squared =
        |a: usize, b: usize| (0..2).map(|axis| (map.points[a][axis] - map.points[b][axis]).powi(2)).sum::<f64>();
    for a in 0..120 {
        let mut others: Vec<usize> = (0..120).filter(|&b| b != a).collect();
        others.sort_by(|&b, &c| squared(a, b).total_cmp(&squared(a, c)));
        assert!(others[..10].iter().all(|b| b % 3 == a % 3), "{a}: {:?}", &others[..10]);
    }
    let classes: Vec<String> = ["A", "B & C"].map(String::from).into();
    let of: Vec<Vec<usize>> = (0..120).map(|i| [vec![0], vec![1], vec![0, 1]][i % 3].clone()).collect();
    let drawing = map::svg(&map, "Groups", &classes, &of).unwrap();
    assert_eq!(drawing.matches("<circle").count(), 120 + 2);
    assert!(drawing.contains("B &amp; C (40)") && drawing.contains("A (80)"));
    assert!(matches!(map::svg(&map, "", &classes, &of[..50]), Err(Error::Length { .. })));
    assert!(matches!(Map::new(&embeddings.select(&[1, 2])), Err(Error::Map { needed: 10, found: 2 })));
    let nan = Embeddings::new(10, 1, vec![f32::NAN; 10]).unwrap();
    assert!(matches!(Map::new(&nan), Err(Error::NotANumber { .. })));
    // All in one place.
    let alike = Map::new(&Embeddings::new(10, 2, vec![1.0; 20]).unwrap()).unwrap();
    assert!(alike.points.iter().flatten().all(|value| value.is_finite()));
}

/// The model as protocols judge it.
struct Judged(Fixture);

impl Judged {
    fn inputs(&self, recordings: &[Recording]) -> (Tensor, Vec<usize>) {
        let prepared: Vec<_> = recordings.iter().map(|(_, record)| self.0.contract.prepare(record).unwrap()).collect();
        let samples: Vec<f32> = prepared.iter().flat_map(|input| &input.samples).copied().collect();
        let shape = (prepared.len(), 12, self.0.contract.samples);
        let valid = prepared.iter().map(|input| input.valid).collect();
        (Tensor::from_vec(samples, shape, &Device::Cpu).unwrap(), valid)
    }
}

impl Subject for Judged {
    fn card(&self) -> SubjectCard {
        let text = |text: &str| text.to_owned();
        SubjectCard { name: text("tiny"), kind: text("ESI"), fed: text("twelve leads"), fingerprint: text("0") }
    }

    fn embed(&self, recordings: &[Recording]) -> Answer<Rows> {
        let values = embed::records(&self.0.model, &self.0.contract, recordings)?;
        Ok(Rows { kept: (0..recordings.len()).collect(), values, refused: Leftovers::default() })
    }

    fn embed_texts(&self, texts: &[String]) -> Answer<Option<Embeddings>> {
        Ok(Some(embed::texts(&self.0.model, &self.0.tokenizer, texts, MAX_TOKENS)?))
    }

    fn explain(&self, (name, record): &Recording, text: &str, title: &str) -> Answer<Option<String>> {
        let Fixture { model, tokenizer, contract, .. } = &self.0;
        let found = explain(model, tokenizer, contract, (name, record), text, MAX_TOKENS, Method::Occlusion)?;
        let options = DrawOptions { title: title.to_owned(), ..DrawOptions::default() };
        Ok(Some(highlighted_svg(record, &options, &found.highlights(contract, record)?)?))
    }

    fn captions(&self, recordings: &[Recording]) -> Answer<Option<Vec<String>>> {
        let Fixture { model, tokenizer, .. } = &self.0;
        let ((signals, valid), prompt) = (self.inputs(recordings), tokenizer.prompt("")?);
        let captions = model.generate(&signals, Some(&valid), &prompt, tokenizer.sep(), 8)?;
        Ok(Some(captions.iter().map(|caption| tokenizer.decode(caption)).collect::<Result<_, _>>()?))
    }
}

#[test]
fn protocols_ask_for_patients_captions_and_pictures() {
    let text = r#"
        name = "patients"
        version = 1
        about = "A test."
        seed = 1
        data = { dataset = "simulated", fitted = [1], judged = [7, 8, 9, 10], simulated = { records = 120, recordings_per_patient = 3 } }
        bootstrap = { resamples = 50, level = 0.95 }
        tasks = [
            { kind = "identification" },
            { kind = "captioning" },
            { kind = "map", labels = "conditions" },
            { kind = "cases", labels = "conditions", prompts = "simulated", each = 2 },
        ]
    "#;
    let protocol = Protocol::parse(text, "patients.toml".as_ref()).unwrap();
    let records = Records::open(&protocol, None).unwrap();
    let subject = Judged(fixture());
    let result = protocol::judge(&protocol, &records, &subject, &Default::default(), |_| {}).unwrap();
    let judged = records.judged.dataset.len();
    let [identification, captioning, map, cases] = &result.tasks[..] else { panic!("{:?}", result.tasks.len()) };
    let Outcome::Identification(found) = &identification.outcome else { panic!("{identification:?}") };
    assert_eq!((found.gallery, found.probes), (judged / 3, judged / 3 * 2));
    let Outcome::Captioning(found) = &captioning.outcome else { panic!("{captioning:?}") };
    assert_eq!(found.records, judged);
    let Outcome::Map(found) = &map.outcome else { panic!("{:?}", map.title()) };
    assert_eq!((found.map.points.len(), found.of.len(), found.classes.len()), (judged, judged, 12));
    let Outcome::Cases(found) = &cases.outcome else { panic!("{:?}", cases.title()) };
    assert_eq!((found.best.len(), found.worst.len()), (2, 2));
    assert!(found.best[0].rank >= found.best[1].rank && found.best[1].rank > found.worst[1].rank);
    assert!(found.worst[1].rank >= found.worst[0].rank && found.worst[0].record != found.worst[1].record);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.json");
    result.save(&path).unwrap();
    assert_eq!(SubjectResult::load(&path).unwrap(), result);
    let page = Comparison::load(folder.path()).unwrap().to_html().unwrap();
    for words in ["rank-1", "concept F1", "CIDEr-D", "Most right", "Most wrong", "tiny, conditions", "t-SNE"] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("change of the cosine").count(), 4);
    let none = text.replace("each = 2", "each = 0");
    assert!(matches!(Protocol::parse(&none, "x".as_ref()), Err(Error::Protocol { .. })));
}
