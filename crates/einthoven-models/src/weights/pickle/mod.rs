//! Reading Python's pickles as data. A pickle is a program: it may name any function of any module and have it called.
//! Here nothing is ever called. Names and calls stay what they are, values in a list, and a name that no checkpoint
//! needs is refused.

mod names;
mod reader;

/// The place of a value among a pickle's values.
pub(super) type Id = usize;

/// A value of a pickle. Values refer to each other by place, so that neither depth nor repetition costs memory.
#[derive(Debug)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    /// A list, tuple or set.
    Sequence(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A function or class, `module.name`.
    Name(String),
    /// What a call would have returned, with what is put into it later.
    Call {
        function: Id,
        arguments: Id,
        items: Vec<(Id, Id)>,
    },
    /// Something stored outside the pickle.
    Persistent(Id),
    /// What no state dict is made of: None, floats, bytes.
    Other,
}

/// The values of a pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    /// The value that the pickle is of.
    pub root: Id,
    /// Bytes of the file that it took.
    pub length: usize,
}

impl Pickle {
    /// Reads the pickle that `bytes` begin with; the error says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let (values, root, length) = reader::run(bytes)?;
        Ok(Self { values, root, length })
    }

    pub fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    pub fn values(&self) -> &[Value] {
        &self.values
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number that counts something.
    pub fn count(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    pub fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dict, an ordered one included.
    pub fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(items) => Some(items),
            Value::Call { function, items, .. } => match self.get(*function) {
                Value::Name(name) if name.starts_with("collections.") => Some(items),
                _ => None,
            },
            _ => None,
        }
    }
}
