//! The Merkle tree of RFC 6962 (SHA-256): roots, inclusion and consistency proofs, and the state that an append needs.
//!
//! A *node* `(level, position)` is the root of the complete subtree over the leaves
//! `position * 2^level .. (position + 1) * 2^level`.

use alloy::primitives::B256;
use sha2::{Digest, Sha256};

/// The position of a complete subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// It covers `2^level` leaves.
    pub level: u32,
    /// How many subtrees of that level are to its left.
    pub position: u64,
}

/// The root of the empty tree.
pub fn empty_root() -> B256 {
    B256::new(Sha256::digest([]).into())
}

/// The hash of a leaf.
pub fn leaf_hash(entry: &[u8]) -> B256 {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(entry);
    B256::new(hasher.finalize().into())
}

/// The hash of an inner node.
pub(crate) fn node_hash(left: &B256, right: &B256) -> B256 {
    let mut preimage = [1u8; 65];
    preimage[1..33].copy_from_slice(left.as_slice());
    preimage[33..].copy_from_slice(right.as_slice());
    B256::new(Sha256::digest(preimage).into())
}

/// What an append needs of a tree: its size and the roots of its complete subtrees, largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<B256>,
}

impl Frontier {
    /// A tree of `size` leaves from the roots of its complete subtrees, largest first; `None` when their number is wrong.
    pub(crate) fn new(size: u64, peaks: Vec<B256>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    pub(crate) fn peaks(&self) -> &[B256] {
        &self.peaks
    }

    /// Appends a leaf and reports every subtree that it completes, the leaf itself first.
    pub fn push(&mut self, leaf: B256, mut completed: impl FnMut(Node, B256)) {
        self.push_subtree(0, leaf, &mut completed);
    }

    /// Appends another tree whose first leaf comes next, and reports every subtree that this completes beyond those of
    /// the other tree itself. The size so far must be a multiple of the other's largest subtree.
    pub(crate) fn append_aligned(&mut self, other: Self, mut completed: impl FnMut(Node, B256)) {
        for (peak, level) in other.peaks.into_iter().zip(levels(other.size)) {
            self.push_subtree(level, peak, &mut completed);
        }
    }

    /// Appends a complete subtree of `2^level` leaves; the size so far is a multiple of that. Reports it and every subtree
    /// that it completes.
    fn push_subtree(&mut self, level: u32, root: B256, completed: &mut impl FnMut(Node, B256)) {
        let position = self.size >> level;
        let (mut hash, mut node) = (root, Node { level, position });
        completed(node, hash);
        while node.position % 2 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            node = Node {
                level: node.level + 1,
                position: node.position / 2,
            };
            completed(node, hash);
        }
        self.peaks.push(hash);
        self.size += 1 << level;
    }

    /// The root over all leaves.
    pub fn root(&self) -> B256 {
        fold_right(&self.peaks)
    }
}

/// The levels of the complete subtrees of a tree, largest first.
fn levels(size: u64) -> impl Iterator<Item = u32> {
    (0..u64::BITS)
        .rev()
        .filter(move |level| size >> level & 1 == 1)
}

/// Complete subtrees next to each other, largest first, joined as RFC 6962 joins them.
fn fold_right(parts: &[B256]) -> B256 {
    let mut parts = parts.iter().rev();
    match parts.next() {
        None => empty_root(),
        Some(last) => parts.fold(*last, |right, left| node_hash(left, &right)),
    }
}

/// The complete subtrees that make up the leaves `start..end`, left to right; `start` is a multiple of the largest.
fn parts(start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        nodes.push(Node {
            level,
            position: at >> level,
        });
        at += 1 << level;
    }
    nodes
}

/// The largest power of two below `size`, for `size` above 1.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Which nodes a proof is made of: each inner list is joined to one hash of the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<Vec<Node>>);

impl Plan {
    /// The proof that leaf `index` is in the tree of `size` leaves; `None` when it is not.
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let mut steps = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                steps.push(parts(middle, end));
                end = middle;
            } else {
                steps.push(parts(start, middle));
                start = middle;
            }
        }
        steps.reverse();
        Some(Self(steps))
    }

    /// The proof that the tree of `old` leaves is a prefix of the tree of `new`; `None` unless `0 < old <= new`.
    pub(crate) fn consistency(old: u64, new: u64) -> Option<Self> {
        if old == 0 || old > new {
            return None;
        }
        let mut steps = Vec::new();
        let (mut start, mut end, mut whole) = (0, new, true);
        while end != old {
            let middle = start + split(end - start);
            if old <= middle {
                steps.push(parts(middle, end));
                end = middle;
            } else {
                steps.push(parts(start, middle));
                start = middle;
                whole = false;
            }
        }
        if !whole {
            steps.push(parts(start, end));
        }
        steps.reverse();
        Some(Self(steps))
    }

    /// The nodes it needs, each once per use.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.0.iter().flatten().copied()
    }

    /// The proof, given the hash of every node; `None` as soon as one is missing.
    pub fn resolve(&self, mut hash: impl FnMut(Node) -> Option<B256>) -> Option<Vec<B256>> {
        self.0
            .iter()
            .map(|step| {
                let hashes: Option<Vec<_>> = step.iter().map(|node| hash(*node)).collect();
                hashes.map(|hashes| fold_right(&hashes))
            })
            .collect()
    }
}

