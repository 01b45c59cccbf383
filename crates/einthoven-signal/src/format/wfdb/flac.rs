//! Signal files compressed with FLAC (RFC 9639), of storage formats 508, 516 and 524.

use std::io::{Chain, Cursor, ErrorKind, Read, copy, sink};

use claxon::{Error, FlacReader, FlacReaderOptions};

/// A FLAC stream that begins with its first sample.
pub(super) struct Flac<R: Read> {
    reader: FlacReader<Chain<Cursor<Vec<u8>>, R>>,
}

/// The mark of a stream, the header of a block of metadata, and the one block that is needed.
const HEAD: usize = 4 + 4 + 34;

/// Set in a block's header where it is the last one.
const LAST: u8 = 0x80;

/// The stream without its metadata but for the description that it begins with. The library keeps other blocks in memory, up to 10 MiB each
/// and whether or not they are there.
fn without_metadata<R: Read>(mut reader: R) -> Result<Chain<Cursor<Vec<u8>>, R>, Error> {
    let mut head = vec![0; HEAD];
    reader.read_exact(&mut head)?;
    if head[4] & !LAST != 0 || head[5..8] != [0, 0, 34] {
        return Err(Error::FormatError("it does not begin with a description of its samples"));
    }
    let mut last = head[4] & LAST != 0;
    head[4] |= LAST;
    while !last {
        let mut block = [0; 4];
        reader.read_exact(&mut block)?;
        last = block[0] & LAST != 0;
        let length = u32::from_be_bytes([0, block[1], block[2], block[3]]).into();
        if copy(&mut reader.by_ref().take(length), &mut sink())? < length {
            return Err(Error::IoError(ErrorKind::UnexpectedEof.into()));
        }
    }
    Ok(Cursor::new(head).chain(reader))
}

impl<R: Read> Flac<R> {
    /// Reads the stream's header; `bits` is the largest resolution and `channels` the number of signals expected.
    pub fn open(reader: R, bits: u32, channels: usize) -> Result<Self, Error> {
        let options = FlacReaderOptions { metadata_only: false, read_vorbis_comment: false };
        let reader = FlacReader::new_ext(without_metadata(reader)?, options)?;
        let info = reader.streaminfo();
        if info.channels as usize != channels {
            return Err(Error::FormatError("it has not as many channels as the header has signals"));
        }
        if info.bits_per_sample > bits {
            return Err(Error::FormatError("its samples have more bits than the storage format says"));
        }
        Ok(Self { reader })
    }

    /// Samples of each channel, if the stream says it.
    pub fn samples(&self) -> Option<u64> {
        self.reader.streaminfo().samples
    }

    /// The samples of each channel from `start` to `end`, or to the end of the stream if it is nearer.
    pub fn read(mut self, start: u64, end: u64) -> Result<Vec<Vec<i32>>, Error> {
        let mut channels = vec![Vec::new(); self.reader.streaminfo().channels as usize];
        let mut blocks = self.reader.blocks();
        let mut buffer = Vec::new();
        let mut position = 0;
        while position < end {
            let Some(block) = blocks.read_next_or_eof(buffer)? else {
                break;
            };
            if block.channels() as usize != channels.len() {
                return Err(Error::FormatError("the number of channels changes"));
            }
            let length = u64::from(block.duration());
            // Both are within the block, whose length fits.
            let from = start.saturating_sub(position).min(length) as usize;
            let to = (end - position).min(length) as usize;
            for (channel, samples) in (0..).zip(&mut channels) {
                samples.extend_from_slice(&block.channel(channel)[from.min(to)..to]);
            }
            position += length;
            buffer = block.into_buffer();
        }
        Ok(channels)
    }
}
