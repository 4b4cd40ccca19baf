//! The engine as a whole, with a clock that tests turn and a world that answers as they say.

mod house;
mod page;
mod trouble;
