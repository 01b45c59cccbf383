//! DICOM data sets (PS3.5): elements of a tag and a value, some of which are sequences of data sets.

use super::Parsed;
use crate::format::number::Bytes;

/// The group and element of a tag, as one number.
pub type Tag = u32;

const ITEM: Tag = 0xfffe_e000;
const ITEM_END: Tag = 0xfffe_e00d;
const SEQUENCE_END: Tag = 0xfffe_e0dd;
const UNDEFINED: u32 = u32::MAX;

/// Elements of a transfer syntax.
#[derive(Clone, Copy, Debug)]
pub struct DataSet<'a> {
    pub bytes: Bytes<'a>,
    /// Whether elements say of what kind their values are.
    pub explicit: bool,
}

impl<'a> DataSet<'a> {
    /// The value of an element, if it is there.
    pub fn find(&self, tag: Tag) -> Parsed<Option<&'a [u8]>> {
        let mut rest = *self;
        while !rest.bytes.rest.is_empty() {
            let (found, value) = rest.element()?;
            if found == tag {
                return Ok(Some(value));
            }
            // Elements are in the order of their tags.
            if found > tag {
                break;
            }
        }
        Ok(None)
    }

    /// The items of a sequence; none if it is not there.
    pub fn items(&self, tag: Tag) -> Parsed<Vec<Self>> {
        let mut items = Vec::new();
        let Some(value) = self.find(tag)? else {
            return Ok(items);
        };
        let mut rest = self.within(value);
        while !rest.bytes.rest.is_empty() {
            let (tag, length) = rest.item()?;
            match tag {
                ITEM => items.push(self.within(rest.value(length)?)),
                SEQUENCE_END => break,
                _ => return Err(format!("a sequence holds the element {} in the place of an item", name(tag))),
            }
        }
        Ok(items)
    }

    /// The text of an element without fill; empty if it is not there.
    pub fn text(&self, tag: Tag) -> Parsed<String> {
        let value = self.find(tag)?.unwrap_or_default();
        Ok(crate::format::text(value).trim_matches([' ', '\0']).to_owned())
    }

    /// The first number of an element of decimal text.
    pub fn decimal(&self, tag: Tag) -> Parsed<Option<f64>> {
        let text = self.text(tag)?;
        if text.is_empty() {
            return Ok(None);
        }
        let number: f64 = text.parse().map_err(|_| format!("{} is `{text}`: expected a number", name(tag)))?;
        if number.is_finite() { Ok(Some(number)) } else { Err(format!("{} is {number}", name(tag))) }
    }

    /// The number of an element of two or four bytes.
    pub fn integer(&self, tag: Tag) -> Parsed<Option<u32>> {
        let Some(value) = self.find(tag)? else {
            return Ok(None);
        };
        let mut value = Bytes { rest: value, ..self.bytes };
        let number = if value.rest.len() < 4 { value.u16().map(u32::from) } else { value.u32() };
        number.map(Some).ok_or_else(|| format!("{} has no value", name(tag)))
    }

    /// Leaves out the elements of a group at the beginning.
    pub fn skip_group(&mut self, group: u32) -> Parsed<()> {
        // What follows may be written in another syntax, so that only its tag is looked at.
        while !self.bytes.rest.is_empty() && { *self }.tag()? >> 16 == group {
            self.element()?;
        }
        Ok(())
    }

    fn within(&self, value: &'a [u8]) -> Self {
        Self { bytes: Bytes { rest: value, ..self.bytes }, ..*self }
    }

    /// Takes the next element.
    fn element(&mut self) -> Parsed<(Tag, &'a [u8])> {
        let tag = self.tag()?;
        let length = self.length(tag)?;
        Ok((tag, self.value(length)?))
    }

    fn tag(&mut self) -> Parsed<Tag> {
        let group = self.bytes.u16().ok_or(CUT)?;
        let element = self.bytes.u16().ok_or(CUT)?;
        Ok(u32::from(group) << 16 | u32::from(element))
    }

    /// Takes the tag and length of an item or of what ends one.
    fn item(&mut self) -> Parsed<(Tag, u32)> {
        Ok((self.tag()?, self.bytes.u32().ok_or(CUT)?))
    }

    /// Takes the kind of value, where there is one, and the value's length.
    fn length(&mut self, tag: Tag) -> Parsed<u32> {
        let short = if !self.explicit || matches!(tag, ITEM | ITEM_END | SEQUENCE_END) {
            false
        } else {
            let kind = self.bytes.take(2).ok_or(CUT)?;
            let long = matches!(
                kind,
                b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
            );
            if !kind.iter().all(u8::is_ascii_uppercase) {
                return Err(format!("the element {} has no kind of value", name(tag)));
            }
            if long {
                self.bytes.take(2).ok_or(CUT)?;
            }
            !long
        };
        let length = if short { self.bytes.u16().map(u32::from) } else { self.bytes.u32() };
        length.ok_or_else(|| CUT.into())
    }

    /// Takes a value; of a sequence or an item of undefined length, all up to its end.
    fn value(&mut self, length: u32) -> Parsed<&'a [u8]> {
        if length != UNDEFINED {
            return Ok(self.bytes.take(length as usize).ok_or(CUT)?);
        }
        // Sequences and their items may nest at will, so that the depth is counted rather than followed by recursion.
        let start = self.bytes.rest;
        let mut depth = 1_usize;
        while depth > 0 {
            let tag = self.tag()?;
            match tag {
                ITEM_END | SEQUENCE_END => {
                    self.bytes.take(4).ok_or(CUT)?;
                    depth -= 1;
                }
                _ => match self.length(tag)? {
                    UNDEFINED => depth += 1,
                    length => {
                        self.bytes.take(length as usize).ok_or(CUT)?;
                    }
                },
            }
        }
        Ok(&start[..start.len() - self.bytes.rest.len() - 8])
    }
}

const CUT: &str = "it ends within an element";

/// A tag as people write it.
pub fn name(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag >> 16, tag & 0xffff)
}
