//! Watchkeeper: one binary for the whole life of an incident.

fn main() {}
