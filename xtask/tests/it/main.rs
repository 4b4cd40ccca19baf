//! Tests over the seams of crates that may not know each other.

mod promtool;
