//! Rules about persons, not wallets; holding periods, classes, and limits that dust would fill.

use serde_json::{Value, json};

use crate::process::Market;

const ADA: &str = "ada-lindqvist";

fn holder(market: &Market, wallet: &str) -> Value {
    let holders = market.data("token holders HRBR");
    let mut holders = holders.as_array().unwrap().iter();
    holders
        .find(|holder| holder["wallet"] == wallet)
        .unwrap()
        .clone()
}

fn warning(market: &Market, line: &str) -> String {
    let answer = market.run(line).exits(0).json();
    answer["warnings"][0]
        .as_str()
        .unwrap_or_default()
        .to_string()
}

#[test]
fn an_investor_changes_in_all_wallets_at_once() {
    let market = Market::open();
    market.second_wallet_of_ada("issuer");
    market.data("token investor HRBR HSS-INV-1001 --group 3 --country 826 --kyc-expiry 2034-01-31");
    for wallet in [ADA, "issuer"] {
        let found = holder(&market, wallet);
        assert_eq!(
            (&found["group"], &found["country"]),
            (&"3".into(), &"826".into()),
            "{wallet}"
        );
        assert_eq!(found["kyc_until"], "2034-01-31", "{wallet}");
    }
    let said = market
        .run("token investor HRBR NOBODY --group 1 --country 840 --kyc-expiry 2034-01-31")
        .exits(3);
    assert_eq!(said.code(), "INVESTOR_NOT_FOUND");
}

#[test]
fn a_cap_table_that_takes_an_investor_s_wallets_apart_is_refused_with_its_line() {
    let market = Market::open();
    market.second_wallet_of_ada("issuer");
    let register = |rows: &str| {
        let table = format!("account,investor,name,wallet,group,country,kyc_expiry\n{rows}");
        std::fs::write(market.path().join("rows.csv"), table).unwrap();
        market.run("token register HRBR rows.csv")
    };
    let said = register("A-1001,HSS-INV-1001,Ada Lindqvist,issuer,2,840,2035-06-30\n").exits(3);
    assert_eq!(said.code(), "ROW_REFUSED");
    assert!(said.stdout.contains("token investor"), "{said:?}");
    let said =
        register("X-1,NEW-7,New,desk,1,840,2035-06-30\nX-1,NEW-7,New,auditor,1,840,2035-06-29\n")
            .exits(2);
    assert!(
        said.stdout.contains(
            "line 3: kyc_expiry is 2035-06-29T00:00:00Z, but 2035-06-30T00:00:00Z in line 2"
        ),
        "{said:?}"
    );
    let holders = market.data("token holders HRBR");
    let holders = holders.as_array().unwrap();
    assert!(
        !holders.iter().any(|holder| holder["wallet"] == "desk"),
        "{holders:?}"
    );
}

#[test]
fn a_sanction_and_a_freeze_are_the_investor_s() {
    let market = Market::open();
    market.second_wallet_of_ada("issuer");
    let plan = market.data(&format!("token sanction HRBR {ADA} --plan"));
    assert_eq!(
        plan["also"],
        json!([market.wallet("issuer").to_lowercase()])
    );
    market.data(&format!("token sanction HRBR {ADA}"));
    assert_eq!(holder(&market, "issuer")["state"], "sanctioned");
    // One of them named, the other follows; both named is one investor.
    market.data(&format!("token sanction HRBR issuer {ADA} --lift"));
    assert_eq!(holder(&market, ADA)["state"], "ok");
    assert_eq!(
        market.data(&format!("token sanction HRBR {ADA} --lift"))["already"],
        true
    );
    let said = market.data("token freeze HRBR issuer");
    let done = said["done"].as_str().unwrap();
    assert!(
        done.ends_with("and 1 other wallet of the same investor"),
        "{said}"
    );
    assert_eq!(holder(&market, ADA)["state"], "frozen");
    market.data(&format!("token freeze HRBR {ADA} --lift"));
    assert_eq!(holder(&market, "issuer")["state"], "ok");
}

#[test]
fn a_holding_period_ends_with_a_day_in_utc_and_many_of_them_are_warned_of() {
    let market = Market::open();
    let mint = |until: &str| format!("token mint HRBR {ADA} 5 --locked-until {until}");
    for until in ["2035-01-01T09:30:00Z", "2035-01-01T23:59:59Z", "2035-01-02"] {
        assert_eq!(warning(&market, &mint(until)), "");
    }
    let encumbered = market.data(&format!("token encumbrances HRBR {ADA}"));
    // The first second of 2035-01-02 is 2,051,308,800.
    assert_eq!(
        encumbered["locks"],
        json!([{ "quantity": "15000000", "release": 2_051_308_800_u64 }])
    );
    for day in 3..13 {
        assert_eq!(
            warning(&market, &mint(&format!("2035-01-{day:02}"))),
            "",
            "{day}"
        );
    }
    let said = warning(&market, &mint("2035-01-13"));
    assert!(said.contains("12 lock-ups of at most 16"), "{said}");
}

