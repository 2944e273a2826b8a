//! A day at the desk: what is suggested, shown, approved and settled, by digits of ids and several at once.

use serde_json::Value;

use crate::process::Market;

/// Two crossing orders of victor and ada: their ids.
fn crossing(market: &Market, quantity: u32) -> (String, String) {
    let bid = format!("bid HRBR {quantity} 24.50 --account A-1028 --wallet victor-chen");
    let ask = format!("ask HRBR {quantity} 24.50 --account A-1001 --wallet ada-lindqvist");
    (market.post(&bid), market.post(&ask))
}

fn proposed(market: &Market, bid: &str, ask: &str) -> String {
    let matched = market.data(&format!("match propose {bid} {ask}"));
    matched["id"].as_str().expect("an id").to_string()
}

/// The entry of a list whose member has a value.
fn entry<'a>(list: &'a Value, member: &str, value: &str) -> &'a Value {
    let mut entries = list.as_array().expect("a list").iter();
    let found = entries.find(|entry| entry[member] == value);
    found.unwrap_or_else(|| panic!("no {member} {value} in {list}"))
}

#[test]
fn a_suggestion_says_what_compliance_would_refuse_and_whom_it_passes_over() {
    let market = Market::open();
    // Corvid is sanctioned for SLRA in the demo; nobody is for HRBR.
    let (bid, ask) = crossing(&market, 13);
    let own = market.post("ask HRBR 13 24.40 --account A-1028 --wallet victor-chen");
    let suggested = market.data("match suggest HRBR");
    let pair = entry(&suggested, "bid", &bid);
    assert_eq!(pair["ask"], ask.as_str());
    assert_eq!(pair["passed_over"][0]["id"], own.as_str());
    assert_eq!(pair["passed_over"][0]["obstacle"], "of the same owner");
    market.data("token sanction HRBR victor-chen");
    let suggested = market.data("match suggest HRBR");
    let pair = entry(&suggested, "bid", &bid);
    assert_eq!(pair["would_settle"], false);
    // With the words of settle's own preflight.
    let said = market.run(&format!("preflight {bid} {ask}")).exits(3);
    assert_eq!(pair["reasons"], said.json()["data"]["reasons"]);
    let names = pair["reasons"].as_array().expect("reasons").iter();
    let names: Vec<_> = names
        .map(|reason| reason["name"].as_str().expect("a name"))
        .collect();
    assert!(names.contains(&"SANCTIONED"), "{names:?}");
}

#[test]
fn suggestions_without_a_chain_say_that_compliance_was_not_asked() {
    let market = Market::open();
    let (bid, _) = crossing(&market, 13);
    let said = market
        .run_at("http://127.0.0.1:1", "match suggest HRBR")
        .exits(0);
    let answer = said.json();
    assert_eq!(
        entry(&answer["data"], "bid", &bid)["would_settle"],
        Value::Null
    );
    let warning = answer["warnings"][0].as_str().expect("a warning");
    assert!(
        warning.starts_with("compliance could not be checked: the node at http://127.0.0.1:1"),
        "{warning}"
    );
    let said = market
        .run_at("http://127.0.0.1:1", "match suggest HRBR --offline")
        .exits(0);
    assert_eq!(said.json()["warnings"], serde_json::json!([]));
}

#[test]
fn no_more_pairs_are_listed_than_asked_for_and_the_rest_is_mentioned() {
    let market = Market::open();
    crossing(&market, 13);
    crossing(&market, 14);
    let said = market
        .run("match suggest HRBR --limit 1 --offline")
        .exits(0);
    assert_eq!(said.json()["data"].as_array().map(Vec::len), Some(1));
    let warnings = said.json()["warnings"].to_string();
    assert!(warnings.contains("only the best 1 pairs"), "{warnings}");
}

#[test]
fn a_match_is_named_by_any_digits_that_fit_no_other() {
    let market = Market::open();
    let (bid, ask) = crossing(&market, 13);
    let id = proposed(&market, &bid, &ask);
    for text in [&id, &id[id.len() - 12..], &id.replace('-', "")] {
        assert_eq!(
            market.data(&format!("match show {text} --offline"))["id"],
            id.as_str()
        );
    }
    // All of the demo's matches were made at nearly the same time: their ids begin alike.
    let said = market.run("match show 01 --offline").exits(2);
    assert!(said.stdout.contains("matches several matches"), "{said:?}");
    let named = said.json()["errors"][0]["message"].to_string();
    let first = market.data("match list")[0]["id"].to_string();
    assert!(named.contains(first.trim_matches('"')), "{named}");
    assert_eq!(
        market.run("match show zz --offline").exits(2).code(),
        "BAD_INPUT"
    );
    assert_eq!(
        market.run("match show ffffffff --offline").exits(3).code(),
        "NO_MATCH"
    );
    // An order by just enough digits to tell it from the others, with or without 0x.
    let all = market.data("order list --limit 10000");
    let all: Vec<_> = all
        .as_array()
        .expect("orders")
        .iter()
        .map(|o| o["id"].as_str().expect("an id").to_string())
        .collect();
    let digits = (3..67).find(|digits| {
        all.iter()
            .filter(|id| id[..*digits] == bid[..*digits])
            .count()
            == 1
    });
    let short = &bid[..digits.expect("a prefix")];
    assert_eq!(
        market.data(&format!("order show {short}"))["id"],
        bid.as_str()
    );
    assert_eq!(
        market.data(&format!("order show {}", &short[2..]))["id"],
        bid.as_str()
    );
}

