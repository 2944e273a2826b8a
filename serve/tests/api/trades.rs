//! What was traded: confirmations, settlements and their average.

use alloy::primitives::{B256, U256};
use book::audit::confirmation::Disclosures;
use book::log::By;
use book::log::body::{BookAnchored, SettlementSettled};
use book::market::commission::{Rate, Schedule};
use book::market::order::Side;
use serde_json::{Value, json};
use serve::house::House;

use super::stage::*;

/// A trade of whole tokens at dollars for all of them; its bid and ask.
pub(crate) async fn trade(stage: &Stage, tokens: u128, dollars: u128, number: u8) -> (B256, B256) {
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    let bid = order(ADA, Side::Bid, tokens, dollars);
    let ask = order(BEN, Side::Ask, tokens, dollars);
    let (bid, ask) = (
        stage.posted(&ada, &bid).await,
        stage.posted(&ben, &ask).await,
    );
    let settled = SettlementSettled {
        ask,
        bid,
        block: number.into(),
        match_id: None,
        settlement_id: U256::from(number),
        total: dollars * DOLLAR,
        tx_hash: B256::repeat_byte(number),
    };
    let by = By::new("chain");
    let recorded = stage.board.record_settled(settled, stage.now(), by);
    recorded.await.unwrap();
    (bid, ask)
}

fn house() -> House {
    let from = "2027-01-01".parse().unwrap();
    House {
        commissions: Schedule::new(vec![Rate { from, bips: 25 }]).unwrap(),
        disclosures: Disclosures {
            sipc_member: Some(true),
            ..Disclosures::default()
        },
        ..House::default()
    }
}

