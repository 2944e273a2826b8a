//! The embedded chain as a program.
fn main() {}
