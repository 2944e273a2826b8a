//! A node that gives false answers: it is found out, named, and not believed where that would harm the book.

use serde_json::{Value, json};

use crate::process::{Market, run};
use crate::proxy::{Act, Proxy, SEND};

/// What it says instead of the truth.
type Lie = fn() -> Act;

/// A proxy that does one thing to one method.
fn on(market: &Market, method: &'static str, act: Lie) -> Proxy {
    Proxy::before(&market.url, move |asked| {
        if asked == method { act() } else { Act::Relay }
    })
}

/// The log's size and root, and what the match is.
fn book(market: &Market, bid: &str) -> (Value, String) {
    (market.data("audit verify"), market.match_state(bid))
}

#[test]
fn another_chain_is_refused_before_anything_is_signed() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let before = book(&market, &bid);
    let proxy = on(&market, "eth_chainId", || Act::Say(json!("0xa4b1")));
    let line = format!("settle {bid} {ask} --signed");
    let said = market.run_at(&proxy.url, &line).exits(5);
    assert_eq!(said.code(), "WRONG_CHAIN");
    assert!(
        said.stdout.contains("42161") && said.stdout.contains("412346"),
        "{said:?}"
    );
    assert_eq!(proxy.methods(), ["eth_chainId"]);
    // Even a profile that is wrong in the same way as the node does not turn the book into another chain's.
    for line in [line, "sync".into(), "audit anchor".into()] {
        let said = market
            .run_at(&proxy.url, &format!("{line} --chain-id 42161"))
            .exits(3);
        assert_eq!(said.code(), "OTHER_VENUE", "{line}");
    }
    assert_eq!(proxy.sent(), 0);
    assert_eq!(book(&market, &bid), before);
}

#[test]
fn an_answer_that_is_none_is_quoted_and_nothing_happens() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let before = book(&market, &bid);
    let answers: [(Lie, &str); 4] = [
        (
            || Act::Raw("200 OK", b"{\"jsonrpc\":\"2.0\",\"id\":0,\"resu".to_vec()),
            "resu",
        ),
        (
            || Act::Raw("200 OK", b"<html>Please log in</html>".to_vec()),
            "Please log in",
        ),
        (|| Act::Raw("404 Not Found", Vec::new()), "HTTP 404"),
        (
            || Act::Raw("200 OK", b"\x1b[2J\xff\xfe\0".to_vec()),
            "not JSON-RPC",
        ),
    ];
    for (answer, words) in answers {
        let proxy = on(&market, "eth_call", answer);
        let said = market
            .run_at(&proxy.url, &format!("settle {bid} {ask} --signed"))
            .exits(5);
        assert_eq!(said.code(), "RPC_UNREACHABLE");
        assert!(said.stdout.contains(words), "{said:?}");
        assert!(
            !said.stdout.contains('\u{1b}') && !said.stdout.contains("\\u001b"),
            "{said:?}"
        );
        assert_eq!(proxy.sent(), 0);
    }
    assert_eq!(book(&market, &bid), before);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let market = Market::open();
    let proxy = on(&market, "eth_getLogs", || Act::Endless);
    let said = market.run_at(&proxy.url, "sync").exits(5);
    assert!(said.stdout.contains("longer than 64 MiB"), "{said:?}");
    market.run("audit verify").exits(0);
}

