//! The desk: what a broker-dealer does between the board and the chain.

pub mod cap_table;
pub mod eligibility;
pub mod error;
pub mod explain;
pub mod order_form;
pub mod permit;
pub mod preflight;
pub mod reconcile;
pub mod settlement;
pub mod sheet;
pub(crate) mod signed_file;
pub mod suggest;
pub mod sync;
pub mod trade;

pub use error::DeskError;
pub use trade::Trade;
