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
        "id,path,patient,text,labels,age,sex,device,fold\n\
         1,ecgs/a,p1,\"Sinus rhythm, normal ECG.\",SR;NORM,63.7,F,MAC 5500,3\n\
         2,ecgs/b.csv,p1,,164889003; our label,,,,\n\
         3,ecgs/c.hea,p2,,,90,male,,10\n",
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
    assert_eq!((first.device.as_deref(), second.device.as_deref()), (Some("MAC 5500"), None));
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

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../einthoven-signal/tests/fixtures").join(name)
}

/// The same dataset as from a CSV file, by its name or as the only one there.
#[test]
#[cfg(feature = "parquet")]
fn a_parquet_table_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["0001", "0002"] {
        wfdb::write(folder.path(), name, "dat", "");
    }
    fs::copy(fixture("records.parquet"), folder.path().join("records.parquet")).unwrap();
    let dataset = open("table", Some(folder.path())).unwrap();
    let csv = "path,patient,text,labels,age,sex\n0001,17,\"Sinus rhythm, normal ECG.\",NORM;SR,54,F\n\
               0002,17,Sinus rhythm; ä,SR,,F\n0003,9007199254740993,,,71,M\n";
    fs::write(folder.path().join("records.csv"), csv).unwrap();
    let same = open("table", Some(folder.path())).unwrap();
    assert_eq!((dataset.entries.len(), &dataset.entries), (2, &same.entries));
    assert_eq!(dataset.missing, same.missing);
    assert_eq!(dataset.label_set("labels").unwrap(), same.label_set("labels").unwrap());
    assert_eq!(open("folder", Some(folder.path())).unwrap().entries.len(), 2);
    assert!(dataset.record(1).is_ok());
}

#[test]
#[cfg(not(feature = "parquet"))]
fn a_parquet_table_names_the_feature_that_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("records.parquet"), folder.path().join("records.parquet")).unwrap();
    let error = open("table", Some(folder.path())).unwrap_err().to_string();
    assert!(error.ends_with("build einthoven with `--features parquet`"), "{error}");
}

#[test]
fn a_list_of_records_says_what_a_folder_holds() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    wfdb::write(&root.join("data"), "1", "dat", "");
    wfdb::write(&root.join("data"), "not-listed", "dat", "");
    wfdb::write(&root.join("more/deep"), "2.5", "dat", "");
    fs::write(root.join("more/x.csv"), ARRAY).unwrap();
    fs::write(root.join("RECORDS"), "data/1\ndata/3\n\nmore/\n").unwrap();
    fs::write(root.join("more/RECORDS"), "x.csv\ndeep/2.5\n").unwrap();
    let dataset = open("folder", Some(root)).unwrap();
    let ids: Vec<_> = dataset.entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["data/1", "more/x.csv", "more/deep/2.5"]);
    assert!((0..3).all(|index| dataset.record(index).is_ok()));
    let missing = &dataset.missing.records[0];
    assert_eq!((missing.id.as_str(), missing.reason.as_str()), ("data/3", "data/3.hea is missing"));
    for (list, words) in [
        ("../data/1\n", "line 1: record is `../data/1`, expected a record or folder inside the dataset's folder"),
        ("data/1\ndata/1\n", "line 2: record data/1 appears twice"),
        ("elsewhere/\n", "cannot read"),
        ("data/9\n", "none of the 1 records"),
    ] {
        fs::write(root.join("RECORDS"), list).unwrap();
        let error = open("folder", Some(root)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // A folder that lists itself comes to an end.
    fs::write(root.join("RECORDS"), "data/\n").unwrap();
    fs::write(root.join("data/RECORDS"), "./\n").unwrap();
    assert!(open("folder", Some(root)).is_err());
}

#[test]
fn ludb_is_read_in_its_layout() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let said = "#<age>: 51\n#<sex>: F\n#<diagnoses>:\n#Rhythm: Sinus bradycardia.\n#Left ventricular hypertrophy.\n";
    wfdb::write(&data, "1", "dat", said);
    wfdb::write(&data, "34", "dat", "#<age>: >89\n#<sex>: \n");
    wfdb::write(&data, "35", "dat", "#<age>: old\n");
    let dataset = open("ludb", Some(folder.path())).unwrap();
    let [first, second] = &dataset.entries[..] else { panic!("{:?}", dataset.entries) };
    assert_eq!((first.id.as_str(), first.age, first.sex), ("1", Some(51), Some(Sex::Female)));
    assert_eq!(first.statements, ["Rhythm: Sinus bradycardia", "Left ventricular hypertrophy"]);
    assert_eq!((second.age, second.sex, second.statements.len()), (Some(90), None, 0));
    assert_eq!(dataset.missing.records[0].reason, "its age is `old`: expected years");
    assert_eq!(dataset.label_set("diagnoses").unwrap().targets, [[true, true], [false, false]]);
    assert_eq!(dataset.record(0).unwrap().leads().len(), 12);
}

