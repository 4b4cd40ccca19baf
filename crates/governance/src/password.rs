//! Passwords: argon2id with the parameters that OWASP's cheat sheet recommends (19 MiB, two passes, one lane). The salt is
//! given; the hash goes to the vault and never into a fact.

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordVerifier as _, Version};

use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// Why a password cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters: a few words are easy to remember")]
    Short,
    /// It is too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// The hash function failed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Hashes a password with 16 random bytes of salt; the result says its own parameters.
///
/// # Errors
/// When the password is too short or too long.
pub fn hash(password: &str, salt: &[u8; 16]) -> Result<String, PasswordError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::Short);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    let failed = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
    let hasher = hasher().map_err(|error| failed(&error))?;
    let mut output = [0; 32];
    hasher.hash_password_into(password.as_bytes(), salt, &mut output).map_err(|error| failed(&error))?;
    let salt = Salt::new(salt).map_err(|error| failed(&error))?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: hasher.params().try_into().map_err(|error| failed(&error))?,
        salt: Some(salt),
        hash: Some(argon2::password_hash::phc::Output::new(&output).map_err(|error| failed(&error))?),
    };
    Ok(hash.to_string())
}

/// Whether a password is the one of a hash. Takes as long for a wrong one.
#[must_use]
pub fn verify(password: &str, hash: &str) -> bool {
    let Ok(hasher) = hasher() else { return false };
    password.len() <= PASSWORD_BYTES_MAX
        && PasswordHash::new(hash).is_ok_and(|parsed| hasher.verify_password(password.as_bytes(), &parsed).is_ok())
}

fn hasher() -> Result<Argon2<'static>, argon2::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, Some(32))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_password_and_no_other() {
        let hashed = hash("correct horse battery", &[7; 16]).unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse battery", &hashed));
        assert!(!verify("correct horse batterz", &hashed));
        assert!(!verify("correct horse battery", "nonsense"));
        assert_eq!(hash("short", &[7; 16]), Err(PasswordError::Short));
    }
}
