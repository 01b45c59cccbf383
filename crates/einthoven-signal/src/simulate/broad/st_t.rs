//! ST segments and T waves.

use super::super::condition::Condition::{self, *};
use super::super::dice::Dice;
use super::super::morphology;
use super::super::torso::{INDEPENDENT, Torso};
use super::super::wave::Wave;
use super::patient::Patient;
use super::view::{PRECORDIAL, View};
use super::{I, II, Leads, V1, V2, V3, V4, V5, V6};
use crate::Sex;

/// Typical T waves of healthy adults, mV.
const T: Leads = [0.23, 0.27, 0.06, 0.44, 0.47, 0.42, 0.35, 0.27];

/// Typical levels of the ST segment of healthy adults, mV.
const ST: Leads = [0.015, 0.015, 0.025, 0.075, 0.05, 0.025, 0.012, 0.006];

/// ST segment and T wave while they are changed.
struct Recovery {
    st: Leads,
    t: Leads,
    /// Height of a U wave against the typical T wave.
    u: f64,
    /// Breadth of the T wave against the typical one.
    breadth: f64,
}

/// The waves of recovery after a QRS complex of `width` seconds; T ends `qt` seconds after its onset.
pub(super) fn recovery(
    conditions: &[Condition],
    patient: &Patient,
    qrs: &[Wave<INDEPENDENT>],
    width: f64,
    qt: f64,
    torso: &Torso,
    dice: &mut Dice,
) -> Vec<Wave<INDEPENDENT>> {
    let mut recovery = Recovery::healthy(conditions, patient, torso, dice);
    let view = View::of(qrs, width);
    recovery.follow(conditions, &view, width, dice);
    recovery.scar(conditions, patient, dice);
    recovery.strain(conditions, dice);
    recovery.change(conditions, dice);
    recovery.describe(conditions, &view, dice);
    let Recovery { st, t, u, breadth } = recovery;
    let roundness = (1.6 + 0.2 * dice.normal(0.0, 1.0)) * breadth;
    let mut waves: Vec<_> = morphology::recovery(st, t, width, qt, roundness).into();
    if u > 0.0 {
        let jt = qt - width;
        waves.push(Wave::new(T.map(|lead| u * lead), qt + 0.12 * jt, 0.11 * jt));
    }
    waves
}

/// ST and T that point away from a wide QRS complex.
pub(super) fn discordant(qrs: &[Wave<INDEPENDENT>], width: f64, qt: f64, dice: &mut Dice) -> [Wave<INDEPENDENT>; 2] {
    let net = net(&View::of(qrs, width));
    let share = dice.uniform(0.28, 0.45);
    morphology::recovery(net.map(|x| -0.1 * x), net.map(|x| -share * x), width, qt, 1.4)
}

/// R less S of the eight independent leads.
fn net(view: &View) -> Leads {
    [0, 1, 6, 7, 8, 9, 10, 11].map(|lead| view.net(lead))
}

impl Recovery {
    fn healthy(conditions: &[Condition], patient: &Patient, torso: &Torso, dice: &mut Dice) -> Self {
        let normal = conditions.contains(&NormalEcg);
        let youth = (1.0 - 0.004 * (f64::from(patient.age) - 50.0)).clamp(0.8, 1.15);
        let (front, early) = match patient.sex {
            Sex::Female => (0.76, 0.6),
            Sex::Male => (1.2, 1.3),
        };
        let size = youth * (0.27 * dice.normal(0.0, 1.0)).exp() * if normal { 1.0 } else { 0.9 };
        let chest = (0.2 * dice.normal(0.0, 1.0)).exp() * front;
        let aside = torso.project(&[0.04, 0.035, 0.07].map(|axis| axis * dice.normal(0.0, 1.0)));
        let early = early * youth * (0.55 * dice.normal(0.0, 1.0)).exp();
        let mut t = T;
        let mut st = ST;
        for lead in 0..INDEPENDENT {
            t[lead] = t[lead] * size * if (V1..=V4).contains(&lead) { chest } else { 1.0 } + aside[lead];
            st[lead] = st[lead] * early + 0.008 * dice.normal(0.0, 1.0);
        }
        // What no reader would remark on.
        for (lead, least) in [(I, 0.09), (II, 0.12), (V2, 0.06), (V3, 0.13), (V4, 0.14), (V5, 0.13), (V6, 0.11)] {
            t[lead] = t[lead].max(least * dice.uniform(1.0, 1.3));
        }
        Self { st, t, u: 0.0, breadth: 1.0 }
    }

