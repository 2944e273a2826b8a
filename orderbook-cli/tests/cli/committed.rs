//! A principal's second key: matches that are committed on chain, what they bind and how they end; and what the audit
//! tells a supervisor.

use serde_json::{Value, json};

use crate::process::Market;

/// The first hint of a refusal.
fn hints(said: &crate::process::Said) -> Vec<String> {
    let answer = said.json();
    let errors = answer["errors"].as_array().unwrap().clone();
    errors
        .iter()
        .map(|error| error["hint"].as_str().unwrap_or_default().to_string())
        .collect()
}

fn warnings(said: &crate::process::Said) -> Vec<String> {
    let answer = said.json();
    let warnings = answer["warnings"].as_array().unwrap().clone();
    warnings
        .iter()
        .map(|warning| warning.as_str().unwrap().to_string())
        .collect()
}

#[test]
fn a_committed_match_binds_both_parties_until_it_settles() {
    let market = Market::open();
    let (bid, ask, matched) = market.match_to_commit();
    let committed = market.data(&format!("match approve {matched} --commit --for 48h"));
    assert_eq!(committed["state"], "COMMITTED");
    let until = committed["until"].as_u64().unwrap();
    assert_eq!(market.match_of(&bid)["committed_until"], until);
    assert_eq!(market.match_state(&bid), "COMMITTED");
    let shown = market.data(&format!("order show {ask}"));
    assert_eq!(
        (&shown["commitment"]["bid"], &shown["commitment"]["until"]),
        (&json!(bid), &json!(until))
    );
    assert_eq!(
        market.data("book HRBR")["committed"][0]["ask"],
        ask.as_str()
    );
    // 10 HRBR for $245 are held, in the parties' own wallets.
    let encumbered = market.data("token encumbrances HRBR ada-lindqvist");
    assert_eq!(
        (&encumbered["held"], &encumbered["free"]),
        (&"10000000".into(), &"11490000000".into())
    );
    let said = market
        .run("token check HRBR ada-lindqvist victor-chen 11495")
        .exits(3);
    assert_eq!(said.code(), "RESTRICTION_20");
    for (id, owner) in [(&bid, "victor-chen"), (&ask, "ada-lindqvist")] {
        let line = format!("order cancel {id} --on-chain --wallet {owner}");
        assert_eq!(market.run(&line).exits(3).code(), "ORDER_COMMITTED");
        market.run(&format!("order cancel {id}")).exits(3);
    }
    market.run(&format!("match refuse {matched}")).exits(3);
    // Withdrawing the allowance and ending the epoch come too late.
    market.data("approve HRBR 0 --wallet ada-lindqvist");
    market.data("order cancel-all --wallet ada-lindqvist");
    market.run("audit verify").exits(0);
    let ready = market.data(&format!("preflight {bid} {ask}"));
    assert_eq!(
        (&ready["would_settle"], &ready["committed_until"]),
        (&true.into(), &json!(until))
    );
    let settled = market.data(&format!("settle {bid} {ask}"));
    assert_eq!(settled["total"], "245000000");
    assert_eq!(market.holding("HRBR", "ada-lindqvist"), "11490");
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("sync").exits(0);
    market.run("audit verify").exits(0);
}

#[test]
fn a_released_match_is_over_and_says_which_allowances_are_needed_again() {
    let market = Market::open();
    let (bid, ask, matched) = market.match_to_commit();
    market.data(&format!("match approve {matched} --commit"));
    market.run(&format!("match release {matched}")).exits(2);
    let said = market
        .run_with(
            &format!("match release {matched}"),
            &["--reason", "buyer in default"],
        )
        .exits(0);
    assert_eq!(said.json()["data"]["not_dropped"], json!([]));
    assert_eq!(market.match_state(&bid), "REFUSED");
    let encumbered = market.data("token encumbrances HRBR ada-lindqvist");
    assert_eq!(encumbered["held"], "0");
    let refused = market.run(&format!("preflight {bid} {ask}")).exits(3);
    let hints = hints(&refused);
    for exact in ["orderbook approve HRBR 10", "orderbook approve coin 245"] {
        assert!(hints.iter().any(|hint| hint.contains(exact)), "{hints:?}");
    }
    let again = market.run_with(&format!("match release {matched}"), &["--reason", "again"]);
    assert_eq!(again.exits(3).code(), "NOT_COMMITTED");
    market.run("audit verify").exits(0);
    // An order is committed only once in its life: nobody can bind it for longer.
    market.data("approve coin 245 --wallet victor-chen");
    market.data("approve HRBR 10 --wallet ada-lindqvist");
    let second = market.data(&format!("match propose {bid} {ask}"))["id"].clone();
    let second = second.as_str().unwrap();
    let said = market
        .run(&format!("match approve {second} --commit"))
        .exits(3);
    assert_eq!(said.code(), "ORDER_COMMITTED_BEFORE");
}

