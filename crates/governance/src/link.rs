//! Links in messages by which the person who was paged acknowledges without logging in. A link's key is good for one page
//! and one person; that it still means something is for whoever follows it to check.

use kernel::PersonName;

use crate::secret::{mac, same};

/// The key of the link by which a person acknowledges a page.
#[must_use]
pub fn key(secret: &[u8; 32], page: u64, person: &PersonName) -> String {
    mac(secret, &[b"acknowledge", &page.to_be_bytes(), person.as_str().as_bytes()]).to_string()
}

/// Whether a link's key is the one for this page and this person.
#[must_use]
pub fn verify(secret: &[u8; 32], page: u64, person: &PersonName, given: &str) -> bool {
    same(key(secret, page, person).as_bytes(), given.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_good_for_one_page_and_one_person() {
        let (ada, bob) = (PersonName::new("ada").unwrap(), PersonName::new("bob").unwrap());
        let given = key(&[1; 32], 7, &ada);
        assert!(verify(&[1; 32], 7, &ada, &given));
        assert!(!verify(&[2; 32], 7, &ada, &given));
        assert!(!verify(&[1; 32], 8, &ada, &given));
        assert!(!verify(&[1; 32], 7, &bob, &given));
        assert!(!verify(&[1; 32], 7, &ada, &given[1..]));
        assert!(!verify(&[1; 32], 7, &ada, ""));
    }
}
