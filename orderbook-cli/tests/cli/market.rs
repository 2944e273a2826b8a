//! On a market that the demo left behind: the commands one after the other, and what they refuse.

use serde_json::json;

use crate::process::{Market, demo};

#[test]
fn the_demo_answers_with_an_envelope_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo");
    let said = demo(&path).exits(0);
    let data = said.json()["data"].clone();
    assert_eq!(data["settlements"], 9);
    assert_eq!(data["log"]["anchors"], 1);
    assert!(
        said.stderr.contains("not one token moved"),
        "{}",
        said.stderr
    );
    let before = std::fs::read(path.join("board.db")).unwrap();
    assert_eq!(demo(&path).exits(3).code(), "FOLDER_EXISTS");
    assert_eq!(std::fs::read(path.join("board.db")).unwrap(), before);
}

#[test]
fn a_trade_goes_from_two_signatures_to_a_fill() {
    let market = Market::open();
    let before = (
        market.holding("HRBR", "victor-chen"),
        market.holding("HRBR", "ada-lindqvist"),
    );
    let (bid, ask) = market.approved_match();
    assert_eq!(
        market.data(&format!("preflight {bid} {ask}"))["would_settle"],
        true
    );
    assert_eq!(
        market.data(&format!("settle {bid} {ask} --dry-run"))["would_settle"],
        true
    );
    assert_eq!(market.match_state(&bid), "APPROVED");
    let settled = market.data(&format!("settle {bid} {ask} --signed"));
    assert_eq!(
        (&settled["settlement_id"], &settled["total"]),
        (&"10".into(), &"245000000".into())
    );
    assert_eq!(before, ("5250".into(), "11500".into()));
    let after = (
        market.holding("HRBR", "victor-chen"),
        market.holding("HRBR", "ada-lindqvist"),
    );
    assert_eq!(after, ("5260".into(), "11490".into()));
    for id in [&bid, &ask] {
        assert_eq!(market.data(&format!("order show {id}"))["state"], "FILLED");
    }
    market.run(&format!("settle {bid} {ask} --signed")).exits(3);
    market.run("audit verify").exits(0);
}

#[test]
fn settle_registers_both_orders_when_they_are_not_sent_along() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    market.data(&format!("settle {bid} {ask}"));
    let history = market.data(&format!("order show {bid}"))["history"].clone();
    let noted = history.as_array().unwrap().iter().any(|event| {
        event["reason"]
            .as_str()
            .is_some_and(|reason| reason.starts_with("registers on chain"))
    });
    assert!(noted, "{history}");
    assert_eq!(market.match_state(&bid), "SETTLED");
}

#[test]
fn the_proposer_may_not_approve() {
    let market = Market::open();
    let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let ask = market.post("ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist");
    let matched = market.data(&format!("match propose {bid} {ask}"));
    let id = matched["id"].as_str().unwrap();
    market
        .run(&format!("match approve {id} --wallet dana"))
        .exits(4);
    let said = market.run(&format!("settle {bid} {ask}")).exits(3);
    assert_eq!(said.code(), "NOT_APPROVED");
}

#[test]
fn a_sanctioned_buyer_is_refused_with_code_3_and_nothing_moves() {
    let market = Market::open();
    let matches = market.data("match list");
    let approved = matches
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["state"] == "APPROVED")
        .unwrap()
        .clone();
    let (bid, ask) = (
        approved["bid"].as_str().unwrap(),
        approved["ask"].as_str().unwrap(),
    );
    let before = market.holding("SLRA", "corvid-capital");
    let said = market.run(&format!("settle {bid} {ask} --signed")).exits(3);
    assert_eq!(said.code(), "RESTRICTION_3");
    let message = said.json()["errors"][0]["message"]
        .as_str()
        .unwrap()
        .to_string();
    assert!(
        message.contains("restriction 3: the buyer is sanctioned"),
        "{message}"
    );
    assert_eq!(market.match_state(bid), "APPROVED");
    assert_eq!(market.holding("SLRA", "corvid-capital"), before);
}

