//! What the command line says, committed: every help text, and views wide, narrow, coloured, piped and as JSON.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p orderbook-cli --test cli snapshots` writes them anew; look at the difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Market, Said, orderbook, run};
use crate::redact::Redactor;

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    folder.join(format!("{name}.txt"))
}

/// Compares with the committed snapshot, or writes it.
fn compare(name: &str, text: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        return fs::write(path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differing = committed
        .lines()
        .zip(text.lines())
        .position(|(a, b)| a != b);
    let at = differing.unwrap_or_else(|| committed.lines().count().min(text.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_string();
    assert!(
        committed == text,
        "{} differs at line {}:\n  committed: {}\n  now:       {}\nUPDATE_SNAPSHOTS=1 writes it anew",
        path.display(),
        at + 1,
        line(&committed),
        line(text)
    );
}

/// The heading of what all commands have in common.
const SETTINGS: &str = "Settings (flag > ORDERBOOK_* > profile > default):";

/// The subcommands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_string)
        .collect()
}

fn help(path: &[String]) -> String {
    let arguments = path.iter().map(String::as_str).chain(["--help"]);
    run(Path::new("."), arguments).exits(0).stdout
}

/// Every command with its help, the whole ones and those that only hold others.
fn helps() -> BTreeMap<Vec<String>, String> {
    fn walk(path: &[String], found: &mut BTreeMap<Vec<String>, String>) {
        let text = help(path);
        for name in subcommands(&text) {
            walk(&[path, &[name]].concat(), found);
        }
        found.insert(path.to_vec(), text);
    }
    let mut found = BTreeMap::new();
    walk(&[], &mut found);
    found
}

#[test]
fn snapshots_of_every_help() {
    let helps = helps();
    let flags = |text: &str| {
        let words = text
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        words.map(str::to_string).collect::<Vec<_>>()
    };
    let (_, common) = helps[&Vec::new()]
        .split_once(SETTINGS)
        .expect("the settings");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in &helps {
        // Every command has the same settings: they are shown once.
        let (own, settings) = text.split_once(SETTINGS).expect("the settings");
        let (settings, example) = settings.split_once("\n\nExample").unwrap_or((settings, ""));
        let text = if path.is_empty() {
            text.clone()
        } else {
            let common = flags(common.split("\n\nStart").next().unwrap());
            assert!(flags(settings).starts_with(&common), "{path:?}");
            let example = match example {
                "" => String::new(),
                example => format!("\n\nExample{example}"),
            };
            format!("{own}{SETTINGS} ...{example}")
        };
        let file = path.first().map_or("orderbook", String::as_str);
        let file = files.entry(format!("help-{file}")).or_default();
        let _ = writeln!(
            file,
            "$ orderbook {} --help\n{}\n",
            path.join(" "),
            text.trim_end()
        );
    }
    for (name, text) in files {
        compare(&name, &text);
    }
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), ["man", "pages"]).exits(0);
    let helps = helps();
    let scripts: Vec<(&str, String)> = ["bash", "zsh", "fish", "elvish", "powershell"]
        .into_iter()
        .map(|shell| {
            (
                shell,
                run(folder.path(), ["completions", shell]).exits(0).stdout,
            )
        })
        .collect();
    assert!(helps.len() > 90, "{}", helps.len());
    for path in helps.keys() {
        let page = [&["orderbook".to_string()], &path[..]].concat().join("-") + ".1";
        let page = fs::read_to_string(folder.path().join("pages").join(&page)).expect(&page);
        assert!(page.contains(".SH SYNOPSIS"), "{path:?}");
        if let Some(name) = path.last() {
            for (shell, script) in &scripts {
                assert!(
                    script.contains(name.as_str()),
                    "{shell} does not know {path:?}"
                );
            }
        }
    }
}

/// A market whose settings do not name this machine.
fn market() -> (Market, Vec<(String, String)>) {
    let market = Market::open();
    let profile = market.path().join("orderbook.toml");
    let text = fs::read_to_string(&profile).unwrap();
    let lines = text.lines().map(|line| match line.split(" = ").next() {
        Some("contracts") => "contracts = \"contracts\"".to_string(),
        Some("rpc_url") => format!("rpc_url = \"{}\"", market.url),
        _ => line.to_string(),
    });
    fs::write(&profile, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/contracts");
    std::os::unix::fs::symlink(built, market.path().join("contracts")).unwrap();
    let port = market.url.rsplit(':').next().unwrap();
    let literal = vec![
        (
            format!("127.0.0.1:{port}"),
            format!("127.0.0.1:{}", "P".repeat(port.len())),
        ),
        (market.path().display().to_string(), "FOLDER".to_string()),
    ];
    (market, literal)
}

/// On a terminal of so many columns; stderr apart, colours only when asked for.
fn on_terminal(folder: &Path, columns: u16, colour: bool, line: &str) -> String {
    let mut script = std::process::Command::new("script");
    let binary = orderbook();
    let command = format!(
        "{} {line} 2>/dev/null",
        binary.get_program().to_str().unwrap()
    );
    script
        .args(["-qec", &command, "/dev/null"])
        .current_dir(folder);
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    if colour {
        script.env_remove("NO_COLOR");
    }
    script
        .env("COLUMNS", columns.to_string())
        .env("TERM", "xterm-256color");
    let said = Said::of(
        script
            .stdin(std::process::Stdio::null())
            .output()
            .expect("script(1) runs"),
    );
    said.stdout.replace("\r\n", "\n").replace('\x1b', "\\e")
}

/// Commands that only look: the same answer wide, narrow, piped and as JSON.
const VIEWS: &[(&str, &str)] = &[
    ("view-config", "config show"),
    ("view-wallet", "wallet list"),
    ("view-role", "role show HRBR"),
    ("view-holders", "token holders HRBR"),
    ("view-limits", "token limits HRBR"),
    (
        "view-encumbrances",
        "token encumbrances HRBR brightwater-lp",
    ),
    ("view-coin", "coin show"),
    ("view-settlement", "settlement show"),
    (
        "view-orders",
        "order list --security HRBR --sort price --limit 6",
    ),
    ("view-book", "book HRBR --levels 4"),
    ("view-suggest", "match suggest HRBR"),
    ("view-matches", "match list"),
];

#[test]
fn snapshots_of_every_view() {
    let (market, literal) = market();
    let folder = market.path();
    for (name, line) in VIEWS {
        let mut redactor = Redactor::new(literal.clone());
        let mut out = String::new();
        for (title, text) in [
            ("110 columns", on_terminal(folder, 110, false, line)),
            ("64 columns", on_terminal(folder, 64, false, line)),
            ("coloured", on_terminal(folder, 110, true, line)),
            ("piped", run(folder, line.split(' ')).stdout),
            (
                "--json",
                run(folder, line.split(' ').chain(["--json"])).stdout,
            ),
        ] {
            let _ = writeln!(
                out,
                "--- orderbook {line}, {title}\n{}",
                redactor.text(&text)
            );
        }
        compare(name, &out);
    }
}
