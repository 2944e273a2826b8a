//! A hint that names a command names one that runs as printed: every `orderbook ...` in the texts of the sources, in
//! the help and in the pages goes through the command line's own parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::words;

/// Sources whose texts people read.
const SOURCES: [&str; 3] = ["book/src", "desk/src", "orderbook-cli/src"];
/// Pages whose commands people type.
const PAGES: [&str; 3] = ["README.md", "CONTRIBUTING.md", "examples/README.md"];
/// What begins like a command but is not one: a seed of the demo's keys, the name of a file's format.
const NO_COMMANDS: [&str; 2] = ["demo wallet", "distribution 1"];
/// The values of placeholders for which a name will not do.
const VALUES: [(&str, &str); 14] = [
    ("AMOUNT", "1"),
    ("COUNTRY", "840"),
    ("DAY", "2030-01-01"),
    ("DURATION", "30d"),
    ("FROM", "1"),
    ("GROUP", "1"),
    ("GROUPS", "1,2"),
    ("NUMBER", "1"),
    ("QUANTITY", "1"),
    ("TIME", "2030-01-01"),
    ("TO", "2"),
    ("ADDRESS", "0x1111111111111111111111111111111111111111"),
    // Filled in by the program.
    ("{other}", "attestor"),
    ("{}", "1"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// The texts of a source, without comments and unit tests, as the compiler reads them; `{}` stands for what is filled in.
fn texts(source: &str) -> Vec<String> {
    let code = source
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, here) = rest.split_at(at);
        if here.starts_with("//") {
            rest = here.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(quoted) = here.strip_prefix('"') {
            let raw = before.ends_with('r') || before.ends_with('#');
            let (text, after) = literal(quoted, raw);
            found.push(text);
            rest = after;
        } else {
            // A character that is a quote, a lifetime, or a division.
            let length = ["'\"'", "'\\\"'", "'\\''", "'/'"]
                .iter()
                .find(|one| here.starts_with(**one));
            rest = &here[length.map_or(1, |one| one.len())..];
        }
    }
    found
}

/// A literal after its first quote, and what follows it.
fn literal(code: &str, raw: bool) -> (String, &str) {
    let mut text = String::new();
    let mut letters = code.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, &code[at + 1..]),
            '\\' if !raw => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                // The line continues on the next one, after its indentation.
                Some((_, '\n')) => {
                    let ahead = letters.as_str();
                    let indent = ahead.len() - ahead.trim_start().len();
                    for _ in 0..ahead[..indent].chars().count() {
                        letters.next();
                    }
                }
                Some((_, other)) => text.push(other),
                None => {}
            },
            _ => text.push(letter),
        }
    }
    (text, "")
}

/// The commands that a text names, each up to the end of its clause.
fn commands(text: &str) -> Vec<String> {
    let tree = orderbook_cli::commands::tree();
    let known = |line: &str| {
        let noun = line.split_whitespace().next().unwrap_or_default();
        let noun = noun.trim_end_matches(['`', ',', ';', '.', ')', ':']);
        tree.get_subcommands().any(|sub| sub.get_name() == noun)
    };
    // A line that continues on the next one.
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let text = lines.fold(first, |text, line| {
        text.trim_end().to_owned() + " " + line.trim_start()
    });
    let parts = text.split("orderbook ").skip(1);
    let is_command =
        |line: &&str| known(line) && !NO_COMMANDS.iter().any(|none| line.starts_with(none));
    // An abridged command is not one to type.
    let whole = |command: &String| !command.ends_with("...") && !command.ends_with('…');
    parts.filter(is_command).map(clause).filter(whole).collect()
}

/// A command without the prose after it.
fn clause(line: &str) -> String {
    let mut quoted = false;
    let mut end = line.len();
    for (at, letter) in line.char_indices() {
        let rest = &line[at..];
        match letter {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '…' => return line[..at + letter.len_utf8()].to_owned(),
            '.' if rest.starts_with("...") => return line[..at + 3].to_owned(),
            '\n' | '`' | ')' | ';' | '>' | '|' | '#' | '&' | '"' => end = at,
            ',' | '.' | ':' if rest.len() == 1 || rest[1..].starts_with([' ', '\n']) => end = at,
            ' ' if rest.starts_with("  ") => end = at,
            ' ' if [" and ", " or ", " then ", " with "]
                .iter()
                .any(|word| rest.starts_with(word)) =>
            {
                end = at;
            }
            _ => {}
        }
        if end < line.len() {
            break;
        }
    }
    line[..end].trim().to_owned()
}