#[test]
fn preflight_lists_every_reason_with_its_remedy() {
    let market = Market::open();
    let bid = market.post("bid HRBR 20 24.00 --account A-1007 --wallet elena-rossi");
    let ask = market.post("ask HRBR 20 24.50 --account A-1001 --wallet ada-lindqvist");
    let said = market.run(&format!("preflight {bid} {ask}")).exits(3);
    let answer = said.json();
    let data = &answer["data"];
    let reasons = data["reasons"].as_array().unwrap();
    assert_eq!(
        (&answer["success"], &data["would_settle"]),
        (&false.into(), &false.into())
    );
    assert_eq!(answer["errors"].as_array().unwrap().len(), reasons.len());
    let failures: Vec<u64> = reasons
        .iter()
        .map(|r| r["failure"].as_u64().unwrap())
        .collect();
    assert!(failures.contains(&17) && failures.contains(&19), "{data}");
    assert!(
        reasons
            .iter()
            .all(|reason| !reason["remedy"].as_str().unwrap().is_empty()),
        "{data}"
    );
}

#[test]
fn an_operator_without_the_role_is_refused_with_4() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let said = market
        .run(&format!(
            "settle {bid} {ask} --signed --wallet ada-lindqvist"
        ))
        .exits(4);
    assert!(said.stdout.contains("OPERATOR_ROLE"), "{said:?}");
    assert_eq!(market.match_state(&bid), "APPROVED");
}

#[test]
fn an_order_of_an_owner_whose_kyc_has_run_out_is_not_posted() {
    let market = Market::open();
    let line = "order sign bid HRBR 10 24.50 --account A-1014 --wallet jonas-meier";
    let signed = market.data(line)[0].clone();
    let file = market.path().join("signed.json");
    std::fs::write(&file, signed.to_string()).unwrap();
    let said = market
        .run(&format!("order post {}", file.display()))
        .exits(3);
    assert_eq!(said.code(), "RESTRICTION_16");
    assert!(said.stdout.contains("2026-06-30"), "{said:?}");
}

#[test]
fn a_price_that_does_not_come_out_whole_is_refused_with_the_nearest() {
    let market = Market::open();
    let said = market
        .run("order sign bid HRBR 0.000001 24.5000001 --wallet victor-chen --account A-1028")
        .exits(3);
    assert!(said.stdout.contains("nearest"), "{said:?}");
}

#[test]
fn a_proof_holds_against_the_chain_and_a_changed_one_does_not() {
    let market = Market::open();
    let blotter = market.data("match list");
    let settled = blotter
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["state"] == "SETTLED")
        .unwrap();
    let bid = settled["bid"].as_str().unwrap();
    market
        .run(&format!("audit prove {bid} --out p.json"))
        .exits(0);
    assert_eq!(market.data("audit check p.json")["holds"], true);
    let path = market.path().join("p.json");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("dana.whitfield", "dana.whitfjeld");
    std::fs::write(&path, text).unwrap();
    assert_eq!(
        market.run("audit check p.json").exits(6).code(),
        "PROOF_BROKEN"
    );
}

#[test]
fn a_cancel_made_on_chain_reaches_the_board() {
    let market = Market::open();
    let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    market
        .run(&format!(
            "order cancel {bid} --on-chain --wallet ada-lindqvist"
        ))
        .exits(4);
    market.data(&format!(
        "order cancel {bid} --on-chain --wallet victor-chen"
    ));
    assert_eq!(
        market.data(&format!("order show {bid}"))["state"],
        "CANCELLED"
    );
    market.run("sync").exits(0);
    market.run("audit verify").exits(0);
}

#[test]
fn the_exam_pack_sums_to_the_trades() {
    let market = Market::open();
    let data = market.data("export exam --out exam");
    assert!(data["files"].as_array().unwrap().len() >= 4, "{data}");
    let text = std::fs::read_to_string(market.path().join("exam/blotter.csv")).unwrap();
    assert!(
        text.lines().last().unwrap().contains("986230.725"),
        "{text}"
    );
}