#[test]
fn a_match_is_shown_with_its_orders_its_history_and_what_would_refuse_it() {
    let market = Market::open();
    let (bid, ask) = crossing(&market, 13);
    let earlier = market.post("bid HRBR 13 24.60 --account A-1003 --wallet carla-mendes");
    let id = proposed(&market, &bid, &ask);
    let shown = market.data(&format!("match show {id}"));
    assert_eq!(
        (&shown["bid"], &shown["state"]),
        (&Value::from(bid.as_str()), &Value::from("PROPOSED"))
    );
    assert_eq!(shown["passed_over"][0]["id"], earlier.as_str());
    assert_eq!(shown["passed_over"][0]["obstacle"], Value::Null);
    assert_eq!(shown["history"][0]["type"], "match_proposed");
    let said = market.run(&format!("preflight {bid} {ask}"));
    assert_eq!(shown["reasons"], said.json()["data"]["reasons"]);
    market.run("audit verify").exits(0);
}

#[test]
fn all_clean_approves_what_preflight_has_nothing_against_and_leaves_the_rest() {
    let market = Market::open();
    let (bid, ask) = crossing(&market, 10);
    market.data("approve coin 1000000 --wallet victor-chen");
    market.data("approve HRBR 1000 --wallet ada-lindqvist");
    let clean = proposed(&market, &bid, &ask);
    // Nobody has approved elena's shares.
    let bid = market.post("bid HRBR 11 24.50 --account A-1028 --wallet victor-chen");
    let ask = market.post("ask HRBR 11 24.50 --account A-1007 --wallet elena-rossi");
    market.data("approve HRBR 0 --wallet elena-rossi");
    let unclean = proposed(&market, &bid, &ask);
    let done = market.data("match approve --all-clean --reason morning");
    assert_eq!(entry(&done, "id", &clean)["approved"], true);
    let left = entry(&done, "id", &unclean);
    assert_eq!(
        (&left["approved"], &left["state"]),
        (&Value::from(false), &Value::from("PROPOSED"))
    );
    assert!(
        left["why"].as_str().expect("words").contains("approved"),
        "{left}"
    );
    let shown = market.data(&format!("match show {clean} --offline"));
    assert_eq!(
        (&shown["state"], &shown["approved_by"]),
        (&Value::from("APPROVED"), &Value::from("ruth.castellano"))
    );
    assert_eq!(shown["history"][1]["reason"], "morning");
    // Signed by the person, each by itself.
    let body = market.data("audit log --limit 100000");
    let event = body
        .as_array()
        .expect("events")
        .iter()
        .rev()
        .find(|e| e["type"] == "match_approved");
    assert!(event.expect("an event")["body"]["signed"]["signature"].is_string());
    market.run("audit verify").exits(0);
}

#[test]
fn all_clean_does_not_approve_what_the_same_person_proposed() {
    let market = Market::open();
    let (bid, ask) = crossing(&market, 10);
    market.data("approve coin 1000000 --wallet victor-chen");
    market.data("approve HRBR 1000 --wallet ada-lindqvist");
    let id = proposed(&market, &bid, &ask);
    let done = market
        .run("match approve --all-clean --wallet dana")
        .exits(0);
    let data = done.json()["data"].clone();
    let left = entry(&data, "id", &id);
    assert!(
        left["why"]
            .as_str()
            .expect("words")
            .contains("another person must approve"),
        "{left}"
    );
    assert_eq!(market.match_state(&bid), "PROPOSED");
}

