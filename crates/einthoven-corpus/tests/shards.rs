//! Shards: the same batches as from the files they were made of, whole or not at all, and clear errors.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use common::server::{Fault, Server};
use common::{Folder, ptbxl_sample};
use einthoven_corpus::shards::{ShardConfig, Sharded, Storage, write};
use einthoven_corpus::{AugmentConfig, Batch, CheckOptions, Dataset, DatasetOptions, Error, Loader, LoaderConfig};
use einthoven_random::Streams;
use einthoven_signal::{BandPass, InputContract, Pad, Scaling};

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

fn config(records: usize, storage: Storage) -> ShardConfig {
    ShardConfig { records, storage }
}

fn shard(
    dataset: &Dataset,
    contract: &InputContract,
    config: ShardConfig,
    folder: &Path,
) -> einthoven_corpus::Result<Sharded> {
    let done = AtomicU64::new(0);
    let count = |count| {
        done.fetch_add(count, Ordering::Relaxed);
    };
    let sharded = write(dataset, contract, config, folder, &count)?;
    assert_eq!(done.into_inner(), dataset.len() as u64);
    Ok(sharded)
}

fn open(folder: &Path) -> einthoven_corpus::Result<Dataset> {
    Dataset::open(folder.to_str().unwrap(), None, &DatasetOptions::default())
}

fn loader(dataset: Dataset, contract: &InputContract, workers: usize) -> einthoven_corpus::Result<Loader> {
    let captions: Vec<_> = dataset.entries.iter().map(|entry| entry.statements.join(", ")).collect();
    let config = LoaderConfig { batch_size: 4, workers, ..LoaderConfig::default() };
    Loader::new(Arc::new(dataset), Arc::new(captions.into()), contract.clone(), AUGMENT, config, Streams::new(3))
}

fn batches(dataset: Dataset, contract: &InputContract, workers: usize) -> Vec<Batch> {
    let loader = loader(dataset, contract, workers).unwrap();
    let passes = loader.epoch(0, 0).chain(loader.epoch(1, 0)).chain(loader.in_order());
    passes.map(Result::unwrap).collect()
}

/// The files of a folder with their contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.path(), name(entry)))
        .map(|(path, name)| (name, fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Of a filter, of recordings that are shorter and longer, and of every scaling.
#[test]
fn batches_are_those_of_the_raw_files_bit_for_bit() {
    let folder = Folder::with_records(11);
    let raw = || Dataset::ptbxl(folder.path(), 100).unwrap();
    let filter = Some(BandPass { low_hz: 0.5, high_hz: 40.0, order: 3 });
    for contract in [
        contract(),
        InputContract { gain: 5.0, ..InputContract::twelve_leads(500.0, 5000, Scaling::None) },
        InputContract { filter, pad: Pad::Both, ..InputContract::twelve_leads(100.0, 1300, Scaling::ZScoreLead) },
        InputContract { filter, ..InputContract::twelve_leads(128.0, 700, Scaling::MinMaxRecord) },
    ] {
        let place = tempfile::tempdir().unwrap();
        let sharded = shard(&raw(), &contract, config(4, Storage::F32), place.path()).unwrap();
        assert_eq!((sharded.records, sharded.shards, sharded.resumed, sharded.left_out.count()), (11, 3, 0, 0));
        let expected = batches(raw(), &contract, 0);
        for workers in [0, 2] {
            assert!(batches(open(place.path()).unwrap(), &contract, workers) == expected, "{contract:?}");
        }
        // The same shards serve another scaling.
        let scaled = InputContract { scaling: Scaling::MinMaxRecord, gain: 1.0, ..contract };
        assert!(batches(open(place.path()).unwrap(), &scaled, 1) == batches(raw(), &scaled, 1));
    }
}

#[test]
fn the_samples_batches_are_the_same_from_shards() {
    let Some(sample) = ptbxl_sample() else { return };
    let raw = || Dataset::ptbxl(&sample, 500).unwrap().subset(&(0..60).collect::<Vec<_>>());
    let place = tempfile::tempdir().unwrap();
    let contract = InputContract::esi_paper();
    shard(&raw(), &contract, config(25, Storage::F32), place.path()).unwrap();
    let shards = open(place.path()).unwrap();
    assert_eq!(shards.label_set("super").unwrap(), raw().label_set("super").unwrap());
    assert_eq!(shards.splits, raw().splits);
    assert!(batches(shards, &contract, 2) == batches(raw(), &contract, 2));
}

#[test]
fn sixteen_bits_are_within_half_a_step() {
    let folder = Folder::with_records(3);
    let raw = Dataset::ptbxl(folder.path(), 100).unwrap();
    let place = tempfile::tempdir().unwrap();
    shard(&raw, &contract(), config(256, Storage::I16), place.path()).unwrap();
    let shards = open(place.path()).unwrap();
    for index in 0..3 {
        let (raw, stored) = (raw.record(index).unwrap(), shards.record(index).unwrap());
        for lead in 0..12 {
            let largest = raw.row(lead).iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            // Half a step, and the rounding of the product.
            let bound = largest * (0.5 / 32_767.0 + f32::EPSILON);
            let pairs = raw.row(lead).iter().zip(stored.row(lead));
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() <= bound), "lead {lead}");
        }
    }
    let bytes = fs::metadata(place.path().join("shard-00000.bin")).unwrap().len();
    assert_eq!(bytes, 16 + 3 * 12 * (4 + 2 * 1000));
}

