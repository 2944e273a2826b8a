//! What can be checked of the compiled contracts without a chain.

use acceptance::artifact;
use wasmparser::{Parser, Payload};

const CONTRACTS: [&str; 7] = [
    "erc1404-token",
    "tsusdc",
    "settlement",
    "distribution",
    "documents",
    "plain-erc20",
    "floor",
];

/// EIP-170, which Arbitrum applies to each account of the compressed program.
const CODE_LIMIT: usize = 24_576;
/// The program bytes that fit into one of several accounts: three more bytes mark it as a fragment.
const FRAGMENT_LIMIT: usize = CODE_LIMIT - 3;
/// How many accounts the security token takes; `ArbOS` 60 allows four.
const FRAGMENTS: usize = 2;
/// The largest decompressed size before `ArbOS` 60, which accepts twice that.
const MODULE_LIMIT: usize = 128 * 1024;

#[test]
fn every_contract_fits_into_its_accounts() {
    for contract in CONTRACTS {
        let size = artifact::code(contract).len();
        let limit = match contract {
            "erc1404-token" => FRAGMENTS * FRAGMENT_LIMIT,
            _ => CODE_LIMIT,
        };
        assert!(
            size <= limit,
            "{contract} has {size} bytes, the limit is {limit}"
        );
        let size = artifact::wasm(contract).len();
        assert!(
            size <= MODULE_LIMIT,
            "{contract} decompresses to {size} bytes"
        );
    }
}

#[test]
fn the_code_is_the_compressed_module() {
    for contract in CONTRACTS {
        let code = artifact::code(contract);
        assert_eq!(code[..4], [0xef, 0xf0, 0, 0], "{contract}");
        let mut module = Vec::new();
        brotli::BrotliDecompress(&mut &code[4..], &mut module).expect("brotli");
        assert!(
            module == artifact::wasm(contract),
            "{contract}: .code and .wasm differ"
        );
    }
}

/// More than one page costs every call a thousand gas each, or more.
#[test]
fn every_contract_starts_with_one_page_of_memory() {
    for contract in CONTRACTS {
        let module = artifact::wasm(contract);
        let mut memories = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            if let Payload::MemorySection(section) = payload.expect("valid WASM") {
                for memory in section {
                    memories.push(memory.expect("valid WASM").initial);
                }
            }
        }
        assert_eq!(memories, [1], "{contract}");
    }
}

/// Paths of the build machine make the code differ between machines, and cost gas on every call. The distribution
/// contract links the standard library, whose texts name the sources of dependencies; it has none of its own.
#[test]
fn no_contract_holds_a_path_of_the_build_machine() {
    let workspace = artifact::workspace();
    let own = workspace.to_str().expect("a path in UTF-8");
    for contract in CONTRACTS {
        let module = artifact::wasm(contract);
        let text = String::from_utf8_lossy(&module);
        for path in [
            "/home/",
            "/root/",
            "/Users/",
            ".cargo",
            "registry/",
            "/rustc/",
            "src/",
            ".rs:",
            own,
        ] {
            let is_known = contract == "distribution" && path != own;
            assert!(is_known || !text.contains(path), "{contract} holds {path}");
        }
    }
}

/// Only what Nitro provides is imported, and what it calls and reads is exported.
#[test]
fn every_contract_imports_from_the_host_alone() {
    for contract in CONTRACTS {
        let module = artifact::wasm(contract);
        let mut exports = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            match payload.expect("valid WASM") {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.expect("valid WASM");
                        assert_eq!(
                            import.module, "vm_hooks",
                            "{contract} imports {}",
                            import.name
                        );
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        exports.push(export.expect("valid WASM").name.to_owned());
                    }
                }
                _ => {}
            }
        }
        assert!(
            exports.iter().any(|name| name == "user_entrypoint"),
            "{contract}: {exports:?}"
        );
        assert!(
            exports.iter().any(|name| name == "memory"),
            "{contract}: {exports:?}"
        );
    }
}

/// The first wall of `docs/reentrancy.md`: without this import nothing would refuse a call back.
#[test]
fn every_contract_that_calls_out_asks_whether_it_is_reentered() {
    let contracts = [
        "erc1404-token",
        "tsusdc",
        "settlement",
        "distribution",
        "documents",
    ];
    for contract in contracts {
        let module = artifact::wasm(contract);
        let mut imports = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            if let Payload::ImportSection(section) = payload.expect("valid WASM") {
                for import in section.into_imports() {
                    imports.push(import.expect("valid WASM").name.to_owned());
                }
            }
        }
        let asks = imports.iter().any(|name| name == "msg_reentrant");
        assert!(asks, "{contract} imports {imports:?}");
    }
}
