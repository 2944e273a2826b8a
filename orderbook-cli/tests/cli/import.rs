//! Many orders in one file: `post` and `import` take what `sign` writes, all of it or none.

use serde_json::{Value, json};

use crate::process::{Market, Said, run};

const FORMS: &str = "side,security,quantity,price,expires,account,wallet\n\
    bid,HRBR,10,24.50,30d,A-1028,victor-chen\n\
    ask,HRBR,11,24.60,30d,A-1001,ada-lindqvist\n\
    ask,SLRA,12,98.60,30d,A-1015,keystone-pension\n";

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
    market.run("audit verify").exits(0);
}

#[test]
fn a_plan_shows_what_an_import_would_post_and_the_same_file_again_changes_nothing() {
    let market = Market::open();
    let line = "order import signed.jsonl";
    write(&market, &sign(&market, FORMS));
    let events = || market.data("audit verify --offline")["events"].clone();
    let before = events();
    let planned = market.data(&format!("{line} --plan"));
    assert_eq!(
        (&planned["new"], &planned["same"], &planned["orders"]),
        (&json!(3), &json!(0), &json!(0))
    );
    let total = |at: usize| {
        let total = &planned["totals"][at];
        json!([
            total["symbol"],
            total["side"],
            total["orders"],
            total["quantity"],
            total["limit_total"]
        ])
    };
    // 10 at 24.50 and 11 at 24.60 with 6 decimals, 12 at 98.60 with 2.
    assert_eq!(total(0), json!(["HRBR", "bid", 1, "10000000", "245000000"]));
    assert_eq!(total(1), json!(["HRBR", "ask", 1, "11000000", "270600000"]));
    assert_eq!(total(2), json!(["SLRA", "ask", 1, "1200", "1183200000"]));
    assert_eq!(events(), before);
    assert_eq!(market.data(line)["orders"], 3);
    let after = events();
    // It is unchanged again even when an order has been cancelled since.
    let orders = market.data("order list --state open --sort posted --descending --limit 1");
    market.data(&format!(
        "order cancel {}",
        orders[0]["id"].as_str().unwrap()
    ));
    for line in [line.to_owned(), format!("{line} --plan")] {
        let again = market.data(&line);
        assert_eq!(
            (&again["orders"], &again["same"], &again["first_seq"]),
            (&json!(0), &json!(3), &json!(null))
        );
    }
    let cancelled = after.as_u64().unwrap() + 1;
    assert_eq!(events(), cancelled);
    let piped = ["order", "import", "signed.jsonl", "--profile", "."];
    let said = run(market.path(), piped).exits(0);
    assert!(
        said.stdout
            .starts_with("nothing to do: 3 orders on the board"),
        "{said:?}"
    );
}

#[test]
fn a_plan_names_what_cannot_be_taken_with_its_line_and_the_rest_beside_it() {
    let market = Market::open();
    let before = open_orders(&market);
    let text = sign(&market, FORMS);
    let first = text.lines().next().unwrap();
    write(&market, &format!("{first}\n"));
    market.data("order import signed.jsonl");
    write(&market, &format!("{text}\nnot json\n{first}\n"));
    let said = market.run("order import signed.jsonl --plan").exits(2);
    let plan = said.json()["data"].clone();
    assert_eq!((&plan["new"], &plan["same"]), (&json!(2), &json!(2)));
    assert_eq!(plan["refused"][0]["line"], 5);
    let messages = messages(&said);
    assert_eq!(messages.len(), 1, "{said:?}");
    assert!(
        messages[0].starts_with("line 5: not a signed order"),
        "{said:?}"
    );
    let causes = market.causes("order import signed.jsonl --plan");
    assert!(causes.contains(&messages[0]), "{causes}");
    assert_eq!(open_orders(&market), before + 1);
}

