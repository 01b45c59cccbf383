//! Axis, blocks, Q waves, voltage.

use einthoven_signal::simulate::Condition::*;

use crate::beat::*;
use crate::patients;

#[test]
fn fascicular_blocks_turn_the_axis() {
    for ecg in patients(&[LeftAnteriorFascicularBlock]) {
        let beat = Beat::of(&ecg);
        assert!(beat.axis() < -45.0 && beat.axis() > -90.0, "{}", beat.axis());
        assert!(beat.s(II) > beat.r(II) && beat.s(III) > beat.r(III));
        assert!(ecg.truth.qrs_ms < 120.0);
    }
    for ecg in patients(&[LeftPosteriorFascicularBlock]) {
        let beat = Beat::of(&ecg);
        assert!(beat.axis() > 90.0, "{}", beat.axis());
        assert!(beat.s(I) > beat.r(I) && beat.r(III) > beat.s(III));
    }
}

#[test]
fn bundle_branch_blocks_have_their_widths_and_shapes() {
    for (condition, narrowest, widest, least) in
        [(IncompleteRightBundleBranchBlock, 100.0, 120.0, 0.07), (RightBundleBranchBlock, 120.0, 170.0, 0.2)]
    {
        for ecg in patients(&[condition]) {
            let beat = Beat::of(&ecg);
            assert!((narrowest..widest).contains(&ecg.truth.qrs_ms));
            assert!(beat.late_r(V1) > least, "{condition}: {}", beat.late_r(V1));
            assert!(beat.s(I) > 0.05 && beat.s(V6) > 0.06, "{condition}: {} {}", beat.s(I), beat.s(V6));
        }
    }
    for (condition, narrowest, widest) in
        [(IncompleteLeftBundleBranchBlock, 100.0, 120.0), (LeftBundleBranchBlock, 120.0, 180.0)]
    {
        for ecg in patients(&[condition]) {
            let beat = Beat::of(&ecg);
            assert!((narrowest..widest).contains(&ecg.truth.qrs_ms));
            assert!(beat.q(V6).0 < 0.04 && beat.q(I).0 < 0.04, "{condition}: {:?}", beat.q(V6));
            assert!(beat.r(V1) < 0.3 * beat.s(V1), "{condition}");
            if condition == LeftBundleBranchBlock {
                assert!(beat.t(V6) < 0.0 && beat.t(V1) > 0.1);
            }
        }
    }
    for ecg in patients(&[IntraventricularConductionDisturbance]) {
        assert!(ecg.truth.qrs_ms >= 110.0);
    }
}

#[test]
fn preexcitation_shortens_pr_and_widens_qrs() {
    for ecg in patients(&[WolffParkinsonWhite]) {
        assert!(ecg.truth.pr_ms.unwrap() < 120.0 && ecg.truth.qrs_ms >= 110.0);
        // The onset is slow: a third of the way through QRS something is seen, but no steep wave yet.
        let beat = Beat::of(&ecg);
        let early = |lead| largest(beat.part(lead, -0.45 * ecg.truth.qrs_ms, -0.2 * ecg.truth.qrs_ms)).abs();
        assert!((0..12).any(|lead| early(lead) > 0.05));
    }
}

#[test]
fn inferior_infarcts_have_q_waves_in_two_leads() {
    let kinds =
        [InferiorInfarction, InferolateralInfarction, InferoposteriorInfarction, InferoposterolateralInfarction];
    for condition in kinds {
        for ecg in patients(&[condition]) {
            let beat = Beat::of(&ecg);
            let seen = [II, III, AVF].into_iter().filter(|&lead| {
                let (depth, duration) = beat.q(lead);
                depth >= 0.1 && duration >= 28.0
            });
            let seen = seen.count();
            assert!(seen >= 2, "{condition}: {:?} {:?} {:?}", beat.q(II), beat.q(III), beat.q(AVF));
            if matches!(condition, InferolateralInfarction | InferoposterolateralInfarction) {
                assert!(beat.q(V6).0 >= 0.1 && beat.q(V6).1 >= 28.0, "{condition}: {:?}", beat.q(V6));
            }
            if matches!(condition, InferoposteriorInfarction | InferoposterolateralInfarction) {
                assert!(beat.r(V2) > beat.s(V2), "{condition}");
            }
        }
    }
    for ecg in patients(&[PosteriorInfarction]) {
        let beat = Beat::of(&ecg);
        assert!(beat.r(V2) > beat.s(V2));
    }
}

