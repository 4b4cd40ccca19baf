//! Bytes as they are stored: compressed where that helps, with a digest that is checked when they are read.

use std::io;

use kernel::Digest;
use kernel::port::StoreFailure;

use crate::failure::damaged;

/// Longer bytes than this are compressed; for shorter ones it does not pay.
const COMPRESS_ABOVE: usize = 1024;
/// The fastest of zstd's usual levels: it keeps up with the writer and still makes JSON a fifth of its size.
const LEVEL: i32 = 1;
/// The most plain bytes of one block or snapshot; a thousand times what is usual, and well below what both databases hold.
pub(crate) const PLAIN_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Stored bytes.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    /// The length of the plain bytes. The stored ones are compressed exactly when they are shorter.
    pub(crate) size: i64,
    /// SHA-256 of the plain bytes.
    pub(crate) digest: Vec<u8>,
    /// What is stored.
    pub(crate) bytes: Vec<u8>,
}

/// Makes plain bytes ready to be stored.
pub(crate) fn pack(plain: &[u8]) -> Result<Packed, StoreFailure> {
    let too_long = || StoreFailure::Unavailable {
        doing: "written",
        cause: format!("{} bytes in one piece are more than the {PLAIN_BYTES_MAX} that are allowed", plain.len()),
    };
    let size = i64::try_from(plain.len()).ok().filter(|_| plain.len() <= PLAIN_BYTES_MAX).ok_or_else(too_long)?;
    let digest = Digest::of(&[plain]).0.to_vec();
    Ok(Packed { size, digest, bytes: shortest(plain) })
}

fn shortest(plain: &[u8]) -> Vec<u8> {
    if plain.len() <= COMPRESS_ABOVE {
        return plain.to_vec();
    }
    match zstd::bulk::compress(plain, LEVEL) {
        Ok(compressed) if compressed.len() < plain.len() => compressed,
        _ => plain.to_vec(),
    }
}

/// The plain bytes again. `place` names them when they are damaged.
pub(crate) fn unpack(place: impl Fn() -> String, packed: Packed) -> Result<Vec<u8>, StoreFailure> {
    let size = usize::try_from(packed.size).ok().filter(|size| *size <= PLAIN_BYTES_MAX);
    let size = size.ok_or_else(|| damaged(place(), "its length is out of bounds"))?;
    let plain = expand(packed.bytes, size).map_err(|error| damaged(place(), error))?;
    if plain.len() == size && Digest::of(&[&plain]).0[..] == packed.digest {
        Ok(plain)
    } else {
        Err(damaged(place(), "its bytes do not have its digest"))
    }
}

fn expand(bytes: Vec<u8>, size: usize) -> io::Result<Vec<u8>> {
    if bytes.len() < size { zstd::bulk::decompress(&bytes, size) } else { Ok(bytes) }
}
