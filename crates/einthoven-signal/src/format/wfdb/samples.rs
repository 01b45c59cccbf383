//! WFDB signal files, after the WFDB Applications Guide, signal(5).

/// How ADC values are stored in a signal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 8-bit differences from the value before, from the header's initial value on.
    F8,
    /// 16-bit two's complement, little-endian.
    F16,
    /// 24-bit two's complement, little-endian.
    F24,
    /// 32-bit two's complement, little-endian.
    F32,
    /// 16-bit two's complement, big-endian.
    F61,
    /// 8-bit offset binary: 128 is zero.
    F80,
    /// 16-bit offset binary, little-endian: 32768 is zero.
    F160,
    /// 12-bit two's complement, two values in three bytes.
    F212,
    /// 10-bit two's complement, three values in four bytes; the third in the upper bits of two 16-bit words.
    F310,
    /// 10-bit two's complement, three values in four bytes, one after the other in a 32-bit word.
    F311,
    /// FLAC, of this many bits at most.
    Flac(u32),
}

impl Format {
    /// The format of a number in a header, if it is one of these.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            8 => Some(Self::F8),
            16 => Some(Self::F16),
            24 => Some(Self::F24),
            32 => Some(Self::F32),
            61 => Some(Self::F61),
            80 => Some(Self::F80),
            160 => Some(Self::F160),
            212 => Some(Self::F212),
            310 => Some(Self::F310),
            311 => Some(Self::F311),
            508 | 516 | 524 => Some(Self::Flac(number - 500)),
            _ => None,
        }
    }

    /// The ADC value that marks a missing sample: the lowest. Format 8 cannot store one; this marks those that skew
    /// takes from beyond the end.
    pub fn missing(self) -> i32 {
        match self {
            Self::F80 => -1 << 7,
            Self::F310 | Self::F311 => -1 << 9,
            Self::F212 => -1 << 11,
            Self::F16 | Self::F61 | Self::F160 => -1 << 15,
            Self::F24 => -1 << 23,
            Self::F8 | Self::F32 => i32::MIN,
            Self::Flac(bits) => -1 << (bits - 1),
        }
    }

    /// Bytes of `count` values; none if that overflows, or if the format is compressed.
    pub fn bytes(self, count: u64) -> Option<u64> {
        match self {
            Self::F8 | Self::F80 => Some(count),
            Self::F16 | Self::F61 | Self::F160 => count.checked_mul(2),
            Self::F24 => count.checked_mul(3),
            Self::F32 => count.checked_mul(4),
            // The last of an odd number of values takes two bytes.
            Self::F212 => Some(count.checked_mul(3)?.div_ceil(2)),
            // A single last value takes two bytes; two take four, as the second begins in the second word.
            Self::F310 => (count / 3).checked_mul(4)?.checked_add([0, 2, 4][(count % 3) as usize]),
            // Two last values take three bytes.
            Self::F311 => (count / 3).checked_mul(4)?.checked_add([0, 2, 3][(count % 3) as usize]),
            Self::Flac(_) => None,
        }
    }

    /// How many values `bytes` hold; none are known of a compressed format.
    pub fn count(self, bytes: u64) -> u64 {
        match self {
            Self::F8 | Self::F80 => bytes,
            Self::F16 | Self::F61 | Self::F160 => bytes / 2,
            Self::F24 => bytes / 3,
            Self::F32 => bytes / 4,
            Self::F212 => bytes / 3 * 2 + bytes % 3 / 2,
            Self::F310 => bytes / 4 * 3 + bytes % 4 / 2,
            Self::F311 => bytes / 4 * 3 + [0, 0, 1, 2][(bytes % 4) as usize],
            Self::Flac(_) => 0,
        }
    }

    /// The values stored in `bytes`, in order; of format 8, their differences. At least as many as [`Format::bytes`]
    /// was asked for.
    pub fn decode(self, bytes: &[u8]) -> Vec<i32> {
        match self {
            Self::F8 => each(bytes, |[b]| i8::from_le_bytes([b]).into()),
            Self::F16 => each(bytes, |b| i16::from_le_bytes(b).into()),
            Self::F24 => each(bytes, |[a, b, c]| i32::from_le_bytes([0, a, b, c]) >> 8),
            Self::F32 => each(bytes, i32::from_le_bytes),
            Self::F61 => each(bytes, |b| i16::from_be_bytes(b).into()),
            Self::F80 => each(bytes, |[b]| i32::from(b) - 128),
            Self::F160 => each(bytes, |b| i32::from(u16::from_le_bytes(b)) - (1 << 15)),
            Self::F212 => groups(bytes, |[a, b, c]: [u8; 3]| {
                let (a, b, c) = (u32::from(a), u32::from(b), u32::from(c));
                [signed::<12>(a | b << 8), signed::<12>(c | b >> 4 << 8)]
            }),
            Self::F310 => groups(bytes, |[a, b, c, d]| {
                let (first, second) = (u32::from(u16::from_le_bytes([a, b])), u32::from(u16::from_le_bytes([c, d])));
                [signed::<10>(first >> 1), signed::<10>(second >> 1), signed::<10>(first >> 11 | second >> 11 << 5)]
            }),
            Self::F311 => groups(bytes, |word| {
                let word = u32::from_le_bytes(word);
                [signed::<10>(word), signed::<10>(word >> 10), signed::<10>(word >> 20)]
            }),
            Self::Flac(_) => Vec::new(),
        }
    }
}

/// The values stored in `N` bytes each.
fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> i32) -> Vec<i32> {
    bytes.as_chunks().0.iter().map(|&b| value(b)).collect()
}

/// The values stored `M` together in `N` bytes; those of a last group that is cut short are as if zeros followed.
fn groups<const N: usize, const M: usize>(bytes: &[u8], values: impl Fn([u8; N]) -> [i32; M]) -> Vec<i32> {
    let (whole, rest) = bytes.as_chunks();
    let mut last = [0; N];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then(|| values(last));
    whole.iter().map(|&group| values(group)).chain(last).flatten().collect()
}

/// The two's complement number in the `BITS` lowest bits.
fn signed<const BITS: u32>(bits: u32) -> i32 {
    (bits as i32) << (32 - BITS) >> (32 - BITS)
}
