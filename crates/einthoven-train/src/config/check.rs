//! What a `[train]` part may hold.

use super::TrainConfig;
use crate::schedule::check_fraction;
use crate::{Error, Result};

impl TrainConfig {
    /// Checks every value that can be checked without data.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first key that cannot be used and what it should hold.
    pub fn validate(&self) -> Result<()> {
        match (self.epochs, self.steps) {
            (None, None) => fail("epochs", "give the length of the run: epochs or steps"),
            (Some(_), Some(_)) => fail("epochs", "give epochs or steps, not both"),
            (Some(0), None) => fail("epochs", "must be at least 1"),
            (None, Some(0)) => fail("steps", "must be at least 1"),
            _ => Ok(()),
        }?;
        at_least_one("batch_size", self.batch_size as u64)?;
        at_least_one("accumulate", self.accumulate as u64)?;
        at_least_one("log_every", self.log_every)?;
        at_least_one("validate_every", self.validate_every.unwrap_or(1))?;
        at_least_one("stop_after", self.stop_after.unwrap_or(1))?;
        at_least_one("threads", self.threads.unwrap_or(1) as u64)?;
        at_least_one("trace.first", self.trace.map_or(1, |trace| trace.first))?;
        at_least_one("trace.steps", self.trace.map_or(1, |trace| trace.steps))?;
        at_least_one("checkpoint.every", self.checkpoint.every.unwrap_or(1))?;
        at_least_one("checkpoint.keep", self.checkpoint.keep as u64)?;
        positive("learning_rate", self.learning_rate)?;
        positive("eps", self.eps)?;
        positive("clip_norm", self.clip_norm.unwrap_or(1.0))?;
        not_negative("text_learning_rate_scale", self.text_learning_rate_scale)?;
        not_negative("weight_decay", self.weight_decay)?;
        not_negative("losses.contrastive", self.losses.contrastive)?;
        not_negative("losses.caption", self.losses.caption)?;
        not_negative("losses.dropout_views", self.losses.dropout_views)?;
        if self.losses.contrastive + self.losses.caption == 0.0 {
            return fail("losses", "at least one loss needs a weight above 0, else nothing is learnt");
        }
        if self.losses.dropout_views > 0.0 && self.losses.contrastive == 0.0 {
            return fail("losses.dropout_views", "is added to the contrastive loss; give losses.contrastive a weight");
        }
        if self.losses.near_duplicate.is_some_and(|cosine| !(cosine > 0.0 && cosine < 1.0)) {
            return fail("losses.near_duplicate", "must be above 0 and below 1");
        }
        if !self.betas.iter().all(|beta| (0.0..1.0).contains(beta)) {
            return fail("betas", "both must be at least 0 and below 1");
        }
        if self.stop_after.is_some() && self.checkpoint.best.is_none() {
            return fail("stop_after", "needs checkpoint.best, the metric that has to improve");
        }
        if self.stop_after.is_some() && self.validate_every.is_none() {
            return fail("stop_after", "needs validate_every; by default validation runs at the end only");
        }
        if self.text_layer_decay.is_some_and(|decay| !(decay > 0.0 && decay <= 1.0)) {
            return fail("text_layer_decay", "must be above 0 and at most 1");
        }
        if let Some(span) = self.unlock_text {
            check_fraction("unlock_text", span)?;
            if self.text_learning_rate_scale == 0.0 {
                return fail(
                    "unlock_text",
                    "text_learning_rate_scale = 0 keeps the text encoder locked; give one of them",
                );
            }
        }
        if let Some(encoder) = self.encoder {
            not_negative("encoder.learning_rate_scale", encoder.learning_rate_scale)?;
            if encoder.layer_decay.is_some_and(|decay| !(decay > 0.0 && decay <= 1.0)) {
                return fail("encoder.layer_decay", "must be above 0 and at most 1");
            }
            for (key, span) in [("encoder.unlock", encoder.unlock), ("encoder.unlock_every", encoder.unlock_every)] {
                let Some(span) = span else { continue };
                check_fraction(key, span)?;
                if encoder.learning_rate_scale == 0.0 {
                    return fail(key, "encoder.learning_rate_scale = 0 keeps the encoder locked; give one of them");
                }
            }
        }
        if self.ema.is_some_and(|ema| !(0.0..1.0).contains(&ema.decay)) {
            return fail("ema.decay", "must be at least 0 and below 1");
        }
        // Two special tokens and something to predict.
        if self.max_tokens < 3 {
            return fail("max_tokens", "must be at least 3");
        }
        if let Some(records) = self.contrastive_batch {
            if records == 0 || !records.is_multiple_of(self.batch_size) {
                let message = format!("must be a multiple of batch_size = {}, is {records}", self.batch_size);
                return fail("contrastive_batch", message);
            }
            if self.losses.contrastive == 0.0 {
                return fail("contrastive_batch", "contrasts nothing, for losses.contrastive is 0");
            }
        }
        if self.losses.contrastive > 0.0 && self.contrastive_batch.unwrap_or(self.batch_size) < 2 {
            return fail("batch_size", "the contrastive loss needs at least 2 records to tell apart");
        }
        self.schedule.validate()
    }
}

fn fail(key: &'static str, message: impl Into<String>) -> Result<()> {
    Err(Error::Config { key, message: message.into() })
}

fn at_least_one(key: &'static str, value: u64) -> Result<()> {
    match value {
        0 => fail(key, "must be at least 1"),
        _ => Ok(()),
    }
}

fn positive(key: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { fail(key, format!("must be a number above 0, is {value}")) }
}

