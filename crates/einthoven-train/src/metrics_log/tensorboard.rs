//! TensorBoard event files, written by hand: the format is stable and this is all of it that scalars need.
//!
//! A file is a sequence of TFRecords (length, masked CRC-32C of the length, data, masked CRC-32C of the data), each
//! holding an `Event` protocol buffer (tensorflow/core/util/event.proto):
//!
//! ```text
//! Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
//! Summary { repeated Value { string tag = 1; float simple_value = 2; } value = 1; }
//! ```

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Entry, Kind};
use crate::{Error, Result};

/// Length and its checksum before the data, the data's checksum after it.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// Wire types of protocol buffers, the low three bits of a field's key.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

/// The record every event file begins with.
pub(super) fn file_header() -> Vec<u8> {
    let mut event = wall_time();
    put_bytes(&mut event, 3, b"brain.Event:2");
    record(&event)
}

/// The record of an entry: each value under `train/` or `validation/`.
pub(super) fn event(entry: &Entry) -> Vec<u8> {
    let group = match entry.kind {
        Kind::Train => "train",
        Kind::Validation => "validation",
    };
    let mut summary = Vec::new();
    for (name, value) in &entry.values {
        let mut scalar = Vec::new();
        put_bytes(&mut scalar, 1, format!("{group}/{name}").as_bytes());
        put_key(&mut scalar, 2, FIXED32);
        scalar.extend((value.unwrap_or(f64::NAN) as f32).to_le_bytes());
        put_bytes(&mut summary, 1, &scalar);
    }
    let mut event = wall_time();
    put_key(&mut event, 2, VARINT);
    put_varint(&mut event, entry.step);
    put_bytes(&mut event, 5, &summary);
    record(&event)
}

/// The length of the part of `content` whose events are of step `last` or before.
pub(super) fn length_up_to(path: &Path, content: &[u8], last: u64) -> Result<usize> {
    let mut length = 0;
    while let Some(head) = content.get(length..length + HEAD) {
        let (size, checksum) = (&head[..8], &head[8..]);
        if checksum != masked_crc(size) {
            return Err(Error::damaged(path, format!("is not a TensorBoard event file (byte {length}); move it away")));
        }
        let size = size.iter().rev().fold(0, |size, &byte| size << 8 | usize::from(byte));
        let data = content.get(length + HEAD..).and_then(|rest| rest.get(..size));
        // A record that was being written when the run was killed.
        let Some(data) = data else { break };
        if content.len() < length + HEAD + size + TAIL || step(data) > last {
            break;
        }
        length += HEAD + size + TAIL;
    }
    Ok(length)
}

/// The step of an event that this module wrote: after the 9 bytes of its wall time, or absent.
fn step(event: &[u8]) -> u64 {
    let Some((&key, rest)) = event.get(9..).and_then(<[u8]>::split_first) else {
        return 0;
    };
    if key != 2 << 3 | VARINT {
        return 0;
    }
    let mut step = 0;
    for (index, &byte) in rest.iter().take(10).enumerate() {
        step |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            break;
        }
    }
    step
}

/// An event that has its wall time only.
fn wall_time() -> Vec<u8> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let mut event = Vec::new();
    put_key(&mut event, 1, FIXED64);
    event.extend(seconds.to_le_bytes());
    event
}

fn put_key(buffer: &mut Vec<u8>, field: u8, wire_type: u8) {
    buffer.push(field << 3 | wire_type);
}

fn put_varint(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        buffer.push(value as u8 | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

fn put_bytes(buffer: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    put_key(buffer, field, BYTES);
    put_varint(buffer, bytes.len() as u64);
    buffer.extend(bytes);
}

/// Frames data as a TFRecord.
fn record(data: &[u8]) -> Vec<u8> {
    let size = (data.len() as u64).to_le_bytes();
    [&size[..], &masked_crc(&size), data, &masked_crc(data)].concat()
}

/// CRC-32C, rotated and offset so that checksums of data holding checksums stay good.
fn masked_crc(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc32c_masked_as_in_tfrecord() {
        // RFC 3720, B.4: 32 bytes of zeroes have the CRC 0x8a9136aa.
        let expected = 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_crc(&[0; 32]), expected.to_le_bytes());
    }

    #[test]
    fn the_step_is_found_again() {
        for step_written in [0, 1, 127, 128, 300, u64::MAX] {
            let entry = Entry {
                kind: Kind::Train,
                step: step_written,
                epoch: 0,
                values: [("loss".to_owned(), Some(0.5))].into(),
            };
            let record = event(&entry);
            assert_eq!(step(&record[HEAD..record.len() - TAIL]), step_written);
        }
    }
}
