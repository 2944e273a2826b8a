//! Many orders in one file: what `sign` writes, `post` and `import` take; all of them or none.

use serde_json::Value;

use crate::process::{Market, Said};

const FORMS: &str = "side,security,quantity,price,expires,account,wallet\n\
    bid,HRBR,10,24.50,30d,A-1028,victor-chen\n\
    ask,HRBR,11,24.60,30d,A-1001,ada-lindqvist\n\
    ask,SLRA,12,98.60,30d,A-1012,keystone-pension\n";

/// Signs a file of forms; one signed order on each line.
fn sign(market: &Market, forms: &str) -> String {
    std::fs::write(market.path().join("forms.csv"), forms).unwrap();
    let signed = market.data("order sign --from forms.csv");
    let lines = signed.as_array().unwrap().iter();
    lines.map(|order| order.to_string() + "\n").collect()
}

fn write(market: &Market, text: &str) {
    std::fs::write(market.path().join("signed.jsonl"), text).unwrap();
}

fn messages(said: &Said) -> Vec<String> {
    let answer = said.json();
    let errors = answer["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["message"].as_str().unwrap().to_string())
        .collect()
}

fn open_orders(market: &Market) -> usize {
    let orders = market.data("order list --state open");
    orders.as_array().unwrap().len()
}

#[test]
fn import_takes_what_sign_writes() {
    let market = Market::open();
    let before = open_orders(&market);
    write(&market, &sign(&market, FORMS));
    let imported = market.data("order import signed.jsonl");
    assert_eq!(imported["orders"], 3);
    assert_eq!(open_orders(&market), before + 3);
    let said = market.run("order import signed.jsonl").exits(2);
    assert_eq!(messages(&said).len(), 3, "{said:?}");
    market.run("audit verify").exits(0);
}

#[test]
fn import_of_lines_reports_every_bad_one_and_takes_none() {
    let market = Market::open();
    let before = open_orders(&market);
    let text = sign(&market, FORMS);
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let mut forged: Value = serde_json::from_str(&lines[1]).unwrap();
    forged["quantity"] = "0x1".into();
    lines[1] = forged.to_string();
    lines.push("{\"side\": 1".into());
    let mut elsewhere: Value = serde_json::from_str(&lines[2]).unwrap();
    elsewhere["chain_id"] = 1.into();
    lines.push(elsewhere.to_string());
    lines.push(lines[0].clone());
    write(&market, &lines.join("\n\n"));
    let said = market.run("order import signed.jsonl").exits(2);
    let messages = messages(&said);
    let lines: Vec<&str> = messages
        .iter()
        .map(|message| message.split(':').next().unwrap())
        .collect();
    assert_eq!(lines, ["line 3", "line 7", "line 9", "line 11"], "{said:?}");
    assert_eq!(open_orders(&market), before);
}

#[test]
fn import_says_which_columns_a_file_of_rows_lacks() {
    let market = Market::open();
    std::fs::write(market.path().join("bad.csv"), "owner,side\n1,2\n").unwrap();
    let said = market.run("order import bad.csv").exits(2);
    let messages = messages(&said);
    assert!(
        messages[0].starts_with("line 1: column security is missing"),
        "{said:?}"
    );
}

#[test]
fn sign_reports_every_bad_row_and_signs_none() {
    let market = Market::open();
    let forms = "side,security,quantity,price,expires,account,wallet\n\
        bid,NOPE,10,24.50,30d,A-1028,victor-chen\n\
        bid,HRBR,10,24.50,30d,A-1028,victor-chen\n\
        bid,HRBR,ten,24.50,30d,A-1028,victor-chen\n\
        bid,HRBR,10,24.50,soon,A-1028,victor-chen\n";
    std::fs::write(market.path().join("forms.csv"), forms).unwrap();
    let said = market.run("order sign --from forms.csv").exits(2);
    let messages = messages(&said);
    let lines: Vec<&str> = messages.iter().map(|m| &m[..6]).collect();
    assert_eq!(lines, ["line 2", "line 4", "line 5"], "{said:?}");
}

#[test]
fn post_names_every_order_it_refuses_and_posts_none() {
    let market = Market::open();
    let before = open_orders(&market);
    let forms = format!(
        "{FORMS}bid,HRBR,10,24.50,30d,A-1014,jonas-meier\nbid,HRBR,9,24.50,30d,A-1014,jonas-meier\n"
    );
    write(&market, &sign(&market, &forms));
    let said = market.run("order post signed.jsonl").exits(3);
    let answer = said.json();
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{said:?}");
    assert!(errors.iter().all(|error| error["code"] == "RESTRICTION_16"));
    assert_eq!(open_orders(&market), before);
}
