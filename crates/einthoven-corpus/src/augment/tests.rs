//! What each augmentation does.

use einthoven_random::Streams;

use super::*;

const LENGTH: usize = 5000;

fn augmented(config: &AugmentConfig, input: &[f32], index: u64) -> Vec<f32> {
    let mut stream = Streams::new(1).stream("augment", &[0, index]);
    config.apply(input.to_vec(), &Lead::TWELVE, 500.0, &mut stream)
}

fn ramp() -> Vec<f32> {
    (0..12 * LENGTH).map(|i| (i % LENGTH) as f32 / 1000.0).collect()
}

fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let square = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>();
    (mean, (square / (n - 1.0)).sqrt())
}

#[test]
fn the_default_is_the_published_augmentation() {
    let config: AugmentConfig = toml::from_str("").unwrap();
    assert_eq!(config, AugmentConfig::default());
    let (mean, std) = moments(&augmented(&config, &vec![0.0; 12 * LENGTH], 0));
    // 60,000 draws: the mean's standard error is 1.2e-5, the deviation's 8.7e-6.
    assert!(mean.abs() < 6e-5, "{mean}");
    assert!((std - 0.003).abs() < 5e-5, "{std}");

    let config = AugmentConfig { additive_noise: 0.0, ..config };
    let factors: Vec<f32> = (0..500)
        .flat_map(|i| {
            let out = augmented(&config, &vec![1.0; 12 * LENGTH], i);
            let rows = out.chunks(LENGTH);
            rows.map(|row| {
                assert!(row.iter().all(|x| *x == row[0]), "one factor per lead");
                row[0]
            })
            .collect::<Vec<_>>()
        })
        .collect();
    let (mean, std) = moments(&factors);
    assert!((mean - 1.0).abs() < 2e-4 && (std - 0.003).abs() < 2e-4, "{mean} {std}");
}

#[test]
fn no_augmentation_changes_nothing() {
    assert_eq!(augmented(&AugmentConfig::none(), &ramp(), 3), ramp());
    assert!(AugmentConfig::none().is_none() && !AugmentConfig::default().is_none());
}

#[test]
fn a_shift_is_circular_alike_in_all_leads_and_within_its_bound() {
    let config = AugmentConfig { time_shift: 0.5, ..AugmentConfig::none() };
    let mut seen = std::collections::BTreeSet::new();
    for i in 0..50 {
        let out = augmented(&config, &ramp(), i);
        let shift = out.iter().position(|&x| x == 0.0).unwrap();
        let either_way = shift.min(LENGTH - shift);
        assert!(either_way <= 250);
        for row in out.chunks(LENGTH) {
            let mut back = row.to_vec();
            back.rotate_left(shift);
            assert_eq!(back, ramp()[..LENGTH]);
        }
        seen.insert(shift);
    }
    assert!(seen.len() > 40 && seen.iter().any(|&s| s > 2500) && seen.iter().any(|&s| s < 2500));
}

#[test]
fn masks_silence_leads_at_their_rate_and_never_all() {
    let count = |mask, i| {
        let config = AugmentConfig { lead_mask: mask, ..AugmentConfig::none() };
        let out = augmented(&config, &vec![1.0; 12 * LENGTH], i);
        let silent = |row: &&[f32]| row.iter().all(|&x| x == 0.0);
        out.chunks(LENGTH).filter(silent).count()
    };
    let masked: usize = (0..200).map(|i| count(0.25, i)).sum();
    // 2400 leads at 0.25: 600 ± 21.
    assert!((500..700).contains(&masked), "{masked}");
    assert!((0..50).all(|i| count(0.99, i) < 12));
}

#[test]
fn amplitude_and_wander_vary_between_records() {
    let config = AugmentConfig { amplitude: 0.2, ..AugmentConfig::none() };
    let logs: Vec<f32> = (0..500).map(|i| augmented(&config, &vec![1.0; 12 * LENGTH], i)[0].ln()).collect();
    let (mean, std) = moments(&logs);
    assert!(mean.abs() < 0.04 && (std - 0.2).abs() < 0.03, "{mean} {std}");

    let config = AugmentConfig { baseline_wander: 0.1, ..AugmentConfig::none() };
    let out = augmented(&config, &vec![0.0; 12 * LENGTH], 0);
    let (_, std) = moments(&out);
    assert!(std > 0.01 && std < 0.3, "{std}");
    // Slow: at 0.5 Hz and 0.3 mV it moves by less than 2 µV from sample to sample.
    assert!(out.chunks(LENGTH).all(|row| row.windows(2).all(|w| (w[1] - w[0]).abs() < 2e-3)));
}

