//! The laws of trees and proofs: what is built verifies, and whatever is changed in it does not.

use governance::tlog::merkle::{
    Hash, PROOF_HASHES_MAX, ProofError, Tree, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};
use proptest::prelude::*;

/// The definition of RFC 9162, word for word.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let at = leaves.len().next_power_of_two() / 2;
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

fn at(index: u64) -> usize {
    usize::try_from(index).unwrap()
}

/// Gives only the leaves in some ranges, so that a proof that needs others fails.
fn only(leaves: &[Hash], ranges: Vec<std::ops::Range<u64>>) -> impl Fn(u64) -> Option<Hash> + '_ {
    move |index| ranges.iter().any(|r| r.contains(&index)).then(|| leaves[at(index)])
}

/// Every proof that differs from a good one by a bit, a hash too many, a hash too few, or the order of two.
fn mutations(proof: &[Hash], bit: usize, place: usize) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[leaf_hash(b"surplus")]].concat(), [&[leaf_hash(b"surplus")], proof].concat()];
    if !proof.is_empty() {
        let place = place % proof.len();
        let mut flipped = proof.to_vec();
        flipped[place][bit / 8] ^= 1 << (bit % 8);
        let mut shorter = proof.to_vec();
        shorter.remove(place);
        all.extend([flipped, shorter, [proof, &proof[place..=place]].concat()]);
        if place > 0 {
            let mut swapped = proof.to_vec();
            swapped.swap(place - 1, place);
            all.push(swapped);
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_root_is_that_of_the_definition(size in 0_u64..1500, old: u64) {
        let (tree, leaves) = grown(size);
        prop_assert_eq!(tree.root(), naive(&leaves));
        let old = old % (size + 1);
        let root = tree.root_at(old, &only(&leaves, tree.needed(old.saturating_sub(1), old)));
        prop_assert_eq!(root, Ok(naive(&leaves[..at(old)])));
    }

    #[test]
    fn inclusion_is_proved_for_the_leaf_alone(size in 1_u64..1500, index: u64, other: u64, bit in 0_usize..256, place: usize) {
        let (tree, leaves) = grown(size);
        let index = index % size;
        let (leaf, root) = (leaves[at(index)], tree.root());
        let proof = tree.inclusion(index, size, &only(&leaves, tree.needed(index, size))).unwrap();
        prop_assert!(proof.len() <= PROOF_HASHES_MAX);
        prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));
        for wrong in mutations(&proof, bit, place) {
            prop_assert!(verify_inclusion(index, size, &leaf, &wrong, &root).is_err());
        }
        let other = other % (size + 2);
        if other != index {
            prop_assert!(verify_inclusion(other, size, &leaf, &proof, &root).is_err());
        }
        prop_assert!(verify_inclusion(index, size, &leaf_hash(b"another"), &proof, &root).is_err());
        prop_assert!(verify_inclusion(index, size, &leaf, &proof, &leaf_hash(b"another")).is_err());
    }

    #[test]
    fn consistency_is_proved_for_a_prefix_alone(size in 1_u64..1500, old: u64, changed: u64, bit in 0_usize..256, place: usize) {
        let (tree, mut leaves) = grown(size);
        let old = old % size + 1;
        let (old_root, root) = (naive(&leaves[..at(old)]), tree.root());
        let proof = tree.consistency(old, size, &only(&leaves, tree.needed(old - 1, size))).unwrap();
        prop_assert_eq!(verify_consistency(old, size, &proof, &old_root, &root), Ok(()));
        for wrong in mutations(&proof, bit, place) {
            prop_assert!(verify_consistency(old, size, &wrong, &old_root, &root).is_err());
        }
        // A log that changed one of its old entries has no proof that fits, not even the one it builds itself.
        leaves[at(changed % old)] = leaf_hash(b"rewritten");
        let mut rewritten = Tree::default();
        leaves.iter().for_each(|leaf| rewritten.push(*leaf));
        let forged = rewritten.consistency(old, size, &|index| leaves.get(at(index)).copied()).unwrap();
        for proof in [&proof, &forged] {
            prop_assert!(verify_consistency(old, size, proof, &old_root, &rewritten.root()).is_err());
        }
    }

    #[test]
    fn subtrees_are_proved_in_their_place_alone(size in 1_u64..1500, level in 0_u32..9, nth: u64, cut: u64, bit in 0_usize..256, place: usize) {
        let (tree, leaves) = grown(size);
        let width = 1 << level;
        let start = nth % size.div_ceil(width) * width;
        let longest = width.min(size - start);
        let end = start + longest - cut % longest.div_ceil(2);
        let subtree = start..end;
        let (subtree_root, root) = (naive(&leaves[at(start)..at(end)]), tree.root());
        let all = |index: u64| leaves.get(at(index)).copied();
        // A shorter end may be covered by a smaller power of two; the start stays a multiple of it.
        let proof = tree.subtree_consistency(&subtree, size, &all).unwrap();
        prop_assert_eq!(verify_subtree_consistency(&subtree, size, &proof, &subtree_root, &root), Ok(()));
        for wrong in mutations(&proof, bit, place) {
            prop_assert!(verify_subtree_consistency(&subtree, size, &wrong, &subtree_root, &root).is_err());
        }
        let index = start + cut % (end - start);
        let within = tree.subtree_inclusion(index, &subtree, &all).unwrap();
        let leaf = leaves[at(index)];
        prop_assert_eq!(verify_subtree_inclusion(index, &subtree, &leaf, &within, &subtree_root), Ok(()));
        for wrong in mutations(&within, bit, place) {
            prop_assert!(verify_subtree_inclusion(index, &subtree, &leaf, &wrong, &subtree_root).is_err());
        }
    }

    #[test]
    fn no_numbers_are_too_large(index: u64, size: u64, start: u64, end: u64, length in 0_usize..70) {
        let proof = vec![leaf_hash(b"x"); length];
        let hash = leaf_hash(b"y");
        prop_assert!(verify_inclusion(index, size, &hash, &proof, &empty_root()).is_err());
        prop_assert!(verify_consistency(index, size, &proof, &hash, &empty_root()).is_err());
        prop_assert!(verify_subtree_inclusion(index, &(start..end), &hash, &proof, &empty_root()).is_err());
        prop_assert!(verify_subtree_consistency(&(start..end), size, &proof, &hash, &empty_root()).is_err());
    }

    #[test]
    fn a_tree_is_read_back_as_it_was_kept(size in 0_u64..3000, more in 0_u64..300) {
        let (mut tree, _) = grown(size);
        let json = serde_json::to_vec(&tree).unwrap();
        let mut read: Tree = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(&read, &tree);
        for i in 0..more {
            tree.push(leaf_hash(&i.to_le_bytes()));
            read.push(leaf_hash(&i.to_le_bytes()));
        }
        prop_assert_eq!(read, tree);
    }
}