#[test]
fn the_receipt_of_another_transaction_is_not_believed() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    // A node that lies like this is also found out before anything is sent.
    let sent = std::sync::atomic::AtomicBool::new(false);
    let proxy = Proxy::before(&market.url, move |method| {
        use std::sync::atomic::Ordering::SeqCst;
        sent.fetch_or(method == SEND, SeqCst);
        if method == "eth_getTransactionReceipt" && sent.load(SeqCst) {
            Act::Edit(|receipt| {
                receipt["transactionHash"] = json!(format!("0x{}", "11".repeat(32)));
            })
        } else {
            Act::Relay
        }
    });
    let line = format!("settle {bid} {ask} --signed --timeout 5");
    let said = market.run_at(&proxy.url, &line).exits(7);
    assert!(said.stdout.contains("contradicts itself"), "{said:?}");
    assert_eq!(market.match_state(&bid), "UNKNOWN");
    assert_eq!(market.data("sync")["fills"], 1);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_success_without_the_settled_event_is_named_and_sync_finds_the_fill() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let proxy = on(&market, "eth_getTransactionReceipt", || {
        Act::Edit(|receipt| receipt["logs"] = json!([]))
    });
    let said = market
        .run_at(&proxy.url, &format!("settle {bid} {ask} --signed"))
        .exits(6);
    assert_eq!(said.code(), "NO_EVENT");
    assert!(said.stdout.contains("orderbook sync"), "{said:?}");
    assert_eq!(market.match_state(&bid), "SUBMITTED");
    assert_eq!(market.data("sync")["fills"], 1);
    market.run("audit verify").exits(0);
}

#[test]
fn logs_that_were_not_asked_for_are_not_recorded() {
    let market = Market::open();
    market.data("sync");
    let bid = market.post("bid HRBR 11 24.50 --account A-1028 --wallet victor-chen");
    let book = market.with_a_copy_of_the_book();
    market.data(&format!(
        "order cancel {bid} --on-chain --wallet victor-chen"
    ));
    let before = book.data("audit log --limit 100000");
    let lies: [Lie; 3] = [
        || Act::Edit(|logs| logs[0]["address"] = json!(format!("0x{}", "22".repeat(20)))),
        || Act::Edit(|logs| logs[0]["blockNumber"] = json!("0xffffff")),
        || Act::Edit(|logs| logs[0]["removed"] = json!(true)),
    ];
    for lie in lies {
        let proxy = on(&market, "eth_getLogs", lie);
        let said = book.run_at(&proxy.url, "sync").exits(5);
        assert_eq!(said.code(), "NODE_UNTRUE");
        assert_eq!(book.data("audit log --limit 100000"), before);
    }
    assert_eq!(book.data("sync")["cancels"], 1);
}

