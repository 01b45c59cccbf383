//! The footer of a file, held to the types that the format gives its fields.
//!
//! The library reads a field by its number and does not look at the type it is written with; and a list of truth values that it passes
//! over costs it no byte of the file, so that it would count on for hours where a few damaged bytes tell it to. Hence each known field must have
//! its type, and no unknown one may hold such a list.
//!
//! Types after `parquet.thrift` of Apache Parquet Format 2.12, which is written in Thrift's compact protocol.

use super::super::number::Bytes;
use super::thrift::{varint, zigzag};

/// How deep structures and lists may lie in one another; known ones are less than ten deep.
const DEEPEST: usize = 24;

/// What a field is.
enum Type {
    Truth,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List(&'static Type),
    Structure(&'static [(i16, Type)]),
}

use Type::{Binary, Byte, Double, I16, I32, I64, List, Structure, Truth};

impl Type {
    /// Whether a field written as `kind` can be of this type.
    fn is(&self, kind: u8) -> bool {
        match self {
            Truth => kind == 1 || kind == 2,
            Byte => kind == 3,
            I16 => kind == 4,
            I32 => kind == 5,
            I64 => kind == 6,
            Double => kind == 7,
            Binary => kind == 8,
            List(_) => kind == 9,
            Structure(_) => kind == 12,
        }
    }
}

const EMPTY: Type = Structure(&[]);

static FILE: &[(i16, Type)] = &[
    (1, I32),
    (2, List(&SCHEMA_ELEMENT)),
    (3, I64),
    (4, List(&ROW_GROUP)),
    (5, List(&KEY_VALUE)),
    (6, Binary),
    (7, List(&COLUMN_ORDER)),
    (8, Structure(&[(1, ENCRYPTION), (2, ENCRYPTION)])),
    (9, Binary),
];
const ENCRYPTION: Type = Structure(&[(1, Binary), (2, Binary), (3, Truth)]);
static COLUMN_ORDER: Type = Structure(&[(1, EMPTY), (2, EMPTY)]);
static KEY_VALUE: Type = Structure(&[(1, Binary), (2, Binary)]);
static SCHEMA_ELEMENT: Type = Structure(&[
    (1, I32),
    (2, I32),
    (3, I32),
    (4, Binary),
    (5, I32),
    (6, I32),
    (7, I32),
    (8, I32),
    (9, I32),
    (10, Structure(LOGICAL_TYPE)),
]);
const UNIT: Type = Structure(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]);
static LOGICAL_TYPE: &[(i16, Type)] = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Structure(&[(1, I32), (2, I32)])),
    (6, EMPTY),
    (7, Structure(&[(1, Truth), (2, UNIT)])),
    (8, Structure(&[(1, Truth), (2, UNIT)])),
    (10, Structure(&[(1, Byte), (2, Truth)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Structure(&[(1, Byte)])),
    (17, Structure(&[(1, Binary)])),
    (18, Structure(&[(1, Binary), (2, I32)])),
];
static ROW_GROUP: Type = Structure(&[
    (1, List(&COLUMN)),
    (2, I64),
    (3, I64),
    (4, List(&Structure(&[(1, I32), (2, Truth), (3, Truth)]))),
    (5, I64),
    (6, I64),
    (7, I16),
]);
static COLUMN: Type = Structure(&[
    (1, Binary),
    (2, I64),
    (3, Structure(COLUMN_METADATA)),
    (4, I64),
    (5, I32),
    (6, I64),
    (7, I32),
    (8, Structure(&[(1, EMPTY), (2, Structure(&[(1, List(&Binary)), (2, Binary)]))])),
    (9, Binary),
]);
static COLUMN_METADATA: &[(i16, Type)] = &[
    (1, I32),
    (2, List(&I32)),
    (3, List(&Binary)),
    (4, I32),
    (5, I64),
    (6, I64),
    (7, I64),
    (8, List(&KEY_VALUE)),
    (9, I64),
    (10, I64),
    (11, I64),
    (12, Structure(STATISTICS)),
    (13, List(&Structure(&[(1, I32), (2, I32), (3, I32)]))),
    (14, I64),
    (15, I32),
    (16, Structure(&[(1, I64), (2, List(&I64)), (3, List(&I64))])),
    (17, Structure(&[(1, Structure(BOX)), (2, List(&I32))])),
];
static STATISTICS: &[(i16, Type)] =
    &[(1, Binary), (2, Binary), (3, I64), (4, I64), (5, Binary), (6, Binary), (7, Truth), (8, Truth)];
static BOX: &[(i16, Type)] =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];

/// Whether the library can read the footer of a file in a time that its length bounds. What is no footer at all is left to the library.
pub(super) fn is_bounded(file: &[u8]) -> bool {
    let Some((rest, [tail @ .., _, _, _, _])) = file.split_last_chunk::<8>() else { return true };
    let length = usize::try_from(u32::from_le_bytes(*tail)).unwrap_or(usize::MAX);
    let Some(start) = rest.len().checked_sub(length) else { return true };
    let mut footer = Bytes { rest: &rest[start..], big_endian: false };
    structure(&mut footer, FILE, 0).is_some()
}

/// Reads a structure; none if it is damaged.
fn structure(bytes: &mut Bytes<'_>, fields: &[(i16, Type)], depth: usize) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    let mut number = 0_i16;
    loop {
        let head = bytes.u8()?;
        let (step, kind) = (head >> 4, head & 15);
        if kind == 0 {
            return Some(());
        }
        number = match step {
            0 => i16::try_from(zigzag(varint(bytes).ok()?)).ok()?,
            step => number.checked_add(step.into())?,
        };
        let known = fields.iter().find(|(field, _)| *field == number).map(|(_, known)| known);
        if known.is_some_and(|known| !known.is(kind)) {
            return None;
        }
        // A truth value stands in the head of its field.
        if kind > 2 {
            value(bytes, kind, known, depth)?;
        }
    }
}

/// Reads a value that is written as `kind`.
fn value(bytes: &mut Bytes<'_>, kind: u8, known: Option<&Type>, depth: usize) -> Option<()> {
    match kind {
        3 => bytes.u8().map(drop),
        4..=6 => varint(bytes).ok().map(drop),
        7 => bytes.take(8).map(drop),
        8 => {
            let length = usize::try_from(varint(bytes).ok()?).ok()?;
            bytes.take(length).map(drop)
        }
        9 => {
            let element = match known {
                Some(List(element)) => Some(*element),
                _ => None,
            };
            let head = bytes.u8()?;
            let kind = head & 15;
            let length = if head >> 4 == 15 { varint(bytes).ok()? } else { (head >> 4).into() };
            // The kind of an empty list means nothing.
            if length > 0 && (kind < 3 || element.is_some_and(|element| !element.is(kind))) || depth > DEEPEST {
                return None;
            }
            (0..length).try_for_each(|_| value(bytes, kind, element, depth + 1))
        }
        12 => match known {
            Some(Structure(fields)) => structure(bytes, fields, depth + 1),
            _ => structure(bytes, &[], depth + 1),
        },
        // Sets and maps are in no footer.
        _ => None,
    }
}
