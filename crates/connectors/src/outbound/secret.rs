//! Secrets: read when they are needed, never shown.

use std::io::Read as _;

use kernel::book::SecretRef;

/// The longest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// A secret. It has no `Debug` and no `Display`, so that it cannot get into a log by accident.
pub(crate) struct Secret(String);

impl Secret {
    /// Reads a secret from where the watchbook says it is.
    ///
    /// # Errors
    /// Says where it was not found; never what was found.
    pub(crate) async fn read(reference: &SecretRef) -> Result<Self, String> {
        let found = match reference {
            SecretRef::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => format!("the secret is not set: set {name} for the server"),
                std::env::VarError::NotUnicode(_) => format!("the secret in {name} is not text"),
            })?,
            SecretRef::File(path) => {
                let why = |error| format!("the secret cannot be read from {path}: {error}");
                read_file(path).await.map_err(why)?
            }
        };
        let secret = found.trim();
        if secret.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(Self(secret.to_owned())) }
    }

    /// The secret itself, for the wire.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The secret and its parts, to be taken out of what others say.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        let parts = self.0.split(|c: char| c == ':' || c.is_whitespace());
        std::iter::once(self.0.as_str()).chain(parts.filter(|part| !part.starts_with("http")))
    }
}

/// One hop to a thread that may wait for the disk, because this happens with every attempt.
async fn read_file(path: &str) -> std::io::Result<String> {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        std::fs::File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    });
    reading.await.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
}
