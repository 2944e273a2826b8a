//! Prints the ABI and the constructor for `cargo stylus`.
fn main() {}
