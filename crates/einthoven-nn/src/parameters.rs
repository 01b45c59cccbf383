use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use candle_core::{DType, Device, Shape, Tensor, Var};
use einthoven_random::{Stream, Streams};
use rand::RngExt;
use rand_distr::StandardNormal;

use crate::{Error, Result};

/// All parameters and buffers of a model, ordered by name.
///
/// Cloning is cheap and yields the same parameters.
#[derive(Clone, Debug)]
pub struct Parameters {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dtype: DType,
    device: Device,
    streams: Streams,
    entries: RwLock<BTreeMap<String, Entry>>,
}

#[derive(Clone, Debug)]
enum Entry {
    Parameter(Var),
    Buffer(Buffer),
}

/// A tensor that is saved with the parameters and is not trained, such as a running mean.
///
/// Cloning is cheap and yields the same buffer.
#[derive(Clone, Debug)]
pub struct Buffer {
    value: Arc<RwLock<Tensor>>,
}

/// A place in the tree of parameter names, such as `encoder.layer.0`.
#[derive(Clone, Debug)]
pub struct Scope {
    shared: Arc<Shared>,
    prefix: String,
}

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All zero.
    Zeros,
    /// All one.
    Ones,
    /// All of one value.
    Constant(f64),
    /// Normal with mean zero.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean zero, drawn again beyond two standard deviations.
    TruncatedNormal {
        /// Standard deviation before truncation.
        std: f64,
    },
    /// Uniform between `-bound` and `bound`.
    Uniform {
        /// The largest magnitude.
        bound: f64,
    },
}

impl Parameters {
    /// An empty set whose parameters will be of type `dtype` on `device` and start from draws of `streams`.
    pub fn new(dtype: DType, device: &Device, streams: Streams) -> Self {
        let entries = RwLock::new(BTreeMap::new());
        let shared = Shared { dtype, device: device.clone(), streams, entries };
        Self { shared: Arc::new(shared) }
    }

    /// The root of the name tree.
    pub fn root(&self) -> Scope {
        Scope { shared: self.shared.clone(), prefix: String::new() }
    }

    /// The element type of the parameters.
    pub fn dtype(&self) -> DType {
        self.shared.dtype
    }

    /// The device of the parameters.
    pub fn device(&self) -> &Device {
        &self.shared.device
    }

    /// Every parameter with its full name, in the order of names.
    pub fn trainable(&self) -> Vec<(String, Var)> {
        let entries = self.shared.read();
        let parameters = entries.iter().filter_map(|(name, entry)| match entry {
            Entry::Parameter(var) => Some((name.clone(), var.clone())),
            Entry::Buffer(_) => None,
        });
        parameters.collect()
    }

