//! Merkle trees as RFC 6962 and RFC 9162 define them: hashing, proofs and their verification, and an accumulator that needs
//! logarithmic memory besides one root for each 256 leaves. No signatures here: see `checkpoint`.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash of a leaf or a node.
pub type Hash = [u8; 32];

/// How many levels of the tree one tile covers; a tile has `2^TILE_LEVELS` leaves.
pub const TILE_LEVELS: u32 = 8;
/// The leaves of one tile.
pub const TILE_LEAVES: u64 = 1 << TILE_LEVELS;
/// The most hashes a proof can have: one for each bit of a size.
pub const PROOF_HASHES_MAX: usize = 64;

/// The hash of a leaf's data.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(data);
    hasher.finalize().into()
}

/// The hash of a node over its children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// The root of the empty tree.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index or the sizes cannot be.
    #[error("{0}")]
    Range(&'static str),
    /// There are too many or too few hashes.
    #[error("the proof has {found} hashes, but {needed} are needed")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// An append-only tree: the roots of its perfect subtrees, and the roots of its full tiles for building proofs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tree {
    size: u64,
    /// The roots of the perfect subtrees that make up the tree, the largest first.
    frontier: Vec<Hash>,
    /// The roots of full tiles, in order.
    tiles: Vec<Hash>,
}

impl Tree {
    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one of the old size is a perfect subtree that the new leaf completes into a larger one.
        for level in 1..=self.size.trailing_ones() {
            if let Some(left) = self.frontier.pop() {
                hash = node_hash(&left, &hash);
            }
            if level == TILE_LEVELS {
                self.tiles.push(hash);
            }
        }
        self.frontier.push(hash);
        self.size += 1;
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.frontier.iter().rev();
        let Some(last) = roots.next() else { return empty_root() };
        roots.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The leaves that must be read to build a proof about `index` in the tree of the first `size` leaves: whole tiles, or
    /// the part of the last one that exists. At most two tiles.
    #[must_use]
    pub fn needed(&self, index: u64, size: u64) -> Vec<Range<u64>> {
        let tile = |at: u64| {
            let start = at / TILE_LEAVES * TILE_LEAVES;
            start..(start + TILE_LEAVES).min(self.size)
        };
        let mut ranges = vec![tile(index)];
        let last = tile(size.saturating_sub(1));
        if last != ranges[0] {
            ranges.push(last);
        }
        ranges
    }

    /// Builds the proof that the leaf at `index` is in the tree of the first `size` leaves. `leaf` gives the hashes of the
    /// leaves that [`Tree::needed`] named.
    ///
    /// # Errors
    /// When the index or the size are not in the tree, or a needed leaf is missing.
    pub fn inclusion(&self, index: u64, size: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Result<Vec<Hash>, ProofError> {
        if index >= size || size > self.size {
            return Err(ProofError::Range("the index is not below the size, or the size is beyond the tree"));
        }
        let mut proof = Vec::new();
        let (mut low, mut high) = (0, size);
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                proof.push(self.range_root(middle, high, leaf)?);
                high = middle;
            } else {
                proof.push(self.range_root(low, middle, leaf)?);
                low = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// Builds the proof that the tree of the first `old` leaves is a prefix of that of the first `new` ones. The leaves that
    /// are needed are those of `needed(old - 1, new)`.
    ///
    /// # Errors
    /// When the sizes are not in order, or a needed leaf is missing.
    pub fn consistency(&self, old: u64, new: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Result<Vec<Hash>, ProofError> {
        if old == 0 || old > new || new > self.size {
            return Err(ProofError::Range("the old size is zero, above the new one, or the new one is beyond the tree"));
        }
        let mut proof = Vec::new();
        let (mut low, mut high, mut whole) = (0, new, true);
        while old != high {
            let middle = low + split(high - low);
            if old <= middle {
                proof.push(self.range_root(middle, high, leaf)?);
                high = middle;
            } else {
                proof.push(self.range_root(low, middle, leaf)?);
                (low, whole) = (middle, false);
            }
        }
        if !whole {
            proof.push(self.range_root(low, high, leaf)?);
        }
        proof.reverse();
        Ok(proof)
    }

    /// The root over leaves `low..high`, from tile roots where whole tiles are covered.
    fn range_root(&self, low: u64, high: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Result<Hash, ProofError> {
        const MISSING: ProofError = ProofError::Range("a needed leaf was not given");
        let width = high - low;
        if width == 1 {
            return leaf(low).ok_or(MISSING);
        }
        if width == TILE_LEAVES && low.is_multiple_of(TILE_LEAVES) {
            let tile = usize::try_from(low / TILE_LEAVES).ok().and_then(|at| self.tiles.get(at));
            return tile.copied().ok_or(MISSING);
        }
        let middle = low + split(width);
        Ok(node_hash(&self.range_root(low, middle, leaf)?, &self.range_root(middle, high, leaf)?))
    }
}

/// The largest power of two below `width`, where the tree over `width > 1` leaves splits.
fn split(width: u64) -> u64 {
    1 << (63 - (width - 1).leading_zeros())
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with this root.
///
/// # Errors
/// Says what does not hold.
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    let computed = root_from_inclusion(index, size, leaf, proof)?;
    if computed == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// The root that an inclusion proof leads to.
///
/// # Errors
/// When the index is not below the size, or the number of hashes is not the one needed.
pub fn root_from_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash]) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::Range("the index is not below the size"));
    }
    let inner = inner_length(index, size);
    let border = (index.checked_shr(inner).unwrap_or(0)).count_ones();
    let needed = usize::try_from(inner + border).unwrap_or(usize::MAX);
    if proof.len() != needed {
        return Err(ProofError::Length { found: proof.len(), needed });
    }
    let (inner_hashes, border_hashes) = proof.split_at(usize::try_from(inner).unwrap_or(usize::MAX).min(proof.len()));
    let mut hash = *leaf;
    for (level, sibling) in inner_hashes.iter().enumerate() {
        hash = if (index >> level) & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) };
    }
    Ok(border_hashes.iter().fold(hash, |hash, left| node_hash(left, &hash)))
}