/// The place of a node on the way up: its position on its level and the last position there.
#[derive(Clone, Copy)]
struct Climb {
    at: u64,
    last: u64,
}

impl Climb {
    /// Goes up to the node that the next sibling of a path makes; whether that sibling is on the left. `None` at the
    /// root, where there is none (RFC 9162, 2.1.3.2 and 2.1.4.2).
    fn up(&mut self) -> Option<bool> {
        if self.last == 0 {
            return None;
        }
        let left = self.at % 2 == 1 || self.at == self.last;
        if left {
            while self.at.is_multiple_of(2) && self.at != 0 {
                self.halve();
            }
        }
        self.halve();
        Some(left)
    }

    fn halve(&mut self) {
        self.at >>= 1;
        self.last >>= 1;
    }
}

/// The root to which `path` leads from leaf `index` of a tree of `size` leaves; `None` when it is too short or too long.
pub fn root_from_path(leaf: B256, index: u64, size: u64, path: &[B256]) -> Option<B256> {
    if index >= size {
        return None;
    }
    let (at, last) = (index, size - 1);
    let (mut climb, mut hash) = (Climb { at, last }, leaf);
    for sibling in path {
        hash = if climb.up()? {
            node_hash(sibling, &hash)
        } else {
            node_hash(&hash, sibling)
        };
    }
    (climb.last == 0).then_some(hash)
}

/// Whether `path` proves that `leaf` is leaf `index` of the tree of `size` leaves with that `root`.
pub fn verify_inclusion(leaf: B256, index: u64, size: u64, path: &[B256], root: B256) -> bool {
    root_from_path(leaf, index, size, path) == Some(root)
}

