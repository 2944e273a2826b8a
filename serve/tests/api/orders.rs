//! Orders over HTTP: each row of the table of errors, and that nothing is recorded when the answer says so.

use std::sync::atomic::Ordering;

use alloy::primitives::{Address, U256};
use book::audit::verify::verify;
use book::log::event::EventType;
use book::market::order::Side;
use desk::chain::codes::Restriction;
use serde_json::{Value, json};

use super::stage::*;

#[tokio::test]
async fn an_order_is_posted_unsolicited_by_agency_for_the_owner_s_account() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let order = order(ADA, Side::Bid, 100, 1_050);
        let mut sent = body(&order);
        sent["price"] = "10.50".into();
        let before = stage.size().await;
        let said = stage.post("/v1/orders", &ada, &sent).await.is(201).json();
        assert_eq!(said["id"], json!(id(&order)));
        assert_eq!(
            (&said["seq"], &said["state"]),
            (&json!(before + 1), &json!("OPEN"))
        );
        assert_eq!(
            (&said["price"], &said["symbol"]),
            (&json!("10.50"), &json!("HRBR"))
        );
        assert_eq!(said["received_at"], "2027-01-15T08:00:00Z");
        let found = stage.board.find(id(&order)).await.unwrap().unwrap().record;
        assert_eq!(
            (found.account.as_str(), found.taken_by.as_str()),
            ("A-1", "web")
        );
        assert_eq!(
            (found.capacity.as_str(), found.solicited),
            ("agency", false)
        );
        let event = &stage.board.events(before + 1, 1).await.unwrap()[0];
        assert_eq!(
            (event.kind, event.actor.as_str()),
            (EventType::OrderPosted, "web")
        );
        let report = verify(&stage.board, &[], |_| {}).await.unwrap();
        assert_eq!(report.finding, None);
    }
}

#[tokio::test]
async fn the_same_key_and_request_get_the_same_answer_and_another_request_is_refused() {
    for stage in stages().await {
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        let first = body(&order(ADA, Side::Bid, 100, 1_050));
        let said = stage.post_as("k", "/v1/orders", &ada, &first).await.is(201);
        assert_eq!(said.header("idempotent-replayed"), "");
        let size = stage.size().await;
        let again = stage.post_as("k", "/v1/orders", &ada, &first).await.is(201);
        assert_eq!(
            (&again.body, again.header("idempotent-replayed")),
            (&said.body, "true")
        );
        let other = body(&order(ADA, Side::Bid, 200, 2_050));
        let reused = stage.post_as("k", "/v1/orders", &ada, &other).await;
        reused.names(422, "KEY_REUSED", &["Idempotency-Key"]);
        // The same signed order under another key, and after a day under its own.
        let same = stage.post_as("l", "/v1/orders", &ada, &first).await.is(200);
        assert_eq!(same.json(), said.json());
        assert_eq!(stage.size().await, size);
        // Keys are each person's own.
        let theirs = body(&order(BEN, Side::Ask, 100, 1_050));
        stage
            .post_as("k", "/v1/orders", &ben, &theirs)
            .await
            .is(201);
        stage.turn(86_400);
        let ada = stage.sign_in(ADA).await;
        let late = stage.post_as("k", "/v1/orders", &ada, &first).await.is(200);
        assert_eq!(
            (late.json(), late.header("idempotent-replayed")),
            (said.json(), "")
        );
        stage.post_as("k", "/v1/orders", &ada, &other).await.is(201);
    }
}

#[tokio::test]
async fn a_key_is_demanded_and_counts_once_at_a_time() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let sent = body(&order(ADA, Side::Bid, 100, 1_050));
    let request = Stage::request("POST", "/v1/orders", &ada)
        .header("content-type", "application/json")
        .body(axum::body::Body::from(sent.to_string()));
    stage.ask(request.unwrap()).await.refuses(400, "NO_KEY");
    let size = stage.size().await;
    let (one, two) = tokio::join!(
        stage.post_as("k", "/v1/orders", &ada, &sent),
        stage.post_as("k", "/v1/orders", &ada, &sent),
    );
    let mut both = [one.status, two.status];
    both.sort_unstable();
    // Side by side, or one after the other.
    assert!(both == [201, 409] || both == [201, 201], "{both:?}");
    assert_eq!(stage.size().await, size + 1);
}

