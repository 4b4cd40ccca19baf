//! Merkle trees as RFC 9162 defines them: hashing, proofs and their verification, and an accumulator that needs no leaf in
//! memory, only the roots above whole tiles of 256. No signatures here: see `checkpoint`.
//!
//! One idea serves every proof. A *subtree* is a run of leaves `start..end` that begins at a multiple of the power of two
//! that covers it. The way from the root down to it passes siblings; their hashes, the lowest first, are the proof. Then
//!
//! - inclusion of a leaf is the consistency of the subtree `index..index + 1`,
//! - consistency with an older tree is that of the subtree `0..old`,
//! - inclusion within a subtree is inclusion in the tree that its leaves make up alone.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash of a leaf or a node.
pub type Hash = [u8; 32];

/// How many levels of the tree one tile covers; a tile has `2^TILE_LEVELS` leaves.
pub const TILE_LEVELS: u32 = 8;
/// The leaves of one tile.
pub const TILE_LEAVES: u64 = 1 << TILE_LEVELS;
/// The most hashes a proof can have: one for each bit of a size, and one for an incomplete subtree.
pub const PROOF_HASHES_MAX: usize = 65;

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

/// What a step of a [`Way`] passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    /// Leaves after the subtree.
    After,
    /// Leaves before the subtree.
    Before,
    /// The first, complete part of the subtree itself: the way goes on into the rest of it.
    Part,
}

/// The way from the root of a tree down to a subtree of it.
struct Way {
    /// What is passed, the highest first, and over which leaves it stands.
    steps: Vec<(Passed, Range<u64>)>,
    /// The leaves at the end of the way: the subtree, or what of it is left after the parts that were passed.
    end: Range<u64>,
    /// Whether the end is the whole subtree, whose root the verifier knows. Otherwise the proof begins with the end's root.
    whole: bool,
}

impl Way {
    fn to(subtree: &Range<u64>, size: u64) -> Result<Self, ProofError> {
        check_subtree(subtree)?;
        if subtree.end > size {
            return Err(ProofError::Range("the leaves are not all in the tree"));
        }
        let (mut low, mut high) = (0, size);
        let mut way = Self { steps: Vec::new(), end: subtree.clone(), whole: true };
        while (low, high) != (way.end.start, way.end.end) {
            let middle = low + split(high - low);
            if way.end.end <= middle {
                way.steps.push((Passed::After, middle..high));
                high = middle;
            } else if middle <= way.end.start {
                way.steps.push((Passed::Before, low..middle));
                low = middle;
            } else {
                // The subtree spans the split, so it begins where this part of the tree does, and holds all before the split.
                way.steps.push((Passed::Part, low..middle));
                (low, way.end.start, way.whole) = (middle, middle, false);
            }
        }
        Ok(way)
    }

    /// The roots of the subtree and of the tree that a proof leads to. `known` is the root of the subtree.
    fn roots(&self, known: &Hash, proof: &[Hash]) -> Result<(Hash, Hash), ProofError> {
        let needed = self.steps.len() + usize::from(!self.whole);
        if proof.len() != needed {
            return Err(ProofError::Length { found: proof.len(), needed });
        }
        let (first, hashes) = match proof.split_first() {
            Some((first, rest)) if !self.whole => (first, rest),
            _ => (known, proof),
        };
        let (mut subtree, mut tree) = (*first, *first);
        for ((passed, _), hash) in self.steps.iter().rev().zip(hashes) {
            match passed {
                Passed::After => tree = node_hash(&tree, hash),
                Passed::Before => tree = node_hash(hash, &tree),
                Passed::Part => (subtree, tree) = (node_hash(hash, &subtree), node_hash(hash, &tree)),
            }
        }
        Ok((subtree, tree))
    }
}

fn check_subtree(subtree: &Range<u64>) -> Result<(), ProofError> {
    if subtree.is_empty() {
        return Err(ProofError::Range("nothing can be proved about no leaves"));
    }
    let covering = (subtree.end - subtree.start).checked_next_power_of_two();
    let aligned = covering.map_or(subtree.start == 0, |width| subtree.start.is_multiple_of(width));
    if aligned { Ok(()) } else { Err(ProofError::Range("the leaves are no subtree: they begin at the wrong place")) }
}

/// The largest power of two below `width`, where the tree over `width > 1` leaves splits.
fn split(width: u64) -> u64 {
    1 << (63 - (width - 1).leading_zeros())
}

fn single(index: u64) -> Result<Range<u64>, ProofError> {
    let end = index.checked_add(1).ok_or(ProofError::Range("the index is beyond every tree"))?;
    Ok(index..end)
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with this root.
///
/// # Errors
/// Says what does not hold.
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    verify_subtree_consistency(&single(index)?, size, proof, leaf, root)
}