#[test]
fn a_fill_is_not_recorded_from_a_receipt_without_a_block_and_its_time() {
    let market = Market::open();
    let lies: [(&'static str, Lie); 4] = [
        ("eth_getTransactionReceipt", || {
            Act::Edit(|receipt| receipt["blockNumber"] = json!(null))
        }),
        ("eth_getTransactionReceipt", || {
            Act::Edit(|receipt| receipt["blockNumber"] = json!("0x0"))
        }),
        ("eth_getTransactionReceipt", || {
            Act::Edit(|receipt| receipt["blockNumber"] = json!("0xffffff"))
        }),
        ("eth_getBlockByNumber", || {
            Act::Edit(|block| block["timestamp"] = json!("0x0"))
        }),
    ];
    for (method, lie) in lies {
        let (bid, ask) = market.approved_match();
        let proxy = on(&market, method, lie);
        let line = format!("settle {bid} {ask} --signed");
        let said = market.run_at(&proxy.url, &line).exits(5);
        assert_eq!((said.code(), proxy.sent()), ("NODE_UNTRUE".into(), 1));
        assert_eq!(market.match_state(&bid), "SUBMITTED");
        assert_eq!(market.data("sync")["fills"], 1);
        assert_eq!(market.match_state(&bid), "SETTLED");
    }
    market.run("audit verify").exits(0);
}

#[test]
fn a_fill_is_not_recorded_from_a_log_without_a_transaction_a_block_and_its_time() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    market.data("sync");
    let book = market.with_a_copy_of_the_book();
    market.data(&format!("settle {bid} {ask} --signed"));
    let before = book.data("audit log --limit 100000");
    let lies: [(&'static str, Lie); 5] = [
        ("eth_getLogs", || {
            Act::Edit(|logs| each(logs, "transactionHash", &json!(null)))
        }),
        ("eth_getLogs", || {
            Act::Edit(|logs| each(logs, "transactionHash", &json!(format!("0x{:064}", 0))))
        }),
        ("eth_getLogs", || {
            Act::Edit(|logs| each(logs, "blockNumber", &json!(null)))
        }),
        ("eth_getBlockByNumber", || {
            Act::Edit(|block| block["timestamp"] = json!("0x0"))
        }),
        // Unchanged: all of the above were found out, and for no other reason.
        ("eth_getLogs", || Act::Edit(|_| {})),
    ];
    for (at, (method, lie)) in lies.into_iter().enumerate() {
        let proxy = on(&market, method, lie);
        let said = book.run_at(&proxy.url, "sync");
        if at < 4 {
            assert_eq!(said.exits(5).code(), "NODE_UNTRUE", "{at}");
            assert_eq!(book.data("audit log --limit 100000"), before, "{at}");
        } else {
            assert_eq!(said.exits(0).json()["data"]["fills"], 1);
        }
    }
}

/// Changes one member of every log.
fn each(logs: &mut Value, member: &str, value: &Value) {
    for log in logs.as_array_mut().expect("logs") {
        log[member] = value.clone();
    }
}

#[test]
fn a_chain_that_drops_a_recorded_fill_is_named_and_the_book_stays() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    market.data("sync");
    let snapshot = market.node("evm_snapshot", &json!([]));
    market.data(&format!("settle {bid} {ask} --signed"));
    let log = || market.data("audit log --limit 100000");
    let before = log();
    market.node("evm_revert", &json!([snapshot]));
    // As short as a node that lags behind.
    let said = market.run("sync").exits(5);
    assert_eq!(said.code(), "NODE_UNTRUE");
    assert!(
        said.stdout.contains("its chain was rolled back"),
        "{said:?}"
    );
    // As long, with other blocks.
    for _ in 0..3 {
        market.node("evm_mine", &json!([]));
    }
    let said = market.run("sync").exits(6);
    assert_eq!(said.code(), "FILL_GONE");
    assert!(said.stdout.contains("settlement 10 in block"), "{said:?}");
    let said = market.run("audit verify").exits(6);
    assert!(
        said.stdout.contains("which the chain does not have"),
        "{said:?}"
    );
    assert_eq!(log(), before);
    market.run("audit verify --offline").exits(0);
}

#[test]
fn a_chain_with_another_history_is_named_and_the_book_stays() {
    let market = Market::open();
    let snapshot = market.node("evm_snapshot", &json!([]));
    market.node("evm_mine", &json!([]));
    market.data("sync");
    let before = market.data("audit log --limit 100000");
    market.node("evm_revert", &json!([snapshot]));
    let said = market.run("sync").exits(6);
    assert_eq!(said.code(), "OTHER_HISTORY");
    // What is not there has no hash to print.
    assert!(said.stdout.contains("this chain has no block"), "{said:?}");
    assert!(!said.stdout.contains("0x000000"), "{said:?}");
    market.node("evm_increaseTime", &json!([60]));
    market.node("evm_mine", &json!([]));
    let said = market.run("sync").exits(6);
    assert_eq!(said.code(), "OTHER_HISTORY");
    assert!(
        said.stdout.contains("of this chain has the hash"),
        "{said:?}"
    );
    assert_eq!(market.data("audit log --limit 100000"), before);
}

#[test]
fn the_keys_of_an_endpoint_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let url = "http://desk:hidden1@127.0.0.1:1/v2/hidden2?key=hidden3";
    let coin = "0x0000000000000000000000000000000000000001";
    let said = run(
        folder.path(),
        ["coin", "show", "--rpc-url", url, "--coin", coin],
    )
    .exits(5);
    assert!(said.stderr.contains("http://127.0.0.1:1 "), "{said:?}");
    assert!(
        !said.stderr.contains("hidden") && !said.stdout.contains("hidden"),
        "{said:?}"
    );
}
