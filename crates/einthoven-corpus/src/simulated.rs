//! The simulated cohort: records are made while they are read.

use einthoven_random::Streams;
use einthoven_signal::Record;
use einthoven_signal::simulate::{Condition, Population, SimulatedEcg, SimulatorConfig, simulate_again};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::labels::{Classes, LabelSets};
use crate::{Code, Entry, Error, Location, Result};

/// The diagnostic super-classes of PTB-XL.
const SUPER: [&str; 5] = ["CD", "HYP", "MI", "NORM", "STTC"];

/// Folds that the patients are dealt out to.
const FOLDS: u64 = 10;

/// A simulated cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulatedConfig {
    /// Number of records.
    pub records: usize,
    /// Recordings of each patient, at least 1: record `i` is recording `i % n` of patient `i / n`.
    pub recordings_per_patient: u64,
    /// The seed of the cohort. A record is a pure function of seed and number: a larger cohort holds the smaller one.
    pub seed: u64,
    /// How the recordings are made.
    pub simulator: SimulatorConfig,
}

impl Default for SimulatedConfig {
    /// 1000 records of seed 0, one of each patient.
    fn default() -> Self {
        Self { records: 1000, recordings_per_patient: 1, seed: 0, simulator: SimulatorConfig::default() }
    }
}

/// The entries of a cohort.
pub(crate) fn entries(config: &SimulatedConfig) -> Result<Vec<Entry>> {
    if config.recordings_per_patient == 0 {
        let (key, value) = ("recordings_per_patient", "0".to_owned());
        return Err(Error::Setting { key, value, expected: "at least 1" });
    }
    let streams = Streams::new(config.seed);
    let entry = |index| entry(config, &streams, index);
    (0..config.records as u64)
        .into_par_iter()
        .map(entry)
        .collect::<einthoven_signal::Result<_>>()
        .map_err(|source| Error::Simulator { source })
}

fn entry(config: &SimulatedConfig, streams: &Streams, index: u64) -> einthoven_signal::Result<Entry> {
    let number = index / config.recordings_per_patient;
    let patient = recording(config, streams, index)?;
    let code = |condition: &Condition| Code { code: condition.code().to_owned(), likelihood: 100.0 };
    Ok(Entry {
        id: index.to_string(),
        patient: number.to_string(),
        location: Location::Simulated { index },
        codes: patient.conditions.iter().map(code).collect(),
        statements: patient.conditions.iter().map(|c| c.statement().to_owned()).collect(),
        report: None,
        age: Some(patient.age),
        sex: Some(patient.sex),
        device: None,
        fold: Some((number % FOLDS) as u8 + 1),
    })
}

/// A record of a cohort.
pub(crate) fn record(config: &SimulatedConfig, streams: &Streams, index: u64) -> einthoven_signal::Result<Record> {
    Ok(recording(config, streams, index)?.record)
}

fn recording(config: &SimulatedConfig, streams: &Streams, index: u64) -> einthoven_signal::Result<SimulatedEcg> {
    let per_patient = config.recordings_per_patient;
    simulate_again(&config.simulator, streams, index / per_patient, index % per_patient)
}

/// The label sets of a population.
pub(crate) fn label_sets(population: Population) -> LabelSets {
    let known = population.conditions();
    let conditions = Classes::codes(known.iter().map(Condition::code));
    let pairs = known.iter().filter_map(|condition| Some((condition.code(), super_class(*condition)?)));
    [("conditions", conditions), ("super", Classes::new(&SUPER, pairs))]
        .map(|(name, classes)| (name.to_owned(), classes))
        .into()
}

/// The diagnostic super-class that PTB-XL counts a condition among; none for rhythms and forms.
fn super_class(condition: Condition) -> Option<&'static str> {
    use Condition::{
        AnteriorIschaemia, AnteroseptalInjury, FirstDegreeAvBlock, InferiorInfarction, LateralInjury,
        LeftBundleBranchBlock, LeftVentricularHypertrophy, LeftVentricularVoltage, NonDiagnosticTWave, NormalEcg,
        PosteriorInfarction, RightAtrialEnlargement, ThirdDegreeAvBlock, WolffParkinsonWhite,
    };
    let between = |first, last| (first..=last).contains(&condition);
    if condition == NormalEcg {
        Some("NORM")
    } else if between(InferiorInfarction, PosteriorInfarction) || between(AnteroseptalInjury, LateralInjury) {
        Some("MI")
    } else if between(NonDiagnosticTWave, AnteriorIschaemia) {
        Some("STTC")
    } else if between(LeftBundleBranchBlock, WolffParkinsonWhite) || between(FirstDegreeAvBlock, ThirdDegreeAvBlock) {
        Some("CD")
    } else if between(LeftVentricularHypertrophy, RightAtrialEnlargement) && condition != LeftVentricularVoltage {
        Some("HYP")
    } else {
        None
    }
}
