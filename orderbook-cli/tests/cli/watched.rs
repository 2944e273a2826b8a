//! `orderbook serve --watch --settle` on a real chain: what happens there is shown and recorded, and operators settle over
//! HTTP, whichever instance they ask.

use std::io::BufRead as _;

use alloy::sol_types::SolEvent as _;
use desk::chain::abi::IDvPSettlement;
use serde_json::{Value, json};

use crate::process::Market;
use crate::proxy::{Act, Proxy, SEND};
use crate::serve::Served;

const BOTH: &str = " --watch --settle --limit-per-minute 4000000000";
const SETTLE: &str = " --settle --limit-per-minute 4000000000";
const WATCH: &str = " --watch --limit-per-minute 4000000000";

/// A market with an operator on its staff and an approved match: its bid, and the match.
fn staged(market: &Market) -> (String, String) {
    market.data("wallet new otto");
    market.data("staff add otto.brandt --role operator --key otto");
    let (bid, _) = market.approved_match();
    let id = market.match_of(&bid)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    (bid, id)
}

fn settle(served: &Served<'_>, cookie: &str, id: &str) -> Value {
    let path = format!("/v1/matches/{id}/settle");
    served
        .ask("POST", &path, cookie, Some(&json!({})))
        .is(202)
        .body
}

/// A job, once it is in one of these states.
fn job(served: &Served<'_>, cookie: &str, id: &Value, states: &[&str]) -> Value {
    let path = format!("/v1/jobs/{}", id.as_str().expect("an id"));
    loop {
        let job = served.ask("GET", &path, cookie, None).is(200).body;
        if states.contains(&job["state"].as_str().expect("a state")) {
            return job;
        }
    }
}

/// How many fills the settlement contract has logged.
fn fills(market: &Market, contract: &str) -> usize {
    let topic = IDvPSettlement::Settled::SIGNATURE_HASH;
    let filter = json!([{ "fromBlock": "0x0", "address": contract, "topics": [topic] }]);
    market
        .node("eth_getLogs", &filter)
        .as_array()
        .expect("logs")
        .len()
}

fn states(job: &Value) -> Vec<&str> {
    let steps = job["steps"].as_array().expect("steps").iter();
    steps
        .map(|step| step["state"].as_str().expect("a state"))
        .collect()
}

#[test]
fn an_operator_settles_over_http_on_one_instance_and_another_tells_how_it_goes() {
    for market in Market::on_every_store() {
        let (bid, id) = staged(&market);
        let contract = market.address("settlement");
        let before = fills(&market, &contract);
        let (one, other) = (
            Served::start_with(&market, &market.url, BOTH),
            Served::start_with(&market, &market.url, BOTH),
        );
        let otto = other.sign_in("otto");
        let asked = settle(&other, &otto, &id);
        assert_eq!(
            (&asked["match"], &asked["asked_by"]),
            (&json!(id), &json!("otto.brandt"))
        );
        let done = job(&one, &otto, &asked["id"], &["settled", "refused", "failed"]);
        assert_eq!(states(&done), ["waiting", "running", "settled"], "{done}");
        let last = &done["steps"][2];
        assert!(
            last["transaction"].is_string() && last["block"].is_u64(),
            "{done}"
        );
        assert_eq!(fills(&market, &contract), before + 1);
        // It is settled: nothing more is asked for.
        let path = format!("/v1/matches/{id}/settle");
        let said = one.ask("POST", &path, &otto, Some(&json!({}))).is(409).body;
        assert_eq!(
            (&said["code"], &said["state"]),
            (&json!("BOARD_REFUSED"), &json!("SETTLED"))
        );
        assert_eq!(one.ends(), 0);
        assert_eq!(other.ends(), 0);
        assert_eq!(market.match_state(&bid), "SETTLED");
        market.data("audit verify");
    }
}

#[test]
fn a_process_that_is_killed_between_send_and_receipt_is_followed_by_another_that_pays_once() {
    for market in Market::on_every_store() {
        let (bid, id) = staged(&market);
        let contract = market.address("settlement");
        let before = fills(&market, &contract);
        // The node gets the transaction, and whoever sent it never hears of it.
        let proxy = Proxy::before(&market.url, |method| match method {
            SEND => Act::WithholdAnswer,
            _ => Act::Relay,
        });
        let first = Served::start_with(&market, &proxy.url, SETTLE);
        let otto = first.sign_in("otto");
        let asked = settle(&first, &otto, &id);
        while proxy.sent() == 0 || fills(&market, &contract) == before {}
        first.dies();
        let second = Served::start_with(&market, &market.url, SETTLE);
        let done = job(
            &second,
            &otto,
            &asked["id"],
            &["settled", "refused", "failed"],
        );
        assert_eq!(done["state"], "settled", "{done}");
        assert_eq!((fills(&market, &contract), proxy.sent()), (before + 1, 1));
        assert_eq!(second.ends(), 0);
        assert_eq!(market.match_state(&bid), "SETTLED");
        market.data("audit verify");
    }
}