#[test]
fn a_match_settles_by_its_id() {
    let market = Market::open();
    let (bid, _) = market.approved_match();
    let id = market.match_of(&bid)["id"]
        .as_str()
        .expect("an id")
        .to_string();
    let dry = market.data(&format!("settle {id} --dry-run"));
    assert_eq!(dry["would_settle"], true);
    let settled = market.data(&format!("settle {} --signed", &id[id.len() - 8..]));
    assert_eq!(
        (&settled["settlement_id"], &settled["match"]),
        (&Value::from("10"), &Value::from(id.as_str()))
    );
    assert_eq!(
        market.run(&format!("settle {id}")).exits(3).code(),
        "NOT_APPROVED"
    );
    let usage = market.run(&format!("settle {bid}")).exits(2);
    assert!(usage.stdout.contains("is an order"), "{usage:?}");
    market.run("audit verify").exits(0);
}

#[test]
fn several_settle_one_after_the_other_and_go_on_after_a_refusal() {
    let market = Market::open();
    let (one, _) = market.approved_match();
    let (two, ask) = market.approved_match();
    let (three, _) = market.approved_match();
    // The second one's seller has withdrawn it on chain: a rule refuses it.
    market.data(&format!(
        "order cancel {ask} --on-chain --wallet ada-lindqvist"
    ));
    let id = |bid: &str| {
        market.match_of(bid)["id"]
            .as_str()
            .expect("an id")
            .to_string()
    };
    let (one_id, two_id, three_id) = (id(&one), id(&two), id(&three));
    let said = market
        .run(&format!("settle {one_id} {two_id} {three_id} --signed"))
        .exits(3);
    let answer = said.json();
    let outcomes: Vec<_> = answer["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["settled", "refused", "settled"]);
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
    let message = answer["errors"][0]["message"].to_string();
    assert!(message.contains(&two_id), "{message}");
    assert_eq!(
        (market.match_state(&one), market.match_state(&three)),
        ("SETTLED".into(), "SETTLED".into())
    );
    market.run("audit verify").exits(0);
}

#[test]
fn all_approved_settles_everything_that_may_and_nothing_is_no_failure() {
    let market = Market::open();
    // The demo leaves one approved match, of a sanctioned buyer.
    let stuck = market.data("match list --state approved")[0]["id"]
        .as_str()
        .expect("an id")
        .to_string();
    let (bid, _) = market.approved_match();
    let dry = market
        .run("settle --all-approved --dry-run --signed")
        .exits(3)
        .json()["data"]
        .clone();
    assert_eq!(dry[0]["outcome"], "refused");
    assert_eq!(dry[1]["outcome"], "would settle");
    let said = market.run("settle --all-approved --signed").exits(3);
    assert_eq!(said.code(), "WOULD_NOT_SETTLE");
    assert_eq!(
        entry(&said.json()["data"], "match", &stuck)["outcome"],
        "refused"
    );
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.data(&format!("match refuse {stuck} --reason sanctioned"));
    assert_eq!(market.data("settle --all-approved"), serde_json::json!([]));
    market.run("audit verify").exits(0);
}

#[test]
fn a_node_that_is_lost_ends_a_run_of_several_and_the_rest_is_not_tried() {
    use crate::proxy::{Act, Proxy, SEND};
    let market = Market::open();
    let (one, _) = market.approved_match();
    let (two, _) = market.approved_match();
    let id = |bid: &str| {
        market.match_of(bid)["id"]
            .as_str()
            .expect("an id")
            .to_string()
    };
    let (one_id, two_id) = (id(&one), id(&two));
    let node = Proxy::before(&market.url, |method| match method {
        SEND => Act::LoseRequest,
        _ => Act::Relay,
    });
    let said = market
        .run_at(&node.url, &format!("settle {one_id} {two_id} --signed"))
        .exits(7);
    assert_eq!(said.code(), "OUTCOME_UNKNOWN");
    let rows = said.json()["data"].clone();
    assert_eq!(
        (&rows[0]["outcome"], &rows[1]["outcome"]),
        (&Value::from("failed"), &Value::from("not tried"))
    );
    assert_eq!(
        (market.match_state(&one), market.match_state(&two)),
        ("UNKNOWN".into(), "APPROVED".into())
    );
}

#[test]
fn a_list_of_orders_has_the_newest_first_and_says_what_it_leaves_out() {
    let market = Market::open();
    let newest = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let said = market.run("order list --limit 2").exits(0);
    let answer = said.json();
    assert_eq!(answer["data"][0]["id"], newest.as_str());
    let all = market.run("order list --limit 10000").exits(0).json();
    let count = all["data"].as_array().expect("orders").len();
    assert_eq!(all["warnings"], serde_json::json!([]));
    let words = format!("2 of {count} orders listed: raise --limit, or filter them");
    assert_eq!(answer["warnings"], serde_json::json!([words]));
    let oldest = market.data("order list --ascending --limit 1");
    assert_eq!(oldest[0]["id"], all["data"][count - 1]["id"]);
}
