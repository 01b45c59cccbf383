//! Reading records out of mapped shards.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use einthoven_signal::{InputContract, Record, Source};
use memmap2::Mmap;

use super::Storage;
use super::manifest::{Index, MANIFEST, Manifest, VERSION};
use super::place::Place;
use crate::listing::Listing;
use crate::store::{Cache, Store};
use crate::{DatasetCard, Error, Location, Result};

/// What a shard's file of samples begins with.
pub(super) const HEADER: [u8; 16] = *b"EINSHARD\x01\0\0\0\0\0\0\0";

/// The shards of a folder.
#[derive(Debug)]
pub(crate) struct Shards {
    /// The contract of what is stored, in millivolts.
    pub contract: InputContract,
    storage: Storage,
    shards: Vec<Shard>,
}

/// A shard.
#[derive(Debug)]
struct Shard {
    path: PathBuf,
    samples: Samples,
    spots: Vec<Spot>,
}

/// The samples of a shard.
#[derive(Debug)]
enum Samples {
    Mapped(Mmap),
    /// In a store, with the length of the shard's file.
    Remote(Arc<(Box<Store>, Cache)>, u64),
}

/// Where a record is in a shard.
#[derive(Debug)]
struct Spot {
    id: String,
    offset: u64,
    valid: usize,
    crc32c: u32,
}

/// The card of the dataset that shards were made of, and the digest of their manifest.
pub(crate) fn card(folder: &Path) -> Result<(DatasetCard, String)> {
    let (manifest, digest) = Place::of(folder)?.required::<Manifest>(MANIFEST)?;
    Ok((manifest.card, digest))
}

/// Opens shards in a folder or an object store: their card, their listing, and the shards.
pub(crate) fn open(folder: &Path) -> Result<(DatasetCard, Listing, Shards)> {
    let place = Place::of(folder)?;
    let (manifest, _) = place.required::<Manifest>(MANIFEST)?;
    if manifest.version != VERSION {
        let message = format!("it is of version {}, this program reads version {VERSION}", manifest.version);
        return Err(Error::Shard { path: place.path(MANIFEST), record: None, message });
    }
    manifest.contract.validate().map_err(|source| Error::Contract { source })?;
    let mut listing = Listing {
        missing: manifest.left_out,
        label_sets: manifest.label_sets,
        unknown_codes: manifest.unknown_codes,
        ..Listing::default()
    };
    let mut shards = Vec::new();
    for (number, shard) in manifest.shards.iter().enumerate() {
        let name = format!("{}.json", shard.name);
        let (index, sha256) = place.required::<Index>(&name)?;
        if sha256 != shard.sha256 {
            let message = format!("its SHA-256 is {sha256}, the manifest says {}", shard.sha256);
            return Err(Error::Shard { path: place.path(&name), record: None, message });
        }
        let mut spots = Vec::with_capacity(index.records.len());
        for (record, stored) in index.records.into_iter().enumerate() {
            let entry = stored.known.into_entry(Location::Shard { shard: number, record });
            let id = entry.id.clone();
            spots.push(Spot { id, offset: stored.offset, valid: stored.valid, crc32c: stored.crc32c });
            listing.entries.push(entry);
        }
        shards.push((format!("{}.bin", shard.name), index.bytes, spots));
    }
    let Manifest { card, contract, storage, .. } = manifest;
    let shards = samples(place, shards)?;
    Ok((card, listing, Shards { contract, storage, shards }))
}

/// The way to the samples of shards of these names, lengths and records.
fn samples(place: Place, shards: Vec<(String, u64, Vec<Spot>)>) -> Result<Vec<Shard>> {
    let with_path = |name: &str| place.path(name);
    let named: Vec<_> = shards.into_iter().map(|(name, bytes, spots)| (with_path(&name), name, bytes, spots)).collect();
    match place {
        Place::Folder(_) => named
            .into_iter()
            .map(|(path, _, bytes, spots)| Ok(Shard { samples: Samples::Mapped(map(&path, bytes)?), path, spots }))
            .collect(),
        Place::Store(store) => {
            let remote = Arc::new((store, Cache::new()?));
            named
                .into_iter()
                .map(|(path, name, bytes, spots)| {
                    check_length(&path, remote.0.length(&name)?.unwrap_or(0), bytes)?;
                    Ok(Shard { samples: Samples::Remote(Arc::clone(&remote), bytes), path, spots })
                })
                .collect()
        }
    }
}

