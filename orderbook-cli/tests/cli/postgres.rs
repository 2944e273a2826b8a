//! The main trade path with `PostgreSQL` as the book, if `ORDERBOOK_TEST_POSTGRES` names a server.

use crate::process::{Market, run};

#[test]
fn a_trade_on_postgres_goes_from_two_signatures_to_a_fill_and_its_records() {
    let Some(market) = Market::on_postgres() else {
        return;
    };
    let again = market.run("init --book").exits(1);
    assert!(again.stdout.contains("already"), "{again:?}");
    let (bid, ask) = market.approved_match();
    let settled = market.data(&format!("settle {bid} {ask}"));
    assert_eq!(settled["settlement_id"], "1");
    assert_eq!(market.match_state(&bid), "SETTLED");
    assert_eq!(market.data("sync")["fills"], 0);
    let report = market.data("audit verify");
    assert_eq!(report["anchors"], 1);
    market.data("audit anchor");
    market.data(&format!("audit prove {bid} --out on-postgres.json"));
    assert_eq!(market.data("audit check on-postgres.json")["holds"], true);
    let blotter = market.data("export blotter");
    assert_eq!(blotter["rows"], 1, "{blotter}");
    let events = market.data("audit verify")["events"].clone();
    assert_eq!(market.data("export events")["rows"], events);
    market.run("doctor").exits(0);
}

#[test]
fn a_server_that_is_away_is_a_clear_error_without_its_password() {
    let market = Market::open();
    let store = "postgres://desk:hidden@127.0.0.1:1/book";
    let line = [
        "order",
        "list",
        "--json",
        "--profile",
        ".",
        "--store",
        store,
    ];
    let said = run(market.path(), line).exits(5);
    assert_eq!(said.code(), "STORE_UNREACHABLE");
    assert!(
        said.stdout.contains("127.0.0.1:1 does not answer"),
        "{said:?}"
    );
    assert!(
        !said.stdout.contains("hidden") && !said.stderr.contains("hidden"),
        "{said:?}"
    );
}
