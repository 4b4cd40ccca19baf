//! Who may do what, and the proof that the journal is whole.

pub mod tlog;