#[test]
fn a_limit_on_holders_that_dust_would_fill_is_warned_of() {
    let market = Market::open();
    // The demo's minimum is one token.
    assert_eq!(warning(&market, "token limits HRBR"), "");
    assert_eq!(warning(&market, "token holder-limit HRBR 1 90"), "");
    let dusty = warning(&market, "token limits HRBR --min-holding 0.999999");
    assert!(dusty.contains("--min-holding 1"), "{dusty}");
    for line in [
        "token limits HRBR",
        "token holder-limit HRBR 1 91",
        "token class-limit HRBR 1,3 90",
    ] {
        assert!(warning(&market, line).contains("tiny transfers"), "{line}");
    }
    assert_eq!(warning(&market, "token holder-limit HRBR 1 0"), "");
    let limits = market.data("token limits HRBR");
    assert_eq!(limits["classes"][0]["groups"], json!([1, 3]));
    assert_eq!(limits["classes"][0]["max_holders"], 90);
    market.data("token class-limit HRBR 1,3 0");
    assert_eq!(market.data("token limits HRBR")["classes"], json!([]));
    let said = market.run("token class-limit HRBR 2 0").exits(3);
    assert_eq!(said.code(), "CLASS_NOT_FOUND");
    assert!(said.stdout.contains("groups 2 are not a class"), "{said:?}");
}

#[test]
fn a_class_that_is_full_is_named_with_its_groups() {
    let market = Market::open();
    let limits = market.data("token limits HRBR");
    assert_eq!(limits["classes"], json!([]));
    market.data("token class-limit HRBR 1,3 1");
    // Somebody of group 1 who holds nothing yet.
    let table = "account,investor,name,wallet,group,country,kyc_expiry\n\
                 Z-1,NEW-9,New Nine,0x00000000000000000000000000000000000000e9,1,840,2035-06-30\n";
    std::fs::write(market.path().join("nine.csv"), table).unwrap();
    market.data("token register HRBR nine.csv");
    let said = market
        .run(&format!(
            "token check HRBR {ADA} 0x00000000000000000000000000000000000000e9 1"
        ))
        .exits(3);
    assert_eq!(said.code(), "RESTRICTION_13");
    assert!(said.stdout.contains("groups 1, 3 have"), "{said:?}");
}

#[test]
fn programs_say_how_long_they_run_and_are_kept_alive_from_the_31st_day_on() {
    let market = Market::open();
    let programs = market.data("programs");
    let programs = programs.as_array().unwrap();
    let names: Vec<_> = programs
        .iter()
        .map(|one| one["program"].as_str().unwrap())
        .collect();
    let all = [
        "coin",
        "settlement",
        "distribution",
        "documents",
        "HRBR",
        "SLRA",
    ];
    assert_eq!(names, all);
    assert!(
        programs.iter().all(|one| one["state"] == "ok"),
        "{programs:?}"
    );
    let said = market.run("programs keepalive settlement").exits(3);
    assert_eq!(said.code(), "PROGRAM_KEEPALIVE_TOO_SOON");
    market.pass(310 * 86_400);
    assert!(warning(&market, "programs").contains("days more"));
    let kept = market.data("programs keepalive settlement");
    assert_ne!(kept["fee"], "0");
    let programs = market.data("programs");
    let state = |name: &str| {
        let mut programs = programs.as_array().unwrap().iter();
        programs.find(|one| one["program"] == name).unwrap()["state"].clone()
    };
    assert_eq!(
        (state("settlement"), state("coin")),
        ("ok".into(), "60 days or less".into())
    );
    market.pass(60 * 86_400);
    let said = market.run("programs").exits(5);
    assert_eq!(said.code(), "PROGRAM_OVER");
    let said = market.run("coin show").exits(3);
    assert_eq!(said.code(), "PROGRAM_EXPIRED");
    let hint = said.json()["errors"][0]["hint"].to_string();
    assert!(
        hint.contains("approve TOKEN 0") && hint.contains("order cancel"),
        "{hint}"
    );
}
