//! The pages of a column: found, decompressed and held to what the file can be.
//!
//! Decoding is left to the library. It would also find and decompress pages, but gives each as much memory as its header asks for,
//! up to 2 GiB; here a page may become no larger than what is really in it.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;

use super::super::number::Bytes as Front;
use super::thrift::Numbers;

/// How many bytes one of the file may become, at most.
const LARGEST_RATIO: usize = 100;

/// What may still be decompressed of a file, for all its columns together.
#[derive(Clone)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub fn of(file: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(file.saturating_mul(LARGEST_RATIO))))
    }

    pub fn spend(&self, bytes: usize) -> Result<()> {
        let spent = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        spent.map(drop).map_err(|_| damaged("it holds more than it can"))
    }
}

/// The pages of a column in a group of rows.
pub(super) struct Pages {
    /// What is left of them.
    rest: Bytes,
    compression: Compression,
    budget: Budget,
    /// Whether the dictionary has come.
    dictionary: bool,
    /// Repetition and definition levels, as far as there are any.
    kinds_of_levels: usize,
    /// Bytes of a number.
    width: Option<usize>,
}

fn damaged(message: &str) -> ParquetError {
    ParquetError::General(message.to_owned())
}

impl Pages {
    pub fn of(file: &Bytes, chunk: &ColumnChunkMetaData, budget: Budget) -> Result<Self> {
        let start = chunk.dictionary_page_offset().filter(|&start| start > 0).unwrap_or(chunk.data_page_offset());
        let outside = || damaged("a column lies outside of the file");
        let start = usize::try_from(start).map_err(|_| outside())?;
        let length = usize::try_from(chunk.compressed_size()).map_err(|_| outside())?;
        let end = start.checked_add(length).filter(|&end| end <= file.len()).ok_or_else(outside)?;
        let column = chunk.column_descr();
        Ok(Self {
            rest: file.slice(start..end),
            compression: chunk.compression(),
            budget,
            dictionary: false,
            kinds_of_levels: usize::from(column.max_rep_level() > 0) + usize::from(column.max_def_level() > 0),
            width: match column.physical_type() {
                Type::INT32 | Type::FLOAT => Some(4),
                Type::INT64 | Type::DOUBLE => Some(8),
                _ => None,
            },
        })
    }

    /// The next page, of any kind.
    fn page(&mut self) -> Result<Option<Page>> {
        let mut front = Front { rest: &self.rest, big_endian: false };
        let header = Numbers::read(&mut front).map_err(damaged)?;
        let begin = self.rest.len() - front.rest.len();
        let size = |field| header.get(None, field).and_then(|size| usize::try_from(size).ok());
        let (Some(whole), Some(stored)) = (size(2), size(3)) else {
            return Err(damaged("a page without a size"));
        };
        let end = begin.checked_add(stored).filter(|&end| end <= self.rest.len());
        let body = self.rest.slice(begin..end.ok_or_else(|| damaged("a page is cut short"))?);
        let count = |outer, field| {
            let count = header.get(Some(outer), field).and_then(|count| u32::try_from(count).ok());
            count.ok_or_else(|| damaged("a page does not say how many values it holds"))
        };
        let by_dictionary = |encoding| match encoding {
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY if !self.dictionary => {
                Err(damaged("a page comes before its dictionary"))
            }
            encoding => Ok(encoding),
        };
        let page = match header.get(None, 1) {
            Some(0) => {
                let buf = self.decompress(&body, 0, whole)?;
                let encoding_of = |field| encoding(header.get(Some(5), field));
                // The library panics where they are cut short.
                let levels = self.levels(&buf).ok_or_else(|| damaged("the levels of a page are cut short"))?;
                let (buf, encoding) = self.joined(buf, levels, by_dictionary(encoding_of(2)?)?)?;
                Some(Page::DataPage {
                    buf,
                    num_values: count(5, 1)?,
                    encoding,
                    def_level_encoding: encoding_of(3)?,
                    rep_level_encoding: encoding_of(4)?,
                    statistics: None,
                })
            }
            Some(2) => {
                let buf = self.decompress(&body, 0, whole)?;
                let num_values = count(7, 1)?;
                // The library believes what is announced.
                if num_values as usize > self.values(&buf) {
                    return Err(damaged("a dictionary is cut short"));
                }
                let encoding = encoding(header.get(Some(7), 2))?;
                self.dictionary = true;
                Some(Page::DictionaryPage { buf, num_values, encoding, is_sorted: false })
            }
            Some(3) => {
                let (definitions, repetitions) = (count(8, 5)?, count(8, 6)?);
                let levels = u64::from(definitions) + u64::from(repetitions);
                let levels = usize::try_from(levels).ok().filter(|&levels| levels <= body.len() && levels <= whole);
                let levels = levels.ok_or_else(|| damaged("the levels of a page are cut short"))?;
                let compressed = header.get(Some(8), 7) != Some(0);
                let buf = if compressed { self.decompress(&body, levels, whole)? } else { body };
                let encoding = by_dictionary(encoding(header.get(Some(8), 4))?)?;
                let (buf, encoding) = self.joined(buf, levels, encoding)?;
                Some(Page::DataPageV2 {
                    buf,
                    num_values: count(8, 1)?,
                    encoding,
                    num_nulls: count(8, 2)?,
                    num_rows: count(8, 3)?,
                    def_levels_byte_len: definitions,
                    rep_levels_byte_len: repetitions,
                    is_compressed: false,
                    statistics: None,
                })
            }
            // An index of pages, which is not needed.
            _ => None,
        };
        self.rest = self.rest.slice(begin + stored..);
        Ok(page)
    }

