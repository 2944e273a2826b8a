//! What is seen of a market, and by whom.

use std::sync::atomic::Ordering;

use book::market::order::Side;
use desk::chain::codes::Restriction;
use serde_json::{Value, json};

use super::stage::*;

fn symbols(said: &Value) -> Vec<&str> {
    let all = said["securities"].as_array().unwrap();
    all.iter()
        .map(|one| one["symbol"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_investor_sees_what_its_wallet_may_hold_now_and_the_desk_everything() {
    let stage = stage().await;
    for (number, seen) in [
        (ADA, &["HRBR"][..]),
        (BEN, &["HRBR", "QUAY"]),
        (EVE, &[]),
        (DANA, &["HRBR", "QUAY"]),
        (REX, &["HRBR", "QUAY"]),
    ] {
        let pass = stage.sign_in(number).await;
        let said = stage.get("/v1/securities", &pass).await.is(200).json();
        assert_eq!(symbols(&said), seen);
    }
    let ada = stage.sign_in(ADA).await;
    stage.turn(30);
    let said = stage.get("/v1/securities", &ada).await.json();
    assert_eq!(
        (
            &said["age_seconds"],
            &said["securities"][0]["eligible"]["block"]
        ),
        (&json!(30), &json!(77))
    );
    // A minute later the chain is queried again.
    stage
        .node
        .refuse(ADA, security().token, Restriction::SenderFrozen);
    assert_eq!(
        symbols(&stage.get("/v1/securities", &ada).await.json()),
        ["HRBR"]
    );
    stage.turn(30);
    assert_eq!(
        symbols(&stage.get("/v1/securities", &ada).await.json()),
        [] as [&str; 0]
    );
    stage.node.gone.store(true, Ordering::SeqCst);
    stage.turn(60);
    stage
        .get("/v1/securities", &ada)
        .await
        .refuses(503, "RPC_UNREACHABLE");
}

/// A security that may not be seen answers like one that does not exist: byte for byte, with the same query to the
/// chain or none.
#[tokio::test]
async fn a_security_that_may_not_be_seen_is_one_that_does_not_exist() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let isin = quay().isin.to_string();
    let token = quay().token.to_string();
    for route in ["book", "lots?side=ask"] {
        let mut answers = Vec::new();
        for name in [
            "QUAY",
            &isin,
            &token,
            "NONE",
            "US0000000000",
            "0x0000000000000000000000000000000000000009",
        ] {
            // Queried again each time.
            stage.turn(60);
            let before = stage.node.asked.load(Ordering::SeqCst);
            let said = stage
                .get(&format!("/v1/securities/{name}/{route}"), &ada)
                .await
                .is(404);
            let asked = stage.node.asked.load(Ordering::SeqCst) - before;
            let id = said.header("x-request-id").to_owned();
            let text = String::from_utf8(said.body).unwrap().replace(&id, "");
            answers.push((text, asked));
        }
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
    }
}

#[tokio::test]
async fn lots_say_price_quantity_and_expiry_and_never_whose_they_are() {
    for stage in stages().await {
        let (ada, ben, dana) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(DANA).await,
        );
        let mine = stage.posted(&ada, &order(ADA, Side::Ask, 100, 1_050)).await;
        let theirs = stage.posted(&ben, &order(BEN, Side::Ask, 200, 2_050)).await;
        let said = stage
            .get("/v1/securities/HRBR/lots?side=ask", &ada)
            .await
            .is(200);
        let text = String::from_utf8(said.body.clone()).unwrap();
        for hidden in [
            theirs.to_string(),
            address(BEN).to_string().to_lowercase(),
            "A-2".into(),
        ] {
            assert!(!text.to_lowercase().contains(&hidden), "{hidden}: {text}");
        }
        let lots = said.json()["lots"].clone();
        // 2,050 / 200 is less than 1,050 / 100.
        assert_eq!(lots[0]["price"], "10.25");
        assert_eq!(lots[0]["quantity"], (200 * TOKEN).to_string());
        assert_eq!(lots[0]["expires_at"], "2027-01-17T15:33:20Z");
        assert_eq!(
            (&lots[0]["own"], &lots[0]["order"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(
            (&lots[1]["own"], &lots[1]["order"]),
            (&json!(true), &json!(mine))
        );
        let mut names: Vec<_> = lots[0].as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["expires_at", "lot", "own", "price", "quantity"]);
        let desk = stage
            .get("/v1/securities/HRBR/lots?side=ask", &dana)
            .await
            .json();
        assert_eq!(
            (&desk["lots"][0]["order"], &desk["lots"][0]["lot"]),
            (&json!(theirs), &lots[0]["lot"])
        );
        let bids = stage
            .get("/v1/securities/HRBR/lots?side=bid", &ada)
            .await
            .json();
        assert_eq!(bids["lots"], json!([]));
        stage
            .get("/v1/securities/HRBR/lots", &ada)
            .await
            .names(400, "BAD_INPUT", &["side"]);

        let page = stage
            .get("/v1/securities/HRBR/lots?side=ask&limit=1", &ada)
            .await
            .json();
        let cursor = page["cursor"].as_str().unwrap();
        let path =
            |side: &str| format!("/v1/securities/HRBR/lots?side={side}&limit=1&cursor={cursor}");
        let next = stage.get(&path("ask"), &ada).await.is(200).json();
        assert_eq!(next["lots"][0], lots[1]);
        stage
            .get(&path("bid"), &ada)
            .await
            .names(400, "BAD_INPUT", &["cursor"]);
    }
}

#[tokio::test]
async fn sums_per_price_stand_beside_the_lots() {
    let stage = stage().await;
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    stage.posted(&ben, &order(BEN, Side::Bid, 200, 2_100)).await;
    stage.posted(&ben, &order(BEN, Side::Bid, 10, 90)).await;
    let said = stage
        .get("/v1/securities/US0378331005/book", &ada)
        .await
        .is(200)
        .json();
    let level = |price: &str, quantity: u128, depth: u128| {
        let (quantity, depth) = ((quantity * TOKEN).to_string(), (depth * TOKEN).to_string());
        json!({ "price": price, "quantity": quantity, "depth": depth })
    };
    assert_eq!(
        said["bids"],
        json!([level("10.50", 300, 300), level("9.00", 10, 310)])
    );
    assert_eq!(
        (&said["asks"], &said["seq"]),
        (&json!([]), &json!(stage.size().await))
    );
}

#[tokio::test]
async fn a_lot_that_is_answered_is_told_to_the_desk() {
    let stage = stage().await;
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    let ask = stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_050)).await;
    let lots = stage
        .get("/v1/securities/HRBR/lots?side=ask", &ada)
        .await
        .json();
    let lot = &lots["lots"][0]["lot"];
    let mut sent = body(&order(ADA, Side::Bid, 100, 1_050));
    sent["answers"] = lot.clone();
    let said = stage.post("/v1/orders", &ada, &sent).await.is(201).json();
    let seq = said["seq"].as_u64().unwrap();
    let event = &stage.board.events(seq, 1).await.unwrap()[0];
    assert_eq!(event.reason, format!("answers the lot of order {ask}"));
    let size = stage.size().await;
    // An invented lot, and a lot on its own side.
    for reference in ["AAAAAAAAAAAAAAAAAAAAAA", "x"] {
        let mut sent = body(&order(ADA, Side::Bid, 200, 2_050));
        sent["answers"] = reference.into();
        stage
            .post("/v1/orders", &ada, &sent)
            .await
            .names(422, "BAD_INPUT", &["/answers"]);
    }
    let mut same_side = body(&order(ADA, Side::Ask, 200, 2_050));
    same_side["answers"] = lot.clone();
    stage
        .post("/v1/orders", &ada, &same_side)
        .await
        .names(422, "BAD_INPUT", &["/answers"]);
    assert_eq!(stage.size().await, size);
}
