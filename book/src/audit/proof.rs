//! A proof that one event is in an anchored log. Anybody can check it with nothing but the file and the root that is on
//! chain; the algorithms are SHA-256, RFC 8785 (canonical JSON) and RFC 6962 (Merkle tree).

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::verify::Anchor;
use crate::board::{Board, BoardError};
use crate::log::merkle::{self, Node, Plan, leaf_hash, node_hash};
use crate::market::unique;
use crate::store::append::STORED_LEVELS;
use crate::store::engine::Link;
use crate::store::error::StoreError;
use crate::store::{query, row};

/// The value of `format`.
pub(crate) const INCLUSION_FORMAT: &str = "orderbook-inclusion-proof/1";
/// The value of `format`.
pub(crate) const CONSISTENCY_FORMAT: &str = "orderbook-consistency-proof/1";

/// That one event is in the log whose first `tree_size` events have `root`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// [`INCLUSION_FORMAT`].
    pub format: String,
    /// The chain on which the root is anchored.
    pub chain_id: u64,
    /// The settlement contract that logged it (`BookAnchored(root, size, operator)`).
    pub contract: Address,
    /// The event itself; a member that appears twice is refused.
    #[serde(deserialize_with = "unique::value")]
    pub event: serde_json::Value,
    /// Its position, 0 for the first event.
    pub leaf_index: u64,
    /// How many events the root covers.
    pub tree_size: u64,
    /// The root it leads to.
    pub root: B256,
    /// The sibling hashes from the leaf to the root.
    pub path: Vec<B256>,
}

/// That a log was only appended to between two roots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// [`CONSISTENCY_FORMAT`].
    pub format: String,
    /// The earlier root.
    pub old: Anchor,
    /// The later root.
    pub new: Anchor,
    /// The hashes that lead from one to the other.
    pub path: Vec<B256>,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The file is not a proof.
    #[error("the file is not a valid proof: {0}")]
    Malformed(String),
    /// Another format.
    #[error("the file has format {found:?}, expected {wanted:?}")]
    Format {
        /// The format found.
        found: String,
        /// The format expected.
        wanted: &'static str,
    },
    /// The chain's root is a different one.
    #[error(
        "the proof leads to {found:?}, but the chain has {wanted:?}: the proof is for another log or size"
    )]
    OtherAnchor {
        /// The proof's root.
        found: Anchor,
        /// The chain's.
        wanted: Anchor,
    },
    /// The event and the proof state different positions.
    #[error("the event has number {seq}, but the proof is for number {wanted}")]
    OtherEvent {
        /// What the event says.
        seq: u64,
        /// What the proof says.
        wanted: u64,
    },
    /// The hashes do not lead to the root: the event was altered or never was in the log.
    #[error("the hashes do not lead to the root: the event was altered, or was never in this log")]
    Broken,
}

impl InclusionProof {
    /// Checks the file against the root that is on chain.
    ///
    /// # Errors
    /// [`ProofError::Format`], [`ProofError::OtherAnchor`], [`ProofError::OtherEvent`], [`ProofError::Malformed`],
    /// [`ProofError::Broken`].
    pub fn verify(&self, anchor: Anchor) -> Result<(), ProofError> {
        require_format(&self.format, INCLUSION_FORMAT)?;
        let found = Anchor {
            size: self.tree_size,
            root: self.root,
        };
        if found != anchor {
            return Err(ProofError::OtherAnchor {
                found,
                wanted: anchor,
            });
        }
        let seq = self.event.get("seq").and_then(serde_json::Value::as_u64);
        let seq = seq.ok_or_else(|| ProofError::Malformed("the event has no seq".to_owned()))?;
        let wanted = self.leaf_index.saturating_add(1);
        if seq != wanted {
            return Err(ProofError::OtherEvent { seq, wanted });
        }
        let json = serde_jcs::to_vec(&self.event)
            .map_err(|error| ProofError::Malformed(error.to_string()))?;
        let hash: [u8; 32] = Sha256::digest(&json).into();
        let leaf = leaf_hash(&hash);
        if merkle::verify_inclusion(leaf, self.leaf_index, self.tree_size, &self.path, self.root) {
            Ok(())
        } else {
            Err(ProofError::Broken)
        }
    }
}

impl ConsistencyProof {
    /// Checks the file against the two roots that are on chain.
    ///
    /// # Errors
    /// [`ProofError::Format`], [`ProofError::OtherAnchor`], [`ProofError::Broken`].
    pub fn verify(&self, old: Anchor, new: Anchor) -> Result<(), ProofError> {
        require_format(&self.format, CONSISTENCY_FORMAT)?;
        for (found, wanted) in [(self.old, old), (self.new, new)] {
            if found != wanted {
                return Err(ProofError::OtherAnchor { found, wanted });
            }
        }
        if merkle::verify_consistency(old.size, old.root, new.size, new.root, &self.path) {
            Ok(())
        } else {
            Err(ProofError::Broken)
        }
    }
}

fn require_format(found: &str, wanted: &'static str) -> Result<(), ProofError> {
    if found == wanted {
        Ok(())
    } else {
        Err(ProofError::Format {
            found: found.to_owned(),
            wanted,
        })
    }
}

