//! An examiner's view: what is in a pack, whether it alone answers its questions, and whether a change is found. The
//! verifier runs as an examiner runs it: Python with nothing installed, the folder, and a node's URL.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::process::Market;

/// A market on which somebody was sanctioned, with a cancelled order besides a trade, and an anchored log; together
/// with its pack and a verifier that did not come with it.
struct Examined {
    market: Market,
    /// The order that was cancelled, and the bid of the trade.
    cancelled: String,
    bid: String,
    _folder: TempDir,
    pack: PathBuf,
    verifier: PathBuf,
}

impl Examined {
    fn new() -> Self {
        let market = Market::open();
        let profile = market.path().join("orderbook.toml");
        let mut text = fs::read_to_string(&profile).unwrap();
        text.push_str(
            "\n[confirmation]\nsipc_member = false\ncontact = \"records@harborstreet.example\"\n\n\
             [[commission]]\nfrom = \"2020-01-01\"\nrate = \"0.25%\"\n",
        );
        fs::write(&profile, text).unwrap();
        let (bid, ask) = market.approved_match();
        market.data(&format!("settle {bid} {ask} --signed"));
        let cancelled = market.post("bid HRBR 10 20.00 --account A-1028 --wallet victor-chen");
        let why = "=HYPERLINK(\"http://example.com\") she called";
        market
            .run_with(&format!("order cancel {cancelled}"), &["--reason", why])
            .exits(0);
        market.data("token sanction HRBR elena-rossi");
        market.data("audit anchor");
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("exam");
        let said = market.data(&format!("export exam --out {}", pack.display()));
        let digest = sha256(&fs::read(pack.join("SHA256SUMS")).unwrap());
        assert_eq!(said["sha256"], digest);
        let verifier = folder.path().join("verify.py");
        fs::copy(pack.join("verify.py"), &verifier).unwrap();
        Self {
            market,
            cancelled,
            bid,
            _folder: folder,
            pack,
            verifier,
        }
    }

    /// What the verifier says about a folder.
    fn verify(&self, pack: &Path, node: bool) -> (bool, String) {
        let mut python = Command::new("python3");
        python.arg("-I").arg(&self.verifier).arg(pack);
        if node {
            python.args(["--rpc", &self.market.url]);
        }
        let output = python.output().expect("Python runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let holds = output.status.success();
        assert_eq!(holds, said.ends_with("all holds\n"), "{said}");
        assert!(holds || said.contains("BAD: "), "{said}");
        (holds, said)
    }

    /// A copy of the pack, changed, with fresh checksums.
    fn forged(&self, change: impl FnOnce(&Path)) -> TempDir {
        let copy = copied(&self.pack);
        change(copy.path());
        let mut sums = String::new();
        for name in names(copy.path()) {
            if name != "SHA256SUMS" {
                let sum = sha256(&fs::read(copy.path().join(&name)).unwrap());
                writeln!(sums, "{sum}  {name}").unwrap();
            }
        }
        fs::write(copy.path().join("SHA256SUMS"), sums).unwrap();
        copy
    }

    fn table(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.pack.join(name)).unwrap();
        let columns: Vec<String> = reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        let plain = |cell: &str| {
            cell.strip_prefix("'=")
                .map_or(cell.to_owned(), |rest| format!("={rest}"))
        };
        let rows = reader.records();
        rows.map(|row| {
            let row = row.unwrap();
            columns.iter().cloned().zip(row.iter().map(plain)).collect()
        })
        .collect()
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Every file below a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner)).unwrap() {
            let entry = entry.unwrap();
            let name = inner.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(name);
            } else {
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn copied(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("confirmations")).unwrap();
    for name in names(folder) {
        fs::copy(folder.join(&name), copy.path().join(&name)).unwrap();
    }
    copy
}

