//! The scenarios that must pass on a running chain, over JSON-RPC, with contracts deployed from their compiled WASM.
//!
//! One file per area. A refused call is always asserted with its error's fields, and with everything unchanged.
#![allow(clippy::doc_markdown, reason = "TsUSDC is a name")]
#![allow(clippy::similar_names, reason = "sellers and settlements have them")]
#![allow(clippy::too_many_lines, reason = "tables of cases")]

mod audit;
mod bounds;
mod coin;
mod coin_signatures;
mod commitments;
mod compliance;
mod delegated_keys;
mod distribution;
mod documents;
mod foreign_node;
mod holds;
mod hostile_tokens;
mod hostile_wallets;
mod operator;
mod orders;
mod persons;
mod predictions;
mod preflight;
mod reentrancy;
mod replay;
mod security_token;
mod settlement;
mod stage;
mod storage;
