//! Several subjects side by side: the tables of a folder of results, with intervals and tests.
//!
//! A [`Comparison`] is made of files of results alone. It holds every number once; page, CSV, JSON and LaTeX show the same ones.

mod export;
mod kind;
mod lines;
mod page;
mod pictures;
mod significance;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use kind::Kind;
pub use significance::{Test, holm};
pub use table::{Cell, Line, Scope, Table};

use crate::bootstrap::BootstrapConfig;
use crate::error::{Error, Result};
use crate::protocol::{JudgedRecords, SubjectCard, SubjectResult};

/// The kinds of subjects that stand last in a table.
const BASELINES: [&str; 2] = ["random encoder", "interval features"];

/// All protocols of a folder of results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The protocols, by name.
    pub protocols: Vec<Compared>,
    /// The results that the numbers are from, for curves and cases.
    #[serde(skip)]
    results: Vec<Vec<SubjectResult>>,
}

/// The subjects of one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The protocol's name.
    pub protocol: String,
    /// Its version.
    pub version: u32,
    /// Its hash.
    pub hash: String,
    /// What it is for.
    pub about: String,
    /// The records.
    pub records: JudgedRecords,
    /// How intervals were made.
    pub bootstrap: BootstrapConfig,
    /// The subjects, baselines last.
    pub subjects: Vec<ComparedSubject>,
    /// The tasks, in the protocol's order.
    pub tables: Vec<Table>,
}

/// One subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedSubject {
    /// What it is.
    pub card: SubjectCard,
    /// Fitted records that it was not fed.
    pub left_out_fitted: usize,
    /// Judged records that it was not fed.
    pub left_out_judged: usize,
}

impl Comparison {
    /// The results in the folders of `folder`, one for each protocol, or in `folder` itself.
    ///
    /// # Errors
    /// Those of reading a file; [`Error::Compare`] for a folder without results, and for results under one name that are of different
    /// protocols or records.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for below in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            files.extend(entries(&below)?.into_iter().filter(|path| is_json(path)));
        }
        if files.is_empty() {
            files = entries(folder)?.into_iter().filter(|path| is_json(path)).collect();
        }
        if files.is_empty() {
            let problem =
                "holds no results; `einthoven evaluate --protocol NAME SUBJECT --out FOLDER` makes some".into();
            return Err(Error::Compare { path: folder.into(), problem });
        }
        let mut protocols: BTreeMap<String, Vec<(PathBuf, SubjectResult)>> = BTreeMap::new();
        for path in files {
            let result = SubjectResult::load(&path)?;
            let others = protocols.entry(result.protocol.name.clone()).or_default();
            if let Some((other, first)) = others.first()
                && (first.hash != result.hash || first.records != result.records)
            {
                let what =
                    if first.hash == result.hash { "on other records" } else { "by another version of the protocol" };
                let problem = format!("was judged {what} than {}; judge one of them anew", other.display());
                return Err(Error::Compare { path, problem });
            }
            others.push((path, result));
        }
        Self::new(protocols.into_values().map(|results| results.into_iter().map(|(_, result)| result).collect()))
    }

    /// The results of several protocols, those of each of one hash and on the same records.
    ///
    /// # Errors
    /// [`Error::NotANumber`] for a score that is none.
    pub fn new(protocols: impl IntoIterator<Item = Vec<SubjectResult>>) -> Result<Self> {
        let (mut compared, mut kept) = (Vec::new(), Vec::new());
        for mut results in protocols {
            results.sort_by_key(|result| BASELINES.iter().position(|kind| *kind == result.subject.kind));
            let Some(first) = results.first() else { continue };
            compared.push(Compared {
                protocol: first.protocol.name.clone(),
                version: first.protocol.version,
                hash: first.hash.clone(),
                about: first.protocol.about.clone(),
                records: first.records.clone(),
                bootstrap: first.protocol.bootstrap,
                subjects: results.iter().map(ComparedSubject::new).collect(),
                tables: table::tables(&results)?,
            });
            kept.push(results);
        }
        Ok(Self { protocols: compared, results: kept })
    }
}

impl ComparedSubject {
    fn new(result: &SubjectResult) -> Self {
        Self {
            card: result.subject.clone(),
            left_out_fitted: result.left_out_fitted.count(),
            left_out_judged: result.left_out_judged.count(),
        }
    }
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = |source| Error::Read { path: folder.into(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        paths.push(entry.map_err(read)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}
