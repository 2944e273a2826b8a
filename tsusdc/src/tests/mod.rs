//! Tests across the parts of the coin.

mod calldata;
mod holds;
mod interface;
mod invariants;
mod parties;
mod standards;
mod storage;
