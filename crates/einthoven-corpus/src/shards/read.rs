//! Reading records out of mapped shards.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use einthoven_signal::{InputContract, Record, Source};
use memmap2::Mmap;

use super::Storage;
use super::manifest::{Index, MANIFEST, Manifest, VERSION, read_json};
use crate::listing::Listing;
use crate::{DatasetCard, Error, Location, Result};

/// What a shard's file of samples begins with.
pub(super) const HEADER: [u8; 16] = *b"EINSHARD\x01\0\0\0\0\0\0\0";

/// The shards of a folder.
#[derive(Debug)]
pub(crate) struct Shards {
    /// The contract of what is stored, in millivolts.
    pub contract: InputContract,
    storage: Storage,
    shards: Vec<Mapped>,
}

/// A shard in memory.
#[derive(Debug)]
struct Mapped {
    path: PathBuf,
    samples: Mmap,
    places: Vec<Place>,
}

/// Where a record is in a shard.
#[derive(Debug)]
struct Place {
    id: String,
    offset: u64,
    valid: usize,
    crc32c: u32,
}

/// The card of the dataset that a folder of shards was made of, and the digest of its manifest.
pub(crate) fn card(folder: &Path) -> Result<(DatasetCard, String)> {
    let (manifest, digest) = read_json::<Manifest>(&folder.join(MANIFEST))?;
    Ok((manifest.card, digest))
}

/// Opens a folder of shards: its card, its listing, and the shards.
pub(crate) fn open(folder: &Path) -> Result<(DatasetCard, Listing, Shards)> {
    let path = folder.join(MANIFEST);
    let (manifest, _) = read_json::<Manifest>(&path)?;
    if manifest.version != VERSION {
        let message = format!("it is of version {}, this program reads version {VERSION}", manifest.version);
        return Err(Error::Shard { path, record: None, message });
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
        let path = folder.join(format!("{}.json", shard.name));
        let (index, sha256) = read_json::<Index>(&path)?;
        if sha256 != shard.sha256 {
            let message = format!("its SHA-256 is {sha256}, the manifest says {}", shard.sha256);
            return Err(Error::Shard { path, record: None, message });
        }
        let (path, samples) = map(&path.with_extension("bin"), index.bytes)?;
        let mut places = Vec::with_capacity(index.records.len());
        for (record, stored) in index.records.into_iter().enumerate() {
            let entry = stored.known.into_entry(Location::Shard { shard: number, record });
            let id = entry.id.clone();
            places.push(Place { id, offset: stored.offset, valid: stored.valid, crc32c: stored.crc32c });
            listing.entries.push(entry);
        }
        shards.push(Mapped { path, samples, places });
    }
    let Manifest { card, contract, storage, .. } = manifest;
    Ok((card, listing, Shards { contract, storage, shards }))
}

/// A file of samples in memory, when it has the length that its index says.
fn map(path: &Path, bytes: u64) -> Result<(PathBuf, Mmap)> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let damaged = |message| Error::Shard { path: path.to_owned(), record: None, message };
    let file = File::open(path).map_err(fail)?;
    let found = file.metadata().map_err(fail)?.len();
    if found != bytes {
        return Err(damaged(format!("it has {found} bytes, its index says {bytes}")));
    }
    // SAFETY: the map is only read, and its bytes may have any value. A file that is cut short while it is mapped ends the process,
    // as with every program that maps files; shards are renamed into place whole and never written again.
    let samples = unsafe { Mmap::map(&file) }.map_err(fail)?;
    if samples.starts_with(&HEADER) {
        Ok((path.to_owned(), samples))
    } else {
        Err(damaged("it is no shard".to_owned()))
    }
}

impl Shards {
    /// The record in millivolts, at the contract's leads and rate.
    pub fn record(&self, shard: usize, record: usize) -> Result<Record> {
        let missing = || Error::Shard {
            path: PathBuf::from(format!("shard {shard}")),
            record: Some(record.to_string()),
            message: "there is no such record".to_owned(),
        };
        let mapped = self.shards.get(shard).ok_or_else(missing)?;
        let place = mapped.places.get(record).ok_or_else(missing)?;
        let damaged =
            |message: String| Error::Shard { path: mapped.path.clone(), record: Some(place.id.clone()), message };
        let leads = self.contract.leads.len();
        let start = usize::try_from(place.offset).ok();
        let end =
            start.zip(self.storage.bytes(leads, place.valid)).and_then(|(start, length)| start.checked_add(length));
        let range = start.unwrap_or(usize::MAX)..end.unwrap_or(usize::MAX);
        let bytes = mapped.samples.get(range.clone()).filter(|_| place.valid > 0);
        let bytes = bytes.ok_or_else(|| damaged("its samples lie outside of the file".to_owned()))?;
        will_need(&mapped.samples, range.clone());
        let found = crc32c::crc32c(bytes);
        if found != place.crc32c {
            return Err(damaged(format!("its CRC-32C is {found:08x}, expected {:08x}", place.crc32c)));
        }
        let samples = self.storage.decode(bytes, leads, place.valid);
        let_go(&mapped.samples, range);
        let source = Source::File(mapped.path.clone());
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
