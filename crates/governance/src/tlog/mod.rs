//! Transparency-log formats: Merkle trees, signed notes, checkpoints, offline proofs and tiles. Not the journal itself: what
//! its leaves commit to is the kernel's business, and where they are kept is the store's.
//!
//! | format | module | defined by |
//! |---|---|---|
//! | trees and their proofs | [`merkle`] | RFC 9162 section 2, draft-ietf-plants-merkle-tree-certs section 4 (subtrees) |
//! | signed notes | [`note`] | C2SP signed-note, C2SP tlog-cosignature (`cosignature/v1`) |
//! | checkpoints | [`checkpoint`] | C2SP tlog-checkpoint |
//! | offline proofs | [`proof`] | C2SP tlog-proof@v1 |
//! | logs as static files | [`tiles`] | C2SP tlog-tiles |

pub mod checkpoint;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod tiles;
