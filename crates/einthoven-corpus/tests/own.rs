//! Tables and folders of one's own, and MIMIC-IV-ECG's layout.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::wfdb;
use einthoven_corpus::{CaptionConfig, Dataset, DatasetOptions, Entry, caption::no_descriptions};
use einthoven_signal::Sex;

fn open(card: &str, root: Option<&Path>) -> einthoven_corpus::Result<Dataset> {
    Dataset::open(card, root, &DatasetOptions::default())
}

/// A CSV recording of two leads.
const ARRAY: &str = "# sampling_rate: 100\n# unit: mV\nI,II\n0.1,0.2\n0.3,0.4\n";

fn table(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    wfdb::write(&folder.path().join("ecgs"), "a", "dat", "");
    fs::write(folder.path().join("ecgs/b.csv"), ARRAY).unwrap();
    fs::write(folder.path().join("records.csv"), text).unwrap();
    folder
}

#[test]
fn rows_of_a_table_become_entries() {
    let folder = table(
        "id,path,patient,text,labels,age,sex,fold\n\
         1,ecgs/a,p1,\"Sinus rhythm, normal ECG.\",SR;NORM,63.7,F,3\n\
         2,ecgs/b.csv,p1,,164889003; our label,,,\n\
         3,ecgs/c.hea,p2,,,90,male,10\n",
    );
    let dataset = open("table", Some(folder.path())).unwrap();
    let [first, second] = &dataset.entries[..] else { panic!("{:?}", dataset.entries) };
    assert_eq!((first.id.as_str(), first.patient.as_str(), first.fold), ("1", "p1", Some(3)));
    assert_eq!(
        (first.age, first.sex, first.report.as_deref()),
        (Some(63), Some(Sex::Female), Some("Sinus rhythm, normal ECG."))
    );
    assert_eq!(first.statements, ["Sinus rhythm, normal ECG"]);
    assert_eq!((second.age, second.sex, second.fold), (None, None, None));
    assert_eq!(second.statements, ["atrial fibrillation", "our label"]);
    assert_eq!(dataset.missing.records[0].reason, "ecgs/c.hea is missing");
    let set = dataset.label_set("labels").unwrap();
    assert_eq!(set.classes, ["164889003", "NORM", "SR", "our label"]);
    assert_eq!(set.targets[1], [true, false, false, true]);
    assert_eq!(dataset.record(0).unwrap().leads().len(), 12);
    assert_eq!(dataset.record(1).unwrap().samples(), [0.1, 0.3, 0.2, 0.4]);
    let (_, captions, _) = CaptionConfig::default().captions(&dataset, &no_descriptions);
    assert_eq!(captions[0], "This patient is a 63 year-old female. ECG Findings: Sinus rhythm, normal ECG.");
}

#[test]
fn a_card_beside_the_table_names_its_columns_and_what_arrays_lack() {
    let folder = table("Datei;x,Patientin\n");
    fs::write(folder.path().join("liste.csv"), "file,case,finding,part\necgs/n.npy,p7,AFIB,test\n").unwrap();
    // 12 × 3 samples in f32, without a word on leads, rate or unit.
    let mut npy = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (12, 3), }".to_vec();
    npy.resize(127, b' ');
    npy.push(b'\n');
    npy.extend((0..36_u8).flat_map(|i| f32::from(i).to_le_bytes()));
    fs::write(folder.path().join("ecgs/n.npy"), npy).unwrap();
    let card = include_str!("../../../datasets/table.toml").replace("name = \"table\"", "name = \"ours\"")
        + "[table]\nfile = \"liste.csv\"\npath = \"file\"\npatient = \"case\"\nlabels = \"finding\"\nsplit = \"part\"\n\
           [arrays]\nsampling_rate = 250\nunit = \"mV\"\n\
           leads = [\"I\", \"II\", \"III\", \"aVR\", \"aVL\", \"aVF\", \"V1\", \"V2\", \"V3\", \"V4\", \"V5\", \"V6\"]\n";
    let path = folder.path().join("card.toml");
    fs::write(&path, card).unwrap();
    let dataset = open(path.to_str().unwrap(), None).unwrap();
    let Entry { id, patient, statements, fold, .. } = &dataset.entries[0];
    assert_eq!((id.as_str(), patient.as_str(), *fold), ("ecgs/n.npy", "p7", Some(10)));
    assert_eq!(statements, &["atrial fibrillation"]);
    assert_eq!(dataset.record(0).unwrap().sampling_rate(), 250.0);
}

