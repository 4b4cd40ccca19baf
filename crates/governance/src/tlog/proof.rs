//! Offline proofs (C2SP tlog-proof): an entry's index, its inclusion path and a signed checkpoint in one small text.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, decimal};
use super::merkle::{Hash, PROOF_HASHES_MAX, leaf_hash, verify_inclusion};
use super::note::{COSIGNATURE_V1, ED25519, NOTE_BYTES_MAX, NoteError, Verifier};

/// The first line of every proof.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An offline proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What the log adds, when it adds something. Nobody signed it.
    pub extra: Option<Vec<u8>>,
    /// The entry's index.
    pub index: u64,
    /// The inclusion path.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Who must have signed the checkpoint: the log, and some of the witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The log's key.
    pub log: Verifier,
    /// The witnesses' keys.
    pub witnesses: Vec<Verifier>,
    /// How many different keys of theirs must have cosigned.
    pub quorum: usize,
}

impl Policy {
    /// Checks a signed checkpoint.
    ///
    /// # Errors
    /// When the log did not sign it, a witness' cosignature is wrong, too few witnesses cosigned, or a key of the policy
    /// signs something else than its place asks for.
    pub fn check(&self, signed: &str) -> Result<Checkpoint, NoteError> {
        if self.log.kind() != ED25519 || self.witnesses.iter().any(|witness| witness.kind() != COSIGNATURE_V1) {
            return Err(NoteError::Key("a log signs with an Ed25519 key, a witness with a cosignature/v1 key"));
        }
        let (checkpoint, note) = Checkpoint::open(signed, &self.log)?;
        // A cosignature does not cover its witness' name, so one key counts once, under however many names it stands.
        let mut cosigned = BTreeSet::new();
        for witness in &self.witnesses {
            match note.verify(witness) {
                Ok(_) => cosigned.insert(witness.key()),
                Err(NoteError::Unsigned(_)) => false,
                Err(error) => return Err(error),
            };
        }
        if cosigned.len() < self.quorum {
            let missing = self.quorum - cosigned.len();
            return Err(NoteError::Unsigned(format!("{missing} of {} needed witnesses", self.quorum)));
        }
        Ok(checkpoint)
    }
}

impl TlogProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// When it is not exactly one.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Form("the proof is too long"));
        }
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(NoteError::Form("the proof has no empty line before its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(NoteError::Form("the proof does not begin with its version"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra.and_then(|line| line.strip_prefix("extra "));
        let extra = extra.map(|encoded| STANDARD.decode(encoded)).transpose();
        let extra = extra.map_err(|_| NoteError::Form("the proof's extra data is not base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(NoteError::Form("the proof has no decimal index"))?;
        let path = lines.map(hash).take(PROOF_HASHES_MAX + 1).collect::<Option<Vec<Hash>>>();
        let path = path.ok_or(NoteError::Form("a hash of the proof is not the base64 of 32 bytes"))?;
        if path.len() > PROOF_HASHES_MAX {
            return Err(NoteError::Form("the proof has too many hashes"));
        }
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that an entry is in the log, as the policy trusts it.
    ///
    /// # Errors
    /// When the checkpoint does not meet the policy, or the path does not lead to its root.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<Checkpoint, NoteError> {
        self.verify_leaf(&leaf_hash(entry), policy)
    }

    /// The same for an entry of which only the leaf hash is known.
    ///
    /// # Errors
    /// As [`TlogProof::verify`].
    pub fn verify_leaf(&self, leaf: &Hash, policy: &Policy) -> Result<Checkpoint, NoteError> {
        let checkpoint = policy.check(&self.checkpoint)?;
        verify_inclusion(self.index, checkpoint.size, leaf, &self.path, &checkpoint.root)
            .map_err(|_| NoteError::Form("the proof does not lead from the entry to the checkpoint's root"))?;
        Ok(checkpoint)
    }
}

impl std::fmt::Display for TlogProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn hash(line: &str) -> Option<Hash> {
    STANDARD.decode(line).ok()?.try_into().ok()
}
