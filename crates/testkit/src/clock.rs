//! A clock that moves only when a test moves it. Clones share the same hands.

use std::sync::Arc;

use kernel::port::Clock;
use kernel::{Seconds, Timestamp};
use parking_lot::Mutex;

/// A clock under the test's hand.
#[derive(Debug, Clone)]
pub struct VirtualClock(Arc<Mutex<Timestamp>>);

impl VirtualClock {
    /// A clock that shows an instant such as `2026-03-29T00:00:00Z`.
    ///
    /// # Panics
    /// When the text is not an instant.
    #[must_use]
    pub fn at(instant: &str) -> Self {
        Self(Arc::new(Mutex::new(parse(instant))))
    }

    /// Moves the hands forward and returns what they show now.
    pub fn advance(&self, by: Seconds) -> Timestamp {
        let mut now = self.0.lock();
        *now = by.after(*now);
        *now
    }

    /// Sets the hands to any instant; a clock may also be set back, as clocks in the world are.
    ///
    /// # Panics
    /// When the text is not an instant.
    pub fn set(&self, instant: &str) {
        *self.0.lock() = parse(instant);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

fn parse(instant: &str) -> Timestamp {
    instant.parse().expect("a test names instants like 2026-03-29T00:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_hands() {
        let clock = VirtualClock::at("2026-03-29T00:59:30Z");
        let shared = clock.clone();
        assert_eq!(shared.advance(Seconds::minutes(2)), parse("2026-03-29T01:01:30Z"));
        assert_eq!(clock.now(), shared.now());
        clock.set("2026-03-28T00:00:00Z");
        assert_eq!(shared.now(), parse("2026-03-28T00:00:00Z"));
    }
}