#[test]
fn nothing_is_proved_from_the_empty_tree_or_beyond_the_end() {
    let (tree, leaves) = grown(10);
    let all = |index: u64| leaves.get(at(index)).copied();
    assert!(matches!(verify_consistency(0, 10, &[], &empty_root(), &tree.root()), Err(ProofError::Range(_))));
    assert!(matches!(verify_consistency(0, 0, &[], &empty_root(), &empty_root()), Err(ProofError::Range(_))));
    assert!(matches!(tree.consistency(0, 10, &all), Err(ProofError::Range(_))));
    assert!(matches!(tree.consistency(3, 11, &all), Err(ProofError::Range(_))));
    assert!(matches!(tree.inclusion(10, 10, &all), Err(ProofError::Range(_))));
    assert!(matches!(tree.inclusion(2, 10, &|_| None), Err(ProofError::Range(_))));
    assert!(matches!(tree.subtree_consistency(&(3..5), 10, &all), Err(ProofError::Range(_))));
    assert!(matches!(tree.root_at(11, &all), Err(ProofError::Range(_))));
    assert!(matches!(verify_inclusion(u64::MAX, u64::MAX, &leaves[0], &[], &tree.root()), Err(ProofError::Range(_))));
}

#[test]
fn no_leaves_stand_in_every_tree() {
    let (tree, _) = grown(4);
    assert_eq!(verify_subtree_consistency(&(2..2), 4, &[], &empty_root(), &tree.root()), Ok(()));
    assert_eq!(verify_subtree_consistency(&(2..2), 4, &[], &tree.root(), &tree.root()), Err(ProofError::Root));
    assert!(verify_subtree_consistency(&(5..5), 4, &[], &empty_root(), &tree.root()).is_err());
    assert!(verify_subtree_consistency(&(2..2), 4, &[tree.root()], &empty_root(), &tree.root()).is_err());
}

#[test]
fn a_kept_tree_that_does_not_fit_itself_is_refused() {
    for json in [r#"{"size":1,"frontier":[],"tiles":[]}"#, r#"{"size":0,"frontier":[1],"tiles":[]}"#] {
        assert!(serde_json::from_str::<Tree>(json).is_err(), "{json}");
    }
}
