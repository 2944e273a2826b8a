//! Everything the command line prints, committed: help; tables wide, narrow, coloured and piped; envelopes; failures.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p orderbook-cli --test cli snapshots` writes them again; look at the difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::process::{Market, Said, on_terminal, run, words};
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
        "{} differs at line {}:\n  committed: {}\n  now:       {}\nUPDATE_SNAPSHOTS=1 writes it again",
        path.display(),
        at + 1,
        line(&committed),
        line(text)
    );
}

/// A transcript: each command as typed, what it said on either channel, how it ended.
fn transcript(redactor: &mut Redactor, out: &mut String, line: &str, said: &Said) {
    let _ = writeln!(out, "$ orderbook {}", redactor.text(line).trim_end());
    out.push_str(&redactor.text(&said.stdout));
    for line in redactor.text(&said.stderr).lines() {
        let _ = writeln!(out, "stderr: {line}");
    }
    if said.exit != 0 {
        let _ = writeln!(out, "exit {}", said.exit);
    }
    out.push('\n');
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

/// Every command with its help, also those that only group others.
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
        Some("rpc_url") => format!("rpc_url = \"{}\"", market.url),
        _ => line.to_string(),
    });
    fs::write(&profile, lines.collect::<Vec<_>>().join("\n")).unwrap();
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

/// Commands that only read: the same answer at three widths, coloured, piped and as JSON. `{match}`, `{bid}` and
/// `{ask}` are those of the demo's approved match.
const VIEWS: &[(&str, &str)] = &[
    ("view-config", "config show"),
    ("view-wallet", "wallet list"),
    ("view-doctor", "doctor"),
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
    ("view-order", "order show {ask}"),
    ("view-book", "book HRBR --levels 4"),
    ("view-suggest", "match suggest HRBR"),
    ("view-matches", "match list"),
    ("view-match", "match show {match}"),
    ("view-preflight", "preflight {bid} {ask}"),
    ("view-settle", "settle --all-approved --dry-run"),
    ("view-staff", "staff list"),
    ("view-investors", "investor list"),
    ("view-programs", "programs list"),
    (
        "view-hit",
        "compliance hit corvid-capital --case C-26-114 --plan",
    ),
    ("view-import", "order import orders.csv --plan"),
    (
        "view-register",
        "token register HRBR new.csv --issue --plan",
    ),
    ("view-verify", "audit verify"),
    ("view-exam", "export exam --out exam"),
];

/// A cap table with every kind of row that needs doing.
const NEW: &str = "account,investor,name,wallet,group,country,kyc_expiry,holding\n\
    A-1001,HSS-INV-1001,Ada Lindqvist,ada-lindqvist,1,840,2035-06-30,12500\n\
    A-1007,HSS-INV-1007,Elena Rossi,elena-rossi,2,380,2036-05-31,3000\n\
    N-1,NEW-1,New One,0x00000000000000000000000000000000000000e1,1,840,2035-06-30,7\n";

#[test]
fn snapshots_of_every_view() {
    let (market, literal) = market();
    let folder = market.path();
    fs::write(folder.join("new.csv"), NEW).unwrap();
    let approved = run(folder, words("match list --state approved --json")).json();
    let filled = |line: &str| {
        let member = |name: &str| approved["data"][0][name].as_str().unwrap().to_string();
        let line = line.replace("{match}", &member("id"));
        line.replace("{bid}", &member("bid"))
            .replace("{ask}", &member("ask"))
    };
    for (name, line) in VIEWS {
        let line = filled(line);
        let mut redactor = Redactor::new(literal.clone());
        let mut out = String::new();
        let mut show = |title: &str, text: &str| {
            let line = redactor.text(&line);
            let text = redactor.text(text);
            let _ = writeln!(out, "--- orderbook {}, {title}\n{text}", line.trim_end());
        };
        // An exam pack does not replace another.
        let fresh = || drop(fs::remove_dir_all(folder.join("exam")));
        for columns in [120, 80, 60] {
            fresh();
            let text = on_terminal(folder, columns, false, &line);
            // A hash in a sentence is not cut.
            let lines = text.lines().filter(|line| line.trim().contains(' '));
            let widest = lines.map(|line| line.chars().count()).max();
            assert!(
                widest <= Some(usize::from(columns)),
                "{line} at {columns} columns:\n{text}"
            );
            show(&format!("{columns} columns"), &text);
        }
        fresh();
        show("coloured", &on_terminal(folder, 80, true, &line));
        fresh();
        show("piped", &run(folder, line.split(' ')).stdout);
        fresh();
        let json = run(folder, line.split(' ').chain(["--json"])).stdout;
        show("--json", &json);
        compare(name, &out);
    }
}

/// The ids of a trade: whatever a command prints as its `id`.
fn id(said: &Said) -> String {
    let data = said.json()["data"].clone();
    let first = if data.is_array() {
        data[0].clone()
    } else {
        data
    };
    first["id"].as_str().expect("an id").to_string()
}