/// One statement applies to every order of a file: those that say otherwise are named, and belong in files of their
/// own.
#[test]
fn orders_of_several_capacities_in_one_file_are_refused_where_they_disagree() {
    let market = Market::open();
    let before = open_orders(&market);
    let forms = "side,security,quantity,price,expires,account,wallet,capacity,solicited\n\
        bid,HRBR,10,24.50,30d,A-1028,victor-chen,agency,no\n\
        ask,HRBR,11,24.60,30d,A-1001,ada-lindqvist,principal,no\n\
        ask,SLRA,12,98.60,30d,A-1028,keystone-pension,agency,no\n";
    let text = sign(&market, forms);
    write(&market, &text);
    for line in [
        "order import signed.jsonl --plan",
        "order import signed.jsonl",
    ] {
        let said = market.run(line).exits(2);
        let messages = messages(&said);
        assert_eq!(messages.len(), 2, "{said:?}");
        assert!(
            messages[0].starts_with(
                "line 2: the file says capacity principal, but the desk states agency"
            ),
            "{said:?}"
        );
        assert!(
            messages[1]
                .starts_with("line 3: the file says account A-1028, but the desk states A-1015"),
            "{said:?}"
        );
    }
    assert_eq!(open_orders(&market), before);
    let lines: Vec<&str> = text.lines().collect();
    write(&market, lines[0]);
    market.data("order import signed.jsonl");
    write(&market, lines[1]);
    market.data("order import signed.jsonl --capacity principal");
    // What was posted as principal is not the same as agency.
    let said = market.run("order import signed.jsonl").exits(2);
    assert!(
        messages(&said)[0].contains("the file says capacity principal"),
        "{said:?}"
    );
    assert_eq!(open_orders(&market), before + 2);
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
        messages[0].starts_with("line 1: columns security, quantity, limit_total, price, "),
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

#[test]
fn what_a_file_says_for_the_desk_must_agree_with_what_the_desk_states() {
    let market = Market::open();
    let before = open_orders(&market);
    let forms = "side,security,quantity,price,expires,account,wallet,capacity,solicited\n\
        bid,HRBR,10,24.50,30d,A-1028,victor-chen,riskless_principal,yes\n";
    write(&market, &sign(&market, forms));
    for (flags, field) in [
        ("", "capacity"),
        (" --capacity riskless_principal", "solicited"),
        (
            " --account A-1001 --capacity riskless_principal --solicited",
            "account",
        ),
    ] {
        let said = market
            .run(&format!("order post signed.jsonl{flags}"))
            .exits(3);
        assert_eq!(said.code(), "STATEMENT_DIFFERS", "{said:?}");
        assert!(
            messages(&said)[0].contains(&format!("the file says {field}")),
            "{said:?}"
        );
        let said = market
            .run(&format!("order import signed.jsonl{flags}"))
            .exits(2);
        assert!(
            messages(&said)[0].starts_with("line 1: the file says"),
            "{said:?}"
        );
    }
    assert_eq!(open_orders(&market), before);
    let received = "2026-01-02T03:04:05Z";
    let posted = market.data(&format!(
        "order post signed.jsonl --capacity riskless_principal --solicited --received {received}"
    ));
    let order = market.data(&format!("order show {}", posted[0]["id"].as_str().unwrap()));
    assert_eq!(order["account"], "A-1028");
    assert_eq!(order["capacity"], "riskless_principal");
    assert_eq!(
        (&order["solicited"], &order["received_at"]),
        (&true.into(), &received.into())
    );
}

#[test]
fn a_signed_order_that_was_changed_is_refused_and_a_hardware_wallets_v_is_taken() {
    let market = Market::open();
    let before = open_orders(&market);
    let text = sign(&market, FORMS);
    let signed: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let changed = |member: &str, value: &str| {
        let mut order = signed.clone();
        order[member] = value.into();
        order.to_string()
    };
    let renamed = changed("id", &format!("0x{}", "ab".repeat(32)));
    for (order, exit, code, words) in [
        (renamed, 3, "WRONG_ORDER_ID", "the order's digest is"),
        (changed("hidden_fee", "1"), 2, "USAGE", "hidden_fee"),
    ] {
        write(&market, &order);
        let said = market.run("order post signed.jsonl").exits(exit);
        assert_eq!(said.code(), code, "{said:?}");
        assert!(messages(&said)[0].contains(words), "{said:?}");
        let said = market.run("order import signed.jsonl").exits(2);
        let message = &messages(&said)[0];
        assert!(
            message.starts_with("line 1: ") && message.contains(words),
            "{said:?}"
        );
    }
    assert_eq!(open_orders(&market), before);
    let signature = signed["signature"].as_str().unwrap();
    let (point, v) = signature.split_at(signature.len() - 2);
    let low = match v {
        "1b" => "00",
        "1c" => "01",
        other => panic!("v is {other}"),
    };
    write(&market, &changed("signature", &format!("{point}{low}")));
    let posted = market.data("order post signed.jsonl");
    assert_eq!(posted[0]["id"], signed["id"]);
    let order = market.data(&format!("order show {}", signed["id"].as_str().unwrap()));
    assert_eq!(order["signature"], signed["signature"]);
}

#[test]
fn a_code_that_a_spreadsheet_takes_for_a_formula_gets_into_no_book() {
    let market = Market::open();
    let before = market.data("audit log --limit 100000");
    let text = sign(&market, FORMS);
    let mut signed: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    signed.as_object_mut().unwrap().remove("account");
    write(&market, &signed.to_string());
    for account in ["=1+1", "+1+1", "@SUM(A1)", "-2+3"] {
        let table = format!(
            "account,investor,name,wallet,group,country,kyc_expiry\n\
             {account},F-1,Formula,0x00000000000000000000000000000000000000e9,1,840,2035-06-30\n"
        );
        std::fs::write(market.path().join("table.csv"), table).unwrap();
        for line in [
            format!("order post signed.jsonl --account={account}"),
            format!("order import signed.jsonl --account={account}"),
            "investor import table.csv".to_owned(),
            "token register HRBR table.csv".to_owned(),
        ] {
            let said = market.run(&line).exits(2);
            let message = &messages(&said)[0];
            assert!(
                message.contains("which a spreadsheet takes for a formula"),
                "{line}: {message}"
            );
        }
    }
    assert_eq!(market.data("audit log --limit 100000"), before);
}

#[test]
fn an_account_that_nobody_states_is_not_taken_from_the_file() {
    let market = Market::open();
    market.data("wallet new stranger");
    let signed = market.data("order sign bid HRBR 10 24.50 --account A-7 --wallet stranger");
    write(&market, &signed[0].to_string());
    let said = market.run("order post signed.jsonl --offline").exits(2);
    assert_eq!(said.code(), "NO_ACCOUNT", "{said:?}");
    market.data("order post signed.jsonl --offline --account A-7");
}
