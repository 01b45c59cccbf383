//! Learning-rate schedules: a factor on the base learning rate for every step.
//!
//! Both schedules published for ESI (Yu et al. 2024, arXiv 2405.19366) can be expressed: the code's linear
//! warm-up over the first tenth of the steps with linear decay to zero
//! ([`ScheduleConfig::published_linear`]), and the text's five epochs of warm-up with a tenfold decay every ten
//! epochs ([`ScheduleConfig::published_step`]).

mod span;

use serde::{Deserialize, Serialize};

pub use span::Span;
pub(crate) use span::check_fraction;

use crate::{Error, Result};

/// How the learning rate changes over a run: a linear warm-up, then a decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleConfig {
    /// The decay after the warm-up.
    pub kind: Decay,
    /// Length of the linear warm-up.
    pub warmup: Span,
    /// The first step of the warm-up has learning rate 0, as in the published code, and so changes nothing.
    /// Otherwise every step of the warm-up has the rate of its successor there.
    pub from_zero: bool,
    /// `step` only: how often the rate falls, counted from the start of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// `step` only: what the rate is multiplied by each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// `wsd` only: length of the decay at the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay: Option<Span>,
}

/// The course of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// No decay.
    Constant,
    /// Linearly to 0 at the end of the run.
    #[default]
    Linear,
    /// Along half a cosine to 0 at the end of the run.
    Cosine,
    /// By a constant factor at regular intervals.
    Step,
    /// Warm-up, stable, decay (Hu et al. 2024, arXiv 2404.06395): none until the last part of the run, then linearly
    /// to 0 at its end.
    Wsd,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            kind: Decay::Linear,
            warmup: Span::Fraction(0.1),
            from_zero: false,
            every: None,
            factor: None,
            decay: None,
        }
    }
}

impl ScheduleConfig {
    /// The schedule of ESI's published code: the first step at rate 0, linear warm-up over the first tenth,
    /// linear decay to 0.
    pub fn published_linear() -> Self {
        Self { from_zero: true, ..Self::default() }
    }

    /// The schedule of ESI's published text: 5 epochs of warm-up, then a tenth every 10 epochs.
    pub fn published_step() -> Self {
        Self {
            kind: Decay::Step,
            warmup: Span::Epochs(5),
            from_zero: true,
            every: Some(Span::Epochs(10)),
            factor: Some(0.1),
            decay: None,
        }
    }