    /// T follows a QRS complex that is not activated in order.
    fn follow(&mut self, conditions: &[Condition], view: &View, width: f64, dice: &mut Dice) {
        let has = |condition| conditions.contains(&condition);
        let net = net(view);
        let (keep, share, lift) = if has(LeftBundleBranchBlock) || has(Pacemaker) {
            (0.1, dice.uniform(0.26, 0.4), 0.10)
        } else if has(ThirdDegreeAvBlock) && width > 0.12 {
            (0.2, dice.uniform(0.25, 0.4), 0.08)
        } else if has(IncompleteLeftBundleBranchBlock) {
            (0.55, dice.uniform(0.05, 0.2), 0.04)
        } else if has(WolffParkinsonWhite) {
            (0.5, dice.uniform(0.08, 0.32), 0.06)
        } else if has(IntraventricularConductionDisturbance) {
            (0.7, dice.uniform(0.0, 0.18), 0.03)
        } else {
            (1.0, 0.0, 0.0)
        };
        for (lead, net) in net.into_iter().enumerate() {
            self.t[lead] = keep * self.t[lead] - share * net;
            self.st[lead] = keep * self.st[lead] - lift * net;
        }
        if has(LeftBundleBranchBlock) {
            for lead in [I, V6] {
                self.t[lead] = self.t[lead].min(-0.05);
            }
            self.t[V1] = self.t[V1].max(0.15);
        }
        if has(RightBundleBranchBlock) {
            (self.t[V1], self.t[V2]) = (-dice.uniform(0.1, 0.28), dice.uniform(-0.22, 0.1));
            self.t[V3] *= dice.uniform(0.1, 1.0);
            self.st[V1] -= 0.03;
        }
        if has(IncompleteRightBundleBranchBlock) {
            self.t[V1] = -dice.uniform(0.02, 0.18);
            self.t[V2] *= dice.uniform(0.0, 1.0);
        }
        if has(RightVentricularHypertrophy) {
            (self.t[V1], self.t[V2]) = (-dice.uniform(0.08, 0.3), -dice.uniform(-0.1, 0.28));
            self.t[V3] *= dice.uniform(-0.4, 1.0);
        }
    }

    /// Infarcts: mostly old, T waves low or inverted over the scar and low elsewhere.
    fn scar(&mut self, conditions: &[Condition], patient: &Patient, dice: &mut Dice) {
        let has = |condition| conditions.contains(&condition);
        let (mut inferior, mut lateral, mut posterior) =
            (has(InferiorInfarction), has(LateralInfarction), has(PosteriorInfarction));
        inferior |=
            has(InferolateralInfarction) || has(InferoposteriorInfarction) || has(InferoposterolateralInfarction);
        lateral |= has(InferolateralInfarction) || has(InferoposterolateralInfarction) || has(AnterolateralInfarction);
        posterior |= has(InferoposteriorInfarction) || has(InferoposterolateralInfarction);
        let anterior: &[usize] = if has(AnteroseptalInfarction) {
            &[V1, V2, V3]
        } else if has(AnteriorInfarction) {
            &[V2, V3, V4]
        } else if has(AnterolateralInfarction) {
            &[V3, V4, V5]
        } else {
            &[]
        };
        if !(inferior || lateral || posterior || !anterior.is_empty()) {
            return;
        }
        let general = dice.uniform(0.35, 1.0);
        for lead in [I, II, V4, V5, V6] {
            self.t[lead] *= general;
        }
        let inverted = dice.chance(0.3);
        if inferior {
            self.t[II] = if inverted { -dice.uniform(0.0, 0.2) } else { self.t[II] * dice.uniform(0.5, 1.0) };
        }
        if lateral {
            for lead in [I, V5, V6] {
                self.t[lead] = if inverted { -dice.uniform(0.02, 0.25) } else { self.t[lead] * dice.uniform(0.2, 0.8) };
            }
        }
        if posterior {
            self.t[V2] += dice.uniform(0.05, 0.25);
            self.st[V2] -= 0.04;
        }
        let depth = dice.uniform(0.05, 0.35);
        for &lead in anterior {
            self.t[lead] =
                if inverted { -depth * dice.uniform(0.3, 1.2) } else { self.t[lead] * dice.uniform(0.5, 1.1) };
            self.st[lead] += dice.uniform(0.0, 0.07);
        }
        if patient.acute {
            let size = dice.uniform(0.12, 0.4);
            if inferior {
                self.raise(&[(II, 1.0), (I, -0.3), (V2, -0.3)], size);
            }
            if lateral {
                self.raise(&[(I, 0.6), (V5, 0.8), (V6, 0.8), (II, 0.1)], size);
            }
            if posterior {
                self.raise(&[(V1, -0.5), (V2, -0.8), (V3, -0.5)], size);
            }
            for &lead in anterior {
                self.raise(&[(lead, 1.2)], size);
            }
        }
    }

