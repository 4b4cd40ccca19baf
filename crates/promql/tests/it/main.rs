//! The crate from outside: scripts of our own, and another parser beside ours.

mod peer;
mod scripts;
