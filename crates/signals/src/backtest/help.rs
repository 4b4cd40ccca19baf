//! What a replay is given from outside: hands to work with, and somebody who hears how far it is.

use serde::Serialize;

/// Into how many parts work is cut that can be done at once.
pub const HANDS: usize = 2;

/// A part of the work, which may be done on another thread.
pub type Work<'w> = Box<dyn FnOnce() + Send + 'w>;

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Progress {
    /// How many evaluations are done.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

impl Progress {
    /// How much is done, from 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        super::firing::share(self.done.min(self.of), self.of).unwrap_or(0.0)
    }
}

/// Helps a replay. Without help it works alone, and to its end.
pub trait Help: Sync {
    /// Does all of the work, in any order, and returns when it is done. There are at most [`HANDS`] parts.
    fn together(&self, work: Vec<Work<'_>>) {
        work.into_iter().for_each(|part| part());
    }

    /// Hears how far the replay is. It ends where this is false.
    fn goes_on(&self, _: Progress) -> bool {
        true
    }
}

/// Nobody helps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Help for Alone {}
