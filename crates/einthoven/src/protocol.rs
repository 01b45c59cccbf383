//! Judging several subjects by a protocol, each once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use einthoven_eval::protocol::{Protocol, Records, SubjectResult, judge};
use einthoven_train::ProgressDisplay;

use crate::{Error, Result, SubjectName, in_data_folder};

/// What happens while subjects are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A subject is being opened.
    Begun {
        /// The subject.
        subject: &'a str,
    },
    /// More of its recordings have been embedded.
    Embedded {
        /// The subject.
        subject: &'a str,
        /// Recordings so far, those that were changed and embedded again included.
        recordings: usize,
    },
    /// Its results are in a file.
    Finished {
        /// The subject.
        subject: &'a str,
        /// The file.
        path: &'a Path,
        /// Whether they were there before, from the same weights, protocol and records.
        was_there: bool,
    },
}

/// Judges subjects by a protocol into `folder`/PROTOCOL/SUBJECT.json, and returns what is in these files.
///
/// `root` is the folder of the protocol's dataset: as it stands, or below the data folder. A subject whose file holds the results of the
/// same weights, protocol and records is not judged again. When `stop` becomes true, judging ends soon; `display` says whether
/// fine-tuning shows itself.
///
/// # Errors
/// Those of the records and of opening and judging a subject, [`einthoven_eval::Error::Interrupted`] if asked to stop; what was finished
/// before stays.
pub fn evaluate(
    protocol: &Protocol,
    root: Option<&Path>,
    subjects: &[SubjectName],
    folder: &Path,
    stop: &Arc<AtomicBool>,
    display: ProgressDisplay,
    mut seen: impl FnMut(Progress),
) -> Result<Vec<SubjectResult>> {
    let root = root.map(in_data_folder);
    let records = Records::open(protocol, root.as_deref())?;
    let (hash, card) = (protocol.hash()?, records.card());
    let folder = folder.join(&protocol.name);
    std::fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let mut results = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let name = subject.name.as_str();
        seen(Progress::Begun { subject: name });
        let path: PathBuf = folder.join(format!("{name}.json"));
        let opened = subject.open(protocol.seed, display)?;
        // What is damaged or of another version is judged anew.
        let before = SubjectResult::load(&path).ok().filter(|before| before.answers(&hash, &card, &opened.card()));
        let was_there = before.is_some();
        let result = match before {
            Some(result) => result,
            None => {
                let mut recordings = 0;
                let result = judge(protocol, &records, opened.as_ref(), stop, |more| {
                    recordings += more;
                    seen(Progress::Embedded { subject: name, recordings });
                })?;
                result.save(&path)?;
                result
            }
        };
        seen(Progress::Finished { subject: name, path: &path, was_there });
        results.push(result);
    }
    Ok(results)
}
