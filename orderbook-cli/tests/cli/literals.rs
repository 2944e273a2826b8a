//! Numbers and times mean what was typed, or are refused before anything is signed, sent or stored; and what moves is
//! reported as it was read.

use serde_json::{Value, json};

use crate::process::Market;

const ADA: &str = "ada-lindqvist";

/// What a refused command must leave as it was: the chain's head and every event of the book.
fn marks(market: &Market) -> (Value, Value) {
    let block = market.node("eth_blockNumber", &json!([]));
    (block, market.data("audit log --limit 1000"))
}

/// The commands that take a number or a time, each with `#` in its place.
const NUMBERS: &[&str] = &[
    "coin attest # --evidence orderbook.toml",
    "coin minter treasury #",
    "coin mint ada-lindqvist #",
    "coin burn #",
    "coin rescue HRBR ada-lindqvist #",
    "approve coin #",
    "approve HRBR #",
    "permit HRBR #",
    "token mint HRBR ada-lindqvist #",
    "token burn HRBR ada-lindqvist # --reason redemption",
    "token grant HRBR ada-lindqvist # --cliff 365d",
    "token lock HRBR ada-lindqvist # --until 2030-01-01",
    "token freeze HRBR ada-lindqvist --quantity #",
    "token force HRBR ada-lindqvist victor-chen # --reason order",
    "token force-burn HRBR ada-lindqvist # --reason order",
    "token check HRBR ada-lindqvist victor-chen #",
    "token supply-cap HRBR #",
    "token limits HRBR --max-per-investor #",
    "token limits HRBR --min-holding #",
    "token limits HRBR --granularity #",
    "order sign ask HRBR # 24.40 --wallet ada-lindqvist",
    "order sign ask HRBR 1 # --wallet ada-lindqvist",
];

const TIMES: &[&str] = &[
    "coin attest 1 --evidence orderbook.toml --as-of #",
    "token group HRBR 2 1 --opens-at #",
    "token lock HRBR ada-lindqvist 1 --until #",
    "token mint HRBR ada-lindqvist 1 --locked-until #",
    "token investor HRBR HSS-INV-1001 --group 1 --country 840 --kyc-expiry #",
    "token unlock HRBR ada-lindqvist #",
    "token grant HRBR ada-lindqvist 1 --cliff 1d --start #",
    "order sign ask HRBR 1 24.40 --wallet ada-lindqvist --expires #",
    "export blotter --from #",
    "export orders --to #",
];

const DURATIONS: &[&str] = &[
    "coin max-age #",
    "token grant HRBR ada-lindqvist 1 --cliff #",
    "token grant HRBR ada-lindqvist 1 --cliff 1d --period #",
    "permit HRBR 1 --valid #",
    "match approve 12345678 --commit --for #",
];

/// Every command refuses the text with exit 2 and these words, and nothing happens.
fn refuses(market: &Market, commands: &[&str], text: &str, words: &str) {
    for command in commands {
        let line = command.replace('#', text);
        let said = market.run(&line).exits(2);
        let message = said.json()["errors"][0]["message"].to_string();
        assert!(message.contains(words), "{line}: {message}");
    }
}

#[test]
fn a_number_that_could_mean_two_things_moves_nothing() {
    let market = Market::open();
    let before = marks(&market);
    for (text, words) in [
        ("24,35", "`24,35`: write 24.35"),
        ("24,350", "`24,350`: write 24350 or 24.35"),
        ("1,000", "`1,000`: write 1000 or 1"),
        ("1,234", "`1,234`: write 1234 or 1.234"),
        ("2,500", "`2,500`: write 2500 or 2.5"),
        ("1.355,90", "`1.355,90`: write 1355.9"),
        ("1500,75", "`1500,75`: write 1500.75"),
        ("1,00,000", "`1,00,000`: write 100000"),
        ("1,,0", "`1,,0` is not a number"),
        ("1,2,3", "`1,2,3` is not a number"),
        ("1_0,0", "`1_0,0` is not a number"),
    ] {
        refuses(&market, NUMBERS, text, words);
    }
    assert_eq!(marks(&market), before);
}

#[test]
fn a_time_that_could_mean_two_things_moves_nothing() {
    let market = Market::open();
    let before = marks(&market);
    for (text, words) in [
        ("20300131", "`20300131`: write 2030-01-31"),
        ("04/03/2030", "`04/03/2030`: write 2030-04-03 or 2030-03-04"),
    ] {
        refuses(&market, TIMES, text, words);
    }
    let instants = &TIMES[..8];
    for (text, words) in [
        ("1830442291", "write 2028-01-02T16:11:31Z or @1830442291"),
        ("1830442291000", "write 2028-01-02T16:11:31Z or @1830442291"),
        ("2201-01-01", "the last day is 2200-12-31"),
        ("2028-01-02T16:11:31.5Z", "has a fraction of a second"),
    ] {
        refuses(&market, instants, text, words);
    }
    refuses(&market, DURATIONS, "86400", "`86400`: write 86400s or 1d");
    assert_eq!(marks(&market), before);
}

