//! The acts of issuer, compliance, enforcer, coin issuer, admin and operator, each with what it changes on chain.

use serde_json::{Value, json};

use crate::process::Market;

const ADA: &str = "ada-lindqvist";
const VICTOR: &str = "victor-chen";

/// Whether a transfer of 10 HRBR from ada to victor would be allowed, or the code that refuses it.
fn transfer(market: &Market) -> Option<String> {
    let said = market.run(&format!("token check HRBR {ADA} {VICTOR} 10"));
    (said.exit != 0).then(|| said.code())
}

fn encumbrances(market: &Market, wallet: &str) -> Value {
    market.data(&format!("token encumbrances HRBR {wallet}"))
}

#[test]
fn a_holders_name_never_becomes_the_wallet_that_signs() {
    let market = Market::open();
    market.data(&format!("token freeze HRBR {ADA}"));
    assert_eq!(transfer(&market).as_deref(), Some("RESTRICTION_5"));
    market.data(&format!("token freeze HRBR {ADA} --lift"));
    market.data(&format!("coin minter {ADA} 1"));
    market.data(&format!("coin minter {ADA} --remove"));
    market.data(&format!("coin mint {ADA} 1000"));
    market.data(&format!("token mint HRBR {ADA} 1"));
    assert_eq!(market.holding("HRBR", ADA), "11501");
}

#[test]
fn limits_change_one_by_one_and_refuse_what_exceeds_them() {
    let market = Market::open();
    let before = market.data("token limits HRBR");
    assert_eq!(before["max_holders"], 99);
    market.data("token limits HRBR --max-per-investor 5_255 --granularity 0.5");
    let after = market.data("token limits HRBR");
    assert_eq!(after["max_per_investor"], "5255000000");
    assert_eq!(after["granularity"], "500000");
    assert_eq!(after["max_holders"], 99);
    assert_eq!(transfer(&market).as_deref(), Some("RESTRICTION_11"));
    market.data("token limits HRBR --max-per-investor 0 --granularity 0");
    assert_eq!(market.data("token limits HRBR"), before);
    market.data("token holder-limit HRBR 1 500");
    let said = market.run("token supply-cap HRBR 1").exits(3);
    assert_eq!(said.code(), "SUPPLY_ABOVE_CAP");
    market.data("token supply-cap HRBR 12,000,000");
}

#[test]
fn a_paused_security_moves_nothing_until_it_resumes() {
    let market = Market::open();
    market.data("token pause HRBR");
    assert_eq!(transfer(&market).as_deref(), Some("RESTRICTION_2"));
    market.data("token resume HRBR");
    assert_eq!(transfer(&market), None);
    market.run("token resume HRBR").exits(3);
}

#[test]
fn a_blocked_country_neither_sends_nor_receives() {
    let market = Market::open();
    market.data("token country HRBR 840");
    assert_eq!(transfer(&market).as_deref(), Some("RESTRICTION_15"));
    market.data("token country HRBR 840 --lift");
    assert_eq!(transfer(&market), None);
}

#[test]
fn a_deactivated_security_is_over_for_good() {
    let market = Market::open();
    market.run("token deactivate HRBR").exits(2);
    let early = market.run("token deactivate HRBR --for-good").exits(3);
    assert_eq!(early.code(), "EXPECTED_PAUSE");
    market.data("token pause HRBR");
    market.data("token deactivate HRBR --for-good");
    assert_eq!(transfer(&market).as_deref(), Some("RESTRICTION_18"));
    market.run(&format!("token mint HRBR {ADA} 1")).exits(3);
}

#[test]
fn a_lock_up_is_released_early() {
    let market = Market::open();
    market.data(&format!("token lock HRBR {ADA} 100 --until 2035-01-01"));
    let locked = encumbrances(&market, ADA);
    assert_eq!(
        (&locked["locked"], &locked["free"]),
        (&"100000000".into(), &"11400000000".into())
    );
    assert_eq!(locked["locks"][0]["release"], 2_051_222_400);
    market.data(&format!("token unlock HRBR {ADA} 2035-01-01"));
    assert_eq!(
        encumbrances(&market, ADA)["locks"],
        Value::Array(Vec::new())
    );
    let again = format!("token unlock HRBR {ADA} 2035-01-01");
    assert_eq!(market.run(&again).exits(3).code(), "LOCK_NOT_FOUND");
}

