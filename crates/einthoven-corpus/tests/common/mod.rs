//! What the tests share: where the real sample lies, and a small folder in PTB-XL's layout.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod server;
pub mod wfdb;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The PTB-XL sample; where it is absent, says so.
pub fn ptbxl_sample() -> Option<PathBuf> {
    data("ptbxl-sample")
}

/// A folder of the real data beside the project; where it is absent, says so.
pub fn data(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("EINTHOVEN_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = data.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} not found", folder.display());
    None
}

const STATEMENTS: &str = "\
,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass,Statement Category
NORM,normal ECG,1.0,,,NORM,NORM,Normal/abnormal
NDT,non-diagnostic T abnormalities,1.0,1.0,,STTC,STTC,other
AMI,anterior myocardial infarction,1.0,,,MI,AMI,Myocardial Infarction
ASMI,anteroseptal myocardial infarction,1.0,,,MI,AMI,Myocardial Infarction
PVC,ventricular premature complex,,1.0,,,,ectopic
SR,sinus rhythm,,,1.0,,,rhythm
OWN,a statement of our own,,,1.0,,,rhythm
";

const HEADER: &str = "ecg_id,patient_id,age,sex,report,scp_codes,strat_fold,filename_lr,filename_hr";

/// A folder in PTB-XL's layout with recordings at 100 Hz.
pub struct Folder {
    dir: TempDir,
    rows: Vec<String>,
}

impl Folder {
    /// A folder with no record yet.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("scp_statements.csv"), STATEMENTS).unwrap();
        let folder = Self { dir, rows: Vec::new() };
        folder.write_table(HEADER);
        folder
    }

    /// A folder with `count` complete records of sinus rhythm, fold 1.
    pub fn with_records(count: usize) -> Self {
        let mut folder = Self::new();
        for id in 1..=count {
            folder.add(id, "60.0", "0", "{'SR': 0.0}", "1");
            folder.record(id);
        }
        folder
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Lists a record, without its files.
    pub fn add(&mut self, id: usize, age: &str, sex: &str, codes: &str, fold: &str) {
        self.add_row(format!(
            "{id},{}.0,{age},{sex},ein befund,\"{codes}\",{fold},records100/00000/{id:05}_lr,records500/00000/{id:05}_hr",
            1000 + id
        ));
    }

    /// Lists a record by its row as it is.
    pub fn add_row(&mut self, row: String) {
        self.rows.push(row);
        self.write_table(HEADER);
    }

    /// Writes the table again under another header.
    pub fn write_table(&self, header: &str) {
        let text = std::iter::once(header.to_owned()).chain(self.rows.clone()).collect::<Vec<_>>();
        fs::write(self.path().join("ptbxl_database.csv"), text.join("\n") + "\n").unwrap();
    }

    /// The signal file of a record.
    pub fn dat(&self, id: usize) -> PathBuf {
        self.path().join(format!("records100/00000/{id:05}_lr.dat"))
    }

    /// Writes the files of a record: 12 leads, 10 s at 100 Hz, each lead a wave of its own.
    pub fn record(&self, id: usize) {
        const LEADS: [&str; 12] = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"];
        let sample = |lead: usize, i: usize| ((i * (lead + id)) % 997) as i16 - 400;
        let mut signal = Vec::new();
        for i in 0..1000 {
            for lead in 0..12 {
                signal.extend(sample(lead, i).to_le_bytes());
            }
        }
        let mut header = format!("{id:05}_lr 12 100 1000\n");
        for (lead, name) in LEADS.iter().enumerate() {
            let checksum = (0..1000).fold(0_i16, |sum, i| sum.wrapping_add(sample(lead, i)));
            let first = sample(lead, 0);
            writeln!(header, "{id:05}_lr.dat 16 1000.0(0)/mV 16 0 {first} {checksum} 0 {name}").unwrap();
        }
        fs::create_dir_all(self.path().join("records100/00000")).unwrap();
        fs::write(self.dat(id), signal).unwrap();
        fs::write(self.dat(id).with_extension("hea"), header).unwrap();
    }
}
