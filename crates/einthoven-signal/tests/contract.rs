//! From recordings to model input.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use einthoven_signal::dsp::{resample_poly, sosfiltfilt};
use einthoven_signal::{BandPass, Crop, Error, InputContract, Lead, Missing, Pad, Prepared, Record, Scaling, Source};

/// Two leads of unlike size and offset.
fn record(rate: f64, length: usize) -> Record {
    let wave = |i: usize, period: f32, size: f32, offset: f32| {
        offset + size * (std::f32::consts::TAU * i as f32 / period).sin()
    };
    let samples =
        (0..length).map(|i| wave(i, 31.0, 0.7, 0.1)).chain((0..length).map(|i| wave(i, 17.0, 1.9, -0.4))).collect();
    Record::new(vec![Lead::I, Lead::II], rate, samples, Source::Memory).unwrap()
}

fn contract(samples: usize, scaling: Scaling) -> InputContract {
    InputContract { leads: vec![Lead::I, Lead::II], ..InputContract::twelve_leads(100.0, samples, scaling) }
}

fn assert_close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (i, (&a, &b)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(a) - b).abs() <= 2e-7 * b.abs().max(1.0), "sample {i}: {a} for {b}");
    }
}

fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().copied().map(f64::from).collect()
}

#[test]
fn leads_come_in_the_contracts_order() {
    let record = record(100.0, 50);
    let contract = InputContract { leads: vec![Lead::II, Lead::I], ..contract(50, Scaling::None) };
    let Prepared { samples, valid } = contract.prepare(&record).unwrap();
    assert_eq!(valid, 50);
    assert_eq!(samples[..50], *record.row(1));
    assert_eq!(samples[50..], *record.row(0));
}

#[test]
fn missing_leads_are_named() {
    let limb = vec![Lead::I, Lead::II, Lead::III, Lead::V1, Lead::V2, Lead::V3, Lead::V5, Lead::V6];
    let record = Record::new(limb, 500.0, vec![0.0; 8 * 5000], Source::Memory).unwrap();
    let error = InputContract::esi_paper().prepare(&record).unwrap_err();
    assert_eq!(error.to_string(), "missing leads aVR, aVL, aVF, V4: the recording has I, II, III, V1, V2, V3, V5, V6");
}

#[test]
fn gain_scales_millivolts() {
    let record = record(500.0, 5000);
    let mut contract = InputContract::esi_corrected();
    contract.leads.truncate(2);
    let samples = contract.prepare(&record).unwrap().samples;
    let expected: Vec<f32> = record.samples().iter().map(|x| x * contract.gain).collect();
    assert_eq!(samples, expected);
}

#[test]
fn esi_scales_by_one_mean_and_one_unbiased_deviation() {
    let record = record(500.0, 5000);
    let mut contract = InputContract::esi_paper();
    contract.leads.truncate(2);
    let all = wide(record.samples());
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let std = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let expected: Vec<f64> = all.iter().map(|x| (x - mean) / (std + 1e-6)).collect();
    assert_close(&contract.prepare(&record).unwrap().samples, &expected);
}

#[test]
fn leads_can_be_scaled_one_by_one() {
    let samples = contract(50, Scaling::ZScoreLead).prepare(&record(100.0, 50)).unwrap().samples;
    for row in samples.chunks_exact(50).map(wide) {
        let mean = row.iter().sum::<f64>() / 50.0;
        let std = (row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 49.0).sqrt();
        assert!(mean.abs() < 1e-6, "{mean}");
        assert!((std - 1.0).abs() < 1e-5, "{std}");
    }
}

#[test]
fn min_max_spans_0_to_1() {
    let record = record(100.0, 50);
    let samples = contract(50, Scaling::MinMaxRecord).prepare(&record).unwrap().samples;
    let min = record.samples().iter().copied().fold(f32::INFINITY, f32::min);
    let max = record.samples().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let expected: Vec<f64> =
        wide(record.samples()).iter().map(|x| (x - f64::from(min)) / (f64::from(max) - f64::from(min))).collect();
    assert_close(&samples, &expected);
}