/// How many hashes of a proof lie below the point where the paths to `index` and to the last leaf part.
fn inner_length(index: u64, size: u64) -> u32 {
    64 - (index ^ (size - 1)).leading_zeros()
}

/// Checks that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// # Errors
/// Says what does not hold.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Range("the old size is above the new one"));
    }
    if old == 0 {
        return Err(ProofError::Range("nothing can be proved from the empty tree"));
    }
    if old == new {
        if !proof.is_empty() {
            return Err(ProofError::Length { found: proof.len(), needed: 0 });
        }
        return if old_root == new_root { Ok(()) } else { Err(ProofError::Root) };
    }
    // RFC 9162, 2.1.4.2. A perfect old tree is its own first subtree and is left out of the proof.
    let shift = old.trailing_zeros();
    let (seed, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::Length { found: 0, needed: 1 })?;
        (*first, rest)
    };
    let inner = inner_length(old - 1, new) - shift;
    let index = (old - 1) >> shift;
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    let needed = usize::try_from(inner + border).unwrap_or(usize::MAX);
    if rest.len() != needed {
        let seeds = proof.len() - rest.len();
        return Err(ProofError::Length { found: proof.len(), needed: needed + seeds });
    }
    let (inner_hashes, border_hashes) = rest.split_at(usize::try_from(inner).unwrap_or(usize::MAX).min(rest.len()));
    let (mut from_old, mut from_new) = (seed, seed);
    for (level, sibling) in inner_hashes.iter().enumerate() {
        if (index >> level) & 1 == 1 {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
        } else {
            from_new = node_hash(&from_new, sibling);
        }
    }
    for left in border_hashes {
        from_old = node_hash(left, &from_old);
        from_new = node_hash(left, &from_new);
    }
    if from_old == *old_root && from_new == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let at = usize::try_from(split(leaves.len() as u64)).unwrap();
                node_hash(&naive(&leaves[..at]), &naive(&leaves[at..]))
            }
        }
    }

    fn grown(size: u64) -> (Tree, Vec<Hash>) {
        let leaves: Vec<Hash> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        (tree, leaves)
    }

    fn only(leaves: &[Hash], ranges: Vec<Range<u64>>) -> impl Fn(u64) -> Option<Hash> + '_ {
        move |at| ranges.iter().any(|r| r.contains(&at)).then(|| leaves[usize::try_from(at).unwrap()])
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_built_verifies_and_what_is_changed_does_not(
            size in 1_u64..1500, index: u64, old: u64, at: usize, bit in 0_usize..256,
        ) {
            let (tree, leaves) = grown(size);
            proptest::prop_assert_eq!(tree.root(), naive(&leaves));
            let (index, old) = (index % size, old % size + 1);
            let leaf = leaves[usize::try_from(index).unwrap()];
            let proof = tree.inclusion(index, size, &only(&leaves, tree.needed(index, size))).unwrap();
            proptest::prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &tree.root()), Ok(()));
            let old_root = naive(&leaves[..usize::try_from(old).unwrap()]);
            let grown = tree.consistency(old, size, &only(&leaves, tree.needed(old - 1, size))).unwrap();
            proptest::prop_assert_eq!(verify_consistency(old, size, &grown, &old_root, &tree.root()), Ok(()));
            if !proof.is_empty() {
                let mut wrong = proof.clone();
                let at = at % wrong.len();
                wrong[at][bit / 8] ^= 1 << (bit % 8);
                proptest::prop_assert!(verify_inclusion(index, size, &leaf, &wrong, &tree.root()).is_err());
                wrong.truncate(at);
                proptest::prop_assert!(verify_inclusion(index, size, &leaf, &wrong, &tree.root()).is_err());
            }
            if let Some(first) = grown.first() {
                let mut wrong = grown.clone();
                wrong[0][bit / 8] ^= 1 << (bit % 8);
                proptest::prop_assert!(verify_consistency(old, size, &wrong, &old_root, &tree.root()).is_err());
                wrong.push(*first);
                proptest::prop_assert!(verify_consistency(old, size, &wrong, &old_root, &tree.root()).is_err());
            }
        }
    }
}
