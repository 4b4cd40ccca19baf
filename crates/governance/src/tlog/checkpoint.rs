//! Checkpoints (C2SP tlog-checkpoint): the size and the root of a log at one moment, as a signed note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::merkle::Hash;
use super::note::{self, Note, NoteError, Verifier};

/// The size and the root of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Further lines, which the log may add.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a checkpoint. It is no more than a text until its signatures are checked: see [`Self::open`].
    ///
    /// # Errors
    /// When it is not exactly one.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let body = text.strip_suffix('\n').ok_or(NoteError::Form("the checkpoint's last line is not ended"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|o| !o.is_empty()).ok_or(NoteError::Form("the checkpoint has no origin"))?;
        let size =
            lines.next().and_then(decimal).ok_or(NoteError::Form("the checkpoint's size is not a decimal number"))?;
        let root = lines.next().and_then(|line| STANDARD.decode(line).ok());
        let root = root.and_then(|bytes| Hash::try_from(bytes).ok());
        let root = root.ok_or(NoteError::Form("the checkpoint's root is not the base64 of 32 bytes"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(NoteError::Form("the checkpoint has an empty extension line"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Reads a signed checkpoint and checks that the log itself signed it under its own name.
    ///
    /// # Errors
    /// When it is not one, another log's, or not signed by the log.
    pub fn open(signed: &str, log: &Verifier) -> Result<(Self, Note), NoteError> {
        let note = Note::parse(signed)?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != log.name() {
            return Err(NoteError::Form("the checkpoint is another log's"));
        }
        note.verify(log)?;
        Ok((checkpoint, note))
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, seed: &[u8; 32]) -> String {
        note::sign(&self.text(), &self.origin, seed)
    }
}

/// A decimal number without sign or leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}
