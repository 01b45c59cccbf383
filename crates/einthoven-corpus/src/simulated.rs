//! The simulated cohort: records are made while they are read.

use einthoven_random::Streams;
use einthoven_signal::Record;
use einthoven_signal::simulate::{Condition, Population, SimulatorConfig, simulate};
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
    /// Number of records, one patient each.
    pub records: usize,
    /// The seed of the cohort. A record is a pure function of seed and number: a larger cohort holds the smaller one.
    pub seed: u64,
    /// How the recordings are made.
    pub simulator: SimulatorConfig,
}

impl Default for SimulatedConfig {
    /// 1000 records of seed 0.
    fn default() -> Self {
        Self { records: 1000, seed: 0, simulator: SimulatorConfig::default() }
    }
}

/// The entries of a cohort.
pub(crate) fn entries(config: &SimulatedConfig) -> Result<Vec<Entry>> {
    let streams = Streams::new(config.seed);
    let entry = |index| entry(&config.simulator, &streams, index);
    (0..config.records as u64)
        .into_par_iter()
        .map(entry)
        .collect::<einthoven_signal::Result<_>>()
        .map_err(|source| Error::Simulator { source })
}

fn entry(simulator: &SimulatorConfig, streams: &Streams, index: u64) -> einthoven_signal::Result<Entry> {
    let patient = simulate(simulator, streams, index)?;
    let code = |condition: &Condition| Code { code: condition.code().to_owned(), likelihood: 100.0 };
    Ok(Entry {
        id: index.to_string(),
        patient: index.to_string(),
        location: Location::Simulated { index },
        codes: patient.conditions.iter().map(code).collect(),
        statements: patient.conditions.iter().map(|c| c.statement().to_owned()).collect(),
        report: None,
        age: Some(patient.age),
        sex: Some(patient.sex),
        fold: Some((index % FOLDS) as u8 + 1),
    })
}

/// A record of a cohort.
pub(crate) fn record(simulator: &SimulatorConfig, streams: &Streams, index: u64) -> einthoven_signal::Result<Record> {
    Ok(simulate(simulator, streams, index)?.record)
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
