//! How weights are stored: blocks of small integers that share a scale (ggml's `ggml-common.h`).

use half::{bf16, f16};

/// Weights that share a scale where the file has none: the length of the blocks that they are rounded in here.
const ROUNDED: usize = 32;

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// Where zero lies among the integers of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    /// At one integer, for all groups.
    At(u8),
    /// Each group has an offset.
    Offsets,
}

/// How the weights of a matrix are kept: `scale * (integer - zero)`, or `scale * integer + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Weights that share a scale: 16 or 32.
    pub group: usize,
    /// Whether the integers are below 16, so that two share a byte.
    pub halves: bool,
    pub zero: Zero,
}

/// Some of a row's weights, group by group.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The integers.
    pub quants: Vec<u8>,
    /// A scale for each group.
    pub scales: Vec<f32>,
    /// An offset for each group, zero included: a weight is `scale * integer + offset`.
    pub offsets: Vec<f32>,
}

impl Kind {
    pub fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// Weights in a block.
    pub fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// The form that holds these weights without loss; numbers that are not in blocks are rounded to 8 bits, in groups of 32.
    pub fn form(self) -> Form {
        let (group, halves, zero) = match self {
            Self::F32 | Self::F16 | Self::Bf16 | Self::Q8_0 => (ROUNDED, false, Zero::At(128)),
            Self::Q4_0 => (32, true, Zero::At(8)),
            Self::Q4_1 | Self::Q4K => (32, true, Zero::Offsets),
            Self::Q5_0 => (32, false, Zero::At(16)),
            Self::Q5_1 | Self::Q5K => (32, false, Zero::Offsets),
            Self::Q6K => (16, false, Zero::At(32)),
        };
        Form { group, halves, zero }
    }

    /// Takes the row in `bytes` apart.
    pub fn row(self, bytes: &[u8]) -> Row {
        let mut row = Row::default();
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => row.round(&self.numbers(bytes)),
            _ => bytes.chunks_exact(self.bytes()).for_each(|block| self.block_of(block, &mut row)),
        }
        row
    }

    /// The numbers that `bytes` stand for.
    pub fn numbers(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Self::F16 => bytes.chunks_exact(2).map(|b| half(b).to_f32()).collect(),
            Self::Bf16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            _ => {
                let (row, group) = (self.row(bytes), self.form().group);
                let number =
                    |(at, &quant): (usize, &u8)| row.scales[at / group] * f32::from(quant) + row.offsets[at / group];
                row.quants.iter().enumerate().map(number).collect()
            }
        }
    }

    fn block_of(self, block: &[u8], row: &mut Row) {
        let scale = half(block).to_f32();
        match self {
            Self::Q4_0 => {
                row.quants.extend(nibbles(&block[2..]));
                row.group(scale, -8.0 * scale);
            }
            Self::Q4_1 => {
                row.quants.extend(nibbles(&block[4..]));
                row.group(scale, half(&block[2..]).to_f32());
            }
            Self::Q5_0 => {
                row.quants.extend(fifths(&block[2..6], &block[6..]));
                row.group(scale, -16.0 * scale);
            }
            Self::Q5_1 => {
                row.quants.extend(fifths(&block[4..8], &block[8..]));
                row.group(scale, half(&block[2..]).to_f32());
            }
            Self::Q8_0 => {
                row.quants.extend(block[2..].iter().map(|quant| quant ^ 0x80));
                row.group(scale, -128.0 * scale);
            }
            Self::Q4K => {
                row.quants.extend(block[16..].chunks_exact(32).flat_map(nibbles));
                row.scales_and_minima(block);
            }
            Self::Q5K => {
                let (high, low) = block[16..].split_at(32);
                for (pair, low) in low.chunks_exact(32).enumerate() {
                    let fifth = |at: usize, half: usize| (high[at] >> (2 * pair + half) & 1) << 4;
                    row.quants.extend((0..32).map(|at| low[at] & 15 | fifth(at, 0)));
                    row.quants.extend((0..32).map(|at| low[at] >> 4 | fifth(at, 1)));
                }
                row.scales_and_minima(block);
            }
            Self::Q6K => {
                for half in 0..2 {
                    let (low, high) = (&block[64 * half..], &block[128 + 32 * half..]);
                    for part in 0..4 {
                        let low = |at: usize| low[at + 32 * (part % 2)] >> (4 * (part / 2)) & 15;
                        row.quants.extend((0..32).map(|at| low(at) | (high[at] >> (2 * part) & 3) << 4));
                    }
                }
                let scale = half(&block[208..]).to_f32();
                for &factor in &block[192..208] {
                    let scale = scale * f32::from(factor.cast_signed());
                    row.group(scale, -32.0 * scale);
                }
            }
            Self::F32 | Self::F16 | Self::Bf16 => {}
        }
    }
}