#[test]
fn a_revoked_schedule_gives_back_what_has_not_vested() {
    let market = Market::open();
    market.data(&format!(
        "token grant HRBR {ADA} 1000 --cliff 365d --revocable"
    ));
    let granted = encumbrances(&market, ADA);
    assert_eq!(
        (&granted["unvested"], &granted["holding"]),
        (&"1000000000".into(), &"12500000000".into())
    );
    assert_eq!(granted["schedules"][0]["state"], "revocable");
    market.data(&format!("token revoke HRBR {ADA} 0 --to {VICTOR}"));
    let revoked = encumbrances(&market, ADA);
    assert_eq!(
        (&revoked["unvested"], &revoked["holding"]),
        (&"0".into(), &"11500000000".into())
    );
    assert_eq!(revoked["schedules"][0]["state"], "revoked");
    assert_eq!(market.holding("HRBR", VICTOR), "6250");
}

#[test]
fn a_forced_act_needs_a_reason_and_the_role_and_moves_exactly_that() {
    let market = Market::open();
    let line = format!("token force HRBR {ADA} {VICTOR} 5");
    market.run(&line).exits(2);
    market.run_with(&line, &["--reason", ""]).exits(2);
    let reason = ["--reason", "court order 26-114"];
    let said = market
        .run_with(&format!("{line} --wallet {VICTOR}"), &reason)
        .exits(4);
    assert!(said.stdout.contains("ENFORCER_ROLE"), "{said:?}");
    assert_eq!(market.holding("HRBR", ADA), "11500");
    market.run_with(&line, &reason).exits(0);
    market
        .run_with(&format!("token force-burn HRBR {ADA} 5"), &reason)
        .exits(0);
    assert_eq!(market.holding("HRBR", ADA), "11490");
    assert_eq!(market.holding("HRBR", VICTOR), "5255");
}

#[test]
fn a_lost_wallet_is_replaced_and_an_empty_one_removed() {
    let market = Market::open();
    let recover = |line: &str| {
        let line = format!("token recover HRBR {line}");
        market.run_with(&line, &["--reason", "key lost"])
    };
    let unseen = recover(&format!("{ADA} desk")).exits(3);
    assert_eq!(unseen.code(), "OTHER_INVESTOR");
    let hint = unseen.json()["errors"][0]["hint"].to_string();
    assert!(hint.contains("orderbook token register"), "{hint}");
    assert_eq!(
        recover(&format!("{ADA} {VICTOR}")).exits(3).code(),
        "OTHER_INVESTOR"
    );
    assert_eq!(
        recover(&format!("{ADA} {ADA}")).exits(3).code(),
        "SAME_WALLET"
    );
    assert_eq!(
        recover(&format!("desk {ADA}")).exits(3).code(),
        "NOT_REGISTERED"
    );
    market.second_wallet_of_ada("desk");
    recover(&format!("{ADA} desk")).exits(0);
    assert_eq!(market.holding("HRBR", "desk"), "11500");
    assert_eq!(
        market.run("token remove HRBR desk").exits(3).code(),
        "WALLET_NOT_EMPTY"
    );
    market
        .run_with("token burn HRBR desk 11500", &["--reason", "redemption"])
        .exits(0);
    market.data("token remove HRBR desk");
    let holders = market.data("token holders HRBR");
    let named = |name: &str| {
        holders
            .as_array()
            .unwrap()
            .iter()
            .any(|h| h["wallet"] == name)
    };
    assert!(!named("desk") && !named(ADA), "{holders}");
}

#[test]
fn a_paused_coin_moves_nothing_until_it_resumes() {
    let market = Market::open();
    market.data("coin pause");
    assert_eq!(market.data("coin show")["paused"], true);
    let said = market
        .run(&format!("approve coin 1 --wallet {ADA}"))
        .exits(3);
    assert_eq!(said.code(), "ENFORCED_PAUSE");
    market.data("coin resume");
    market.data(&format!("approve coin 1 --wallet {ADA}"));
}

