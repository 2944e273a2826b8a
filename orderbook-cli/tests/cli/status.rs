//! `status`: what is waiting for whom, what ends soon, and what a monitor sees.

use serde_json::Value;

use crate::process::{Market, on_terminal};
use crate::proxy::{Act, Proxy};

/// The line of a screen.
fn line<'a>(data: &'a Value, what: &str) -> &'a Value {
    let mut lines = data["lines"].as_array().expect("lines").iter();
    let found = lines.find(|line| line["what"] == what);
    found.unwrap_or_else(|| panic!("no {what} in {data}"))
}

fn data(market: &Market, line: &str) -> Value {
    let said = market.run(line);
    assert!(matches!(said.exit, 0 | 1), "{said:?}");
    said.json()["data"].clone()
}

#[test]
fn the_screen_says_what_waits_for_whom() {
    let market = Market::open();
    let (bid, ask, id) = market.match_to_commit();
    let before = data(&market, "status");
    market.data(&format!("match approve {id} --commit"));
    let other = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let sold = market.post("ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist");
    market.data(&format!("match propose {other} {sold}"));
    let found = data(&market, "status");
    let count = |data: &Value, what: &str| {
        line(data, what)["figures"]["count"]
            .as_u64()
            .expect("a number")
    };
    assert_eq!(
        count(&found, "to approve"),
        count(&before, "to approve") + 1
    );
    assert_eq!(count(&found, "committed"), 1);
    assert_eq!(count(&found, "to settle"), count(&before, "to settle") - 1);
    assert_eq!(line(&found, "to approve")["waits_for"], "principal");
    assert_eq!(
        line(&found, "commitments")["figures"]["first_match"],
        id.as_str()
    );
    let open = |data: &Value| {
        line(data, "orders")["figures"]["open"]
            .as_u64()
            .expect("a number")
    };
    assert_eq!(open(&found), open(&before) + 2);
    let listed = market.data("order list --state open --limit 10000");
    assert_eq!(
        open(&found),
        listed.as_array().expect("orders").len() as u64
    );
    for what in [
        "chain lag",
        "chain read",
        "trading",
        "attestation",
        "programs",
        "cache",
        "kyc",
        "anchor",
        "journal",
    ] {
        line(&found, what);
    }
    assert_eq!(line(&found, "kyc")["figures"]["looked_at"], 28);
    let programs = market.data("programs list");
    assert_eq!(
        line(&found, "programs")["figures"].as_array().map(Vec::len),
        programs.as_array().map(Vec::len)
    );
    market.data(&format!("settle {bid} {ask}"));
    assert_eq!(count(&data(&market, "status"), "committed"), 0);
}

#[test]
fn what_is_due_has_an_exit_code_for_monitors() {
    let market = Market::open();
    let fine = market.run("status");
    let due = |said: &crate::process::Said| {
        let lines = said.json()["data"]["lines"].clone();
        let lines = lines.as_array().expect("lines").clone();
        let due = lines.into_iter().filter(|line| line["state"] == "DUE");
        due.map(|line| line["what"].as_str().expect("a name").to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!((fine.exit, due(&fine)), (0, Vec::new()), "{fine:?}");
    market.data("role grant settlement PAUSER_ROLE counsel");
    market.data("settlement pause");
    let said = market.run("status").exits(1);
    assert_eq!(
        (said.code().as_str(), due(&said)),
        ("DUE", vec!["trading".to_string()])
    );
    market.data("settlement resume");
    // A transaction whose outcome nobody knows is due at once.
    let (bid, ask) = market.approved_match();
    let node = Proxy::before(&market.url, |method| match method {
        crate::proxy::SEND => Act::LoseRequest,
        _ => Act::Relay,
    });
    market
        .run_at(&node.url, &format!("settle {bid} {ask} --signed"))
        .exits(7);
    let said = market.run("status").exits(1);
    assert_eq!(due(&said), ["unknown"]);
    assert!(
        said.json()["errors"][0]["hint"]
            .as_str()
            .expect("a hint")
            .contains("orderbook sync")
    );
    // A year later every program is over, the attestation is stale and the KYC of some has ended.
    let market = Market::open();
    market.pass(360 * 24 * 60 * 60);
    let said = market.run("status").exits(1);
    let found = due(&said);
    assert!(
        found.contains(&"programs".to_string()) && found.contains(&"attestation".to_string()),
        "{found:?}"
    );
}

#[test]
fn a_node_that_is_down_is_said_to_be_and_the_book_is_shown() {
    let market = Market::open();
    let said = market.run_at("http://127.0.0.1:1", "status").exits(5);
    let answer = said.json();
    assert_eq!(answer["errors"][0]["code"], "RPC_UNREACHABLE");
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .expect("words")
            .contains("http://127.0.0.1:1")
    );
    line(&answer["data"], "to approve");
    let offline = market.run_at("http://127.0.0.1:1", "status --offline");
    assert_eq!(offline.exit, 0, "{offline:?}");
}

/// A port that takes connections and never says anything; the timeout is the test's own.
#[test]
fn a_node_or_a_database_that_never_answers_is_named_with_host_and_port() {
    let market = Market::open();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let url = format!("http://{place}");
    for line in [
        "status",
        "coin show",
        "sync",
        "settle --all-approved",
        "token holders HRBR",
    ] {
        let said = market.run_at(&url, &format!("{line} --timeout 1")).exits(5);
        let message = said.json()["errors"][0]["message"].to_string();
        assert!(message.contains(&place), "{line}: {message}");
        assert_eq!(
            said.json()["errors"][0]["code"],
            "RPC_UNREACHABLE",
            "{line}"
        );
    }
    let store = format!("postgres://desk:secret@{place}/book");
    for line in [
        "status",
        "order list",
        "match list",
        "book HRBR",
        "sync",
        "audit log",
    ] {
        let said = market
            .run(&format!("{line} --timeout 1 --store {store}"))
            .exits(5);
        let message = said.json()["errors"][0]["message"].to_string();
        assert!(
            message.contains(&format!("the database at {place} does not answer")),
            "{line}: {message}"
        );
        assert!(!said.stdout.contains("secret"), "{said:?}");
        assert_eq!(
            said.json()["errors"][0]["code"],
            "STORE_UNREACHABLE",
            "{line}"
        );
    }
}

#[test]
fn the_screen_fits_any_terminal() {
    let market = Market::open();
    for columns in [60, 80, 120] {
        let line = format!("status --profile . --rpc-url {}", market.url);
        let text = on_terminal(market.path(), columns, false, &line);
        assert!(text.contains("to approve"), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns.into()), "{text}");
        assert!(text.lines().count() < 60, "{text}");
    }
}
