//! The audit log: append-only events, hash-chained, and each a leaf of an RFC 6962 Merkle tree.

#[cfg(test)]
mod attacks;
pub mod body;
pub mod event;
mod folded;
pub(crate) mod hash;
pub mod merkle;
pub mod proof;
mod segment;
pub(crate) mod sum;
mod tables;
pub mod verify;
