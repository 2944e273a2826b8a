//! `token migrate`: the holders of one token become those of another, with everything that binds them.

use serde_json::{Value, json};

use crate::process::Market;
use crate::proxy::{Act, Proxy, SEND};

const HEAD: &str = "account,investor,name,wallet,group,country,kyc_expiry\n";
/// Wallets of their own: one with a schedule of which a part was sold, one with a schedule of which force took a part,
/// and a second wallet of the first one's investor.
const SELLER: &str = "0x00000000000000000000000000000000000000a1";
const DEBTOR: &str = "0x00000000000000000000000000000000000000a2";
const SECOND: &str = "0x00000000000000000000000000000000000000a3";

/// A market with a second token, to which HRBR's holders will move.
fn market(cap: &str) -> Market {
    let market = Market::open();
    market.data(&format!(
        "deploy token Harbor HRBX --isin US0378331005 --supply-cap {cap}"
    ));
    market
}

/// Gives HRBR's holders everything that can bind a holding.
fn bind(market: &Market) {
    let rows = [
        format!("M-1,MOVE-1,Seller,{SELLER},1,840,2035-06-30"),
        format!("M-2,MOVE-2,Debtor,{DEBTOR},2,276,2035-06-30"),
        format!("M-1,MOVE-1,Seller,{SECOND},1,840,2035-06-30"),
    ];
    let text = format!("{HEAD}{}\n", rows.join("\n"));
    std::fs::write(market.path().join("more.csv"), text).unwrap();
    market.data("token limits HRBR --max-holders 0");
    for line in [
        "token register HRBR more.csv",
        // Begun long ago: a part of each is released.
        &format!(
            "token grant HRBR {SELLER} 1000 --start 2026-01-01 --cliff 30d --period 30d --periods 36 --revocable"
        ),
        &format!("token burn HRBR {SELLER} 100 --reason sold"),
        &format!(
            "token grant HRBR {DEBTOR} 1000 --start 2026-01-01 --cliff 30d --period 30d --periods 36"
        ),
        &format!("token force-burn HRBR {DEBTOR} 600 --reason order"),
        &format!("token mint HRBR {SECOND} 7.000001"),
        &format!("token mint HRBR {SECOND} 20 --locked-until 2035-01-01"),
        "token lock HRBR ada-lindqvist 100_000 --until 2034-05-05",
        "token freeze HRBR elena-rossi --quantity 10.5",
        &format!("token freeze HRBR {SELLER}"),
        "token country HRBR 364",
        "token group HRBR 1 9 --opens-at 2040-01-01",
        "token holder-limit HRBR 2 500",
        "token class-limit HRBR 2,3 300",
        "token limits HRBR --max-bips 45% --max-holders 900 --min-holding 0.000001",
    ] {
        market.data(line);
    }
}

/// What the register says about each wallet.
fn rows(market: &Market, security: &str) -> Vec<Value> {
    let said = market.data(&format!("register {security} --by wallet"));
    let rows = said["rows"].as_array().unwrap_or_else(|| panic!("{said}"));
    let kept = |row: &Value| {
        let mut row = row.clone();
        for member in ["since", "held"] {
            row.as_object_mut().unwrap().remove(member);
        }
        row
    };
    rows.iter().map(kept).collect()
}

#[test]
fn every_holder_goes_over_with_all_that_binds_it_and_the_old_token_ends() {
    let market = market("0");
    bind(&market);
    let before = rows(&market, "HRBR");
    let supply = market.data("token migrate HRBR HRBX --plan")["old"]["supply"].clone();
    let plan = market.data("token migrate HRBR HRBX --plan");
    assert_eq!(
        (&plan["supply"], &plan["new"]["supply"]),
        (&supply, &json!("0"))
    );
    assert_eq!(
        (&plan["verified"], &plan["transactions"]),
        (&json!(false), &json!([]))
    );
    let steps: Vec<&str> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "wallets registered",
            "schedules granted",
            "released parts redeemed",
            "schedules reduced",
            "locked holdings issued",
            "locks set",
            "holdings issued",
            "sanctions set",
            "freezes set",
            "parts frozen",
            "KYC expiries set",
            "countries set",
            "limits of groups set",
            "limits of classes set",
            "limits set",
            "pairs of groups set",
        ]
    );
    let moved = market.data("token migrate HRBR HRBX --reason 'new-code'");
    assert_eq!(
        (&moved["verified"], &moved["ended"], &moved["new"]["supply"]),
        (&json!(true), &json!(true), &supply)
    );
    assert_eq!(moved["fractions"], 0);
    let after = rows(&market, "HRBX");
    assert_eq!(after, before);
    // The old token's orders are gone, and the log says why.
    let open = market.data("order list --security HRBR --state open");
    assert_eq!(open, json!([]));
    assert!(!moved["stopped"].as_array().unwrap().is_empty(), "{moved}");
    market.run("audit verify").exits(0);
    // The rules are the same.
    let limits = |security: &str| market.data(&format!("token limits {security}"));
    let (old, new) = (limits("HRBR"), limits("HRBX"));
    for member in [
        "max_bips_per_investor",
        "max_holders",
        "min_holding",
        "classes",
    ] {
        assert_eq!(new[member], old[member], "{member}: {new}");
    }
    let check = |from: &str, to: &str| {
        let line = format!("token check HRBX {from} {to} 1");
        market.run(&line).exit
    };
    assert_eq!(check("victor-chen", "ada-lindqvist"), 0);
    assert_eq!(check("corvid-capital", "ada-lindqvist"), 3);
    assert_eq!(check(SELLER, "ada-lindqvist"), 3);
    // The same command again finds nothing to do, whoever gives it.
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let again = market.run_at(&node.url, "token migrate HRBR HRBX").exits(0);
    assert_eq!(again.json()["data"]["already"], true, "{again:?}");
    assert_eq!(node.sent(), 0);
    let ended = market.run("token mint HRBR ada-lindqvist 1").exits(3);
    assert_eq!(ended.code(), "RESTRICTION_18");
}

