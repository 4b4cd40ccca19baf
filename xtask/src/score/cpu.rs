//! How long this thread has computed: what a busy machine does not change much.

use std::fs;
use std::time::{Duration, Instant};

/// A clock of the time that this thread computes.
pub struct Cpu {
    wall: Instant,
    start: Option<Duration>,
}

impl Cpu {
    /// Starts counting.
    pub fn start() -> Self {
        Self { wall: Instant::now(), start: computed() }
    }

    /// Seconds computed since the start; where the system does not tell, seconds that passed.
    pub fn seconds(&self) -> f64 {
        let computed = self.start.zip(computed()).map(|(start, end)| end.saturating_sub(start));
        computed.unwrap_or_else(|| self.wall.elapsed()).as_secs_f64()
    }
}

/// What the scheduler says of this thread, on Linux.
fn computed() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}