#[test]
fn a_commitment_that_ends_by_time_leaves_the_orders_to_their_owners() {
    let market = Market::open();
    let (bid, _, matched) = market.match_to_commit();
    market.data(&format!("match approve {matched} --commit --for 1h"));
    market.data("order cancel-all --wallet victor-chen");
    assert_eq!(market.data(&format!("order show {bid}"))["state"], "OPEN");
    market.pass(3_600);
    // Dead with its epoch from that second on.
    let said = market.run("audit verify").exits(6);
    assert_eq!(said.code(), "CHAIN_DIFFERS");
    let causes = market.causes("audit verify");
    for error in said.json()["errors"].as_array().expect("errors") {
        let message = error["message"].as_str().expect("words");
        assert!(causes.contains(message), "{message}: {causes}");
    }
    market.data("sync");
    assert_eq!(
        market.data(&format!("order show {bid}"))["state"],
        "CANCELLED"
    );
    assert_eq!(market.match_state(&bid), "REFUSED");
    market.run("audit verify").exits(0);
}

#[test]
fn only_committed_matches_settle_where_that_is_demanded() {
    let market = Market::open();
    market.data("settlement commitments --required");
    assert_eq!(market.data("settlement show")["commitment_required"], true);
    let (bid, ask, matched) = market.match_to_commit();
    let said = market.run(&format!("settle {bid} {ask} --signed")).exits(3);
    assert_eq!(said.code(), "SETTLEMENT_32");
    assert!(hints(&said)[0].contains("match approve"), "{said:?}");
    market.data(&format!("match approve {matched} --commit"));
    market.data(&format!("settle {bid} {ask}"));
    market.data("settlement commitments --optional");
    let (bid, ask) = market.approved_match();
    market.data(&format!("settle {bid} {ask} --signed"));
}

#[test]
fn what_cannot_be_committed_is_refused_and_the_book_says_nothing() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let matched = market.match_of(&bid)["id"].as_str().unwrap().to_string();
    let commit = format!("match approve {matched} --commit");
    // The operator, or the owner, puts orders on chain.
    let said = market.run(&commit).exits(3);
    assert_eq!(said.code(), "NOT_ON_CHAIN");
    assert!(hints(&said)[0].contains("order register"), "{said:?}");
    for id in [&bid, &ask] {
        market.data(&format!("order register {id}"));
    }
    for term in ["0s", "73h"] {
        market.run(&format!("{commit} --for {term}")).exits(2);
    }
    market.run(&format!("{commit} --wallet dana")).exits(4);
    // The operator has a different role from a principal, and nobody has both.
    let said = market.run(&format!("{commit} --wallet desk")).exits(4);
    assert!(said.stdout.contains("PRINCIPAL_ROLE"), "{said:?}");
    let said = market
        .run("role grant settlement PRINCIPAL_ROLE desk")
        .exits(4);
    assert_eq!(said.code(), "ROLES_EXCLUDE");
    market.data("approve HRBR 9 --wallet ada-lindqvist");
    let said = market.run(&commit).exits(3);
    assert_eq!(said.code(), "SETTLEMENT_21");
    assert_eq!(
        hints(&said),
        ["have the seller run: orderbook approve HRBR 10"]
    );
    assert_eq!(market.match_state(&bid), "APPROVED");
    market.data("approve HRBR 10 --wallet ada-lindqvist");
    market.data(&commit);
    assert_eq!(market.run(&commit).exits(3).code(), "NOT_APPROVED");
}

/// A public chain is any chain with an id other than the embedded one's.
#[test]
fn one_folder_with_both_keys_commits_and_settles_nothing_elsewhere() {
    let mut market = Market::open();
    market.node("anvil_setChainId", &json!([421_614]));
    let profile = market.path().join("orderbook.toml");
    let text = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, text.replace("412346", "421614")).unwrap();
    market.store = market.path().join("elsewhere.db").display().to_string();
    market.set_up_anew();
    let (bid, ask, matched) = market.match_to_commit();
    for line in [
        format!("match approve {matched} --commit"),
        format!("settle {bid} {ask}"),
    ] {
        let said = market.run(&line).exits(4);
        assert_eq!(said.code(), "KEYS_TOGETHER", "{line}");
    }
    assert_eq!(market.match_state(&bid), "APPROVED");
    let checks = market.run("doctor").exits(1);
    assert_eq!(checks.code(), "KEYS_TOGETHER");
}

