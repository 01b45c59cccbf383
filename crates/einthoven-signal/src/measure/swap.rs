//! Electrodes that may have been swapped, told from the typical beat.

use super::analysis::{Analysis, Typical};
use super::numeric::{correlation, mean, samples};
use super::ventricles::line;
use crate::Lead;

/// Lead I and V6 look the same way: with this correlation or a lower one between them, I is upside down.
const UPSIDE_DOWN: f64 = -0.5;
/// Two chest leads are suspected when exchanging them leaves this part of the differences between neighbours, or less …
const SMOOTHER: f64 = 0.8;
/// … and the differences are this large at least, as parts of the leads' energy.
const ROUGH: f64 = 0.15;

const CHEST: [Lead; 6] = [Lead::V1, Lead::V2, Lead::V3, Lead::V4, Lead::V5, Lead::V6];

/// The two leads whose electrodes seem to be exchanged.
pub(super) struct Swap {
    /// Leads that are wrong.
    pub leads: Vec<Lead>,
    /// What seems to be, in words.
    pub reason: String,
}

/// Swaps that the typical beat suggests.
pub(super) fn find(analysis: &Analysis) -> Vec<Swap> {
    let Some(typical) = &analysis.typical else {
        return Vec::new();
    };
    arms(analysis, typical).into_iter().chain(chest(analysis, typical)).collect()
}

/// QRS and T of a lead, from the level before QRS.
fn beat(analysis: &Analysis, typical: &Typical, lead: &Lead) -> Option<Vec<f64>> {
    let index = analysis.signal.index(lead).filter(|&i| analysis.conditions[i].is_usable())?;
    let qrs = typical.qrs?;
    let row = &typical.rows[index];
    let level = mean(&row[line(qrs.onset)])?;
    let end = typical.t.map_or(qrs.offset + samples(200.0), |t| t.offset).min(row.len());
    Some(row[qrs.onset..end].iter().map(|x| x - level).collect())
}

/// Right and left arm: lead I is upside down, the P wave in it too if there is one.
fn arms(analysis: &Analysis, typical: &Typical) -> Option<Swap> {
    let one = beat(analysis, typical, &Lead::I)?;
    let lateral = beat(analysis, typical, &Lead::V6)?;
    let index = analysis.signal.index(&Lead::I)?;
    let downward = typical.p.is_none_or(|p| {
        let row = &typical.rows[index];
        let level = (row[p.onset] + row[p.offset]) / 2.0;
        mean(&row[p.onset..=p.offset]).is_some_and(|height| height < level)
    });
    (downward && correlation(&one, &lateral) <= UPSIDE_DOWN).then(|| Swap {
        leads: vec![Lead::I, Lead::II, Lead::III, Lead::AVR, Lead::AVL],
        reason: "lead I is upside down against V6: right and left arm may be exchanged".to_owned(),
    })
}

/// Two chest electrodes: neighbours look more alike when their leads are exchanged.
fn chest(analysis: &Analysis, typical: &Typical) -> Option<Swap> {
    let beats: Vec<Vec<f64>> = CHEST.iter().map(|lead| beat(analysis, typical, lead)).collect::<Option<_>>()?;
    let order = [0, 1, 2, 3, 4, 5];
    let before = roughness(&beats, &order);
    let pairs = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b)));
    let swaps = pairs.map(|(a, b)| {
        let mut swapped = order;
        swapped.swap(a, b);
        (a, b, roughness(&beats, &swapped))
    });
    let (a, b, after) = swaps.min_by(|x, y| x.2.total_cmp(&y.2))?;
    (before >= ROUGH && after <= SMOOTHER * before).then(|| Swap {
        leads: vec![CHEST[a].clone(), CHEST[b].clone()],
        reason: format!("{} and {} would fit their neighbours better if they were exchanged", CHEST[a], CHEST[b]),
    })
}

/// The differences between neighbours, as parts of their energy.
fn roughness(beats: &[Vec<f64>], order: &[usize; 6]) -> f64 {
    let difference = |a: &[f64], b: &[f64]| {
        let (apart, energy) = a
            .iter()
            .zip(b)
            .fold((0.0, 0.0), |(apart, energy), (x, y)| (apart + (x - y) * (x - y), energy + x * x + y * y));
        if energy > 0.0 { apart / energy } else { 0.0 }
    };
    order.windows(2).map(|pair| difference(&beats[pair[0]], &beats[pair[1]])).sum()
}
