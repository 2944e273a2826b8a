//! A hit: every wallet of a person, every security, the coin, commitments, open orders and matches; worked out first, done
//! once.

use serde_json::{Value, json};

use crate::process::Market;
use crate::proxy::{Act, Proxy};

const CASE: &str = "--case OFAC-26-114";

fn strings(list: &Value) -> Vec<&str> {
    let entries = list.as_array().expect("a list").iter();
    entries
        .map(|entry| entry.as_str().expect("a text"))
        .collect()
}

/// Whether a security's registry and the coin stop a wallet.
fn stopped(market: &Market, wallet: &str) -> (bool, bool) {
    let check = |line: String| market.run(&line);
    let restricted = ["HRBR", "SLRA"].iter().all(|symbol| {
        check(format!("token check {symbol} brightwater-lp {wallet} 1")).code() == "RESTRICTION_3"
    });
    // Somebody who may not blacklist is refused only where there is something to do.
    let blacklisted = market.run(&format!("coin blacklist {wallet} --plan"));
    (restricted, blacklisted.json()["data"]["already"] == true)
}

#[test]
fn a_hit_stops_every_wallet_of_the_person_everywhere() {
    let market = Market::open();
    // A second wallet that only the registry knows, a bound match, an approved one, and orders on board and chain.
    let second = "0x00000000000000000000000000000000000000e7";
    market.second_wallet_of_ada(second);
    let (bound_bid, bound_ask, bound) = market.match_to_commit();
    market.data(&format!("match approve {bound} --commit"));
    let (bid, ask) = market.approved_match();
    let loose = market.post("ask HRBR 3 25 --account A-1001 --wallet ada-lindqvist");
    let on_chain = market.post("ask HRBR 4 25 --account A-1001 --wallet ada-lindqvist");
    market.data(&format!("order register {on_chain}"));
    let ada = market.wallet("ada-lindqvist");
    let before = market.data("audit log --limit 100000");

    let line = format!("compliance hit A-1001 {CASE}");
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let plan = market
        .run_at(&node.url, &format!("{line} --plan"))
        .exits(0)
        .json()["data"]
        .clone();
    assert_eq!(node.sent(), 0);
    assert_eq!(market.data("audit log --limit 100000"), before);
    let wallets = plan["wallets"].as_array().expect("wallets");
    let because = |wallet: &str| {
        let same = |entry: &&Value| {
            entry["wallet"]
                .as_str()
                .expect("a wallet")
                .eq_ignore_ascii_case(wallet)
        };
        wallets.iter().find(same).expect("the wallet")["because"].clone()
    };
    assert_eq!(
        (because(&ada), because(second)),
        (json!("named"), json!("registry"))
    );
    assert_eq!(strings(&plan["releases"]), [bound.as_str()]);
    assert_eq!(plan["refusals"].as_array().map(Vec::len), Some(1));
    assert!(strings(&plan["cancels_on_chain"]).contains(&on_chain.as_str()));
    assert!(strings(&plan["cancels_on_chain"]).contains(&bound_ask.as_str()));
    assert!(strings(&plan["cancels_on_board"]).contains(&loose.as_str()));
    let names: Vec<_> = plan["tokens"]
        .as_array()
        .expect("tokens")
        .iter()
        .map(|token| token["token"].clone())
        .collect();
    assert_eq!(names, ["HRBR", "SLRA", "coin"]);

    let done = market.data(&line);
    assert_eq!(done["left"], json!([]));
    // Commitments first.
    assert_eq!(done["done"][0]["what"], "released");
    for wallet in [ada.as_str(), second] {
        assert_eq!(stopped(&market, wallet), (true, true), "{wallet}");
    }
    for id in [&bound_ask, &ask, &loose, &on_chain] {
        assert_eq!(
            market.data(&format!("order show {id}"))["state"],
            "CANCELLED",
            "{id}"
        );
    }
    // The other side's orders stay, free again.
    for id in [&bound_bid, &bid] {
        assert_eq!(
            market.data(&format!("order show {id}"))["state"],
            "OPEN",
            "{id}"
        );
    }
    for bid in [&bound_bid, &bid] {
        assert_eq!(market.match_state(bid), "REFUSED");
    }
    market.run("audit verify").exits(0);
}

#[test]
fn each_part_of_a_hit_is_an_event_that_names_the_case() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let before = market
        .data("audit log --limit 100000")
        .as_array()
        .map_or(0, Vec::len);
    market.data(&format!("compliance hit ada-lindqvist {CASE}"));
    let log = market.data("audit log --limit 100000");
    let new = &log.as_array().expect("events")[before..];
    let about = |kind: &str, subject: &str| {
        new.iter()
            .filter(|event| {
                event["type"] == kind
                    && event["subject"]
                        .as_str()
                        .is_some_and(|one| one.eq_ignore_ascii_case(subject))
            })
            .map(|event| event["reason"].as_str().expect("a reason"))
            .collect::<Vec<_>>()
    };
    let matched = market.match_of(&bid)["id"]
        .as_str()
        .expect("an id")
        .to_string();
    assert_eq!(about("match_refused", &matched), ["case OFAC-26-114"]);
    assert_eq!(about("order_cancelled", &ask), ["case OFAC-26-114"]);
    for symbol in ["HRBR", "SLRA"] {
        let notes = about("note", &market.token(symbol));
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0]
                .starts_with("case OFAC-26-114: 1 wallet sanctioned, 1 transaction, the last 0x"),
            "{notes:?}"
        );
    }
    let notes = about("note", &market.address("coin"));
    assert!(
        notes[0].starts_with("case OFAC-26-114: 1 wallet blacklisted"),
        "{notes:?}"
    );
    assert_eq!(
        about("note", "case OFAC-26-114"),
        ["case OFAC-26-114: 1 wallet, everything is done"]
    );
}

