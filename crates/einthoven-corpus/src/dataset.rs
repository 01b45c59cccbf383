//! A dataset: its card, its entries, and the way to their samples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use einthoven_random::Streams;
use einthoven_signal::format::hdf5::Archive;
use einthoven_signal::{ArrayOptions, InputContract, Record};
use serde::{Deserialize, Serialize};

use crate::labels::LabelSets;
use crate::listing::Listing;
use crate::shards::{self, Shards};
use crate::{
    DatasetCard, Entry, Error, LabelSet, Layout, Leftovers, Location, Result, SimulatedConfig, Split, SplitConfig,
    cinc2021, code15, cpsc2018, folder, folds, ludb, mimic_iv_ecg, ptbxl, simulated, table,
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
    /// Codes of the whole dataset that the [ontology](crate::ontology) does not know, with the number of their records:
    /// they are among the records' codes but not among their statements.
    pub unknown_codes: BTreeMap<String, usize>,
    label_sets: Arc<LabelSets>,
    samples: Samples,
}

/// Where a dataset's samples come from.
#[derive(Clone, Debug)]
enum Samples {
    Files { arrays: Arc<ArrayOptions> },
    Archives { archives: Arc<Vec<Archive>>, arrays: Arc<ArrayOptions> },
    Shards(Arc<Shards>),
    Simulated { config: Arc<SimulatedConfig>, streams: Streams },
}

/// How a dataset is opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetOptions {
    /// The sampling rate to take the records at, in Hz, where the dataset offers each at several; the highest by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// A file of folds that take the place of the dataset's own: a CSV table with the columns `id` and `fold`. Records that
    /// are not in it have no fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<PathBuf>,
    /// The cohort, where it is simulated.
    pub simulated: SimulatedConfig,
}

impl Dataset {
    /// Opens the dataset of a card: one that comes with the project, such as `ptb-xl`, or a card's file; or else a folder of
    /// [shards](crate::shards) or its address in an object store, `s3://bucket/prefix`.
    ///
    /// `root` is the folder that the data lie in; a card's file stands for its own folder where none is given, and the
    /// simulated cohort needs none. Records that are listed but not there are left out and reported in
    /// [`Dataset::missing`]. Where a dataset has no folds, its patients are dealt out to ten by their ids.
    ///
    /// # Errors
    /// For a card that is unknown or not valid, a root that is not given, a rate that is not offered, and a table that is
    /// not as its layout says, down to the line and column.
    pub fn open(card_or_name: &str, root: Option<&Path>, options: &DatasetOptions) -> Result<Self> {
        let mut dataset = if shards::is_there(Path::new(card_or_name)) {
            Self::of_shards(Path::new(card_or_name), options)?
        } else {
            let card = DatasetCard::open(card_or_name)?;
            let root = root.map(Path::to_owned).or_else(|| card_folder(card_or_name));
            Self::of_card(card, root, options)?
        };
        if let Some(path) = &options.folds {
            folds::apply(&mut dataset, path)?;
        }
        Ok(dataset)
    }

    /// PTB-XL in the folder `root`, at 100 or 500 Hz.
    ///
    /// # Errors
    /// Those of [`Dataset::open`].
    pub fn ptbxl(root: &Path, rate: u32) -> Result<Self> {
        let options = DatasetOptions { rate: Some(rate), ..DatasetOptions::default() };
        Self::of_card(DatasetCard::open("ptb-xl")?, Some(root.to_owned()), &options)
    }

    /// The simulated cohort.
    ///
    /// # Errors
    /// [`Error::Simulator`] if the simulator's configuration is impossible.
    pub fn simulated(config: &SimulatedConfig) -> Result<Self> {
        let options = DatasetOptions { simulated: config.clone(), ..DatasetOptions::default() };
        Self::of_card(DatasetCard::open("simulated")?, None, &options)
    }

    fn of_card(card: DatasetCard, root: Option<PathBuf>, options: &DatasetOptions) -> Result<Self> {
        if card.layout == Layout::Simulated {
            return Self::of_cohort(card, options);
        }
        let root = root.ok_or_else(|| root_needed(&card))?;
        let arrays = Arc::new(card.arrays.clone().unwrap_or_default());
        let listing = match (card.layout, options.rate) {
            (Layout::PtbXl, rate) => {
                const RATES: [u32; 2] = [100, 500];
                let rate = rate.unwrap_or(RATES[1]);
                if !RATES.contains(&rate) {
                    return Err(Error::SamplingRate { dataset: card.name, rate, offered: RATES.to_vec() });
                }
                ptbxl::open(&root, rate == RATES[1])
            }
            (_, Some(rate)) => Err(Error::Setting {
                key: "rate",
                value: rate.to_string(),
                expected: "none: the recordings of this dataset have one rate each, and the contract's is made of it",
            }),
            (Layout::Cinc2021, None) => cinc2021::open(&root),
            (Layout::Code15, None) => {
                let (listing, archives) = code15::open(&root)?;
                return Ok(Self::new(card, listing, Samples::Archives { archives: Arc::new(archives), arrays }));
            }
            (Layout::Cpsc2018, None) => cpsc2018::open(&root),
            (Layout::Ludb, None) => ludb::open(&root),
            (Layout::MimicIvEcg, None) => mimic_iv_ecg::open(&root),
            (Layout::Table, None) => table::open(&root, &card.table.clone().unwrap_or_default(), &card.splits),
            (Layout::Folder | Layout::Simulated, None) => folder::open(&root),
        }?;
        Ok(Self::new(card, listing, Samples::Files { arrays }))
    }