    /// Thick muscle: in half of the hearts ST and T point away from the left.
    fn strain(&mut self, conditions: &[Condition], dice: &mut Dice) {
        let has = |condition| conditions.contains(&condition);
        if has(LeftVentricularHypertrophy) && dice.chance(0.55) {
            let size = dice.uniform(0.3, 1.3);
            self.lower(&[(I, 0.08), (II, 0.05), (V4, 0.04), (V5, 0.12), (V6, 0.12)], size);
            self.raise(&[(V1, 0.06), (V2, 0.08), (V3, 0.05)], size);
            for (lead, depth) in [(I, 0.15), (V5, 0.26), (V6, 0.24)] {
                self.t[lead] = 0.3 * self.t[lead] - depth * size;
            }
            self.t[II] *= 1.0 - 0.6 * size;
            self.t[V4] *= 1.0 - 0.6 * size;
            self.t[V1] += 0.12 * size;
        }
    }

    /// Changes of ST and T with a cause.
    fn change(&mut self, conditions: &[Condition], dice: &mut Dice) {
        let depth = dice.uniform(0.1, 0.4);
        let flat = dice.uniform(0.25, 0.5);
        let sag = dice.uniform(0.7, 1.4);
        for condition in conditions {
            match condition {
                NonDiagnosticTWave => {
                    self.flatten(flat + 0.1);
                    self.flatten_left(0.8);
                    self.lower(&[(I, 0.02), (II, 0.015), (V4, 0.02), (V5, 0.03), (V6, 0.025)], 1.0);
                }
                NonSpecificStChange => {
                    self.level(&[I, II, V3, V4, V5, V6]);
                    self.flatten(flat + 0.1);
                    self.lower(&[(I, 0.05), (II, 0.04), (V3, 0.03), (V4, 0.05), (V5, 0.06), (V6, 0.055)], sag);
                    self.sink(&[I, II, V4, V5, V6]);
                }
                Digitalis => {
                    self.level(&[I, II, V4, V5, V6]);
                    self.flatten(flat + 0.15);
                    self.lower(&[(I, 0.06), (II, 0.05), (V4, 0.05), (V5, 0.085), (V6, 0.085)], sag);
                    self.sink(&[I, II, V4, V5, V6]);
                    self.breadth = 0.8;
                }
                LongQt => self.breadth = 1.25,
                Aneurysm => {
                    let size = dice.uniform(0.13, 0.4);
                    self.raise(&[(V1, 0.5), (V2, 1.0), (V3, 1.0), (V4, 0.7), (I, -0.1)], size);
                    self.t[V3] *= dice.uniform(-0.6, 1.0);
                    self.t[V4] *= dice.uniform(-0.6, 0.6);
                    self.flatten_left(0.4);
                }
                Electrolytes => {
                    if dice.chance(0.75) {
                        self.flatten(flat);
                        self.lower(&[(I, 0.03), (II, 0.04), (V3, 0.04), (V4, 0.06), (V5, 0.06), (V6, 0.04)], sag);
                        self.u = dice.uniform(0.15, 0.4);
                    } else {
                        self.t = self.t.map(|t| 1.9 * t);
                        self.breadth = 0.6;
                    }
                }
                Ischaemia => {
                    self.lower(&[(I, 0.07), (II, 0.07), (V3, 0.03), (V4, 0.09), (V5, 0.12), (V6, 0.10)], sag);
                    let down = dice.uniform(-0.3, 0.9);
                    for lead in [I, II, V4, V5, V6] {
                        self.t[lead] = 0.3 * self.t[lead] - 0.7 * depth * down;
                    }
                    self.t[V3] *= flat + 0.2;
                    self.sink(&[I, II, V4, V5, V6]);
                }
                AnterolateralIschaemia => self.invert(&[(I, 0.7), (V3, 0.2), (V4, 1.0), (V5, 1.2), (V6, 0.9)], depth),
                InferiorIschaemia => self.invert(&[(II, 0.9)], depth),
                InferolateralIschaemia => self.invert(&[(II, 0.8), (V5, 0.8), (V6, 0.9)], depth),
                AnteroseptalIschaemia => self.invert(&[(V1, 0.6), (V2, 1.2), (V3, 1.2), (V4, 0.3)], depth),
                AnteriorIschaemia => self.invert(&[(V2, 0.9), (V3, 1.2), (V4, 1.1), (V5, 0.3)], depth),
                LateralIschaemia => self.invert(&[(I, 0.8), (V5, 0.5), (V6, 0.8)], depth),
                AnteroseptalInjury => self.injure(&[(V1, 0.7), (V2, 1.1), (V3, 1.1), (V4, 0.8)], sag),
                AnterolateralInjury => self.injure(&[(I, 0.6), (V3, 0.7), (V4, 1.0), (V5, 1.1), (V6, 0.9)], sag),
                InferiorInjury => self.injure(&[(II, 1.0)], sag),
                InferolateralInjury => self.injure(&[(II, 0.9), (V5, 1.0), (V6, 1.0)], sag),
                LateralInjury => self.injure(&[(I, 0.8), (V5, 0.9), (V6, 1.0)], sag),
                NonSpecificStElevation => {
                    let size = dice.uniform(0.12, 0.3);
                    self.raise(&[(II, 0.3), (V2, 1.0), (V3, 1.0), (V4, 0.8), (V5, 0.3)], size);
                }
                _ => {}
            }
        }
        // III and aVF follow II where I does not go along.
        if conditions.iter().any(|c| matches!(c, InferiorIschaemia | InferolateralIschaemia)) {
            self.t[I] = self.t[I].max(0.03);
        }
        if conditions.contains(&LateralIschaemia) {
            self.t[II] = self.t[II].max(0.03);
        }
    }

