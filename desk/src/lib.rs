//! The desk: what a broker-dealer does between a book and the chain.
//!
//! [`chain`] speaks to the contracts over JSON-RPC, [`wallet`] keeps encrypted keys, [`signing`] asks them for
//! signatures. The other modules take an order from the board to its settlement and back into the log.

pub mod adopt;
pub mod cancel;
pub mod cap_table;
pub mod carry;
pub mod chain;
pub mod commitment;
pub mod compliance;
pub mod directory;
pub mod distribution;
pub mod document;
pub mod eligibility;
pub mod errand;
pub mod error;
pub mod exam;
pub mod explain;
mod fill;
pub mod finality;
pub mod follow;
pub mod holder_limits;
mod http;
pub mod index;
pub mod journal;
pub mod means;
pub mod migrate;
pub mod order_form;
pub mod order_table;
pub mod permit;
pub mod plan;
pub mod preflight;
pub mod propose;
pub mod reconcile;
mod registered;
pub mod scope;
pub mod settlement;
pub mod sheet;
pub mod signed_file;
pub mod signing;
pub mod staff;
pub mod statement;
pub mod suggest;
pub mod surveillance;
pub mod sync;
pub mod trade;
pub mod wallet;
pub mod wallet_gas;

pub use error::DeskError;
pub use trade::Trade;