    /// The present values of parameters and buffers by full name, without gradient tracking.
    ///
    /// The tensors share memory with the parameters: write or copy them before the next step.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let entries = self.shared.read();
        entries.iter().map(|(name, entry)| (name.clone(), entry.value())).collect()
    }

    /// The number of trainable values.
    pub fn count(&self) -> usize {
        self.trainable().iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// Gives every parameter and buffer the tensor of its name.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names every missing, unexpected and misshapen tensor; nothing is changed then.
    pub fn load(&self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        let unexpected = self.assign("", tensors, true)?;
        debug_assert!(unexpected.is_empty());
        Ok(())
    }

    /// Gives every parameter and buffer whose name starts with `prefix` the tensor named by the rest of
    /// the name, and returns the names of the tensors that no parameter wanted, sorted.
    ///
    /// This reads a published checkpoint into a part of a larger model.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names every missing and misshapen tensor; nothing is changed then.
    pub fn load_matching(&self, prefix: &str, tensors: &HashMap<String, Tensor>) -> Result<Vec<String>> {
        self.assign(prefix, tensors, false)
    }

    fn assign(&self, prefix: &str, tensors: &HashMap<String, Tensor>, strict: bool) -> Result<Vec<String>> {
        let entries = self.shared.read();
        let wanted: Vec<(&str, &Entry)> =
            entries.iter().filter_map(|(name, entry)| Some((name.strip_prefix(prefix)?, entry))).collect();
        let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
        for (key, entry) in &wanted {
            match tensors.get(*key) {
                None => missing.push(format!("{prefix}{key}")),
                Some(tensor) if tensor.shape() != entry.value().shape() => {
                    let name = format!("{prefix}{key}");
                    misshapen.push((name, entry.value().shape().clone(), tensor.shape().clone()));
                }
                Some(_) => {}
            }
        }
        let mut unexpected: Vec<String> =
            tensors.keys().filter(|key| !entries.contains_key(&format!("{prefix}{key}"))).cloned().collect();
        unexpected.sort();
        if !missing.is_empty() || !misshapen.is_empty() || (strict && !unexpected.is_empty()) {
            let unexpected = if strict { unexpected } else { Vec::new() };
            return Err(Error::Mismatch { missing, unexpected, misshapen });
        }
        let mut converted = Vec::with_capacity(wanted.len());
        for (key, entry) in &wanted {
            let tensor = tensors[*key].to_device(&self.shared.device)?;
            converted.push(tensor.to_dtype(entry.value().dtype())?.detach());
        }
        for ((_, entry), tensor) in wanted.iter().zip(&converted) {
            match entry {
                Entry::Parameter(var) => var.set(tensor)?,
                Entry::Buffer(buffer) => buffer.set(tensor)?,
            }
        }
        Ok(unexpected)
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn value(&self) -> Tensor {
        match self {
            Self::Parameter(var) => var.as_detached_tensor(),
            Self::Buffer(buffer) => buffer.get(),
        }
    }
}

impl Buffer {
    /// The present value.
    pub fn get(&self) -> Tensor {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value by a copy of `value`, which must have the same shape.
    ///
    /// # Errors
    /// [`Error::Operand`] if the shapes differ.
    pub fn set(&self, value: &Tensor) -> Result<()> {
        let mut held = self.value.write().unwrap_or_else(PoisonError::into_inner);
        if held.shape() != value.shape() {
            let message = format!("holds {:?}, was given {:?}", held.dims(), value.dims());
            return Err(Error::Operand { op: "buffer", message });
        }
        *held = value.detach().to_dtype(held.dtype())?.copy()?;
        Ok(())
    }
}

impl Scope {
    /// The scope called `name` below this one.
    pub fn enter(&self, name: impl Display) -> Scope {
        Scope { shared: self.shared.clone(), prefix: self.full_name(&name.to_string()) }
    }

    /// The element type of the parameters.
    pub fn dtype(&self) -> DType {
        self.shared.dtype
    }

    /// The device of the parameters.
    pub fn device(&self) -> &Device {
        &self.shared.device
    }

    /// A new trainable parameter; the tensor returned follows every later update.
    ///
    /// Its first value is drawn from a stream of its own full name, so it does not depend on which other
    /// parameters exist.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if the name is taken.
    pub fn parameter(&self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Tensor> {
        let name = self.full_name(name);
        let mut stream = self.shared.streams.stream(&format!("init/{name}"), &[]);
        let shape = shape.into();
        let values = init.draw(shape.elem_count(), &mut stream);
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let tensor = tensor.to_dtype(self.shared.dtype)?.to_device(&self.shared.device)?;
        let var = Var::from_tensor(&tensor)?;
        let tensor = var.as_tensor().clone();
        self.register(name, Entry::Parameter(var))?;
        Ok(tensor)
    }

    /// A new buffer of the parameters' element type, filled with `value`.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if the name is taken.
    pub fn buffer(&self, name: &str, shape: impl Into<Shape>, value: f64) -> Result<Buffer> {
        let tensor = Tensor::full(value, shape, &self.shared.device)?;
        let tensor = tensor.to_dtype(self.shared.dtype)?.contiguous()?;
        let buffer = Buffer { value: Arc::new(RwLock::new(tensor)) };
        self.register(self.full_name(name), Entry::Buffer(buffer.clone()))?;
        Ok(buffer)
    }

    fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    fn register(&self, name: String, entry: Entry) -> Result<()> {
        let mut entries = self.shared.write();
        if entries.contains_key(&name) {
            return Err(Error::Duplicate { name });
        }
        entries.insert(name, entry);
        Ok(())
    }
}

impl Init {
    fn draw(self, count: usize, stream: &mut Stream) -> Vec<f64> {
        let mut normal = || -> f64 { stream.sample(StandardNormal) };
        match self {
            Self::Zeros => vec![0.0; count],
            Self::Ones => vec![1.0; count],
            Self::Constant(value) => vec![value; count],
            Self::Normal { std } => (0..count).map(|_| std * normal()).collect(),
            Self::TruncatedNormal { std } => (0..count)
                .map(|_| {
                    loop {
                        let draw = normal();
                        if draw.abs() <= 2.0 {
                            return std * draw;
                        }
                    }
                })
                .collect(),
            Self::Uniform { bound } => (0..count).map(|_| bound * (2.0 * stream.random::<f64>() - 1.0)).collect(),
        }
    }
}
