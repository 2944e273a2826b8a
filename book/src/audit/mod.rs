//! Whether what is in a book is true: replay, proofs, the tables compared with the log, and what an examiner gets.

mod access;
mod acts;
pub mod confirmation;
pub mod exam;
mod folded;
mod posted;
pub mod proof;
mod segment;
mod tables;
pub mod tiles;
pub mod verify;
