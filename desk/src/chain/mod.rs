//! The chain as the desk sees it: ABI, reads, transactions whose hash is known before they are sent, and reverts in words.

pub mod abi;
pub mod client;
pub mod codes;
pub mod deploy;
pub mod error;
mod published;
pub mod revert;
pub mod signature;
mod transport;

pub use client::{Block, Chain, Mined, Prepared, Receipt};
pub use error::ChainError;
pub use revert::Revert;
