//! XLI, the compression of Philips Sierra's waveforms: second differences, split into bytes and coded by LZW.

use super::Parsed;
use crate::format::number::Bytes;

/// Bits of a code.
const CODE_BITS: u32 = 10;

/// The last code that stands for bytes.
const LAST_CODE: usize = (1 << CODE_BITS) - 2;

/// The samples of each lead. A lead is a chunk: its size in bytes, two numbers of 16 bits, of which the second is the
/// predictor's start, then the codes.
///
/// All leads together may take `room` bytes at most.
pub fn decode(stored: &[u8], mut room: usize) -> Parsed<Vec<Vec<i16>>> {
    let mut bytes = Bytes { rest: stored, big_endian: false };
    let mut leads = Vec::new();
    // Fewer bytes than a header fill the data up.
    while bytes.rest.len() >= 8 {
        let size = bytes.u32().unwrap_or_default();
        bytes.u16();
        let start = bytes.i16().unwrap_or_default();
        let codes = bytes.take(size as usize).ok_or_else(|| format!("lead {} is cut short", leads.len() + 1))?;
        let whole = lzw(codes, room).ok_or_else(|| format!("lead {} is not coded by LZW", leads.len() + 1))?;
        room -= whole.len();
        leads.push(samples(&whole, start));
    }
    Ok(leads)
}

/// The samples whose second differences are given, the high bytes of all before the low bytes.
fn samples(whole: &[u8], start: i16) -> Vec<i16> {
    let (high, low) = whole.split_at(whole.len() / 2);
    let mut samples: Vec<i16> = high.iter().zip(low).map(|(&high, &low)| i16::from_be_bytes([high, low])).collect();
    let mut last = start;
    for i in 2..samples.len() {
        let predicted = samples[i - 1].wrapping_mul(2).wrapping_sub(samples[i - 2]).wrapping_sub(last);
        last = samples[i].wrapping_sub(64);
        samples[i] = predicted;
    }
    samples
}

/// The bytes that codes of [`CODE_BITS`] bits, the highest first, stand for; none for a code that cannot be,
/// or if there is no room.
fn lzw(codes: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut whole: Vec<u8> = Vec::new();
    // Where in `whole` the bytes of each code from 256 on are first found.
    let mut strings: Vec<(usize, usize)> = Vec::new();
    let mut previous: Option<(usize, usize)> = None;
    let (mut buffer, mut filled) = (0_u32, 0);
    for &byte in codes {
        buffer = buffer << 8 | u32::from(byte);
        filled += 8;
        if filled < CODE_BITS {
            continue;
        }
        filled -= CODE_BITS;
        let code = (buffer >> filled & ((1 << CODE_BITS) - 1)) as usize;
        if code > LAST_CODE {
            break;
        }
        // A code's bytes and the one behind them, which the next code brings, are the next string.
        if let Some((from, length)) = previous.filter(|_| 256 + strings.len() <= LAST_CODE) {
            strings.push((from, length + 1));
        }
        let start = whole.len();
        if room - start <= LAST_CODE {
            return None;
        }
        let length = if code < 256 {
            whole.push(code as u8);
            1
        } else {
            let &(from, length) = strings.get(code - 256)?;
            // Byte by byte, as the last byte may be the first of those that are being written.
            for i in from..from + length {
                whole.push(whole[i]);
            }
            length
        };
        previous = Some((start, length));
    }
    Some(whole)
}