#[test]
fn an_examiner_checks_a_pack_with_python_and_a_node_alone() {
    let examined = Examined::new();
    let (holds, said) = examined.verify(&examined.pack, false);
    assert!(holds && said.contains("was not asked"), "{said}");
    let (holds, said) = examined.verify(&examined.pack, true);
    assert!(holds && said.contains("was asked"), "{said}");
    assert!(said.contains("CRD 298471: 10 trades"), "{said}");
    // As it came, from its own folder.
    let own = Command::new("python3")
        .arg(examined.pack.join("verify.py"))
        .output()
        .unwrap();
    assert!(own.status.success());

    // The same for some days only.
    let other = examined.pack.with_file_name("none");
    examined.market.data(&format!(
        "export exam --from 2020-01-01 --to 2020-01-31 --out {}",
        other.display()
    ));
    let (holds, said) = examined.verify(&other, true);
    assert!(holds && said.contains(": 0 trades"), "{said}");
    // And without the chain.
    let offline = examined.pack.with_file_name("offline");
    examined.market.data(&format!(
        "export exam --offline --out {}",
        offline.display()
    ));
    assert!(!offline.join("coin.csv").exists());
    assert!(examined.verify(&offline, true).0);

    let taken = examined
        .market
        .run(&format!("export exam --out {}", offline.display()));
    assert_eq!(taken.exits(3).code(), "BOARD_REFUSED");
}

#[test]
fn a_changed_byte_anywhere_is_found() {
    let examined = Examined::new();
    // SplitMix64, so that a failing run is repeated.
    let mut state = 7u64;
    let mut below = |bound: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    };
    let copy = copied(&examined.pack);
    let files = names(&examined.pack);
    assert!(files.len() > 50, "{files:?}");
    for name in &files {
        let path = copy.path().join(name);
        let bytes = fs::read(&path).unwrap();
        for _ in 0..2 {
            let (at, bit) = (below(bytes.len()), below(8));
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            fs::write(&path, &changed).unwrap();
            let (holds, said) = examined.verify(copy.path(), false);
            assert!(!holds, "byte {at}, bit {bit} of {name}: {said}");
        }
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(!examined.verify(copy.path(), false).0, "{name} is cut");
        fs::remove_file(&path).unwrap();
        assert!(!examined.verify(copy.path(), false).0, "{name} is gone");
        fs::write(&path, &bytes).unwrap();
    }
    fs::write(copy.path().join("more.csv"), "a\n").unwrap();
    assert!(!examined.verify(copy.path(), false).0);
    fs::remove_file(copy.path().join("more.csv")).unwrap();
    assert!(examined.verify(copy.path(), false).0);
}

/// Changes the lines of a file.
fn edit(pack: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let path = pack.join(name);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn rows_that_are_changed_removed_or_added_are_found_even_under_fresh_checksums() {
    let examined = Examined::new();
    let tables = [
        "tickets.csv",
        "blotter.csv",
        "staff.csv",
        "anchors.csv",
        "coin.csv",
        "compliance.csv",
        "roles.csv",
    ];
    for name in tables {
        let removed = examined.forged(|pack| edit(pack, name, |lines| drop(lines.remove(1))));
        let doubled =
            examined.forged(|pack| edit(pack, name, |lines| lines.insert(1, lines[1].clone())));
        let changed = examined.forged(|pack| {
            edit(pack, name, |lines| {
                let at = lines[1].rfind(|c: char| c.is_ascii_digit()).unwrap();
                let digit = if lines[1].as_bytes()[at] == b'0' {
                    "1"
                } else {
                    "0"
                };
                lines[1].replace_range(at..=at, digit);
            });
        });
        for (what, forged) in [
            ("removed", removed),
            ("doubled", doubled),
            ("changed", changed),
        ] {
            let (holds, said) = examined.verify(forged.path(), true);
            assert!(!holds, "{what} in {name}: {said}");
            assert!(!said.contains("checksum"), "{what} in {name}: {said}");
        }
    }
    // Every cell of a ticket and of a trade.
    for (name, wanted) in [("tickets.csv", 49), ("blotter.csv", 21)] {
        let text = fs::read_to_string(examined.pack.join(name)).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.len(), wanted);
        for column in 0..row.len() {
            let forged = examined.forged(|pack| {
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let mut writer = csv::Writer::from_path(pack.join(name)).unwrap();
                writer.write_record(reader.headers().unwrap()).unwrap();
                for (number, row) in reader.records().enumerate() {
                    let row = row.unwrap();
                    let cells = row.iter().enumerate().map(|(at, cell)| {
                        if (number, at) == (0, column) {
                            format!("{cell}7")
                        } else {
                            cell.to_owned()
                        }
                    });
                    writer.write_record(cells).unwrap();
                }
            });
            assert!(
                !examined.verify(forged.path(), false).0,
                "{name}, column {column}"
            );
        }
    }
}

