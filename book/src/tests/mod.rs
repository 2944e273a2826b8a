//! Tests across layers: the use cases on every engine, and what an attacker with the file could try.

mod attacks;
mod board;
mod exam;
mod fold;
mod format;
mod persons;
