//! The chain as the desk sees it: ABI, reads, acts whose hash is known before they are sent and whose events prove
//! them, and reverts in words.

pub mod abi;
pub mod act;
pub mod client;
pub mod codes;
pub mod cost;
pub mod deploy;
pub mod error;
mod many;
pub mod program;
pub(crate) mod published;
pub mod revert;
pub mod signature;
mod transport;

pub use act::{Contract, Done, Ground, Prepared, Target};
pub use client::{ANSWER, Block, Chain, Mined, Receipt};
pub use error::ChainError;
pub use revert::Revert;
