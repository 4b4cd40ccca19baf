//! Transparency-log formats: Merkle trees, signed notes, checkpoints and offline proofs. Not the journal itself.

pub mod merkle;
pub mod note;
pub mod checkpoint;
pub mod proof;
