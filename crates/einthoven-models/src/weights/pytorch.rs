//! The files that `torch.save` writes: a pickle that says which tensors there are, and the numbers beside it.
//!
//! Since PyTorch 1.6 both lie in a zip archive, uncompressed; before, they followed each other. Either way the numbers of a
//! storage are a range of the file, so that no entry can grow beyond what is there.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::ops::Range;

use candle_core::{DType, Device, Tensor};
use zip::{CompressionMethod, ZipArchive};

use super::pickle::{Id, Pickle, Value};

/// What files before PyTorch 1.6 begin with: a pickle of their magic number.
const LEGACY: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
/// Keys under which training programs keep the state dict.
const STATE_DICTS: [&str; 5] = ["model", "state_dict", "model_state_dict", "net", "encoder"];
/// How deep such keys may lie in each other.
const DEPTH: usize = 3;
/// Tensors may share numbers; all of them together may hold this many times the file's bytes.
const SHARED: usize = 4;

/// The tensors of the state dict in `bytes`, by name; the error says what is wrong with the file.
pub(super) fn tensors(bytes: &[u8]) -> Result<HashMap<String, Tensor>, String> {
    let file = if bytes.starts_with(b"PK") {
        File::of_archive(bytes)?
    } else if bytes.starts_with(LEGACY) {
        File::of_legacy(bytes)?
    } else {
        return Err("it is not a file that torch.save wrote, or it was cut short; fetch it again".to_owned());
    };
    file.tensors()
}

/// A pickle and where the numbers of its storages lie.
struct File<'a> {
    bytes: &'a [u8],
    pickle: Pickle,
    storages: HashMap<String, Range<usize>>,
}

/// A storage as the pickle speaks of it.
struct Storage<'a> {
    key: &'a str,
    dtype: DType,
    /// How many numbers.
    count: usize,
}

