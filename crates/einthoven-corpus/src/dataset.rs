//! A dataset: its card, its entries, and the way to their samples.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use einthoven_random::Streams;
use einthoven_signal::Record;
use einthoven_signal::simulate::SimulatorConfig;
use serde::{Deserialize, Serialize};

use crate::{
    DatasetCard, Entry, Error, LabelSet, Layout, Leftovers, Location, Result, SimulatedConfig, Split, SplitConfig,
    ptbxl, simulated,
};

/// A dataset, or a part of one.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The card's name.
    pub name: String,
    /// The dataset card.
    pub card: DatasetCard,
    /// One entry per record.
    pub entries: Vec<Entry>,
    /// The folds of [`Split::Train`], [`Split::Validation`] and [`Split::Test`]: at first the card's recommendation.
    pub splits: SplitConfig,
    /// The records of the whole dataset that are listed but not there.
    pub missing: Leftovers,
    origin: Origin,
}

/// What the layout of a dataset adds to its entries.
#[derive(Clone, Debug)]
enum Origin {
    PtbXl { statements: Arc<ptbxl::Statements> },
    Simulated { simulator: Arc<SimulatorConfig>, streams: Streams },
}

/// How a dataset is opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetOptions {
    /// The sampling rate to take the records at, in Hz, of those that the dataset offers; the highest by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// The cohort, where it is simulated.
    pub simulated: SimulatedConfig,
}

impl Dataset {
    /// Opens the dataset of a card: `ptb-xl`, `simulated`, or a card's file.
    ///
    /// `root` is the folder that the data lie in; a card's file stands for its own folder where none is given, and the
    /// simulated cohort needs none. Records that are listed but not there are left out and reported in
    /// [`Dataset::missing`].
    ///
    /// # Errors
    /// For a card that is unknown or not valid, a root that is not given, a rate that is not offered, and a table that is
    /// not as its layout says, down to the line and column.
    pub fn open(card_or_name: &str, root: Option<&Path>, options: &DatasetOptions) -> Result<Self> {
        let card = DatasetCard::open(card_or_name)?;
        match card.layout {
            Layout::PtbXl => {
                let root = match root {
                    Some(root) => root.to_owned(),
                    None => card_folder(card_or_name).ok_or_else(|| root_needed(&card))?,
                };
                Self::open_ptbxl(card, &root, options.rate)
            }
            Layout::Simulated => {
                let mut config = options.simulated.clone();
                if let Some(rate) = options.rate {
                    config.simulator.sampling_rate = f64::from(rate);
                }
                Self::open_simulated(card, &config)
            }
        }
    }

    /// PTB-XL in the folder `root`, at 100 or 500 Hz.
    ///
    /// # Errors
    /// Those of [`Dataset::open`].
    pub fn ptbxl(root: &Path, rate: u32) -> Result<Self> {
        Self::open_ptbxl(DatasetCard::open("ptb-xl")?, root, Some(rate))
    }

    /// The simulated cohort.
    ///
    /// # Errors
    /// [`Error::Simulator`] if the simulator's configuration is impossible.
    pub fn simulated(config: &SimulatedConfig) -> Result<Self> {
        Self::open_simulated(DatasetCard::open("simulated")?, config)
    }

    fn open_ptbxl(card: DatasetCard, root: &Path, rate: Option<u32>) -> Result<Self> {
        const RATES: [u32; 2] = [100, 500];
        let rate = rate.unwrap_or(RATES[1]);
        if !RATES.contains(&rate) {
            return Err(Error::SamplingRate { dataset: card.name, rate, offered: RATES.to_vec() });
        }
        let listing = ptbxl::open(root, rate == RATES[1])?;
        let origin = Origin::PtbXl { statements: Arc::new(listing.statements) };
        Ok(Self::new(card, listing.entries, listing.missing, origin))
    }

    fn open_simulated(card: DatasetCard, config: &SimulatedConfig) -> Result<Self> {
        let entries = simulated::entries(config)?;
        let origin =
            Origin::Simulated { simulator: Arc::new(config.simulator.clone()), streams: Streams::new(config.seed) };
        Ok(Self::new(card, entries, Leftovers::default(), origin))
    }

