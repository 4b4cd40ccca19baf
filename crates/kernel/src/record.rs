//! A record: one fact as the journal keeps it, and the canonical bytes that its Merkle leaf commits to.
//!
//! The leaf is `SHA-256(0x00 || header || commitment)` with `commitment = SHA-256("watchkeeper body v1" || salt || body)`.
//! Because the header holds no personal data and the body enters only through a salted hash, a body can be destroyed
//! together with its salt, and every proof stays whole. The header, big-endian:
//!
//! ```text
//! format u8 = 1 | seq u64 | at i64 (microseconds since 1970) | version u16 | sensitivity u8 | cause u64 (all ones: none)
//! then five texts, each u16 length and UTF-8: area, stream, kind, actor, policy
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::actor::Actor;
use crate::sensitivity::Sensitivity;
use crate::time::Timestamp;

/// The first byte of every header.
pub const HEADER_FORMAT: u8 = 1;
/// What the body's commitment begins with, so that no other hash can be mistaken for it.
pub const COMMITMENT_PREFIX: &[u8] = b"watchkeeper body v1";
/// The longest text in a header, in bytes; longer ones are cut. Five of them fit the sixteen bits of a header length.
pub const HEADER_TEXT_MAX: usize = 4096;

/// The place of a fact in the journal, counted from zero; it is also its leaf's index in the Merkle tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Seq(pub u64);

/// A fact as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the one global order.
    pub seq: Seq,
    /// When it was decided, to the microsecond.
    pub at: Timestamp,
    /// The area that decided it.
    pub area: Box<str>,
    /// What it is about, such as `INC-42`.
    pub stream: Box<str>,
    /// What happened, such as `IncidentDeclared`.
    pub kind: Box<str>,
    /// The version of the body's form.
    pub version: u16,
    /// Who asked for it.
    pub actor: Actor,
    /// Who may read it.
    pub sensitivity: Sensitivity,
    /// The access policy that allowed it.
    pub policy: Box<str>,
    /// The fact that it reacts to, when it is a reaction.
    pub cause: Option<Seq>,
    /// What exactly happened.
    pub body: Body,
}

/// A record without its body, borrowed from wherever its parts are.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Its place in the one global order.
    pub seq: Seq,
    /// When it was decided, to the microsecond.
    pub at: Timestamp,
    /// The area that decided it.
    pub area: &'a str,
    /// What it is about.
    pub stream: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// The version of the body's form.
    pub version: u16,
    /// Who asked for it.
    pub actor: &'a Actor,
    /// Who may read it.
    pub sensitivity: Sensitivity,
    /// The access policy that allowed it.
    pub policy: &'a str,
    /// The fact that it reacts to, when it is a reaction.
    pub cause: Option<Seq>,
}

/// The body of a record, or what is left when it was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The body as JSON, and the salt of its commitment.
    Kept {
        /// Random bytes that keep the commitment from being guessed.
        salt: [u8; 16],
        /// The event as JSON.
        json: Box<[u8]>,
    },
    /// The body and its salt were destroyed; the commitment stays.
    Erased {
        /// What the leaf commits to.
        commitment: [u8; 32],
    },
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end too early.
    #[error("the record ends before its {0}")]
    Short(&'static str),
    /// A field holds what it cannot hold.
    #[error("the record's {0} is not valid")]
    Invalid(&'static str),
}

impl Body {
    /// The hash that the leaf commits to.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        match self {
            Self::Kept { salt, json } => commitment(salt, json),
            Self::Erased { commitment } => *commitment,
        }
    }
}

/// The salted hash of a body.
#[must_use]
pub fn commitment(salt: &[u8; 16], json: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(COMMITMENT_PREFIX);
    hasher.update(salt);
    hasher.update(json);
    hasher.finalize().into()
}

/// The Merkle leaf hash over a header and a body's commitment.
#[must_use]
pub fn leaf_hash(header: &[u8], commitment: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(header);
    hasher.update(commitment);
    hasher.finalize().into()
}

impl Header<'_> {
    /// Appends the canonical bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(HEADER_FORMAT);
        out.extend(self.seq.0.to_be_bytes());
        out.extend(self.at.as_microsecond().to_be_bytes());
        out.extend(self.version.to_be_bytes());
        out.push(self.sensitivity.byte());
        out.extend(self.cause.map_or(u64::MAX, |s| s.0).to_be_bytes());
        write_text(out, self.area);
        write_text(out, self.stream);
        write_text(out, self.kind);
        write_text(out, &self.actor.to_string());
        write_text(out, self.policy);
    }
}

impl Record {
    /// What is not its body.
    #[must_use]
    pub fn header(&self) -> Header<'_> {
        Header {
            seq: self.seq,
            at: self.at,
            area: &self.area,
            stream: &self.stream,
            kind: &self.kind,
            version: self.version,
            actor: &self.actor,
            sensitivity: self.sensitivity,
            policy: &self.policy,
            cause: self.cause,
        }
    }

    /// The Merkle leaf hash of this record.
    #[must_use]
    pub fn leaf(&self) -> [u8; 32] {
        let mut header = Vec::with_capacity(128);
        self.header().write(&mut header);
        leaf_hash(&header, &self.body.commitment())
    }

    /// Reads a canonical header back and joins it with its body.
    ///
    /// # Errors
    /// When the bytes are not exactly one header.
    pub fn from_parts(header: &[u8], body: Body) -> Result<Self, RecordError> {
        let mut rest = header;
        if take::<1>(&mut rest, "format")? != [HEADER_FORMAT] {
            return Err(RecordError::Invalid("format"));
        }
        let seq = Seq(u64::from_be_bytes(take(&mut rest, "seq")?));
        let micros = i64::from_be_bytes(take(&mut rest, "at")?);
        let version = u16::from_be_bytes(take(&mut rest, "version")?);
        let [label] = take(&mut rest, "sensitivity")?;
        let cause = u64::from_be_bytes(take(&mut rest, "cause")?);
        let record = Self {
            seq,
            at: Timestamp::from_microsecond(micros).map_err(|_| RecordError::Invalid("at"))?,
            version,
            sensitivity: Sensitivity::from_byte(label).ok_or(RecordError::Invalid("sensitivity"))?,
            cause: (cause != u64::MAX).then_some(Seq(cause)),
            area: take_text(&mut rest, "area")?.into(),
            stream: take_text(&mut rest, "stream")?.into(),
            kind: take_text(&mut rest, "kind")?.into(),
            actor: take_text(&mut rest, "actor")?.parse().map_err(|_| RecordError::Invalid("actor"))?,
            policy: take_text(&mut rest, "policy")?.into(),
            body,
        };
        if rest.is_empty() { Ok(record) } else { Err(RecordError::Invalid("end")) }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let kept = &text[..text.floor_char_boundary(HEADER_TEXT_MAX)];
    // The cut above keeps the length within sixteen bits.
    out.extend(u16::try_from(kept.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(kept.as_bytes());
}

fn take<const N: usize>(rest: &mut &[u8], field: &'static str) -> Result<[u8; N], RecordError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(RecordError::Short(field))?;
    *rest = tail;
    Ok(*head)
}

fn take_text<'a>(rest: &mut &'a [u8], field: &'static str) -> Result<&'a str, RecordError> {
    let length = usize::from(u16::from_be_bytes(take(rest, field)?));
    let (head, tail) = rest.split_at_checked(length).ok_or(RecordError::Short(field))?;
    *rest = tail;
    std::str::from_utf8(head).map_err(|_| RecordError::Invalid(field))
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
