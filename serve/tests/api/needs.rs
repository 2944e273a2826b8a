//! What an order lacks, what a wallet holds, and what a market shows besides lots.

use std::sync::atomic::Ordering;

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use book::market::order::Side;
use desk::chain::abi::ISecurityToken;
use serde_json::{Value, json};

use super::binding::committed;
use super::stage::*;

/// Sets what a wallet holds of a token: the whole balance, what can move, what the settlement contract may take.
fn has(stage: &Stage, owner: u8, token: Address, means: (u128, u128, u128)) {
    let mut known = stage.node.means.lock().unwrap();
    known.insert((address(owner), token), means);
}

fn need(shown: &Value, token: Address) -> &Value {
    let needs = shown["needs"].as_array().unwrap();
    let mut needs = needs.iter();
    needs.find(|need| need["token"] == json!(token)).unwrap()
}

#[tokio::test]
async fn an_order_is_taken_and_its_view_says_what_is_missing_alone_and_together() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let coin = identity().payment;
        // 1,500 dollars, of which 500 are held, and 1,050 allowed.
        let means = (1_500 * DOLLAR, 1_000 * DOLLAR, 1_050 * DOLLAR);
        has(&stage, ADA, coin, means);
        let first = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        stage.posted(&ada, &order(ADA, Side::Bid, 10, 200)).await;
        let path = format!("/v1/orders/{first}");
        let shown = stage.get(&path, &ada).await.is(200).json();
        let found = need(&shown, coin);
        for (member, wanted) in [
            ("free", 1_000),
            ("allowance", 1_050),
            ("needed", 1_050),
            ("missing_balance", 50),
            ("missing_allowance", 0),
            ("needed_together", 1_250),
            ("missing_balance_together", 250),
            ("missing_allowance_together", 200),
        ] {
            let wanted = (wanted * DOLLAR).to_string();
            assert_eq!(found[member], json!(wanted), "{member}");
        }
        assert_eq!(
            (&found["symbol"], &found["decimals"]),
            (&json!("TsUSDC"), &json!(6))
        );
        // The approval is for exactly what both need.
        let approve = &found["approve"];
        assert_eq!(
            (&approve["to"], &approve["call"]),
            (&json!(coin), &json!("approve"))
        );
        let sent: Bytes = approve["data"].as_str().unwrap().parse().unwrap();
        let call = ISecurityToken::approveCall::abi_decode(&sent).unwrap();
        assert_eq!(
            (call.spender, call.value),
            (identity().contract, U256::from(1_250 * DOLLAR))
        );
        // A bid needs nothing of the security.
        let found = need(&shown, security().token);
        assert_eq!(
            (
                &found["needed"],
                &found["missing_balance"],
                &found["approve"]
            ),
            (&json!("0"), &json!("0"), &Value::Null)
        );
        // The desk sees the same.
        let dana = stage.sign_in(DANA).await;
        let desk = stage.get(&path, &dana).await.is(200).json();
        assert_eq!(desk["needs"], shown["needs"]);
        has(
            &stage,
            ADA,
            coin,
            (2_000 * DOLLAR, 2_000 * DOLLAR, 1_250 * DOLLAR),
        );
        let shown = stage.get(&path, &ada).await.json();
        let found = need(&shown, coin);
        assert_eq!(
            (&found["missing_balance_together"], &found["approve"]),
            (&json!("0"), &Value::Null)
        );
    }
}

#[tokio::test]
async fn an_ask_needs_the_security_and_what_is_closed_needs_nothing() {
    let stage = stage().await;
    let ben = stage.sign_in(BEN).await;
    has(&stage, BEN, security().token, (90 * TOKEN, 80 * TOKEN, 0));
    let posted = stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_050)).await;
    let path = format!("/v1/orders/{posted}");
    let shown = stage.get(&path, &ben).await.json();
    let found = need(&shown, security().token);
    assert_eq!(
        (&found["missing_balance"], &found["missing_allowance"]),
        (
            &json!((20 * TOKEN).to_string()),
            &json!((100 * TOKEN).to_string())
        )
    );
    // An order can be viewed even while the node is away.
    stage.node.gone.store(true, Ordering::SeqCst);
    let shown = stage.get(&path, &ben).await.is(200).json();
    assert_eq!(shown["needs"], Value::Null);
    stage.node.gone.store(false, Ordering::SeqCst);
    stage.turn(200_000);
    let ben = stage.sign_in(BEN).await;
    let shown = stage.get(&path, &ben).await.json();
    assert_eq!(
        (&shown["expired"], &shown["needs"]),
        (&json!(true), &Value::Null)
    );
    stage.delete(&path, &ben).await;
    assert_eq!(stage.get(&path, &ben).await.json()["needs"], Value::Null);
}

