//! The engine as a whole, with a clock that tests turn and a world that answers as they say.

#![expect(clippy::unwrap_used, reason = "a test stops where its house does not stand")]

mod house;
mod page;
mod trouble;
mod words;
