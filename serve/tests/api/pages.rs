//! The pages as a browser gets them: whom they are for, what they show when there is nothing, and that nothing in them
//! runs.

use std::sync::atomic::Ordering;

use axum::body::Body;
use book::log::By;
use book::market::order::Side;
use book::market::security::Security;

use super::stage::*;

fn text(said: Said) -> String {
    String::from_utf8(said.body).unwrap()
}

/// A page without the parts that differ from one request to the next.
fn settled(said: Said) -> String {
    let id = said.header("x-request-id").to_owned();
    text(said).replace(&id, "")
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_welcome_page_and_back_from_there() {
    let stage = stage().await;
    let welcome = stage.get("/", &nobody()).await.is(200);
    assert_eq!(welcome.header("content-type"), "text/html; charset=utf-8");
    let page = text(welcome);
    assert!(
        page.contains("Harbour Securities LLC") && page.contains("CRD 104221"),
        "{page}"
    );
    // No security is named to anybody.
    assert!(!page.contains("HRBR") && !page.contains("QUAY"), "{page}");
    for path in ["/market", "/orders", "/securities/HRBR", "/securities/NONE"] {
        let said = stage.get(path, &nobody()).await.is(303);
        assert_eq!(said.header("location"), "/", "{path}");
    }
    let ada = stage.sign_in(ADA).await;
    assert_eq!(
        stage.get("/", &ada).await.is(303).header("location"),
        "/market"
    );
}

/// A security that may not be seen gives the same page as one that does not exist.
#[tokio::test]
async fn a_security_that_may_not_be_seen_is_the_page_of_one_that_does_not_exist() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let pages = ["QUAY", quay().isin.as_str(), "NONE"].map(|name| format!("/securities/{name}"));
    let mut found = Vec::new();
    for path in pages {
        found.push(settled(stage.get(&path, &ada).await.is(404)));
    }
    assert!(found.iter().all(|page| *page == found[0]), "{found:?}");
    assert!(found[0].contains("There is no such page"), "{}", found[0]);
}

#[tokio::test]
async fn a_market_has_a_line_for_each_security_and_says_what_to_do_where_there_is_none() {
    for stage in stages().await {
        let (ada, ben, eve) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(EVE).await,
        );
        stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_030)).await;
        stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_050)).await;
        let page = text(stage.get("/market", &ada).await.is(200));
        for figure in ["10.30", "10.50", "0.20", "Harbour Logistics Class A"] {
            assert!(page.contains(figure), "{figure}: {page}");
        }
        assert!(!page.contains("QUAY"), "{page}");
        let empty = text(stage.get("/market", &eve).await.is(200));
        assert!(empty.contains("No security lists this wallet."), "{empty}");
        assert!(empty.contains(&address(EVE).to_string()), "{empty}");
        // The reader's own lot is marked, the other's can be answered, and neither shows whose it is.
        let page = text(stage.get("/securities/HRBR", &ada).await.is(200));
        assert!(
            page.contains("yours") && page.contains("Answer the ask of 100 at 10.50"),
            "{page}"
        );
        assert!(!page.contains(&address(BEN).to_string()), "{page}");
    }
}

#[tokio::test]
async fn off_the_board_and_void_are_two_words() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    let id = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_030)).await;
    let path = format!("/orders/{id}");
    let page = text(stage.get(&path, &ada).await.is(200));
    assert!(
        page.contains("Take it off the board") && !page.contains("Make it void"),
        "{page}"
    );
    stage.delete(&format!("/v1{path}"), &ada).await.is(200);
    let page = text(stage.get(&path, &ada).await.is(200));
    assert!(
        page.contains("off the board") && page.contains("Make it void"),
        "{page}"
    );
    assert!(!page.contains("It is void"), "{page}");
    let list = text(stage.get("/orders", &ada).await.is(200));
    assert!(list.contains("off the board"), "{list}");
    // Another's order counts as missing.
    let ben = stage.sign_in(BEN).await;
    stage.get(&path, &ben).await.is(404);
}

