//! Folders for PyTorch by themselves, and loaded by PyTorch (`tests/check_pytorch.py`).

use std::path::Path;

use candle_core::{Device, Tensor};
use einthoven_models::{Tokenizer, canonical_names, load_safetensors};
use einthoven_signal::{BandPass, Crop, InputContract, Lead, LimbLeads, Pad, Record, Scaling, Source};

use super::*;
use crate::cases::{Built, Case, check, full, python, small};

fn write(files: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn the_weights_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    for case in small() {
        let built = Built::new(case);
        let files = pytorch(&built.model(), Some(b"{}")).unwrap();
        assert_eq!(files.contains_key("architecture/esi.py"), built.esi.is_some(), "{}", built.name);
        write(&files, folder.path());
        let found = canonical_names(load_safetensors(&folder.path().join("model.safetensors")).unwrap());
        assert_eq!(found.len(), built.parameters.len(), "{}", built.name);
        for (name, tensor) in &built.parameters {
            let bits = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(found[name].dims(), tensor.dims(), "{}: {name}", built.name);
            assert!(bits(&found[name]).iter().zip(bits(tensor)).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}");
        }
    }
}

#[test]
fn pytorch_computes_the_same() {
    compare(small());
}

#[test]
#[ignore = "writes two gigabytes and takes minutes"]
fn pytorch_computes_the_same_at_full_size() {
    for case in full() {
        compare(vec![case]);
    }
}

fn compare(cases: Vec<(&'static str, usize, Case)>) {
    let Some(python) = python("torch, safetensors, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let texts = ["atrial fibrillation", "sinus rhythm, left bundle branch block"].map(str::to_owned);
    let tokenizer = Tokenizer::train_word_piece(&texts, 200).unwrap();
    let count = cases.len();
    for case in cases {
        let built = Built::new(case);
        let place = folder.path().join(built.name);
        write(&pytorch(&built.model(), Some(tokenizer.to_json().unwrap().as_bytes())).unwrap(), &place);
        let mut expected = built.expected(true);
        if let Some(esi) = &built.esi {
            let texts = esi.encode_texts(&tokenizer.encode_batch(&texts, 500).unwrap()).unwrap();
            expected.insert("texts".to_owned(), texts);
        }
        safetensors::serialize_to_file(expected, None, &place.join("expected.safetensors")).unwrap();
        std::fs::write(place.join("texts.json"), serde_json::to_string(&texts).unwrap()).unwrap();
    }
    let text = check(python, "check_pytorch.py", folder.path());
    assert!(text.lines().count() >= count, "{text}");
}

#[test]
fn python_prepares_recordings_as_the_contract_says() {
    let Some(python) = python("scipy, safetensors, numpy") else { return };
    let plain = InputContract { gain: 5.0, ..InputContract::twelve_leads(500.0, 700, Scaling::None) };
    let scaled = |scaling| InputContract { gain: 1.0, scaling, ..plain.clone() };
    let filter = BandPass { low_hz: 0.5, high_hz: 40.0, order: 3 };
    let contracts = [
        plain.clone(),
        InputContract { samples: 1300, pad: Pad::Both, ..plain.clone() },
        InputContract { crop: Crop::Center, sampling_rate: 240.0, samples: 333, ..plain.clone() },
        InputContract { sampling_rate: 100.0, samples: 250, filter: Some(filter), ..plain.clone() },
        InputContract { limb_leads: LimbLeads::Derived, ..plain.clone() },
        scaled(Scaling::ZScoreRecord),
        scaled(Scaling::ZScoreLead),
        scaled(Scaling::MinMaxRecord),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, contract) in contracts.iter().enumerate() {
        let mut leads = Lead::TWELVE.to_vec();
        if contract.limb_leads == LimbLeads::Derived {
            leads.retain(|lead| ![Lead::III, Lead::AVR, Lead::AVL, Lead::AVF].contains(lead));
        }
        let mut samples: Vec<f32> =
            (0..leads.len() * 1000).map(|i| (i as f32 * 0.05).sin() + (i as f32 * 0.0013).cos()).collect();
        samples[1200..1210].fill(f32::NAN);
        let shape = (leads.len(), 1000);
        let record = Record::new(leads.clone(), 500.0, samples.clone(), Source::Memory).unwrap();
        let prepared = contract.prepare(&record).unwrap();
        let place = folder.path().join(format!("contract-{index}"));
        std::fs::create_dir(&place).unwrap();
        let wanted = (contract.leads.len(), contract.samples);
        let tensors = BTreeMap::from([
            ("millivolts", Tensor::from_vec(samples, shape, &Device::Cpu).unwrap()),
            ("prepared", Tensor::from_vec(prepared.samples, wanted, &Device::Cpu).unwrap()),
            ("valid", Tensor::new(&[prepared.valid as i64], &Device::Cpu).unwrap()),
        ]);
        safetensors::serialize_to_file(tensors, None, &place.join("recording.safetensors")).unwrap();
        std::fs::write(place.join("contract.json"), serde_json::to_string(contract).unwrap()).unwrap();
        std::fs::write(place.join("leads.json"), serde_json::to_string(&leads).unwrap()).unwrap();
        std::fs::write(place.join("contract.py"), include_str!("architecture/contract.py")).unwrap();
    }
    let text = check(python, "check_pytorch.py", folder.path());
    assert_eq!(text.lines().count(), contracts.len(), "{text}");
}