#[test]
fn the_same_hit_again_finds_nothing_to_do_and_writes_nothing() {
    let market = Market::open();
    let line = format!("compliance hit hana-sato {CASE}");
    market.data(&line);
    let log = market.data("audit log --limit 100000");
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let said = market.run_at(&node.url, &line).exits(0);
    assert_eq!(
        (&said.json()["data"]["already"], node.sent()),
        (&json!(true), 0)
    );
    assert_eq!(market.data("audit log --limit 100000"), log);
}

#[test]
fn the_offices_own_file_is_taken_and_addresses_of_other_chains_are_counted() {
    let market = Market::open();
    let hana = market.wallet("hana-sato");
    let stranger = "0x00000000000000000000000000000000000000d5";
    let text = format!(
        "31001,\"EXAMPLE, Hana\",\"individual\",\"CYBER2\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 01 Jan 1980; \
         Digital Currency Address - XBT 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h; alt. Digital Currency Address - ETH {hana}; \
         Digital Currency Address - USDT {stranger}.\"\r\n31002,\"EXAMPLE LTD\",-0- ,\"IRAN\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\u{1a}"
    );
    std::fs::write(market.path().join("SDN.CSV"), text).unwrap();
    let plan = market.data(&format!("compliance hit SDN.CSV {CASE} --plan"));
    assert_eq!(
        (&plan["entries"], &plan["of_other_chains"]),
        (&json!(2), &json!(1))
    );
    let wallets = plan["wallets"].as_array().expect("wallets");
    assert_eq!(wallets.len(), 2);
    assert!(
        wallets
            .iter()
            .all(|wallet| wallet["listed_as"] == "EXAMPLE, Hana"),
        "{wallets:?}"
    );
    market.data(&format!("compliance hit SDN.CSV {CASE}"));
    for wallet in [hana.as_str(), stranger] {
        assert_eq!(stopped(&market, wallet), (true, true), "{wallet}");
    }
}

#[test]
fn a_list_longer_than_a_transaction_is_done_in_several() {
    let market = Market::open();
    let list: Vec<_> = (1..=230)
        .map(|number| format!("0x{:040x}", 0xdead_0000_u64 + number))
        .collect();
    std::fs::write(market.path().join("list.txt"), list.join("\n")).unwrap();
    let done = market.data(&format!("compliance hit list.txt {CASE}"));
    let sent = done["done"].as_array().expect("acts");
    // Three batches of a hundred at two securities and the coin.
    assert_eq!(sent.len(), 9, "{done}");
    assert_eq!(stopped(&market, &list[229]), (true, true));
}

#[test]
fn nobody_and_bad_lists_are_refused_and_nothing_is_sent() {
    let market = Market::open();
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let at = |line: &str| market.run_at(&node.url, line);
    assert_eq!(
        at(&format!("compliance hit nobody {CASE}")).exits(3).code(),
        "NOBODY"
    );
    std::fs::write(
        market.path().join("bad.txt"),
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq\n0x12\n",
    )
    .unwrap();
    let said = at(&format!("compliance hit bad.txt {CASE}")).exits(2);
    assert_eq!(said.json()["errors"].as_array().map(Vec::len), Some(2));
    std::fs::write(market.path().join("none.txt"), "# nobody\n").unwrap();
    at(&format!("compliance hit none.txt {CASE}")).exits(2);
    let long = "x".repeat(33);
    at(&format!("compliance hit hana-sato --case {long}")).exits(2);
    assert_eq!(node.sent(), 0);
}

#[test]
fn a_part_whose_key_is_not_here_is_named_and_the_rest_is_done() {
    let market = Market::open();
    market.data("role grant coin BLACKLISTER_ROLE auditor");
    let blacklister = std::fs::read_to_string(market.path().join("orderbook.toml")).unwrap();
    let line = blacklister
        .lines()
        .find(|line| line.starts_with("blacklister"))
        .expect("a role");
    let name = line.split('"').nth(1).expect("a wallet");
    market.data(&format!("role revoke coin BLACKLISTER_ROLE {name}"));
    let said = market
        .run(&format!("compliance hit hana-sato {CASE}"))
        .exits(3);
    let answer = said.json();
    assert_eq!(answer["data"]["left"][0]["code"], "NO_ROLE");
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .expect("words")
            .starts_with("coin: "),
        "{answer}"
    );
    let causes = market.causes(&format!("compliance hit hana-sato {CASE}"));
    let hint = answer["errors"][0]["hint"].as_str().expect("what to do");
    assert!(causes.contains(hint), "{causes}");
    assert_eq!(stopped(&market, "hana-sato"), (true, false));
    // Whoever has the key does the rest with the same command.
    let text = blacklister.replace(line, "blacklister = \"auditor\"");
    std::fs::write(market.path().join("orderbook.toml"), text).unwrap();
    let done = market.data(&format!("compliance hit hana-sato {CASE}"));
    assert_eq!(done["done"].as_array().map(Vec::len), Some(1));
    assert_eq!(stopped(&market, "hana-sato"), (true, true));
}