/// Checks that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// # Errors
/// Says what does not hold. From the empty tree nothing can be proved, so `old` zero is an error.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old == 0 {
        return Err(ProofError::Range("nothing can be proved from the empty tree"));
    }
    verify_subtree_consistency(&(0..old), new, proof, old_root, new_root)
}

/// Checks that `leaf` stands at `index` among the leaves of a subtree with this root.
///
/// # Errors
/// Says what does not hold.
pub fn verify_subtree_inclusion(
    index: u64,
    subtree: &Range<u64>,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    check_subtree(subtree)?;
    if !subtree.contains(&index) {
        return Err(ProofError::Range("the index is not in the subtree"));
    }
    verify_inclusion(index - subtree.start, subtree.end - subtree.start, leaf, proof, root)
}

/// Checks that the leaves of a subtree with root `subtree_root` stand in the tree of `size` leaves with root `root`. No
/// leaves at all, with the root of the empty tree and no proof, stand in every tree.
///
/// # Errors
/// Says what does not hold.
pub fn verify_subtree_consistency(
    subtree: &Range<u64>,
    size: u64,
    proof: &[Hash],
    subtree_root: &Hash,
    root: &Hash,
) -> Result<(), ProofError> {
    if subtree.start == subtree.end && subtree.end <= size {
        return verify_nothing(subtree_root, proof);
    }
    let roots = Way::to(subtree, size)?.roots(subtree_root, proof)?;
    if roots == (*subtree_root, *root) { Ok(()) } else { Err(ProofError::Root) }
}

fn verify_nothing(root: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
    match proof.len() {
        0 if *root == empty_root() => Ok(()),
        0 => Err(ProofError::Root),
        found => Err(ProofError::Length { found, needed: 0 }),
    }
}

/// An append-only tree: the roots of its perfect subtrees, and the roots above full tiles for building proofs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "Kept", try_from = "Kept")]
pub struct Tree {
    size: u64,
    /// The roots of the perfect subtrees that make up the tree, the largest first.
    frontier: Vec<Hash>,
    /// The roots of perfect subtrees of `2^(TILE_LEVELS + i)` leaves, in order: tiles first, then pairs of tiles, and so on.
    levels: Vec<Vec<Hash>>,
}

