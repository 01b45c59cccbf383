//! Limb leads that were not recorded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::data;
use einthoven_random::Streams;
use einthoven_signal::simulate::{SimulatorConfig, simulate};
use einthoven_signal::{Error, InputContract, Lead, LimbLeads, Note, Record, Scaling, Source, open};

/// The recording with only some of its leads.
fn reduced(record: &Record, leads: &[Lead]) -> Record {
    let samples = leads.iter().flat_map(|lead| record.lead(lead).unwrap().to_vec()).collect();
    Record::new(leads.to_vec(), record.sampling_rate(), samples, Source::Memory).unwrap()
}

const EIGHT: [Lead; 8] = [Lead::I, Lead::II, Lead::V1, Lead::V2, Lead::V3, Lead::V4, Lead::V5, Lead::V6];

#[test]
fn einthovens_and_goldbergers_equations_hold() {
    let mut record = Record::new(
        vec![Lead::II, Lead::AVL, Lead::I],
        100.0,
        vec![1.0, 0.5, f32::NAN, 9.0, 9.0, 9.0, 0.25, -0.5, 1.0],
        Source::Memory,
    )
    .unwrap();
    record = record.with_derived_limb_leads();
    assert_eq!(record.leads(), [Lead::II, Lead::AVL, Lead::I, Lead::III, Lead::AVR, Lead::AVF]);
    assert_eq!(record.row(1), [9.0; 3], "what was recorded is kept");
    for (lead, expected) in [(Lead::III, [0.75, 1.0]), (Lead::AVR, [-0.625, 0.0]), (Lead::AVF, [0.875, 0.75])] {
        let row = record.lead(&lead).unwrap();
        assert_eq!(row[..2], expected, "{lead}");
        assert!(row[2].is_nan());
    }
    let derived = |lead| Note::Derived { lead };
    assert_eq!(record.notes(), [derived(Lead::III), derived(Lead::AVR), derived(Lead::AVF)]);
    assert_eq!(record.notes()[0].to_string(), "lead III is computed from I and II");

    let without = reduced(&record, &[Lead::I, Lead::III]);
    assert_eq!(without.clone().with_derived_limb_leads().leads(), without.leads());
}

#[test]
fn eight_leads_become_the_simulators_twelve() {
    let whole = simulate(&SimulatorConfig::default(), &Streams::new(4), 0).unwrap().record;
    let derived = reduced(&whole, &EIGHT).with_derived_limb_leads();
    for lead in Lead::TWELVE {
        for (a, b) in derived.lead(&lead).unwrap().iter().zip(whole.lead(&lead).unwrap()) {
            assert!((a - b).abs() <= 1e-6, "{lead}: {a} for {b}");
        }
    }
}

#[test]
fn eight_leads_become_a_real_recordings_twelve() {
    let Some(data) = data() else {
        return;
    };
    let whole = open(&data.join("ptbxl-sample/records500/00000/00071_hr.hea")).unwrap();
    let derived = reduced(&whole, &EIGHT).with_derived_limb_leads();
    for lead in Lead::TWELVE {
        for (a, b) in derived.lead(&lead).unwrap().iter().zip(whole.lead(&lead).unwrap()) {
            // The recorder rounded each of the leads to a step of 1 µV.
            assert!((a - b).abs() <= 2.001e-3, "{lead}: {a} for {b}");
        }
    }
}

#[test]
fn a_contract_says_whether_leads_may_be_derived() {
    let whole = simulate(&SimulatorConfig::default(), &Streams::new(4), 0).unwrap().record;
    let eight = reduced(&whole, &EIGHT);
    let recorded = InputContract::twelve_leads(500.0, 5000, Scaling::None);
    let derived = InputContract { limb_leads: LimbLeads::Derived, ..recorded.clone() };
    assert!(matches!(recorded.prepare(&eight), Err(Error::MissingLeads { .. })));
    let prepared = derived.prepare(&eight).unwrap();
    assert_eq!(prepared, recorded.prepare(&eight.clone().with_derived_limb_leads()).unwrap());
    // Where nothing is missing, nothing changes.
    assert_eq!(derived.prepare(&whole).unwrap(), recorded.prepare(&whole).unwrap());
    let chest = reduced(&whole, &EIGHT[2..]);
    assert!(matches!(derived.prepare(&chest), Err(Error::MissingLeads { .. })));

    let json = serde_json::to_value(&derived).unwrap();
    assert_eq!(json["limb_leads"], "derived");
    let mut old = serde_json::to_value(&recorded).unwrap();
    old.as_object_mut().unwrap().remove("limb_leads");
    assert_eq!(serde_json::from_value::<InputContract>(old).unwrap(), recorded);
}