#[test]
fn work_that_was_cut_off_goes_on_and_ends_with_the_same_files() {
    let folder = Folder::with_records(10);
    let raw = Dataset::ptbxl(folder.path(), 100).unwrap();
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = config(3, Storage::F32);
    shard(&raw, &contract(), config, whole.path()).unwrap();
    shard(&raw, &contract(), config, cut.path()).unwrap();
    let expected = files(whole.path());
    assert_eq!(expected.len(), 2 * 4 + 2);

    // Killed in the third shard: its samples are half written, and nothing after it is there.
    for gone in ["manifest.json", "shard-00003.bin", "shard-00003.json", "shard-00002.json", "shard-00002.bin"] {
        fs::remove_file(cut.path().join(gone)).unwrap();
    }
    fs::write(cut.path().join("shard-00002.bin.partial"), b"EINSHARD half").unwrap();
    assert!(matches!(open(cut.path()), Err(Error::UnknownDataset { .. })), "no dataset before it is whole");
    let sharded = shard(&raw, &contract(), config, cut.path()).unwrap();
    assert_eq!((sharded.resumed, sharded.shards), (2, 4));
    assert_eq!(files(cut.path()), expected);

    // Killed between samples and index; and not at all.
    fs::remove_file(cut.path().join("shard-00001.json")).unwrap();
    assert_eq!(shard(&raw, &contract(), config, cut.path()).unwrap().resumed, 3);
    assert_eq!(shard(&raw, &contract(), config, cut.path()).unwrap().resumed, 4);
    assert_eq!(files(cut.path()), expected);

    // Other work does not mix with it.
    let other = InputContract { samples: 900, ..contract() };
    assert!(matches!(shard(&raw, &other, config, cut.path()), Err(Error::OtherShards { .. })));
    let fewer = raw.subset(&[0, 1, 2]);
    assert!(matches!(shard(&fewer, &contract(), config, cut.path()), Err(Error::OtherShards { .. })));
}

#[test]
fn files_are_the_same_at_any_number_of_threads() {
    let folder = Folder::with_records(9);
    let raw = Dataset::ptbxl(folder.path(), 100).unwrap();
    let written = |threads| {
        let place = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| shard(&raw, &contract(), config(5, Storage::F32), place.path())).unwrap();
        files(place.path())
    };
    assert_eq!(written(1), written(4));
}

