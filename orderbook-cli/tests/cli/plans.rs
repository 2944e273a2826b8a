//! Long acts are plans: what needs doing is worked out against the chain, shown, and done once.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::process::Market;
use crate::proxy::{Act, Proxy, SEND};

const HEAD: &str = "account,investor,name,wallet,group,country,kyc_expiry,holding\n";

fn write(market: &Market, name: &str, text: &str) {
    std::fs::write(market.path().join(name), text).unwrap();
}

/// Rows for this many investors, each with a wallet and a holding.
fn table(market: &Market, name: &str, investors: usize, holding: &str) {
    let mut text = HEAD.to_string();
    for number in 1..=investors {
        writeln!(
            text,
            "P-{number},PLAN-{number},Plan,0x{:040x},1,840,2035-06-30,{holding}",
            0xbeef_0000_usize + number
        )
        .unwrap();
    }
    write(market, name, &text);
}

fn supply(market: &Market) -> String {
    let path = "token register HRBR cap-table.csv --issue --plan";
    market.data(path)["supply"].as_str().unwrap().to_string()
}

#[test]
fn the_same_file_twice_finds_nothing_to_do() {
    let market = Market::open();
    market.data("token limits HRBR --max-holders 0");
    table(&market, "plan.csv", 3, "100");
    let before = supply(&market);
    let line = "token register HRBR plan.csv --issue";
    let plan = market.data(&format!("{line} --plan"));
    assert_eq!(
        (&plan["new"], &plan["changed"], &plan["same"]),
        (&json!(3), &json!(0), &json!(0))
    );
    assert_eq!(plan["issued"], "300000000");
    assert_eq!(plan["batches"], json!({ "register": 1, "issue": 1 }));
    assert!(plan["gas"]["register"].as_u64().unwrap() > 21_000);
    assert_eq!(
        (supply(&market), &plan["transactions"]),
        (before.clone(), &json!([]))
    );
    let done = market.data(line);
    assert_eq!(done["transactions"].as_array().unwrap().len(), 2);
    let after = supply(&market);
    assert_eq!(
        after.parse::<u64>().unwrap(),
        before.parse::<u64>().unwrap() + 300_000_000
    );
    let node = Proxy::before(&market.url, |_| Act::Relay);
    // From another machine as well: only the chain remembers.
    for desk in [&market, &market.with_a_copy_of_the_book()] {
        let again = desk.run_at(&node.url, line).exits(0).json()["data"].clone();
        assert_eq!((&again["same"], &again["issued"]), (&json!(3), &json!("0")));
    }
    assert_eq!(node.sent(), 0);
    assert_eq!(supply(&market), after);
}

#[test]
fn the_demos_own_cap_table_is_done() {
    let market = Market::open();
    let data = market.data("token register HRBR cap-table.csv --issue");
    assert_eq!(
        (&data["new"], &data["changed"], &data["same"]),
        (&json!(0), &json!(0), &json!(28))
    );
    assert_eq!(data["issued"], "0");
}

