//! The layers of the libraries: no module imports from one above it, and no crate that a library may do without comes in
//! (`docs/architecture.md` says why).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module and what it may use of its own crate and of others.
struct Layer {
    module: &'static str,
    /// Modules of the same crate below it.
    below: &'static [&'static str],
    /// Paths of other crates and of the standard library that it may not name.
    foreign: &'static [&'static str],
}

const NO_IO: &[&str] = &[
    "sqlx",
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::time::SystemTime",
];
const NO_DATABASE: &[&str] = &["sqlx", "std::net", "std::process"];

/// Lowest first. `class` is the error class that all share.
const BOOK: &[Layer] = &[
    Layer {
        module: "class",
        below: &[],
        foreign: NO_IO,
    },
    Layer {
        module: "market",
        below: &["class"],
        foreign: NO_IO,
    },
    Layer {
        module: "log",
        below: &["class", "market"],
        foreign: NO_IO,
    },
    Layer {
        module: "store",
        below: &["class", "market", "log"],
        foreign: &["std::net", "std::process"],
    },
    Layer {
        module: "board",
        below: &["class", "market", "log", "store"],
        foreign: NO_DATABASE,
    },
    Layer {
        module: "audit",
        below: &["class", "market", "log", "store", "board"],
        foreign: NO_DATABASE,
    },
];

/// The use cases of the desk are the crate's other modules, and may use both.
const DESK: &[Layer] = &[
    Layer {
        module: "http",
        below: &[],
        foreign: &["book", "std::process"],
    },
    Layer {
        module: "signing",
        below: &["http"],
        foreign: &["book::store", "book::board", "book::audit", "std::process"],
    },
    Layer {
        module: "chain",
        below: &["http", "signing"],
        foreign: &["book::store", "book::audit", "std::process"],
    },
    Layer {
        module: "wallet",
        below: &[],
        foreign: &["book", "std::net", "std::process"],
    },
    Layer {
        module: "index",
        below: &["chain", "cap_table", "error", "sheet"],
        foreign: &["book::board", "book::audit", "std::net", "std::process"],
    },
];

/// What belongs to a terminal or to a server, and to neither library.
const FORBIDDEN: &[&str] = &[
    "axum",
    "clap",
    "clap_builder",
    "comfy-table",
    "console",
    "dialoguer",
    "indicatif",
    "jsonrpsee",
    "toml",
];
/// What speaks to a chain or the network, and not to the book.
const NETWORK: &[&str] = &[
    "alloy-contract",
    "alloy-json-rpc",
    "alloy-network",
    "alloy-provider",
    "alloy-rpc-client",
    "alloy-rpc-types",
    "alloy-signer-local",
    "alloy-transport",
    "alloy-transport-http",
    "hyper",
    "hyper-util",
    "reqwest",
    "rustls",
];

#[test]
fn no_module_of_the_book_imports_from_above_it() {
    assert_eq!(
        crossings(&workspace().join("book"), BOOK),
        [] as [String; 0]
    );
}

#[test]
fn no_module_of_the_desk_imports_from_above_it() {
    assert_eq!(
        crossings(&workspace().join("desk"), DESK),
        [] as [String; 0]
    );
}

#[test]
fn every_module_of_the_book_is_a_layer() {
    let known: BTreeSet<_> = BOOK.iter().map(|layer| layer.module.to_owned()).collect();
    let mut found = modules(&workspace().join("book/src"));
    // Of tests alone.
    assert!(found.remove("sample") && found.remove("tests"));
    assert_eq!(found, known);
}

#[test]
fn an_import_from_above_is_found_however_it_is_written() {
    let market = &BOOK[1];
    for (code, found) in [
        ("use crate::board::Board;", "crate::board"),
        ("let x = crate::store::row::event(row);", "crate::store"),
        (
            "use crate::{\n    log::By,\n    market::order::Order,\n};",
            "crate::log",
        ),
        ("use super::super::store::Store;", "super::super"),
        ("use sqlx::Row;", "sqlx"),
        ("let text = std::fs::read(path);", "std::fs"),
        ("use std::{fs, io};", "std::fs"),
    ] {
        assert_eq!(named_from_above(code, market, 2), [found], "{code}");
    }
    for code in [
        "use crate::market::order::Order;",
        "use crate::ErrorClass;",
        "// crate::board is above",
        "/// [`crate::audit`]",
        "use super::order::Order;",
        "use mysqlx::Row;",
        "#[cfg(test)]\nmod tests {\n    use crate::board::Board;\n}\n",
    ] {
        assert_eq!(named_from_above(code, market, 2), [] as [&str; 0], "{code}");
    }
}

