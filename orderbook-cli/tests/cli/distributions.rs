//! Distributions from the record date to the last share, and a security's documents: typed as a person types them.

use serde_json::{Value, json};

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::crash::{Again, kill_everywhere};
use crate::process::Market;

const PLAN: &str = "distribution plan HRBR --record now --amount 1.25-per-token --out q3.json";

fn amount(value: &Value) -> u128 {
    value.as_str().expect("digits").parse().expect("a number")
}

/// An amount beside one that was computed with fractions.
#[allow(clippy::cast_precision_loss)] // amounts of a market are far below 2^53
fn float(amount: u128) -> f64 {
    amount as f64
}

/// Dollars of a wallet, in base units of the coin.
fn cash(market: &Market, wallet: &str) -> u128 {
    let account = market
        .wallet(wallet)
        .trim_start_matches("0x")
        .to_lowercase();
    let call = json!({ "to": market.address("coin"), "data": format!("0x70a08231{account:0>64}") });
    let answer = market.node("eth_call", &json!([call, "latest"]));
    u128::from_str_radix(answer.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// The market with coins for the issuer, and a dividend that is planned and opened.
fn opened() -> Market {
    let market = Market::open();
    market.data("coin mint issuer 2000000");
    market.data(PLAN);
    market.data("distribution open q3.json");
    market
}

#[test]
fn a_dividend_is_planned_opened_paid_verified_and_reported() {
    let market = Market::open();
    market.data("coin mint issuer 2000000");
    let plan = market.data(PLAN);
    let holders = plan["holders"].as_u64().unwrap();
    assert_eq!(plan["paid"], holders);
    // 1.25 dollars per token, with 6 decimals each: rounding loses nothing but parts of a millionth.
    let total = amount(&plan["total"]);
    let exact = amount(&plan["supply"]) * 5 / 4;
    assert!(exact - total < u128::from(holders), "{total} of {exact}");
    assert_eq!(
        market.run("distribution status q3.json").exits(3).code(),
        "NOT_OPENED"
    );
    assert_eq!(
        market.run("distribution pay q3.json").exits(3).code(),
        "NOT_OPENED"
    );
    let issuer = cash(&market, "issuer");
    let opened = market.data("distribution open q3.json");
    assert_eq!(opened["id"], plan["id"]);
    assert_eq!(cash(&market, "issuer"), issuer - total);
    let again = market.data("distribution open q3.json");
    assert_eq!(again["already"], true, "{again}");
    assert_eq!(cash(&market, "issuer"), issuer - total);

    let ada = cash(&market, "ada-lindqvist");
    let planned = market.data("distribution pay q3.json --plan");
    assert_eq!(planned["shares"], holders);
    assert_eq!(planned["transactions"], json!([]));
    let paid = market.data("distribution pay q3.json");
    assert_eq!(paid["paid"], holders - 1);
    assert_eq!((&paid["set_apart"], &paid["open"]), (&json!(1), &json!(0)));
    let shares = report(&market);
    let of = |wallet: &str| {
        let address = market.wallet(wallet);
        shares
            .iter()
            .find(|row| row["wallet"] == address.as_str())
            .expect("a row")
    };
    let row = of("ada-lindqvist");
    assert_eq!(row["state"], "paid");
    let net = (row["net"].as_str().unwrap().parse::<f64>().unwrap() * 1e6).round();
    assert!((float(cash(&market, "ada-lindqvist") - ada) - net).abs() < 0.5);
    assert_eq!(of("corvid-capital")["state"], "set apart: sanctioned");
    let verified = market.data("distribution verify q3.json");
    assert_eq!(
        (&verified["verified"], &verified["set_apart"]),
        (&json!(true), &json!(1))
    );

    let again = market.data("distribution pay q3.json");
    assert_eq!(
        (&again["already"], &again["still_apart"]),
        (&json!(true), &json!(1))
    );
    let status = market.data("distribution status q3.json");
    assert_eq!(status["waiting"][0]["reason"], "sanctioned");
    market.data("token sanction HRBR corvid-capital --lift");
    let paid = market.data("distribution pay q3.json");
    assert_eq!((&paid["set_apart"], &paid["open"]), (&json!(0), &json!(0)));
    market.data("distribution verify q3.json");
    market
        .run("distribution report q3.json --csv q3.csv")
        .exits(0);
    let csv = std::fs::read_to_string(market.path().join("q3.csv")).unwrap();
    assert_eq!(csv.lines().count() as u64, holders + 1);
    assert!(csv.starts_with("index,wallet,investor,country,holding,gross,withheld,net,state"));
}

fn report(market: &Market) -> Vec<Value> {
    let report = market.data("distribution report q3.json");
    report["rows"].as_array().expect("rows").clone()
}

#[test]
fn what_a_file_says_is_withheld_is_not_paid() {
    let market = Market::open();
    std::fs::write(market.path().join("rates.csv"), "840,24%\n276,26.375%\n").unwrap();
    let plan = market.data(
        "distribution plan HRBR --record now --amount 100_000 --withhold rates.csv --out q3.json",
    );
    let rows = {
        market.data("coin mint issuer 200000");
        market.data("distribution open q3.json");
        report(&market)
    };
    let dollars = |row: &Value, name: &str| row[name].as_str().unwrap().parse::<f64>().unwrap();
    for row in &rows {
        let rate = match row["country"].as_str().unwrap() {
            "840" => 0.24,
            "276" => 0.263_75,
            _ => 0.0,
        };
        let expected = dollars(row, "gross") * rate;
        assert!(
            (dollars(row, "withheld") - expected).abs() < 0.000_002,
            "{row}"
        );
    }
    let net: f64 = rows.iter().map(|row| dollars(row, "net")).sum();
    assert!((net * 1e6 - float(amount(&plan["total"]))).abs() < 0.5);
    std::fs::write(market.path().join("bad.csv"), "840,24\nUS,1%\n840,101%\n").unwrap();
    let said = market
        .run("distribution plan HRBR --record now --amount 1 --withhold bad.csv --out b.json")
        .exits(2);
    assert_eq!(
        said.json()["errors"].as_array().unwrap().len(),
        3,
        "{said:?}"
    );
    assert!(!market.path().join("b.json").exists());
}

#[test]
fn a_file_that_was_altered_or_of_another_history_opens_nothing() {
    let market = Market::open();
    market.data("coin mint issuer 2000000");
    let snapshot = market.node("evm_snapshot", &json!([]));
    market.node("evm_mine", &json!([]));
    market.data(PLAN);
    let path = market.path().join("q3.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"net\": \"", "\"net\": \"1", 1)).unwrap();
    assert_eq!(
        market.run("distribution open q3.json").exits(6).code(),
        "ALTERED_FILE"
    );
    std::fs::write(&path, &text).unwrap();
    // The record block is reorganised away: another one has its number.
    market.node("evm_revert", &json!([snapshot]));
    market.data("token mint HRBR ada-lindqvist 1");
    let said = market.run("distribution open q3.json").exits(6);
    assert_eq!(said.code(), "OTHER_HISTORY", "{said:?}");
    assert_eq!(
        market.run("distribution verify q3.json").exits(6).code(),
        "OTHER_HISTORY"
    );
    // What is already there is not overwritten.
    let said = market.run(PLAN).exits(3);
    assert_eq!(said.code(), "FILE_EXISTS");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let other = PLAN.replace("q3.json", "q4.json");
    market.data(&other);
    let said = market
        .run("distribution open q4.json --wallet treasury")
        .exits(4);
    assert_eq!(said.code(), "OTHER_FUNDER");
    market.data("distribution open q4.json");
}

#[test]
fn a_record_date_that_is_not_final_is_refused() {
    let market = Market::open();
    for record in ["99999999", "2099-01-01"] {
        let line = PLAN.replace("now", record);
        assert_eq!(market.run(&line).exits(3).code(), "NOT_FINAL", "{record}");
    }
    assert_eq!(
        market.run(&PLAN.replace("now", "1970-01-01")).exits(2).exit,
        2
    );
    assert!(!market.path().join("q3.json").exists());
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn open_and_pay_survive_a_kill_at_every_boundary() {
    let market = Market::open();
    market.data("coin mint issuer 2000000");
    market.data(PLAN);
    kill_everywhere(&market, "distribution open q3.json", Again::Same);
    market.data("distribution open q3.json");
    let before = cash(&market, "ada-lindqvist");
    kill_everywhere(&market, "distribution pay q3.json", Again::Same);
    market.data("distribution pay q3.json");
    let once = cash(&market, "ada-lindqvist") - before;
    let net = report(&market)
        .iter()
        .find(|row| row["wallet"] == market.wallet("ada-lindqvist").as_str())
        .map(|row| row["net"].as_str().unwrap().to_string())
        .expect("a row");
    let (whole, part) = net.split_once('.').unwrap_or((&net, ""));
    let digits = format!("{whole}{part:0<6}");
    assert_eq!(once.to_string(), digits.trim_start_matches('0'));
}

#[test]
fn a_share_of_a_sanctioned_holder_is_redirected_for_a_reason() {
    let market = opened();
    market.data("distribution pay q3.json");
    let before = cash(&market, "counsel");
    let said = market.run("distribution redirect q3.json ada-lindqvist counsel --reason x");
    assert_eq!(said.exits(3).code(), "ALREADY_PAID");
    market.data("distribution redirect q3.json corvid-capital counsel --reason order-26-114");
    let row = report(&market);
    let address = market.wallet("corvid-capital");
    let row = row
        .iter()
        .find(|row| row["wallet"] == address.as_str())
        .unwrap();
    assert_eq!(row["state"], "redirected");
    assert_eq!(row["paid_to"], market.wallet("counsel").as_str());
    assert!(cash(&market, "counsel") > before);
    market.data("distribution verify q3.json");
}

#[test]
fn a_document_is_registered_listed_and_proven() {
    let market = Market::open();
    std::fs::write(market.path().join("prospectus.pdf"), "the terms").unwrap();
    let add = "document add HRBR prospectus prospectus.pdf --uri https://example.com/p.pdf";
    market.data(add);
    assert_eq!(market.data(add)["already"], true);
    let verified = market.data("document verify HRBR prospectus.pdf");
    assert_eq!(
        (&verified["name"], &verified["version"]),
        (&json!("prospectus"), &json!(1))
    );
    std::fs::write(market.path().join("prospectus.pdf"), "other terms").unwrap();
    let said = market.run("document verify HRBR prospectus.pdf").exits(6);
    assert_eq!(said.code(), "NOT_THAT_DOCUMENT");
    market.data(add);
    let listed = market.data("document list HRBR");
    assert_eq!(
        (&listed[0]["name"], &listed[0]["version"]),
        (&json!("prospectus"), &json!("2"))
    );
    assert_eq!(market.run(&format!("{add} --wallet treasury")).exit, 0);
    let said = market
        .run("document remove HRBR prospectus --wallet treasury")
        .exits(3);
    assert_eq!(said.code(), "NOT_ISSUER");
    market.data("document remove HRBR prospectus");
    assert_eq!(market.data("document list HRBR"), json!([]));
}
