//! The loader: the same batches however they are made, and clear errors.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use common::{Folder, ptbxl_sample};
use einthoven_corpus::caption::no_descriptions;
use einthoven_corpus::{
    AugmentConfig, Batch, CaptionConfig, CaptionTemplate, Dataset, DatasetOptions, Error, Loader, LoaderConfig,
    OnError, SimulatedConfig, Split, Statements,
};
use einthoven_random::Streams;
use einthoven_signal::{BandPass, InputContract, Pad, Scaling};

/// Everything on, so that a draw in the wrong place shows.
const AUGMENT: AugmentConfig = AugmentConfig {
    additive_noise: 0.003,
    muscle_noise: 0.05,
    mains_noise: 0.01,
    lead_gain: 0.003,
    amplitude: 0.1,
    amplitude_warp: 0.1,
    baseline_wander: 0.05,
    time_shift: 1.0,
    time_warp: 0.05,
    resample: 0.02,
    crop: 0.2,
    cutout: 0.5,
    lead_mask: 0.1,
    rotation: 5.0,
};

fn contract() -> InputContract {
    InputContract::twelve_leads(100.0, 1000, Scaling::ZScoreRecord)
}

fn simulated(records: usize) -> Arc<Dataset> {
    let mut simulated = SimulatedConfig { records, ..SimulatedConfig::default() };
    simulated.simulator.seconds = 5.0;
    let options = DatasetOptions { rate: Some(200), simulated, ..DatasetOptions::default() };
    Arc::new(Dataset::open("simulated", None, &options).unwrap())
}

fn try_loader(dataset: Arc<Dataset>, config: LoaderConfig) -> einthoven_corpus::Result<Loader> {
    let captions = dataset.entries.iter().map(|e| e.statements.join(", ")).collect::<Vec<_>>();
    Loader::new(dataset, Arc::new(captions.into()), contract(), AUGMENT, config, Streams::new(3))
}

fn loader(dataset: &Arc<Dataset>, config: LoaderConfig) -> Loader {
    try_loader(Arc::clone(dataset), config).unwrap()
}

fn config(batch_size: usize, workers: usize, cache: bool) -> LoaderConfig {
    LoaderConfig { batch_size, workers, prefetch: 3, cache, ..LoaderConfig::default() }
}

fn collect(batches: impl Iterator<Item = einthoven_corpus::Result<Batch>>) -> Vec<Batch> {
    batches.map(Result::unwrap).collect()
}

#[test]
fn batches_are_the_same_for_any_number_of_workers_and_with_the_cache() {
    let dataset = simulated(22);
    let reference = loader(&dataset, config(4, 1, false));
    let expected = [0, 1].map(|epoch| collect(reference.epoch(epoch, 0)));
    assert_eq!(expected[0].len(), 5);
    for (workers, cache) in [(0, false), (2, false), (4, false), (9, false), (0, true), (2, true)] {
        let loader = loader(&dataset, config(4, workers, cache));
        // Twice: the second time from a filled cache.
        for _ in 0..2 {
            for epoch in [0, 1] {
                assert_eq!(collect(loader.epoch(epoch, 0)), expected[epoch as usize], "{workers} workers");
            }
        }
    }
}

#[test]
fn order_and_augmentation_depend_on_epoch_and_seed() {
    let dataset = simulated(20);
    let loader = loader(&dataset, config(5, 1, false));
    let order = |batches: &[Batch]| batches.iter().flat_map(|b| b.indices.clone()).collect::<Vec<_>>();
    let (first, second) = (collect(loader.epoch(0, 0)), collect(loader.epoch(1, 0)));
    assert_ne!(order(&first), order(&second));
    assert_eq!(order(&first).into_iter().collect::<BTreeSet<_>>(), (0..20).collect());
    let signal = |batches: &[Batch], index: usize| {
        let place = order(batches).iter().position(|&i| i == index).unwrap();
        batches[place / 5].signals.chunks(12 * 1000).nth(place % 5).unwrap().to_vec()
    };
    assert_ne!(signal(&first, 7), signal(&second, 7));

    // The augmentation of a record does not depend on the records around it.
    let config = config(4, 2, false);
    let captions = Arc::clone(loader.captions());
    let other = Loader::new(Arc::clone(&dataset), captions, contract(), AUGMENT, config, Streams::new(3)).unwrap();
    let other: Vec<Batch> = collect(other.epoch(0, 0));
    let place = order(&other).iter().position(|&i| i == 7).unwrap();
    assert_eq!(other[place / 4].signals.chunks(12 * 1000).nth(place % 4).unwrap(), signal(&first, 7));
}

