//! How fast requests may begin: a token bucket.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How often a wait looks whether it should end.
const LOOK: Duration = Duration::from_millis(50);

/// A bucket that fills with `rate` tokens a second up to `size`; each request takes one.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Option<f64>,
    size: f64,
    state: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
    /// Until when the server has asked to be left alone.
    held: Instant,
}

impl Limiter {
    /// At most `per_minute` requests a minute, of which `burst` may begin at once.
    pub fn new(per_minute: Option<f64>, burst: usize) -> Self {
        let now = Instant::now();
        // A burst is part of the minute's requests.
        let size = per_minute.map_or(1.0, |rate| (burst as f64).min(rate).max(1.0));
        let state = Bucket { tokens: size, filled: now, held: now };
        Self { rate: per_minute.map(|rate| rate / 60.0), size, state: Mutex::new(state) }
    }

    /// Waits until a request may begin.
    pub fn take(&self, stop: &AtomicBool) -> Result<()> {
        loop {
            match self.take_at(Instant::now()) {
                None => return Ok(()),
                Some(wait) => sleep(wait, stop)?,
            }
        }
    }

    /// No request begins before `wait` is over.
    pub fn hold(&self, wait: Duration) {
        let mut bucket = lock(&self.state);
        bucket.held = bucket.held.max(Instant::now() + wait);
    }

    /// Takes a token, or says how long to wait for one.
    fn take_at(&self, now: Instant) -> Option<Duration> {
        let mut bucket = lock(&self.state);
        if bucket.held > now {
            return Some(bucket.held - now);
        }
        let rate = self.rate?;
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * rate;
        bucket.tokens = (bucket.tokens + gained).min(self.size);
        bucket.filled = bucket.filled.max(now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - bucket.tokens) / rate))
    }
}

/// Sleeps, unless `stop` becomes true.
pub(super) fn sleep(wait: Duration, stop: &AtomicBool) -> Result<()> {
    let end = Instant::now() + wait;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(LOOK));
    }
}

/// The guarded value: numbers, which a panic elsewhere leaves valid.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_rest_comes_at_the_rate() {
        let limiter = Limiter::new(Some(120.0), 3);
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        for _ in 0..3 {
            assert_eq!(limiter.take_at(at(0.0)), None);
        }
        let wait = limiter.take_at(at(0.0)).unwrap().as_secs_f64();
        assert!((wait - 0.5).abs() < 0.01, "{wait}");
        assert_eq!(limiter.take_at(at(0.6)), None);
        assert!(limiter.take_at(at(0.6)).is_some());
        // However long nothing was asked, no more than a burst is saved up.
        let begun = (0..10).filter(|_| limiter.take_at(at(600.0)).is_none()).count();
        assert_eq!(begun, 3);
    }

    #[test]
    fn a_held_limiter_lets_nothing_pass_and_a_stop_ends_the_wait() {
        let limiter = Limiter::new(None, 8);
        assert_eq!(limiter.take_at(Instant::now()), None);
        limiter.hold(Duration::from_secs(3600));
        assert!(limiter.take_at(Instant::now()).unwrap() > Duration::from_secs(3500));
        let stop = AtomicBool::new(true);
        assert!(matches!(limiter.take(&stop), Err(Error::Stopped)));
    }
}
