//! Prints the ABI for `cargo stylus`.

extern crate alloc;

#[path = "lib.rs"]
#[allow(dead_code, reason = "only the ABI is printed here")]
mod contract;

fn main() {
    stylus_sdk::abi::export::print_from_args::<contract::Entry>();
}
