//! A connection that is lost or was never there, even at the worst moment: the match is UNKNOWN, nothing is sent twice,
//! and `sync` finds out.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::process::Market;
use crate::proxy::{Act, Proxy, SEND};

/// A node that dies when the first transaction comes: what becomes of it, and silence or loss from then on.
fn dying(market: &Market, last: fn() -> Act, after: fn() -> Act) -> Proxy {
    let dead = AtomicBool::new(false);
    Proxy::before(&market.url, move |method| {
        if dead.load(Ordering::SeqCst) {
            after()
        } else if method == SEND {
            dead.store(true, Ordering::SeqCst);
            last()
        } else {
            Act::Relay
        }
    })
}

/// The transaction reached the chain and the desk does not know it: it asks, and never sends again.
fn sync_finds_the_fill(market: &Market, bid: &str, ask: &str) {
    assert_eq!(market.match_state(bid), "UNKNOWN");
    let again = market.run(&format!("settle {bid} {ask} --signed"));
    assert_eq!(again.exits(3).code(), "IN_FLIGHT");
    assert_eq!(market.data("sync")["fills"], 1);
    assert_eq!(market.match_state(bid), "SETTLED");
    assert_eq!(market.data(&format!("order show {bid}"))["state"], "FILLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_lost_answer_leaves_the_match_unknown_until_sync_finds_the_fill() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let proxy = dying(&market, || Act::LoseAnswer, || Act::LoseRequest);
    let said = market.run_at(&proxy.url, &format!("settle {bid} {ask} --signed"));
    assert_eq!(said.exits(7).code(), "OUTCOME_UNKNOWN");
    sync_finds_the_fill(&market, &bid, &ask);
}

#[test]
fn an_answer_after_the_client_gave_up_leaves_the_match_unknown_until_sync_finds_the_fill() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let proxy = dying(&market, || Act::WithholdAnswer, || Act::Silence);
    let said = market.run_at(
        &proxy.url,
        &format!("settle {bid} {ask} --signed --timeout 5"),
    );
    let words = said.exits(7).stdout;
    assert!(
        words.contains("OUTCOME_UNKNOWN") && words.contains("orderbook sync"),
        "{words}"
    );
    sync_finds_the_fill(&market, &bid, &ask);
}

#[test]
fn a_transaction_that_never_arrived_can_be_abandoned_and_sent_anew() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let before = market.holding("HRBR", "victor-chen");
    let proxy = dying(&market, || Act::LoseRequest, || Act::LoseRequest);
    market
        .run_at(&proxy.url, &format!("settle {bid} {ask} --signed"))
        .exits(7);
    assert_eq!(market.match_state(&bid), "UNKNOWN");
    assert_eq!(market.run("sync").exits(7).code(), "OUTCOME_UNKNOWN");
    assert_eq!(market.data("sync --abandon")["failed"], 1);
    assert_eq!(market.match_state(&bid), "FAILED");
    assert_eq!(market.holding("HRBR", "victor-chen"), before);
    market.data(&format!("settle {bid} {ask} --signed"));
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_node_that_never_answers_is_given_up_and_nothing_is_sent() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    for silent in ["eth_chainId", "eth_estimateGas", "eth_gasPrice"] {
        let proxy = Proxy::before(&market.url, move |method| {
            if method == silent {
                Act::Silence
            } else {
                Act::Relay
            }
        });
        let line = format!("settle {bid} {ask} --signed --timeout 1");
        let said = market.run_at(&proxy.url, &line).exits(5);
        assert_eq!(said.code(), "RPC_UNREACHABLE");
        assert!(said.stdout.contains("timed out"), "{said:?}");
        assert_eq!(
            (proxy.sent(), market.match_state(&bid)),
            (0, "APPROVED".into())
        );
    }
    market.run("audit verify").exits(0);
}

#[test]
fn a_busy_node_is_asked_again() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let asked = AtomicUsize::new(0);
    let proxy = Proxy::before(&market.url, move |_| {
        match asked.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Act::Raw(
                "429 Too Many Requests\r\nretry-after: 0",
                b"slow down".to_vec(),
            ),
            1 => Act::Raw("503 Service Unavailable\r\nretry-after: 0", Vec::new()),
            _ => Act::Relay,
        }
    });
    let said = market.run_at(&proxy.url, &format!("settle {bid} {ask} --signed"));
    assert_eq!(said.exits(0).json()["data"]["settlement_id"], "10");
}

#[test]
fn a_node_that_stays_busy_is_given_up_and_quoted() {
    let market = Market::open();
    let proxy = Proxy::before(&market.url, |_| {
        Act::Raw(
            "500 Internal Server Error\r\nretry-after: 0",
            b"<h1>out of\ndisk</h1>".to_vec(),
        )
    });
    let said = market.run_at(&proxy.url, "sync").exits(5);
    assert!(
        said.stdout.contains("HTTP 500") && said.stdout.contains("<h1>out of disk</h1>"),
        "{said:?}"
    );
    assert_eq!(proxy.methods().len(), 4);
}

#[test]
fn a_transaction_that_is_sent_again_after_a_gateway_error_settles_once() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let first = AtomicBool::new(true);
    let proxy = Proxy::before(&market.url, move |method| {
        if method == SEND && first.swap(false, Ordering::SeqCst) {
            Act::RawAfter("502 Bad Gateway\r\nretry-after: 0", b"<html>".to_vec())
        } else {
            Act::Relay
        }
    });
    let line = format!("settle {bid} {ask} --signed");
    market.run_at(&proxy.url, &line).exits(0);
    assert_eq!(proxy.sent(), 2);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_refusal_of_what_the_node_has_taken_is_no_failure() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let proxy = Proxy::before(&market.url, |method| match method {
        SEND => Act::RefuseAfter(-32000, "nonce too low"),
        _ => Act::Relay,
    });
    let line = format!("settle {bid} {ask} --signed");
    market.run_at(&proxy.url, &line).exits(0);
    assert_eq!(market.match_state(&bid), "SETTLED");
}

#[test]
fn a_refusal_for_good_fails_the_match_and_it_can_be_settled_again() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let line = format!("settle {bid} {ask} --signed");
    for words in ["replacement transaction underpriced", "nonce too high: gap"] {
        let proxy = Proxy::before(&market.url, move |method| match method {
            SEND => Act::Refuse(-32000, words),
            _ => Act::Relay,
        });
        let said = market.run_at(&proxy.url, &line).exits(5);
        assert!(said.stdout.contains(words), "{said:?}");
        assert_eq!(market.match_state(&bid), "FAILED");
    }
    market.data(&line);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_breakdown_over_a_transaction_leaves_its_outcome_unknown() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let proxy = Proxy::before(&market.url, |method| match method {
        SEND => Act::Refuse(-32603, "internal error"),
        _ => Act::Relay,
    });
    let said = market
        .run_at(&proxy.url, &format!("settle {bid} {ask} --signed"))
        .exits(7);
    assert!(said.stdout.contains("internal error"), "{said:?}");
    assert_eq!(market.match_state(&bid), "UNKNOWN");
    assert_eq!(market.data("sync --abandon")["failed"], 1);
    market.data(&format!("settle {bid} {ask} --signed"));
}
