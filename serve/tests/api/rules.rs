//! What every request must fulfil, whoever sends it: host, origin, content, size; and what every answer contains.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::stage::*;

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_its_reader() {
    let stage = stage().await;
    let challenge = json!({ "address": address(ADA) });
    for said in [
        stage.get("/v1/status", &nobody()).await.is(200),
        stage.get("/v1/session", &nobody()).await.is(401),
        stage.get("/nothing/here", &nobody()).await.is(404),
        stage
            .post("/v1/status", &nobody(), &json!({}))
            .await
            .is(405),
        stage
            .post("/v1/session/challenge", &nobody(), &challenge)
            .await
            .is(201),
    ] {
        let policy = said.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(said.header("x-content-type-options"), "nosniff");
        assert_eq!(said.header("referrer-policy"), "no-referrer");
        assert!(
            said.header("strict-transport-security")
                .starts_with("max-age=")
        );
        assert_eq!(said.header("cache-control"), "no-store");
        assert!(said.headers.get("access-control-allow-origin").is_none());
        let id = said.header("x-request-id").to_owned();
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
        if said.status >= 400 {
            assert_eq!(said.header("content-type"), "application/problem+json");
            assert_eq!(said.json()["request_id"], id.as_str());
            assert!(
                said.json()["type"]
                    .as_str()
                    .unwrap()
                    .starts_with("/problems/")
            );
        }
    }
}

