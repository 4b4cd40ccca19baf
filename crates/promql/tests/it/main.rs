//! The crate from outside: scripts of our own, and another parser beside ours.

mod depth;
mod peer;
mod scripts;