impl<'a> File<'a> {
    fn of_archive(bytes: &'a [u8]) -> Result<Self, String> {
        let damaged = |error: zip::result::ZipError| {
            format!("it is no sound zip archive ({error}): it was cut short or overwritten; fetch it again")
        };
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let mut entries: HashMap<String, Range<usize>> = HashMap::new();
        let mut total = 0usize;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
                return Err(format!(
                    "its entry {name} is compressed or encrypted, which torch.save never does: what it would grow to is not known"
                ));
            }
            let start = entry.data_start().and_then(|start| usize::try_from(start).ok());
            let range = start.zip(usize::try_from(entry.size()).ok()).and_then(|(start, size)| {
                total = total.checked_add(size)?;
                Some(start..start.checked_add(size)?)
            });
            // Entries that lie over each other would give the same bytes more than once.
            let range = range.filter(|range| range.end <= bytes.len() && total <= bytes.len());
            let range = range.ok_or_else(|| format!("its entry {name} claims more data than the file holds"))?;
            entries.insert(name, range);
        }
        let mut pickles = entries.keys().filter_map(|name| name.strip_suffix("data.pkl"));
        let root = match (pickles.next(), pickles.next()) {
            (Some(root), None) => root.to_owned(),
            _ => return Err("it holds no single data.pkl, so torch.save did not write it".to_owned()),
        };
        if let Some(order) = entries.get(&format!("{root}byteorder"))
            && &bytes[order.clone()] != b"little"
        {
            return Err("its numbers are big-endian; save it anew on a little-endian machine".to_owned());
        }
        let pickle = Pickle::read(&bytes[entries[&format!("{root}data.pkl")].clone()])?;
        let of_data = format!("{root}data/");
        let storages =
            entries.into_iter().filter_map(|(name, range)| Some((name.strip_prefix(&of_data)?.to_owned(), range)));
        Ok(Self { bytes, storages: storages.collect(), pickle })
    }

    fn of_legacy(bytes: &'a [u8]) -> Result<Self, String> {
        let mut place = LEGACY.len();
        let mut next = || -> Result<Pickle, String> {
            let pickle = Pickle::read(&bytes[place..])?;
            place += pickle.length;
            Ok(pickle)
        };
        let (_protocol, system, pickle, keys) = (next()?, next()?, next()?, next()?);
        let is_big_endian = system.entries(system.root).unwrap_or_default().iter().any(|&(key, value)| {
            system.text(key) == Some("little_endian") && matches!(system.get(value), Value::Bool(false))
        });
        if is_big_endian {
            return Err("its numbers are big-endian; save it anew on a little-endian machine".to_owned());
        }
        let mut widths = HashMap::new();
        for value in pickle.values() {
            if let Value::Persistent(id) = value {
                let storage = storage(&pickle, *id)?;
                widths.insert(storage.key, storage.dtype.size_in_bytes());
            }
        }
        let mut storages = HashMap::new();
        for &key in keys.sequence(keys.root).unwrap_or_default() {
            let cut = || "it is cut short within its numbers; fetch it again".to_owned();
            let key = keys.text(key).ok_or("its list of storages is damaged; fetch it again")?;
            let mut count = [0; 8];
            bytes.get(place..).and_then(|mut rest| rest.read_exact(&mut count).ok()).ok_or_else(cut)?;
            let size = usize::try_from(u64::from_le_bytes(count)).ok().zip(widths.get(key));
            let size = size.and_then(|(count, width)| count.checked_mul(*width)).ok_or_else(cut)?;
            let start = place + count.len();
            place = start.checked_add(size).filter(|&end| end <= bytes.len()).ok_or_else(cut)?;
            storages.insert(key.to_owned(), start..place);
        }
        Ok(Self { bytes, storages, pickle })
    }

    fn tensors(&self) -> Result<HashMap<String, Tensor>, String> {
        let mut at = self.pickle.root;
        for _ in 0..DEPTH {
            let entries = self.pickle.entries(at).ok_or("what it holds is no state dict")?;
            let tensors: Vec<(&str, Id)> = entries
                .iter()
                .filter(|(_, value)| self.is_tensor(*value))
                .filter_map(|(key, value)| Some((self.pickle.text(*key)?, *value)))
                .collect();
            if !tensors.is_empty() {
                return self.read(&tensors);
            }
            let below = STATE_DICTS.iter().find_map(|wanted| {
                let (_, value) = entries.iter().find(|(key, _)| self.pickle.text(*key) == Some(wanted))?;
                self.pickle.entries(*value).map(|_| *value)
            });
            at = below.ok_or_else(|| {
                let mut keys: Vec<&str> = entries.iter().filter_map(|(key, _)| self.pickle.text(*key)).collect();
                keys.truncate(10);
                format!(
                    "no tensors lie in it, nor under {}; its keys are {}",
                    STATE_DICTS.join(", "),
                    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
                )
            })?;
        }
        Err("its state dict lies too deep".to_owned())
    }

    fn read(&self, named: &[(&str, Id)]) -> Result<HashMap<String, Tensor>, String> {
        let (mut tensors, mut total) = (HashMap::with_capacity(named.len()), 0usize);
        for &(name, id) in named {
            let tensor = self.tensor(id).map_err(|problem| format!("the tensor {name} {problem}"))?;
            total = total.saturating_add(tensor.elem_count() * tensor.dtype().size_in_bytes());
            if total > self.bytes.len().saturating_mul(SHARED) {
                return Err(format!(
                    "up to the tensor {name} it claims more than {SHARED} times the data that it holds"
                ));
            }
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(tensors)
    }

    /// Name and arguments of a call.
    fn call(&self, id: Id) -> Option<(&str, &[Id])> {
        let Value::Call { function, arguments, .. } = self.pickle.get(id) else { return None };
        let Value::Name(name) = self.pickle.get(*function) else { return None };
        Some((name.strip_prefix("torch._utils._rebuild_")?, self.pickle.sequence(*arguments)?))
    }

    fn is_tensor(&self, id: Id) -> bool {
        self.call(id).is_some()
    }

    /// The tensor that a call would have made.
    fn tensor(&self, id: Id) -> Result<Tensor, String> {
        let mut call = self.call(id);
        if let Some(("parameter" | "parameter_with_state", [inner, ..])) = call {
            call = self.call(*inner);
        }
        let Some(("tensor" | "tensor_v2", [storage_id, offset, size, stride, ..])) = call else {
            return Err("is of a kind that cannot be read (sparse or quantised?); save it as a plain tensor".to_owned());
        };
        let damaged = || "is described wrongly".to_owned();
        let Value::Persistent(persistent) = self.pickle.get(*storage_id) else { return Err(damaged()) };
        let storage = storage(&self.pickle, *persistent)?;
        let numbers = |id: Id| -> Option<Vec<usize>> {
            self.pickle.sequence(id)?.iter().map(|&id| self.pickle.count(id)).collect()
        };
        let offset = self.pickle.count(*offset).ok_or_else(damaged)?;
        let (shape, strides) = numbers(*size).zip(numbers(*stride)).ok_or_else(damaged)?;
        let range = self.storages.get(storage.key).cloned().ok_or("has no data in the file")?;
        let width = storage.dtype.size_in_bytes();
        let short = || format!("of shape {shape:?} claims more data than its storage holds");
        if storage.count.checked_mul(width).is_none_or(|size| size > range.len()) || shape.len() != strides.len() {
            return Err(short());
        }
        let count = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        let last = shape.iter().zip(&strides).try_fold(offset, |last, (&length, &stride)| {
            last.checked_add(length.saturating_sub(1).checked_mul(stride)?)
        });
        // A view that repeats numbers would grow without bound.
        let count = count.filter(|&count| count <= storage.count).ok_or_else(short)?;
        if count > 0 && last.is_none_or(|last| last >= storage.count) {
            return Err(short());
        }
        let data = &self.bytes[range];
        let mut in_order = Vec::new();
        let taken = if count == 0 {
            &data[..0]
        } else if is_dense(&shape, &strides) {
            &data[offset * width..(offset + count) * width]
        } else {
            in_order.reserve(count * width);
            for index in 0..count {
                let (mut rest, mut place) = (index, offset);
                for (&length, &stride) in shape.iter().zip(&strides).rev() {
                    place += rest % length * stride;
                    rest /= length;
                }
                in_order.extend_from_slice(&data[place * width..(place + 1) * width]);
            }
            &in_order
        };
        Tensor::from_raw_buffer(taken, storage.dtype, &shape, &Device::Cpu)
            .map_err(|error| format!("cannot be made: {error}"))
    }
}

