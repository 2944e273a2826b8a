//! A broker-dealer's bulletin board and desk for ERC-1404 security tokens: orders, matches, settlement on chain, and an
//! audit log that proves afterwards what happened.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`board`] | the rules: what may be posted, cancelled, matched and recorded |
//! | [`audit`] | the append-only log: hash chain, Merkle tree, proofs, replay |
//! | [`store`] | where a book is kept: `SQLite` or `PostgreSQL` |
//! | [`chain`] | the contracts, over JSON-RPC |
//! | [`desk`] | from order to settlement: preflight, settle, sync, reconcile |
//! | [`config`], [`wallet`] | profiles and encrypted keys |
//! | [`render`] | tables, TSV and JSON |
//! | [`commands`] | the command line `orderbook` |

pub mod audit;
pub mod board;
pub mod chain;
pub mod class;
pub mod commands;
pub mod config;
pub mod desk;
pub mod render;
pub mod store;
pub mod wallet;

pub use class::ErrorClass;