#[test]
fn a_log_that_is_not_the_anchored_one_is_found_even_under_fresh_checksums() {
    let examined = Examined::new();
    // `,"hash":"0x` and 64 digits, `,"prev":"0x` likewise; what is hashed does not have the first one.
    let rehashed = |line: &str, prev: Option<&str>| {
        let mut line = line.to_owned();
        let at = |line: &str, name: &str| line.rfind(&format!(",\"{name}\":\"0x")).unwrap();
        if let Some(prev) = prev {
            let start = at(&line, "prev") + ",\"prev\":\"".len();
            line.replace_range(start..start + 66, prev);
        }
        let start = at(&line, "hash");
        let end = start + ",\"hash\":\"\"".len() + 66;
        let bare = format!("{}{}", &line[..start], &line[end..]);
        let hash = format!("0x{}", sha256(bare.as_bytes()));
        line.replace_range(end - 67..end - 1, &hash);
        (line, hash)
    };
    // Only the last event, which no anchor covers: its hash in every place where it appears.
    let forged = examined.forged(|pack| {
        let mut last = String::new();
        edit(pack, "events.jsonl", |lines| {
            let line = lines.pop().unwrap();
            let line = line.replace("\"reason\":\"\"", "\"reason\":\"x\"");
            let (line, hash) = rehashed(&line, None);
            last = hash;
            lines.push(line);
        });
        edit(pack, "hashes.txt", |lines| {
            lines.pop();
            lines.push(last[2..].to_owned());
        });
    });
    let (holds, said) = examined.verify(forged.path(), false);
    assert!(!holds && said.contains("of another log"), "{said}");
    // A whole history without one event, as consistent as its author can make it.
    let forged = examined.forged(|pack| {
        let mut hashes = Vec::new();
        edit(pack, "events.jsonl", |lines| {
            let cut = lines
                .iter()
                .position(|line| line.contains("order_cancelled"))
                .unwrap();
            lines.remove(cut);
            let mut before = format!("0x{}", "0".repeat(64));
            for (number, line) in lines.iter_mut().enumerate() {
                let seq = line.split("\"seq\":").nth(1).unwrap();
                let seq = seq.split(',').next().unwrap().to_owned();
                let moved = line.replace(
                    &format!("\"seq\":{seq},"),
                    &format!("\"seq\":{},", number + 1),
                );
                let (text, hash) = rehashed(&moved, Some(&before));
                (*line, before) = (text, hash.clone());
                hashes.push(hash[2..].to_owned());
            }
        });
        let (size, last) = (hashes.len(), hashes.last().unwrap().clone());
        edit(pack, "hashes.txt", |lines| *lines = hashes);
        let manifest = pack.join("MANIFEST.json");
        let mut stated: Value =
            serde_json::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
        stated["log"]["size"] = size.into();
        stated["log"]["hash"] = format!("0x{last}").into();
        stated["period"]["last_event"] = size.into();
        fs::write(manifest, stated.to_string()).unwrap();
    });
    let (holds, said) = examined.verify(forged.path(), false);
    assert!(!holds && said.contains("do not lead to the root"), "{said}");
    // The right log, but for a chain that never had its anchor.
    let elsewhere = Market::open();
    let mut python = Command::new("python3");
    python
        .arg(&examined.verifier)
        .arg(&examined.pack)
        .args(["--rpc", &elsewhere.url]);
    let said = String::from_utf8(python.output().unwrap().stderr).unwrap();
    assert!(said.starts_with("BAD: the chain has no"), "{said}");
}

/// Answers a question of the legend with the pack alone.
type Answer = Box<dyn Fn(&Examined) -> bool>;