#[test]
fn another_desk_learns_of_commitments_and_releases_from_the_chain() {
    let market = Market::open();
    let (bid, _, matched) = market.match_to_commit();
    let other = market.with_a_copy_of_the_book();
    for (line, state, counted) in [
        (
            format!("match approve {matched} --commit"),
            "COMMITTED",
            "committed",
        ),
        (
            format!("match release {matched} --reason error"),
            "REFUSED",
            "released",
        ),
    ] {
        market.data(&line);
        let said = other.run("audit verify").exits(6);
        assert!(said.stdout.contains(counted), "{said:?}");
        assert_eq!(other.data("sync")[counted], 1);
        assert_eq!(other.match_state(&bid), state);
        other.run("audit verify").exits(0);
        assert_eq!(other.data("sync")[counted], 0);
    }
    // The earlier chain has less than the book.
    let (_, _, matched) = market.match_to_commit();
    let snapshot = market.node("evm_snapshot", &json!([]));
    market.data(&format!("match approve {matched} --commit"));
    market.node("evm_revert", &json!([snapshot]));
    market.node("evm_mine", &json!([]));
    let said = market.run("audit verify").exits(6);
    assert!(said.stdout.contains("committed on chain"), "{said:?}");
}

#[test]
fn a_commitment_that_nobody_approved_is_named() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    for id in [&bid, &ask] {
        market.data(&format!("order register {id}"));
    }
    let other = market.with_a_copy_of_the_book();
    let matched = market.match_of(&bid)["id"].as_str().unwrap().to_string();
    other.data(&format!("match refuse {matched}"));
    market.data(&format!("match approve {matched} --commit"));
    let said = other.run("sync").exits(0);
    assert!(warnings(&said)[0].contains("no approved match"), "{said:?}");
    other.run("audit verify").exits(6);
}

#[test]
fn an_owner_without_ether_signs_a_cancel_that_anybody_sends() {
    let market = Market::open();
    let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let sign = format!("order cancel {bid} --sign");
    market
        .run(&format!("{sign} --wallet ada-lindqvist"))
        .exits(4);
    let signed = market.data(&format!("{sign} --wallet victor-chen"));
    assert_eq!(market.data(&format!("order show {bid}"))["state"], "OPEN");
    let forged = {
        let mut forged = signed.clone();
        let other = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
        forged["id"] = json!(other);
        forged
    };
    std::fs::write(market.path().join("forged.json"), forged.to_string()).unwrap();
    let said = market.run("order cancel --signed forged.json").exits(4);
    assert_eq!(said.code(), "INVALID_SIGNATURE");
    let mut foreign = signed.clone();
    foreign["chain_id"] = json!(1);
    std::fs::write(market.path().join("foreign.json"), foreign.to_string()).unwrap();
    assert_eq!(
        market
            .run("order cancel --signed foreign.json")
            .exits(3)
            .code(),
        "OTHER_VENUE"
    );
    std::fs::write(market.path().join("cancel.json"), signed.to_string()).unwrap();
    market.data("order cancel --signed cancel.json --wallet treasury");
    assert_eq!(
        market.data(&format!("order show {bid}"))["state"],
        "CANCELLED"
    );
    market.run("audit verify").exits(0);
}

#[test]
fn verify_names_an_owner_on_both_sides_and_one_that_operated() {
    let market = Market::open();
    let before = warnings(&market.run("audit verify").exits(0)).len();
    let (bid, ask) = market.approved_match();
    market.data(&format!("settle {bid} {ask} --signed"));
    // Victor bought from ada, and sells to her on the same day.
    let bid = market.post("bid HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist");
    let ask = market.post("ask HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    market.data("approve coin 245 --wallet ada-lindqvist");
    market.data("approve HRBR 10 --wallet victor-chen");
    let matched = market.data(&format!("match propose {bid} {ask}"))["id"].clone();
    market.data(&format!("match approve {}", matched.as_str().unwrap()));
    market.data(&format!("settle {bid} {ask} --signed"));
    let said = market.run("audit verify").exits(0);
    let found = warnings(&said);
    assert!(found.len() > before, "{said:?}");
    let victor = market.wallet("victor-chen");
    let named = |found: &[String], words: &str| {
        let mut found = found.iter();
        found.any(|remark| remark.contains(&victor) && remark.contains(words))
    };
    assert!(named(&found, "both sides"), "{found:?}");
    let remarks = said.json()["data"]["remarks"].clone();
    let kinds: Vec<&Value> = remarks
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kind"])
        .collect();
    assert!(kinds.contains(&&json!("both_sides")), "{remarks}");
    assert!(!kinds.contains(&&json!("owner_role")), "{remarks}");
}

#[test]
fn verify_names_an_anchor_of_fewer_events() {
    let market = Market::open();
    let late = market.with_a_copy_of_the_book();
    let (bid, ask) = market.approved_match();
    market.data(&format!("settle {bid} {ask} --signed"));
    market.data("audit anchor");
    late.data("audit anchor");
    market.data("sync");
    let said = market.run("audit verify").exits(0);
    let found = warnings(&said);
    assert!(
        found
            .iter()
            .any(|remark| remark.contains("were anchored before it")),
        "{said:?}"
    );
}
