//! The connectors against real servers and against the published contracts of others.

mod checks;
mod email;
mod exposition;
mod outbound;
mod peer;
mod signatures;
mod slack;