#[test]
fn snapshots_of_a_trade() {
    let (market, literal) = market();
    let folder = market.path();
    for suffix in ["", " --json"] {
        let mut redactor = Redactor::new(literal.clone());
        let mut out = String::new();
        let mut say = |line: &str| {
            let line = format!("{line}{suffix}");
            let said = run(folder, words(&line));
            transcript(&mut redactor, &mut out, &line, &said);
            said.exits(0);
        };
        say("order sign bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
        let post = |order: &str| {
            let signed = run(folder, words(&format!("order sign {order} --json"))).json();
            fs::write(folder.join("signed.json"), signed["data"][0].to_string()).unwrap();
        };
        let find = |side: &str| {
            let line =
                format!("order list --state open --side {side} --descending --limit 1 --json");
            id(&run(folder, words(&line)))
        };
        post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
        say("order post signed.json");
        let bid = find("bid");
        post("ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist");
        say("order import signed.json");
        let ask = find("ask");
        say("approve coin 1000000 --wallet victor-chen");
        say("permit HRBR 1000 --wallet ada-lindqvist");
        say("approve HRBR 1000 --wallet ada-lindqvist");
        say(&format!(
            "match propose {bid} {ask} --reason 'same size, limits cross'"
        ));
        let list = run(folder, words("match list --state proposed --json")).json();
        let matched = list["data"][0]["id"].as_str().unwrap().to_string();
        say(&format!("match approve {matched} --wallet ruth"));
        say(&format!("preflight {bid} {ask}"));
        say(&format!("settle {bid} {ask} --signed --dry-run"));
        say(&format!("settle {bid} {ask} --signed"));
        say(&format!("order show {bid}"));
        say("sync");
        say("audit anchor");
        say(&format!("audit prove {bid} --out proof.json"));
        say("audit check proof.json");
        say("export blotter --out blotter.csv");
        say("token pause HRBR");
        say("token resume HRBR");
        say("order epoch victor-chen");
        say("wallet address desk");
        compare(
            if suffix.is_empty() {
                "trade"
            } else {
                "trade-json"
            },
            &out,
        );
    }
}

#[test]
#[allow(clippy::too_many_lines)] // One line for each failure.
fn snapshots_of_every_class_of_failure() {
    let (market, literal) = market();
    let folder = market.path();
    let empty = tempfile::tempdir().unwrap();
    let mut redactor = Redactor::new(literal);
    let mut out = String::new();
    let mut fails = |folder: &Path, exit: i32, line: &str| {
        for line in [line.to_string(), format!("{line} --json")] {
            let said = run(folder, words(&line));
            transcript(&mut redactor, &mut out, &line, &said);
            said.exits(exit);
        }
    };
    fs::write(folder.join("secret"), "not the password\n").unwrap();
    fs::write(folder.join("taken"), "").unwrap();
    fs::write(
        folder.join("rows.csv"),
        "side,security,quantity,price,expires,account\nbid,NOPE,1,1,1d,A\nbid,HRBR,x,1,1d,A\n",
    )
    .unwrap();
    fs::write(folder.join("signed.jsonl"), "{}\n\nnot json\n").unwrap();
    fs::write(empty.path().join("orderbook.toml"), "nonsense = 1\n").unwrap();
    let approved = run(folder, words("match list --state approved --json")).json();
    let approved = approved["data"][0].clone();
    let (bid, ask) = (
        approved["bid"].as_str().unwrap(),
        approved["ask"].as_str().unwrap(),
    );

    // 1: this machine.
    fails(folder, 1, "export blotter --out taken/x.csv");
    fails(folder, 1, "doctor --chain-id 1");
    // 2: called wrongly, or set up incompletely.
    fails(folder, 2, "order sing");
    fails(folder, 2, "token force HRBR desk desk 1 --reason ''");
    fails(folder, 2, "token mint HRBR desk 1.0000001");
    fails(folder, 2, "approve coin ten");
    fails(
        folder,
        2,
        "order list --owner 0x39A1d03cc24f9BDcd5E8208f4232fCd6CDFaA63e",
    );
    fails(folder, 2, "order sign --from rows.csv");
    fails(folder, 2, "order import signed.jsonl");
    fails(folder, 2, "order import rows.csv");
    fails(folder, 2, "order post nowhere.json");
    fails(folder, 2, "book HRBR --profile nowhere.toml");
    fails(folder, 2, "book HRBR --store mysql://x");
    fails(empty.path(), 2, "book HRBR");
    // 3: refused by a rule.
    fails(folder, 3, "book NOPE");
    fails(folder, 3, "init");
    fails(folder, 3, "wallet new desk --password-file secret");
    fails(
        folder,
        3,
        "order sign bid HRBR 0.000001 24.5000001 --wallet victor-chen",
    );
    fails(folder, 3, "token check HRBR ada-lindqvist corvid-capital 1");
    fails(folder, 3, "coin mint ada-lindqvist 100,000,000");
    fails(folder, 3, &format!("preflight {bid} {ask}"));
    fails(folder, 3, &format!("settle {bid} {ask} --signed"));
    fails(
        folder,
        3,
        &format!("order cancel {bid} --on-chain --as-operator"),
    );
    fails(folder, 3, "order show 0x1234567890");
    fails(folder, 3, "match approve 12345678");
    // 4: key or role.
    fails(folder, 4, "wallet address nobody");
    fails(folder, 4, "token pause HRBR --password-file secret");
    fails(folder, 4, "token pause HRBR --wallet treasury");
    fails(folder, 4, &format!("order cancel {bid} --on-chain"));
    // 5: chain or network.
    fails(folder, 5, "coin show --rpc-url http://127.0.0.1:1");
    fails(folder, 5, "coin show --chain-id 1");
    fails(
        folder,
        5,
        "coin show --coin 0x000000000000000000000000000000000000dEaD",
    );
    // 6: integrity.
    let proof = fs::read_to_string(folder.join("proof.json")).unwrap();
    fs::write(folder.join("forged.json"), proof.replace("dana", "dora")).unwrap();
    fails(folder, 6, "audit check forged.json");
    // 7: the outcome is not known.
    let (bid, ask) = market.approved_match();
    market.node("evm_setAutomine", &json!([false]));
    let line = format!("settle {bid} {ask} --signed --timeout 1");
    let said = run(folder, words(&line));
    transcript(&mut redactor, &mut out, &line, &said);
    said.exits(7);
    let said = run(folder, words("sync --json"));
    transcript(&mut redactor, &mut out, "sync --json", &said);
    said.exits(7);
    compare("failures", &out);
}
