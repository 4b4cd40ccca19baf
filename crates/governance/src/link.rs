//! Keys of acknowledge links: they act for one person on one page, and for nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::PersonName;

use crate::token::{mac, same};

/// The key of a link.
#[must_use]
pub fn key(secret: &[u8; 32], page: u64, person: &PersonName) -> String {
    URL_SAFE_NO_PAD.encode(&mac(secret, format!("acknowledge v1\n{page}\n{person}").as_bytes())[..18])
}

/// Whether a key is the one for this page and person; takes as long for a wrong one.
#[must_use]
pub fn verify(secret: &[u8; 32], page: u64, person: &PersonName, given: &str) -> bool {
    same(key(secret, page, person).as_bytes(), given.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_one_page_for_one_person() {
        let (ada, bob) = (PersonName::new("ada").unwrap(), PersonName::new("bob").unwrap());
        let key = key(&[1; 32], 7, &ada);
        assert!(verify(&[1; 32], 7, &ada, &key));
        assert!(!verify(&[1; 32], 8, &ada, &key));
        assert!(!verify(&[1; 32], 7, &bob, &key));
        assert!(!verify(&[2; 32], 7, &ada, &key));
        assert!(!verify(&[1; 32], 7, &ada, ""));
    }
}
