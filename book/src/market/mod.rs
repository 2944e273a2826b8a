//! What is traded: values and pure rules, without a database, a file or a chain.

pub mod address;
pub mod amount;
pub mod code;
pub mod commission;
pub mod count;
pub mod country;
pub mod days;
pub mod depth;
pub mod filter;
pub mod investor;
pub mod isin;
pub mod lei;
pub mod literal;
pub mod matching;
pub mod order;
pub mod prefix;
pub mod price;
pub mod record;
pub mod security;
pub mod unique;