/// A word of a command with its placeholders filled in.
fn filled(word: &str) -> String {
    let value = |name: &str, otherwise: &str| {
        let known = VALUES.iter().find(|(known, _)| *known == name);
        known.map_or(otherwise, |(_, value)| *value).to_owned()
    };
    if word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase()) {
        return value(word, word);
    }
    let mut text = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(&value(&format!("{{{name}}}"), "1"));
        rest = after;
    }
    text + rest
}

/// Whether the parser accepts it with its placeholders filled in.
fn parses(command: &str) -> bool {
    let words = words(command).into_iter().filter(|word| !word.is_empty());
    let line = std::iter::once("orderbook".to_owned()).chain(words.map(|word| filled(&word)));
    match orderbook_cli::commands::tree().try_get_matches_from(line) {
        Ok(_) => true,
        Err(error) => error.kind() == clap::error::ErrorKind::DisplayHelp,
    }
}

/// Whether it only names a command, as prose does.
fn names(command: &str) -> bool {
    let mut tree = orderbook_cli::commands::tree();
    for word in command.split_whitespace() {
        match tree.find_subcommand(word).cloned() {
            Some(sub) => tree = sub,
            None => return false,
        }
    }
    true
}

#[test]
fn every_command_that_a_text_of_the_sources_names_runs_as_printed() {
    let (mut seen, mut bad) = (BTreeSet::new(), Vec::new());
    for folder in SOURCES {
        let mut sources = Vec::new();
        files(&workspace().join(folder), "rs", &mut sources);
        for path in sources {
            let source = fs::read_to_string(&path).expect("a source");
            for command in texts(&source).iter().flat_map(|text| commands(text)) {
                if seen.insert(command.clone()) && !parses(&command) {
                    let file = path.strip_prefix(workspace()).expect("in the workspace");
                    bad.push(format!("{}: orderbook {command}", file.display()));
                }
            }
        }
    }
    assert!(seen.len() > 150, "{} commands only", seen.len());
    assert!(bad.is_empty(), "these do not run:\n{}", bad.join("\n"));
}

#[test]
fn every_command_of_the_pages_runs_as_printed() {
    let mut pages: Vec<_> = PAGES.iter().map(|page| workspace().join(page)).collect();
    files(&workspace().join("docs"), "md", &mut pages);
    let (mut seen, mut bad) = (0, Vec::new());
    for path in pages {
        let page = fs::read_to_string(&path).expect("a page");
        for command in commands(&page) {
            seen += 1;
            if !parses(&command) && !names(&command) {
                bad.push(format!("{}: orderbook {command}", path.display()));
            }
        }
    }
    assert!(seen > 50, "{seen} commands only");
    assert!(bad.is_empty(), "these do not run:\n{}", bad.join("\n"));
}

#[test]
fn a_command_is_cut_out_of_its_sentence() {
    let found = |text: &str| commands(text);
    assert_eq!(
        found("see: orderbook wallet list; make one: orderbook wallet new NAME"),
        ["wallet list", "wallet new NAME"]
    );
    assert_eq!(
        found("run orderbook audit anchor, then prove again"),
        ["audit anchor"]
    );
    assert_eq!(
        found("Example: orderbook staff revoke 'Tina Falk; x' principal --wallet alma\n\nMore."),
        ["staff revoke 'Tina Falk; x' principal --wallet alma"]
    );
    assert_eq!(
        found("orderbook demo --serve      keep it running"),
        ["demo --serve"]
    );
    assert_eq!(
        found("orderbook init --name x \\\n   --lei Y"),
        ["init --name x --lei Y"]
    );
    assert_eq!(found("the orderbook of a firm"), [""; 0]);
    assert!(parses("wallet new NAME") && !parses("wallet new") && !parses("wallet nwe NAME"));
    assert!(parses("approve {symbol} {}") && parses("token class-limit SECURITY GROUPS 0"));
    let source = "// \"orderbook no\"\nlet a = 'x'; f(\"orderbook \\\n      sync\"); let b = '\"'; g(\"two\");";
    assert_eq!(texts(source), ["orderbook sync", "two"]);
}
