//! Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature. Strict on purpose: whatever is
//! not exactly a note is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 1_000_000;
/// The most signatures on one note.
pub const SIGNATURES_MAX: usize = 100;
/// The key type of a plain Ed25519 signature over the text.
pub const ED25519: u8 = 0x01;
/// The key type of a timestamped Ed25519 cosignature (C2SP tlog-cosignature, `cosignature/v1`).
pub const COSIGNATURE_V1: u8 = 0x04;

/// Why bytes are not a note, or a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The form is broken.
    #[error("not a signed note: {0}")]
    Form(&'static str),
    /// A verifier key is broken.
    #[error("not a verifier key: {0}")]
    Key(&'static str),
    /// A known key's signature does not verify.
    #[error("the signature of {0} does not verify")]
    Signature(String),
    /// No signature of the key that was asked for.
    #[error("there is no signature of {0}")]
    Unsigned(String),
}

/// A signature line, undecided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The first four bytes of the key's hash.
    pub key_id: [u8; 4],
    /// What follows them; never empty.
    pub bytes: Vec<u8>,
}

/// A note in its parts; nothing has been verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The signed text, its final newline included.
    pub text: String,
    /// The signature lines; never empty.
    pub signatures: Vec<SignatureLine>,
}

/// A verifier key, as `name+hash+base64` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    kind: u8,
    key: VerifyingKey,
    key_id: [u8; 4],
}

impl Note {
    /// Takes a note apart.
    ///
    /// # Errors
    /// When it is not exactly a note.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Form("it is too long"));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Form("it holds a control character"));
        }
        let (text, lines) =
            note.rsplit_once("\n\n").ok_or(NoteError::Form("there is no empty line before the signatures"))?;
        if text.is_empty() {
            return Err(NoteError::Form("the text is empty"));
        }
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form("the last line is not ended"))?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(NoteError::Form("there are too many signatures"));
        }
        let signatures = lines.split('\n').map(SignatureLine::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// Checks the signatures of one key: at least one must be there, and none of them may fail. Gives the time of the last
    /// cosignature, in seconds since 1970; zero for a plain signature. Signatures of other keys are not looked at.
    ///
    /// # Errors
    /// When the key did not sign, or one of its signatures does not verify.
    pub fn verify(&self, verifier: &Verifier) -> Result<u64, NoteError> {
        let mut time = None;
        for line in self.signatures.iter().filter(|l| l.name == verifier.name && l.key_id == verifier.key_id) {
            time = Some(verifier.check(&self.text, &line.bytes)?);
        }
        time.ok_or_else(|| NoteError::Unsigned(verifier.name.clone()))
    }
}

impl SignatureLine {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let rest =
            line.strip_prefix("\u{2014} ").ok_or(NoteError::Form("a signature line does not begin with a dash"))?;
        let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Form("a signature line has no signature"))?;
        check_name(name).map_err(NoteError::Form)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Form("a signature is not base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((key_id, rest)) if !rest.is_empty() => {
                Ok(Self { name: name.to_owned(), key_id: *key_id, bytes: rest.to_vec() })
            }
            _ => Err(NoteError::Form("a signature is too short")),
        }
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) {
        return Err("a key name is empty or holds a space or a plus sign");
    }
    Ok(())
}

/// The first four bytes of a key's hash.
fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', kind]);
    hasher.update(key);
    let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
    [a, b, c, d]
}