#[test]
fn a_seizure_needs_role_order_and_blacklist() {
    let market = Market::open();
    let line = format!("coin seize {ADA} --to treasury");
    market.run(&line).exits(2);
    let order = ["--order", "court order 26-114"];
    assert!(
        market
            .run_with(&line, &order)
            .exits(4)
            .stdout
            .contains("SEIZER_ROLE")
    );
    market.data("role grant coin SEIZER_ROLE counsel");
    let said = market.run_with(&line, &order).exits(3);
    assert_eq!(said.code(), "ACCOUNT_NOT_BLACKLISTED");
    let supply = market.data("coin show")["supply"].clone();
    market.data(&format!("coin blacklist {ADA} {VICTOR}"));
    market.run_with(&line, &order).exits(0);
    assert_eq!(market.data("coin show")["supply"], supply);
    market
        .run_with(&format!("coin seize {VICTOR}"), &order)
        .exits(0);
    assert_ne!(market.data("coin show")["supply"], supply);
    market.data(&format!("coin blacklist {ADA} {VICTOR} --lift"));
}

#[test]
fn tokens_stuck_in_the_coin_are_rescued() {
    let market = Market::open();
    let settings = market.data("config show");
    let settings = settings.as_array().unwrap();
    let coin = settings.iter().find(|s| s["setting"] == "coin").unwrap()["value"].clone();
    let coin = coin.as_str().unwrap();
    let table = format!(
        "account,investor,name,wallet,group,country,kyc_expiry\nX,STUCK-1,Stuck,{coin},1,840,2035-06-30\n"
    );
    std::fs::write(market.path().join("stuck.csv"), table).unwrap();
    market.data("token register HRBR stuck.csv");
    market.data(&format!("token mint HRBR {coin} 5"));
    market.run(&format!("coin rescue HRBR {ADA} 5")).exits(4);
    market.data("role grant coin RESCUER_ROLE counsel");
    market.data(&format!("coin rescue HRBR {ADA} 5"));
    assert_eq!(market.holding("HRBR", ADA), "11505");
}

