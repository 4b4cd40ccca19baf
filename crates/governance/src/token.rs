//! API tokens and session keys: their text, and the digest by which the vault knows them. Random bytes are given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Digest;
use sha2::Sha256;

/// What every token begins with, so that scanners for leaked secrets know it.
pub const PREFIX: &str = "wk_";

/// The text of a new token: `wk_NAME_SECRET`.
#[must_use]
pub fn new(name: &str, secret: &[u8; 32]) -> String {
    format!("{PREFIX}{name}_{}", URL_SAFE_NO_PAD.encode(secret))
}

/// The name in a token's text; `None` when it is not a token.
#[must_use]
pub fn name(text: &str) -> Option<&str> {
    // A secret of 32 bytes has 43 characters, and may itself hold underscores.
    let rest = text.strip_prefix(PREFIX)?;
    let cut = rest.len().checked_sub(44)?;
    let (name, secret) = rest.split_at_checked(cut)?;
    (secret.starts_with('_') && !name.is_empty()).then_some(name)
}

/// The digest under which the vault keeps a token or a session.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest::of(&[b"watchkeeper token v1\n", text.as_bytes()])
}

/// A random secret as text, for sessions and invitations.
#[must_use]
pub fn secret_text(secret: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(secret)
}

/// The CSRF token that belongs to a session.
#[must_use]
pub fn csrf(session: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(session.as_bytes(), b"watchkeeper csrf v1"))
}

/// Whether a CSRF token belongs to a session; takes as long for a wrong one.
#[must_use]
pub fn csrf_holds(session: &str, given: &str) -> bool {
    same(csrf(session).as_bytes(), given.as_bytes())
}

/// A keyed hash.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Compares without telling by time where two texts differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_name_and_nothing_else() {
        let text = new("prometheus_eu", &[0xff; 32]);
        assert_eq!(name(&text), Some("prometheus_eu"));
        assert_eq!(name("wk_short"), None);
        assert_eq!(name(""), None);
        assert_ne!(digest(&text), digest("wk_other"));
        assert!(csrf_holds("session", &csrf("session")));
        assert!(!csrf_holds("session", &csrf("another")));
    }
}
