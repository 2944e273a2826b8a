//! Whether what stands in a book is true: replay, proofs and the tables held against the log.

mod acts;
mod folded;
pub mod proof;
mod segment;
mod tables;
mod unique;
pub mod verify;