#[test]
fn wrong_fields_are_named_with_their_line() {
    let refused = |text: &str| open("table", Some(table(text).path())).unwrap_err().to_string();
    for (text, expected) in [
        ("path,age\necgs/a,old\n", "line 2: age is `old`, expected an age in years, from 0 to 120"),
        ("path,sex\necgs/a,f\necgs/b.csv,0\n", "line 3: sex is `0`, expected female, male, f or m"),
        ("path,fold\necgs/a,0\n", "line 2: fold is `0`, expected a fold from 1 to 255"),
        ("path,split\necgs/a,learn\n", "line 2: split is `learn`, expected train, validation or test"),
        ("path\necgs/a\necgs/a\n", "line 3: record ecgs/a appears twice"),
        ("file\necgs/a\n", "has no column `path`"),
        ("path\nnowhere.hea\n", "none of the 1 records"),
    ] {
        let message = refused(text);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn patients_without_folds_stay_together() {
    let folder = table("path,patient\necgs/a,p1\necgs/b.csv,p1\n");
    let dataset = open("table", Some(folder.path())).unwrap();
    assert_eq!(dataset.entries[0].fold, dataset.entries[1].fold);
    assert!(dataset.entries[0].fold.is_some());
}

#[test]
fn a_plain_folder_is_a_dataset() {
    let folder = table("");
    fs::write(folder.path().join("notes.txt"), "not a recording").unwrap();
    wfdb::write(&folder.path().join("more"), "a", "dat", "");
    // The signal file of a header is no recording of its own.
    wfdb::write(&folder.path().join("more"), "b", "mat", "");
    for name in ["explicit.dcm", "muse.xml", "second.scp", "cpsc.mat"] {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../einthoven-signal/tests/fixtures");
        fs::copy(fixtures.join(name), folder.path().join("more").join(name)).unwrap();
    }
    let dataset = open("folder", Some(folder.path())).unwrap();
    let ids: Vec<_> = dataset.entries.iter().map(|entry| entry.id.as_str()).collect();
    let own = ["ecgs/a", "ecgs/b", "more/a", "more/b"];
    assert_eq!(ids[..4], own);
    assert_eq!(ids[4..], ["more/cpsc", "more/explicit", "more/muse", "more/second"]);
    assert!(dataset.missing.records.is_empty());
    assert!((0..8).all(|index| dataset.record(index).is_ok()));
    assert!(dataset.label_sets().is_empty());
}

#[test]
fn mimic_iv_ecg_is_read_in_its_layout() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let place = "files/p1000/p10000032/s40689238";
    wfdb::write(&root.join(place), "40689238", "dat", "");
    let list = format!(
        "subject_id,study_id,file_name,ecg_time,path\n\
         10000032,40689238,40689238,2180-07-23 08:44:00,{place}/40689238\n\
         10000032,44458630,44458630,2180-07-23 09:54:00,files/p1000/p10000032/s44458630/44458630\n"
    );
    fs::write(root.join("record_list.csv"), list).unwrap();
    let measured = "subject_id,study_id,cart_id,ecg_time,report_0,report_1,report_2,bandwidth,filtering,rr_interval\n\
                    10000032,40689238,6848296,2180-07-23 08:44:00,Sinus rhythm,,\"Possible infarct - age undetermined, old\",x,y,659\n";
    fs::write(root.join("machine_measurements.csv"), measured).unwrap();
    let dataset = open("mimic-iv-ecg", Some(root)).unwrap();
    let entry = &dataset.entries[0];
    assert_eq!((entry.id.as_str(), entry.patient.as_str()), ("40689238", "10000032"));
    assert_eq!(entry.statements, ["Sinus rhythm", "Possible infarct - age undetermined, old"]);
    assert_eq!(dataset.missing.records[0].id, "44458630");
    assert_eq!(dataset.record(0).unwrap().leads().len(), 12);

    fs::write(root.join("record_list.csv"), "subject_id,study_id,path\n1,2,../../etc/passwd\n").unwrap();
    let error = open("mimic-iv-ecg", Some(root)).unwrap_err().to_string();
    assert!(error.contains("line 2: path is") && error.contains("inside the dataset's folder"), "{error}");
}
