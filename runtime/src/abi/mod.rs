//! From calldata to methods and back: [`functions!`] declares a contract's functions, [`errors!`] its errors.
//!
//! [`functions!`]: crate::functions
//! [`errors!`]: crate::errors

mod arguments;
mod encoder;
mod table;

pub use arguments::{Argument, Arguments};
pub use encoder::{Encoder, Outcome, Return, Revert};
