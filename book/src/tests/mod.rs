//! Tests that look at more than one layer: the use cases on every engine, and what an attacker of the file could try.

mod attacks;
mod board;
mod exam;
mod fold;
mod format;
mod persons;
