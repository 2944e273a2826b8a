//! A fill is recorded once its block is as final as the book's rule wants it; until then the book has nothing about it.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::process::{Market, Said};

/// How many blocks `safe` and `finalized` are behind the newest one.
const LAG: (u64, u64) = (2, 4);

/// A market whose fills wait until they are safe, with an approved match: its bid and ask.
fn waiting() -> (Market, String, String) {
    let market = Market::lagging(LAG.0, LAG.1);
    let (bid, ask) = market.approved_match();
    let set = market.data("settlement record-at safe");
    assert_eq!(set["record_at"], "safe");
    (market, bid, ask)
}

fn events(market: &Market, kind: &str) -> Vec<Value> {
    let log = market.data("audit log --limit 100000");
    let log = log.as_array().expect("a list").iter();
    log.filter(|event| event["type"] == kind).cloned().collect()
}

#[test]
fn a_fill_is_recorded_once_its_block_is_safe() {
    let (market, bid, ask) = waiting();
    let before = market.data("audit verify")["events"].clone();
    let fills = events(&market, "settlement_settled").len();
    let said = market.data(&format!("settle {bid} {ask} --signed"));
    assert_eq!(said["state"], "SUBMITTED", "{said}");
    let block = said["block"].as_u64().expect("a block");
    assert_eq!(block, market.block_number());
    // The submission, and nothing else.
    let after = market.data("audit verify")["events"].clone();
    assert_eq!(after.as_u64(), before.as_u64().map(|size| size + 1));
    assert_eq!(market.match_state(&bid), "SUBMITTED");

    let synced = market.data("sync");
    assert_eq!(
        (&synced["fills"], &synced["pending"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(synced["soft"].as_array().map(Vec::len), Some(1), "{synced}");
    assert_eq!(synced["to"], block - LAG.0);
    assert_eq!(market.match_state(&bid), "SUBMITTED");
    assert_eq!(events(&market, "settlement_settled").len(), fills);

    market.mine(LAG.0);
    let synced = market.data("sync");
    assert_eq!((&synced["fills"], &synced["soft"]), (&json!(1), &json!([])));
    assert_eq!(synced["to"], block);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.data("audit verify");
    let shown = market.data("settlement record-at");
    assert_eq!(shown["record_at"], "safe");
}

#[test]
fn a_soft_fill_that_vanishes_changes_nothing_recorded_and_the_match_is_resolved_as_ever() {
    let (market, bid, ask) = waiting();
    let snapshot = market.node("evm_snapshot", &json!([]));
    let settled = market.data(&format!("settle {bid} {ask} --signed"));
    let size = market.data("audit verify")["events"].clone();
    market.node("evm_revert", &json!([snapshot]));
    assert_eq!(market.data("audit verify")["events"], size);
    assert_eq!(market.match_state(&bid), "SUBMITTED");
    // Nobody knows whether it will come back, until its nonce is used up.
    let said = market.run("sync").exits(7);
    assert_eq!(said.code(), "OUTCOME_UNKNOWN");
    market.data("sync --abandon");
    assert_eq!(market.match_state(&bid), "UNKNOWN");
    // Not safe yet: the block that used it up may vanish too.
    market.mine(LAG.0);
    let synced = market.data("sync");
    assert_eq!(
        (&synced["failed"], &synced["fills"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(market.match_state(&bid), "FAILED");
    let again = market.data(&format!("settle {bid} {ask} --signed"));
    assert_ne!(again["transaction"], settled["transaction"]);
    market.mine(LAG.0);
    assert_eq!(market.data("sync")["fills"], 1);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.data("audit verify");
}

#[test]
fn settle_waits_when_it_is_told_to() {
    let (market, bid, ask) = waiting();
    let line = format!("settle {bid} {ask} --signed --wait");
    let mut command = market.command(&market.url, &line);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().expect("orderbook runs");
    let state = || {
        let said = market
            .run_beside_others(&market.url, "match list")
            .exits(0)
            .json();
        let matches = said["data"].as_array().expect("a list").clone();
        let found = matches
            .iter()
            .rev()
            .find(|matched| matched["bid"] == bid.as_str());
        found.expect("a match")["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    };
    let before = market.block_number();
    while market.block_number() == before || state() != "SUBMITTED" {}
    market.mine(LAG.0);
    let said = Said::of(child.wait_with_output().expect("it ends")).exits(0);
    assert_eq!(said.json()["data"]["state"], "SETTLED", "{said:?}");
    assert_eq!(market.match_state(&bid), "SETTLED");
}

#[test]
fn a_book_without_the_rule_records_at_the_receipt() {
    let market = Market::lagging(LAG.0, LAG.1);
    assert_eq!(
        market.data("settlement record-at")["record_at"],
        Value::Null
    );
    let (bid, ask) = market.approved_match();
    let said = market.data(&format!("settle {bid} {ask} --signed"));
    assert_eq!(said["state"], "SETTLED");
    assert_eq!(market.match_state(&bid), "SETTLED");
    // What was recorded under that rule is not lost under the next one.
    market.data("settlement record-at final");
    let synced = market.data("sync");
    assert_eq!(
        (&synced["fills"], &synced["failed"]),
        (&json!(0), &json!(0))
    );
    market.mine(LAG.1);
    market.data("sync");
    market.data("audit verify");
    let said = market.run("settlement record-at soon").exits(2);
    assert!(said.stdout.contains("soft, safe or final"), "{said:?}");
}

#[test]
fn a_text_to_sign_in_is_read_before_it_is_signed() {
    let market = Market::open();
    let ada = market.wallet("ada-lindqvist");
    let text = |address: &str| {
        format!(
            "board.example wants you to sign in with your Ethereum account:\n{address}\n\nSign in to the bulletin board.\n\n\
             URI: https://board.example\nVersion: 1\nChain ID: 412346\nNonce: 00ff00ff\nIssued At: 2030-01-15T08:00:00Z"
        )
    };
    let sign = |text: &str| {
        let mut command = market.command(&market.url, "wallet sign-in ada-lindqvist");
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("orderbook runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(text.as_bytes()).expect("it reads");
        drop(stdin);
        Said::of(child.wait_with_output().expect("it ends"))
    };
    let said = sign(&format!("{}\n", text(&ada))).exits(0).json();
    let data = &said["data"];
    assert_eq!(
        (&data["domain"], &data["uri"], &data["chain_id"]),
        (
            &json!("board.example"),
            &json!("https://board.example"),
            &json!(412_346)
        )
    );
    assert_eq!(
        data["signature"].as_str().map(str::len),
        Some(132),
        "{said}"
    );
    assert!(
        said["warnings"]
            .to_string()
            .contains("signs in at board.example"),
        "{said}"
    );

    let said = sign(&text(&market.wallet("dana"))).exits(4);
    assert_eq!(said.code(), "OTHER_WALLET");
    let said = sign("I owe you everything that I have").exits(2);
    assert!(said.stdout.contains("not a sign-in text"), "{said:?}");
    let file = market.path().join("text.txt");
    std::fs::write(&file, text(&ada)).expect("a file");
    market.data("wallet sign-in ada-lindqvist text.txt");
}