/// Whether `path` proves that the tree of `old` leaves with `old_root` is a prefix of the tree of `new` leaves with
/// `new_root` (RFC 9162, 2.1.4.2).
pub(crate) fn verify_consistency(
    old: u64,
    old_root: B256,
    new: u64,
    new_root: B256,
    path: &[B256],
) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    let mut path = path.iter();
    let first = if old.is_power_of_two() {
        Some(&old_root)
    } else {
        path.next()
    };
    let Some(&first) = first else { return false };
    let (at, last) = (old - 1, new - 1);
    let mut climb = Climb { at, last };
    while climb.at % 2 == 1 {
        climb.halve();
    }
    let (mut before, mut after) = (first, first);
    for sibling in path {
        match climb.up() {
            None => return false,
            Some(true) => {
                before = node_hash(sibling, &before);
                after = node_hash(sibling, &after);
            }
            Some(false) => after = node_hash(&after, sibling),
        }
    }
    climb.last == 0 && before == old_root && after == new_root
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::semicolon_if_nothing_returned
)]
mod tests {
    use std::collections::HashMap;

    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof};
    use proptest::prelude::*;

    use super::*;

    /// Our tree and the independent implementation over the same entries.
    struct Pair {
        frontiers: Vec<Frontier>,
        nodes: HashMap<Node, B256>,
        leaves: Vec<B256>,
        oracle: MemoryBackedTree<Sha256, Vec<u8>>,
    }

    fn pair(size: u64) -> Pair {
        let mut pair = Pair {
            frontiers: vec![Frontier::default()],
            nodes: HashMap::new(),
            leaves: vec![],
            oracle: MemoryBackedTree::new(),
        };
        let mut frontier = Frontier::default();
        for entry in 0..size {
            let entry = entry.to_be_bytes().to_vec();
            let leaf = leaf_hash(&entry);
            frontier.push(leaf, |node, hash| {
                assert!(pair.nodes.insert(node, hash).is_none())
            });
            pair.frontiers.push(frontier.clone());
            pair.leaves.push(leaf);
            pair.oracle.push(entry);
        }
        pair
    }

    fn bytes(path: &[B256]) -> Vec<u8> {
        path.iter().flat_map(|hash| hash.0).collect()
    }

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(Frontier::default().root(), empty_root());
        assert_eq!(
            empty_root().to_string(),
            "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn roots_are_the_oracle_s_for_every_size() {
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let ours = pair(300);
        for size in 1..=300usize {
            oracle.push((size as u64 - 1).to_be_bytes().to_vec());
            assert_eq!(
                ours.frontiers[size].root().0[..],
                oracle.root().as_bytes()[..]
            );
        }
    }

    #[test]
    fn a_frontier_survives_being_stored() {
        for frontier in pair(70).frontiers {
            assert_eq!(
                Frontier::new(frontier.size(), frontier.peaks().to_vec()),
                Some(frontier.clone())
            );
            assert_eq!(Frontier::new(frontier.size() + 1, vec![]), None);
        }
    }

    #[test]
    fn trees_join_where_one_ends() {
        let whole = pair(300);
        for (first, second) in [(0, 300), (64, 64), (256, 44), (64, 40), (32, 1)] {
            let mut left = whole.frontiers[first].clone();
            let mut right = Frontier::default();
            for leaf in &whole.leaves[first..first + second] {
                right.push(*leaf, |_, _| {});
            }
            left.append_aligned(right, |node, hash| assert_eq!(whole.nodes[&node], hash));
            assert_eq!(left, whole.frontiers[first + second]);
        }
    }

    #[test]
    fn every_inclusion_proof_of_small_trees_verifies_and_is_the_oracle_s() {
        for size in 1..=40u64 {
            let pair = pair(size);
            let root = pair.frontiers[size as usize].root();
            for index in 0..size {
                let plan = Plan::inclusion(index, size).unwrap();
                let path = plan.resolve(|node| pair.nodes.get(&node).copied()).unwrap();
                let leaf = pair.leaves[index as usize];
                assert!(verify_inclusion(leaf, index, size, &path, root));
                assert_eq!(
                    bytes(&path),
                    pair.oracle.prove_inclusion(index as usize).as_bytes()
                );
                assert!(
                    !verify_inclusion(leaf, (index + 1) % (size + 1), size, &path, root)
                        || size == 0
                );
            }
            assert_eq!(Plan::inclusion(size, size), None);
        }
    }

    #[test]
    fn every_consistency_proof_of_small_trees_verifies_and_is_the_oracle_s() {
        for new in 1..=40u64 {
            let pair = pair(new);
            for old in 1..=new {
                let plan = Plan::consistency(old, new).unwrap();
                let path = plan.resolve(|node| pair.nodes.get(&node).copied()).unwrap();
                let root = |size: u64| pair.frontiers[size as usize].root();
                assert!(verify_consistency(old, root(old), new, root(new), &path));
                if old < new {
                    let additions = (new - old) as usize;
                    let theirs = pair.oracle.prove_consistency(additions);
                    assert_eq!(bytes(&path), theirs.as_bytes(), "{old} {new}");
                    assert!(!verify_consistency(old, root(new), new, root(new), &path));
                    assert!(!verify_consistency(old, root(old), new, root(old), &path));
                }
            }
            assert_eq!(Plan::consistency(0, new), None);
            assert_eq!(Plan::consistency(new + 1, new), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn proofs_hold_at_the_oracle_and_break_with_any_flipped_bit(
            size in 2u64..600, pick in any::<u64>(), bit in any::<usize>()
        ) {
            let pair = pair(size);
            let root = pair.frontiers[size as usize].root();
            let index = pick % size;
            let leaf = pair.leaves[index as usize];
            let plan = Plan::inclusion(index, size).unwrap();
            let mut path = plan.resolve(|node| pair.nodes.get(&node).copied()).unwrap();
            let theirs = InclusionProof::<Sha256>::try_from_bytes(bytes(&path)).unwrap();
            prop_assert!(pair.oracle.root()
                .verify_inclusion(&index.to_be_bytes().to_vec(), index, &theirs).is_ok());
            let old = 1 + pick % size;
            let plan = Plan::consistency(old, size).unwrap();
            let consistency = plan.resolve(|node| pair.nodes.get(&node).copied()).unwrap();
            prop_assert!(ConsistencyProof::<Sha256>::try_from_bytes(bytes(&consistency)).is_ok());
            let at = bit % path.len();
            path[at].0[bit % 32] ^= 1 << (bit % 8);
            prop_assert!(!verify_inclusion(leaf, index, size, &path, root));
        }

        #[test]
        fn arbitrary_paths_are_judged_without_a_panic(
            index in any::<u64>(), size in any::<u64>(), length in 0usize..70
        ) {
            let path = vec![B256::ZERO; length];
            prop_assert!(!verify_inclusion(B256::ZERO, index, size, &path, B256::ZERO));
            prop_assert!(!verify_consistency(index, B256::ZERO, size, B256::repeat_byte(1), &path));
        }
    }
}
