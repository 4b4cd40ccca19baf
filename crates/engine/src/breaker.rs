//! A channel's circuit breaker: after many failures in a row, fail fast for a while, then let one attempt try. Pure: it is
//! told what time it is.

use std::time::{Duration, Instant};

use crate::limits::{BREAKER_FAILURES, BREAKER_PAUSE};

/// The state of one channel.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// How long to wait before an attempt may go out; `None` lets it go now. When the pause is over, one attempt goes and
    /// the next ones wait for what comes of it.
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let until = self.open_until?;
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            self.open_until = Some(now + BREAKER_PAUSE);
            return None;
        }
        Some(left)
    }

    /// Notes what came of an attempt.
    pub(crate) fn note(&mut self, accepted: bool, now: Instant) {
        if accepted {
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= BREAKER_FAILURES {
            self.open_until = Some(now + BREAKER_PAUSE);
        }
    }

    /// Whether attempts are held back.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_tries_once_and_closes() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..BREAKER_FAILURES {
            assert_eq!(breaker.wait(start), None);
            breaker.note(false, start);
        }
        assert_eq!(breaker.wait(start), Some(BREAKER_PAUSE));
        let later = start + BREAKER_PAUSE;
        assert_eq!(breaker.wait(later), None, "one attempt tries");
        assert!(breaker.wait(later).is_some(), "the next one waits for it");
        breaker.note(true, later);
        assert_eq!(breaker.wait(later), None);
    }
}
