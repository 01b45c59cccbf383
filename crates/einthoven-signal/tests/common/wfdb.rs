//! WFDB files made by an encoder of the tests' own.

use std::path::PathBuf;

use tempfile::TempDir;

use super::flac;

/// A folder of files that is gone after the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

/// The values of a frame after the other, as a signal file of some signals stores them.
pub fn encode(format: u32, values: &[i32], signals: usize) -> Vec<u8> {
    let low_bytes = |n: usize| values.iter().flat_map(move |v| v.to_le_bytes().into_iter().take(n));
    let bits = |i: usize, n: u32| values.get(i).map_or(0, |&v| v as u32 & ((1 << n) - 1));
    match format {
        8 => (0..values.len()).map(|i| if i < signals { 0 } else { (values[i] - values[i - signals]) as u8 }).collect(),
        16 => low_bytes(2).collect(),
        24 => low_bytes(3).collect(),
        32 => low_bytes(4).collect(),
        61 => values.iter().flat_map(|&v| (v as i16).to_be_bytes()).collect(),
        80 => values.iter().map(|v| (v + 128) as u8).collect(),
        160 => values.iter().flat_map(|&v| ((v + 32768) as u16).to_le_bytes()).collect(),
        212 => {
            let pairs = (0..values.len()).step_by(2);
            let words = pairs.map(|i| bits(i, 12) | bits(i + 1, 12) >> 8 << 12 | (bits(i + 1, 12) & 0xff) << 16);
            let bytes: Vec<u8> = words.flat_map(|w| w.to_le_bytes().into_iter().take(3)).collect();
            bytes[..(values.len() * 3).div_ceil(2)].to_vec()
        }
        310 => {
            let triples = (0..values.len()).step_by(3);
            triples
                .flat_map(|i| {
                    let first = bits(i, 10) << 1 | (bits(i + 2, 10) & 0x1f) << 11;
                    let second = bits(i + 1, 10) << 1 | bits(i + 2, 10) >> 5 << 11;
                    (first | second << 16).to_le_bytes()
                })
                .collect()
        }
        311 => {
            let triples = (0..values.len()).step_by(3);
            triples.flat_map(|i| (bits(i, 10) | bits(i + 1, 10) << 10 | bits(i + 2, 10) << 20).to_le_bytes()).collect()
        }
        508 | 516 | 524 => {
            let channels: Vec<Vec<i32>> =
                (0..signals).map(|s| values.iter().skip(s).step_by(signals).copied().collect()).collect();
            flac::encode(format - 500, &channels)
        }
        _ => unreachable!(),
    }
}

/// Values across the whole range of a format, its lowest (a missing sample) among them.
pub fn values(bits: u32, signals: usize, length: usize) -> Vec<Vec<i32>> {
    let span = 1_i64 << bits;
    let at = |signal: usize, i: usize| {
        let step = (i as i64 * 7919 + signal as i64 * 104_729) * (span / 1009).max(1);
        (step.rem_euclid(span) - span / 2) as i32
    };
    let mut rows: Vec<Vec<i32>> = (0..signals).map(|s| (0..length).map(|i| at(s, i)).collect()).collect();
    rows[0][0] = (-span / 2) as i32;
    rows[signals - 1][length - 1] = (span / 2 - 1) as i32;
    rows
}

pub fn interleave(rows: &[Vec<i32>]) -> Vec<i32> {
    (0..rows[0].len()).flat_map(|i| rows.iter().map(move |row| row[i])).collect()
}

pub fn checksum(row: &[i32]) -> i64 {
    row.iter().map(|&v| i64::from(v)).sum::<i64>().rem_euclid(65536)
}
