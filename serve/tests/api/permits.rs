//! Allowances that a wallet leaves for the desk to send.

use std::sync::atomic::Ordering;

use alloy::primitives::{Address, Bytes, U256};
use alloy::signers::SignerSync;
use book::board::left::Errand;
use desk::signing::request::PermitTerms;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::*;

const END: &str = "2027-01-16T08:00:00Z";

/// A permit over dollars, signed by a wallet with a nonce of the owner's.
fn signed(signer: u8, token: Address, value: u128, nonce: u64) -> Value {
    let terms = PermitTerms {
        name: "Paper".into(),
        version: "1".into(),
        chain_id: identity().chain_id,
        token,
        owner: address(ADA),
        spender: identity().contract,
        value: U256::from(value),
        nonce: U256::from(nonce),
        deadline: U256::from(START.cast_unsigned() + 86_400),
    };
    let signature = wallet(signer).sign_hash_sync(&terms.digest()).unwrap();
    let signature = Bytes::from(signature.as_bytes().to_vec());
    json!({ "token": token, "value": value.to_string(), "deadline": END, "signature": signature })
}

#[tokio::test]
async fn a_permit_is_drafted_signed_left_and_taken_back() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let coin = identity().payment;
        stage.node.nonces.lock().unwrap().insert(address(ADA), 4);
        let value = 1_050 * DOLLAR;
        let draft = format!("/v1/permits/draft?token={coin}&value={value}&deadline={END}");
        let said = stage.get(&draft, &ada).await.is(200).json();
        assert_eq!(
            (&said["nonce"], &said["spender"]),
            (&json!("4"), &json!(identity().contract))
        );
        let typed = &said["typed_data"];
        assert_eq!(
            (
                &typed["primaryType"],
                &typed["message"]["value"],
                &typed["domain"]["verifyingContract"]
            ),
            (
                &json!("Permit"),
                &json!(value.to_string()),
                &json!(coin.to_checksum(None))
            )
        );
        let sent = signed(ADA, coin, value, 4);
        let size = stage.size().await;
        let said = stage.post("/v1/permits", &ada, &sent).await.is(201).json();
        assert_eq!(
            (&said["state"], &said["nonce"], &said["deadline"]),
            (&json!("waiting"), &json!("4"), &json!(END))
        );
        let again = stage.post("/v1/permits", &ada, &sent).await.is(200).json();
        assert_eq!(again, said);
        // It is not an event: nothing was agreed that the chain does not know better.
        assert_eq!(stage.size().await, size);
        let waiting = stage.board.waiting_permit(address(ADA), coin).await;
        assert_eq!(waiting.unwrap().unwrap().value, U256::from(value));

        // Another takes its place, and the owner can take each back while it waits.
        let less = signed(ADA, coin, DOLLAR, 4);
        let other = stage.post("/v1/permits", &ada, &less).await.is(201).json();
        let all = stage.get("/v1/permits", &ada).await.is(200).json();
        let states: Vec<_> = all["permits"].as_array().unwrap().iter().collect();
        let states: Vec<_> = states.iter().map(|one| one["state"].clone()).collect();
        assert_eq!(states, [json!("waiting"), json!("withdrawn")]);
        let ben = stage.sign_in(BEN).await;
        let path = format!("/v1/permits/{}", other["id"].as_str().unwrap());
        stage.delete(&path, &ben).await.refuses(404, "NOT_FOUND");
        stage.delete(&path, &ada).await.is(204);
        let late = stage.delete(&path, &ada).await;
        assert_eq!(late.refuses(409, "BOARD_REFUSED")["state"], "withdrawn");
        assert_eq!(
            stage
                .board
                .waiting_permit(address(ADA), coin)
                .await
                .unwrap(),
            None
        );
        let theirs = stage.get("/v1/permits", &ben).await.json();
        assert_eq!(theirs["permits"], json!([]));
    }
}

#[tokio::test]
async fn a_permit_that_the_token_would_refuse_is_not_kept() {
    let stage = stage().await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    let coin = identity().payment;
    stage.node.nonces.lock().unwrap().insert(address(ADA), 4);
    let good = signed(ADA, coin, DOLLAR, 4);
    // Another key, an old nonce, a different amount from the one that was signed.
    let mut more = good.clone();
    more["value"] = json!("2000000");
    for sent in [
        signed(BEN, coin, DOLLAR, 4),
        signed(ADA, coin, DOLLAR, 3),
        more,
    ] {
        let said = stage.post("/v1/permits", &ada, &sent).await;
        let problem = said.names(422, "NOT_ALLOWED", &["/signature"]);
        assert_eq!(problem["nonce"], "4");
    }
    // A security that is not open to the wallet, and a token that is not a security.
    for token in [quay().token, Address::repeat_byte(9)] {
        let sent = signed(ADA, token, DOLLAR, 4);
        let said = stage.post("/v1/permits", &ada, &sent).await;
        said.names(422, "BAD_INPUT", &["/token"]);
        let draft = format!("/v1/permits/draft?token={token}&value=1&deadline={END}");
        let said = stage.get(&draft, &ada).await;
        said.names(400, "BAD_INPUT", &["token"]);
    }
    for (member, value) in [
        ("value", json!("0")),
        ("value", json!("1.5")),
        ("deadline", json!("2027-01-15T08:00:00Z")),
        ("deadline", json!("2029-01-15T08:00:00Z")),
        ("deadline", json!("2027-01-16T08:00:00.5Z")),
        ("signature", json!("12")),
    ] {
        let mut sent = good.clone();
        sent[member] = value;
        let pointer = format!("/{member}");
        let said = stage.post("/v1/permits", &ada, &sent).await;
        said.names(422, "BAD_INPUT", &[pointer.as_str()]);
    }
    let rule = stage.post("/v1/permits", &dana, &good).await;
    rule.refuses(403, "NOT_ALLOWED");
    stage
        .post("/v1/permits", &nobody(), &good)
        .await
        .refuses(401, "NOT_SIGNED_IN");
    stage.node.gone.store(true, Ordering::SeqCst);
    let said = stage.post("/v1/permits", &ada, &good).await;
    said.refuses(503, "RPC_UNREACHABLE");
    assert_eq!(
        stage
            .board
            .waiting_permit(address(ADA), coin)
            .await
            .unwrap(),
        None
    );
    assert_eq!(stage.board.left_permits(address(ADA)).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_sent_is_not_taken_back() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let sent = signed(ADA, identity().payment, DOLLAR, 0);
    let left = stage.post("/v1/permits", &ada, &sent).await.is(201).json();
    let id: Uuid = left["id"].as_str().unwrap().parse().unwrap();
    let ended = stage.board.end_permit(id, Errand::Sent, "", None).await;
    assert!(ended.unwrap());
    let path = format!("/v1/permits/{id}");
    let late = stage.delete(&path, &ada).await;
    assert_eq!(late.refuses(409, "BOARD_REFUSED")["state"], "sent");
    let unknown = format!("/v1/permits/{}", Uuid::now_v7());
    for path in [unknown.as_str(), "/v1/permits/none"] {
        stage.delete(path, &ada).await.refuses(404, "NOT_FOUND");
    }
}