#[test]
fn an_epoch_resumes_in_the_middle() {
    let dataset = simulated(22);
    for workers in [0, 1, 2, 4] {
        let loader = loader(&dataset, config(4, workers, false));
        let whole = collect(loader.epoch(6, 0));
        for start in 0..=5 {
            assert_eq!(collect(loader.epoch(6, start)), whole[start..], "{workers} workers from {start}");
        }
        assert_eq!(loader.epoch(6, 17).count(), 0);
    }
}

#[test]
fn skipped_batches_are_not_prepared() {
    let folder = Folder::with_records(8);
    let dataset = Arc::new(Dataset::ptbxl(folder.path(), 100).unwrap());
    let loader = loader(&dataset, config(2, 2, false));
    let whole = collect(loader.epoch(0, 0));
    for id in &whole[0].ids {
        fs::remove_file(folder.dat(id.parse().unwrap())).unwrap();
    }
    assert_eq!(collect(loader.epoch(0, 1)), whole[1..]);
    assert!(matches!(loader.epoch(0, 0).next(), Some(Err(Error::Record { .. }))));
}

#[test]
fn evaluation_is_in_order_without_augmentation_and_complete() {
    let dataset = simulated(10);
    let contract = contract();
    for workers in [0, 2] {
        let batches = collect(loader(&dataset, config(4, workers, true)).in_order());
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 2]);
        let mut index = 0;
        for batch in &batches {
            assert_eq!((batch.leads, batch.samples), (12, 1000));
            for (i, signal) in batch.signals.chunks(12 * 1000).enumerate() {
                let prepared = contract.prepare(&dataset.record(index).unwrap()).unwrap();
                assert_eq!((batch.indices[i], &batch.ids[i]), (index, &dataset.entries[index].id));
                assert_eq!(batch.captions[i], dataset.entries[index].statements.join(", "));
                // 5 s of recording, padded to 10 s.
                assert_eq!((batch.valid[i], prepared.valid), (500, 500));
                assert!(signal == prepared.samples, "record {index}");
                index += 1;
            }
        }
        assert_eq!(index, 10);
    }
}

/// Preparing in two steps is the contract, to the bit, whatever is in it.
#[test]
fn without_augmentation_an_epoch_holds_what_the_contract_says() {
    let dataset = simulated(6);
    let filter = BandPass { low_hz: 0.5, high_hz: 40.0, order: 3 };
    for contract in [
        InputContract { gain: 5.0, ..InputContract::twelve_leads(500.0, 5000, Scaling::None) },
        InputContract { filter: Some(filter), pad: Pad::Both, ..contract() },
        InputContract::twelve_leads(100.0, 250, Scaling::ZScoreLead),
        InputContract { pad: Pad::Both, ..InputContract::twelve_leads(128.0, 777, Scaling::MinMaxRecord) },
    ] {
        let captions = Arc::new(vec![String::new(); 6].into());
        let none = AugmentConfig::none();
        let (data, streams) = (Arc::clone(&dataset), Streams::new(0));
        let loader = Loader::new(data, captions, contract.clone(), none, config(2, 1, true), streams).unwrap();
        for batch in loader.epoch(0, 0) {
            let batch = batch.unwrap();
            for (i, signal) in batch.signals.chunks(12 * contract.samples).enumerate() {
                let prepared = contract.prepare(&dataset.record(batch.indices[i]).unwrap()).unwrap();
                assert!(signal == prepared.samples && batch.valid[i] == prepared.valid, "{contract:?}");
            }
        }
    }
}

#[test]
fn augmentation_leaves_padding_alone() {
    let dataset = simulated(4);
    let loader = loader(&dataset, config(4, 1, false));
    let batch = loader.epoch(0, 0).next().unwrap().unwrap();
    for row in batch.signals.chunks(1000) {
        assert!(row[500..].iter().all(|&x| x == 0.0));
    }
}

#[test]
fn an_iterator_may_be_dropped_at_any_time() {
    let dataset = simulated(40);
    let loader = loader(&dataset, config(2, 4, false));
    for taken in 0..6 {
        let mut batches = loader.epoch(0, 0);
        assert_eq!(batches.by_ref().take(taken).filter(Result::is_ok).count(), taken);
        drop(batches);
    }
}

