//! The hash of a register, and the proof that a wallet is in it: the Merkle tree of RFC 6962 that the audit log has.
//!
//! Every wallet that is registered or holds something is a leaf, by address. A leaf is canonical JSON (RFC 8785) and
//! says which security, chain and block it is for, so that a proof is self-contained: with the root, from wherever it
//! was anchored, nothing else is needed.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use book::log::merkle::{Frontier, Node, Plan, leaf_hash, verify_inclusion};
use serde::{Deserialize, Serialize};

use super::holding::Wallet;
use super::register::Register;

/// What a proof calls itself.
const FORMAT: &str = "orderbook-register-1";

/// What the register says about a wallet. The members are in the order of RFC 8785; amounts are base units in decimal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The block.
    pub block: u64,
    /// Its hash.
    pub block_hash: B256,
    /// The chain's id.
    pub chain: u64,
    /// ISO 3166-1 numeric country.
    pub country: u16,
    /// Whether the wallet is frozen.
    pub frozen: bool,
    /// Of the holding: frozen by the enforcer.
    pub frozen_tokens: String,
    /// The investor's group.
    pub group: u8,
    /// Of the holding: held for a matched trade.
    pub held: String,
    /// The holding.
    pub holding: String,
    /// The investor's code.
    pub investor: B256,
    /// Of the holding: locked up.
    pub locked: String,
    /// Whether the wallet is sanctioned.
    pub sanctioned: bool,
    /// The security.
    pub security: Address,
    /// The sum of all holdings.
    pub supply: String,
    /// Of the holding: not vested yet.
    pub unvested: String,
    /// The wallet.
    pub wallet: Address,
}

impl Leaf {
    fn of(register: &Register, address: Address, wallet: &Wallet) -> Self {
        let bound = wallet.encumbrances(register.block.time);
        Self {
            block: register.block.number,
            block_hash: register.block.hash,
            chain: register.chain_id,
            country: wallet.country,
            frozen: wallet.frozen,
            frozen_tokens: bound.frozen.to_string(),
            group: wallet.group,
            held: bound.held.to_string(),
            holding: wallet.balance.to_string(),
            investor: wallet.investor,
            locked: bound.locked.to_string(),
            sanctioned: wallet.sanctioned,
            security: register.security,
            supply: register.supply.to_string(),
            unvested: bound.unvested.to_string(),
            wallet: address,
        }
    }

    fn hash(&self) -> B256 {
        // A struct of numbers and texts always becomes JSON.
        leaf_hash(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The hash of a register.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Digest {
    /// The tree's root.
    pub root: B256,
    /// How many leaves it has.
    pub size: u64,
}

/// The proof that a wallet is in a register as the leaf says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What it is.
    pub format: String,
    /// The leaf's place, from 0.
    pub index: u64,
    /// What the register says.
    pub leaf: Leaf,
    /// The hashes from the leaf up.
    pub path: Vec<B256>,
    /// The register's hash.
    pub root: B256,
    /// How many leaves it has.
    pub size: u64,
}

impl Proof {
    /// Whether the path leads from the leaf to the root.
    pub fn holds(&self) -> bool {
        let leaf = self.leaf.hash();
        self.format == FORMAT
            && verify_inclusion(leaf, self.index, self.size, &self.path, self.root)
    }
}

impl Register {
    /// The hash of the register.
    pub fn digest(&self) -> Digest {
        let mut tree = Frontier::default();
        for (address, wallet) in self.registered() {
            tree.push(Leaf::of(self, address, wallet).hash(), |_, _| {});
        }
        Digest {
            root: tree.root(),
            size: tree.size(),
        }
    }

    /// The proof of a wallet; `None` when it has no leaf.
    pub fn prove(&self, wallet: Address) -> Option<Proof> {
        let all = self.registered();
        let index = all
            .binary_search_by_key(&wallet, |(address, _)| *address)
            .ok()?;
        let leaf = Leaf::of(self, wallet, all.get(index)?.1);
        let (index, size) = (u64::try_from(index).ok()?, u64::try_from(all.len()).ok()?);
        let plan = Plan::inclusion(index, size)?;
        let mut nodes: HashMap<Node, Option<B256>> =
            plan.nodes().map(|node| (node, None)).collect();
        let mut tree = Frontier::default();
        for (address, wallet) in all {
            tree.push(Leaf::of(self, address, wallet).hash(), |node, hash| {
                if let Some(wanted) = nodes.get_mut(&node) {
                    *wanted = Some(hash);
                }
            });
        }
        Some(Proof {
            format: FORMAT.to_owned(),
            index,
            leaf,
            path: plan.resolve(|node| nodes.get(&node).copied().flatten())?,
            root: tree.root(),
            size,
        })
    }
}
