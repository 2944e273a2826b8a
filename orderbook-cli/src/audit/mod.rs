//! The audit log: append-only events, hash-chained, and each a leaf of an RFC 6962 Merkle tree.

pub mod body;
pub mod event;
pub mod proof;
pub mod verify;
