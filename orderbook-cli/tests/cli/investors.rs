//! The investor directory: filled from a cap table, consulted at every posting, and the source of the owners' names in
//! tables.

use serde_json::json;

use crate::process::{Market, run};

const HEAD: &str = "account,investor,name,wallet,group,country,kyc_expiry\n";

fn write(market: &Market, rows: &str) {
    std::fs::write(market.path().join("table.csv"), HEAD.to_owned() + rows).unwrap();
}

#[test]
fn import_plans_then_adds_and_the_same_file_again_changes_nothing() {
    let market = Market::open();
    let before = market.data("investor list");
    write(
        &market,
        "A-1001B,HSS-INV-1001,Ada Lindqvist,ada-lindqvist,1,840,2035-06-30\n\
        A-9,HSS-INV-9,Nine LLC,0x00000000000000000000000000000000000000e9,1,840,2035-06-30\n",
    );
    let planned = market.data("investor import table.csv --plan");
    assert_eq!(planned["written"], false);
    assert_eq!(planned["new"][0]["id"], "HSS-INV-9");
    assert_eq!(
        planned["changed"][0]["accounts"],
        json!(["A-1001", "A-1001B"])
    );
    assert_eq!(market.data("investor list"), before);
    let imported = market.data("investor import table.csv");
    assert_eq!(imported["written"], true);
    let after = market.data("investor list");
    let count = |list: &serde_json::Value| list.as_array().unwrap().len();
    assert_eq!(count(&after), count(&before) + 1);
    let again = market.data("investor import table.csv");
    assert_eq!(
        (&again["written"], &again["same"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(market.data("investor list"), after);
}

#[test]
fn an_account_of_another_investor_is_refused_and_nothing_of_the_file_is_taken() {
    let market = Market::open();
    let before = market.data("investor list");
    write(
        &market,
        "A-9,HSS-INV-9,Nine LLC,0x00000000000000000000000000000000000000e9,1,840,2035-06-30\n\
        A-1001,HSS-INV-8,Eight LLC,0x00000000000000000000000000000000000000e8,1,840,2035-06-30\n",
    );
    let said = market.run("investor import table.csv").exits(2);
    let message = said.json()["errors"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.contains("A-1001") && message.contains("Ada Lindqvist"),
        "{said:?}"
    );
    assert_eq!(market.data("investor list"), before);
}

#[test]
fn an_order_in_another_investors_account_is_not_posted() {
    let market = Market::open();
    let line = "order sign bid HRBR 10 24.50 --account A-1001 --wallet victor-chen";
    let signed = market.data(line)[0].clone();
    std::fs::write(market.path().join("signed.json"), signed.to_string()).unwrap();
    let said = market
        .run("order post signed.json --account A-1001")
        .exits(3);
    assert!(said.stdout.contains("A-1001 (Ada Lindqvist)"), "{said:?}");
    let id = signed["id"].as_str().unwrap();
    market.run(&format!("order show {id}")).exits(3);
}

#[test]
fn orders_name_their_owners_and_programs_get_the_address() {
    let market = Market::open();
    let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let shown = market.data(&format!("order show {bid}"));
    assert_eq!(shown["owner_name"], "Victor Chen");
    let owner = shown["owner"].as_str().unwrap().to_lowercase();
    let list = ["order", "list", "--account", "A-1028", "--profile", "."];
    let piped = run(market.path(), list).exits(0).stdout.to_lowercase();
    assert!(piped.contains(&owner), "{piped}");
}

#[test]
fn matches_name_buyer_and_seller_as_orders_name_their_owners() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let list = market.data("match list --state approved");
    let listed = list.as_array().unwrap().iter();
    let mut listed = listed.filter(|one| one["bid"] == bid.as_str());
    let (matched, others) = (listed.next().unwrap(), listed.next());
    assert_eq!((&matched["ask"], others), (&json!(ask), None));
    assert_eq!(
        (&matched["buyer_name"], &matched["seller_name"]),
        (&json!("Victor Chen"), &json!("Ada Lindqvist"))
    );
    for (role, wallet) in [("buyer", "victor-chen"), ("seller", "ada-lindqvist")] {
        let address = matched[role].as_str().unwrap();
        assert_eq!(address.to_lowercase(), market.wallet(wallet).to_lowercase());
    }
    let piped = run(market.path(), ["match", "list", "--profile", "."]).exits(0);
    let seller = matched["seller"].as_str().unwrap().to_lowercase();
    assert!(piped.stdout.to_lowercase().contains(&seller), "{piped:?}");
}
