//! A broker-dealer's bulletin board for ERC-1404 security tokens: orders, matches and settlements, and an audit log that
//! proves afterwards what happened.
//!
//! Modules import downwards only:
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`audit`] | whether what stands in a book is true: verification and proofs |
//! | [`board`] | the use cases: post, cancel, match, record a settlement, import, export |
//! | [`store`] | where a book is kept: `SQLite` or `PostgreSQL` |
//! | [`log`] | events, their hashes, the Merkle tree, and the board as a fold over its events |
//! | [`market`] | values and pure rules: orders, prices, matches, securities |

pub mod audit;
pub mod board;
mod class;
pub mod log;
pub mod market;
#[cfg(test)]
mod sample;
pub mod store;
#[cfg(test)]
mod tests;

pub use class::ErrorClass;
