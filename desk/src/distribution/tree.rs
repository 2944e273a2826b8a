//! The tree of a distribution's shares, node for node that of `@openzeppelin/merkle-tree`'s `StandardMerkleTree`.
//!
//! The tree is complete and is kept in one list, the root first, the children of node `n` at `2n + 1` and `2n + 2`. Its
//! leaves are the last ones, sorted by their hashes and placed from the end.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;

/// What a leaf is bound to besides the share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The chain.
    pub chain_id: u64,
    /// The distribution contract.
    pub distribution: Address,
    /// The security.
    pub security: Address,
    /// The record block.
    pub record_block: u64,
}

impl Place {
    /// The leaf of a share, hashed twice so that no inner node can be one.
    pub fn leaf(&self, index: u64, wallet: Address, amount: U256) -> B256 {
        let words = (
            U256::from(self.chain_id),
            self.distribution,
            self.security,
            self.record_block,
            U256::from(index),
            wallet,
            amount,
        );
        keccak256(keccak256(words.abi_encode()))
    }
}

/// A tree of leaves.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<B256>,
    /// The place of each index's leaf.
    places: Vec<usize>,
}

impl Tree {
    /// The tree of these leaves, in the order of their indices; `None` if there are none.
    pub fn of(leaves: &[B256]) -> Option<Self> {
        let last = leaves.len().checked_mul(2)?.checked_sub(2)?;
        let mut nodes = vec![B256::ZERO; last + 1];
        let mut places = vec![0; leaves.len()];
        let mut sorted: Vec<_> = leaves.iter().enumerate().collect();
        sorted.sort_by_key(|(_, leaf)| **leaf);
        for (rank, (index, leaf)) in sorted.into_iter().enumerate() {
            nodes[last - rank] = *leaf;
            places[index] = last - rank;
        }
        for node in (0..leaves.len() - 1).rev() {
            nodes[node] = pair(nodes[2 * node + 1], nodes[2 * node + 2]);
        }
        Some(Self { nodes, places })
    }

    /// The root.
    pub fn root(&self) -> B256 {
        self.nodes[0]
    }

    /// The siblings from a leaf to the root; `None` if no leaf has the index.
    pub fn proof(&self, index: usize) -> Option<Vec<B256>> {
        let mut node = *self.places.get(index)?;
        let mut proof = Vec::new();
        while node > 0 {
            let sibling = if node % 2 == 0 { node - 1 } else { node + 1 };
            proof.push(self.nodes[sibling]);
            node = (node - 1) / 2;
        }
        Some(proof)
    }
}

/// The hash of two nodes, in sorted order.
fn pair(a: B256, b: B256) -> B256 {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    keccak256([first, second].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Trees that `@openzeppelin/merkle-tree` made (`tests/js/distribution.test.mjs` makes them again).
    const VECTORS: &str = include_str!("../../../tests/vectors/distribution.json");

    fn word(value: &Value) -> B256 {
        value.as_str().unwrap().parse().unwrap()
    }

    #[test]
    fn trees_are_those_of_openzeppelins_package() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let place = Place {
            chain_id: vectors["chainId"].as_u64().unwrap(),
            distribution: vectors["distribution"].as_str().unwrap().parse().unwrap(),
            security: vectors["security"].as_str().unwrap().parse().unwrap(),
            record_block: vectors["recordBlock"].as_u64().unwrap(),
        };
        let trees = vectors["trees"].as_array().unwrap();
        assert_eq!(trees.len(), 7);
        for vector in trees {
            let shares = vector["shares"].as_array().unwrap();
            let leaf = |(index, share): (u64, &Value)| {
                let wallet = share["wallet"].as_str().unwrap().parse().unwrap();
                let amount = share["amount"].as_str().unwrap().parse().unwrap();
                place.leaf(index, wallet, amount)
            };
            let leaves: Vec<_> = (0..).zip(shares).map(leaf).collect();
            let tree = Tree::of(&leaves).unwrap();
            assert_eq!(tree.root(), word(&vector["root"]));
            for (index, share) in shares.iter().enumerate() {
                assert_eq!(leaves[index], word(&share["leaf"]));
                let proof: Vec<_> = share["proof"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(word)
                    .collect();
                assert_eq!(tree.proof(index).unwrap(), proof);
            }
            assert_eq!(tree.proof(shares.len()), None);
        }
    }

    #[test]
    fn there_is_no_tree_of_nothing() {
        assert!(Tree::of(&[]).is_none());
    }

    #[test]
    fn every_proof_leads_to_the_root() {
        for count in 1..70_u8 {
            let leaves: Vec<_> = (0..count).map(|byte| keccak256([byte])).collect();
            let tree = Tree::of(&leaves).unwrap();
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = tree.proof(index).unwrap();
                let root = proof
                    .iter()
                    .fold(*leaf, |node, sibling| pair(node, *sibling));
                assert_eq!(root, tree.root(), "{index} of {count}");
            }
        }
    }
}