#[test]
fn constant_recordings_stay_finite() {
    let flat = Record::new(vec![Lead::I, Lead::II], 100.0, vec![0.5; 20], Source::Memory).unwrap();
    for scaling in [Scaling::ZScoreRecord, Scaling::ZScoreLead, Scaling::MinMaxRecord] {
        assert_eq!(contract(10, scaling).prepare(&flat).unwrap().samples, [0.0; 20]);
    }
    let point = Record::new(vec![Lead::I, Lead::II], 100.0, vec![0.5; 2], Source::Memory).unwrap();
    let samples = contract(1, Scaling::ZScoreLead).prepare(&point).unwrap().samples;
    assert_eq!(samples, [0.0; 2]);
}

#[test]
fn long_recordings_are_cropped() {
    let record = record(100.0, 51);
    let mut contract = contract(20, Scaling::None);
    let start = contract.prepare(&record).unwrap();
    assert_eq!(start.valid, 20);
    assert_eq!(start.samples[..20], record.row(0)[..20]);
    assert_eq!(start.samples[20..], record.row(1)[..20]);
    contract.crop = Crop::Center;
    let center = contract.prepare(&record).unwrap();
    assert_eq!(center.samples[..20], record.row(0)[15..35]);
    assert_eq!(center.samples[20..], record.row(1)[15..35]);
}

#[test]
fn short_recordings_are_padded_after_scaling() {
    for scaling in [Scaling::None, Scaling::ZScoreRecord, Scaling::MinMaxRecord] {
        for valid in [1, 2, 7, 19, 20] {
            let record = record(100.0, valid);
            let unpadded = contract(valid, scaling).prepare(&record).unwrap().samples;
            for (pad, before) in [(Pad::End, 0), (Pad::Both, (20 - valid) / 2)] {
                let contract = InputContract { pad, ..contract(20, scaling) };
                let prepared = contract.prepare(&record).unwrap();
                assert_eq!(prepared.valid, valid);
                let mut expected = vec![0.0; 40];
                for lead in 0..2 {
                    expected[lead * 20 + before..][..valid].copy_from_slice(&unpadded[lead * valid..][..valid]);
                }
                assert_eq!(prepared.samples, expected, "{pad:?}, {valid} samples");
            }
        }
    }
}

#[test]
fn other_rates_are_resampled() {
    for (rate, up, down) in [(500.0, 1, 5), (40.0, 5, 2), (360.0, 5, 18), (100.0, 1, 1)] {
        let record = record(rate, 1003);
        for (crop, samples) in [(Crop::Start, 150), (Crop::Center, 150), (Crop::Start, 5000)] {
            let contract = InputContract { crop, ..contract(samples, Scaling::None) };
            let prepared = contract.prepare(&record).unwrap();
            for lead in 0..2 {
                let whole = resample_poly(&wide(record.row(lead)), up, down).unwrap();
                let valid = whole.len().min(samples);
                assert_eq!(prepared.valid, valid);
                let start = if crop == Crop::Center { (whole.len() - valid) / 2 } else { 0 };
                let expected: Vec<f32> = whole[start..start + valid].iter().map(|&x| x as f32).collect();
                assert_eq!(prepared.samples[lead * samples..][..valid], expected);
            }
        }
    }
}

#[test]
fn the_filter_runs_at_the_contracts_rate_before_cropping() {
    let record = record(500.0, 5000);
    let filter = BandPass { low_hz: 0.5, high_hz: 40.0, order: 3 };
    let contract = InputContract { filter: Some(filter), crop: Crop::Center, ..contract(300, Scaling::None) };
    let samples = contract.prepare(&record).unwrap().samples;
    let sections = filter.sections(100.0).unwrap();
    for lead in 0..2 {
        let resampled = resample_poly(&wide(record.row(lead)), 1, 5).unwrap();
        let filtered = sosfiltfilt(&sections, &resampled).unwrap();
        let expected: Vec<f32> = filtered[350..650].iter().map(|&x| x as f32).collect();
        assert_eq!(samples[lead * 300..][..300], expected);
    }
    let error = contract.prepare(&self::record(500.0, 20)).unwrap_err();
    assert!(matches!(error, Error::Filter { .. }), "{error}");
}