#[test]
fn damage_is_named_with_shard_and_record() {
    let folder = Folder::with_records(5);
    let raw = Dataset::ptbxl(folder.path(), 100).unwrap();
    let place = tempfile::tempdir().unwrap();
    shard(&raw, &contract(), config(2, Storage::F32), place.path()).unwrap();
    let path = place.path().join("shard-00001.bin");
    let sound = fs::read(&path).unwrap();

    // A bit in the second record of the second shard, which is record 4.
    let mut damaged = sound.clone();
    damaged[16 + 48_000 + 777] ^= 4;
    fs::write(&path, &damaged).unwrap();
    let dataset = open(place.path()).unwrap();
    assert!(dataset.record(2).is_ok());
    let message = dataset.record(3).unwrap_err().to_string();
    assert!(message.contains("shard-00001.bin, record 4: its CRC-32C is"), "{message}");
    let loader = loader(dataset.clone(), &contract(), 2).unwrap();
    assert!(loader.in_order().any(|batch| matches!(batch, Err(Error::Shard { .. }))));
    let report = dataset.check(None, CheckOptions::default(), &|| {});
    assert_eq!((report.readable, report.problems.len()), (4, 1), "{:?}", report.problems);

    fs::write(&path, &sound[..sound.len() - 1]).unwrap();
    assert!(
        open(place.path())
            .unwrap_err()
            .to_string()
            .contains("shard-00001.bin: it has 96015 bytes, its index says 96016")
    );
    damaged[0] = b'?';
    fs::write(&path, &damaged).unwrap();
    assert!(open(place.path()).unwrap_err().to_string().contains("shard-00001.bin: it is no shard"));
    fs::write(&path, &sound).unwrap();

    let index = place.path().join("shard-00001.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("sinus rhythm", "sinus rhytm")).unwrap();
    assert!(open(place.path()).unwrap_err().to_string().contains("shard-00001.json: its SHA-256 is"));
    fs::write(&index, &text[..100]).unwrap();
    assert!(matches!(open(place.path()), Err(Error::Json { .. })));
}

#[test]
fn another_contract_is_refused_by_its_key() {
    let folder = Folder::with_records(4);
    let place = tempfile::tempdir().unwrap();
    shard(&Dataset::ptbxl(folder.path(), 100).unwrap(), &contract(), ShardConfig::default(), place.path()).unwrap();
    for (other, key) in [
        (InputContract { samples: 500, ..contract() }, "samples"),
        (InputContract { sampling_rate: 500.0, ..contract() }, "sampling_rate"),
        (InputContract { leads: contract().leads[..8].to_vec(), ..contract() }, "leads"),
        (InputContract { filter: Some(BandPass { low_hz: 1.0, high_hz: 30.0, order: 2 }), ..contract() }, "filter"),
    ] {
        let refused = loader(open(place.path()).unwrap(), &other, 0).err().unwrap();
        assert!(matches!(refused, Error::OtherContract { field, .. } if field == key), "{refused}");
    }
    let rate = DatasetOptions { rate: Some(500), ..DatasetOptions::default() };
    let refused = Dataset::open(place.path().to_str().unwrap(), None, &rate);
    assert!(matches!(refused, Err(Error::Setting { key: "rate", .. })));
}

#[test]
fn what_cannot_be_prepared_is_left_out_and_reported() {
    let mut folder = Folder::with_records(4);
    folder.add(9, "60.0", "0", "{'SR': 0.0}", "1");
    fs::write(folder.dat(2), b"short").unwrap();
    let raw = Dataset::ptbxl(folder.path(), 100).unwrap();
    let place = tempfile::tempdir().unwrap();
    let sharded = shard(&raw, &contract(), ShardConfig::default(), place.path()).unwrap();
    let left: Vec<_> = sharded.left_out.records.iter().map(|left| left.id.as_str()).collect();
    assert_eq!((sharded.records, left), (3, vec!["9", "2"]));
    assert!(sharded.left_out.records[1].reason.contains("cut short"), "{:?}", sharded.left_out);
    let dataset = open(place.path()).unwrap();
    assert_eq!((dataset.len(), dataset.missing.clone()), (3, sharded.left_out));
}

#[test]
fn ranks_share_an_epoch() {
    let folder = Folder::with_records(26);
    let place = tempfile::tempdir().unwrap();
    shard(&Dataset::ptbxl(folder.path(), 100).unwrap(), &contract(), config(10, Storage::F32), place.path()).unwrap();
    let common = loader(open(place.path()).unwrap(), &contract(), 1).unwrap();
    let order = |loader: &Loader, epoch| {
        let batches: Vec<Batch> = loader.epoch(epoch, 0).map(Result::unwrap).collect();
        assert_eq!(batches.len(), loader.batches_per_epoch());
        batches.into_iter().flat_map(|batch| batch.indices).collect::<Vec<_>>()
    };
    let whole = order(&common, 5);
    let ranks: Vec<_> = (0..3).map(|rank| order(&common.of_rank(rank, 3).unwrap(), 5)).collect();
    // 26 records, 8 each, in batches of 4: two batches.
    assert!(ranks.iter().all(|rank| rank.len() == 8));
    let dealt: Vec<usize> = (0..24).map(|place| ranks[place % 3][place / 3]).collect();
    assert_eq!(dealt, whole[..24]);
    assert_ne!(order(&common.of_rank(1, 3).unwrap(), 6), ranks[1]);
    assert_eq!(order(&common.of_rank(0, 1).unwrap(), 5), whole);
    assert!(matches!(common.of_rank(3, 3), Err(Error::Setting { key: "rank", .. })));
}

#[test]
fn one_process_writes_at_a_time() {
    let folder = Folder::with_records(1);
    let raw = Dataset::ptbxl(folder.path(), 100).unwrap();
    let place = tempfile::tempdir().unwrap();
    let other = fs::File::create(place.path().join(".lock")).unwrap();
    other.lock().unwrap();
    assert!(matches!(shard(&raw, &contract(), ShardConfig::default(), place.path()), Err(Error::Locked { .. })));
    drop(other);
    shard(&raw, &contract(), ShardConfig::default(), place.path()).unwrap();
}

/// The key and secret are the environment's: one store for all tests of this program.
static STORE: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::of(&[]);
    server.as_store("anna");
    let endpoint = server.address.strip_suffix("/files/").unwrap().to_owned();
    for (name, value) in [
        ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "anna"),
        ("AWS_SECRET_ACCESS_KEY", "geheim"),
        ("AWS_REGION", "eu-west-1"),
    ] {
        // SAFETY: nothing in this program reads the environment but through Rust's library, which holds a lock.
        unsafe { std::env::set_var(name, value) };
    }
    server
});