#[test]
fn the_admin_moves_in_two_steps_and_can_be_kept() {
    let market = Market::open();
    let admins = || {
        let rows = market.data("role show SLRA");
        let rows = rows.as_array().unwrap().clone();
        let admins = rows.into_iter().filter(|row| {
            let role = row["role"].as_str().unwrap();
            role.starts_with("DEFAULT_ADMIN_ROLE")
        });
        admins
            .map(|row| row["wallet"].as_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    market.data("role hand-over SLRA auditor");
    assert_eq!(admins(), ["counsel", "auditor"]);
    market.data("role keep SLRA");
    market.run("role accept SLRA --wallet auditor").exits(4);
    market.data("role hand-over SLRA auditor");
    market.run("role accept SLRA --wallet treasury").exits(4);
    market.data("role accept SLRA --wallet auditor");
    assert_eq!(admins(), ["auditor"]);
    market.run("role grant SLRA ISSUER_ROLE desk").exits(4);
}

#[test]
fn roles_are_granted_revoked_and_given_up() {
    let market = Market::open();
    let line = "token pause HRBR --wallet treasury";
    market.run(line).exits(4);
    market.data("role grant HRBR PAUSER_ROLE treasury");
    market.data(line);
    market.data("role revoke HRBR PAUSER_ROLE treasury");
    market.run("token resume HRBR --wallet treasury").exits(4);
    market.data("role renounce HRBR PAUSER_ROLE --wallet counsel");
    // Whoever may pause may not resume: that is the admin's.
    market.data("token resume HRBR");
    assert_eq!(
        market.run("role grant HRBR NOPE_ROLE desk").exits(2).code(),
        "USAGE"
    );
}

#[test]
fn a_paused_settlement_settles_nothing_and_owners_can_still_cancel() {
    let market = Market::open();
    market.run("settlement pause").exits(4);
    market.data("role grant settlement PAUSER_ROLE counsel");
    market.data("settlement pause");
    assert_eq!(market.data("settlement show")["paused"], true);
    let (bid, ask) = market.approved_match();
    market.run(&format!("settle {bid} {ask} --signed")).exits(3);
    market.data(&format!("order cancel {bid} --on-chain --wallet {VICTOR}"));
    market.data("settlement resume");
    assert_eq!(market.data("settlement show")["paused"], false);
    assert_eq!(
        market.data(&format!("order show {bid}"))["state"],
        "CANCELLED"
    );
}

#[test]
fn a_withdrawn_security_does_not_settle_until_it_is_admitted_again() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    market.data("token admit HRBR --withdraw");
    assert_eq!(market.data("settlement show")["not_admitted"][0], "HRBR");
    market.run(&format!("settle {bid} {ask} --signed")).exits(3);
    market.data("token admit HRBR");
    market.data(&format!("settle {bid} {ask} --signed"));
}

#[test]
fn the_operator_cancels_only_what_is_registered_and_with_a_reason() {
    let market = Market::open();
    let bid = market.post(&format!(
        "bid HRBR 10 24.50 --account A-1028 --wallet {VICTOR}"
    ));
    let line = format!("order cancel {bid} --on-chain --as-operator");
    let said = market
        .run_with(&line, &["--reason", "account closed"])
        .exits(3);
    assert_eq!(said.code(), "ORDER_NOT_CANCELLABLE");
    market
        .run_with(&line, &["--reason", &"x".repeat(33)])
        .exits(2);
    assert_eq!(market.data(&format!("order show {bid}"))["state"], "OPEN");
    // A settlement that is refused leaves its orders registered.
    let ask = market.post(&format!(
        "ask HRBR 10 24.50 --account A-1001 --wallet {ADA}"
    ));
    market.data(&format!("approve coin 1000000 --wallet {VICTOR}"));
    market.data(&format!("approve HRBR 1000 --wallet {ADA}"));
    let matched = market.data(&format!("match propose {bid} {ask}"));
    market.data(&format!(
        "match approve {}",
        matched["id"].as_str().unwrap()
    ));
    market.data(&format!("order register {bid}"));
    let stranger = format!("{line} --wallet {ADA}");
    market
        .run_with(&stranger, &["--reason", "account closed"])
        .exits(4);
    market
        .run_with(&line, &["--reason", "account closed"])
        .exits(0);
    assert_eq!(
        market.data(&format!("order show {bid}"))["state"],
        "CANCELLED"
    );
    market.run("audit verify").exits(0);
}

#[test]
fn everything_a_wallet_has_signed_is_cancelled_at_once() {
    let market = Market::open();
    let line = format!("bid HRBR 10 24.50 --account A-1028 --wallet {VICTOR}");
    let (first, second) = (market.post(&line), market.post(&line));
    assert_eq!(market.data(&format!("order epoch {VICTOR}"))["epoch"], 0);
    let cancelled = market.data(&format!("order cancel-all --wallet {VICTOR}"));
    // The block's time: nobody can have signed an order for it yet.
    let epoch = cancelled["epoch"].as_u64().unwrap();
    let block = market.node("eth_getBlockByNumber", &json!(["latest", false]));
    let time = block["timestamp"]
        .as_str()
        .unwrap()
        .trim_start_matches("0x");
    assert_eq!(epoch, u64::from_str_radix(time, 16).unwrap());
    for id in [first, second] {
        assert_eq!(
            market.data(&format!("order show {id}"))["state"],
            "CANCELLED"
        );
    }
    assert_eq!(
        market.data(&format!("order epoch {VICTOR}"))["epoch"],
        epoch
    );
    let next = market.post(&format!("{line} --epoch {epoch}"));
    assert_eq!(market.data(&format!("order show {next}"))["state"], "OPEN");
    market.run("audit verify").exits(0);
}

#[test]
fn a_live_profile_sends_nothing_before_its_name_is_typed() {
    let market = Market::open();
    market.go_live();
    for line in [
        "token pause HRBR",
        "settlement pause",
        "role keep HRBR",
        "coin pause",
    ] {
        assert_eq!(market.run(line).exits(3).code(), "NOT_CONFIRMED", "{line}");
        let wrong = format!("{line} --confirm harbour-street");
        assert_eq!(
            market.run(&wrong).exits(3).code(),
            "NOT_CONFIRMED",
            "{line}"
        );
    }
    assert_eq!(transfer(&market), None);
    market.data("token pause HRBR --confirm harbor-street");
    assert_eq!(transfer(&market).as_deref(), Some("RESTRICTION_2"));
}
