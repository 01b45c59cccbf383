//! WFDB signal files, after the WFDB Applications Guide, signal(5).

/// How ADC values are stored in a signal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 16-bit two's complement, little-endian.
    F16,
    /// 24-bit two's complement, little-endian.
    F24,
    /// 32-bit two's complement, little-endian.
    F32,
    /// 8-bit offset binary: 128 is zero.
    F80,
    /// 12-bit two's complement, two values in three bytes.
    F212,
}

impl Format {
    /// The format of a number in a header, if it is one of these.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            16 => Some(Self::F16),
            24 => Some(Self::F24),
            32 => Some(Self::F32),
            80 => Some(Self::F80),
            212 => Some(Self::F212),
            _ => None,
        }
    }

    /// The ADC value that marks a missing sample: the lowest.
    pub fn missing(self) -> i32 {
        match self {
            Self::F16 => -1 << 15,
            Self::F24 => -1 << 23,
            Self::F32 => i32::MIN,
            Self::F80 => -1 << 7,
            Self::F212 => -1 << 11,
        }
    }

    /// Bytes of `count` values; none if that overflows.
    pub fn bytes(self, count: u64) -> Option<u64> {
        match self {
            Self::F16 => count.checked_mul(2),
            Self::F24 => count.checked_mul(3),
            Self::F32 => count.checked_mul(4),
            Self::F80 => Some(count),
            // The last of an odd number of values takes two bytes.
            Self::F212 => Some(count.checked_mul(3)?.div_ceil(2)),
        }
    }

    /// How many values `bytes` hold.
    pub fn count(self, bytes: u64) -> u64 {
        match self {
            Self::F16 => bytes / 2,
            Self::F24 => bytes / 3,
            Self::F32 => bytes / 4,
            Self::F80 => bytes,
            Self::F212 => bytes / 3 * 2 + bytes % 3 / 2,
        }
    }

    /// The values stored in `bytes`, in order.
    pub fn decode(self, bytes: &[u8]) -> Vec<i32> {
        match self {
            Self::F16 => each(bytes, |b| i16::from_le_bytes(b).into()),
            Self::F24 => each(bytes, |[a, b, c]| i32::from_le_bytes([0, a, b, c]) >> 8),
            Self::F32 => each(bytes, i32::from_le_bytes),
            Self::F80 => each(bytes, |[b]| i32::from(b) - 128),
            Self::F212 => {
                let (pairs, rest) = bytes.as_chunks();
                let values = pairs.iter().flat_map(|&[a, b, c]| [twelve_bits(a, b & 0x0f), twelve_bits(c, b >> 4)]);
                let last = match rest {
                    [a, b] => Some(twelve_bits(*a, b & 0x0f)),
                    _ => None,
                };
                values.chain(last).collect()
            }
        }
    }
}

/// The values stored in `N` bytes each.
fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> i32) -> Vec<i32> {
    bytes.as_chunks().0.iter().map(|&b| value(b)).collect()
}

/// The two's complement number of 8 low and 4 high bits.
fn twelve_bits(low: u8, high: u8) -> i32 {
    (i32::from_le_bytes([low, high, 0, 0]) << 20) >> 20
}
