//! What secrets have in common: keyed hashes, and comparing without giving away where two texts part. Makes none of them:
//! random bytes are given.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Digest;
use sha2::Sha256;

/// HMAC-SHA-256 over parts, each after its length, so that no two lists of parts are alike.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> Digest {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Digest(mac.finalize().into_bytes().into())
}

/// Whether two texts are equal, in a time that depends on their lengths alone.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |found, (x, y)| std::hint::black_box(found | (x ^ y)));
    a.len() == b.len() && differences == 0
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    Digest(*bytes).to_string()
}