    /// How many values there are in the plain bytes of a dictionary: numbers, or texts each after its length.
    fn values(&self, mut plain: &[u8]) -> usize {
        if let Some(width) = self.width {
            return plain.len() / width;
        }
        let mut count = 0;
        while let Some((length, rest)) = plain.split_first_chunk() {
            let Some(after) = usize::try_from(u32::from_le_bytes(*length)).ok().and_then(|length| rest.get(length..))
            else {
                break;
            };
            plain = after;
            count += 1;
        }
        count
    }

    /// The bytes of levels that a page of version 1 begins with: each kind of them after its length.
    fn levels(&self, page: &[u8]) -> Option<usize> {
        let mut at = 0_usize;
        for _ in 0..self.kinds_of_levels {
            let length = u32::from_le_bytes(*page.get(at..)?.first_chunk()?);
            at = at.checked_add(4)?.checked_add(usize::try_from(length).ok()?)?;
        }
        Some(at).filter(|&at| at <= page.len())
    }

    /// The page with the bytes of each number together, where they are stored apart: the library panics where such a page is cut short.
    fn joined(&self, page: Bytes, levels: usize, encoding: Encoding) -> Result<(Bytes, Encoding)> {
        if encoding != Encoding::BYTE_STREAM_SPLIT {
            return Ok((page, encoding));
        }
        let width = self.width.ok_or_else(|| ParquetError::NYI("bytes apart of what is no number".to_owned()))?;
        let (before, apart) = page.split_at(levels);
        let count = apart.len() / width;
        let together = (0..count).flat_map(|i| (0..width).map(move |byte| apart[byte * count + i]));
        Ok((before.iter().copied().chain(together).collect(), Encoding::PLAIN))
    }

    /// The bytes of a page, of which the first `plain` are never compressed; they must come to `whole`.
    fn decompress(&self, body: &Bytes, plain: usize, whole: usize) -> Result<Bytes> {
        let packed = &body[plain..];
        let expected = whole - plain;
        if self.compression == Compression::UNCOMPRESSED || packed.is_empty() && expected == 0 {
            return Ok(body.clone());
        }
        self.budget.spend(expected)?;
        let mut out = body[..plain].to_vec();
        let failed = |error: &dyn std::fmt::Display| damaged(&format!("a page cannot be decompressed: {error}"));
        // Memory grows with what comes, whatever the header says.
        let mut gather = |packed: &mut dyn Read| packed.take(expected as u64 + 1).read_to_end(&mut out).map(drop);
        match self.compression {
            Compression::SNAPPY => {
                if snap::raw::decompress_len(packed).ok() != Some(expected) {
                    return Err(damaged("a page has another length than its header says"));
                }
                let unpacked = snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| failed(&error))?;
                out.extend(unpacked);
            }
            Compression::GZIP(_) => gather(&mut MultiGzDecoder::new(packed)).map_err(|error| failed(&error))?,
            Compression::ZSTD(_) => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(packed);
                gather(&mut decoder.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
            }
            other => return Err(ParquetError::NYI(format!("compression by {other}"))),
        }
        if out.len() != whole {
            return Err(damaged("a page has another length than its header says"));
        }
        Ok(out.into())
    }
}

fn encoding(number: Option<i64>) -> Result<Encoding> {
    Ok(match number {
        Some(0) => Encoding::PLAIN,
        Some(2) => Encoding::PLAIN_DICTIONARY,
        Some(3) => Encoding::RLE,
        Some(5) => Encoding::DELTA_BINARY_PACKED,
        Some(6) => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Some(7) => Encoding::DELTA_BYTE_ARRAY,
        Some(8) => Encoding::RLE_DICTIONARY,
        Some(9) => Encoding::BYTE_STREAM_SPLIT,
        Some(other) => return Err(ParquetError::NYI(format!("encoding {other}"))),
        None => return Err(damaged("a page does not say its encoding")),
    })
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        while !self.rest.is_empty() {
            // The library takes a page without values for the last one.
            match self.page()? {
                Some(Page::DataPage { num_values: 0, .. } | Page::DataPageV2 { num_values: 0, .. }) | None => {}
                page => return Ok(page),
            }
        }
        Ok(None)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let unknown = PageMetadata { num_rows: None, num_levels: None, is_dict: false };
        Ok((!self.rest.is_empty()).then_some(unknown))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}