fn check_length(path: &Path, found: u64, bytes: u64) -> Result<()> {
    if found == bytes {
        return Ok(());
    }
    let message = format!("it has {found} bytes, its index says {bytes}");
    Err(Error::Shard { path: path.to_owned(), record: None, message })
}

/// A file of samples in memory, when it has the length that its index says.
fn map(path: &Path, bytes: u64) -> Result<Mmap> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let damaged = |message| Error::Shard { path: path.to_owned(), record: None, message };
    let file = File::open(path).map_err(fail)?;
    check_length(path, file.metadata().map_err(fail)?.len(), bytes)?;
    // SAFETY: the map is only read, and its bytes may have any value. A file that is cut short while it is mapped ends the process,
    // as with every program that maps files; shards are renamed into place whole and never written again.
    let samples = unsafe { Mmap::map(&file) }.map_err(fail)?;
    if samples.starts_with(&HEADER) { Ok(samples) } else { Err(damaged("it is no shard".to_owned())) }
}

impl Shards {
    /// The record in millivolts, at the contract's leads and rate.
    pub fn record(&self, shard: usize, record: usize) -> Result<Record> {
        let missing = || Error::Shard {
            path: PathBuf::from(format!("shard {shard}")),
            record: Some(record.to_string()),
            message: "there is no such record".to_owned(),
        };
        let here = self.shards.get(shard).ok_or_else(missing)?;
        let spot = here.spots.get(record).ok_or_else(missing)?;
        let damaged =
            |message: String| Error::Shard { path: here.path.clone(), record: Some(spot.id.clone()), message };
        let leads = self.contract.leads.len();
        let outside = || damaged("its samples lie outside of the file".to_owned());
        let length = self.storage.bytes(leads, spot.valid).filter(|&length| length > 0).ok_or_else(outside)?;
        let whole = |bytes: &[u8]| crc32c::crc32c(bytes) == spot.crc32c;
        let decode = |bytes: &[u8]| match whole(bytes) {
            true => Ok(self.storage.decode(bytes, leads, spot.valid)),
            false => {
                let found = crc32c::crc32c(bytes);
                Err(damaged(format!("its CRC-32C is {found:08x}, expected {:08x}", spot.crc32c)))
            }
        };
        let samples = match &here.samples {
            Samples::Mapped(samples) => {
                let start = usize::try_from(spot.offset).map_err(|_| outside())?;
                let range = start..start.checked_add(length).ok_or_else(outside)?;
                let bytes = samples.get(range.clone()).ok_or_else(outside)?;
                will_need(samples, range.clone());
                let decoded = decode(bytes)?;
                let_go(samples, range);
                decoded
            }
            Samples::Remote(remote, file) => {
                let (store, cache) = &**remote;
                let end = spot.offset.checked_add(length as u64).filter(|end| end <= file).ok_or_else(outside)?;
                let name = here.path.file_name().unwrap_or_default().to_string_lossy();
                decode(&cache.get((shard, record), || store.range(&name, spot.offset..end, &whole))?)?
            }
        };
        let source = Source::File(here.path.clone());
        Record::new(self.contract.leads.clone(), self.contract.sampling_rate, samples, source)
            .map_err(|error| damaged(error.to_string()))
    }
}

/// Has the system read a record in one go, not page by page. Advice that is not taken changes nothing but the speed.
#[cfg(unix)]
fn will_need(samples: &Mmap, range: Range<usize>) {
    let _ = samples.advise_range(memmap2::Advice::WillNeed, range.start, range.len());
}

/// Takes a record's pages out of the process, so that its memory does not grow to the size of the dataset; the system keeps them
/// for the next epoch while it has room.
#[cfg(unix)]
fn let_go(samples: &Mmap, range: Range<usize>) {
    // SAFETY: the map is shared, read-only and of a file: its pages hold the same bytes when they are next touched.
    let _ = unsafe { samples.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len()) };
}

#[cfg(not(unix))]
fn will_need(_: &Mmap, _: Range<usize>) {}

#[cfg(not(unix))]
fn let_go(_: &Mmap, _: Range<usize>) {}
