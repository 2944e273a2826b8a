//! Who holds what: `register`, `token holders` and `role show` from the events, compared with the contract itself.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::process::{Empty, Market, run};
use crate::proxy::{Act, Proxy};

const ADA: &str = "ada-lindqvist";

/// The rows of an answer.
fn rows(answer: &Value) -> &Vec<Value> {
    answer["rows"].as_array().unwrap()
}

/// Millionths of an amount as programs read it.
fn millionths(text: &Value) -> u128 {
    let (whole, fraction) = text
        .as_str()
        .unwrap()
        .split_once('.')
        .unwrap_or((text.as_str().unwrap(), ""));
    format!("{whole}{fraction:0<6}").parse().unwrap()
}

fn sum(rows: &[Value]) -> u128 {
    rows.iter().map(|row| millionths(&row["holding"])).sum()
}

/// Changes the first log of an answer that has one.
fn first(logs: &mut Value, edit: fn(&mut Value)) {
    if let Some(log) = logs.get_mut(0) {
        edit(log);
    }
}

fn head(market: &Market) -> u64 {
    let number = market.node("eth_blockNumber", &json!([]));
    u64::from_str_radix(number.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn the_register_comes_to_the_supply_by_investor_by_wallet_and_by_lot() {
    let market = Market::open();
    market.second_wallet_of_ada("issuer");
    market.data("token mint HRBR issuer 2.5");
    let by = |how: &str| market.data(&format!("register HRBR --by {how}"));
    let (investors, wallets, lots) = (by("investor"), by("wallet"), by("lot"));
    let supply = millionths(&investors["supply"]);
    for answer in [&investors, &wallets, &lots] {
        assert_eq!(sum(rows(answer)), supply);
        assert_eq!(answer["verified"], true);
        assert_eq!(answer["hash"], investors["hash"]);
        assert_eq!(answer["block"], json!(head(&market)));
    }
    assert_eq!(investors["holders"], json!(rows(&investors).len()));
    assert_eq!(rows(&wallets).len(), rows(&investors).len() + 1);
    let ada = rows(&investors)
        .iter()
        .find(|row| row["investor"] == "HSS-INV-1001")
        .unwrap();
    assert_eq!(ada["holding"], "11502.5");
    assert_eq!(ada["name"], "Ada Lindqvist");
    let wallets_of = ada["wallets"].as_str().unwrap();
    for wallet in [ADA, "issuer"] {
        assert!(wallets_of.contains(&market.wallet(wallet)), "{wallets_of}");
    }
    // The largest first, and the shares come to a hundred but for what was rounded off.
    let holdings: Vec<u128> = rows(&investors)
        .iter()
        .map(|row| millionths(&row["holding"]))
        .collect();
    assert!(holdings.is_sorted_by(|a, b| a >= b), "{holdings:?}");
    // A settlement of this venue gave the lots of its buyers their price.
    assert!(
        rows(&lots)
            .iter()
            .any(|lot| !lot["price"].as_str().unwrap().is_empty()),
        "{lots}"
    );
    assert!(rows(&lots).iter().any(|lot| lot["from"] == "issued"));
}

#[test]
fn a_register_is_that_of_a_block_or_of_the_last_one_not_after_a_time() {
    let market = Market::open();
    let before = market.data("register HRBR");
    let block = before["block"].as_u64().unwrap();
    market.pass(86_400);
    market.data(&format!("token mint HRBR {ADA} 7"));
    let after = market.data("register HRBR");
    assert_eq!(
        millionths(&after["supply"]) - millionths(&before["supply"]),
        7_000_000
    );
    let then = market.data(&format!("register HRBR --at {block}"));
    for member in [
        "block",
        "block_hash",
        "block_time",
        "supply",
        "hash",
        "holders",
        "rows",
    ] {
        assert_eq!(then[member], before[member], "{member}");
    }
    let time = before["block_time"]
        .as_str()
        .unwrap()
        .replace(" UTC", "Z")
        .replace(' ', "T");
    let then = market.data(&format!("register HRBR --at {time}"));
    assert_eq!(then["block"], before["block"]);
    // A second earlier is another block, or the same time's first.
    for (line, exit, words) in [
        ("--at 2199-01-01", 2, "it has not reached"),
        ("--at 99999999", 2, "is not in it yet"),
        ("--at 1970-01-02", 2, "first event is in block"),
        ("--at 20300131", 2, "block:20300131"),
        ("--at 30d", 2, "is a duration"),
    ] {
        let said = market.run(&format!("register HRBR {line}")).exits(exit);
        assert!(said.stdout.contains(words), "{line}: {said:?}");
    }
}

#[test]
fn holders_are_all_there_are_and_not_those_of_a_profile() {
    let market = Market::open();
    let stranger = "0x00000000000000000000000000000000000000e9";
    let table = format!(
        "account,investor,name,wallet,group,country,kyc_expiry\nZ-1,NEW-9,New Nine,{stranger},1,840,2035-06-30\n"
    );
    fs::write(market.path().join("nine.csv"), table).unwrap();
    market.data("token register HRBR nine.csv");
    market.data(&format!("token mint HRBR {stranger} 3"));
    let holders = market.data("token holders HRBR");
    let holders = holders.as_array().unwrap();
    let nine = holders
        .iter()
        .find(|row| {
            row["address"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(stranger)
        })
        .unwrap();
    assert_eq!(
        (&nine["wallet"], &nine["holding"]),
        (&"".into(), &"3".into())
    );
    assert_eq!(nine["investor"], "NEW-9");
    // A page at a time, and all of them as CSV.
    let page =
        |number: usize| market.data(&format!("token holders HRBR --limit 4 --page {number}"));
    let mut paged = Vec::new();
    for number in 1..=holders.len().div_ceil(4) {
        paged.extend(page(number).as_array().unwrap().clone());
    }
    assert_eq!(&paged, holders);
    let csv = run(
        market.path(),
        [
            "token",
            "holders",
            "HRBR",
            "--csv",
            "--rpc-url",
            &market.url,
        ],
    );
    let csv = csv.exits(0).stdout;
    assert_eq!(csv.lines().count(), holders.len() + 1);
    assert!(
        csv.starts_with(
            "wallet,address,investor,group,country,kyc_until,holding,free,held,state\n"
        ),
        "{csv}"
    );
    assert!(csv.contains(&format!("\"{ADA}\"")), "{csv}");
}

#[test]
fn a_statement_goes_from_opening_to_closing_on_screen_on_paper_and_as_tax_lots() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    market.data(&format!("settle {bid} {ask}"));
    let day = |text: &Value| text.as_str().unwrap()[..10].to_owned();
    let today = day(&market.data("register HRBR")["block_time"]);
    let line = format!("register statement HRBR victor-chen --from {today} --to {today}");
    let whole = market.data(&format!("{line} --html victor.html --tax-lots victor.csv"));
    assert_eq!(whole["closing"], "5260");
    let movements = whole["movements"].as_array().unwrap();
    let last = movements.last().unwrap();
    assert_eq!(
        (&last["cause"], &last["in"], &last["balance"], &last["paid"]),
        (
            &"traded".into(),
            &"10".into(),
            &"5260".into(),
            &"245.00".into()
        )
    );
    let lots = whole["lots"].as_array().unwrap();
    let bought = lots.last().unwrap();
    assert_eq!(
        (&bought["left"], &bought["price"], &bought["cost"]),
        (&"10".into(), &"24.50".into(), &"245.00".into())
    );
    let page = fs::read_to_string(market.path().join("victor.html")).unwrap();
    assert!(
        page.starts_with("<!doctype html>") && !page.contains("<script"),
        "{page}"
    );
    for words in [
        "5,260",
        "HSS-INV-1028",
        "Victor Chen",
        "in: traded",
        last["transaction"].as_str().unwrap(),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let tax = fs::read_to_string(market.path().join("victor.csv")).unwrap();
    assert!(
        tax.contains("\"open\"") && tax.contains(",10,245.00,,"),
        "{tax}"
    );
    // The seller gave away part of a lot that was issued.
    let line = format!("register statement HRBR HSS-INV-1001 --from {today} --to {today}");
    let ada = market.data(&line);
    let gone = ada["disposed"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&gone["quantity"], &gone["proceeds"]),
        (&"10".into(), &"245.00".into())
    );
    assert_eq!(ada["closing"], "11490");
    for (line, exit, code) in [
        (
            format!("register statement HRBR nobody --from {today} --to {today}"),
            3,
            "INVESTOR_NOT_FOUND",
        ),
        (
            format!("register statement HRBR {ADA} --from 2030-01-02 --to 2030-01-01"),
            2,
            "USAGE",
        ),
    ] {
        assert_eq!(market.run(&line).exits(exit).code(), code, "{line}");
    }
}

#[test]
fn lots_that_a_file_names_go_instead_of_the_oldest() {
    let market = Market::open();
    market.data(&format!("token mint HRBR {ADA} 5"));
    let (bid, ask) = market.approved_match();
    let settled = market.data(&format!("settle {bid} {ask}"));
    let ada = market.wallet(ADA);
    let lots = || {
        let lots = market.data("register HRBR --by lot");
        let mut lots = rows(&lots).clone();
        lots.retain(|lot| lot["wallet"] == json!(ada));
        lots
    };
    let fifo = lots();
    assert_eq!(fifo[0]["holding"], "11490");
    let tx = settled["transaction"].as_str().unwrap();
    let file = |rows: &str| {
        let text = format!("transaction,wallet,lot,amount\n{rows}");
        fs::write(market.path().join("named.csv"), text).unwrap();
    };
    let (first, second) = (
        fifo[0]["lot"].as_str().unwrap(),
        fifo[1]["lot"].as_str().unwrap(),
    );
    file(&format!("{tx},{ada},{second},5\n{tx},{ada},{first},5\n"));
    let chosen = market.data("register HRBR --by lot --lots named.csv");
    let chosen: Vec<&Value> = rows(&chosen)
        .iter()
        .filter(|lot| lot["wallet"] == json!(ada))
        .collect();
    assert_eq!(chosen.len(), 1);
    assert_eq!(chosen[0]["holding"], "11495");
    file(&format!("{tx},{ada},{second},9\n"));
    let said = market
        .run("register HRBR --by lot --lots named.csv")
        .exits(3);
    assert_eq!(said.code(), "LOTS_DO_NOT_FIT");
    for (rows, code) in [("", "BAD_FILE"), ("x,y,1-1,5\n", "BAD_ROW")] {
        file(rows);
        let said = market
            .run("register HRBR --by lot --lots named.csv")
            .exits(2);
        assert_eq!(said.code(), code, "{rows}");
    }
}

#[test]
fn a_report_warns_of_limits_that_are_nearly_reached() {
    let market = Market::open();
    let holders = market.data("register HRBR")["groups"]["1"]
        .as_u64()
        .unwrap();
    market.data(&format!("token holder-limit HRBR 1 {holders}"));
    let today = market.data("register HRBR")["block_time"].as_str().unwrap()[..10].to_owned();
    let line = format!("register report HRBR --from {today} --to {today} --movements moved.csv");
    let said = market.run(&line).exits(0).json();
    let data = &said["data"];
    let group = data["counts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|count| count["holders"] == "group 1")
        .unwrap();
    assert_eq!(
        (&group["count"], &group["percent"]),
        (&group["limit"], &"100.0000".into())
    );
    let warned = said["warnings"].as_array().unwrap().iter().any(|warning| {
        let words = warning.as_str().unwrap();
        words.starts_with("group 1:") && words.contains("95 percent")
    });
    assert!(warned, "{said}");
    let countries = data["countries"].as_array().unwrap();
    let counted: u64 = countries
        .iter()
        .map(|row| row["holders"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(json!(counted), data["holders"]);
    assert_eq!(sum(countries), millionths(&data["supply"]));
    let moved = fs::read_to_string(market.path().join("moved.csv")).unwrap();
    let movements: u64 = data["movements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["movements"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(moved.lines().count() as u64, movements + 1);
}

#[test]
fn a_wallet_is_proven_by_the_register_s_hash_and_a_changed_proof_is_not() {
    let market = Market::open();
    let register = market.data("register HRBR");
    let (block, hash) = (
        register["block"].as_u64().unwrap(),
        register["hash"].as_str().unwrap(),
    );
    market.data(&format!("token mint HRBR {ADA} 1"));
    let proven = market.data(&format!(
        "register prove HRBR {ADA} --at {block} --out ada.json"
    ));
    assert_eq!(proven["root"], hash);
    let checked = market.data(&format!("register check ada.json --root {hash}"));
    assert_eq!(
        (&checked["holds"], &checked["compared"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(checked["leaf"]["holding"], "11500000000");
    let alone = market.run("register check ada.json").exits(0).json();
    assert!(
        alone["warnings"][0].as_str().unwrap().contains("--root"),
        "{alone}"
    );
    let other = format!("0x{}", "11".repeat(32));
    let said = market
        .run(&format!("register check ada.json --root {other}"))
        .exits(6);
    assert_eq!(said.code(), "PROOF_BROKEN");
    let path = market.path().join("ada.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("11500000000", "99500000000")).unwrap();
    assert_eq!(
        market.run("register check ada.json").exits(6).code(),
        "PROOF_BROKEN"
    );
    let said = market
        .run("register prove HRBR 0x00000000000000000000000000000000000000e9")
        .exits(3);
    assert_eq!(said.code(), "NOT_REGISTERED");
}

#[test]
fn roles_are_shown_of_strangers_too_and_powers_in_one_hand_are_warned_of() {
    let market = Market::open();
    let stranger = "0x00000000000000000000000000000000000000E9";
    market.data(&format!("role grant HRBR ENFORCER_ROLE {stranger}"));
    let said = market.run("role show HRBR").exits(0).json();
    let roles = said["data"].as_array().unwrap();
    let found = roles
        .iter()
        .find(|row| {
            row["address"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(stranger)
        })
        .unwrap();
    assert_eq!(
        (&found["role"], &found["wallet"]),
        (&"ENFORCER_ROLE".into(), &"".into())
    );
    assert_eq!(found["granted_by"], json!(market.wallet("counsel")));
    let warnings = said["warnings"].as_array().unwrap();
    let warned = |words: &str| {
        warnings
            .iter()
            .any(|warning| warning.as_str().unwrap().contains(words))
    };
    assert!(
        warned("counsel has DEFAULT_ADMIN_ROLE and ENFORCER_ROLE"),
        "{said}"
    );
    assert!(
        warned("issuer has ISSUER_ROLE and COMPLIANCE_ROLE"),
        "{said}"
    );
    market.data(&format!("role revoke HRBR ENFORCER_ROLE {stranger}"));
    let roles = market.data("role show HRBR");
    assert!(
        !roles
            .to_string()
            .to_lowercase()
            .contains(&stranger.to_lowercase()),
        "{roles}"
    );
    for contract in ["coin", "settlement"] {
        let roles = market.data(&format!("role show {contract}"));
        assert_eq!(roles[0]["role"], "DEFAULT_ADMIN_ROLE", "{contract}");
    }
}

#[test]
fn a_chain_that_takes_blocks_back_is_followed_to_the_fork() {
    let market = Market::open();
    let before = market.data("register HRBR");
    let snapshot = market.node("evm_snapshot", &json!([]));
    market.data(&format!("token mint HRBR {ADA} 100"));
    market.data(&format!("token mint HRBR {ADA} 200"));
    let more = market.data("register HRBR");
    assert_eq!(
        millionths(&more["supply"]) - millionths(&before["supply"]),
        300_000_000
    );
    market.node("evm_revert", &json!([snapshot]));
    // Back to the fork, and no further.
    let back = market.data("register HRBR");
    for member in ["block", "block_hash", "supply", "hash", "rows"] {
        assert_eq!(back[member], before[member], "{member}");
    }
    market.data("token mint HRBR victor-chen 5");
    market.data("token mint HRBR victor-chen 5");
    let after = market.data("register HRBR");
    assert_eq!(after["block"], more["block"]);
    assert_ne!(after["block_hash"], more["block_hash"]);
    assert_eq!(
        millionths(&after["supply"]) - millionths(&before["supply"]),
        10_000_000
    );
    // The same as in an index that never saw the other branch.
    fs::remove_file(market.path().join("orderbook.index")).unwrap();
    let anew = market.data("register HRBR");
    assert_eq!(anew, after);
}

#[test]
fn a_node_that_refuses_wide_ranges_is_asked_for_smaller_ones() {
    let market = Market::open();
    let whole = market.data("register HRBR");
    fs::remove_file(market.path().join("orderbook.index")).unwrap();
    let asked = AtomicUsize::new(0);
    let proxy = Proxy::before(&market.url, move |method| {
        if method == "eth_getLogs" && asked.fetch_add(1, Ordering::SeqCst) < 4 {
            Act::Refuse(-32005, "query returned more than 10000 results")
        } else {
            Act::Relay
        }
    });
    let said = market.run_at(&proxy.url, "register HRBR").exits(0).json();
    assert_eq!(said["data"], whole);
    let ranges = proxy
        .methods()
        .iter()
        .filter(|method| *method == "eth_getLogs")
        .count();
    assert!(ranges > 5, "{ranges}");
    // A node that refuses every block is not asked for ever.
    fs::remove_file(market.path().join("orderbook.index")).unwrap();
    let proxy = Proxy::before(&market.url, |method| match method {
        "eth_getLogs" => Act::Refuse(-32005, "limit exceeded"),
        _ => Act::Relay,
    });
    let said = market.run_at(&proxy.url, "register HRBR").exits(5);
    assert_eq!(said.code(), "RPC_ERROR");
    assert!(said.stdout.contains("limit exceeded"), "{said:?}");
}

/// What is done to the logs in a node's answer.
type Edit = fn(&mut Value);

#[test]
fn an_event_that_is_unknown_or_malformed_is_named_and_nothing_of_it_kept() {
    let market = Market::open();
    let edits: [(Edit, &str, &str); 3] = [
        (
            |logs| {
                first(logs, |log| {
                    log["topics"][0] = json!(format!("0x{}", "77".repeat(32)));
                });
            },
            "UNKNOWN_EVENT",
            "0x7777",
        ),
        (
            |logs| {
                first(logs, |log| {
                    let data = log["data"].as_str().unwrap().to_owned();
                    log["data"] = json!(format!("{data}00"));
                });
            },
            "MALFORMED_EVENT",
            "that is not a valid RoleGranted",
        ),
        (
            |logs| first(logs, |log| log["logIndex"] = Value::Null),
            "NODE_UNTRUE",
            "without a unique place",
        ),
    ];
    for (edit, code, words) in edits {
        let proxy = Proxy::before(&market.url, move |method| match method {
            "eth_getLogs" => Act::Edit(edit),
            _ => Act::Relay,
        });
        // The demo may have left one.
        let _ = fs::remove_file(market.path().join("orderbook.index"));
        let said = market.run_at(&proxy.url, "token holders HRBR");
        assert_eq!(said.code(), code, "{said:?}");
        assert!(said.stdout.contains(words), "{said:?}");
    }
    market.data("token holders HRBR");
}

#[test]
fn a_contract_that_says_otherwise_is_refused_with_both_figures() {
    let market = Market::open();
    let supply = market.data("register HRBR")["supply"]
        .as_str()
        .unwrap()
        .to_owned();
    let proxy = Proxy::before(&market.url, |method| match method {
        "eth_call" => Act::Say(json!(format!("0x{:064x}", 7))),
        _ => Act::Relay,
    });
    for line in ["register HRBR", "token holders HRBR"] {
        let said = market.run_at(&proxy.url, line).exits(6);
        assert_eq!(said.code(), "REGISTER_DIFFERS");
        let words = format!("the supply: {}", millionths(&json!(supply)));
        assert!(
            said.stdout.contains(&words) && said.stdout.contains(", 7 according to the contract"),
            "{said:?}"
        );
    }
    let said = market.run_at(&proxy.url, "role show HRBR").exits(6);
    assert!(said.stdout.contains("the default admin"), "{said:?}");
}

#[test]
fn on_a_chain_without_the_contract_nothing_is_shown() {
    let market = Market::open();
    let empty = Empty::start();
    for line in ["register HRBR", "token holders HRBR", "role show coin"] {
        let said = market.run_at(&empty.url, line).exits(5);
        assert_eq!(said.code(), "NO_CONTRACT", "{line}");
    }
    market.data("register HRBR");
}

#[test]
fn a_node_without_old_states_shows_a_register_only_when_that_is_allowed() {
    let market = Market::open();
    let proxy = Proxy::before(&market.url, |method| match method {
        "eth_call" => Act::Refuse(-32000, "missing trie node"),
        _ => Act::Relay,
    });
    let said = market.run_at(&proxy.url, "register HRBR").exits(5);
    assert_eq!(said.code(), "STATE_NOT_KEPT");
    let said = market
        .run_at(&proxy.url, "register HRBR --unverified")
        .exits(0)
        .json();
    assert_eq!(said["data"]["verified"], false);
    assert!(
        said["warnings"][0]
            .as_str()
            .unwrap()
            .contains("missing trie node"),
        "{said}"
    );
}

#[test]
fn the_index_is_no_part_of_the_book_and_is_built_anew() {
    for market in Market::on_every_store() {
        let index = market.path().join("orderbook.index");
        // The demo's, from which it paid its dividend.
        fs::remove_file(&index).unwrap();
        let before = market.data("register HRBR");
        if market.store.starts_with("postgres") {
            // On a server it is a schema next to the book's.
            assert!(!index.exists());
        } else {
            fs::remove_file(&index).unwrap();
        }
        assert_eq!(market.data("register HRBR"), before);
        market.run("audit verify").exits(0);
    }
    // An issuer has no book.
    let market = Market::open();
    let whole = market.data("register HRBR --by wallet");
    fs::remove_file(market.path().join("board.db")).unwrap();
    let alone = market.data("register HRBR --by wallet");
    assert_eq!(alone["hash"], whole["hash"]);
    assert!(!market.path().join("board.db").exists());
}
