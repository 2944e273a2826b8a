//! Prints the ABI for `cargo stylus`.

#[path = "lib.rs"]
mod contract;

fn main() {
    contract::print_from_args();
}
