//! Embeddings kept in a file, to be searched or compared later.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::embeddings::Embeddings;
use crate::error::{Error, Result};
use crate::files::replace;

/// The tensor of the embeddings.
const EMBEDDINGS: &str = "embeddings";
/// The tensor of the recordings' names: the bytes of a JSON list.
const RECORDS: &str = "records";
/// The metadata key of what made them.
const MODEL: &str = "model";

/// Embeddings of recordings, and what made them.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEmbeddings {
    /// What the recordings are called, one for each row.
    pub records: Vec<String>,
    /// A hash of the weights and the input contract that made them: embeddings of another model lie in another space.
    pub model: String,
    /// The embeddings.
    pub embeddings: Embeddings,
}

impl StoredEmbeddings {
    /// Writes a safetensors file: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Stored`] if there is not one name for each row.
    pub fn save(&self, path: &Path) -> Result<()> {
        let Self { records, model, embeddings } = self;
        if records.len() != embeddings.rows() {
            return Err(damaged(path, format!("{} names for {} rows", records.len(), embeddings.rows())));
        }
        let names = serde_json::to_vec(records).map_err(Error::Json)?;
        let numbers = bytes_of(embeddings);
        let bytes = view_of(embeddings, &numbers).and_then(|embeddings| {
            let names = TensorView::new(Dtype::U8, vec![names.len()], &names)?;
            let metadata = HashMap::from([(MODEL.to_owned(), model.clone())]);
            safetensors::serialize([(EMBEDDINGS, embeddings), (RECORDS, names)], Some(metadata))
        });
        replace(path, &bytes.map_err(|error| damaged(path, error.to_string()))?)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Stored`] for a file that is something else or damaged, and names the recording whose embedding holds a
    /// number that is not finite.
    pub fn load(path: &Path) -> Result<Self> {
        let wrong = |problem: String| damaged(path, problem);
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| wrong(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
        let embeddings = embeddings_in(&tensors, EMBEDDINGS).map_err(wrong)?;
        let names = tensors.tensor(RECORDS).map_err(|error| wrong(error.to_string()))?;
        let records: Vec<String> = serde_json::from_slice(names.data())
            .map_err(|error| wrong(format!("{RECORDS} is no list of names: {error}")))?;
        if records.len() != embeddings.rows() {
            return Err(wrong(format!("{} names for {} rows", records.len(), embeddings.rows())));
        }
        if let Some(row) = not_finite(&embeddings) {
            return Err(wrong(format!("the embedding of {} holds a number that is not finite", records[row])));
        }
        let model = header.metadata().as_ref().and_then(|metadata| metadata.get(MODEL)).cloned();
        let model = model.ok_or_else(|| wrong(format!("its metadata do not say which {MODEL} made them")))?;
        Ok(Self { records, model, embeddings })
    }
}

/// All numbers as they stand in a file.
pub(crate) fn bytes_of(embeddings: &Embeddings) -> Vec<u8> {
    embeddings.data().iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A tensor `[rows, width]` of these bytes.
pub(crate) fn view_of<'a>(
    embeddings: &Embeddings,
    bytes: &'a [u8],
) -> std::result::Result<TensorView<'a>, safetensors::SafeTensorError> {
    TensorView::new(Dtype::F32, vec![embeddings.rows(), embeddings.width()], bytes)
}

/// The tensor `name` of a file, or what is wrong with it.
pub(crate) fn embeddings_in(tensors: &SafeTensors, name: &str) -> std::result::Result<Embeddings, String> {
    let view = tensors.tensor(name).map_err(|error| error.to_string())?;
    let &[rows, width] = view.shape() else { return Err(format!("{name} has the shape {:?}", view.shape())) };
    if view.dtype() != Dtype::F32 {
        return Err(format!("{name} holds {:?}, not F32", view.dtype()));
    }
    let (numbers, _) = view.data().as_chunks::<4>();
    let data = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Embeddings::new(rows, width, data).map_err(|error| error.to_string())
}

/// The first row with a number that is not finite.
pub(crate) fn not_finite(embeddings: &Embeddings) -> Option<usize> {
    let place = embeddings.data().iter().position(|value| !value.is_finite())?;
    Some(place / embeddings.width().max(1))
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::Stored { path: path.into(), problem }
}