    fn new(card: DatasetCard, entries: Vec<Entry>, missing: Leftovers, origin: Origin) -> Self {
        Self { name: card.name.clone(), splits: card.splits.clone(), card, entries, missing, origin }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads or simulates the record at `index`.
    ///
    /// # Errors
    /// [`Error::Record`] with the record's id and what is wrong with it; [`Error::NoSuchRecord`].
    pub fn record(&self, index: usize) -> Result<Record> {
        let entry = self.entries.get(index).ok_or_else(|| Error::NoSuchRecord {
            dataset: self.name.clone(),
            index,
            len: self.len(),
        })?;
        let record = match (&entry.location, &self.origin) {
            (Location::File(path), _) => einthoven_signal::open(path),
            (Location::Simulated { index }, Origin::Simulated { simulator, streams }) => {
                simulated::record(simulator, streams, *index)
            }
            (Location::Simulated { .. }, Origin::PtbXl { .. }) => {
                return Err(Error::NoSimulator { dataset: self.name.clone(), id: entry.id.clone() });
            }
        };
        record.map_err(|source| self.record_error(index, source))
    }

    /// The error about the record at `index`.
    pub(crate) fn record_error(&self, index: usize, source: einthoven_signal::Error) -> Error {
        Error::Record { dataset: self.name.clone(), id: self.entries[index].id.clone(), source }
    }

    /// The records of a split.
    pub fn select(&self, split: &Split) -> Self {
        let folds = self.splits.folds(split);
        let member = |entry: &Entry| entry.fold.is_some_and(|fold| folds.contains(&fold));
        let kept: Vec<usize> = (0..self.len()).filter(|&i| member(&self.entries[i])).collect();
        self.subset(&kept)
    }

    /// The records at `indices`, in that order.
    ///
    /// # Panics
    /// If there is no record at an index.
    pub fn subset(&self, indices: &[usize]) -> Self {
        Self {
            name: self.name.clone(),
            card: self.card.clone(),
            entries: indices.iter().map(|&i| self.entries[i].clone()).collect(),
            splits: self.splits.clone(),
            missing: self.missing.clone(),
            origin: self.origin.clone(),
        }
    }

    /// The label set called `name` over the entries.
    ///
    /// PTB-XL has `super`, `sub`, `diagnostic`, `form`, `rhythm` and `all`, as in the published benchmark
    /// (doi 10.1109/JBHI.2020.3022989); the simulated cohort has `conditions`, those of its population, and `super`.
    ///
    /// # Errors
    /// [`Error::UnknownLabelSet`].
    pub fn label_set(&self, name: &str) -> Result<LabelSet> {
        let set = match &self.origin {
            Origin::PtbXl { statements } => statements.label_set(name, &self.entries),
            Origin::Simulated { simulator, .. } => simulated::label_set(name, simulator.population, &self.entries),
        };
        set.ok_or_else(|| Error::UnknownLabelSet {
            dataset: self.name.clone(),
            name: name.to_owned(),
            known: self.label_sets().iter().map(|&s| s.to_owned()).collect(),
        })
    }

    /// The label sets of the dataset.
    pub fn label_sets(&self) -> &'static [&'static str] {
        match &self.origin {
            Origin::PtbXl { .. } => &ptbxl::LABEL_SETS,
            Origin::Simulated { .. } => &simulated::LABEL_SETS,
        }
    }
}

/// The folder of a card's file; none for a card that comes with the project.
fn card_folder(card_or_name: &str) -> Option<PathBuf> {
    let path = Path::new(card_or_name);
    let is_file = path.extension().is_some_and(|extension| extension == "toml");
    is_file.then(|| path.parent().unwrap_or(Path::new("")).to_owned())
}

fn root_needed(card: &DatasetCard) -> Error {
    Error::RootNeeded {
        dataset: card.name.clone(),
        url: card.source.as_ref().map_or_else(String::new, |source| source.url.clone()),
        file: ptbxl::DATABASE,
    }
}
