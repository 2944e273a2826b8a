//! The compiled contracts, as `make wasm` leaves them, or those in the folder that `ACCEPTANCE_CONTRACTS` names, to run
//! the same tests on an earlier build, or on one with a fault.

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

/// The bytes that go on chain: `0xEFF00000` and the module compressed with brotli.
pub fn code(contract: &str) -> Vec<u8> {
    read(contract, "code")
}

/// The optimised module, uncompressed.
pub fn wasm(contract: &str) -> Vec<u8> {
    read(contract, "wasm")
}

/// Where a contract's files are: a folder named by the environment may contain only some of them.
fn folder(file: &str) -> PathBuf {
    let named = std::env::var_os("ACCEPTANCE_CONTRACTS").map(PathBuf::from);
    named
        .filter(|folder| folder.join(file).exists())
        .unwrap_or_else(|| workspace().join("target/contracts"))
}

fn read(contract: &str, kind: &str) -> Vec<u8> {
    let file = format!("{contract}.{kind}");
    let path = folder(&file).join(file);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{} cannot be read ({error}): run `make wasm` first",
            path.display()
        )
    })
}
