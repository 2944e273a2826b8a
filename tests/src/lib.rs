//! Harness for the acceptance scenarios.
//!
//! The scenarios (`tests/*.rs`) speak JSON-RPC to a node and use only what a user of the contracts has:
//! their compiled WASM, their ABI (`docs/interfaces`) and signed transactions. By default the node is `devnet`, one per
//! test binary; `ACCEPTANCE_RPC_URL` and `ACCEPTANCE_KEY` (a funded key) point them at any other. Scenarios that need
//! a development chain (moving the clock, snapshots) are skipped there, and print a line that says so.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`bindings`] | the contracts' ABI as Rust types |
//! | [`artifact`], [`deploy`] | from the files of `make wasm` to a contract on chain |
//! | [`chain`], [`account`] | a node; a key that signs for it |
//! | [`market`] | token, coin and settlement with a funded seller and buyer, ready to trade |
//! | [`distribution`] | a distribution on a market: its tree and its acts |
//! | [`order`] | orders, their ids and signatures |
//! | [`watch`], [`refusal`] | everything that must not move; asserting that a call is refused and moves nothing |
//! | [`random`] | seeded randomness and run lengths |
//! | [`replay`] | rebuilding the market from its logs alone |
//! | [`asm`], [`hostile`] | EVM bytecode of tokens and wallets that misbehave |
//! | [`gas`] | the table of costs against their bars |
#![allow(clippy::doc_markdown, reason = "TsUSDC is a name")]
#![allow(
    clippy::missing_panics_doc,
    reason = "a harness panics wherever a scenario fails"
)]

pub mod account;
pub mod artifact;
pub mod asm;
pub mod bindings;
pub mod chain;
pub mod deploy;
pub mod distribution;
pub mod gas;
pub mod hostile;
pub mod market;
pub mod order;
pub mod random;
pub mod refusal;
pub mod replay;
pub mod watch;