#[test]
fn settle_anchors_the_log_once_a_day_by_the_clock_of_the_chain() {
    let market = Market::open();
    let anchors = || {
        let log = market.data("audit log --limit 1000");
        let log = log.as_array().unwrap();
        log.iter().filter(|e| e["type"] == "book_anchored").count()
    };
    let settle = || {
        let (bid, ask) = market.approved_match();
        market.data(&format!("settle {bid} {ask} --signed"));
    };
    assert_eq!(anchors(), 1);
    settle();
    assert_eq!(anchors(), 1);
    market.pass(24 * 60 * 60);
    settle();
    assert_eq!(anchors(), 2);
    settle();
    assert_eq!(anchors(), 2);
    market.run("audit verify").exits(0);
}

#[test]
fn a_book_moves_to_another_store_as_one_file() {
    let market = Market::open();
    let before = market.data("audit verify");
    let events = before["events"].as_u64().unwrap();
    let printed = market.data("export book");
    assert_eq!(printed["rows"], events);
    market.data("export book --out book.jsonl");
    let text = std::fs::read_to_string(market.path().join("book.jsonl")).unwrap();
    assert_eq!(printed["text"], text);

    let other = "init --book --from book.jsonl --store moved/board.db";
    market.run(&format!("{other} --chain-id 1")).exits(3);
    let moved = market.data(other);
    assert_eq!(
        (&moved["root"], &moved["events"]),
        (&before["root"], &before["events"])
    );
    assert_eq!(market.data("audit verify --store moved/board.db"), before);
    market.run(other).exits(1);

    let edited = text.replacen("HRBR", "HRBX", 1);
    std::fs::write(market.path().join("book.jsonl"), edited).unwrap();
    let refused = market.run("init --book --from book.jsonl --store other.db");
    assert_eq!(refused.exits(6).code(), "BOOK_DAMAGED");
}

#[test]
fn an_export_to_stdout_is_the_file_it_would_be() {
    let market = Market::open();
    for what in ["blotter", "orders", "events", "book"] {
        let rows = market.data(&format!("export {what} --out file"))["rows"].clone();
        let file = std::fs::read_to_string(market.path().join("file")).unwrap();
        let data = market.data(&format!("export {what}"));
        assert_eq!(
            (&data["rows"], &data["text"]),
            (&rows, &file.as_str().into()),
            "{what}"
        );
        let plain = crate::process::run(market.path(), ["export", what, "--profile", "."]);
        assert_eq!(plain.exits(0).stdout, file, "{what}");
    }
}

/// EVM code that counts down from `rounds`, 26 gas each, and then reports that the signature is valid (ERC-1271).
fn slow_wallet(rounds: u32) -> String {
    // PUSH3 rounds; JUMPDEST PUSH1 1 SWAP1 SUB DUP1 PUSH1 4 JUMPI; POP; return 0x1626ba7e.
    format!("0x62{rounds:06x}5b600190038060045750631626ba7e60e01b60005260206000f3")
}

#[test]
fn a_wallet_that_takes_much_gas_is_named_and_one_that_takes_too_much_sends_nothing() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let (other_bid, other_ask) = market.approved_match();
    let victor = market.wallet("victor-chen");
    let set_code = |rounds| {
        let code = slow_wallet(rounds);
        market.node("anvil_setCode", &json!([victor, code]));
    };
    // 3.9 million gas: above the cap of 3 million.
    set_code(150_000);
    let before = market.node("eth_blockNumber", &json!([]));
    for line in [
        format!("settle {bid} {ask} --signed"),
        format!("order register {bid}"),
    ] {
        let said = market.run(&line).exits(3);
        assert_eq!(said.code(), "DEAR_WALLET", "{line}");
        assert!(
            said.stdout.to_lowercase().contains(&victor.to_lowercase()),
            "{said:?}"
        );
    }
    assert_eq!(market.node("eth_blockNumber", &json!([])), before);
    assert_eq!(market.match_state(&bid), "APPROVED");
    // 1.56 million: it settles, and the owner is named.
    set_code(60_000);
    let said = market.run(&format!("settle {bid} {ask} --signed")).exits(0);
    let answer = said.json();
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.contains("to check its signature"), "{warning}");
    let gas = answer["data"]["gas"].as_u64().unwrap();
    assert!(gas > 1_560_000 && gas < 3_000_000, "{gas}");
    // Whoever wants this raises the cap.
    set_code(150_000);
    market.data(&format!(
        "settle {other_bid} {other_ask} --signed --gas-cap 8_000_000"
    ));
}
