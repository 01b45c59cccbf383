//! The Huffman coding of the standard's section 2.

use std::collections::BTreeMap;

use super::Parsed;
use crate::format::number::Bytes;

/// The number of tables that stands for the standard's own one.
const DEFAULT: u16 = 19_999;

/// Huffman tables, of which a code may switch to another.
pub struct Tables {
    count: u16,
    /// By the table's number, from 1, the number of a code's bits and these. One map, as an empty table of its own would take
    /// far more memory than it does in the file.
    codes: BTreeMap<(u16, u8, u32), Code>,
}

#[derive(Clone, Copy)]
enum Code {
    Value(i32),
    /// A number of so many bits follows.
    Literal(u8),
    /// The table from here on.
    Switch(u16),
}

impl Tables {
    /// Parses section 2.
    pub fn parse(section: &[u8]) -> Parsed<Self> {
        let mut rest = Bytes { rest: section, big_endian: false };
        let count = rest.u16().ok_or("section 2 is empty")?;
        if count == DEFAULT {
            return Ok(Self { count: 1, codes: standard() });
        }
        let mut tables = Self { count, codes: BTreeMap::new() };
        for table in 1..=count {
            for _ in 0..rest.u16().ok_or("section 2 ends within its tables")? {
                let ((bits, code), meaning) = code(&mut rest).ok_or("section 2 holds a code that cannot be")?;
                tables.codes.insert((table, bits, code), meaning);
            }
        }
        Ok(tables)
    }

    /// The first `length` values of those that are coded.
    pub fn decode(&self, coded: &[u8], length: usize) -> Parsed<Vec<i32>> {
        // No value takes less than a bit.
        let mut values = Vec::with_capacity(length.min(coded.len() * 8));
        let mut bits = Bits { bytes: coded, taken: 0 };
        let mut table = 1;
        while values.len() < length {
            match bits.code(self, table)? {
                Code::Value(value) => values.push(value),
                Code::Literal(count) => values.push(bits.signed(count)?),
                Code::Switch(number) if (1..=self.count).contains(&number) => table = number,
                Code::Switch(number) => return Err(format!("there is no Huffman table {number}")),
            }
        }
        Ok(values)
    }
}

/// A code and what it stands for.
fn code(rest: &mut Bytes) -> Option<((u8, u32), Code)> {
    let (prefix, whole, keeps) = (rest.u8()?, rest.u8()?, rest.u8()?);
    let (value, code) = (rest.i16()?, rest.u32()?);
    if !(1..=32).contains(&prefix) || whole < prefix || whole - prefix > 32 {
        return None;
    }
    // The first bit of a code is written as the lowest.
    let code = code.reverse_bits() >> (32 - prefix);
    let meaning = match (keeps, whole - prefix) {
        (0, _) => Code::Switch(value.try_into().ok()?),
        (_, 0) => Code::Value(value.into()),
        (_, more) => Code::Literal(more),
    };
    Some(((prefix, code), meaning))
}

/// The standard's own table: 0 for 0, then 100 and 101 for 1 and -1, 1100 and 1101 for 2 and -2, and so on to 8 and -8;
/// before others, ten bits that say that 8 or 16 bits follow.
fn standard() -> BTreeMap<(u16, u8, u32), Code> {
    let mut table = BTreeMap::from([((1, 1, 0), Code::Value(0))]);
    for value in 1..=8 {
        // As many ones as the value says, a zero, the sign.
        let ones = (1 << value) - 1;
        let bits = value as u8 + 2;
        table.insert((1, bits, ones << 2), Code::Value(value));
        table.insert((1, bits, ones << 2 | 1), Code::Value(-value));
    }
    table.insert((1, 10, 0b11_1111_1110), Code::Literal(8));
    table.insert((1, 10, 0b11_1111_1111), Code::Literal(16));
    table
}

/// Bits, the highest of a byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Parsed<u32> {
        let byte = self.bytes.get(self.taken / 8).ok_or("its data end too soon")?;
        let bit = byte >> (7 - self.taken % 8) & 1;
        self.taken += 1;
        Ok(bit.into())
    }

    fn code(&mut self, tables: &Tables, table: u16) -> Parsed<Code> {
        let mut code = 0;
        for bits in 1..=32 {
            code = code << 1 | self.bit()?;
            if let Some(&found) = tables.codes.get(&(table, bits, code)) {
                return Ok(found);
            }
        }
        Err("its data hold a code that no Huffman table has".into())
    }

    /// A number in two's complement.
    fn signed(&mut self, count: u8) -> Parsed<i32> {
        let mut bits = 0;
        for _ in 0..count {
            bits = bits << 1 | self.bit()?;
        }
        let fill = 32 - u32::from(count);
        Ok((bits << fill).cast_signed() >> fill)
    }
}