/// The storage of a persistent id: `("storage", class, key, device, count)`.
fn storage(pickle: &Pickle, id: Id) -> Result<Storage<'_>, String> {
    let parts = match pickle.sequence(id) {
        Some([kind, class, key, _, count, ..]) if pickle.text(*kind) == Some("storage") => {
            pickle.text(*key).zip(pickle.count(*count)).map(|(key, count)| (pickle.get(*class), key, count))
        }
        _ => None,
    };
    let Some((Value::Name(class), key, count)) = parts else {
        return Err("its list of storages is damaged; fetch it again".to_owned());
    };
    let dtype = match class.as_str() {
        "torch.FloatStorage" => DType::F32,
        "torch.DoubleStorage" => DType::F64,
        "torch.HalfStorage" => DType::F16,
        "torch.BFloat16Storage" => DType::BF16,
        "torch.LongStorage" => DType::I64,
        "torch.IntStorage" => DType::I32,
        "torch.ShortStorage" => DType::I16,
        "torch.ByteStorage" | "torch.BoolStorage" => DType::U8,
        other => return Err(format!("it stores numbers as {other}, which cannot be read; save them as float32")),
    };
    Ok(Storage { key, dtype, count })
}

/// Whether the elements follow each other without a gap.
fn is_dense(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&length, &stride)| {
        let fits = length == 1 || stride == expected;
        expected *= length;
        fits
    })
}
