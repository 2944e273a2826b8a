//! From calldata to methods and back, lean: the table of a contract's functions, its argument reader, answers and errors.
//!
//! The `#[public]` macro of stylus-sdk 0.9 re-encodes what it decodes and refuses calldata longer than the arguments,
//! which Solidity accepts, and keeps the type names of every argument list in the data segment. [`functions!`] does what
//! it does (routing, refusing ether, constructor, ABI export) with neither; [`errors!`] likewise.
//!
//! [`functions!`]: crate::functions
//! [`errors!`]: crate::errors

mod answer;
mod arguments;
mod table;

pub use answer::{Answer, Outcome, Refusal, Return};
pub use arguments::{Argument, Arguments};

pub use crate::host::{brings_ether, constructs_first};
