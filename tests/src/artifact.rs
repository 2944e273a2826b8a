//! The compiled contracts, as `make wasm` leaves them.

use std::path::{Path, PathBuf};

/// The workspace's root.
///
/// # Panics
/// Never: this package is one folder below it.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a parent folder")
        .to_path_buf()
}

/// The bytes that stand on chain: `0xEFF00000` and the brotli of the module.
pub fn code(contract: &str) -> Vec<u8> {
    read(contract, "code")
}

/// The optimised module, uncompressed.
pub fn wasm(contract: &str) -> Vec<u8> {
    read(contract, "wasm")
}

fn read(contract: &str, kind: &str) -> Vec<u8> {
    let path = workspace()
        .join("target/contracts")
        .join(format!("{contract}.{kind}"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{} cannot be read ({error}): run `make wasm` first",
            path.display()
        )
    })
}