#[allow(clippy::too_many_lines)] // one table
fn answers() -> Vec<(&'static str, Answer)> {
    let ticket = |examined: &Examined, id: &str| {
        let rows = examined.table("tickets.csv");
        rows.into_iter().find(|row| row["order"] == id).unwrap()
    };
    let manifest = |examined: &Examined| -> Value {
        serde_json::from_str(&fs::read_to_string(examined.pack.join("MANIFEST.json")).unwrap())
            .unwrap()
    };
    let wallets = |examined: &Examined, name: &str| -> Vec<String> {
        let rows = examined.table("investors.csv").into_iter();
        rows.filter(|row| row["name"] == name && row["kind"] == "wallet")
            .map(|row| row["value"].clone())
            .collect()
    };
    vec![
        (
            "Whose records",
            Box::new(move |e| {
                let stated = manifest(e);
                stated["broker_dealer"]["crd"] == 298_471
                    && stated["period"]["zone"] == "America/New_York"
            }),
        ),
        (
            "Who entered",
            Box::new(move |e| {
                let row = ticket(e, &e.bid);
                row["entered_by"] == "dana.whitfield"
                    && row["entered_at"].ends_with('Z')
                    && row["entry_wallet"] == e.market.wallet("dana")
            }),
        ),
        (
            "Who accepted",
            Box::new(move |e| {
                let row = ticket(e, &e.bid);
                row["accepted_by"] == "dana.whitfield" && row["received_at"] <= row["entered_at"]
            }),
        ),
        (
            "Was it solicited",
            Box::new(move |e| {
                let row = ticket(e, &e.bid);
                (&*row["solicited"], &*row["capacity"]) == ("false", "agency")
            }),
        ),
        (
            "What were its terms",
            Box::new(move |e| {
                let row = ticket(e, &e.bid);
                (
                    &*row["side"],
                    &*row["symbol"],
                    &*row["quantity"],
                    &*row["price_usd"],
                ) == ("bid", "HRBR", "10", "24.50")
            }),
        ),
        (
            "When was it executed",
            Box::new(move |e| {
                let row = ticket(e, &e.bid);
                row["execution_price_usd"] == "24.50"
                    && row["executed_at"].ends_with('Z')
                    && row["execution_tx"].len() == 66
            }),
        ),
        (
            "Who approved",
            Box::new(move |e| {
                let row = ticket(e, &e.bid);
                row["approved_by"] == "ruth.castellano"
                    && row["approval_wallet"] == e.market.wallet("ruth")
                    && row["approval_signature"].len() == 132
            }),
        ),
        (
            "Whose key",
            Box::new(|e| {
                let rows = e.table("staff.csv");
                let row = rows
                    .iter()
                    .find(|row| row["wallet"] == e.market.wallet("ruth"))
                    .unwrap();
                row["person"] == "ruth.castellano" && row["roles"].contains("principal")
            }),
        ),
        (
            "Are there orders that were cancelled",
            Box::new(move |e| {
                let row = ticket(e, &e.cancelled);
                row["state"] == "CANCELLED"
                    && row["cancelled_by"] == "dana.whitfield"
                    && row["cancel_reason"] == "=HYPERLINK(\"http://example.com\") she called"
            }),
        ),
        (
            "Which trades did person X make",
            Box::new(move |e| {
                let mine = wallets(e, "Victor Chen");
                let bought = e
                    .table("blotter.csv")
                    .into_iter()
                    .filter(|row| mine.contains(&row["buyer"]))
                    .count();
                bought > 0 && !mine.is_empty()
            }),
        ),
        (
            "What was each trade",
            Box::new(|e| {
                // 25 basis points of 245 dollars.
                let rows = e.table("blotter.csv");
                let row = rows.iter().find(|row| row["bid"] == e.bid).unwrap();
                (
                    &*row["total_usd"],
                    &*row["buyer_commission_usd"],
                    &*row["seller_commission_usd"],
                ) == ("245", "0.6125", "0.6125")
            }),
        ),
        (
            "What did the customer get to read",
            Box::new(|e| {
                let page = fs::read_to_string(e.pack.join("confirmations/10-buyer.html")).unwrap();
                page.contains("10 HRBR")
                    && page
                        .contains("not a member of the Securities Investor Protection Corporation")
            }),
        ),
        (
            "Did anyone trade who was sanctioned",
            Box::new(move |e| {
                let rows = e.table("compliance.csv");
                let acts: Vec<_> = rows
                    .iter()
                    .filter(|row| {
                        row["event"] == "SanctionSet"
                            && row["particulars"].contains("sanctioned=true")
                    })
                    .collect();
                let elena = wallets(e, "Elena Rossi");
                let traded_after = e.table("blotter.csv").into_iter().any(|trade| {
                    acts.iter().any(|act| {
                        [&trade["buyer"], &trade["seller"]].contains(&&act["account"])
                            && trade["settled_at"] > act["time"]
                    })
                });
                acts.iter().any(|act| elena.contains(&act["account"])) && !traded_after
            }),
        ),
        (
            "Who let a wallet hold",
            Box::new(move |e| {
                let rows = e.table("compliance.csv");
                let wallet = &wallets(e, "Victor Chen")[0];
                rows.iter().any(|row| {
                    row["event"] == "WalletSet"
                        && &row["account"] == wallet
                        && row["sent_by"].len() == 42
                })
            }),
        ),
        (
            "Where does the cash come from",
            Box::new(|e| {
                let rows = e.table("coin.csv");
                let sum = |event: &str| {
                    rows.iter()
                        .filter(|row| row["event"] == event)
                        .map(|row| row["amount_base_units"].parse::<u128>().unwrap())
                        .sum::<u128>()
                };
                sum("Mint") > 0
                    && sum("BankReference") > 0
                    && rows
                        .iter()
                        .any(|row| row["event"] == "BankReference" && !row["reason"].is_empty())
            }),
        ),
        (
            "Who had which power",
            Box::new(|e| {
                let rows = e.table("roles.csv");
                rows.iter().any(|row| {
                    row["event"] == "RoleGranted"
                        && row["name"] == "settlement"
                        && row["particulars"].contains("role=OPERATOR_ROLE")
                })
            }),
        ),
        (
            "Who looked at",
            Box::new(|e| e.table("access.csv").is_empty()),
        ),
        (
            "Is the log whole",
            Box::new(|e| e.verify(&e.pack, true).0 && e.table("anchors.csv").len() == 2),
        ),
        (
            "Was this file changed",
            Box::new(|e| {
                let sums = fs::read_to_string(e.pack.join("SHA256SUMS")).unwrap();
                sums.contains(&format!(
                    "{}  tickets.csv",
                    sha256(&fs::read(e.pack.join("tickets.csv")).unwrap())
                ))
            }),
        ),
    ]
}

