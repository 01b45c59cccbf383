//! Defects are told, each on its lead.

use einthoven_signal::measure::{Defect, LeadQuality, quality};
use einthoven_signal::simulate::Condition::*;
use einthoven_signal::{Lead, Record, Source};

use crate::patient;

const PATIENTS: u64 = 12;

/// The quality of a recording whose leads were changed.
fn after(index: u64, change: impl Fn(&mut Vec<Vec<f32>>)) -> Vec<LeadQuality> {
    let ecg = patient(&[NormalEcg], 1.0, 9, index).record;
    let mut rows: Vec<Vec<f32>> = (0..12).map(|lead| ecg.row(lead).to_vec()).collect();
    change(&mut rows);
    quality(&Record::new(Lead::TWELVE.to_vec(), 500.0, rows.concat(), Source::Memory).unwrap())
}

fn swapped(leads: &[LeadQuality]) -> Vec<&Lead> {
    let swapped = leads.iter().filter(|lead| lead.defects.iter().any(|d| matches!(d, Defect::Swapped { .. })));
    swapped.map(|lead| &lead.lead).collect()
}

#[test]
fn careful_recordings_have_nothing_to_complain_of() {
    for index in 0..PATIENTS {
        for lead in after(index, |_| {}) {
            let serious = lead.defects.iter().filter(|d| !matches!(d, Defect::Wander { .. } | Defect::Noisy { .. }));
            assert_eq!(serious.count(), 0, "patient {index}, {}: {:?}", lead.lead, lead.defects);
            assert!(lead.score > 0.5, "patient {index}, {}: {lead:?}", lead.lead);
        }
    }
}

#[test]
fn each_defect_is_told_on_its_lead() {
    let leads = after(1, |rows| {
        rows[6][1000..3000].fill(f32::NAN);
        rows[7][500..].fill(0.2);
        rows[8].iter_mut().for_each(|x| *x = (20.0 * *x).clamp(-5.0, 5.0));
        for (i, x) in rows[9].iter_mut().enumerate() {
            *x += 2.0 * (i as f32 * std::f32::consts::TAU * 0.2 / 500.0).sin();
        }
        let mut state = 7_u32;
        for x in &mut rows[10] {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *x += 1.5 * ((state >> 8) as f32 / (1 << 24) as f32 - 0.5);
        }
    });
    let has = |lead: usize, wanted: fn(&Defect) -> bool| leads[lead].defects.iter().any(wanted);
    assert!(has(6, |d| matches!(d, Defect::Missing { part } if (*part - 0.4).abs() < 1e-9)));
    assert!(has(7, |d| matches!(d, Defect::Flat { part } if *part > 0.85)));
    assert!(has(8, |d| matches!(d, Defect::Saturated { .. })), "{:?}", leads[8]);
    assert!(has(9, |d| matches!(d, Defect::Wander { range_mv } if (2.5..4.5).contains(range_mv))), "{:?}", leads[9]);
    assert!(has(10, |d| matches!(d, Defect::Noisy { .. })), "{:?}", leads[10]);
    assert!(leads[10].score < leads[11].score && leads[7].score < 0.2);
    assert_eq!(leads[7].defects[0].to_string(), "flat for 90 % of the time");
}

#[test]
fn exchanged_arms_are_suspected() {
    let found = (0..PATIENTS).filter(|&index| {
        let leads = after(index, |rows| {
            rows[0].iter_mut().for_each(|x| *x = -*x);
            rows.swap(1, 2);
            rows.swap(3, 4);
        });
        swapped(&leads).contains(&&Lead::I)
    });
    assert!(found.count() as u64 >= PATIENTS * 3 / 4);
}

#[test]
fn exchanged_chest_leads_are_suspected() {
    for (a, b, least) in [(6, 11, 10), (6, 8, 8), (7, 9, 8)] {
        let found = (0..PATIENTS).filter(|&index| {
            let leads = after(index, |rows| rows.swap(a, b));
            swapped(&leads) == [&Lead::TWELVE[a], &Lead::TWELVE[b]]
        });
        let found = found.count();
        assert!(found >= least, "{} and {}: {found}", Lead::TWELVE[a], Lead::TWELVE[b]);
    }
    assert!((0..PATIENTS).all(|index| swapped(&after(index, |_| {})).is_empty()));
}
