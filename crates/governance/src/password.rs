//! Passwords: which are good enough, their hashes (Argon2id in PHC form), and checking one. Where hashes are kept, and how
//! often somebody may try, is decided elsewhere.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{CustomizedPasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

/// The shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// How many different characters a password has at least.
pub const PASSWORD_DISTINCT_MIN: usize = 5;
/// A hash that belongs to no password. Checking against it takes as long as against a real one, so that an answer's time does
/// not tell which people there are.
pub const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F0Y2hrZWVwZXIgZGVjbw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("the password has fewer than {PASSWORD_CHARS_MIN} characters: a few words make a good one")]
    Short,
    /// It is too long.
    #[error("the password has more than {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// It repeats a few characters.
    #[error("the password has fewer than {PASSWORD_DISTINCT_MIN} different characters: a few words make a good one")]
    Plain,
    /// It could not be hashed, because there is no memory for it.
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
}

/// Checks that a password is good enough.
///
/// # Errors
/// Says which rule it breaks.
pub fn check(password: &str) -> Result<(), PasswordError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::Short);
    }
    let distinct: std::collections::BTreeSet<char> = password.chars().collect();
    if distinct.len() < PASSWORD_DISTINCT_MIN { Err(PasswordError::Plain) } else { Ok(()) }
}

/// The hash of a good password under a random salt, in PHC form.
///
/// # Errors
/// When the password is not good enough, or there is no memory for the hash (19 MiB).
pub fn hash(password: &str, salt: &[u8; 16]) -> Result<String, PasswordError> {
    check(password)?;
    let hash = hasher().hash_password_customized(
        password.as_bytes(),
        salt,
        Some(Algorithm::Argon2id.as_str()),
        Some(Version::V0x13.into()),
        Params::DEFAULT,
    );
    let hash: PasswordHash = hash.map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Whether a password is the one whose hash was kept. Whatever is not a hash matches nothing.
#[must_use]
pub fn verify(password: &str, kept: &str) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    PasswordHash::new(kept).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let kept = hash("correct horse battery", &[7; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("correct horse battery", &kept));
        assert!(!verify("correct horse batterz", &kept));
        assert!(!verify("correct horse battery", DECOY));
        assert!(!verify("correct horse battery", "no hash"));
        assert_ne!(kept, hash("correct horse battery", &[8; 16]).unwrap());
        // It must read as a hash, or checking against it would be quick and tell.
        assert!(PasswordHash::new(DECOY).is_ok());
    }

    #[test]
    fn weak_passwords_are_refused_with_the_rule() {
        assert_eq!(check("short"), Err(PasswordError::Short));
        assert_eq!(check(&"ab".repeat(10)), Err(PasswordError::Plain));
        assert_eq!(check(&"abcdefgh".repeat(200)), Err(PasswordError::Long));
        assert_eq!(check("fünf kleine Wörter"), Ok(()));
    }
}