/// Through cut connections, servers that are busy and wrong bytes, the objects are the files that a folder would hold, and so are the batches.
#[test]
fn an_object_store_does_for_a_folder() {
    let (folder, local) = (Folder::with_records(11), tempfile::tempdir().unwrap());
    let raw = || Dataset::ptbxl(folder.path(), 100).unwrap();
    shard(&raw(), &contract(), config(4, Storage::F32), local.path()).unwrap();
    let server = &*STORE;
    let busy = Fault::Status(503, Some(0));
    server.faults("a/ptb/shard-00000.bin", &[busy, Fault::Cut(0), busy]);
    server.faults("a/ptb/manifest.json", &[busy]);
    let address = Path::new("s3://files/a/ptb/");
    let sharded = shard(&raw(), &contract(), config(4, Storage::F32), address).unwrap();
    assert_eq!((sharded.shards, sharded.resumed, sharded.records), (3, 0, 11));
    for (name, bytes) in files(local.path()).into_iter().filter(|(name, _)| name != ".lock") {
        assert!(server.file(&format!("a/ptb/{name}")) == Some(bytes), "{name}");
    }

    // What is there is not stored again.
    let again = shard(&raw(), &contract(), config(4, Storage::F32), address).unwrap();
    assert_eq!((again.shards, again.resumed), (3, 3));
    assert_eq!(server.requests("PUT", "a/ptb/shard-00001.bin"), 1);
    let other = InputContract { samples: 500, ..contract() };
    let refused = shard(&raw(), &other, config(4, Storage::F32), address);
    assert!(matches!(refused, Err(Error::OtherShards { .. })));

    server.faults("a/ptb/shard-00000.bin", &[Fault::Cut(1000), busy, Fault::WrongByte]);
    server.faults("a/ptb/shard-00002.json", &[busy, Fault::Cut(10)]);
    let expected = batches(open(local.path()).unwrap(), &contract(), 2);
    assert!(batches(open(address).unwrap(), &contract(), 0) == expected);
    // Three passes one after the other, and each record came once, but for the three that went wrong.
    let count = |shard: u8| server.requests("GET", &format!("a/ptb/shard-0000{shard}.bin"));
    assert_eq!([0, 1, 2].map(count), [4 + 3, 4, 3]);
    assert!(batches(open(address).unwrap(), &contract(), 2) == expected);
    let report = open(address).unwrap().check(None, CheckOptions::default(), &|| ());
    assert_eq!(report.readable, 11);
}

#[test]
fn trouble_with_an_object_store_is_told_without_the_secret() {
    let server = &*STORE;
    let error = |address: &str| open(Path::new(address)).unwrap_err().to_string();
    assert_eq!(error("s3://files/nothing"), "cannot read s3://files/nothing/manifest.json");
    assert!(error("s3:///x").contains("s3://bucket or s3://bucket/prefix"));
    server.replace("busy/manifest.json", b"{}");
    server.faults("busy/manifest.json", &[Fault::Status(503, Some(0)); 6]);
    let busy = error("s3://files/busy");
    assert!(busy.contains("503") && !busy.contains("anna") && !busy.contains("geheim"), "{busy}");
    server.faults("busy/manifest.json", &[Fault::Status(403, None)]);
    let refused = error("s3://files/busy");
    assert!(refused.contains("403") && refused.contains("AWS_ACCESS_KEY_ID"), "{refused}");
    assert!(!refused.contains("anna") && !refused.contains("geheim"), "{refused}");
    assert!(error("s3://files/busy").ends_with("manifest.json is damaged"));
}
