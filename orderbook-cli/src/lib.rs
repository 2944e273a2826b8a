//! A broker-dealer's bulletin board and desk for ERC-1404 security tokens: orders, matches, settlement on chain, and an
//! audit log that proves afterwards what happened.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`board`] | the rules: what may be posted, cancelled, matched and recorded |
//! | [`audit`] | the append-only log: hash chain, Merkle tree, proofs, replay |
//! | [`store`] | where a book is kept: SQLite or PostgreSQL |
//! | [`chain`] | the contracts, over JSON-RPC |

pub mod audit;
pub mod board;
pub mod chain;
pub mod class;
pub mod store;

pub use class::ErrorClass;
