//! Real recordings: heart rates against another program's, measurements against the statements of cardiologists.

use std::collections::HashMap;

use einthoven_signal::measure::{Measurements, measure};
use einthoven_signal::open;

use crate::common::{data, python::python};

/// Rates that differ by no more are the same, beats per minute.
const SAME: f64 = 3.0;

/// A record of the sample.
struct Measured {
    id: String,
    /// SCP-ECG codes.
    codes: Vec<String>,
    measured: Measurements,
}

impl Measured {
    fn is(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }
}

/// All records of the sample, measured at 500 Hz.
fn sample() -> Option<Vec<Measured>> {
    let folder = data()?.join("ptbxl-sample");
    let mut table = csv::Reader::from_path(folder.join("ptbxl_database.csv")).unwrap();
    let head = table.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    let (id, codes, file) = (column("ecg_id"), column("scp_codes"), column("filename_hr"));
    let records = table.records().map(|row| {
        let row = row.unwrap();
        let record = open(&folder.join(format!("{}.hea", &row[file]))).unwrap();
        // A Python dictionary: {'NORM': 100.0, 'SR': 0.0}.
        let codes = row[codes].split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        Measured { id: row[id].to_owned(), codes, measured: measure(&record).unwrap() }
    });
    Some(records.collect())
}

#[test]
fn heart_rates_are_those_of_neurokit2() {
    let Some(folder) = data().map(|data| data.join("ptbxl-sample")) else { return };
    let script = include_str!("neurokit_rates.py");
    let Some(text) = python("neurokit2, numpy", script, [&folder]) else { return };
    let mut rates = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rates: HashMap<String, [Option<f64>; 2]> = rates
        .records()
        .map(|row| {
            let row = row.unwrap();
            (row[0].to_owned(), [row[1].parse().ok(), row[2].parse().ok()])
        })
        .collect();
    let records = sample().unwrap();
    let own = |record: &Measured| record.measured.rate.heart_rate;
    let agree = |which: usize| {
        let same = |record: &&Measured| {
            let pair = own(record).zip(rates[&record.id][which]);
            pair.is_some_and(|(a, b)| (a - b).abs() <= SAME)
        };
        records.iter().filter(same).count()
    };
    let (second, all) = (agree(0), agree(1));
    let itself = rates.values().filter(|[a, b]| a.zip(*b).is_some_and(|(a, b)| (a - b).abs() <= SAME)).count();
    println!("within {SAME} beats per minute, of {} records:", records.len());
    println!("  neurokit2's median of all leads  {all}");
    println!("  neurokit2's lead II              {second}");
    println!("  neurokit2's lead II and median   {itself}");
    for record in &records {
        let [second, all] = rates[&record.id];
        if own(record).zip(all).is_none_or(|(a, b)| (a - b).abs() > SAME) {
            println!("  record {}: {:.1?}, neurokit2 {all:.1?}, in lead II {second:.1?}", record.id, own(record));
        }
    }
    assert!(all as f64 >= 0.95 * records.len() as f64, "{all} of {}", records.len());
}

/// A statement against a measurement: how many have both, only one, none.
fn confusion(records: &[Measured], codes: &[&str], rule: &str, holds: impl Fn(&Measurements) -> bool) -> [usize; 4] {
    let mut counts = [0; 4];
    for record in records {
        counts[2 * usize::from(!record.is(codes)) + usize::from(!holds(&record.measured))] += 1;
    }
    let [both, only_stated, only_measured, neither] = counts;
    println!("{:<14} {rule:<26} {both:>5} {only_stated:>7} {only_measured:>9} {neither:>8}", codes.join(" or "));
    for record in records.iter().filter(|record| record.is(codes) && !holds(&record.measured)) {
        let Measurements { rate, rhythm, intervals, .. } = &record.measured;
        println!(
            "    record {}: {:.0?}/min, PR {:?}, QRS {:?}, irregularity {:.3?}, P likeness {:.2?}, {:?}",
            record.id,
            rate.heart_rate,
            intervals.pr_ms,
            intervals.qrs_ms,
            rhythm.irregularity,
            rhythm.p_likeness,
            record.codes
        );
    }
    counts
}

#[test]
fn measurements_agree_with_statements() {
    let Some(records) = sample() else { return };
    println!("statement      measurement                 both  stated  measured  neither");
    let rate = |m: &Measurements| m.rate.heart_rate.unwrap_or_default();
    let block = confusion(&records, &["1AVB"], "PR > 200 ms", |m| m.intervals.pr_ms.is_some_and(|pr| pr > 200.0));
    let slow = confusion(&records, &["SBRAD"], "rate < 60/min", |m| rate(m) < 60.0);
    let fast = confusion(&records, &["STACH"], "rate > 100/min", |m| rate(m) > 100.0);
    let wide = confusion(&records, &["CLBBB", "CRBBB"], "QRS >= 120 ms", |m| {
        m.intervals.qrs_ms.is_some_and(|qrs| qrs >= 120.0)
    });
    let fibrillation = confusion(&records, &["AFIB"], "irregular and without P", |m| m.rhythm.fibrillation_like);
    // What a cardiologist stated is measured in most cases; what is not stated is seldom measured. Readers state a slow
    // rate in some recordings only, so that the second is not asked of it.
    for [both, stated, ..] in [block, slow, fast, wide, fibrillation] {
        assert!(both as f64 >= 0.7 * (both + stated) as f64, "{both} of {}", both + stated);
    }
    for [_, _, measured, neither] in [block, fast, wide, fibrillation] {
        assert!(measured as f64 <= 0.1 * (measured + neither) as f64, "{measured} of {}", measured + neither);
    }
}

#[test]
fn normal_recordings_have_normal_intervals() {
    let Some(records) = sample() else { return };
    let normal: Vec<&Measured> = records.iter().filter(|record| record.is(&["NORM"])).collect();
    let quartiles = |value: fn(&Measurements) -> Option<f64>| {
        let mut values: Vec<f64> = normal.iter().filter_map(|record| value(&record.measured)).collect();
        values.sort_by(f64::total_cmp);
        assert!(values.len() * 100 >= normal.len() * 98, "{} of {}", values.len(), normal.len());
        [0.25, 0.5, 0.75].map(|part| values[(part * values.len() as f64) as usize])
    };
    let qrs = quartiles(|m| m.intervals.qrs_ms);
    let pr = quartiles(|m| m.intervals.pr_ms);
    let qtc = quartiles(|m| m.intervals.qtc_fridericia_ms);
    println!("normal recordings: QRS {qrs:?}, PR {pr:?}, QTc {qtc:?} ms");
    // Medians of healthy adults: QRS 90, PR 154, QTc 400 to 410 ms (Mason et al., J. Electrocardiol. 40:228, 2007).
    assert!((82.0..98.0).contains(&qrs[1]) && (145.0..172.0).contains(&pr[1]) && (380.0..420.0).contains(&qtc[1]));
}
