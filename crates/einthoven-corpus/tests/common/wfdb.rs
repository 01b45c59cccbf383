//! Small WFDB records.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes a record of 12 leads, 10 s at 100 Hz, as the challenge does (16-bit samples in a `.mat` behind 24 bytes), or with a
/// `.dat` file; `comments` end its header.
pub fn write(folder: &Path, name: &str, extension: &str, comments: &str) {
    const LEADS: [&str; 12] = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
    let sample = |lead: usize, i: usize| ((i * (lead + name.len())) % 997) as i16 - 400;
    let (mut signal, format) = if extension == "mat" { (vec![0; 24], "16x1+24") } else { (Vec::new(), "16") };
    for i in 0..1000 {
        for lead in 0..12 {
            signal.extend(sample(lead, i).to_le_bytes());
        }
    }
    let mut header = format!("{name} 12 100 1000\n");
    for (lead, description) in LEADS.iter().enumerate() {
        let checksum = (0..1000).fold(0_i16, |sum, i| sum.wrapping_add(sample(lead, i)));
        let first = sample(lead, 0);
        writeln!(header, "{name}.{extension} {format} 1000.0(0)/mV 16 0 {first} {checksum} 0 {description}").unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(format!("{name}.{extension}")), signal).unwrap();
    fs::write(folder.join(format!("{name}.hea")), header + comments).unwrap();
}