    fn of_shards(folder: &Path, options: &DatasetOptions) -> Result<Self> {
        let (card, listing, shards) = shards::open(folder)?;
        if let Some(rate) = options.rate.filter(|&rate| f64::from(rate) != shards.contract.sampling_rate) {
            let expected = "none, or the rate of the contract that the shards were made under";
            return Err(Error::Setting { key: "rate", value: rate.to_string(), expected });
        }
        Ok(Self::new(card, listing, Samples::Shards(Arc::new(shards))))
    }

    fn of_cohort(card: DatasetCard, options: &DatasetOptions) -> Result<Self> {
        let mut config = options.simulated.clone();
        if let Some(rate) = options.rate {
            config.simulator.sampling_rate = f64::from(rate);
        }
        let listing = Listing {
            entries: simulated::entries(&config)?,
            label_sets: simulated::label_sets(config.simulator.population),
            ..Listing::default()
        };
        let streams = Streams::new(config.seed);
        let samples = Samples::Simulated { config: Arc::new(config), streams };
        Ok(Self::new(card, listing, samples))
    }

    fn new(card: DatasetCard, listing: Listing, samples: Samples) -> Self {
        let Listing { entries, missing, label_sets, unknown_codes } = listing;
        Self {
            name: card.name.clone(),
            splits: card.splits.clone(),
            card,
            entries,
            missing,
            unknown_codes,
            label_sets: Arc::new(label_sets),
            samples,
        }
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
        let record = match (&entry.location, &self.samples) {
            (Location::File(path), Samples::Files { arrays }) => einthoven_signal::open_with(path, arrays),
            (Location::File(path), _) => einthoven_signal::open(path),
            (Location::Shard { shard, record }, Samples::Shards(shards)) => return shards.record(*shard, *record),
            (Location::Simulated { index }, Samples::Simulated { config, streams }) => {
                simulated::record(config, streams, *index)
            }
            (&Location::Archive { archive, record }, Samples::Archives { archives, arrays }) => {
                let archive = archives
                    .get(archive)
                    .ok_or_else(|| Error::NoSamples { dataset: self.name.clone(), id: entry.id.clone() })?;
                archive.record(record, arrays)
            }
            (Location::Simulated { .. } | Location::Archive { .. } | Location::Shard { .. }, _) => {
                return Err(Error::NoSamples { dataset: self.name.clone(), id: entry.id.clone() });
            }
        };
        record.map_err(|source| self.record_error(index, source))
    }

    /// The contract that the records are already prepared under, up to scaling and padding; none unless they come from shards.
    pub fn prepared(&self) -> Option<&InputContract> {
        match &self.samples {
            Samples::Shards(shards) => Some(&shards.contract),
            _ => None,
        }
    }

    pub(crate) fn label_sets_by_code(&self) -> &LabelSets {
        &self.label_sets
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
            unknown_codes: self.unknown_codes.clone(),
            label_sets: Arc::clone(&self.label_sets),
            samples: self.samples.clone(),
        }
    }

    /// The label set called `name` over the entries.
    ///
    /// PTB-XL has `super`, `sub`, `diagnostic`, `form`, `rhythm` and `all`, as in the published benchmark
    /// (doi 10.1109/JBHI.2020.3022989); the simulated cohort has `conditions`, those of its population, and `super`;
    /// datasets in the challenge's layout, CPSC2018 and CODE-15 % have `all`, `concepts` and `scored`; LUDB has `diagnoses`; a table of one's own has `labels`.
    ///
    /// # Errors
    /// [`Error::UnknownLabelSet`].
    pub fn label_set(&self, name: &str) -> Result<LabelSet> {
        let set = self.label_sets.get(name).ok_or_else(|| Error::UnknownLabelSet {
            dataset: self.name.clone(),
            name: name.to_owned(),
            known: self.label_sets.keys().cloned().collect(),
        })?;
        Ok(LabelSet::new(name, set, &self.entries))
    }

    /// The names of the label sets of the dataset, sorted.
    pub fn label_sets(&self) -> Vec<&str> {
        self.label_sets.keys().map(String::as_str).collect()
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
        file: match card.layout {
            Layout::PtbXl => ptbxl::DATABASE.into(),
            Layout::MimicIvEcg => mimic_iv_ecg::RECORD_LIST.into(),
            Layout::Code15 => code15::EXAMS.into(),
            Layout::Cpsc2018 => cpsc2018::REFERENCE.into(),
            Layout::Table => card.table.clone().unwrap_or_default().file.display().to_string(),
            Layout::Cinc2021 | Layout::Ludb | Layout::Folder | Layout::Simulated => "the recordings".into(),
        },
    }
}