#[tokio::test]
async fn a_fill_is_confirmed_to_its_own_investor_and_to_the_desk() {
    for stage in stages().await {
        let stage = stage.housed(house()).await;
        let (bid, ask) = trade(&stage, 100, 1_035, 1).await;
        let (ada, ben, dana, otto) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(DANA).await,
            stage.sign_in(OTTO).await,
        );
        let path = format!("/v1/orders/{bid}/confirmation");
        let said = stage.get(&path, &ada).await.is(200).json();
        assert_eq!(
            (&said["format"], &said["action"], &said["capacity"]),
            (
                &json!("orderbook-confirmation/1"),
                &json!("bought"),
                &json!("agency")
            )
        );
        assert_eq!(
            (
                &said["security"]["isin"],
                &said["quantity"],
                &said["price_usd"],
                &said["total_usd"]
            ),
            (
                &json!("US0378331005"),
                &json!("100"),
                &json!("10.35"),
                &json!("1035.00")
            )
        );
        assert_eq!(said["time"]["executed_at"], "2027-01-15T08:00:00Z");
        // Stated beforehand, billed separately.
        assert_eq!(
            said["fees"],
            json!({ "commission_usd": "2.5875", "commission_bips": 25 })
        );
        let shown = stage.get("/v1/securities", &ada).await.json();
        assert_eq!(shown["commission"], json!({ "bips": 25 }));
        assert_eq!(said["transaction"]["tx_hash"], json!(B256::repeat_byte(1)));
        assert_eq!(
            (&said["customer"]["name"], &said["record"]["proof"]),
            (&json!("Ada"), &Value::Null)
        );
        assert_eq!(stage.get(&path, &dana).await.is(200).json(), said);
        stage.get(&path, &ben).await.refuses(404, "NOT_FOUND");
        stage.get(&path, &otto).await.refuses(403, "NOT_ALLOWED");
        stage
            .get(&path, &nobody())
            .await
            .refuses(401, "NOT_SIGNED_IN");
        let sold = format!("/v1/orders/{ask}/confirmation");
        assert_eq!(
            stage.get(&sold, &ben).await.is(200).json()["action"],
            "sold"
        );

        // With an anchor comes the proof.
        let head = stage.board.head().await.unwrap();
        let anchor = BookAnchored {
            block: 9,
            root: head.root,
            size: head.size,
            tx_hash: B256::repeat_byte(7),
        };
        let anchored = stage.board.record_anchored(anchor, By::new("otto"));
        anchored.await.unwrap();
        let said = stage.get(&path, &ada).await.json();
        assert_eq!(said["record"]["anchor"]["size"], json!(head.size));
        assert!(said["record"]["proof"].is_object(), "{said}");

        let open = stage.posted(&ada, &order(ADA, Side::Bid, 1, 10)).await;
        let path = format!("/v1/orders/{open}/confirmation");
        stage.get(&path, &ada).await.refuses(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn settlements_are_listed_newest_first_with_their_average() {
    for stage in stages().await {
        trade(&stage, 10, 500, 1).await;
        // 90 days later, that one no longer counts.
        stage.turn(90 * 86_400 - 100_000);
        trade_later(&stage).await;
        let ada = stage.sign_in(ADA).await;
        let path = "/v1/securities/HRBR/settlements";
        let said = stage.get(path, &ada).await.is(200).json();
        assert_eq!(said["average"]["trades"], 3);
        stage.turn(100_001);
        let ada = stage.sign_in(ADA).await;
        let said = stage.get(path, &ada).await.is(200).json();
        let numbers = |said: &Value| -> Vec<String> {
            let all = said["settlements"].as_array().unwrap().iter();
            all.map(|one| one["settlement_id"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(numbers(&said), ["3", "2", "1"]);
        // 1,100 and 3,600 dollars for 400 tokens.
        assert_eq!(
            (
                &said["average"]["price"],
                &said["average"]["trades"],
                &said["average"]["days"]
            ),
            (&json!("11.75"), &json!(2), &json!(90))
        );
        let one = &said["settlements"][0];
        assert_eq!(
            (&one["price"], &one["total"], &one["block"]),
            (
                &json!("12.00"),
                &json!((3_600 * DOLLAR).to_string()),
                &json!(3)
            )
        );
        // Nobody is shown whose they were.
        let text = said.to_string();
        for hidden in [address(ADA), address(BEN)] {
            assert!(!text.contains(&hidden.to_string()), "{text}");
        }
        let first = stage.get(&format!("{path}?limit=2"), &ada).await.json();
        assert_eq!(numbers(&first), ["3", "2"]);
        let cursor = first["cursor"].as_str().unwrap();
        let next = stage
            .get(&format!("{path}?limit=2&cursor={cursor}"), &ada)
            .await
            .json();
        assert_eq!(
            (numbers(&next), &next["cursor"]),
            (vec!["1".to_owned()], &Value::Null)
        );
        let said = stage.get(&format!("{path}?cursor=AAAA"), &ada).await;
        said.names(400, "BAD_INPUT", &["cursor"]);
        let hidden = stage.get("/v1/securities/QUAY/settlements", &ada).await;
        hidden.refuses(404, "NOT_FOUND");
        let dana = stage.sign_in(DANA).await;
        let none = stage.get("/v1/securities/QUAY/settlements", &dana).await;
        assert_eq!(none.is(200).json()["average"], Value::Null);
    }
}

/// Two trades whose orders end later than those of the stage.
async fn trade_later(stage: &Stage) {
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    for (tokens, dollars, number) in [(100, 1_100, 2), (300, 3_600, 3)] {
        let mut bid = order(ADA, Side::Bid, tokens, dollars);
        let mut ask = order(BEN, Side::Ask, tokens, dollars);
        let end = stage.now().as_second().cast_unsigned() + 1_000;
        (bid.expiry, ask.expiry) = (end, end);
        let (bid, ask) = (
            stage.posted(&ada, &bid).await,
            stage.posted(&ben, &ask).await,
        );
        let settled = SettlementSettled {
            ask,
            bid,
            block: number.into(),
            match_id: None,
            settlement_id: U256::from(number),
            total: dollars * DOLLAR,
            tx_hash: B256::repeat_byte(number),
        };
        let by = By::new("chain");
        let recorded = stage.board.record_settled(settled, stage.now(), by);
        recorded.await.unwrap();
    }
}