#[test]
fn a_match_that_would_not_settle_is_refused_with_the_reason_and_nothing_is_sent() {
    let market = Market::open();
    let (_, id) = staged(&market);
    market.data("token freeze HRBR victor-chen");
    let served = Served::start_with(&market, &market.url, BOTH);
    let otto = served.sign_in("otto");
    let block = market.block_number();
    let asked = settle(&served, &otto, &id);
    let done = job(
        &served,
        &otto,
        &asked["id"],
        &["settled", "refused", "failed"],
    );
    assert_eq!(done["state"], "refused", "{done}");
    let last = done["steps"]
        .as_array()
        .and_then(|steps| steps.last())
        .expect("a step");
    assert!(
        last["code"]
            .as_str()
            .expect("a code")
            .starts_with("RESTRICTION_"),
        "{done}"
    );
    assert_eq!(market.block_number(), block);
    let path = format!("/v1/matches/{id}");
    let found = served.ask("GET", &path, &otto, None).is(200).body;
    assert_eq!(found["state"], "APPROVED");
    // Nobody but an operator asks.
    let dana = served.sign_in("dana");
    served
        .ask("POST", &format!("{path}/settle"), &dana, Some(&json!({})))
        .is(403);
    assert_eq!(served.ends(), 0);
}

#[test]
fn where_commitments_are_demanded_an_uncommitted_match_is_not_settled() {
    let market = Market::open();
    let (bid, id) = staged(&market);
    market.data("settlement commitments --required");
    let served = Served::start_with(&market, &market.url, BOTH);
    let otto = served.sign_in("otto");
    let path = format!("/v1/matches/{id}/settle");
    let said = served
        .ask("POST", &path, &otto, Some(&json!({})))
        .is(409)
        .body;
    assert_eq!(
        (&said["code"], &said["state"]),
        (&json!("BOARD_REFUSED"), &json!("APPROVED"))
    );
    assert_eq!(served.ends(), 0);
    assert_eq!(market.match_state(&bid), "APPROVED");
}

/// The fill of a match as a server shows it, once it is in this state.
fn fill(served: &Served<'_>, cookie: &str, id: &str, state: &str) -> Value {
    loop {
        let found = served
            .ask("GET", &format!("/v1/matches/{id}"), cookie, None)
            .is(200)
            .body;
        if found["fill"]["state"] == state {
            return found;
        }
    }
}

/// The states of settlements as a subscriber is told of them, once the stream has begun.
fn settlements(served: &Served<'_>, cookie: &str) -> impl Iterator<Item = Value> + use<> {
    let stream = served.follow("/v1/stream?security=HRBR", cookie);
    let mut lines = stream.lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line == "event: snapshot"));
    let mut is_settlement = false;
    lines.filter_map(move |line| {
        if let Some(event) = line.strip_prefix("event: ") {
            is_settlement = event == "settlement";
        }
        let data = line.strip_prefix("data: ").filter(|_| is_settlement)?;
        let data: Value = serde_json::from_str(data).expect("JSON");
        Some(data["state"].clone())
    })
}

#[test]
fn a_fill_is_shown_soft_then_safe_then_final_and_recorded_when_the_book_wants_it() {
    let market = Market::lagging(2, 4);
    let (_, id) = staged(&market);
    market.data("settlement record-at final");
    let served = Served::start_with(&market, &market.url, BOTH);
    let ruth = served.sign_in("ruth");
    let otto = served.sign_in("otto");
    let victor = served.sign_in("victor-chen");
    let mut told = settlements(&served, &victor);
    let asked = settle(&served, &otto, &id);
    let soft = job(
        &served,
        &otto,
        &asked["id"],
        &["submitted", "settled", "failed"],
    );
    assert_eq!(soft["state"], "submitted", "{soft}");
    let found = fill(&served, &ruth, &id, "soft");
    assert_eq!(found["state"], "SUBMITTED");
    assert_eq!(found["fill"]["transaction"], found["transaction"]);
    market.mine(2);
    assert_eq!(fill(&served, &ruth, &id, "safe")["state"], "SUBMITTED");
    market.mine(2);
    fill(&served, &ruth, &id, "final");
    let done = job(&served, &otto, &asked["id"], &["settled", "failed"]);
    assert_eq!(
        states(&done),
        ["waiting", "running", "submitted", "settled"]
    );
    let told: Vec<Value> = told.by_ref().take(4).collect();
    assert_eq!(told[..2], ["soft", "safe"]);
    // The log tells what it records, the watcher how far the chain is.
    assert!(told.contains(&json!("recorded")) && told.contains(&json!("final")));
    let status = served.ask("GET", "/v1/status", "", None).is(200).body;
    let chain = &status["chain"];
    let newest = market.block_number();
    assert_eq!(
        (&chain["block"], &chain["final"]),
        (&json!(newest), &json!(newest - 4))
    );
    assert!(
        chain["lag_seconds"].as_u64().expect("seconds") < 30,
        "{chain}"
    );
    assert_eq!(served.ends(), 0);
    market.data("audit verify");
}

