//! Signal files compressed with FLAC (RFC 9639), of storage formats 508, 516 and 524.

use std::io::Read;

use claxon::{Error, FlacReader, FlacReaderOptions};

/// A FLAC stream that begins with its first sample.
pub(super) struct Flac<R: Read> {
    reader: FlacReader<R>,
}

impl<R: Read> Flac<R> {
    /// Reads the stream's header; `bits` is the largest resolution and `channels` the number of signals expected.
    pub fn open(reader: R, bits: u32, channels: usize) -> Result<Self, Error> {
        let options = FlacReaderOptions { metadata_only: false, read_vorbis_comment: false };
        let reader = FlacReader::new_ext(reader, options)?;
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
