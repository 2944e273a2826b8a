//! Signing in with a wallet, and how long that lasts.

use alloy::primitives::Bytes;
use alloy::signers::SignerSync;
use book::log::staff::{Role, StaffChange};
use serde_json::{Value, json};

use super::stage::*;

fn answer(nonce: &str, signer: u8, message: &str) -> Value {
    let signature = wallet(signer)
        .sign_message_sync(message.as_bytes())
        .unwrap();
    json!({ "nonce": nonce, "signature": Bytes::from(signature.as_bytes().to_vec()) })
}

#[tokio::test]
async fn a_wallet_signs_in_sees_as_whom_and_signs_out() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let said = stage.get("/v1/session", &ada).await.is(200).json();
        assert_eq!(
            said,
            json!({ "wallet": address(ADA), "person": null, "roles": ["investor"] })
        );
        let dana = stage.sign_in(DANA).await;
        let said = stage.get("/v1/session", &dana).await.is(200).json();
        assert_eq!(
            said,
            json!({ "wallet": address(DANA), "person": "Dana", "roles": ["trader"] })
        );
        let gone = stage.delete("/v1/session", &ada).await.is(204);
        assert_eq!(gone.cookie("__Host-session"), "");
        stage
            .get("/v1/session", &ada)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        stage.get("/v1/session", &dana).await.is(200);
    }
}

#[tokio::test]
async fn the_cookie_is_the_host_s_own_and_the_text_names_this_platform() {
    let stage = stage().await;
    let (message, nonce, browser) = stage.challenge(ADA).await;
    assert!(
        message.starts_with("board.example wants you to sign in with your Ethereum account:\n")
    );
    for line in [
        address(ADA).to_string(),
        "URI: https://board.example".into(),
        "Chain ID: 412346".into(),
        format!("Nonce: {nonce}"),
        "Expiration Time: 2027-01-15T08:05:00Z".into(),
    ] {
        assert!(
            message.lines().any(|found| found == line),
            "{line}\n{message}"
        );
    }
    let said = stage
        .post("/v1/session", &browser, &answer(&nonce, ADA, &message))
        .await
        .is(201);
    let cookie = said.header("set-cookie");
    for part in [
        "__Host-session=",
        "; Path=/;",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn a_nonce_works_once_in_its_browser_for_five_minutes() {
    let stage = stage().await;
    let (message, nonce, browser) = stage.challenge(ADA).await;
    let good = answer(&nonce, ADA, &message);
    let elsewhere = stage.challenge(ADA).await.2;
    for pass in [&nobody(), &elsewhere] {
        stage
            .post("/v1/session", pass, &good)
            .await
            .names(422, "NO_CHALLENGE", &["/nonce"]);
    }
    stage.turn(299);
    stage.post("/v1/session", &browser, &good).await.is(201);
    stage
        .post("/v1/session", &browser, &good)
        .await
        .refuses(422, "NO_CHALLENGE");
    let (message, nonce, browser) = stage.challenge(ADA).await;
    stage.turn(300);
    let late = answer(&nonce, ADA, &message);
    stage
        .post("/v1/session", &browser, &late)
        .await
        .refuses(422, "NO_CHALLENGE");
}

#[tokio::test]
async fn another_text_another_key_and_no_signature_sign_nobody_in() {
    let stage = stage().await;
    for (signer, change) in [
        (ADA, ("board.example wants", "evil.example wants")),
        (
            ADA,
            ("URI: https://board.example", "URI: https://evil.example"),
        ),
        (ADA, ("Chain ID: 412346", "Chain ID: 1")),
        (BEN, ("", "")),
    ] {
        let (message, nonce, browser) = stage.challenge(ADA).await;
        let signed = message.replacen(change.0, change.1, 1);
        let said = stage
            .post("/v1/session", &browser, &answer(&nonce, signer, &signed))
            .await;
        said.names(422, "NOT_ALLOWED", &["/signature"]);
        // A wrong signature uses up the nonce.
        let right = answer(&nonce, ADA, &message);
        stage
            .post("/v1/session", &browser, &right)
            .await
            .refuses(422, "NO_CHALLENGE");
    }
    let (_, nonce, browser) = stage.challenge(ADA).await;
    let body = json!({ "nonce": nonce, "signature": "0x" });
    stage
        .post("/v1/session", &browser, &body)
        .await
        .names(422, "NOT_ALLOWED", &["/signature"]);
    let body = json!({ "nonce": 5, "signature": "zz", "x": 1 });
    let said = stage.post("/v1/session", &browser, &body).await;
    said.names(422, "BAD_INPUT", &["/nonce", "/signature", "/x"]);
}

#[tokio::test]
async fn a_wallet_with_code_signs_in_by_its_code_and_not_without_the_node() {
    let stage = stage().await;
    // Ben signs for a contract that accepts it.
    let contract = EVE;
    let try_it = || async {
        let (message, nonce, browser) = stage.challenge(contract).await;
        stage
            .post("/v1/session", &browser, &answer(&nonce, BEN, &message))
            .await
    };
    try_it().await.refuses(422, "NOT_ALLOWED");
    stage
        .node
        .contracts
        .lock()
        .unwrap()
        .insert(address(contract));
    try_it().await.is(201);
    stage
        .node
        .gone
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let problem = try_it().await;
    assert_eq!(problem.header("retry-after"), "5");
    let problem = problem.refuses(503, "RPC_UNREACHABLE");
    assert!(!problem.to_string().contains("node.example"), "{problem}");
    // A key's own signature needs no node.
    stage.sign_in(ADA).await;
}

#[tokio::test]
async fn a_session_ends_unused_after_half_an_hour_and_at_most_after_half_a_day() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        stage.turn(1_799);
        stage.get("/v1/session", &ada).await.is(200);
        stage.turn(1_801);
        stage
            .get("/v1/session", &ada)
            .await
            .refuses(401, "NOT_SIGNED_IN");
    }
}