#[test]
fn a_soft_fill_that_vanishes_is_shown_as_gone_and_recorded_nowhere() {
    let market = Market::lagging(2, 4);
    let (bid, id) = staged(&market);
    market.data("settlement record-at safe");
    let ask = market.match_of(&bid)["ask"]
        .as_str()
        .expect("an id")
        .to_owned();
    let snapshot = market.node("evm_snapshot", &json!([]));
    let served = Served::start_with(&market, &market.url, WATCH);
    let ruth = served.sign_in("ruth");
    served.data(&format!("settle {bid} {ask} --signed"));
    fill(&served, &ruth, &id, "soft");
    // The watcher notes how far the chain was read when it begins, perhaps after it has shown the fill.
    let recorded = || {
        let log = served.data("audit log --limit 100000");
        let events = log.as_array().expect("a list").iter();
        events
            .filter(|event| event["type"] != "chain_synced")
            .count()
    };
    let size = recorded();
    market.node("evm_revert", &json!([snapshot]));
    assert_eq!(fill(&served, &ruth, &id, "gone")["state"], "SUBMITTED");
    assert_eq!(recorded(), size);
    served.data("audit verify");
    // It comes again in another block.
    served.data("sync --abandon");
    market.mine(2);
    while served.data("match list").to_string().contains("UNKNOWN") {}
    served.data(&format!("settle {bid} {ask} --signed"));
    fill(&served, &ruth, &id, "soft");
    market.mine(2);
    assert_eq!(fill(&served, &ruth, &id, "safe")["fill"]["state"], "safe");
    while served.data("match list").to_string().contains("SUBMITTED") {}
    assert_eq!(served.ends(), 0);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.data("audit verify");
}

#[test]
fn what_a_wallet_sees_ends_as_soon_as_the_registry_says_so() {
    for market in Market::on_every_store() {
        let served = Served::start_with(&market, &market.url, WATCH);
        let victor = served.sign_in("victor-chen");
        let sees = || {
            let said = served
                .ask("GET", "/v1/securities", &victor, None)
                .is(200)
                .body;
            said.to_string().contains("HRBR")
        };
        assert!(sees());
        served.data("token freeze HRBR victor-chen");
        while sees() {}
        served.data("token freeze HRBR victor-chen --lift");
        while !sees() {}
        assert_eq!(served.ends(), 0);
    }
}

#[test]
fn the_watcher_records_what_happened_elsewhere() {
    let market = Market::open();
    let order = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    // The owner cancels through another desk.
    let other = market.with_a_copy_of_the_book();
    let served = Served::start_with(&market, &market.url, WATCH);
    other.data(&format!(
        "order cancel {order} --on-chain --wallet victor-chen"
    ));
    let state = || served.data(&format!("order show {order}")).to_string();
    while !state().contains("CANCELLED") {}
    assert_eq!(served.ends(), 0);
    market.data("audit verify");
}

#[test]
fn a_node_that_was_gone_is_followed_again() {
    let mut market = Market::lagging(2, 4);
    let port = market.url.rsplit(':').next().expect("a port").to_owned();
    let served = Served::start_with(&market, &market.url, WATCH);
    let block = |served: &Served<'_>| {
        served.ask("GET", "/v1/status", "", None).is(200).body["chain"]["block"].clone()
    };
    while block(&served) != json!(market.block_number()) {}
    drop(served);
    market.stop_node();
    // It begins while the node cannot be reached.
    let served = Served::start_with(&market, &market.url, WATCH);
    let before = block(&served);
    let _node = market.node_at(&port);
    market.mine(1);
    assert_ne!(before, json!(market.block_number()));
    while block(&served) != json!(market.block_number()) {}
    assert_eq!(served.ends(), 0);
    market.data("audit verify");
}