fn not_negative(key: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { fail(key, format!("must be 0 or more, is {value}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TrainConfig {
        toml::from_str(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        parse(text).validate().unwrap_err().to_string()
    }

    #[test]
    fn a_full_table_is_read_and_written_back() {
        let text = r#"
            epochs = 30
            batch_size = 48
            contrastive_batch = 4800
            precision = "bf16"
            learning_rate = 1e-4
            clip_norm = 1.0
            ema = { decay = 0.999 }
            trace = { first = 10, steps = 3 }
            text_layer_decay = 0.9
            unlock_text = { epochs = 5 }
            encoder = { learning_rate_scale = 0.1, unlock = { epochs = 3 }, unlock_every = { epochs = 2 } }
            schedule = { kind = "step", warmup = { epochs = 5 }, every = { epochs = 10 }, factor = 0.1 }
            losses = { caption = 0.5, dropout_views = 1.0, near_duplicate = 0.95 }
            checkpoint = { every = 100, keep = 3, best = "zero_shot.auroc" }
        "#;
        let config = parse(text);
        config.validate().unwrap();
        assert_eq!(config.losses.contrastive, 1.0);
        assert_eq!((config.losses.caption, config.losses.dropout_views), (0.5, 1.0));
        assert_eq!(config.total_steps(7), 210);
        let written = toml::to_string(&config).unwrap();
        assert_eq!(parse(&written), config);
    }

    #[test]
    fn exactly_one_length_is_asked_for() {
        assert_eq!(refusal(""), "train.epochs: give the length of the run: epochs or steps");
        assert!(refusal("epochs = 1\nsteps = 1").ends_with("not both"));
        assert_eq!(parse("steps = 12").total_steps(5), 12);
    }

    #[test]
    fn a_value_out_of_range_is_refused_by_name() {
        for (text, key) in [
            ("steps = 0", "train.steps"),
            ("steps = 1\nbatch_size = 0", "train.batch_size"),
            ("steps = 1\nbatch_size = 1", "train.batch_size"),
            ("steps = 1\nbatch_size = 4\ncontrastive_batch = 6", "train.contrastive_batch"),
            ("steps = 1\nbatch_size = 4\ncontrastive_batch = 0", "train.contrastive_batch"),
            ("steps = 1\nbatch_size = 1\ncontrastive_batch = 1", "train.batch_size"),
            (
                "steps = 1\nbatch_size = 4\ncontrastive_batch = 8\nlosses = { contrastive = 0.0 }",
                "train.contrastive_batch",
            ),
            ("steps = 1\nlearning_rate = -1.0", "train.learning_rate"),
            ("steps = 1\nlearning_rate = nan", "train.learning_rate"),
            ("steps = 1\nbetas = [0.9, 1.0]", "train.betas"),
            ("steps = 1\nstop_after = 0", "train.stop_after"),
            ("steps = 1\nstop_after = 2\nvalidate_every = 1", "train.stop_after"),
            ("steps = 1\nstop_after = 2\ncheckpoint = { best = \"auroc\" }", "train.stop_after"),
            ("steps = 1\ntext_layer_decay = 1.1", "train.text_layer_decay"),
            ("steps = 1\nunlock_text = { fraction = 1.5 }", "train.unlock_text"),
            ("steps = 1\ntext_learning_rate_scale = 0.0\nunlock_text = { steps = 1 }", "train.unlock_text"),
            ("steps = 1\nencoder = { learning_rate_scale = -1.0 }", "train.encoder.learning_rate_scale"),
            ("steps = 1\nencoder = { layer_decay = 0.0 }", "train.encoder.layer_decay"),
            ("steps = 1\nencoder = { unlock = { fraction = 2.0 } }", "train.encoder.unlock"),
            ("steps = 1\nencoder = { learning_rate_scale = 0.0, unlock = { steps = 1 } }", "train.encoder.unlock"),
            ("steps = 1\nencoder = { unlock_every = { fraction = -0.1 } }", "train.encoder.unlock_every"),
            (
                "steps = 1\nencoder = { learning_rate_scale = 0.0, unlock_every = { steps = 1 } }",
                "train.encoder.unlock_every",
            ),
            ("steps = 1\ntrace = { first = 0, steps = 1 }", "train.trace.first"),
            ("steps = 1\ntrace = { first = 1, steps = 0 }", "train.trace.steps"),
            ("steps = 1\nema = { decay = 1.0 }", "train.ema.decay"),
            ("steps = 1\nclip_norm = 0.0", "train.clip_norm"),
            ("steps = 1\ncheckpoint = { keep = 0 }", "train.checkpoint.keep"),
            ("steps = 1\nlosses = { contrastive = 0.0, caption = 0.0 }", "train.losses"),
            ("steps = 1\nlosses = { near_duplicate = 1.0 }", "train.losses.near_duplicate"),
            ("steps = 1\nlosses = { dropout_views = -1.0 }", "train.losses.dropout_views"),
            ("steps = 1\nlosses = { dropout_views = 1.0, contrastive = 0.0 }", "train.losses.dropout_views"),
        ] {
            let message = refusal(text);
            assert!(message.starts_with(&format!("{key}: ")), "{text}: {message}");
        }
    }

    #[test]
    fn a_misspelt_key_or_choice_is_refused() {
        let error = toml::from_str::<TrainConfig>("step = 3").unwrap_err();
        assert!(error.to_string().contains("unknown field `step`"), "{error}");
        let error = toml::from_str::<TrainConfig>("steps = 3\nprecision = \"f16\"").unwrap_err();
        assert!(error.to_string().contains("expected `f32` or `bf16`"), "{error}");
    }
}