/// Each row: the change to a good request, and the answer.
#[tokio::test]
async fn a_bad_order_is_refused_with_its_field_and_nothing_is_recorded() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let good = || order(ADA, Side::Bid, 100, 1_050);
        let size = stage.size().await;
        let send = |sent: Value| {
            let (stage, ada) = (&stage, ada.clone());
            async move { stage.post("/v1/orders", &ada, &sent).await }
        };
        // Somebody else's signature, and one over something else.
        send(body_signed_by(BEN, &good()))
            .await
            .names(422, "NOT_ALLOWED", &["/signature"]);
        let mut altered = body(&good());
        altered["order"]["limit_total"] = "2100000000".into();
        send(altered)
            .await
            .names(422, "NOT_ALLOWED", &["/signature"]);
        // Another chain and another contract.
        let mut elsewhere = body(&good());
        elsewhere["order"]["chain_id"] = 1.into();
        elsewhere["order"]["contract"] = json!(Address::repeat_byte(9));
        let pointers = ["/order/chain_id", "/order/contract"];
        send(elsewhere).await.names(422, "OTHER_VENUE", &pointers);
        // A price that gives no whole total is reported with the nearest two that do.
        let mut uneven = good();
        uneven.quantity = U256::from(3 * TOKEN);
        uneven.limitTotal = U256::from(10 * DOLLAR);
        let problem =
            send(body(&uneven))
                .await
                .names(422, "BOARD_REFUSED", &["/order/limit_total"]);
        let words = problem["detail"].as_str().unwrap();
        assert_eq!(words.matches("3.33").count(), 2, "{words}");
        let mut priced = body(&good());
        priced["price"] = "10.51".into();
        send(priced).await.names(422, "BOARD_REFUSED", &["/price"]);
        // The contract's own limits.
        for (change, pointer) in [
            (json!({ "expiry": "2027-01-15T08:00:00Z" }), "/order/expiry"),
            (json!({ "expiry": "2030-01-15T08:00:00Z" }), "/order/expiry"),
            (
                json!({ "payment": Address::repeat_byte(9) }),
                "/order/payment",
            ),
            (json!({ "quantity": "0" }), "/order/quantity"),
            (json!({ "limit_total": "0" }), "/order/limit_total"),
            (
                json!({ "board_ref": alloy::primitives::B256::ZERO }),
                "/order/board_ref",
            ),
            (
                json!({ "security": Address::repeat_byte(9) }),
                "/order/security",
            ),
        ] {
            let mut wrong = body(&good());
            for (name, value) in change.as_object().unwrap() {
                wrong["order"][name] = value.clone();
            }
            send(wrong).await.names(422, "BOARD_REFUSED", &[pointer]);
        }
        // Its form, all at once.
        let mut malformed = body(&good());
        malformed["order"]["side"] = "sideways".into();
        malformed["order"]["quantity"] = 5.into();
        malformed["order"]["expiry"] = "2027-01-15T08:00:00.5Z".into();
        malformed["order"]["account"] = "A-2".into();
        malformed["signature"] = Value::Null;
        let pointers = [
            "/order/side",
            "/order/quantity",
            "/order/expiry",
            "/order/account",
            "/signature",
        ];
        let problem = send(malformed).await.refuses(422, "BAD_INPUT");
        let found: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bad| bad["pointer"].clone())
            .collect();
        assert_eq!(found, pointers);
        // Somebody else's order.
        send(body(&order(BEN, Side::Bid, 100, 1_050)))
            .await
            .refuses(403, "NOT_ALLOWED");
        assert_eq!(stage.size().await, size);
        send(body(&good())).await.is(201);
    }
}

#[tokio::test]
async fn an_ineligible_owner_is_told_the_restriction_and_until_when() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let size = stage.size().await;
    for code in [
        Restriction::Sanctioned,
        Restriction::SenderFrozen,
        Restriction::NotAllowed,
        Restriction::KycExpired,
    ] {
        stage.node.refuse(ADA, security().token, code);
        // What was known a minute ago no longer counts.
        stage.turn(60);
        let said = stage
            .post(
                "/v1/orders",
                &ada,
                &body(&order(ADA, Side::Bid, 100, 1_050)),
            )
            .await;
        let name = format!("RESTRICTION_{}", code.number());
        let problem = said.names(422, &name, &["/order/owner"]);
        assert_eq!(
            (&problem["restriction"], &problem["block"]),
            (&json!(code.number()), &json!(77))
        );
        assert_eq!(problem["kyc_until"], "2027-01-26T21:46:40Z");
        assert_eq!(problem["hint"], code.remedy());
    }
    assert_eq!(stage.size().await, size);
}

#[tokio::test]
async fn an_order_of_another_epoch_is_refused_and_a_new_epoch_is_seen_at_once() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    stage.node.epochs.lock().unwrap().insert(address(ADA), 7);
    let mut next = order(ADA, Side::Bid, 100, 1_050);
    next.epoch = 7;
    stage.posted(&ada, &next).await;
    let outdated = body(&order(ADA, Side::Bid, 100, 1_050));
    let said = stage.post("/v1/orders", &ada, &outdated).await;
    let problem = said.names(422, "BOARD_REFUSED", &["/order/epoch"]);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("is 0, but the owner's epoch is 7"),
        "{problem}"
    );
}