/// A tree as it is kept in snapshots. The levels above the tiles are hashed again when it is read.
#[derive(Serialize, Deserialize)]
struct Kept {
    size: u64,
    #[serde(with = "hashes")]
    frontier: Vec<Hash>,
    #[serde(with = "hashes")]
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
            if level >= TILE_LEVELS {
                self.remember(level - TILE_LEVELS, hash);
            }
        }
        self.frontier.push(hash);
        self.size += 1;
    }

    fn remember(&mut self, above: u32, hash: Hash) {
        let above = usize::try_from(above).unwrap_or(usize::MAX);
        match self.levels.get_mut(above) {
            Some(level) => level.push(hash),
            // A level begins when the one below it has two.
            None => self.levels.push(vec![hash]),
        }
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
            let start = at - at % TILE_LEAVES;
            start..start.saturating_add(TILE_LEAVES).min(self.size)
        };
        let (first, last) = (tile(index), tile(size.saturating_sub(1)));
        if first == last { vec![first] } else { vec![first, last] }
    }

    /// Builds the proof that the leaf at `index` is in the tree of the first `size` leaves. `leaf` gives the hashes of the
    /// leaves that [`Tree::needed`] named.
    ///
    /// # Errors
    /// When the index or the size are not in the tree, or a needed leaf is missing.
    pub fn inclusion(
        &self,
        index: u64,
        size: u64,
        leaf: &dyn Fn(u64) -> Option<Hash>,
    ) -> Result<Vec<Hash>, ProofError> {
        self.subtree_consistency(&single(index)?, size, leaf)
    }

    /// Builds the proof that the tree of the first `old` leaves is a prefix of that of the first `new` ones. The leaves that
    /// are needed are those of `needed(old - 1, new)`.
    ///
    /// # Errors
    /// When the sizes are not in order, or a needed leaf is missing.
    pub fn consistency(&self, old: u64, new: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Result<Vec<Hash>, ProofError> {
        self.subtree_consistency(&(0..old), new, leaf)
    }

    /// Builds the proof that a leaf is among the leaves of a subtree. The leaves that are needed are those of
    /// `needed(index, subtree.end)`.
    ///
    /// # Errors
    /// When there is no such subtree with this leaf, or a needed leaf is missing.
    pub fn subtree_inclusion(
        &self,
        index: u64,
        subtree: &Range<u64>,
        leaf: &dyn Fn(u64) -> Option<Hash>,
    ) -> Result<Vec<Hash>, ProofError> {
        check_subtree(subtree)?;
        if !subtree.contains(&index) {
            return Err(ProofError::Range("the index is not in the subtree"));
        }
        self.prove(subtree.start, &single(index - subtree.start)?, subtree.end - subtree.start, leaf)
    }

    /// Builds the proof that a subtree's leaves stand in the tree of the first `size` leaves. The leaves that are needed are
    /// those of `needed(subtree.end - 1, size)`, and those of the tile that `subtree.start` is in.
    ///
    /// # Errors
    /// When there is no such subtree, or a needed leaf is missing.
    pub fn subtree_consistency(
        &self,
        subtree: &Range<u64>,
        size: u64,
        leaf: &dyn Fn(u64) -> Option<Hash>,
    ) -> Result<Vec<Hash>, ProofError> {
        self.prove(0, subtree, size, leaf)
    }

    /// The root over the first `size` leaves. The leaves that are needed are those of `needed(size - 1, size)`.
    ///
    /// # Errors
    /// When the tree has fewer leaves, or a needed leaf is missing.
    pub fn root_at(&self, size: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Result<Hash, ProofError> {
        match size {
            0 => Ok(empty_root()),
            _ if size > self.size => Err(ProofError::Range("the size is beyond the tree")),
            _ => self.range_root(0, size, leaf),
        }
    }

    /// Builds the proof of a subtree in the tree that the `size` leaves from `base` make up alone.
    fn prove(
        &self,
        base: u64,
        subtree: &Range<u64>,
        size: u64,
        leaf: &dyn Fn(u64) -> Option<Hash>,
    ) -> Result<Vec<Hash>, ProofError> {
        let way = Way::to(subtree, size)?;
        if base + size > self.size {
            return Err(ProofError::Range("the size is beyond the tree"));
        }
        let root = |range: &Range<u64>| self.range_root(base + range.start, base + range.end, leaf);
        let first = (!way.whole).then(|| root(&way.end));
        first.into_iter().chain(way.steps.iter().rev().map(|(_, range)| root(range))).collect()
    }

    /// The root over leaves `low..high`, from the roots above tiles where it covers whole ones.
    fn range_root(&self, low: u64, high: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Result<Hash, ProofError> {
        const MISSING: ProofError = ProofError::Range("a needed leaf was not given");
        let width = high - low;
        if width == 1 {
            return leaf(low).ok_or(MISSING);
        }
        if width.is_power_of_two() && width >= TILE_LEAVES {
            let level = usize::try_from(width.trailing_zeros() - TILE_LEVELS).ok();
            let level = level.and_then(|level| self.levels.get(level));
            let at = usize::try_from(low / width).ok();
            return level.zip(at).and_then(|(level, at)| level.get(at)).copied().ok_or(MISSING);
        }
        let middle = low + split(width);
        Ok(node_hash(&self.range_root(low, middle, leaf)?, &self.range_root(middle, high, leaf)?))
    }
}

impl From<Tree> for Kept {
    fn from(tree: Tree) -> Self {
        Self { size: tree.size, frontier: tree.frontier, tiles: tree.levels.into_iter().next().unwrap_or_default() }
    }
}

impl TryFrom<Kept> for Tree {
    type Error = &'static str;

    fn try_from(kept: Kept) -> Result<Self, Self::Error> {
        let Kept { size, frontier, tiles } = kept;
        let tiles_fit = u64::try_from(tiles.len()).is_ok_and(|tiles| tiles == size / TILE_LEAVES);
        if !tiles_fit || u32::try_from(frontier.len()) != Ok(size.count_ones()) {
            return Err("a tree's size is not that of its frontier and its tiles");
        }
        let mut levels = Vec::new();
        let mut level = tiles;
        while !level.is_empty() {
            let above = level.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        Ok(Self { size, frontier, levels })
    }
}

/// Hashes as one string of bytes, which snapshots keep without a word of overhead for each.
mod hashes {
    use std::fmt;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    use super::Hash;

    pub(super) fn serialize<S: Serializer>(hashes: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(hashes.as_flattened())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }

    struct Bytes;

    impl<'de> Visitor<'de> for Bytes {
        type Value = Vec<Hash>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("hashes of 32 bytes each")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<Hash>, E> {
            match bytes.as_chunks::<32>() {
                (hashes, []) => Ok(hashes.to_vec()),
                _ => Err(E::invalid_length(bytes.len(), &self)),
            }
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Hash>, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = sequence.next_element::<u8>()? {
                bytes.push(byte);
            }
            self.visit_bytes(&bytes)
        }
    }
}
