//! The audit log's own rules: what an event is, how it is hashed, and the RFC 6962 Merkle tree whose leaves the hashes are.

pub mod act;
pub mod body;
mod by;
pub mod event;
pub mod fact;
pub(crate) mod fold;
pub(crate) mod hash;
pub mod merkle;
pub mod staff;

pub use by::By;
