//! The text of API tokens and of other secrets that a client shows: `wk_NAME_SECRET`. Only digests are kept; since a secret
//! has 256 random bits, a plain SHA-256 is enough to keep it.

use kernel::Digest;

use crate::secret::{hex, same};

/// What every token begins with, so that scanners find one that was published by mistake.
pub const PREFIX: &str = "wk_";

/// The text of a token, from random bytes. Shown once and kept nowhere.
#[must_use]
pub fn new(name: &str, random: &[u8; 32]) -> String {
    format!("{PREFIX}{name}_{}", hex(random))
}

/// The text of a secret without a name, from random bytes: for invitations and sessions.
#[must_use]
pub fn secret_text(random: &[u8; 32]) -> String {
    hex(random)
}

/// The name that a token's text claims; `None` when it is no token. Whether the claim holds is for [`matches`] to say.
#[must_use]
pub fn name(text: &str) -> Option<&str> {
    let (name, secret) = text.strip_prefix(PREFIX)?.rsplit_once('_')?;
    let secret_is_one = secret.len() == 64 && secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (secret_is_one && kernel::name::check(name).is_ok()).then_some(name)
}

/// What is kept of a token or of a secret.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest::of(&[text.as_bytes()])
}

/// Whether a text is the one whose digest, in hexadecimal, was kept.
#[must_use]
pub fn matches(text: &str, kept: &[u8]) -> bool {
    same(digest(text).to_string().as_bytes(), kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_its_name_and_matches_its_digest() {
        let text = new("my_scraper", &[0xab; 32]);
        assert_eq!(name(&text), Some("my_scraper"));
        let kept = digest(&text).to_string();
        assert!(matches(&text, kept.as_bytes()));
        assert!(!matches(&new("my_scraper", &[0xac; 32]), kept.as_bytes()));
        assert!(!matches(&text, &kept.as_bytes()[..63]));
        assert!(!matches(&text, b""));
    }

    #[test]
    fn what_is_no_token_has_no_name() {
        let secret = "ab".repeat(32);
        let upper = format!("wk_a_{}", secret.to_uppercase());
        let texts = [
            "",
            "wk_",
            &secret,
            &format!("wk_{secret}"),
            &format!("wk__{secret}"),
            &upper,
            &format!("wk_a b_{secret}"),
        ];
        for text in texts {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