#[tokio::test]
async fn the_account_that_changes_ends_the_session_before() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let (message, nonce, browser) = stage.challenge(BEN).await;
    let both = format!(
        "{}; {}",
        browser.cookie.unwrap(),
        ada.cookie.clone().unwrap()
    );
    let both = Pass {
        cookie: Some(both),
        key: None,
    };
    stage
        .post("/v1/session", &both, &answer(&nonce, BEN, &message))
        .await
        .is(201);
    stage
        .get("/v1/session", &ada)
        .await
        .refuses(401, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn whoever_is_suspended_or_loses_a_wallet_is_out_at_once() {
    for stage in stages().await {
        let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
        let key = super::keys::made(&stage, &dana, &["read"]).await;
        let key = Pass {
            key: Some(key),
            cookie: None,
        };
        stage.get("/v1/matches", &key).await.is(200);
        let person = || "Dana".to_owned();
        stage
            .staff(ALMA, StaffChange::Suspended { person: person() })
            .await;
        stage
            .get("/v1/matches", &dana)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        stage
            .get("/v1/matches", &key)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        stage.get("/v1/matches", &ruth).await.is(200);
        // The session is over for good, restored or not; a new one is not.
        stage
            .staff(ALMA, StaffChange::Restored { person: person() })
            .await;
        stage
            .get("/v1/matches", &dana)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        let dana = stage.sign_in(DANA).await;
        stage.get("/v1/matches", &dana).await.is(200);
        let role = Role::Trader;
        stage
            .staff(
                ALMA,
                StaffChange::RoleEnded {
                    person: person(),
                    role,
                },
            )
            .await;
        stage
            .get("/v1/matches", &dana)
            .await
            .refuses(403, "NOT_ALLOWED");
        stage.get("/v1/session", &dana).await.is(200);
        let wallet = address(DANA);
        stage
            .staff(
                ALMA,
                StaffChange::WalletEnded {
                    person: person(),
                    wallet,
                },
            )
            .await;
        stage
            .get("/v1/session", &dana)
            .await
            .refuses(401, "NOT_SIGNED_IN");
    }
}

#[tokio::test]
async fn tokens_of_nobody_sign_nobody_in() {
    let stage = stage().await;
    let forged = "A".repeat(43);
    for cookie in [
        "__Host-session=",
        "__Host-session=x",
        &format!("__Host-session={forged}"),
        &format!("session={forged}"),
    ] {
        let pass = Pass {
            cookie: Some(cookie.into()),
            key: None,
        };
        stage
            .get("/v1/session", &pass)
            .await
            .refuses(401, "NOT_SIGNED_IN");
    }
    let ada = stage.sign_in(ADA).await;
    for key in ["", "obk_", &forged, &format!("obk_{forged}")] {
        // A wrong key is not made good by a cookie.
        let pass = Pass {
            key: Some(key.into()),
            ..ada.clone()
        };
        let said = stage.get("/v1/session", &pass).await;
        assert_eq!(said.header("www-authenticate"), "Bearer");
        said.refuses(401, "NOT_SIGNED_IN");
    }
}