fn from(host: &str, path: &str) -> Request<Body> {
    Request::builder()
        .uri(path)
        .header("host", host)
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn another_host_is_told_that_it_is_the_wrong_one() {
    let stage = stage().await;
    for host in [
        "evil.example",
        "board.example:8443",
        "127.0.0.1",
        "board.example.evil.example",
        "",
    ] {
        stage
            .ask(from(host, "/v1/status"))
            .await
            .refuses(421, "OTHER_HOST");
    }
    let without = Request::builder()
        .uri("/v1/status")
        .body(Body::empty())
        .unwrap();
    stage.ask(without).await.refuses(421, "OTHER_HOST");
    stage.ask(from("BOARD.example", "/v1/status")).await.is(200);
}

#[tokio::test]
async fn on_this_machine_127_0_0_1_is_sent_to_localhost() {
    let local = stage().await;
    let url = serve::config::PublicUrl::local(8080);
    let faces = serve::config::Face::ALL.to_vec();
    let app = serve::app::App::new(local.board.clone(), local.node.clone(), url, faces, None);
    let app = std::sync::Arc::new(app.await.unwrap().silent().limited(u32::MAX));
    let local = local.behind(&app);
    let said = local
        .ask(from("127.0.0.1:8080", "/v1/status?x=1"))
        .await
        .is(308);
    assert_eq!(
        said.header("location"),
        "http://localhost:8080/v1/status?x=1"
    );
    local
        .ask(from("localhost:8080", "/v1/status"))
        .await
        .is(200);
    for host in ["127.0.0.1:8081", "localhost", "127.0.0.1"] {
        local
            .ask(from(host, "/v1/status"))
            .await
            .refuses(421, "OTHER_HOST");
    }
}

/// A request that changes something, with these two headers.
async fn unsafe_with(stage: &Stage, pass: &Pass, origin: Option<&str>, site: Option<&str>) -> Said {
    let mut request = Request::builder()
        .method("DELETE")
        .uri("/v1/orders/0x00")
        .header("host", "board.example");
    for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    for (name, value) in [("cookie", &pass.cookie), ("authorization", &pass.key)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    stage.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_changes_something_comes_from_its_own_pages_or_with_an_api_key() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let own = Some(URL);
    // 404: it got as far as the order, which does not exist.
    unsafe_with(&stage, &ada, own, Some("same-origin"))
        .await
        .is(404);
    for (origin, site) in [
        (None, None),
        (own, None),
        (None, Some("same-origin")),
        (Some("https://evil.example"), Some("same-origin")),
        (Some("null"), Some("same-origin")),
        (Some("http://board.example"), Some("same-origin")),
        (own, Some("cross-site")),
        (own, Some("same-site")),
        (own, Some("none")),
    ] {
        let problem = unsafe_with(&stage, &ada, origin, site)
            .await
            .refuses(403, "OTHER_ORIGIN");
        assert!(problem["hint"].as_str().unwrap().contains("API key"));
    }
    let key = super::keys::made(&stage, &ada, &["orders"]).await;
    let key = Pass {
        key: Some(format!("Bearer {key}")),
        cookie: None,
    };
    unsafe_with(&stage, &key, None, None).await.is(404);
    unsafe_with(&stage, &key, own, Some("same-origin"))
        .await
        .is(404);
    // A header that is there must still be right.
    unsafe_with(&stage, &key, Some("https://evil.example"), None)
        .await
        .refuses(403, "OTHER_ORIGIN");
    unsafe_with(&stage, &key, None, Some("cross-site"))
        .await
        .refuses(403, "OTHER_ORIGIN");
    // Reading changes nothing: no other site's page could read the answer or send the cookie.
    stage.get("/v1/orders", &ada).await.is(200);
}

#[tokio::test]
async fn a_body_is_json_as_it_is_and_not_too_large() {
    let stage = stage().await;
    let send = |headers: &[(&str, &str)], body: String| {
        let mut request = Stage::request("POST", "/v1/session/challenge", &nobody());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        stage.ask(request.body(Body::from(body)).unwrap())
    };
    let good = json!({ "address": address(ADA) }).to_string();
    let kind = ("content-type", "application/json");
    send(&[kind], good.clone()).await.is(201);
    send(
        &[("content-type", "Application/JSON; charset=utf-8")],
        good.clone(),
    )
    .await
    .is(201);
    send(&[], good.clone()).await.refuses(415, "NOT_JSON");
    send(&[("content-type", "text/plain")], good.clone())
        .await
        .refuses(415, "NOT_JSON");
    send(&[kind, ("content-encoding", "gzip")], good.clone())
        .await
        .refuses(415, "NOT_JSON");
    send(&[kind], "{".into()).await.refuses(400, "BAD_INPUT");
    send(&[kind], "[]".into()).await.refuses(400, "BAD_INPUT");
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    send(&[kind], padded(16 << 10)).await.is(201);
    send(&[kind], padded((16 << 10) + 1))
        .await
        .refuses(413, "TOO_LARGE");
    send(&[kind, ("content-length", "999999999")], good.clone())
        .await
        .refuses(413, "TOO_LARGE");
    let unknown = json!({ "address": address(ADA), "admin": true }).to_string();
    send(&[kind], unknown)
        .await
        .names(422, "BAD_INPUT", &["/admin"]);
    let problem = send(&[kind], json!({ "address": "0x12" }).to_string()).await;
    problem.names(422, "BAD_INPUT", &["/address"]);
}

#[tokio::test]
async fn unknown_parameters_and_methods_are_refused() {
    let stage = stage().await;
    let problem = stage.get("/v1/status?offset=5", &nobody()).await;
    problem.names(400, "BAD_INPUT", &["offset"]);
    stage
        .delete("/v1/status", &nobody())
        .await
        .refuses(405, "NO_METHOD");
    stage
        .get("/v1/statuses", &nobody())
        .await
        .refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_status_is_for_anybody_and_says_nothing_of_a_security() {
    let stage = stage().await;
    let said = stage.get("/v1/status", &nobody()).await.is(200);
    let size = stage.size().await;
    assert_eq!(said.json()["log"]["size"], size);
    assert_eq!(said.json()["chain_id"], 412_346);
    let text = String::from_utf8(said.body).unwrap();
    for secret in [security(), quay()] {
        let token = secret.token.to_string();
        for word in [secret.symbol, secret.isin.to_string(), secret.name, token] {
            assert!(
                !text.to_lowercase().contains(&word.to_lowercase()),
                "{word}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn whoever_asks_for_too_much_waits_and_nobody_else_does() {
    let base = stage().await;
    let faces = serve::config::Face::ALL.to_vec();
    let app = serve::app::App::new(
        base.board.clone(),
        base.node.clone(),
        URL.parse().unwrap(),
        faces,
        None,
    );
    let app = std::sync::Arc::new(app.await.unwrap().silent().limited(60));
    let (ada, ben) = (base.sign_in(ADA).await, base.sign_in(BEN).await);
    let stage = base.behind(&app);
    for left in (0..60).rev() {
        let said = stage.get("/v1/session", &ada).await.is(200);
        let (policy, now) = (said.header("ratelimit-policy"), said.header("ratelimit"));
        assert_eq!(policy, "\"default\";q=60;w=60");
        assert_eq!(now, format!("\"default\";r={left};t={}", 60 - left));
    }
    let said = stage.get("/v1/session", &ada).await;
    assert_eq!(said.header("retry-after"), "1");
    said.refuses(429, "TOO_MANY");
    stage.get("/v1/session", &ben).await.is(200);
    // A sign-in text costs 10, and clients that are not signed in are charged by address.
    let asked = json!({ "address": address(ADA) });
    for _ in 0..6 {
        stage
            .post("/v1/session/challenge", &nobody(), &asked)
            .await
            .is(201);
    }
    let size = stage.size().await;
    let said = stage.post("/v1/session/challenge", &nobody(), &asked).await;
    assert_eq!(said.header("retry-after"), "10");
    said.refuses(429, "TOO_MANY");
    stage
        .get("/v1/session", &nobody())
        .await
        .refuses(429, "TOO_MANY");
    assert_eq!(stage.size().await, size);
    stage.turn(5);
    let order = order(ADA, book::market::order::Side::Bid, 100, 1_050);
    stage.post("/v1/orders", &ada, &body(&order)).await.is(201);
    stage
        .get("/v1/session", &ada)
        .await
        .refuses(429, "TOO_MANY");
}
