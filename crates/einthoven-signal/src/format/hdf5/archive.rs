//! A file of many recordings.

use std::fmt;
use std::path::{Path, PathBuf};

use hdf5_reader::error::{Error as Hdf5Error, Result as Hdf5Result};
use hdf5_reader::{Dataset, Datatype, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};

use crate::format::array::record;
use crate::{ArrayOptions, Error, Lead, Record, Result};

/// Sampling rate of the CODE datasets, Hz.
const CODE_RATE: f64 = 400.0;

/// How many bytes one of the file may become, at most.
const LARGEST_RATIO: usize = 100;

/// Room in memory that does not depend on the file, in bytes.
const FIXED: usize = 1 << 20;

/// A file of many recordings, open.
pub struct Archive {
    path: PathBuf,
    tracings: Dataset,
    ids: Vec<i64>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("path", &self.path).field("recordings", &self.ids.len()).finish()
    }
}

impl Archive {
    /// Opens a file; its recordings are read when they are asked for.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Damaged`] if it is no HDF5 file; [`Error::Array`] if it lacks `tracings` or `exam_id`, or they have another
    /// shape or type.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |message: String| Error::Array { path: path.to_owned(), message };
        let file = std::fs::metadata(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let size = usize::try_from(file.len()).unwrap_or(usize::MAX);
        let most = size.saturating_mul(LARGEST_RATIO).saturating_add(FIXED);
        let options = OpenOptions::default()
            .with_max_chunk_bytes(most)
            .with_max_read_bytes(most)
            .with_max_object_header_bytes(size.saturating_add(FIXED));
        let damaged = |error: Hdf5Error| Error::Damaged { path: path.to_owned(), message: error.to_string() };
        let file = Hdf5File::open_with_options(path, options).map_err(damaged)?;
        let dataset =
            |name: &str| file.dataset(name).map_err(|error| fail(format!("it has no dataset `{name}`: {error}")));
        let (tracings, exam_id) = (dataset("tracings")?, dataset("exam_id")?);
        let (shape, numbers) = (tracings.shape(), exam_id.shape());
        let (&[count, samples, leads], &[ids]) = (shape, numbers) else {
            return Err(fail(format!(
                "its `tracings` are {shape:?} and its `exam_id` {numbers:?}: expected three axes and one"
            )));
        };
        if leads != Lead::TWELVE.len() as u64 || samples == 0 || ids != count {
            return Err(fail(format!(
                "its `tracings` are {shape:?} and its `exam_id` {numbers:?}: expected [n, samples, 12] and [n]"
            )));
        }
        let ids = match exam_id.dtype() {
            Datatype::FixedPoint { size: 8, signed: true, .. } => values::<i64>(&exam_id, &SliceInfo::all(1)),
            Datatype::FixedPoint { size: 4, signed: true, .. } => {
                values::<i32>(&exam_id, &SliceInfo::all(1)).map(|ids| ids.into_iter().map(i64::from).collect())
            }
            other => return Err(fail(format!("its `exam_id` is {other:?}: expected integers"))),
        };
        Ok(Self { path: path.to_owned(), tracings, ids: ids.map_err(damaged)? })
    }

    /// The numbers of the recordings, in the file's order. Files of CODE-15 % end with a recording of zeros, of the number 0.
    pub fn exam_ids(&self) -> &[i64] {
        &self.ids
    }

    /// The recording at `index`, without the zeros around it: I, II, III, aVR, aVL, aVF and V1 to V6 at 400 Hz and in mV, where `options` do
    /// not say otherwise.
    ///
    /// # Errors
    /// [`Error::Damaged`]; [`Error::Array`] if there is no such recording, or nothing but zeros in it; those of [`Record::new`].
    pub fn record(&self, index: usize, options: &ArrayOptions) -> Result<Record> {
        let fail = |message: String| Error::Array { path: self.path.clone(), message };
        if index >= self.ids.len() {
            return Err(fail(format!("there is no recording {index}: it holds {}", self.ids.len())));
        }
        let all = SliceInfoElem::Slice { start: 0, end: u64::MAX, step: 1 };
        let selection = SliceInfo { selections: vec![SliceInfoElem::Index(index as u64), all.clone(), all] };
        let values = match self.tracings.dtype() {
            Datatype::FloatingPoint { size: 4, .. } => values::<f32>(&self.tracings, &selection),
            Datatype::FloatingPoint { size: 8, .. } => {
                values::<f64>(&self.tracings, &selection).map(|values| values.into_iter().map(|x| x as f32).collect())
            }
            other => return Err(fail(format!("its `tracings` are {other:?}: expected floats"))),
        };
        let values = values.map_err(|error| Error::Damaged {
            path: self.path.clone(),
            message: format!("recording {index}: {error}"),
        })?;
        let leads = Lead::TWELVE.len();
        let points: Vec<&[f32]> = values.chunks_exact(leads).collect();
        let is_signal = |point: &&[f32]| point.iter().any(|&x| x != 0.0);
        let (Some(first), Some(last)) = (points.iter().position(is_signal), points.iter().rposition(is_signal)) else {
            return Err(fail(format!("recording {index} holds nothing but zeros")));
        };
        let points = &points[first..=last];
        let samples: Vec<f64> =
            (0..leads).flat_map(|lead| points.iter().map(move |point| f64::from(point[lead]))).collect();
        let said = ArrayOptions {
            leads: Some(Lead::TWELVE.to_vec()),
            sampling_rate: Some(CODE_RATE),
            ..ArrayOptions::default()
        };
        record(samples.into_iter(), options.complete(said, &self.path)?, &self.path)
    }
}

/// The values of a selection, in C's order.
fn values<T: H5Type>(dataset: &Dataset, selection: &SliceInfo) -> Hdf5Result<Vec<T>> {
    Ok(dataset.read_slice::<T>(selection)?.iter().cloned().collect())
}
