//! Numbers as they lie in files.

/// A type of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Number {
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }

    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The number at `index` of those in `data`; NaN beyond the end.
    pub fn at(self, data: &[u8], index: usize, big_endian: bool) -> f64 {
        let value = match self {
            Self::I8 => bytes(data, index, big_endian).map(|b| i8::from_le_bytes(b).into()),
            Self::U8 => bytes(data, index, big_endian).map(|b| u8::from_le_bytes(b).into()),
            Self::I16 => bytes(data, index, big_endian).map(|b| i16::from_le_bytes(b).into()),
            Self::U16 => bytes(data, index, big_endian).map(|b| u16::from_le_bytes(b).into()),
            Self::I32 => bytes(data, index, big_endian).map(|b| i32::from_le_bytes(b).into()),
            Self::U32 => bytes(data, index, big_endian).map(|b| u32::from_le_bytes(b).into()),
            Self::I64 => bytes(data, index, big_endian).map(|b| i64::from_le_bytes(b) as f64),
            Self::U64 => bytes(data, index, big_endian).map(|b| u64::from_le_bytes(b) as f64),
            Self::F32 => bytes(data, index, big_endian).map(|b| f32::from_le_bytes(b).into()),
            Self::F64 => bytes(data, index, big_endian).map(f64::from_le_bytes),
        };
        value.unwrap_or(f64::NAN)
    }
}

/// The bytes of a number, the lowest first.
fn bytes<const N: usize>(data: &[u8], index: usize, big_endian: bool) -> Option<[u8; N]> {
    let mut bytes = *data.get(index.checked_mul(N)?..)?.first_chunk()?;
    if big_endian {
        bytes.reverse();
    }
    Some(bytes)
}

/// Bytes that are taken from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a> {
    pub rest: &'a [u8],
    pub big_endian: bool,
}

impl<'a> Bytes<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut array = *self.take(N)?.first_chunk()?;
        if self.big_endian {
            array.reverse();
        }
        Some(array)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
}
