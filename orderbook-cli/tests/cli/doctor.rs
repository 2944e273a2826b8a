//! `doctor` on a healthy market, and on one that has each of the faults it looks for.

use serde_json::Value;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::process::{Market, Said};

/// The failing checks: what was checked, the code, what was found, the remedy.
fn failing(said: &Said) -> Vec<(String, String, String, String)> {
    let answer = said.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let checks = answer["data"].as_array().unwrap().clone();
    let mut errors = answer["errors"].as_array().unwrap().iter();
    let failing = checks.into_iter().filter(|check| check["state"] == "FAIL");
    let found: Vec<_> = failing
        .map(|check| {
            let error = errors.next().expect("an error for each failing check");
            let words = (text(&check["found"]), text(&check["remedy"]));
            (
                text(&check["check"]),
                text(&error["code"]),
                words.0,
                words.1,
            )
        })
        .collect();
    assert!(errors.next().is_none(), "{said:?}");
    found
}

/// The one failing check, which names a remedy.
fn ill(market: &Market, line: &str) -> (String, String) {
    let said = market.run(line).exits(1);
    let failing = failing(&said);
    let [(what, code, found, remedy)] = &failing[..] else {
        panic!("{said:?}");
    };
    assert!(!found.is_empty() && !remedy.is_empty(), "{said:?}");
    (what.clone(), code.clone())
}

fn named(what: &str, code: &str) -> (String, String) {
    (what.to_string(), code.to_string())
}

/// A connection to the book in addition to the command's.
async fn beside(market: &Market) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(market.path().join("board.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[test]
fn doctor_finds_nothing_wrong_with_a_healthy_market() {
    let market = Market::open();
    let checks = market.data("doctor");
    let checks = checks.as_array().unwrap();
    // In the demo one user plays every person, and settles what nobody commits.
    let (looks, others): (Vec<_>, Vec<_>) =
        checks.iter().partition(|check| check["state"] == "look");
    assert!(
        others.iter().all(|check| check["state"] == "ok"),
        "{checks:?}"
    );
    let looks: Vec<_> = looks
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(looks, ["commitments", "persons"]);
    market.data("settlement commitments --required");
    let checks = market.data("doctor");
    let mut looks = checks
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["state"] == "look");
    assert_eq!(looks.next().unwrap()["check"], "persons");
    assert!(looks.next().is_none(), "{checks:?}");
}

#[test]
fn doctor_names_an_operator_without_role_or_gas() {
    let market = Market::open();
    let said = market.run("doctor --wallet ada-lindqvist").exits(1);
    assert_eq!(failing(&said)[0].1, "NO_ROLE", "{said:?}");
    let said = market.run("doctor --wallet nobody").exits(1);
    assert!(
        failing(&said).iter().all(|ill| ill.1 == "NO_WALLET"),
        "{said:?}"
    );
}

#[test]
fn doctor_names_a_node_that_does_not_answer() {
    let market = Market::open();
    let said = market.run_at("http://127.0.0.1:1", "doctor").exits(1);
    let failing = failing(&said);
    assert_eq!(failing.len(), 1, "{said:?}");
    assert_eq!(
        (failing[0].0.as_str(), failing[0].1.as_str()),
        ("chain", "RPC_UNREACHABLE")
    );
}

#[test]
fn doctor_names_the_wrong_chain() {
    let market = Market::open();
    assert_eq!(
        ill(&market, "doctor --chain-id 1"),
        named("chain", "WRONG_CHAIN")
    );
}

#[test]
fn doctor_names_an_address_without_code() {
    let market = Market::open();
    let nowhere = "0x000000000000000000000000000000000000dEaD";
    let said = market.run(&format!("doctor --coin {nowhere}")).exits(1);
    assert_eq!(failing(&said)[0].1, "NO_CONTRACT", "{said:?}");
    let said = market
        .run(&format!("doctor --settlement {nowhere}"))
        .exits(1);
    let codes: Vec<String> = failing(&said).into_iter().map(|ill| ill.1).collect();
    assert!(codes.contains(&"NO_CONTRACT".to_string()), "{said:?}");
    assert!(codes.contains(&"OTHER_BOOK".to_string()), "{said:?}");
}

#[test]
fn doctor_names_a_clock_that_is_behind_the_chain() {
    let market = Market::open();
    market.pass(7_200);
    assert_eq!(ill(&market, "doctor"), named("clock", "CLOCK_OFF"));
}

#[tokio::test]
async fn doctor_names_a_book_that_another_process_holds() {
    let market = Market::open();
    let mut other = beside(&market).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let said = market.run_beside_others(&market.url, "doctor").exits(1);
    let failing = failing(&said);
    assert_eq!(failing.len(), 1, "{said:?}");
    assert_eq!(failing[0].0, "book");
    assert!(
        failing[0].2.contains("another process is writing"),
        "{said:?}"
    );
}

#[tokio::test]
async fn doctor_names_a_log_that_was_changed() {
    let market = Market::open();
    let mut other = beside(&market).await;
    let triggers: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            .fetch_all(&mut other)
            .await
            .unwrap();
    for (name,) in triggers {
        let drop = sqlx::AssertSqlSafe(format!("DROP TRIGGER {name}"));
        sqlx::raw_sql(drop).execute(&mut other).await.unwrap();
    }
    sqlx::query("UPDATE events SET reason = 'as agreed' WHERE seq = 20")
        .execute(&mut other)
        .await
        .unwrap();
    other.close().await.unwrap();
    assert_eq!(ill(&market, "doctor"), named("log", "LOG_BROKEN"));
    let said = market.run("audit verify --offline").exits(6);
    assert_eq!(said.code(), "LOG_BROKEN");
}
