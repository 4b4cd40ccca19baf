//! Signatures of outgoing webhooks, as the Standard Webhooks specification says: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header that carries the delivery's identity.
pub const ID_HEADER: &str = "webhook-id";
/// The header that carries the instant of sending, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header that carries the signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// Why nothing can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the channel's secret is no signing secret: write whsec_ and a key in base64")]
pub struct SecretError;

/// The value of [`SIGNATURE_HEADER`]. A secret of several, separated by spaces, gives several signatures, so that a
/// receiver can change from one to the next.
///
/// # Errors
/// When a secret is not base64, or there is none.
pub fn sign(secrets: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SecretError> {
    let signatures: Result<Vec<String>, SecretError> =
        secrets.split_whitespace().map(|secret| one(secret, id, timestamp, body)).collect();
    signatures.and_then(|all| if all.is_empty() { Err(SecretError) } else { Ok(all.join(" ")) })
}

fn one(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SecretError> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).map_err(|_| SecretError)?;
    if key.is_empty() {
        return Err(SecretError);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| SecretError)?;
    mac.update(id.as_bytes());
    mac.update(format!(".{timestamp}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}
