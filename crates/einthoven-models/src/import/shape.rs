//! What the names and shapes of a state dict say.

use std::collections::HashMap;

use candle_core::Tensor;

use crate::{Error, Result};

/// The tensors of a checkpoint that claims to be of `system`.
pub(super) struct State {
    pub system: &'static str,
    pub tensors: HashMap<String, Tensor>,
}

impl State {
    /// Takes the tensors, without what `nn.DataParallel` puts before every name and without batch counters.
    pub fn new(system: &'static str, mut tensors: HashMap<String, Tensor>) -> Self {
        tensors.retain(|name, _| !name.ends_with(".num_batches_tracked"));
        if tensors.keys().all(|name| name.starts_with("module.")) {
            tensors = tensors.into_iter().map(|(name, tensor)| (name["module.".len()..].to_owned(), tensor)).collect();
        }
        Self { system, tensors }
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The length of an axis of a tensor, which must be there.
    pub fn axis(&self, name: &str, axis: usize) -> Result<usize> {
        let tensor = self.tensors.get(name).ok_or_else(|| {
            let mut found: Vec<&str> = self.tensors.keys().map(String::as_str).collect();
            found.sort_unstable();
            found.truncate(5);
            self.error(format!("the checkpoint has no {name}; it begins with {}", found.join(", ")))
        })?;
        let length = tensor.dims().get(axis).copied().filter(|&length| length > 0);
        length.ok_or_else(|| self.error(format!("{name} has the shape {:?}", tensor.dims())))
    }

    /// How many numbers from 0 on `name` gives tensors for.
    pub fn count(&self, name: impl Fn(usize) -> String) -> usize {
        (0..).take_while(|&index| self.has(&name(index))).count()
    }

    /// Takes the tensors that `is_dead` names out; their names, sorted.
    pub fn leave_out(&mut self, is_dead: impl Fn(&str) -> bool) -> Vec<String> {
        let mut names: Vec<String> = self.tensors.keys().filter(|name| is_dead(name)).cloned().collect();
        names.sort();
        self.tensors.retain(|name, _| !is_dead(name));
        names
    }

    /// Gives tensors other names; `None` keeps a name.
    pub fn rename(&mut self, other: impl Fn(&str) -> Option<String>) {
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors.into_iter().map(|(name, tensor)| (other(&name).unwrap_or(name), tensor)).collect();
    }

    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::Checkpoint { system: self.system, message: message.into() }
    }
}
