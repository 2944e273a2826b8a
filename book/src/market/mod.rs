//! What is traded: values and pure rules, without a database, a file or a chain.

pub mod address;
pub mod amount;
pub mod code;
pub mod depth;
pub mod filter;
pub mod investor;
pub mod isin;
pub mod lei;
pub mod literal;
pub mod matching;
pub mod order;
pub mod price;
pub mod record;
pub mod security;