#[test]
fn no_library_depends_on_a_terminal_or_a_server() {
    for package in ["book", "desk"] {
        assert_eq!(
            dependencies(package, FORBIDDEN),
            [] as [String; 0],
            "{package}"
        );
    }
}

#[test]
fn the_platform_does_not_depend_on_a_terminal() {
    let mut terminal = FORBIDDEN.to_vec();
    terminal.retain(|name| *name != "axum");
    assert_eq!(dependencies("serve", &terminal), [] as [String; 0]);
    assert_eq!(dependencies("serve", &["axum"]), ["axum"]);
}

#[test]
fn the_book_does_not_depend_on_the_network() {
    assert_eq!(dependencies("book", NETWORK), [] as [String; 0]);
    // The same question finds what is there.
    assert!(dependencies("desk", NETWORK).contains(&"reqwest".to_owned()));
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Which of `wanted` are among a package's normal dependencies, direct or not.
fn dependencies(package: &str, wanted: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args([
            "tree",
            "--locked",
            "--offline",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--edges", "normal", "--package", package])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let found: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(found.contains(package) && found.len() > 20, "{tree}");
    let is_there = |name: &&&str| found.contains(**name);
    wanted
        .iter()
        .filter(is_there)
        .map(|name| (*name).to_owned())
        .collect()
}

/// The modules that stand in a folder of sources, but for its root.
fn modules(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    names.filter(|name| name != "lib").collect()
}

/// Every place in a crate where a layer names what is above it or foreign to it.
fn crossings(package: &Path, layers: &[Layer]) -> Vec<String> {
    let mut found = Vec::new();
    for layer in layers {
        let root = package.join("src").join(layer.module);
        let mut files = Vec::new();
        sources(&root, 1, &mut files);
        if root.with_extension("rs").is_file() {
            files.push((root.with_extension("rs"), 1));
        }
        assert!(!files.is_empty(), "{} has no source", layer.module);
        for (file, depth) in files {
            let text = fs::read_to_string(&file).unwrap();
            for name in named_from_above(&text, layer, depth) {
                found.push(format!("{} names {name}", file.display()));
            }
        }
    }
    found
}

/// Every source file below `folder` with the depth of its module below the crate's root.
fn sources(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, usize)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, depth + 1, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = usize::from(path.file_stem().is_some_and(|name| name != "mod"));
            files.push((path, depth + own));
        }
    }
}

/// What a file names that its layer may not; `depth` is its module's below the crate's root.
fn named_from_above(text: &str, layer: &Layer, depth: usize) -> Vec<String> {
    // Unit tests stand at the end of a file and may look at everything.
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |all, line| all + line + "\n");
    let mut found = Vec::new();
    for name in heads(&code, "crate") {
        let own = name == layer.module || layer.below.contains(&name.as_str());
        // An export of the root is not a module.
        if !own && name.starts_with(char::is_lowercase) {
            found.push(format!("crate::{name}"));
        }
    }
    let out = vec!["super"; depth].join("::");
    if code.contains(&out) {
        found.push(out);
    }
    for path in layer.foreign {
        let named = match path.rsplit_once("::") {
            Some((parent, last)) => heads(&code, parent).iter().any(|name| name == last),
            None => !heads(&code, path).is_empty(),
        };
        if named {
            found.push((*path).to_owned());
        }
    }
    found
}

/// The names that follow `path::` in code, those of a group in braces included.
fn heads(code: &str, path: &str) -> Vec<String> {
    let start = format!("{path}::");
    let mut names = Vec::new();
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        let name = |text: &str| -> String {
            let text = text.trim_start();
            text.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        };
        match rest.strip_prefix('{') {
            None => names.push(name(rest)),
            Some(group) => {
                let (mut depth, mut first) = (0, true);
                for (at, c) in group.char_indices() {
                    if first && depth == 0 && !c.is_whitespace() {
                        names.push(name(&group[at..]));
                        first = false;
                    }
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => first = true,
                        _ => {}
                    }
                }
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
