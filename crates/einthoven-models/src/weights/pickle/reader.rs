//! The instructions of a pickle, as far as state dicts need them.

use std::collections::HashMap;

use super::names::is_of_checkpoints;
use super::{Id, Value};

/// A state dict of a thousand tensors takes some ten thousand.
const MOST_VALUES: usize = 1 << 22;

/// The values of the pickle that `bytes` begin with, the value that it is of, and the bytes that it took.
pub(super) fn run(bytes: &[u8]) -> Result<(Vec<Value>, Id, usize), String> {
    let mut reader =
        Reader { bytes, place: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    while !reader.step()? {
        if reader.values.len() > MOST_VALUES {
            return Err(format!("the pickle in it makes more than {MOST_VALUES} values, which no state dict needs"));
        }
    }
    let root = reader.pop()?;
    Ok((reader.values, root, reader.place))
}

struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

impl<'a> Reader<'a> {
    /// Carries out one instruction; true at the end.
    fn step(&mut self) -> Result<bool, String> {
        let code = self.take(1)?[0];
        match code {
            b'.' => return Ok(true),
            // Protocol and frames say nothing about the values.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'N' | b'G' => {
                self.take(if code == b'G' { 8 } else { 0 })?;
                self.push(Value::Other);
            }
            0x88 | 0x89 => self.push(Value::Bool(code == 0x88)),
            b'K' | b'M' | b'J' => {
                let width = match code {
                    b'K' => 1,
                    b'M' => 2,
                    _ => 4,
                };
                let number = self.number(width)? as i64;
                self.push(Value::Int(if code == b'J' { i64::from(number as i32) } else { number }));
            }
            0x8a => {
                let width = self.number(1)?;
                let digits = self.take(width)?;
                let value = (width <= 8).then(|| {
                    let fill = if digits.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 };
                    let mut number = [fill; 8];
                    number[..width].copy_from_slice(digits);
                    Value::Int(i64::from_le_bytes(number))
                });
                self.push(value.unwrap_or(Value::Other));
            }
            b'X' | 0x8c | 0x8d => {
                let text = self.counted(code, 0x8c, 0x8d)?;
                let text = String::from_utf8(text.to_vec()).map_err(|_| self.damaged("a text is no UTF-8"))?;
                self.push(Value::Text(text));
            }
            b'B' | b'C' | 0x8e => {
                self.counted(code, b'C', 0x8e)?;
                self.push(Value::Other);
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' | b')' | 0x8f => self.push(Value::Sequence(Vec::new())),
            b'(' => self.marks.push(self.stack.len()),
            b't' | b'l' | 0x91 => {
                let items = self.since_mark()?;
                self.push(Value::Sequence(items));
            }
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(code - 0x84));
                let items = self.stack.split_off(start.ok_or_else(|| self.damaged("a value is missing"))?);
                self.push(Value::Sequence(items));
            }
            b'd' => {
                let items = self.since_mark()?;
                self.push(Value::Dict(pairs(&items)));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                self.extend(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![(key, value)])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.insert(pairs(&items))?;
            }
            b'q' | b'r' => {
                let key = self.number(if code == b'q' { 1 } else { 4 })?;
                let top = self.top()?;
                self.memo.insert(key, top);
            }
            0x94 => {
                let top = self.top()?;
                self.memo.insert(self.memo.len(), top);
            }
            b'h' | b'j' => {
                let key = self.number(if code == b'h' { 1 } else { 4 })?;
                let id = self.memo.get(&key).copied();
                self.stack.push(id.ok_or_else(|| self.damaged("a value is missing"))?);
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.name(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.values[module], &self.values[name]) {
                    (Value::Text(module), Value::Text(name)) => {
                        let (module, name) = (module.clone(), name.clone());
                        self.name(&module, &name)?;
                    }
                    _ => return Err(self.damaged("a name is no text")),
                }
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.push(Value::Call { function, arguments, items: Vec::new() });
            }
            // The state that a call's result would be given.
            b'b' => drop(self.pop()?),
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id));
            }
            _ => return Err(self.damaged(&format!("instruction {code:#04x} has no place in a state dict"))),
        }
        Ok(false)
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), String> {
        let full = format!("{module}.{name}");
        if !is_of_checkpoints(&full) {
            return Err(format!(
                "it asks for `{full}`, which no state dict needs and which could run a program; nothing was run, and nothing is read from it"
            ));
        }
        self.push(Value::Name(full));
        Ok(())
    }

    fn extend(&mut self, new: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::Sequence(items)) => items.extend(new),
            // A subclass of list: what it holds is no tensor's name.
            Some(Value::Call { .. }) => {}
            _ => return Err(self.damaged("something is put into what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, new: Vec<(Id, Id)>) -> Result<(), String> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::Dict(items) | Value::Call { items, .. }) => items.extend(new),
            _ => return Err(self.damaged("something is put into what is no dict")),
        }
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(|| self.damaged("a value is missing"))
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| self.damaged("a value is missing"))
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or_else(|| self.damaged("a mark is missing"))?))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.place.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.damaged("it is cut short"))?;
        let taken = &self.bytes[self.place..end];
        self.place = end;
        Ok(taken)
    }

    /// An unsigned number of so many bytes.
    fn number(&mut self, width: usize) -> Result<usize, String> {
        let number = self
            .take(width)?
            .iter()
            .rev()
            .try_fold(0usize, |number, &byte| number.checked_mul(256).map(|number| number + usize::from(byte)));
        number.ok_or_else(|| self.damaged("a number is too large"))
    }

    /// Bytes after their count, which takes one byte in instruction `short`, eight in `long`, else four.
    fn counted(&mut self, code: u8, short: u8, long: u8) -> Result<&'a [u8], String> {
        let width = if code == short {
            1
        } else if code == long {
            8
        } else {
            4
        };
        let count = self.number(width)?;
        self.take(count)
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.place..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| self.damaged("it is cut short"))?;
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.place += end + 1;
        Ok(line)
    }

    fn damaged(&self, what: &str) -> String {
        format!("the pickle in it is damaged at byte {}: {what}; fetch the file again", self.place)
    }
}

fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}
