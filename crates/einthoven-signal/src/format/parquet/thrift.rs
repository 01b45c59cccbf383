//! The numbers of a structure in Thrift's compact protocol, as the headers of pages are written.

use super::super::number::Bytes;

/// How deep structures may lie in one another; those of a page's header are three deep.
const DEEPEST: usize = 16;

const CUT: &str = "the header of a page is damaged";

type Parsed<T> = Result<T, &'static str>;

/// The whole numbers and truth values of a structure and of the structures in it, each with the number of its field and, within a
/// structure, before it that structure's.
#[derive(Default)]
pub(super) struct Numbers(Vec<(Option<i16>, i16, i64)>);

impl Numbers {
    /// Reads a structure from the front of `bytes`.
    pub fn read(bytes: &mut Bytes<'_>) -> Parsed<Self> {
        let mut numbers = Self::default();
        structure(bytes, &mut vec![], &mut numbers)?;
        Ok(numbers)
    }

    /// The number of a field.
    pub fn get(&self, structure: Option<i16>, field: i16) -> Option<i64> {
        self.0.iter().find(|(outer, inner, _)| (*outer, *inner) == (structure, field)).map(|&(_, _, value)| value)
    }
}

fn structure(bytes: &mut Bytes<'_>, path: &mut Vec<i16>, numbers: &mut Numbers) -> Parsed<()> {
    if path.len() > DEEPEST {
        return Err(CUT);
    }
    let mut field = 0_i16;
    loop {
        let head = bytes.u8().ok_or(CUT)?;
        let (step, kind) = (head >> 4, head & 15);
        if kind == 0 {
            return Ok(());
        }
        field = match step {
            0 => i16::try_from(zigzag(varint(bytes)?)).map_err(|_| CUT)?,
            step => field.checked_add(step.into()).ok_or(CUT)?,
        };
        let number = match kind {
            1 | 2 => Some(i64::from(kind == 1)),
            3 => Some(i64::from(bytes.u8().ok_or(CUT)? as i8)),
            4..=6 => Some(zigzag(varint(bytes)?)),
            _ => {
                path.push(field);
                skip(bytes, kind, path, numbers)?;
                path.pop();
                None
            }
        };
        let outer = match path[..] {
            [] => None,
            [outer] => Some(outer),
            _ => continue,
        };
        numbers.0.extend(number.map(|number| (outer, field, number)));
    }
}

/// What is no number: read where it is a structure in a structure, else passed over.
fn skip(bytes: &mut Bytes<'_>, kind: u8, path: &mut Vec<i16>, numbers: &mut Numbers) -> Parsed<()> {
    match kind {
        7 => bytes.take(8).map(drop).ok_or(CUT),
        8 => {
            let length = usize::try_from(varint(bytes)?).map_err(|_| CUT)?;
            bytes.take(length).map(drop).ok_or(CUT)
        }
        12 => structure(bytes, path, numbers),
        // Lists and maps are in no header of a page.
        _ => Err(CUT),
    }
}

pub(super) fn varint(bytes: &mut Bytes<'_>) -> Parsed<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.u8().ok_or(CUT)?;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(CUT)
}

pub(super) fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