#[tokio::test]
async fn what_is_committed_needs_nothing_more() {
    let stage = stage().await;
    let (_, pair, _) = committed(&stage).await;
    let ada = stage.sign_in(ADA).await;
    let other = stage.posted(&ada, &order(ADA, Side::Bid, 10, 200)).await;
    let shown = stage.get(&format!("/v1/orders/{}", pair.bid), &ada).await;
    assert_eq!(shown.is(200).json()["needs"], Value::Null);
    // Its tokens are held, so they do not count towards the others.
    let shown = stage.get(&format!("/v1/orders/{other}"), &ada).await.json();
    let found = need(&shown, identity().payment);
    assert_eq!(found["needed_together"], json!((200 * DOLLAR).to_string()));
    // Once it is over, they do.
    stage.turn(3_600);
    let ada = stage.sign_in(ADA).await;
    let shown = stage.get(&format!("/v1/orders/{other}"), &ada).await.json();
    let found = need(&shown, identity().payment);
    assert_eq!(
        found["needed_together"],
        json!((1_250 * DOLLAR).to_string())
    );
}

#[tokio::test]
async fn a_wallet_sees_what_it_has_free_and_encumbered_of_each_security() {
    let stage = stage().await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    has(&stage, ADA, security().token, (90, 80, 70));
    has(&stage, ADA, identity().payment, (9, 9, 0));
    let said = stage.get("/v1/securities", &ada).await.is(200).json();
    assert_eq!(
        said["securities"][0]["balance"],
        json!({ "free": "80", "encumbered": "10", "allowance": "70" })
    );
    assert_eq!(
        said["coin"],
        json!({ "free": "9", "encumbered": "0", "allowance": "0" })
    );
    assert_eq!(said["commission"], json!({ "bips": 0 }));
    let desk = stage.get("/v1/securities", &dana).await.json();
    assert_eq!(
        (&desk["coin"], &desk["securities"][0]["balance"]),
        (&Value::Null, &Value::Null)
    );
    // The query of a moment ago tells which markets are open; what the wallet holds now is not known.
    stage.node.gone.store(true, Ordering::SeqCst);
    let said = stage.get("/v1/securities", &ada).await.is(200).json();
    assert_eq!(
        (&said["coin"], &said["securities"][0]["balance"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn sums_stand_beside_the_lots_and_the_desk_sees_which_lot_is_answered() {
    for stage in stages().await {
        let (ada, ben, dana) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(DANA).await,
        );
        for (owner, dollars) in [(BEN, 1_050), (BEN, 1_050), (ADA, 1_060)] {
            let pass = if owner == ADA { &ada } else { &ben };
            stage
                .posted(pass, &order(owner, Side::Ask, 100, dollars))
                .await;
        }
        let path = "/v1/securities/HRBR/lots?side=ask";
        let said = stage.get(path, &ada).await.is(200).json();
        let quantity = |tokens: u128| json!((tokens * TOKEN).to_string());
        assert_eq!(
            said["levels"],
            json!([
                { "price": "10.50", "quantity": quantity(200), "depth": quantity(200) },
                { "price": "10.60", "quantity": quantity(100), "depth": quantity(300) },
            ])
        );
        let own: Vec<_> = said["lots"].as_array().unwrap().iter().collect();
        let own: Vec<_> = own.iter().map(|lot| lot["own"].clone()).collect();
        assert_eq!(own, [json!(false), json!(false), json!(true)]);

        let second = &said["lots"][1];
        let mut bid = body(&order(ADA, Side::Bid, 100, 1_050));
        bid["answers"] = second["lot"].clone();
        let posted = stage.post("/v1/orders", &ada, &bid).await.is(201).json();
        let posted = posted["id"].as_str().unwrap();
        let lots = stage.get(path, &dana).await.is(200).json();
        let answered = &lots["lots"][1]["order"];
        let path = format!("/v1/orders/{posted}");
        assert_eq!(
            &stage.get(&path, &dana).await.is(200).json()["answers"],
            answered
        );
        assert_eq!(stage.get(&path, &ada).await.json()["answers"], Value::Null);

        let said = stage.get("/v1/suggestions?security=HRBR", &dana).await;
        let said = said.is(200).json();
        let pair = &said["pairs"][0];
        assert_eq!(
            (
                &pair["bid"]["id"],
                &pair["bid_answers"],
                &pair["ask_answers"]
            ),
            (&json!(posted), answered, &Value::Null)
        );
        // The first of the two asks has priority over the one that is answered: the pair reports both.
        assert_eq!(pair["answered"], json!(&pair["ask"]["id"] == answered));
        assert_eq!(said["more"], false);
    }
}

#[tokio::test]
async fn suggestions_are_for_those_who_match() {
    let stage = stage().await;
    let (ada, ruth, rex) = (
        stage.sign_in(ADA).await,
        stage.sign_in(RUTH).await,
        stage.sign_in(REX).await,
    );
    let path = "/v1/suggestions?security=QUAY";
    let none = stage.get(path, &ruth).await.is(200).json();
    assert_eq!((&none["pairs"], &none["more"]), (&json!([]), &json!(false)));
    for pass in [&ada, &rex] {
        stage.get(path, pass).await.refuses(403, "NOT_ALLOWED");
    }
    stage
        .get("/v1/suggestions", &ruth)
        .await
        .names(400, "BAD_INPUT", &["security"]);
    stage
        .get("/v1/suggestions?security=NONE", &ruth)
        .await
        .refuses(404, "NOT_FOUND");
}