#[tokio::test]
async fn a_page_says_that_the_node_is_away() {
    let stage = stage().await;
    let grey = r#"<span class="stale" data-away>12</span>"#;
    let ada = stage.sign_in(ADA).await;
    let holds = (15 * TOKEN, 12 * TOKEN, 0);
    let key = (address(ADA), security().token);
    stage.node.means.lock().unwrap().insert(key, holds);
    stage.get("/market", &ada).await.is(200);
    stage.node.gone.store(true, Ordering::SeqCst);
    let page = text(stage.get("/market", &ada).await.is(200));
    assert!(page.contains("The node does not answer"), "{page}");
    assert!(page.contains(grey), "{page}");
    // After a minute, what the registries reported no longer justifies accepting an order, but is still shown, as of
    // its block.
    stage.turn(60);
    for path in ["/market", "/securities/HRBR"] {
        let page = text(stage.get(path, &ada).await.is(200));
        assert!(page.contains(grey), "{page}");
        assert!(!page.contains("QUAY"), "{page}");
    }
    stage.get("/v1/securities", &ada).await.is(503);
    stage.node.gone.store(false, Ordering::SeqCst);
    let page = text(stage.get("/market", &ada).await.is(200));
    assert!(
        !page.contains("data-away") && !page.contains("does not answer"),
        "{page}"
    );
}

#[tokio::test]
async fn of_whom_the_node_has_said_nothing_nothing_is_shown() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    stage.node.gone.store(true, Ordering::SeqCst);
    let said = stage.get("/market", &ada).await.is(503);
    assert_eq!(said.header("retry-after"), "5");
    assert!(text(said).contains("the chain could not be reached"));
}

#[tokio::test]
async fn nothing_in_a_page_runs_but_its_own_script() {
    let stage = stage().await;
    let hostile = Security {
        name: "<script>alert(1)</script>\"'<img src=x onerror=alert(1)>".into(),
        symbol: "EVIL".into(),
        isin: "US0231351067".parse().unwrap(),
        token: alloy::primitives::Address::repeat_byte(0x66),
        decimals: 2,
    };
    stage
        .board
        .list_security(hostile, By::new("setup"))
        .await
        .unwrap();
    let ada = stage.sign_in(ADA).await;
    let id = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_030)).await;
    let own = format!("/orders/{id}");
    for (path, pass) in [
        ("/", &nobody()),
        ("/log", &nobody()),
        ("/status", &nobody()),
        ("/market", &ada),
        ("/securities/EVIL", &ada),
        ("/securities/HRBR", &ada),
        ("/orders", &ada),
        (own.as_str(), &ada),
    ] {
        let said = stage.get(path, pass).await.is(200);
        assert!(
            said.header("content-security-policy")
                .contains("require-trusted-types-for 'script'")
        );
        assert_eq!(said.header("referrer-policy"), "no-referrer");
        let page = text(said);
        for part in [" style=", "<style", " onclick=", "javascript:", "<img"] {
            assert!(!page.contains(part), "{path} has {part}: {page}");
        }
        assert_eq!(page.matches("<script").count(), 1, "{path}: {page}");
        assert!(
            page.contains("<script type=\"module\" src=\"/assets/board."),
            "{path}: {page}"
        );
    }
}

#[tokio::test]
async fn a_file_of_the_pages_never_changes_under_its_name() {
    let stage = stage().await;
    let path = serve::pages::asset_path("board.js");
    let plain = stage.get(&path, &nobody()).await.is(200);
    assert_eq!(
        plain.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        plain.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(plain.header("content-encoding"), "");
    let request = Stage::request("GET", &path, &nobody())
        .header("accept-encoding", "gzip, br")
        .body(Body::empty());
    let small = stage.ask(request.unwrap()).await.is(200);
    assert_eq!(small.header("content-encoding"), "br");
    assert!(
        small.body.len() * 2 < plain.body.len(),
        "{}",
        small.body.len()
    );
    for path in [
        "/assets/board.js",
        "/assets/board.0000000000000000.js",
        "/assets/",
    ] {
        stage.get(path, &nobody()).await.is(404);
    }
    // Different content has a different name: the stylesheet's is not the script's.
    assert_ne!(
        path.replace(".js", ".css"),
        serve::pages::asset_path("board.css")
    );
}

/// A client that accepts HTML gets a page saying that there is none; programs get JSON.
#[tokio::test]
async fn a_path_that_is_not_there_is_a_page_for_people() {
    let stage = stage().await;
    let request = Stage::request("GET", "/nothing/here", &nobody())
        .header("accept", "text/html,application/xhtml+xml")
        .body(Body::empty());
    let said = stage.ask(request.unwrap()).await.is(404);
    assert_eq!(said.header("content-type"), "text/html; charset=utf-8");
    stage
        .get("/nothing/here", &nobody())
        .await
        .refuses(404, "NOT_FOUND");
}
