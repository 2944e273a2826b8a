//! Prints the ABI and the constructor for `cargo stylus`.
//!
//! The library is a `cdylib` alone, which nothing can link: hence its source by path.

extern crate alloc;

#[path = "lib.rs"]
#[allow(dead_code, unused_imports, reason = "only the ABI is printed here")]
mod contract;

fn main() {
    stylus_sdk::abi::export::print_from_args::<contract::Documents>();
}
