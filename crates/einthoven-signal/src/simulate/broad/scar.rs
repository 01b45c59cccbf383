//! What dead muscle does to QRS: Q waves, lost R waves, and the mirror image of those in front of the back wall.

use super::super::condition::Condition::{self, *};
use super::super::dice::Dice;
use super::super::torso::INDEPENDENT;
use super::super::wave::Wave;
use super::view::{AVF, LEAD_I, LEAD_II, LEAD_III, PRECORDIAL, View};
use super::{I, II, V1, V2, V3, V6};

/// Depth (mV) and duration (s) of a Q wave of the limb leads.
const LIMB_Q: (f64, f64) = (0.11, 0.032);

/// Walls that an infarct of this name has killed.
struct Walls {
    inferior: bool,
    lateral: bool,
    posterior: bool,
    /// Precordial leads in front of the dead anterior wall, 0 is V1.
    anterior: Option<(usize, usize)>,
}

fn walls(conditions: &[Condition]) -> Walls {
    let has = |condition| conditions.contains(&condition);
    let anterior = [(AnteroseptalInfarction, (0, 2)), (AnteriorInfarction, (1, 3)), (AnterolateralInfarction, (2, 4))];
    Walls {
        inferior: has(InferiorInfarction)
            || has(InferolateralInfarction)
            || has(InferoposteriorInfarction)
            || has(InferoposterolateralInfarction),
        lateral: has(LateralInfarction) || has(InferolateralInfarction) || has(InferoposterolateralInfarction),
        posterior: has(PosteriorInfarction) || has(InferoposteriorInfarction) || has(InferoposterolateralInfarction),
        anterior: anterior.into_iter().find(|(condition, _)| has(*condition)).map(|(_, leads)| leads),
    }
}

/// Changes a complex as these infarcts do.
pub(super) fn draw(conditions: &[Condition], waves: &mut Vec<Wave<INDEPENDENT>>, width: f64, dice: &mut Dice) {
    let walls = walls(conditions);
    if let Some((first, last)) = walls.anterior {
        anterior(first, last, waves, width, dice);
    }
    if conditions.contains(&AnterolateralInfarction) {
        weaken(waves, I, dice.uniform(0.5, 0.9));
        if dice.chance(0.5) {
            ensure_q(&[LEAD_I], 0.08, 0.032, waves, width);
        }
    }
    if walls.lateral {
        let inferior = walls.inferior;
        weaken(waves, V6, dice.uniform(0.4, 0.8));
        let leads: &[usize] = if inferior { &[PRECORDIAL + 5] } else { &[LEAD_I, PRECORDIAL + 5] };
        if !inferior {
            weaken(waves, I, dice.uniform(0.4, 0.8));
        }
        ensure_q(leads, dice.uniform(0.11, 0.2), 0.032, waves, width);
    }
    if walls.posterior {
        posterior(waves, width, dice);
    }
    if walls.inferior {
        inferior(waves, width, dice);
    } else if conditions.contains(&QWaves) && walls.anterior.is_none() && !walls.lateral {
        if dice.chance(0.6) {
            inferior(waves, width, dice);
        } else {
            ensure_q(&[PRECORDIAL + 4, PRECORDIAL + 5], dice.uniform(0.11, 0.2), 0.032, waves, width);
        }
    }
}

/// Makes R waves of one lead smaller.
fn weaken(waves: &mut [Wave<INDEPENDENT>], lead: usize, factor: f64) {
    for wave in waves {
        if wave.vector[lead] > 0.0 {
            wave.vector[lead] *= factor;
        }
    }
}

/// Deepens Q waves of I and precordial leads (as of twelve) to `depth` mV and `duration` seconds.
pub(super) fn ensure_q(leads: &[usize], depth: f64, duration: f64, waves: &mut Vec<Wave<INDEPENDENT>>, width: f64) {
    waves.push(Wave::new([0.0; INDEPENDENT], 0.24 * width, 0.085 * width));
    let scar = waves.len() - 1;
    for _ in 0..60 {
        let view = View::of(waves, width);
        let mut done = true;
        for &lead in leads {
            let (found, lasted) = view.q(lead);
            if found < depth || lasted < duration {
                done = false;
                // The precordial leads follow I and II among the eight independent ones.
                let lead = if lead < PRECORDIAL { lead } else { lead - PRECORDIAL + V1 };
                waves[scar].vector[lead] -= 0.03;
                weaken(waves, lead, 0.96);
            }
        }
        if done {
            return;
        }
    }
}

/// Q waves in at least two of II, III and aVF, in a fifth of the hearts in all three.
fn inferior(waves: &mut Vec<Wave<INDEPENDENT>>, width: f64, dice: &mut Dice) {
    let wanted = if dice.chance(0.2) { 3 } else { 2 };
    let more = dice.uniform(1.0, 1.4);
    waves.push(Wave::new([0.0; INDEPENDENT], 0.21 * width, 0.085 * width));
    let scar = waves.len() - 1;
    for _ in 0..80 {
        let view = View::of(waves, width);
        let seen = [LEAD_II, LEAD_III, AVF].into_iter().filter(|&lead| {
            let (depth, duration) = view.q(lead);
            depth >= more * LIMB_Q.0 && duration >= LIMB_Q.1
        });
        if seen.count() >= wanted {
            return;
        }
        // I is pushed up while II is pulled down: III and aVF are pulled down by more.
        waves[scar].vector[II] -= 0.03;
        waves[scar].vector[I] += 0.012;
        weaken(waves, II, 0.97);
    }
}

/// QS complexes, or R waves that do not grow, from one precordial lead to another (0 is V1).
fn anterior(first: usize, last: usize, waves: &mut Vec<Wave<INDEPENDENT>>, width: f64, dice: &mut Dice) {
    let full = dice.chance(0.5);
    if full {
        // The middle leads have Q waves, those at the border perhaps.
        let from = if dice.chance(0.5) { first } else { first.max(1) };
        let leads: Vec<usize> = (from..=last).map(|lead| PRECORDIAL + lead).collect();
        ensure_q(&leads, dice.uniform(0.12, 0.3), 0.032, waves, width);
    } else {
        let left = dice.uniform(0.04, 0.18);
        for lead in first..=last {
            let most = left * (1.0 + 0.5 * (lead - first) as f64);
            for _ in 0..40 {
                if View::of(waves, width).r(PRECORDIAL + lead) <= most {
                    break;
                }
                weaken(waves, V1 + lead, 0.85);
            }
        }
    }
    // Behind the border R waves come back slowly.
    if last < 5 {
        weaken(waves, V1 + last + 1, dice.uniform(0.25, 0.9));
    }
}

/// R waves larger than S waves in V2.
fn posterior(waves: &mut Vec<Wave<INDEPENDENT>>, width: f64, dice: &mut Dice) {
    let size = dice.uniform(0.8, 1.2);
    let mut leads = [0.0; INDEPENDENT];
    (leads[V1], leads[V2], leads[V3]) = (0.28 * size, 0.42 * size, 0.25 * size);
    waves.push(Wave::new(leads, 0.45 * width, 0.12 * width));
    let last = waves.len() - 1;
    for _ in 0..40 {
        let view = View::of(waves, width);
        if view.r(PRECORDIAL + 1) > 1.1 * view.s(PRECORDIAL + 1) {
            return;
        }
        for wave in waves.iter_mut() {
            for lead in [V1, V2] {
                if wave.vector[lead] < 0.0 {
                    wave.vector[lead] *= 0.9;
                }
            }
        }
        waves[last].vector[V2] += 0.02;
    }
}