#[test]
fn impossible_values_are_refused() {
    let refused = |text: &str| {
        let config: AugmentConfig = toml::from_str(text).unwrap();
        matches!(config.validate(&Lead::TWELVE), Err(Error::Setting { .. }))
    };
    assert!(refused("lead_mask = 1.0"));
    assert!(refused("additive_noise = -0.1"));
    assert!(refused("time_shift = nan"));
    assert!(refused("crop = 1.0") && refused("time_warp = 1.5") && refused("rotation = -1.0"));
    let turned = AugmentConfig { rotation: 5.0, ..AugmentConfig::none() };
    assert!(turned.validate(&Lead::TWELVE[..6]).is_err(), "the limb leads lie in one plane");
    assert!(turned.validate(&[Lead::I, Lead::II, Lead::V2]).is_ok());
    assert!(!refused("lead_mask = 0.5"));
    assert!(toml::from_str::<AugmentConfig>("noise = 0.1").is_err());
}

#[test]
fn muscle_noise_comes_in_a_burst_and_is_fast() {
    let config = AugmentConfig { muscle_noise: 0.1, ..AugmentConfig::none() };
    let out = augmented(&config, &vec![0.0; 12 * LENGTH], 0);
    for lead in out.chunks(LENGTH) {
        let loudest = lead.chunks(250).map(|part| moments(part).1).fold(0.0, f64::max);
        let softest = lead.chunks(250).map(|part| moments(part).1).fold(f64::MAX, f64::min);
        assert!(loudest < 0.12 && softest < loudest, "{softest} {loudest}");
        // Differences of independent draws: neighbours go against each other.
        let product: f32 = lead.windows(2).map(|pair| pair[0] * pair[1]).sum();
        assert!(product < 0.0);
    }
}

#[test]
fn hum_has_the_frequency_of_the_mains_and_is_left_out_where_the_rate_cannot_hold_it() {
    let config = AugmentConfig { mains_noise: 0.05, ..AugmentConfig::none() };
    for index in 0..4 {
        let out = augmented(&config, &vec![0.0; 12 * LENGTH], index);
        assert!(out.iter().all(|x| x.abs() <= 0.05));
        // 10 s hold 500 or 600 periods, and as many rises through zero.
        let rises = out[..LENGTH].windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        assert!([499, 500, 501, 599, 600, 601].contains(&rises), "{rises}");
    }
    let mut stream = Streams::new(1).stream("augment", &[]);
    let slow = config.apply(vec![0.0; 1200], &Lead::TWELVE, 100.0, &mut stream);
    assert!(slow.iter().all(|&x| x == 0.0));
}

#[test]
fn an_amplitude_warp_is_slow_bounded_and_the_same_in_all_leads() {
    let config = AugmentConfig { amplitude_warp: 0.2, ..AugmentConfig::none() };
    let out = augmented(&config, &vec![1.0; 12 * LENGTH], 5);
    assert!(out.chunks(LENGTH).all(|lead| lead == &out[..LENGTH]));
    assert!(out.iter().all(|x| x.ln().abs() <= 0.2001) && moments(&out).1 > 0.001);
    assert!(out[..LENGTH].windows(2).all(|w| (w[1] - w[0]).abs() < 1e-3));
}

#[test]
fn a_cutout_silences_one_stretch_of_all_leads() {
    let config = AugmentConfig { cutout: 2.0, ..AugmentConfig::none() };
    let mut lengths = Vec::new();
    for index in 0..50 {
        let out = augmented(&config, &vec![1.0; 12 * LENGTH], index);
        assert!(out.chunks(LENGTH).all(|lead| lead == &out[..LENGTH]));
        let silent = out[..LENGTH].iter().filter(|&&x| x == 0.0).count();
        let edges = out[..LENGTH].windows(2).filter(|w| w[0] != w[1]).count();
        assert!(silent <= 1000 && edges <= 2);
        lengths.push(silent);
    }
    assert!(lengths.iter().max() > Some(&800) && lengths.iter().min() < Some(&200));
}

#[test]
fn everything_together_is_repeatable_and_finite() {
    let text = "muscle_noise = 0.05\nmains_noise = 0.02\namplitude_warp = 0.2\ntime_warp = 0.1\nresample = 0.05\ncrop = 0.5\n\
                cutout = 1.0\nrotation = 15\nlead_mask = 0.1\ntime_shift = 2.0\namplitude = 0.2\nbaseline_wander = 0.1";
    let config: AugmentConfig = toml::from_str(text).unwrap();
    for index in 0..20 {
        let out = augmented(&config, &ramp(), index);
        assert!(out.len().is_multiple_of(12) && out.len() <= 12 * LENGTH && out.iter().all(|x| x.is_finite()));
        assert_eq!(out, augmented(&config, &ramp(), index));
    }
    let mut stream = Streams::new(1).stream("augment", &[]);
    for length in 0..4 {
        assert!(config.apply(vec![1.0; 12 * length], &Lead::TWELVE, 500.0, &mut stream).len() <= 12 * length);
    }
}