#[tokio::test]
async fn what_the_chain_said_counts_for_a_minute_and_without_it_nothing_is_recorded() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    stage.node.gone.store(true, Ordering::SeqCst);
    stage.turn(59);
    stage.posted(&ada, &order(ADA, Side::Bid, 200, 2_050)).await;
    stage.turn(1);
    let size = stage.size().await;
    let sent = body(&order(ADA, Side::Bid, 300, 3_050));
    let problem = stage
        .post("/v1/orders", &ada, &sent)
        .await
        .refuses(503, "RPC_UNREACHABLE");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("nothing was recorded")
    );
    assert_eq!(stage.size().await, size);
}

#[tokio::test]
async fn a_wallet_without_an_account_or_with_several_is_sent_to_the_desk() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let two = book::market::investor::Investor {
        id: alloy::primitives::B256::repeat_byte(ADA),
        name: "Ada".into(),
        accounts: ["A-1b".into()].into(),
        wallets: [].into(),
    };
    stage.board.add_investors(&[two]).await.unwrap();
    let said = stage
        .post(
            "/v1/orders",
            &ada,
            &body(&order(ADA, Side::Bid, 100, 1_050)),
        )
        .await;
    said.names(422, "NO_ACCOUNT", &["/order/owner"]);
}

#[tokio::test]
async fn an_investor_sees_and_takes_off_its_own_orders_alone() {
    for stage in stages().await {
        let (ada, ben, dana) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(DANA).await,
        );
        let mine = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        let theirs = stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_100)).await;
        let path = |id| format!("/v1/orders/{id}");
        let shown = stage.get(&path(mine), &ada).await.is(200).json();
        assert_eq!(
            (&shown["account"], &shown["state"]),
            (&json!("A-1"), &json!("OPEN"))
        );
        assert_eq!(shown["order"]["quantity"], (100 * TOKEN).to_string());
        stage.get(&path(theirs), &dana).await.is(200);
        // Another's order counts as missing: the same answer as for one that does not exist, except for the request's
        // id.
        let strip = |said: Said| {
            let mut problem = said.refuses(404, "NOT_FOUND");
            problem.as_object_mut().unwrap().remove("request_id");
            problem
        };
        let none = alloy::primitives::B256::repeat_byte(9);
        assert_eq!(
            strip(stage.get(&path(theirs), &ada).await),
            strip(stage.get(&path(none), &ada).await)
        );
        let size = stage.size().await;
        stage
            .delete(&path(theirs), &ada)
            .await
            .refuses(404, "NOT_FOUND");
        stage
            .delete(&path(mine), &dana)
            .await
            .refuses(403, "NOT_ALLOWED");
        assert_eq!(stage.size().await, size);
        let gone = stage.delete(&path(mine), &ada).await.is(200).json();
        assert_eq!(
            (&gone["state"], &gone["void"]),
            (&json!("CANCELLED"), &json!(false))
        );
        assert_eq!(gone["make_void"]["call"], "cancelOrder");
        assert_eq!(gone["seq"], size + 1);
        let problem = stage
            .delete(&path(mine), &ada)
            .await
            .refuses(409, "BOARD_REFUSED");
        assert_eq!(problem["state"], "CANCELLED");
    }
}

#[tokio::test]
async fn an_order_is_replaced_in_one_commit_and_once() {
    for stage in stages().await {
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        let old = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        let path = format!("/v1/orders/{old}/replace");
        let size = stage.size().await;
        let theirs = body(&order(BEN, Side::Bid, 200, 2_050));
        stage
            .post(&path, &ben, &theirs)
            .await
            .refuses(404, "NOT_FOUND");
        let other_side = body(&order(ADA, Side::Ask, 200, 2_050));
        stage
            .post(&path, &ada, &other_side)
            .await
            .refuses(422, "BOARD_REFUSED");
        assert_eq!(stage.size().await, size);
        let new = order(ADA, Side::Bid, 200, 2_050);
        let said = stage.post_as("r", &path, &ada, &body(&new)).await.is(201);
        assert_eq!(said.json()["replaces"], json!(old));
        assert_eq!(stage.size().await, size + 3);
        let shown = stage.get(&format!("/v1/orders/{old}"), &ada).await.json();
        assert_eq!(
            (&shown["state"], &shown["replaced_by"]),
            (&json!("CANCELLED"), &json!(id(&new)))
        );
        let again = stage.post_as("r", &path, &ada, &body(&new)).await.is(201);
        assert_eq!(again.body, said.body);
        // The same under another key: done, and not done again.
        let same = stage.post(&path, &ada, &body(&new)).await.is(200);
        assert_eq!(same.json(), said.json());
        let third = stage
            .post(&path, &ada, &body(&order(ADA, Side::Bid, 300, 3_060)))
            .await;
        assert_eq!(third.refuses(409, "BOARD_REFUSED")["state"], "CANCELLED");
        assert_eq!(stage.size().await, size + 3);
    }
}