#[test]
fn a_record_that_cannot_be_prepared_stops_the_pass_and_is_named() {
    let folder = Folder::with_records(9);
    let dataset = Arc::new(Dataset::ptbxl(folder.path(), 100).unwrap());
    let bytes = fs::read(folder.dat(5)).unwrap();
    fs::write(folder.dat(5), &bytes[..500]).unwrap();
    for workers in [0, 1, 3] {
        let loader = loader(&dataset, config(2, workers, false));
        let results: Vec<_> = loader.in_order().collect();
        assert_eq!(results.len(), 3, "two batches, the error, and no more");
        match results.last().unwrap() {
            Err(Error::Record { id, .. }) => assert_eq!(id, "5"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn records_that_cannot_be_prepared_are_left_out_when_asked() {
    let folder = Folder::with_records(9);
    let dataset = Arc::new(Dataset::ptbxl(folder.path(), 100).unwrap());
    for id in [3, 5] {
        let bytes = fs::read(folder.dat(id)).unwrap();
        fs::write(folder.dat(id), &bytes[..500]).unwrap();
    }
    let leave_out = LoaderConfig { on_error: OnError::LeaveOut, ..config(2, 2, false) };
    let loader = loader(&dataset, leave_out.clone());
    assert_eq!((loader.len(), loader.batches_per_epoch()), (7, 3));
    let left_out: Vec<_> = loader.leftovers().records.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(left_out, ["3", "5"]);
    assert!(loader.leftovers().records[0].reason.contains("cut short"), "{}", loader.leftovers());
    let seen: Vec<usize> = collect(loader.in_order()).into_iter().flat_map(|b| b.indices).collect();
    assert_eq!(seen, [0, 1, 3, 5, 6, 7, 8]);
    assert!(collect(loader.epoch(0, 0)).iter().all(|b| b.len() == 2));

    for id in 1..=9 {
        fs::write(folder.dat(id), []).unwrap();
    }
    let error = try_loader(dataset, leave_out).err();
    assert!(matches!(&error, Some(Error::Record { id, .. }) if id == "1"), "{error:?}");
}

#[test]
fn what_cannot_be_loaded_is_refused() {
    let dataset = simulated(3);
    let refused = |config| try_loader(Arc::clone(&dataset), config).err();
    let zero = LoaderConfig { prefetch: 0, ..config(2, 1, false) };
    assert!(matches!(refused(config(0, 1, false)), Some(Error::Setting { key: "batch_size", .. })));
    assert!(matches!(refused(zero), Some(Error::Setting { key: "prefetch", .. })));

    let empty = Arc::new(dataset.select(&Split::Folds(vec![10])));
    assert!(matches!(try_loader(empty, config(2, 1, false)), Err(Error::Empty { .. })));

    let new = |captions: usize, contract, augment| {
        let captions = Arc::new(vec![String::new(); captions].into());
        Loader::new(Arc::clone(&dataset), captions, contract, augment, config(2, 1, false), Streams::new(0)).err()
    };
    let none = AugmentConfig::none();
    assert!(matches!(new(2, contract(), none), Some(Error::Captions { captions: 2, records: 3, .. })));
    let impossible = InputContract { samples: 0, ..contract() };
    assert!(matches!(new(3, impossible, none), Some(Error::Contract { .. })));
    let wrong = AugmentConfig { lead_mask: 2.0, ..none };
    assert!(matches!(new(3, contract(), wrong), Some(Error::Setting { key: "lead_mask", .. })));

    let large = loader(&dataset, config(4, 1, false));
    assert_eq!((large.batches_per_epoch(), large.in_order().count()), (0, 1));
    let results: Vec<_> = large.epoch(0, 0).collect();
    assert!(matches!(results[..], [Err(Error::BatchSize { batch_size: 4, records: 3, .. })]));
}

#[test]
fn the_configuration_knows_its_keys() {
    let config: LoaderConfig = toml::from_str("batch_size = 8\non_error = \"leave-out\"").unwrap();
    assert_eq!(config, LoaderConfig { batch_size: 8, on_error: OnError::LeaveOut, ..LoaderConfig::default() });
    assert!(toml::from_str::<LoaderConfig>("batchsize = 8").is_err());
}

#[test]
fn the_sample_loads() {
    let Some(sample) = ptbxl_sample() else { return };
    let dataset = Arc::new(Dataset::ptbxl(&sample, 100).unwrap().select(&Split::Train));
    let loader = loader(&dataset, config(16, 2, true));
    assert_eq!((loader.len(), loader.batches_per_epoch()), (353, 22));
    let batches = collect(loader.epoch(0, 0));
    assert_eq!(batches.len(), 22);
    assert!(batches.iter().all(|b| b.signals.iter().all(|x| x.is_finite())));
    // A fifth may be cut away, and what is played faster is shorter.
    assert!(batches.iter().all(|b| b.valid.iter().all(|v| (720..=1000).contains(v))));
}

/// A record is contrasted with a text of some of its statements, another in each epoch; what is told and judged says all.
#[test]
fn records_are_contrasted_with_other_statements_in_each_epoch() {
    let template = CaptionTemplate::Findings;
    let config = CaptionConfig { template, statements: Statements::Sampled, ..CaptionConfig::default() };
    let (dataset, captions, _) = config.captions(&simulated(40), &no_descriptions);
    let (dataset, captions) = (Arc::new(dataset), Arc::new(captions));
    let loader = |workers| {
        let config = LoaderConfig { workers, ..self::config(8, 1, true) };
        Loader::new(Arc::clone(&dataset), Arc::clone(&captions), contract(), AUGMENT, config, Streams::new(3)).unwrap()
    };
    let whole = |index: &usize| dataset.entries[*index].statements.join(", ");
    let (mut alone, mut some, mut reordered) = (0, 0, 0);
    let mut epochs = Vec::new();
    for epoch in 0..4 {
        let batches = collect(loader(1).epoch(epoch, 0));
        assert_eq!(batches, collect(loader(3).epoch(epoch, 0)), "the same with any number of workers");
        assert_eq!(batches[2..], collect(loader(1).epoch(epoch, 2)), "and from the middle");
        for batch in &batches {
            assert!(batch.indices.iter().map(whole).eq(batch.captions.iter().cloned()));
            for (index, part) in batch.indices.iter().zip(&batch.parts) {
                let all = &dataset.entries[*index].statements;
                let place = |said: &str| all.iter().position(|statement| statement == said).unwrap();
                let places: Vec<usize> = part.text.split(", ").map(place).collect();
                assert_eq!(part.said, places.iter().map(|place| part.all[*place]).collect::<Vec<_>>());
                assert_eq!(part.all.len(), all.len());
                assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len(), "each once: {}", part.text);
                alone += usize::from(places.len() == 1 && all.len() > 1);
                some += usize::from(places.len() < all.len());
                reordered += usize::from(!places.is_sorted());
                for (other, its) in batch.indices.iter().zip(&batch.parts) {
                    let its_statements = &dataset.entries[*other].statements;
                    let is_true = part.text.split(", ").all(|said| its_statements.iter().any(|one| one == said));
                    assert_eq!(part.is_true_of(its), is_true);
                }
            }
        }
        let mut texts: Vec<(usize, String)> = Vec::new();
        for batch in batches {
            texts.extend(batch.indices.into_iter().zip(batch.parts.into_iter().map(|part| part.text)));
        }
        texts.sort();
        epochs.push(texts);
    }
    assert!(alone > 10 && some > alone && reordered > 10, "{alone} {some} {reordered}");
    assert!(epochs.windows(2).all(|pair| pair[0] != pair[1]));
    for batch in collect(loader(2).in_order()) {
        assert!(batch.parts.is_empty() && batch.indices.iter().map(whole).eq(batch.captions));
    }
}

#[test]
fn texts_of_some_statements_describe_these_alone() {
    let config = CaptionConfig { statements: Statements::Sampled, ..CaptionConfig::default() };
    let (dataset, captions, _) = config.captions(&simulated(30), &|statement| Some(format!("<{statement}>")));
    let (dataset, captions) = (Arc::new(dataset), Arc::new(captions));
    let config = self::config(10, 1, false);
    let loader = Loader::new(dataset, captions, contract(), AUGMENT, config, Streams::new(3)).unwrap();
    for part in collect(loader.epoch(0, 0)).iter().flat_map(|batch| &batch.parts) {
        let (_, findings) = part.text.split_once("ECG Findings: ").unwrap();
        let (said, described) = findings.split_once(".\nPotential ECG waveforms: \n").unwrap();
        let wanted: Vec<String> = said.split(", ").map(|statement| format!("<{statement}>")).collect();
        assert_eq!(described, wanted.join("\n"));
    }
}