    /// Checks what can be checked without knowing the length of the run.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first key that cannot be used.
    pub fn validate(&self) -> Result<()> {
        check_fraction("schedule.warmup", self.warmup)?;
        let (every, factor, decay) = (self.every.is_some(), self.factor.is_some(), self.decay.is_some());
        self.check_presence("schedule.every", every, Decay::Step, "kind = \"step\"", "{ epochs = 10 }")?;
        self.check_presence("schedule.factor", factor, Decay::Step, "kind = \"step\"", "0.1")?;
        self.check_presence("schedule.decay", decay, Decay::Wsd, "kind = \"wsd\"", "{ fraction = 0.2 }")?;
        self.every.map_or(Ok(()), |every| check_fraction("schedule.every", every))?;
        self.decay.map_or(Ok(()), |decay| check_fraction("schedule.decay", decay))?;
        match self.factor {
            Some(factor) if !(factor > 0.0 && factor <= 1.0) => {
                Err(config("schedule.factor", format!("must be above 0 and at most 1, is {factor}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a key that is there without the kind it belongs to, or not there with it.
    fn check_presence(
        &self,
        key: &'static str,
        present: bool,
        kind: Decay,
        kind_name: &str,
        example: &str,
    ) -> Result<()> {
        match (self.kind == kind, present) {
            (true, false) => Err(config(key, format!("{kind_name} needs it, e.g. {example}"))),
            (false, true) => Err(config(key, format!("only applies to {kind_name}"))),
            _ => Ok(()),
        }
    }
}

fn config(key: &'static str, message: impl Into<String>) -> Error {
    Error::Config { key, message: message.into() }
}

/// A schedule for a run of known length.
#[derive(Clone, Debug)]
pub struct Schedule {
    kind: Decay,
    from_zero: bool,
    total: u64,
    warmup: u64,
    every: u64,
    factor: f64,
    decay: u64,
}

impl Schedule {
    /// The schedule `config` describes, for `total` steps of which an epoch has `steps_per_epoch`.
    ///
    /// # Errors
    /// [`Error::Config`] when a key cannot be used, the warm-up, or it and the decay, are longer than the run, or an
    /// interval has no step.
    pub fn new(schedule: &ScheduleConfig, total: u64, steps_per_epoch: u64) -> Result<Self> {
        schedule.validate()?;
        let warmup = schedule.warmup.steps(total, steps_per_epoch);
        if warmup > total {
            return Err(config("schedule.warmup", format!("is {warmup} steps, longer than the run of {total}")));
        }
        let steps = |key, span: Option<Span>| match span.map(|span| span.steps(total, steps_per_epoch)) {
            Some(0) => Err(config(key, "comes to less than one step")),
            Some(steps) => Ok(steps),
            None => Ok(total.max(1)),
        };
        let every = steps("schedule.every", schedule.every)?;
        let decay = steps("schedule.decay", schedule.decay)?;
        if schedule.kind == Decay::Wsd && decay > total - warmup {
            let left = total - warmup;
            return Err(config("schedule.decay", format!("is {decay} steps, the warm-up leaves {left} of the run")));
        }
        Ok(Self {
            kind: schedule.kind,
            from_zero: schedule.from_zero,
            total,
            warmup,
            every,
            factor: schedule.factor.unwrap_or(1.0),
            decay,
        })
    }

    /// The factor on the learning rate at `step`, counted from 0.
    pub fn factor(&self, step: u64) -> f64 {
        if step < self.warmup {
            return if self.from_zero {
                step as f64 / self.warmup as f64
            } else {
                (step + 1) as f64 / (self.warmup + 1) as f64
            };
        }
        let left = self.total.saturating_sub(step) as f64;
        let remaining = left / (self.total - self.warmup).max(1) as f64;
        match self.kind {
            Decay::Constant => 1.0,
            Decay::Linear => remaining,
            Decay::Cosine => 0.5 * (1.0 - (std::f64::consts::PI * remaining).cos()),
            Decay::Step => self.factor.powi(i32::try_from(step / self.every).unwrap_or(i32::MAX)),
            Decay::Wsd => (left / self.decay as f64).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(config: &ScheduleConfig, total: u64, per_epoch: u64) -> Vec<f64> {
        let schedule = Schedule::new(config, total, per_epoch).unwrap();
        (0..total).map(|step| schedule.factor(step)).collect()
    }

    #[test]
    fn the_published_linear_schedule_is_reproduced() {
        let factors = factors(&ScheduleConfig::published_linear(), 20, 5);
        for (step, factor) in factors.into_iter().enumerate() {
            let step = step as f64;
            let expected = if step < 2.0 { step / 2.0 } else { (20.0 - step) / 18.0 };
            assert_eq!(factor, expected, "step {step}");
        }
    }

    #[test]
    fn the_published_step_schedule_warms_up_and_falls_every_ten_epochs() {
        let factors = factors(&ScheduleConfig::published_step(), 30 * 4, 4);
        assert_eq!(factors[0], 0.0);
        assert_eq!(factors[10], 0.5);
        assert!(factors[20..40].iter().all(|&factor| factor == 1.0));
        assert!(factors[40..80].iter().all(|&factor| factor == 0.1));
        assert!(factors[80..].iter().all(|&factor| (factor - 0.01).abs() < 1e-15));
    }

    #[test]
    fn by_default_no_step_is_wasted() {
        let factors = factors(&ScheduleConfig::default(), 40, 10);
        assert!(factors.iter().all(|&factor| factor > 0.0));
        assert_eq!(factors[4], 1.0);
        assert!(factors[..5].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(factors[4..].windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn cosine_falls_from_one_to_almost_zero_and_constant_stays() {
        let without_warmup = |kind| ScheduleConfig { kind, warmup: Span::Steps(0), ..ScheduleConfig::default() };
        let cosine = factors(&without_warmup(Decay::Cosine), 100, 10);
        assert_eq!(cosine[0], 1.0);
        assert!((cosine[50] - 0.5).abs() < 1e-12);
        assert!(cosine[99] > 0.0 && cosine[99] < 1e-3);
        assert!(factors(&without_warmup(Decay::Constant), 10, 5).iter().all(|&factor| factor == 1.0));
    }

    #[test]
    fn wsd_stays_at_full_height_until_its_decay() {
        let config = ScheduleConfig {
            kind: Decay::Wsd,
            warmup: Span::Steps(4),
            decay: Some(Span::Fraction(0.25)),
            ..ScheduleConfig::default()
        };
        let short = factors(&config, 40, 10);
        assert!(short[..4].windows(2).all(|pair| 0.0 < pair[0] && pair[0] < pair[1]));
        assert!(short[4..=30].iter().all(|&factor| factor == 1.0));
        let decay: Vec<f64> = (0..10).map(|step| (10 - step) as f64 / 10.0).collect();
        assert_eq!(short[30..], decay);
        // A longer run begins with the same steps.
        assert_eq!(factors(&config, 80, 10)[..30], short[..30]);
    }

    #[test]
    fn impossible_schedules_name_the_key() {
        let message = |config: &ScheduleConfig, total| Schedule::new(config, total, 10).unwrap_err().to_string();
        let longer = ScheduleConfig { warmup: Span::Epochs(5), ..ScheduleConfig::default() };
        assert_eq!(message(&longer, 20), "train.schedule.warmup: is 50 steps, longer than the run of 20");
        let fraction = ScheduleConfig { warmup: Span::Fraction(1.5), ..ScheduleConfig::default() };
        assert!(message(&fraction, 20).starts_with("train.schedule.warmup: a fraction"));
        let no_interval = ScheduleConfig { kind: Decay::Step, ..ScheduleConfig::default() };
        assert!(message(&no_interval, 20).starts_with("train.schedule.every: kind"));
        let needless = ScheduleConfig { factor: Some(0.5), ..ScheduleConfig::default() };
        assert!(message(&needless, 20).starts_with("train.schedule.factor: only"));
        let no_decay = ScheduleConfig { kind: Decay::Wsd, ..ScheduleConfig::default() };
        assert_eq!(message(&no_decay, 20), "train.schedule.decay: kind = \"wsd\" needs it, e.g. { fraction = 0.2 }");
        let needless = ScheduleConfig { decay: Some(Span::Steps(3)), ..ScheduleConfig::default() };
        assert!(message(&needless, 20).starts_with("train.schedule.decay: only applies to kind = \"wsd\""));
        let crowded = |decay| ScheduleConfig { decay: Some(decay), ..no_decay.clone() };
        let longer = message(&crowded(Span::Steps(19)), 20);
        assert_eq!(longer, "train.schedule.decay: is 19 steps, the warm-up leaves 18 of the run");
        assert!(message(&crowded(Span::Fraction(0.01)), 20).ends_with("comes to less than one step"));
    }
}