#[tokio::test]
async fn lists_are_paged_by_signed_cursors_that_stay_as_orders_arrive() {
    for stage in stages().await {
        let (ada, ben, dana) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(DANA).await,
        );
        let mut mine = Vec::new();
        for dollars in 1..=5 {
            mine.push(json!(
                stage.posted(&ada, &order(ADA, Side::Bid, 1, dollars)).await
            ));
            stage
                .posted(&ben, &order(BEN, Side::Ask, 1, 10 + dollars))
                .await;
        }
        mine.reverse();
        let ids = |page: &Value| -> Vec<Value> {
            let orders = page["orders"].as_array().unwrap();
            orders.iter().map(|order| order["id"].clone()).collect()
        };
        let first = stage.get("/v1/orders?limit=2", &ada).await.is(200).json();
        let cursor = first["cursor"].as_str().unwrap().to_owned();
        stage.posted(&ada, &order(ADA, Side::Bid, 1, 9)).await;
        let next = format!("/v1/orders?limit=2&cursor={cursor}");
        let second = stage.get(&next, &ada).await.is(200).json();
        let last = second["cursor"].as_str().unwrap();
        let third = stage
            .get(&format!("/v1/orders?limit=2&cursor={last}"), &ada)
            .await
            .is(200)
            .json();
        assert_eq!(third["cursor"], Value::Null);
        assert_eq!([ids(&first), ids(&second), ids(&third)].concat(), mine);
        // Another's list, another filter, an edited cursor.
        let edited = format!("{}A", &cursor[..cursor.len() - 1]);
        for (path, pass) in [
            (next.clone(), &ben),
            (format!("{next}&side=bid"), &ada),
            (format!("/v1/orders?cursor={edited}x"), &ada),
            ("/v1/orders?cursor=".into(), &ada),
        ] {
            stage
                .get(&path, pass)
                .await
                .names(400, "BAD_INPUT", &["cursor"]);
        }
        assert_eq!(
            ids(&stage.get("/v1/orders?limit=200", &dana).await.json()).len(),
            11
        );
        let bids = stage
            .get("/v1/orders?side=bid&state=open&security=HRBR", &dana)
            .await
            .json();
        assert_eq!(ids(&bids).len(), 6);
        stage
            .get("/v1/orders?limit=201", &ada)
            .await
            .names(400, "BAD_INPUT", &["limit"]);
        stage
            .get("/v1/orders?state=gone", &ada)
            .await
            .names(400, "BAD_INPUT", &["state"]);
    }
}

#[tokio::test]
async fn a_read_waits_for_the_event_that_it_names() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let size = stage.size().await;
    stage
        .get(&format!("/v1/orders?min_seq={size}"), &ada)
        .await
        .is(200);
    let path = format!("/v1/orders?min_seq={}", size + 1);
    let sent = body(&order(ADA, Side::Bid, 100, 1_050));
    let (read, _) = tokio::join!(
        stage.get(&path, &ada),
        stage.post("/v1/orders", &ada, &sent)
    );
    assert_eq!(read.is(200).json()["orders"].as_array().unwrap().len(), 1);
    let path = format!("/v1/orders?min_seq={}", size + 2);
    let problem = stage.get(&path, &ada).await.refuses(503, "BEHIND");
    assert_eq!(problem["seq"], size + 1);
    stage
        .get("/v1/orders?min_seq=x", &ada)
        .await
        .names(400, "BAD_INPUT", &["min_seq"]);
}

#[tokio::test]
async fn a_locked_store_records_nothing_and_says_so() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    let size = stage.size().await;
    let other = sqlx::SqlitePool::connect(&format!("sqlite:{}", stage.url))
        .await
        .unwrap();
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let sent = body(&order(ADA, Side::Bid, 200, 2_050));
    let said = stage.post_as("k", "/v1/orders", &ada, &sent).await;
    assert_eq!(said.header("retry-after"), "5");
    let problem = said.refuses(503, "STORE_FAILED");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("nothing was recorded")
    );
    drop(held);
    other.close().await;
    assert_eq!(stage.size().await, size);
    stage.post_as("k", "/v1/orders", &ada, &sent).await.is(201);
}