#[test]
fn a_split_is_rounded_down_and_says_what_is_left_over() {
    let market = market("0");
    bind(&market);
    let line = "token migrate HRBR HRBX --split 2:3 --fractions left.csv --keep";
    let moved = market.data(line);
    assert_eq!(
        (&moved["verified"], &moved["ended"]),
        (&json!(true), &json!(false))
    );
    let supply = |side: &str| {
        moved[side]["supply"]
            .as_str()
            .unwrap()
            .parse::<u128>()
            .unwrap()
    };
    let exact = supply("old") * 2 / 3;
    assert!(exact - supply("new") <= 40, "{moved}");
    let text = std::fs::read_to_string(market.path().join("left.csv")).unwrap();
    assert!(
        text.starts_with("wallet,investor,old_holding,left_over,parts\n"),
        "{text}"
    );
    let row = text
        .lines()
        .find(|line| line.to_lowercase().contains(SECOND));
    // 27.000001 is 27,000,001 base units, of which twice a third leaves two parts of three.
    assert!(row.unwrap().ends_with(",27.000001,2,3"), "{text}");
    let again = market.data(line);
    assert_eq!(again["already"], true, "{again}");
}

#[test]
fn a_migration_that_is_cut_short_goes_on_and_issues_nothing_twice() {
    let market = market("0");
    bind(&market);
    let mut done = 0;
    for allowed in [1_usize, 3, 6, 9] {
        let sent = std::sync::atomic::AtomicUsize::new(0);
        let node = Proxy::before(&market.url, move |method| {
            let count = usize::from(method == SEND);
            if sent.fetch_add(count, std::sync::atomic::Ordering::SeqCst) + count > allowed {
                Act::LoseRequest
            } else {
                Act::Relay
            }
        });
        let said = market.run_at(&node.url, "token migrate HRBR HRBX");
        assert_ne!(said.exit, 0, "{said:?}");
        done += allowed;
    }
    let moved = market.data("token migrate HRBR HRBX");
    assert_eq!(
        (&moved["verified"], &moved["ended"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(moved["old"]["supply"], moved["new"]["supply"]);
    assert!(done > 0);
    assert_eq!(rows(&market, "HRBX"), rows(&market, "HRBR"));
}

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_sent() {
    let market = market("1000");
    let said = market.run("token migrate HRBR HRBX").exits(3);
    assert_eq!(said.code(), "DIFFERS", "{said:?}");
    assert!(said.stdout.contains("the new token's cap"), "{said:?}");
    market.data("token supply-cap HRBX 0");
    let rows = format!("{HEAD}M-9,MOVE-9,Nobody,{SELLER},1,840,2035-06-30\n");
    std::fs::write(market.path().join("more.csv"), rows).unwrap();
    market.data("token register HRBX more.csv");
    market.data(&format!("token mint HRBX {SELLER} 5"));
    market.data("token group HRBX 1 1");
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let said = market.run_at(&node.url, "token migrate HRBR HRBX").exits(3);
    for words in [
        "base units more",
        "at the new token and not at the old one",
        "open from group 1 to group 1",
    ] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
    }
    assert_eq!(node.sent(), 0);
    let same = market.run("token migrate HRBR HRBR").exits(2);
    assert!(same.stdout.contains("are the same"), "{same:?}");
    market.data("token pause HRBX");
    let said = market.run("token migrate HRBR HRBX").exits(3);
    assert_eq!(said.code(), "NEW_TOKEN_STOPPED");
}

#[test]
fn a_holder_who_is_stopped_at_the_new_token_already_is_named_and_goes_over_once_that_is_lifted() {
    let market = market("0");
    let stops = [
        ("sanction", "ada-lindqvist", "RESTRICTION_3"),
        ("freeze", "elena-rossi", "RESTRICTION_5"),
    ];
    for (act, name, _) in stops {
        for security in ["HRBR", "HRBX"] {
            market.data(&format!("token {act} {security} {name}"));
        }
    }
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let said = market.run_at(&node.url, "token migrate HRBR HRBX").exits(3);
    let causes = market.causes("token migrate HRBR HRBX");
    for words in [
        "it is sanctioned at the new token before",
        "it is frozen at the new token before",
    ] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
        assert!(causes.contains(words), "{words}: {causes}");
    }
    assert_eq!(node.sent(), 0);
    for (act, name, _) in stops {
        market.data(&format!("token {act} HRBX {name} --lift"));
    }
    let before = rows(&market, "HRBR");
    let moved = market.data("token migrate HRBR HRBX");
    assert_eq!(moved["verified"], true, "{moved}");
    assert_eq!(rows(&market, "HRBX"), before);
    for (_, name, code) in stops {
        let said = market.run(&format!("token check HRBX {name} victor-chen 1"));
        assert_eq!(said.exits(3).code(), code);
    }
}
