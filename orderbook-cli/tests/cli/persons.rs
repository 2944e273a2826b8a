//! Persons of the desk: who signs, what a name alone counts for, and what `audit verify` and `audit acts` make of it.

use serde_json::json;

use crate::process::Market;

const BID: &str = "bid HRBR 10 24.50 --account A-1028 --wallet victor-chen";
const ASK: &str = "ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist";

#[test]
fn the_demo_leaves_a_book_that_demands_signatures_and_verifies() {
    let market = Market::open();
    let staff = market.data("staff list");
    assert_eq!(staff["signing_demanded_by"], 2);
    let persons: Vec<_> = staff["staff"].as_array().unwrap().iter().collect();
    let named =
        |name: &str| persons.iter().find(|one| one["person"] == name).unwrap()["roles"].clone();
    assert_eq!(named("alma.reyes"), json!(["admin"]));
    assert_eq!(named("dana.whitfield"), json!(["principal", "trader"]));
    assert_eq!(named("ruth.castellano"), json!(["principal"]));
    market.run("audit verify").exits(0);
}

#[test]
fn a_name_alone_proposes_nothing() {
    let market = Market::open();
    let (bid, ask) = (market.post(BID), market.post(ASK));
    let before = market.data("audit verify")["events"].clone();
    let propose = format!("match propose {bid} {ask}");
    let said = market
        .run(&format!("{propose} --actor ruth.castellano"))
        .exits(4);
    assert_eq!(said.code(), "OTHER_ACTOR");
    // A principal is not a trader; a stranger is nobody.
    for wallet in ["ruth", "ada-lindqvist"] {
        let said = market.run(&format!("{propose} --wallet {wallet}")).exits(4);
        assert_eq!(said.code(), "NOT_ALLOWED");
    }
    assert_eq!(market.data("audit verify")["events"], before);
    // Another spelling of the name is the same person.
    market.data(&format!("{propose} --actor DanaWhitfield"));
}

#[test]
fn a_wallet_that_was_ended_signs_nothing_and_what_it_signed_is_listed() {
    let market = Market::open();
    let bid = market.post(BID);
    market.data("staff end-wallet dana.whitfield dana --reason stolen");
    let said = market.run(&format!("order cancel {bid}")).exits(4);
    assert!(said.stdout.contains("was ended by event"), "{said:?}");
    market.data(&format!("order cancel {bid} --wallet ruth"));
    let acts = market.data("audit acts --by dana.whitfield --since 2020-01-01T00:00:00Z");
    let acts = acts.as_array().unwrap();
    assert!(
        acts.iter()
            .any(|act| act["subject"] == bid.as_str() && act["type"] == "order_posted")
    );
    market.run("audit verify").exits(0);
}

#[test]
fn only_the_contracts_default_admin_names_the_first_admin_person() {
    let market = Market::open();
    let said = market
        .run("staff admin mallory --key ada-lindqvist --wallet ada-lindqvist")
        .exits(4);
    assert_eq!(said.code(), "NOT_DEFAULT_ADMIN");
    // There is an admin person already, who names the others.
    let said = market
        .run("staff admin mallory --key ada-lindqvist --wallet counsel")
        .exits(4);
    assert_eq!(said.code(), "NOT_ALLOWED");
    let said = market
        .run("staff add mallory --role trader --key elena-rossi --wallet ruth")
        .exits(4);
    assert_eq!(said.code(), "NOT_ALLOWED");
    market.data("staff add mallory --role trader --key elena-rossi");
}

#[test]
fn power_takes_two_admin_persons_once_there_were_two() {
    let market = Market::open();
    market.data("staff add boris --role admin --key elena-rossi");
    let grant = "staff grant dana.whitfield operator";
    market.data(grant);
    let line = "staff add paul --role principal --key victor-chen";
    let said = market.run(line).exits(4);
    assert!(said.stdout.contains("two admin persons"), "{said:?}");
    let drafted = market.data(&format!("{line} --draft change.json"));
    assert_eq!(drafted["file"], "change.json");
    market
        .run("staff countersign change.json --wallet alma")
        .exits(4);
    market.data("staff countersign change.json --wallet elena-rossi");
    // The same signatures count once.
    market
        .run("staff countersign change.json --wallet elena-rossi")
        .exits(4);
    market.run("audit verify").exits(0);
}