#[test]
fn missing_samples_become_the_leads_mean_before_resampling() {
    let mut samples = record(200.0, 100).samples().to_vec();
    for i in [0, 3, 4, 99, 150] {
        samples[i] = f32::NAN;
    }
    let leads = vec![Lead::I, Lead::II];
    let gaps = Record::new(leads.clone(), 200.0, samples.clone(), Source::Memory).unwrap();
    for row in samples.chunks_exact_mut(100) {
        let real: Vec<f64> = row.iter().filter(|x| !x.is_nan()).copied().map(f64::from).collect();
        let mean = (real.iter().sum::<f64>() / real.len() as f64) as f32;
        row.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = mean);
    }
    let filled = Record::new(leads, 200.0, samples, Source::Memory).unwrap();
    let mut contract = contract(50, Scaling::ZScoreRecord);
    assert_eq!(contract.prepare(&gaps).unwrap(), contract.prepare(&filled).unwrap());
    contract.sampling_rate = 200.0;
    assert_eq!(contract.prepare(&gaps).unwrap(), contract.prepare(&filled).unwrap());
}

#[test]
fn a_lead_without_samples_is_an_error_unless_allowed() {
    let mut samples = record(100.0, 50).samples().to_vec();
    samples[50..].fill(f32::NAN);
    let record = Record::new(vec![Lead::I, Lead::II], 100.0, samples, Source::Memory).unwrap();
    let mut contract = contract(50, Scaling::None);
    let error = contract.prepare(&record).unwrap_err();
    assert_eq!(error.to_string(), "every sample of lead II is missing (NaN)");
    contract.missing = Missing::LeadMeanOrZero;
    let prepared = contract.prepare(&record).unwrap();
    assert_eq!(prepared.samples[..50], *record.row(0));
    assert_eq!(prepared.samples[50..], [0.0; 50]);
}

#[test]
fn rates_too_far_apart_are_refused() {
    let error = contract(50, Scaling::None).prepare(&record(0.5, 50)).unwrap_err();
    assert!(matches!(error, Error::Resample { from: 0.5, to: 100.0 }), "{error}");
}

#[test]
fn contracts_are_saved_and_read_back() {
    let mut contract = InputContract::esi_corrected();
    contract.filter = Some(BandPass { low_hz: 0.5, high_hz: 40.0, order: 3 });
    contract.missing = Missing::LeadMeanOrZero;
    let json = serde_json::to_string(&contract).unwrap();
    assert_eq!(serde_json::from_str::<InputContract>(&json).unwrap(), contract);

    let short = r#"{"leads": ["i", "AVR"], "sampling_rate": 100, "samples": 1000, "scaling": "z-score-record"}"#;
    let expected = InputContract {
        leads: vec![Lead::I, Lead::AVR],
        ..InputContract::twelve_leads(100.0, 1000, Scaling::ZScoreRecord)
    };
    assert_eq!(serde_json::from_str::<InputContract>(short).unwrap(), expected);
    let misspelt = short.replace("samples", "sampels");
    let error = serde_json::from_str::<InputContract>(&misspelt).unwrap_err();
    assert!(error.to_string().contains("sampels"), "{error}");
}

#[test]
fn impossible_contracts_are_refused() {
    let change = |change: fn(&mut InputContract)| {
        let mut contract = InputContract::esi_corrected();
        change(&mut contract);
        contract.validate().unwrap_err().to_string()
    };
    for (message, field) in [
        (change(|c| c.leads.clear()), "`leads`"),
        (change(|c| c.leads.push(Lead::V1)), "`leads`"),
        (change(|c| c.sampling_rate = 0.0), "`sampling_rate`"),
        (change(|c| c.sampling_rate = f64::NAN), "`sampling_rate`"),
        (change(|c| c.samples = 0), "`samples`"),
        (change(|c| c.samples = usize::MAX), "`samples`"),
        (change(|c| c.gain = 0.0), "`gain`"),
        (change(|c| c.scaling = Scaling::ZScoreLead), "`gain`"),
    ] {
        assert!(message.contains(field), "{field}: {message}");
    }
    assert!(InputContract::esi_paper().validate().is_ok());
    assert!(InputContract::esi_corrected().validate().is_ok());
}