impl Row {
    fn group(&mut self, scale: f32, offset: f32) {
        self.scales.push(scale);
        self.offsets.push(offset);
    }

    /// The scales and minima of the eight groups of a `Q4_K` or `Q5_K` block: 6 bits each, over a scale of the block.
    fn scales_and_minima(&mut self, block: &[u8]) {
        let (scale, minimum) = (half(block).to_f32(), half(&block[2..]).to_f32());
        let packed = &block[4..16];
        for group in 0..8 {
            let (factor, under) = if group < 4 {
                (packed[group] & 63, packed[group + 4] & 63)
            } else {
                let (low, first, second) = (packed[group + 4], packed[group - 4], packed[group]);
                (low & 15 | first >> 6 << 4, low >> 4 | second >> 6 << 4)
            };
            self.group(scale * f32::from(factor), -minimum * f32::from(under));
        }
    }

    /// Rounds numbers to 8 bits.
    fn round(&mut self, values: &[f32]) {
        for group in values.chunks(ROUNDED) {
            let scale = group.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            self.quants.extend(group.iter().map(|value| (value * inverse).round() as i8 as u8 ^ 0x80));
            self.group(scale, -128.0 * scale);
        }
    }
}

fn half(bytes: &[u8]) -> f16 {
    f16::from_le_bytes([bytes[0], bytes[1]])
}

/// The low halves of all bytes, then the high ones.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().map(|byte| byte & 15).chain(bytes.iter().map(|byte| byte >> 4))
}

/// Integers below 32: their four lower bits like [`nibbles`], their fifth in the 32 bits of `high`.
fn fifths(high: &[u8], low: &[u8]) -> impl Iterator<Item = u8> {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    nibbles(low).enumerate().map(move |(at, low)| low | ((high >> at & 1) as u8) << 4)
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};
    use einthoven_random::Streams;
    use rand::RngExt;

    use super::*;

    #[test]
    fn blocks_hold_what_candle_put_into_them() {
        let mut stream = Streams::new(0).stream("blocks", &[]);
        let values: Vec<f32> = (0..4 * 512).map(|at| stream.random_range(-1.0..1.0) * (at / 256) as f32).collect();
        let tensor = Tensor::from_vec(values, (4, 512), &Device::Cpu).unwrap();
        let kinds = [
            (Kind::F32, GgmlDType::F32),
            (Kind::F16, GgmlDType::F16),
            (Kind::Bf16, GgmlDType::BF16),
            (Kind::Q4_0, GgmlDType::Q4_0),
            (Kind::Q4_1, GgmlDType::Q4_1),
            (Kind::Q5_0, GgmlDType::Q5_0),
            (Kind::Q5_1, GgmlDType::Q5_1),
            (Kind::Q8_0, GgmlDType::Q8_0),
            (Kind::Q4K, GgmlDType::Q4K),
            (Kind::Q5K, GgmlDType::Q5K),
            (Kind::Q6K, GgmlDType::Q6K),
        ];
        for (kind, theirs) in kinds {
            let stored = QTensor::quantize(&tensor, theirs).unwrap();
            let right: Vec<f32> = stored.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let found = kind.numbers(&stored.data().unwrap());
            assert_eq!(found.len(), right.len(), "{kind:?}");
            for (found, right) in found.iter().zip(&right) {
                // Their sums are taken in another order.
                assert!((found - right).abs() <= 4e-6 * (1.0 + right.abs()), "{kind:?}: {found} instead of {right}");
            }
        }
    }
}