#[test]
fn every_question_of_the_legend_is_answered_by_the_pack_alone() {
    let examined = Examined::new();
    let legend = fs::read_to_string(examined.pack.join("LEGEND.md")).unwrap();
    let (_, table) = legend.split_once("| --- | --- | --- |\n").unwrap();
    let questions: Vec<Vec<&str>> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let mut answers = answers();
    for row in &questions {
        let at = answers
            .iter()
            .position(|(question, _)| row[0].starts_with(question));
        let (question, answer) =
            answers.swap_remove(at.unwrap_or_else(|| panic!("{} has no test", row[0])));
        assert!(answer(&examined), "{question}");
        // The columns that it names exist in the files that it names.
        let files: Vec<&str> = row[1].split(", ").collect();
        let header: String = files
            .iter()
            .map(|file| examined.pack.join(file))
            .filter(|path| path.is_file())
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        for column in row[2].split('`').skip(1).step_by(2) {
            assert!(
                header.contains(column),
                "{}: {column} is not in {files:?}",
                row[0]
            );
        }
    }
    assert!(answers.is_empty(), "{}", answers.len());
}

#[test]
fn the_tables_of_the_chain_have_their_columns_in_the_legend() {
    let examined = Examined::new();
    let legend = fs::read_to_string(examined.pack.join("LEGEND.md")).unwrap();
    let section = legend
        .split("\n## ")
        .find(|section| section.starts_with("coin.csv"))
        .unwrap();
    for name in ["coin.csv", "compliance.csv", "roles.csv"] {
        let text = fs::read_to_string(examined.pack.join(name)).unwrap();
        let header = text.lines().next().unwrap();
        assert_eq!(header.split(',').count(), 15);
        for column in header.split(',') {
            assert!(section.contains(&format!("`{column}`")), "{name}: {column}");
        }
    }
}

#[test]
fn exports_count_days_by_the_clocks_of_new_york_unless_told_otherwise() {
    let market = Market::open();
    for zone in ["", " --zone UTC", " --zone Europe/London"] {
        market.data(&format!("export blotter --from 2026-01-01{zone}"));
    }
    let said = market.run("export blotter --zone Atlantis").exits(2);
    assert!(
        said.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("Atlantis")
    );
    let said = market
        .run("export orders --from 2026-02-01 --to 2026-01-01")
        .exits(2);
    assert!(
        said.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("after the last day")
    );
}
