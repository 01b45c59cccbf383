//! Recordings that are short, silent, broken or of few leads.

use einthoven_signal::measure::{measure, quality};
use einthoven_signal::simulate::Condition::*;
use einthoven_signal::{Error, Lead, Record, Source};

use crate::patient;

fn record(leads: &[Lead], rate: f64, samples: Vec<f32>) -> Record {
    Record::new(leads.to_vec(), rate, samples, Source::Memory).unwrap()
}

/// Some leads of a recording.
fn only(ecg: &Record, leads: &[Lead]) -> Record {
    let samples = leads.iter().flat_map(|lead| ecg.lead(lead).unwrap().to_vec()).collect();
    record(leads, ecg.sampling_rate(), samples)
}

#[test]
fn silence_has_no_beats() {
    for value in [0.0, 0.3, f32::NAN] {
        let silent = record(&Lead::TWELVE, 500.0, vec![value; 12 * 5000]);
        let measured = measure(&silent).unwrap();
        assert!(measured.beats.is_empty() && measured.typical.is_none(), "{value}");
        assert_eq!(measured.rate.heart_rate, None);
        assert_eq!(measured.intervals.qrs_ms, None);
        assert_eq!(measured.leads.len(), 12);
        assert!(quality(&silent).iter().all(|lead| lead.score == 0.0 && !lead.defects.is_empty()), "{value}");
    }
}

#[test]
fn impossible_recordings_are_refused() {
    let short = record(&[Lead::I], 500.0, vec![0.1; 400]);
    assert!(matches!(measure(&short), Err(Error::Unmeasurable { .. })));
    let coarse = record(&[Lead::I], 20.0, vec![0.1; 400]);
    let error = measure(&coarse).unwrap_err().to_string();
    assert!(error.contains("20 Hz") && error.contains("at least 50 Hz"), "{error}");
    assert!(measure(&record(&[Lead::I], 1e6, vec![0.1; 2_000_000])).is_err());
    assert_eq!(quality(&short).len(), 1);
}

#[test]
fn single_leads_are_measured_as_far_as_they_go() {
    for lead in [Lead::II, Lead::V5] {
        for index in 0..6 {
            let ecg = patient(&[NormalEcg], 1.0, 9, index);
            let measured = measure(&only(&ecg.record, std::slice::from_ref(&lead))).unwrap();
            let rate = measured.rate.heart_rate.unwrap();
            assert!((rate - ecg.truth.heart_rate).abs() < 2.0, "{lead}, patient {index}: {rate}");
            assert_eq!(measured.axes.qrs, None);
            assert_eq!(measured.voltage.sokolow_lyon_mv, None);
        }
    }
}

#[test]
fn gaps_and_lost_leads_do_not_matter_where_others_are_left() {
    for index in 0..6 {
        let ecg = patient(&[NormalEcg], 1.0, 9, index);
        let mut samples = ecg.record.samples().to_vec();
        let length = ecg.record.len();
        samples[..length].fill(f32::NAN);
        samples[7 * length..8 * length].fill(-2.0);
        samples[6 * length + 1000..6 * length + 1400].fill(f32::NAN);
        let broken = record(&Lead::TWELVE, 500.0, samples);
        let measured = measure(&broken).unwrap();
        assert!((measured.rate.heart_rate.unwrap() - ecg.truth.heart_rate).abs() < 2.0);
        assert!((measured.intervals.qrs_ms.unwrap() - ecg.truth.qrs_ms).abs() < 25.0);
        assert_eq!((measured.leads[0].r_mv, measured.leads[7].st_mv), (None, None));
        assert!(measured.leads[8].r_mv.is_some());
    }
}

#[test]
fn any_samples_are_measured_without_a_panic_and_without_nan() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    for (rate, length) in [(50.0, 50), (50.0, 77), (100.0, 100), (500.0, 501), (500.0, 1500), (1000.0, 1777)] {
        for kind in 0..6 {
            let samples: Vec<f32> = (0..3 * length)
                .map(|i| match kind {
                    0 => random(),
                    1 => 1e30 * random(),
                    2 => f32::from(u8::from(i % 97 == 0)),
                    3 if i % 3 == 0 => f32::NAN,
                    4 => (i % 50) as f32 * 0.1,
                    _ => 1e-30 * random(),
                })
                .collect();
            let record = record(&[Lead::I, Lead::II, Lead::V1], rate, samples);
            let json = serde_json::to_string(&measure(&record).unwrap()).unwrap();
            assert!(!json.contains("NaN") && !json.contains("inf"));
            // What JSON cannot hold it writes as null: only what is `None` may be.
            let back: einthoven_signal::measure::Measurements = serde_json::from_str(&json).unwrap();
            assert_eq!(back, measure(&record).unwrap(), "{rate} Hz, {length} samples, kind {kind}");
            quality(&record);
        }
    }
}

#[test]
fn the_same_recording_gives_the_same_bits() {
    let ecg = patient(&[], 3.0, 9, 3);
    let measured = serde_json::to_string(&measure(&ecg.record).unwrap()).unwrap();
    let again = std::thread::spawn(move || serde_json::to_string(&measure(&ecg.record).unwrap()).unwrap());
    assert_eq!(measured, again.join().unwrap());
}