#[test]
fn anterior_and_lateral_infarcts_lose_r_waves() {
    for (condition, leads) in
        [(AnteroseptalInfarction, [V2, V3]), (AnteriorInfarction, [V3, V4]), (AnterolateralInfarction, [V4, V5])]
    {
        let mut with_q = 0;
        for ecg in patients(&[condition]) {
            let beat = Beat::of(&ecg);
            let q = |lead| beat.q(lead).0 >= 0.1 && beat.q(lead).1 >= 28.0;
            with_q += usize::from(leads.into_iter().all(q));
            // Without the ST segment, which an acute infarct raises.
            let r = |lead| largest(beat.part(lead, -0.6 * ecg.truth.qrs_ms, 0.2 * ecg.truth.qrs_ms));
            let lost = leads.into_iter().all(|lead| q(lead) || r(lead) < 0.4);
            assert!(lost, "{condition}: {:?} {:?}", leads.map(r), leads.map(|lead| beat.q(lead)));
        }
        assert!((10..32).contains(&with_q), "{condition}: {with_q}");
    }
    for ecg in patients(&[LateralInfarction]) {
        let beat = Beat::of(&ecg);
        for lead in [I, V6] {
            assert!(beat.q(lead).0 >= 0.1 && beat.q(lead).1 >= 28.0, "{:?}", beat.q(lead));
        }
    }
}

#[test]
fn most_infarcts_are_old() {
    let raised = patients(&[InferiorInfarction]).filter(|ecg| Beat::of(ecg).st(III) > 0.1).count();
    assert!((1..12).contains(&raised), "{raised}");
}

#[test]
fn hypertrophy_has_voltage() {
    let mut strained = 0;
    for ecg in patients(&[LeftVentricularHypertrophy]) {
        let beat = Beat::of(&ecg);
        assert!(beat.sokolow_lyon() > 3.5, "{}", beat.sokolow_lyon());
        strained += usize::from(beat.t(V5) < 0.0);
    }
    assert!((12..34).contains(&strained), "{strained}");
    for ecg in patients(&[LeftVentricularVoltage]) {
        assert!(Beat::of(&ecg).sokolow_lyon() > 3.5);
    }
    for ecg in patients(&[RightVentricularHypertrophy]) {
        let beat = Beat::of(&ecg);
        assert!(beat.r(V1) > beat.s(V1) && beat.s(V6) > 0.25, "{} {}", beat.r(V1), beat.s(V1));
        assert!(beat.axis() > 85.0, "{}", beat.axis());
    }
    for ecg in patients(&[SeptalHypertrophy]) {
        let beat = Beat::of(&ecg);
        assert!(beat.q(V6).0 > 0.1 && beat.q(I).0 > 0.1, "{:?} {:?}", beat.q(V6), beat.q(I));
    }
}

#[test]
fn high_and_low_voltages_are_measured() {
    for ecg in patients(&[HighVoltage]) {
        let beat = Beat::of(&ecg);
        assert!(beat.r(I) + beat.s(III) > 2.45, "{}", beat.r(I) + beat.s(III));
    }
    for ecg in patients(&[LowVoltage]) {
        let beat = Beat::of(&ecg);
        assert!((0..6).all(|lead| beat.r(lead) + beat.s(lead) < 0.5));
        assert!((6..12).all(|lead| beat.r(lead) + beat.s(lead) < 1.0));
    }
}

#[test]
fn stated_q_waves_are_there() {
    for ecg in patients(&[QWaves]) {
        let beat = Beat::of(&ecg);
        let q = |lead: &&usize| beat.q(**lead).0 >= 0.1 && beat.q(**lead).1 >= 28.0;
        let most = [&[II, III, AVF][..], &[V5, V6]].map(|wall| wall.iter().filter(q).count());
        assert!(most.into_iter().max().unwrap() >= 2, "{most:?}");
    }
}

#[test]
fn normal_complexes_are_normal_and_varied() {
    let mut axes = Vec::new();
    let mut transitions = [0; 6];
    for ecg in patients(&[NormalEcg]) {
        let beat = Beat::of(&ecg);
        assert!(ecg.truth.qrs_ms < 113.0 && (120.0..200.0).contains(&ecg.truth.pr_ms.unwrap()));
        assert!(beat.sokolow_lyon() < 3.5, "{}", beat.sokolow_lyon());
        assert!((-32.0..95.0).contains(&beat.axis()), "{}", beat.axis());
        assert!(beat.r(I) + beat.s(III) < 2.5);
        assert!((0..6).any(|lead| beat.r(lead) + beat.s(lead) > 0.5));
        axes.push(beat.axis());
        transitions[(V1..=V6).position(|lead| beat.r(lead) > beat.s(lead)).unwrap()] += 1;
    }
    assert!(smallest(&axes) < 5.0 && largest(&axes) > 70.0, "{axes:?}");
    // R outgrows S in V2 to V5, not always in the same lead.
    assert!(transitions.iter().filter(|count| **count > 2).count() >= 2, "{transitions:?}");
}
