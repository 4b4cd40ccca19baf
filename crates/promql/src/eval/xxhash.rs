//! The hash of a label set by which `limit_ratio` samples: XXH64 with seed 0 over the labels as Prometheus stores them,
//! so that both sample the same series.
//!
//! The algorithm is Yann Collet's XXH64, as its specification describes it.

use crate::Labels;

const P1: u64 = 0x9e37_79b1_85eb_ca87;
const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const P3: u64 = 0x1656_67b1_9e37_79f9;
const P4: u64 = 0x85eb_ca77_c2b2_ae63;
const P5: u64 = 0x27d4_eb2f_1656_67c5;

/// The hash of labels: each name and value with its length before it, in order of name.
pub(super) fn labels_hash(labels: &Labels) -> u64 {
    let mut bytes = Vec::new();
    for (name, value) in labels.iter() {
        push(&mut bytes, name);
        push(&mut bytes, value);
    }
    xxh64(&bytes)
}

/// Lengths below 255 are one byte; others are 255 and three bytes, the lowest first.
fn push(bytes: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length) if length < u8::MAX => bytes.push(length),
        _ => {
            bytes.push(u8::MAX);
            bytes.extend(text.len().to_le_bytes().iter().take(3));
        }
    }
    bytes.extend_from_slice(text.as_bytes());
}

fn round(sum: u64, input: u64) -> u64 {
    sum.wrapping_add(input.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

fn xxh64(bytes: &[u8]) -> u64 {
    let length = bytes.len() as u64;
    let stripes = bytes.chunks_exact(32);
    let rest = stripes.remainder();
    let mut hash = if bytes.len() >= 32 { striped(stripes) } else { P5 };
    hash = hash.wrapping_add(length);
    let words = rest.chunks_exact(8);
    let mut tail = words.remainder();
    for bytes in words {
        hash = (hash ^ round(0, word(bytes))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    if let Some((half, after)) = tail.split_at_checked(4) {
        hash = (hash ^ word(half).wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        tail = after;
    }
    for byte in tail {
        hash = (hash ^ u64::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
    hash ^ (hash >> 32)
}

/// Four sums over stripes of four words each, made one.
fn striped(stripes: std::slice::ChunksExact<'_, u8>) -> u64 {
    let mut sums = [P1.wrapping_add(P2), P2, 0, 0_u64.wrapping_sub(P1)];
    for stripe in stripes {
        for (sum, bytes) in sums.iter_mut().zip(stripe.chunks_exact(8)) {
            *sum = round(*sum, word(bytes));
        }
    }
    let turned = sums.iter().zip([1, 7, 12, 18]).map(|(sum, by)| sum.rotate_left(by));
    let hash = turned.fold(0_u64, u64::wrapping_add);
    sums.iter().fold(hash, |hash, sum| (hash ^ round(0, *sum)).wrapping_mul(P1).wrapping_add(P4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_specification() {
        // The first three are the test vectors that every implementation names.
        let cases: [(&[u8], u64); 3] =
            [(b"", 0xef46_db37_51d8_e999), (b"a", 0xd24e_c4f1_a98c_6e5b), (b"abc", 0x44bc_2cf5_ad77_0999)];
        for (bytes, hash) in cases {
            assert_eq!(xxh64(bytes), hash, "{bytes:?}");
        }
        let long = b"Nobody inspects the spammish repetition";
        assert_eq!(xxh64(long), 0xfbce_a83c_8a37_8bf1);
    }
}