/// Reads a proof file and checks it against the root that is on chain.
///
/// # Errors
/// [`ProofError::Malformed`], then those of [`InclusionProof::verify`].
pub fn verify(file: &str, anchor: Anchor) -> Result<InclusionProof, ProofError> {
    let proof: InclusionProof =
        unique::from_str(file).map_err(|error| ProofError::Malformed(error.to_string()))?;
    proof.verify(anchor)?;
    Ok(proof)
}

/// Proves that event `seq` is among the first `size` events.
///
/// # Errors
/// [`StoreError::Damaged`] when there is no such event or a stored node is missing; or the store's.
pub async fn prove(board: &Board, seq: u64, size: u64) -> Result<InclusionProof, BoardError> {
    let mut reader = board.store().reader().await?;
    let missing = || absent(seq, size);
    let index = seq.checked_sub(1).ok_or_else(missing)?;
    let plan = Plan::inclusion(index, size).ok_or_else(missing)?;
    let event = query::event(reader.link(), seq)
        .await?
        .ok_or_else(missing)?;
    let mut json = Vec::new();
    row::columns(&event).write_json(&mut json);
    let event = serde_json::from_slice(&json).map_err(|error| StoreError::Damaged {
        seq,
        what: error.to_string(),
    })?;
    let path = resolve(&mut reader.link(), &plan, size).await?;
    let hash: [u8; 32] = Sha256::digest(&json).into();
    let root = merkle::root_from_path(leaf_hash(&hash), index, size, &path).ok_or_else(missing)?;
    Ok(InclusionProof {
        format: INCLUSION_FORMAT.to_owned(),
        chain_id: board.identity().chain_id,
        contract: board.identity().contract,
        event,
        leaf_index: index,
        tree_size: size,
        root,
        path,
    })
}

/// Proves that an order was posted: the proof of the event that posted it, for the last anchored root that covers it, or
/// for the whole log (to be anchored) when none does yet.
///
/// # Errors
/// Those of [`Board::order`], or the store's.
pub async fn prove_order(board: &Board, id: &str) -> Result<InclusionProof, BoardError> {
    let order = board.order(id).await?;
    let size = match board.last_anchored().await? {
        Some((_, anchored)) if anchored.size >= order.posted_seq => anchored.size,
        _ => board.head().await?.size,
    };
    prove(board, order.posted_seq, size).await
}

/// Proves that the first `old` events are the beginning of the first `new`.
///
/// # Errors
/// [`StoreError::Damaged`] unless `0 < old <= new <=` the log's size; or the store's.
pub async fn prove_consistency(
    board: &Board,
    old: u64,
    new: u64,
) -> Result<ConsistencyProof, BoardError> {
    let plan = Plan::consistency(old, new).ok_or_else(|| absent(old, new))?;
    let mut reader = board.store().reader().await?;
    let path = resolve(&mut reader.link(), &plan, new).await?;
    let old = Anchor {
        size: old,
        root: root_at(&mut reader.link(), old).await?,
    };
    let new = Anchor {
        size: new,
        root: root_at(&mut reader.link(), new).await?,
    };
    Ok(ConsistencyProof {
        format: CONSISTENCY_FORMAT.to_owned(),
        old,
        new,
        path,
    })
}

/// The root over the first `size` events, from the stored nodes.
///
/// # Errors
/// [`StoreError::Damaged`] when the log is shorter; or the store's.
pub async fn root(board: &Board, size: u64) -> Result<B256, BoardError> {
    let mut reader = board.store().reader().await?;
    Ok(root_at(&mut reader.link(), size).await?)
}

async fn root_at(link: &mut Link<'_>, size: u64) -> Result<B256, StoreError> {
    let mut peaks = Vec::new();
    let mut start = 0;
    while start < size {
        let level = (size - start).ilog2();
        peaks.push(
            node(
                link,
                Node {
                    level,
                    position: start >> level,
                },
                size,
            )
            .await?,
        );
        start += 1 << level;
    }
    let frontier = merkle::Frontier::new(size, peaks).ok_or_else(|| absent(size, size))?;
    Ok(frontier.root())
}

fn absent(seq: u64, size: u64) -> StoreError {
    StoreError::Damaged {
        seq,
        what: format!("it is not among the first {size} events of this log"),
    }
}

async fn resolve(link: &mut Link<'_>, plan: &Plan, size: u64) -> Result<Vec<B256>, StoreError> {
    let mut nodes = BTreeMap::new();
    for wanted in plan.nodes().collect::<BTreeSet<_>>() {
        nodes.insert(wanted, node(link, wanted, size).await?);
    }
    plan.resolve(|node| nodes.get(&node).copied())
        .ok_or_else(|| absent(size, size))
}

/// A complete subtree: joined from the stored level below it.
async fn node(link: &mut Link<'_>, node: Node, size: u64) -> Result<B256, StoreError> {
    let above = node.level % STORED_LEVELS;
    let (level, first, count) = (node.level - above, node.position << above, 1u64 << above);
    let mut row = query::nodes(link, level, first, first + count - 1).await?;
    if row.len() as u64 != count {
        let seq = (first << level) + 1;
        return Err(StoreError::Damaged {
            seq,
            what: format!("nodes of level {level} from {first} are missing in a log of {size}"),
        });
    }
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    Ok(row[0])
}