#[test]
fn a_changed_row_is_shown_with_what_changes_and_only_the_missing_is_issued() {
    let market = Market::open();
    table(&market, "plan.csv", 2, "100");
    market.data("token register HRBR plan.csv --issue");
    let path = market.path().join("plan.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replacen("1,840,2035-06-30,100", "3,124,2035-06-30,150", 1);
    std::fs::write(&path, text).unwrap();
    let line = "token register HRBR plan.csv --issue";
    let plan = market.data(&format!("{line} --plan"));
    assert_eq!(
        plan["rows"][0]["registration"],
        json!({ "changed": ["group 1 to 3", "country 840 to 124"] })
    );
    assert_eq!(plan["rows"][0]["issue"], "50000000");
    assert_eq!(plan["rows"][1]["registration"], "same");
    assert_eq!(market.data(line)["issued"], "50000000");
    assert_eq!(market.data(line)["issued"], "0");
}

#[test]
fn what_left_a_wallet_is_not_issued_to_it_again() {
    let market = Market::open();
    table(&market, "plan.csv", 1, "100");
    let line = "token register HRBR plan.csv --issue";
    market.data(line);
    let wallet = format!("0x{:040x}", 0xbeef_0001_u64);
    market.data(&format!("token burn HRBR {wallet} 40 --reason redeemed"));
    assert_eq!(market.data(line)["issued"], "0");
    // A lost wallet's successor has what it had; the lost one gets nothing more.
    let new = "0x00000000000000000000000000000000000000aa";
    let row = format!("P-1,PLAN-1,Plan,{new},1,840,2035-06-30,\n");
    write(&market, "successor.csv", &format!("{HEAD}{row}"));
    market.data("token register HRBR successor.csv");
    market.data(&format!("token recover HRBR {wallet} {new} --reason lost"));
    let refused = market.run(line).exits(3);
    assert_eq!(refused.code(), "ROW_REFUSED");
    assert!(
        refused.stdout.contains("line 2: the wallet was lost"),
        "{refused:?}"
    );
    let causes = market.causes(line);
    assert!(causes.contains("line 2: the wallet was lost"), "{causes}");
    let path = market.path().join("plan.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&wallet, new)).unwrap();
    let data = market.data(line);
    assert_eq!((&data["same"], &data["issued"]), (&json!(1), &json!("0")));
}

#[test]
fn once_more_is_said_on_purpose() {
    let market = Market::open();
    table(&market, "plan.csv", 2, "100");
    let line = "token register HRBR plan.csv --issue";
    market.data(line);
    let again = format!("{line} --again second-close");
    assert_eq!(
        market.data(&format!("{again} --plan"))["issued"],
        "200000000"
    );
    assert_eq!(market.data(&again)["issued"], "200000000");
    assert_eq!(market.data(line)["issued"], "0");
    let log = market.data("audit log --limit 100000");
    let noted = |event: &Value| event["reason"] == "issues once more: second-close";
    assert_eq!(
        log.as_array()
            .unwrap()
            .iter()
            .filter(|event| noted(event))
            .count(),
        1
    );
    assert_eq!(market.data(&again)["issued"], "200000000");
    market
        .run("token register HRBR plan.csv --again x")
        .exits(2);
}

#[test]
fn a_live_profile_has_a_plan_confirmed_and_asks_nothing_where_nothing_is_to_do() {
    let market = Market::open();
    market.data("token limits HRBR --max-holders 0");
    market.go_live();
    table(&market, "plan.csv", 3, "100");
    let list: Vec<_> = (1..=150)
        .map(|number| format!("0x{number:040x}\n"))
        .collect();
    write(&market, "list.txt", &list.concat());
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let before = supply(&market).parse::<u64>().unwrap();
    for line in [
        "token register HRBR plan.csv --issue",
        "token sanction HRBR --file list.txt",
        "coin blacklist --file list.txt",
    ] {
        let said = market.run_at(&node.url, line).exits(3);
        assert_eq!(said.code(), "NOT_CONFIRMED", "{line}");
        let done = market.data(&format!("{line} --confirm harbor-street"));
        assert_eq!(done["transactions"].as_array().unwrap().len(), 2, "{line}");
        let again = market.run_at(&node.url, line).exits(0).json()["data"].clone();
        assert_eq!(again["transactions"], json!([]), "{line}");
    }
    assert_eq!(node.sent(), 0);
    let after = supply(&market).parse::<u64>().unwrap();
    assert_eq!(after, before + 300_000_000);
}

#[test]
fn a_row_that_cannot_be_carried_out_stops_everything_before_it_begins() {
    let market = Market::open();
    let mut text = HEAD.to_string();
    for number in 1..=150 {
        // Rows 131 to 150 are one investor's: twelve wallets too many.
        let investor = number.min(131);
        writeln!(
            text,
            "B-{number},BIG-{investor},Big,0x{:040x},1,840,2035-06-30,1",
            0xcafe_0000_u64 + number
        )
        .unwrap();
    }
    write(&market, "big.csv", &text);
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let said = market
        .run_at(&node.url, "token register HRBR big.csv --issue")
        .exits(3);
    let errors = said.json()["errors"].as_array().unwrap().clone();
    let lines: Vec<_> = errors
        .iter()
        .map(|e| {
            e["message"]
                .as_str()
                .unwrap()
                .split(':')
                .next()
                .unwrap()
                .to_string()
        })
        .collect();
    let wanted: Vec<_> = (140..=151).map(|line| format!("line {line}")).collect();
    assert_eq!(lines, wanted);
    assert_eq!(node.sent(), 0);
    // A wallet that is registered for another investor and holds something.
    table(&market, "plan.csv", 2, "5");
    market.data("token register HRBR plan.csv --issue");
    let path = market.path().join("plan.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("PLAN-2", "OTHER-2")).unwrap();
    let said = market
        .run_at(&node.url, "token register HRBR plan.csv")
        .exits(3);
    assert!(said.stdout.contains("line 3: "), "{said:?}");
    assert!(!said.stdout.contains("line 2: "), "{said:?}");
    // More than there may ever be.
    let path = market.path().join("plan.csv");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("OTHER-2", "PLAN-2")
        .replacen(",5\n", ",9000000\n", 1);
    std::fs::write(&path, text).unwrap();
    let said = market
        .run_at(&node.url, "token register HRBR plan.csv --issue")
        .exits(3);
    assert!(
        said.stdout
            .contains("line 2: its holding would take the supply above the cap"),
        "{said:?}"
    );
    assert_eq!(node.sent(), 0);
}

#[test]
fn a_file_that_was_cut_short_is_gone_on_with() {
    let market = Market::open();
    market.data("token limits HRBR --max-holders 0");
    table(&market, "long.csv", 250, "2");
    let sent = std::sync::atomic::AtomicUsize::new(0);
    let node = Proxy::before(&market.url, move |method| {
        use std::sync::atomic::Ordering::SeqCst;
        match method {
            SEND if sent.fetch_add(1, SeqCst) == 2 => {
                Act::Refuse(-32000, "insufficient funds for gas * price + value")
            }
            _ => Act::Relay,
        }
    });
    let line = "token register HRBR long.csv --issue";
    let before = supply(&market).parse::<u64>().unwrap();
    let said = market.run_at(&node.url, line).exits(5);
    assert!(
        said.stdout
            .contains("stopped before line 202, after 2 transactions"),
        "{said:?}"
    );
    let done = market.data(line);
    assert_eq!((&done["new"], &done["same"]), (&json!(50), &json!(200)));
    assert_eq!(
        supply(&market).parse::<u64>().unwrap(),
        before + 500_000_000
    );
    assert!(!market.path().join("orderbook.journal").exists());
}

#[test]
fn a_mint_that_the_node_lost_is_never_made_twice() {
    let market = Market::open();
    table(&market, "plan.csv", 2, "100");
    market.data("token register HRBR plan.csv");
    let before = supply(&market).parse::<u64>().unwrap();
    let line = "token register HRBR plan.csv --issue";
    for lost in [|| Act::LoseRequest, || Act::LoseAnswer] as [fn() -> Act; 2] {
        let gone = std::sync::atomic::AtomicBool::new(false);
        let node = Proxy::before(&market.url, move |method| {
            use std::sync::atomic::Ordering::SeqCst;
            if method == SEND {
                gone.store(true, SeqCst);
                lost()
            } else if gone.load(SeqCst) {
                Act::LoseRequest
            } else {
                Act::Relay
            }
        });
        if supply(&market).parse::<u64>().unwrap() == before {
            market.run_at(&node.url, line).exits(7);
        }
    }
    market.data(line);
    assert_eq!(
        supply(&market).parse::<u64>().unwrap(),
        before + 200_000_000
    );
    assert!(!market.path().join("orderbook.journal").exists());
}

#[test]
fn a_list_of_any_length_is_sanctioned_in_batches_of_a_hundred() {
    let market = Market::open();
    let mut list = String::from("# a list\n");
    for number in 1..=250 {
        writeln!(list, "0x{:040X}", number * 3).unwrap();
    }
    let list =
        list.replace("0X", "0x") + "0x0000000000000000000000000000000000000003\nada-lindqvist\n";
    write(&market, "list.txt", &list);
    for (what, on) in [
        ("token sanction HRBR", "sanction"),
        ("coin blacklist", "blacklist"),
    ] {
        let line = format!("{what} --file list.txt");
        let plan = market.data(&format!("{line} --plan"));
        assert_eq!(plan["new"].as_array().unwrap().len(), 251, "{on}");
        assert_eq!(plan["batches"], 3);
        assert!(plan["gas"].as_u64().unwrap() > 21_000);
        let done = market.data(&line);
        assert_eq!(done["transactions"].as_array().unwrap().len(), 3, "{on}");
        let again = market.data(&line);
        assert_eq!(
            (&again["already"], &again["same"]),
            (&json!(true), &json!(251))
        );
        write(
            &market,
            "few.txt",
            "0x0000000000000000000000000000000000000003\nada-lindqvist\n",
        );
        let lifted = market.data(&format!("{what} --file few.txt --lift"));
        assert_eq!(lifted["new"].as_array().unwrap().len(), 2);
        assert_eq!(market.data(&line)["new"].as_array().unwrap().len(), 2);
    }
    write(
        &market,
        "bad.txt",
        "ada-lindqvist\nbc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq\n",
    );
    let said = market.run("token sanction HRBR --file bad.txt").exits(2);
    assert!(said.stdout.contains("line 2: 'bc1q"), "{said:?}");
}