    /// What is said of the form alone holds as well.
    fn describe(&mut self, conditions: &[Condition], view: &View, dice: &mut Dice) {
        const WALLS: [&[(usize, f64)]; 3] =
            [&[(V2, 0.9), (V3, 1.2), (V4, 1.0)], &[(I, 0.7), (V4, 0.8), (V5, 1.0), (V6, 0.8)], &[(II, 0.8), (V6, 0.5)]];
        for condition in conditions {
            match condition {
                InvertedTWaves => self.invert(WALLS[dice.below(3)], dice.uniform(0.1, 0.35)),
                TWaveAbnormality => {
                    self.flatten(dice.uniform(0.25, 0.5));
                    self.invert(WALLS[dice.below(3)], dice.uniform(0.06, 0.2));
                }
                LowTWaves => {
                    self.t[V2] *= 0.45;
                    self.t[V3] *= 0.35;
                    self.t[V4] *= 0.3;
                    for lead in [I, II, V5, V6] {
                        self.t[lead] = dice.uniform(0.02, 0.08);
                        self.st[lead] = self.st[lead].clamp(-0.04, 0.02);
                    }
                }
                NonSpecificTWaveChange => {
                    let share = dice.uniform(0.03, 0.085);
                    for (lead, of_twelve) in
                        [(I, 0), (II, 1), (V4, PRECORDIAL + 3), (V5, PRECORDIAL + 4), (V6, PRECORDIAL + 5)]
                    {
                        self.t[lead] = self.t[lead].min(share * view.r(of_twelve).max(0.3));
                    }
                    self.t[V3] *= 0.6;
                }
                NonSpecificStDepression => {
                    let depth = dice.uniform(0.075, 0.17);
                    for (lead, share) in [(I, 0.6), (II, 0.7), (V4, 0.9), (V5, 1.1), (V6, 1.0)] {
                        self.st[lead] = self.st[lead].min(-depth * share);
                        self.t[lead] *= 0.7;
                    }
                    self.sink(&[I, II, V4, V5, V6]);
                }
                _ => {}
            }
        }
    }

    fn flatten(&mut self, factor: f64) {
        self.t = self.t.map(|t| factor * t);
    }

    /// Flattens T over the left ventricle alone.
    fn flatten_left(&mut self, factor: f64) {
        for lead in [I, V4, V5, V6] {
            self.t[lead] *= factor;
        }
    }

    /// Takes early repolarisation away.
    fn level(&mut self, leads: &[usize]) {
        for &lead in leads {
            self.st[lead] = self.st[lead].min(0.005);
        }
    }

    fn lower(&mut self, leads: &[(usize, f64)], size: f64) {
        for &(lead, share) in leads {
            self.st[lead] -= share * size;
        }
    }

    /// Keeps depressed segments from rising on the foot of an upright T wave.
    fn sink(&mut self, leads: &[usize]) {
        for &lead in leads {
            self.st[lead] -= 0.3 * self.t[lead].max(0.0);
        }
    }

    fn raise(&mut self, leads: &[(usize, f64)], size: f64) {
        for &(lead, share) in leads {
            self.st[lead] += share * size;
        }
    }

    fn invert(&mut self, leads: &[(usize, f64)], depth: f64) {
        self.flatten(0.75);
        for &(lead, share) in leads {
            self.t[lead] = self.t[lead].min(-depth * share).min(-0.06 - self.st[lead].max(0.0));
            self.st[lead] = self.st[lead].min(0.04) - 0.02;
        }
    }

    /// Subendocardial injury: ST depression of 0.1 mV and more.
    fn injure(&mut self, leads: &[(usize, f64)], size: f64) {
        self.flatten(0.7);
        for &(lead, share) in leads {
            self.st[lead] = -0.11 - 0.12 * share * size;
            self.t[lead] *= 0.6;
        }
    }
}