#[test]
fn cpsc2018_is_read_as_it_was_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("TrainingSet1")).unwrap();
    fs::copy(fixture("cpsc.mat"), root.join("TrainingSet1/A0001.mat")).unwrap();
    let reference = "Recording,First_label,Second_label,Third_label\nA0001,5,8,\nA0002,1,,\n";
    fs::write(root.join("TrainingSet1/REFERENCE.csv"), reference).unwrap();
    let dataset = open("cpsc2018-original", Some(root)).unwrap();
    let entry = &dataset.entries[0];
    assert_eq!(entry.statements, ["right bundle branch block", "ST depression"]);
    assert_eq!(dataset.missing.records[0].reason, "A0002.mat is missing");
    assert_eq!(dataset.record(0).unwrap().sampling_rate(), 500.0);
    let scored = dataset.label_set("scored").unwrap();
    let classes: Vec<_> = scored.classes.iter().zip(&scored.targets[0]).filter(|(_, has)| **has).collect();
    assert_eq!(classes.len(), 1);
    assert_eq!(classes[0].0, "CRBBB");
    let wrong = reference.replace("5,8,", "10,,");
    fs::write(root.join("TrainingSet1/REFERENCE.csv"), wrong).unwrap();
    let error = open("cpsc2018-original", Some(root)).unwrap_err().to_string();
    assert!(error.contains("line 2: First_label is `10`, expected a label from 1 to 9"), "{error}");
}

const EXAMS: &str = "exam_id,age,is_male,nn_predicted_age,1dAVb,RBBB,LBBB,SB,ST,AF,patient_id,death,timey,normal_ecg,trace_file\n\
    1169160,38,True,40.160484,False,False,False,True,False,False,523632,False,2.09,True,exams_part0.hdf5\n\
    2873686,73,False,67.05944,True,True,True,False,True,True,1724173,False,6.65,False,exams_part0.hdf5\n\
    168405,67,True,79.62174,False,False,False,False,False,False,523632,,,False,exams_part0.hdf5\n\
    271011,41,True,69.75026,False,False,False,False,False,False,1737282,,,False,exams_part0.hdf5\n\
    384368,73,True,78.87346,False,False,False,False,False,False,331652,,,False,exams_part3.hdf5\n";

#[test]
#[cfg(feature = "hdf5")]
fn code_15_is_read_in_its_layout() {
    use einthoven_corpus::{CheckOptions, Location};

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("exams.csv"), EXAMS).unwrap();
    fs::copy(fixture("code15-part0.hdf5"), folder.path().join("exams_part0.hdf5")).unwrap();
    let dataset = open("code-15", Some(folder.path())).unwrap();
    let [first, second, third] = &dataset.entries[..] else { panic!("{:?}", dataset.entries) };
    assert_eq!((first.id.as_str(), first.patient.as_str(), first.age), ("1169160", "523632", Some(38)));
    assert_eq!((first.sex, second.sex, first.fold), (Some(Sex::Male), Some(Sex::Female), third.fold));
    assert_eq!(first.statements, ["sinus bradycardia", "normal ECG"]);
    let all = [
        "first degree AV block",
        "right bundle branch block",
        "left bundle branch block",
        "sinus tachycardia",
        "atrial fibrillation",
    ];
    assert_eq!(second.statements, all);
    assert_eq!(third.location, Location::Archive { archive: 0, record: 2 });
    let missing: Vec<_> = dataset.missing.records.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(missing, ["it is not in exams_part0.hdf5", "exams_part3.hdf5 is missing"]);
    let concepts = dataset.label_set("concepts").unwrap();
    assert_eq!(concepts.targets[1].iter().filter(|&&has| has).count(), 5);
    let record = dataset.record(0).unwrap();
    assert_eq!((record.sampling_rate(), record.len(), record.leads().len()), (400.0, 70, 12));
    let report = dataset.check(Some(folder.path()), CheckOptions { part: true }, &|| ());
    assert_eq!((report.readable, report.problems.len()), (3, 2), "{:?}", report.problems);

    fs::remove_file(folder.path().join("exams_part0.hdf5")).unwrap();
    let error = open("code-15", Some(folder.path())).unwrap_err().to_string();
    assert!(error.contains("none of the 5 records"), "{error}");
}

#[test]
#[cfg(not(feature = "hdf5"))]
fn code_15_names_the_feature_that_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("exams.csv"), EXAMS).unwrap();
    fs::copy(fixture("code15-part0.hdf5"), folder.path().join("exams_part0.hdf5")).unwrap();
    let error = open("code-15", Some(folder.path())).unwrap_err().to_string();
    assert!(error.ends_with("build einthoven with `--features hdf5`"), "{error}");
}