impl Verifier {
    /// Reads `name+hash+base64(kind, key)`.
    ///
    /// # Errors
    /// When it is not such a key, or its hash is not its own.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key("it does not have three parts"));
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Key("it is not base64"))?;
        let (kind, key) = bytes.split_first().ok_or(NoteError::Key("it is empty"))?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| NoteError::Key("it is not 32 bytes long"))?;
        let verifier = Self::new(name, *kind, &key)?;
        if hash == verifier.hash_text() { Ok(verifier) } else { Err(NoteError::Key("its hash is not its own")) }
    }

    /// A verifier of a public key of type [`ED25519`] or [`COSIGNATURE_V1`].
    ///
    /// # Errors
    /// When the type is another, the name cannot be one, or the bytes are no point of the curve or one that signs anything.
    pub fn new(name: &str, kind: u8, key: &[u8; 32]) -> Result<Self, NoteError> {
        check_name(name).map_err(NoteError::Key)?;
        if !matches!(kind, ED25519 | COSIGNATURE_V1) {
            return Err(NoteError::Key("its type is neither Ed25519 nor cosignature/v1"));
        }
        let parsed = VerifyingKey::from_bytes(key).map_err(|_| NoteError::Key("it is no Ed25519 key"))?;
        if parsed.is_weak() {
            return Err(NoteError::Key("it is a weak Ed25519 key"));
        }
        Ok(Self { name: name.to_owned(), kind, key: parsed, key_id: key_id(name, kind, key) })
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// [`ED25519`] or [`COSIGNATURE_V1`].
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// The public key, whatever its name.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Checks one signature over a text and gives its time, zero for a plain one.
    fn check(&self, text: &str, bytes: &[u8]) -> Result<u64, NoteError> {
        let wrong = || NoteError::Signature(self.name.clone());
        let (time, signature) = match self.kind {
            COSIGNATURE_V1 => {
                let (time, signature) = bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
                (u64::from_be_bytes(*time), signature)
            }
            _ => (0, bytes),
        };
        if i64::try_from(time).is_err() {
            return Err(wrong());
        }
        let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
        let verified = match self.kind {
            COSIGNATURE_V1 => self.key.verify_strict(cosigned(time, text).as_bytes(), &signature),
            _ => self.key.verify_strict(text.as_bytes(), &signature),
        };
        verified.map(|()| time).map_err(|_| wrong())
    }

    fn hash_text(&self) -> String {
        self.key_id.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![self.kind];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.hash_text(), STANDARD.encode(bytes))
    }
}

/// What a `cosignature/v1` signs.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Signs a text under a name and gives the whole note. The text must end with a newline, and the name must be one that
/// [`Verifier::new`] takes; otherwise nobody can verify the note.
#[must_use]
pub fn sign(text: &str, name: &str, seed: &[u8; 32]) -> String {
    let key = SigningKey::from_bytes(seed);
    let id = key_id(name, ED25519, key.verifying_key().as_bytes());
    format!("{text}\n{}", line(name, id, &key.sign(text.as_bytes()).to_bytes()))
}

/// A witness' line under somebody's checkpoint: it says that at `time`, in seconds since 1970, this was the log's largest
/// consistent head. To be appended to the note.
#[must_use]
pub fn cosign(text: &str, name: &str, time: u64, seed: &[u8; 32]) -> String {
    let key = SigningKey::from_bytes(seed);
    let id = key_id(name, COSIGNATURE_V1, key.verifying_key().as_bytes());
    let mut signature = time.to_be_bytes().to_vec();
    signature.extend(key.sign(cosigned(time, text).as_bytes()).to_bytes());
    line(name, id, &signature)
}

fn line(name: &str, key_id: [u8; 4], signature: &[u8]) -> String {
    let mut bytes = key_id.to_vec();
    bytes.extend(signature);
    format!("\u{2014} {name} {}\n", STANDARD.encode(bytes))
}

/// The verifier of a seed's plain signatures under a name.
#[must_use]
pub fn verifier_of(name: &str, seed: &[u8; 32]) -> Verifier {
    of_seed(name, ED25519, seed)
}

/// The verifier of a seed's cosignatures under a name.
#[must_use]
pub fn cosigner_of(name: &str, seed: &[u8; 32]) -> Verifier {
    of_seed(name, COSIGNATURE_V1, seed)
}

fn of_seed(name: &str, kind: u8, seed: &[u8; 32]) -> Verifier {
    let key = SigningKey::from_bytes(seed).verifying_key();
    Verifier { name: name.to_owned(), kind, key, key_id: key_id(name, kind, key.as_bytes()) }
}
