//! API keys.

use serde_json::{Value, json};

use super::stage::*;

const TOMORROW: &str = "2027-01-16T08:00:00Z";

/// A new API key of the signed-in wallet.
pub(crate) async fn made(stage: &Stage, pass: &Pass, scopes: &[&str]) -> String {
    let body = json!({ "name": "reports", "scopes": scopes, "expires_at": TOMORROW });
    let said = stage.post("/v1/keys", pass, &body).await.is(201).json();
    said["key"].as_str().unwrap().to_owned()
}

fn key(key: &str) -> Pass {
    Pass {
        key: Some(key.to_owned()),
        cookie: None,
    }
}

#[tokio::test]
async fn a_key_is_shown_once_leads_as_far_as_its_scopes_and_ends_at_its_time() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let body = json!({ "name": "reports", "scopes": ["read"], "expires_at": TOMORROW });
        let said = stage
            .post_as("k", "/v1/keys", &ada, &body)
            .await
            .is(201)
            .json();
        let token = said["key"].as_str().unwrap();
        assert!(token.starts_with("obk_") && token.len() == 47, "{token}");
        let again = stage.post_as("k", "/v1/keys", &ada, &body).await.is(201);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(
            (&again.json()["id"], again.json().get("key")),
            (&said["id"], None)
        );
        let listed = stage.get("/v1/keys", &ada).await.is(200).json();
        assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
        assert!(!listed.to_string().contains(token));

        let pass = key(token);
        stage.get("/v1/orders", &pass).await.is(200);
        stage
            .delete("/v1/orders/0x00", &pass)
            .await
            .refuses(403, "NOT_ALLOWED");
        // No key makes, sees or ends keys.
        stage
            .get("/v1/keys", &pass)
            .await
            .refuses(403, "NOT_ALLOWED");
        stage
            .post("/v1/keys", &pass, &body)
            .await
            .refuses(403, "NOT_ALLOWED");
        stage.turn(86_399);
        stage.get("/v1/orders", &pass).await.is(200);
        stage.turn(1);
        stage
            .get("/v1/orders", &pass)
            .await
            .refuses(401, "NOT_SIGNED_IN");
    }
}

#[tokio::test]
async fn a_key_is_ended_by_its_wallet_or_an_admin_and_by_nobody_else() {
    let stage = stage().await;
    let (ada, ben, alma) = (
        stage.sign_in(ADA).await,
        stage.sign_in(BEN).await,
        stage.sign_in(ALMA).await,
    );
    let token = made(&stage, &ada, &["read"]).await;
    let listed = stage.get("/v1/keys", &ada).await.json();
    let path = format!("/v1/keys/{}", listed["keys"][0]["id"].as_str().unwrap());
    assert_eq!(
        stage.get("/v1/keys", &ben).await.json(),
        json!({ "keys": [] })
    );
    stage.delete(&path, &ben).await.refuses(404, "NOT_FOUND");
    stage
        .delete("/v1/keys/nonsense", &ada)
        .await
        .refuses(404, "NOT_FOUND");
    stage.get("/v1/orders", &key(&token)).await.is(200);
    assert_eq!(stage.get("/v1/keys", &alma).await.json(), listed);
    stage.delete(&path, &alma).await.is(204);
    stage
        .get("/v1/orders", &key(&token))
        .await
        .refuses(401, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn an_admin_makes_keys_for_the_staff_and_a_wallet_only_its_own() {
    let stage = stage().await;
    let (ada, alma) = (stage.sign_in(ADA).await, stage.sign_in(ALMA).await);
    let body = |wallet: u8| -> Value {
        let wallet = address(wallet);
        json!({ "name": "desk", "scopes": ["read"], "expires_at": TOMORROW, "wallet": wallet })
    };
    stage
        .post("/v1/keys", &ada, &body(DANA))
        .await
        .refuses(403, "NOT_ALLOWED");
    stage
        .post("/v1/keys", &alma, &body(ADA))
        .await
        .refuses(403, "NOT_ALLOWED");
    let said = stage
        .post("/v1/keys", &alma, &body(DANA))
        .await
        .is(201)
        .json();
    let dana = key(said["key"].as_str().unwrap());
    let session = stage.get("/v1/session", &dana).await.is(200).json();
    assert_eq!(session["person"], "Dana");
    assert_eq!(said["made_by"], json!(address(ALMA)));
}

#[tokio::test]
async fn a_key_has_a_name_scopes_and_an_end_within_a_year() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let send = |name: &str, scopes: Value, ends: &str| {
        let body = json!({ "name": name, "scopes": scopes, "expires_at": ends });
        let (stage, ada) = (&stage, ada.clone());
        async move { stage.post("/v1/keys", &ada, &body).await }
    };
    send("a", json!([]), TOMORROW)
        .await
        .names(422, "BAD_INPUT", &["/scopes"]);
    send("a", json!(["all"]), TOMORROW)
        .await
        .names(422, "BAD_INPUT", &["/scopes/0"]);
    send("", json!(["read"]), TOMORROW)
        .await
        .names(422, "BAD_INPUT", &["/name"]);
    send("a\u{7}", json!(["read"]), TOMORROW)
        .await
        .names(422, "BAD_INPUT", &["/name"]);
    for ends in ["2027-01-15T08:00:00Z", "2028-01-17T08:00:00Z"] {
        send("a", json!(["read"]), ends)
            .await
            .names(422, "BAD_INPUT", &["/expires_at"]);
    }
    send("a", json!(["read"]), "2028-01-16T08:00:00Z")
        .await
        .is(201);
    send("a", json!(["read"]), "tomorrow")
        .await
        .names(422, "BAD_INPUT", &["/expires_at"]);
    let said = stage.post("/v1/keys", &ada, &json!({})).await;
    said.names(422, "BAD_INPUT", &["/name", "/expires_at"]);
}
