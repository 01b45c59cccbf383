//! Writing shards: in parallel, each whole or not at all, going on where an earlier attempt was cut off.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use einthoven_signal::InputContract;
use rayon::prelude::*;

use super::manifest::{Index, Known, MANIFEST, Manifest, Shard, Stored, VERSION, fingerprint, json, stored_contract};
use super::place::{Place, Workshop};
use super::read::HEADER;
use super::{ShardConfig, Storage};
use crate::loader::prepare::first_step;
use crate::{Dataset, Error, Leftovers, Result};

/// Records that are prepared at once.
const AT_ONCE: usize = 64;

/// What [`write()`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharded {
    /// Records in the shards.
    pub records: usize,
    /// Number of shards.
    pub shards: usize,
    /// Shards that an earlier attempt had left.
    pub resumed: usize,
    /// Records that are listed but not there, and those that cannot be prepared.
    pub left_out: Leftovers,
}

/// Writes a dataset, prepared under `contract`, into shards in `folder`, or below an address `s3://bucket/prefix`. `done` is told how many records more are done.
///
/// Killed at any moment and called again, it goes on after the last whole shard, and ends with the same files. Records that cannot
/// be prepared are left out and reported.
///
/// # Errors
/// [`Error::OtherShards`] if the folder holds shards of other records, another contract or another storage; [`Error::Locked`] if
/// another process writes there; [`Error::Write`]; [`Error::Http`] of an object store; [`Error::Contract`]; [`Error::Empty`] for a dataset without records.
pub fn write(
    dataset: &Dataset,
    contract: &InputContract,
    config: ShardConfig,
    folder: &Path,
    done: &(impl Fn(u64) + Sync),
) -> Result<Sharded> {
    contract.validate().map_err(|source| Error::Contract { source })?;
    if config.records == 0 {
        return Err(Error::Setting { key: "records", value: "0".to_owned(), expected: "at least 1 record in a shard" });
    }
    if dataset.is_empty() {
        return Err(Error::Empty { dataset: dataset.name.clone() });
    }
    let place = Place::of(folder)?;
    let workshop = place.workshop()?;
    let contract = stored_contract(contract);
    let fingerprint = fingerprint(dataset, &contract, config)?;
    if place.json::<Manifest>(MANIFEST)?.is_some_and(|(manifest, _)| manifest.fingerprint != fingerprint) {
        return Err(Error::OtherShards { folder: folder.to_owned() });
    }
    let (contract, fingerprint, storage) = (&contract, &fingerprint, config.storage);
    let writer = Writer { dataset, contract, storage, folder, place: &place, workshop: &workshop, fingerprint };
    let mut sharded = Sharded { records: 0, shards: 0, resumed: 0, left_out: dataset.missing.clone() };
    let mut shards = Vec::new();
    for (number, start) in (0..dataset.len()).step_by(config.records).enumerate() {
        let range = start..(start + config.records).min(dataset.len());
        let name = format!("shard-{number:05}");
        let there = writer.finished(&name)?;
        sharded.resumed += usize::from(there.is_some());
        let (index, sha256) = match there {
            Some(there) => {
                done(range.len() as u64);
                there
            }
            None => writer.shard(&name, range, done)?,
        };
        sharded.records += index.records.len();
        sharded.left_out.records.extend(index.left_out.records);
        shards.push(Shard { name, records: index.records.len(), sha256 });
    }
    sharded.shards = shards.len();
    if sharded.records == 0 {
        return Err(Error::Empty { dataset: dataset.name.clone() });
    }
    let manifest = writer.manifest(shards, &sharded);
    write_file(&workshop.folder().join(MANIFEST), &json(&manifest)?)?;
    place.publish(&workshop, &[MANIFEST])?;
    Ok(sharded)
}

struct Writer<'a> {
    dataset: &'a Dataset,
    contract: &'a InputContract,
    storage: Storage,
    folder: &'a Path,
    place: &'a Place,
    workshop: &'a Workshop,
    fingerprint: &'a str,
}

impl Writer<'_> {
    /// The index of a shard that is whole.
    fn finished(&self, name: &str) -> Result<Option<(Index, String)>> {
        let Some((index, sha256)) = self.place.json::<Index>(&format!("{name}.json"))? else {
            return Ok(None);
        };
        if index.fingerprint != self.fingerprint {
            return Err(Error::OtherShards { folder: self.folder.to_owned() });
        }
        let length = self.place.length(&format!("{name}.bin"))?;
        Ok((length == Some(index.bytes)).then_some((index, sha256)))
    }

    /// Writes the records of `range`.
    fn shard(&self, name: &str, range: Range<usize>, done: &(impl Fn(u64) + Sync)) -> Result<(Index, String)> {
        let path = self.workshop.folder().join(format!("{name}.bin"));
        let partial = path.with_extension("bin.partial");
        let fail = |source| Error::Write { path: partial.clone(), source };
        let mut file = BufWriter::new(File::create(&partial).map_err(fail)?);
        file.write_all(&HEADER).map_err(fail)?;
        let mut index = Index {
            fingerprint: self.fingerprint.to_owned(),
            bytes: HEADER.len() as u64,
            records: Vec::new(),
            left_out: Leftovers::default(),
        };
        for start in range.clone().step_by(AT_ONCE) {
            let prepared: Vec<_> = (start..(start + AT_ONCE).min(range.end))
                .into_par_iter()
                .map(|i| {
                    let prepared = first_step(self.dataset, self.contract, i);
                    done(1);
                    prepared.map(|record| (self.storage.encode(record.samples(), record.len()), record.len()))
                })
                .collect();
            for (entry, prepared) in self.dataset.entries[start..].iter().zip(prepared) {
                match prepared {
                    Ok((bytes, valid)) => {
                        file.write_all(&bytes).map_err(fail)?;
                        let crc32c = crc32c::crc32c(&bytes);
                        index.records.push(Stored { known: Known::of(entry), offset: index.bytes, valid, crc32c });
                        index.bytes += bytes.len() as u64;
                    }
                    Err(error) => index.left_out.push(&entry.id, reason(&error)),
                }
            }
        }
        let file = file.into_inner().map_err(|error| fail(error.into_error()))?;
        file.sync_all().map_err(fail)?;
        std::fs::rename(&partial, &path).map_err(fail)?;
        write_file(&path.with_extension("json"), &json(&index)?)?;
        self.place.publish(self.workshop, &[&format!("{name}.bin"), &format!("{name}.json")])?;
        self.finished(name)?.ok_or_else(|| Error::Shard {
            path: self.place.path(&format!("{name}.bin")),
            record: None,
            message: "it was changed while it was written".to_owned(),
        })
    }

    fn manifest(&self, shards: Vec<Shard>, sharded: &Sharded) -> Manifest {
        let mut card = self.dataset.card.clone();
        // What is stored is as the contract says, and need not be as the publisher's files.
        card.signals.leads = self.contract.leads.clone();
        card.signals.sampling_rates.clear();
        card.signals.seconds = None;
        card.files.clear();
        card.size = None;
        card.splits = self.dataset.splits.clone();
        Manifest {
            version: VERSION,
            fingerprint: self.fingerprint.to_owned(),
            storage: self.storage,
            contract: self.contract.clone(),
            card,
            label_sets: self.dataset.label_sets_by_code().clone(),
            unknown_codes: self.dataset.unknown_codes.clone(),
            shards,
            left_out: sharded.left_out.clone(),
        }
    }
}

/// Why a record is left out: the error's cause, as the record itself is named beside it.
fn reason(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Writes a small file whole or not at all; the folder's lock keeps others from the same name.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("json.partial");
    let write = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}