#[test]
fn a_live_profile_refuses_them_too_before_it_asks_for_anything() {
    let market = Market::open();
    market.go_live();
    let before = marks(&market);
    let words = "`24,350`: write 24350 or 24.35";
    refuses(&market, NUMBERS, "24,350", words);
    refuses(&market, TIMES, "20300131", "`20300131`: write 2030-01-31");
    refuses(&market, DURATIONS, "86400", "`86400`: write 86400s or 1d");
    assert_eq!(marks(&market), before);
}

#[test]
fn an_order_that_has_expired_or_lives_too_long_is_not_signed() {
    let market = Market::open();
    let line = "order sign ask HRBR 1 24.40 --wallet ada-lindqvist --expires";
    for (expires, words) in [
        ("2020-01-01", "has passed"),
        ("@1", "has passed"),
        ("367d", "the last day allowed is 20"),
        ("2150-01-01", "the last day allowed is 20"),
    ] {
        let said = market.run(&format!("{line} {expires}")).exits(3);
        assert_eq!(said.code(), "ORDER_NOT_SIGNED");
        assert!(said.stdout.contains(words), "{expires}: {said:?}");
    }
    market.data(&format!("{line} 366d"));
}

#[test]
fn rows_of_a_file_are_read_by_the_same_rule() {
    let market = Market::open();
    let before = marks(&market);
    let table = "account,investor,name,wallet,group,country,kyc_expiry,holding,cash\n\
        A-1,I-1,One,desk,1,840,2035-06-30,\"2250,5\",\n\
        A-2,I-2,Two,auditor,1,840,30.06.2035,\"1.000,50\",\n\
        A-3,I-3,Three,issuer,1,840,2035-06-30,\"1,000\",\n";
    std::fs::write(market.path().join("table.csv"), table).unwrap();
    let said = market.run("token register HRBR table.csv --issue").exits(2);
    for words in [
        "line 2: holding: `2250,5`: write 2250.5",
        "line 3: kyc_expiry: `30.06.2035`: write 2035-06-30",
        "line 4: holding: `1,000`: write 1000 or 1",
    ] {
        assert!(said.stdout.contains(words), "{said:?}");
    }
    let orders = "side,security,quantity,price,expires,account,wallet\n\
        ask,HRBR,\"2,5\",24.40,30d,A-1001,ada-lindqvist\n\
        ask,HRBR,2,\"24,40\",30d,A-1001,ada-lindqvist\n\
        ask,HRBR,2,24.40,20300131,A-1001,ada-lindqvist\n";
    std::fs::write(market.path().join("orders.csv"), orders).unwrap();
    let said = market.run("order sign --from orders.csv").exits(2);
    for words in [
        "line 2: `2,5`: write 2.5",
        "line 3: `24,40`: write 24.4",
        "line 4: `20300131`: write 2030-01-31",
    ] {
        assert!(said.stdout.contains(words), "{said:?}");
    }
    assert_eq!(marks(&market), before);
}

#[test]
fn an_act_is_told_as_it_was_read() {
    let market = Market::open();
    for (line, words) in [
        (format!("coin mint {ADA} $1,500.75"), "$1500.75 minted to"),
        (
            format!("token mint HRBR {ADA} 1_000.50"),
            "1000.5 HRBR issued to",
        ),
        (
            format!("token lock HRBR {ADA} 1,000.0 --until @1893456000"),
            "until 2030-01-01 00:00:00 UTC",
        ),
        ("coin max-age 48h".into(), "an attestation is valid for 2d"),
        ("approve coin 1,000.5 --wallet victor-chen".into(), ""),
    ] {
        let data = market.data(&line);
        if !words.is_empty() {
            let done = data["done"].as_str().unwrap();
            assert!(done.contains(words), "{line}: {done}");
        }
    }
    assert_eq!(market.holding("HRBR", ADA), "12500.5");
}

#[test]
fn what_moves_a_large_share_on_a_live_profile_is_typed_again() {
    let market = Market::open();
    market.go_live();
    let before = market.holding("HRBR", ADA);
    let confirm = "--confirm harbor-street";
    // 939,200.5 HRBR are out: one percent is 9,392.005.
    let small = format!("token mint HRBR {ADA} 9392 {confirm}");
    let large = format!("token mint HRBR {ADA} 9500.5 {confirm}");
    let said = market.run(&large).exits(3);
    assert_eq!(said.code(), "AMOUNT_NOT_CONFIRMED");
    let said = market
        .run(&format!("{large} --confirm-amount 9500"))
        .exits(3);
    assert_eq!(said.code(), "AMOUNT_NOT_CONFIRMED");
    market
        .run(&format!("{large} --confirm-amount 9500,5"))
        .exits(2);
    assert_eq!(market.holding("HRBR", ADA), before);
    market.data(&small);
    market.data(&format!("{large} --confirm-amount 9500.5"));
    // The amount alone does not confirm a live act.
    let said = market.run(&format!(
        "token mint HRBR {ADA} 20000 --confirm-amount 20000"
    ));
    assert_eq!(said.exits(3).code(), "NOT_CONFIRMED");
    let path = market.path().join("orderbook.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("retype_above = \"50%\"\n{text}")).unwrap();
    market.data(&format!("token mint HRBR {ADA} 20000 {confirm}"));
}
