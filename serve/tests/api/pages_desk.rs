//! The desk's pages as a browser gets them: what each role sees and can do there, and that access is recorded.

use std::sync::atomic::Ordering;

use alloy::primitives::B256;
use book::log::By;
use book::log::act::{Act, Told, digest, of_match};
use book::log::body::BookAnchored;
use book::log::staff::{Role, StaffChange};
use book::market::matching::Submission;
use book::market::order::Side;
use desk::chain::codes::Failure;
use desk::commitment::Footing;
use desk::index::report::{Count, Counted};
use desk::preflight::Reason;
use serde_json::{Value, json};
use uuid::Uuid;

use super::binding::{approved, committed, proposed};
use super::desk::{TOTAL, decision, pair};
use super::stage::*;
use super::trades::trade;

/// A page as somebody gets it.
async fn page(stage: &Stage, path: &str, pass: &Pass) -> String {
    let said = stage.get(path, pass).await.is(200);
    assert_eq!(said.header("content-type"), "text/html; charset=utf-8");
    String::from_utf8(said.body).unwrap()
}

/// Fails unless a page contains all of these.
#[track_caller]
fn has(page: &str, wanted: &[&str]) {
    for text in wanted {
        assert!(page.contains(text), "{text:?} is missing: {page}");
    }
}

/// Fails if a page contains any of these.
#[track_caller]
fn lacks(page: &str, unwanted: &[&str]) {
    for text in unwanted {
        assert!(!page.contains(text), "{text:?} is there: {page}");
    }
}

/// The routes in the access log.
async fn looked(stage: &Stage) -> Vec<(String, String)> {
    let rows = stage.board.accesses(0, 1_000).await.unwrap();
    let rows = rows.into_iter();
    rows.map(|row| (row.person, row.route)).collect()
}

fn reason(failure: Failure) -> Reason {
    Reason {
        failure,
        restriction: None,
        name: failure.name(),
        words: "the buyer holds $5".into(),
        remedy: "have the buyer pay in".into(),
    }
}

#[tokio::test]
async fn the_queue_has_what_crosses_with_whom_it_passes_over_and_what_speaks_against_it() {
    for stage in stages().await {
        let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
        // Nothing of the same quantity, then a pair that does not cross.
        let empty = page(&stage, "/desk", &dana).await;
        has(
            &empty,
            &["Nothing crosses. No security has both a bid and an ask."],
        );
        let ben = stage.sign_in(BEN).await;
        stage.posted(&ada, &order(ADA, Side::Bid, 10, 100)).await;
        stage.posted(&ben, &order(BEN, Side::Ask, 9, 90)).await;
        let other = page(&stage, "/desk", &dana).await;
        has(
            &other,
            &["Nothing crosses. No bid has the same quantity as an ask."],
        );
        let ask = order(BEN, Side::Ask, 10, 104);
        stage.posted(&ben, &ask).await;
        let apart = page(&stage, "/desk", &dana).await;
        has(
            &apart,
            &["Nothing crosses. The closest pair is $0.40 apart."],
        );

        let pair = pair(&stage).await;
        stage
            .node
            .reasons
            .lock()
            .unwrap()
            .push(reason(Failure::BuyerBalance));
        let found = page(&stage, "/desk", &dana).await;
        let link = format!("/desk/pair?bid={}&#38;ask={}", pair.bid, pair.ask);
        has(
            &found,
            &[
                &link,
                "Crossing pairs",
                "BUYER_BALANCE",
                "have the buyer pay in",
            ],
        );
        has(
            &found,
            &["10.40", "1,040.00", "Ada", "Ben", "data-key=\"p\""],
        );
        // A principal can look, but has nothing to propose.
        let ruth = stage.sign_in(RUTH).await;
        lacks(&page(&stage, "/desk", &ruth).await, &["data-key"]);
        stage.node.gone.store(true, Ordering::SeqCst);
        let silent = page(&stage, "/desk", &dana).await;
        has(&silent, &["the node does not answer"]);
        let rows = looked(&stage).await;
        let mine = ("Dana".to_owned(), "GET /desk".to_owned());
        // The empty queues showed nobody's orders.
        assert_eq!(
            rows.iter().filter(|row| **row == mine).count(),
            2,
            "{rows:?}"
        );
    }
}

#[tokio::test]
async fn a_better_order_that_stays_behind_is_flagged_and_has_to_be_named() {
    let stage = stage().await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    let better = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_060)).await;
    let pair = pair(&stage).await;
    let path = format!("/desk/pair?bid={}&ask={}", pair.bid, pair.ask);
    let found = page(&stage, &path, &dana).await;
    has(
        &found,
        &[&format!("data-passed=\"{better}\""), "Passed over"],
    );
    has(
        &found,
        &["You propose this trade: Ben sells 100 HRBR to Ada for $1,040.00."],
    );
    has(&found, &["would settle now", "Sign the proposal"]);
    lacks(&found, &["data-act=\"propose\" disabled"]);
    let seen = ("Dana".to_owned(), "GET /desk/pair".to_owned());
    assert!(looked(&stage).await.contains(&seen));
    // For a reader who is not a trader, and for a pair that is taken, the button is off, with the reason.
    let ruth = stage.sign_in(RUTH).await;
    let found = page(&stage, &path, &ruth).await;
    has(
        &found,
        &[
            "data-act=\"propose\" disabled",
            "Only a trader can propose it.",
        ],
    );
    stage
        .delete(&format!("/v1/orders/{}", pair.bid), &ada)
        .await
        .is(200);
    let found = page(&stage, &path, &dana).await;
    has(&found, &["The bid is no longer on the board."]);
    // Not a pair.
    for (query, status) in [
        (format!("bid={}", pair.bid), 400),
        (format!("bid={}&ask={}", pair.ask, pair.bid), 400),
        (
            format!("bid={}&ask={}", pair.bid, B256::repeat_byte(9)),
            404,
        ),
        (format!("bid={}&ask={}&colour=red", pair.bid, pair.ask), 400),
    ] {
        let path = format!("/desk/pair?{query}");
        stage.get(&path, &dana).await.is(status);
    }
}

#[tokio::test]
async fn whoever_proposed_sees_the_button_off_and_another_principal_sees_it_on() {
    for stage in stages().await {
        let (id, _) = proposed(&stage).await;
        let (person, role) = ("Dana".to_owned(), Role::Principal);
        stage
            .staff(ALMA, StaffChange::RoleGranted { person, role })
            .await;
        let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
        let path = format!("/desk/matches/{id}");
        let own = page(&stage, &path, &dana).await;
        has(
            &own,
            &[
                "data-act=\"approve\" disabled",
                "You proposed it: another person must approve it.",
            ],
        );
        let queue = page(&stage, "/desk", &dana).await;
        has(&queue, &["Under way"]);
        lacks(&queue, &["Waiting for you", "data-key=\"a\""]);
        let other = page(&stage, &path, &ruth).await;
        has(
            &other,
            &[
                "You approve this trade: Ben sells 100 HRBR to Ada for $1,040.00.",
                "the only pair of this size",
            ],
        );
        lacks(
            &other,
            &["data-act=\"approve\" disabled", "You proposed it"],
        );
        let queue = page(&stage, "/desk", &ruth).await;
        has(
            &queue,
            &[
                "Waiting for you",
                "data-key=\"a\"",
                &format!("{path}#decision"),
            ],
        );
        // A records officer sees it all and can do nothing.
        let rex = stage.sign_in(REX).await;
        let read = page(&stage, &path, &rex).await;
        has(&read, &["There is nothing for you to do here now."]);
        lacks(&read, &["data-act=\"approve\"", "data-act=\"refuse\""]);
        let seen = ("Rex".to_owned(), "GET /desk/matches/{match}".to_owned());
        assert!(looked(&stage).await.contains(&seen));
    }
}

#[tokio::test]
async fn who_comes_too_late_reads_who_was_faster() {
    let stage = stage().await;
    let (id, pair) = proposed(&stage).await;
    let ruth = stage.sign_in(RUTH).await;
    approved(&stage, id, &pair).await;
    stage.turn(3);
    let found = page(&stage, &format!("/desk/matches/{id}"), &ruth).await;
    has(&found, &["Ruth approved it 3 s ago", "Refuse it after all"]);
    lacks(&found, &["data-act=\"approve\""]);
}

#[tokio::test]
async fn an_operator_sees_approved_matches_and_nobody_s_orders() {
    let stage = stage().await;
    let (id, pair) = proposed(&stage).await;
    let otto = stage.sign_in(OTTO).await;
    let path = format!("/desk/matches/{id}");
    stage.get(&path, &otto).await.is(404);
    has(&page(&stage, "/desk", &otto).await, &["Nothing to settle."]);
    approved(&stage, id, &pair).await;
    let queue = page(&stage, "/desk", &otto).await;
    has(&queue, &["Waiting for you", "data-key=\"s\"", "1,040.00"]);
    let found = page(&stage, &path, &otto).await;
    has(&found, &["Request settlement", "Ruth approved it"]);
    for shown in [&queue, &found] {
        lacks(shown, &["HRBR", "Ada", "A-1", &address(ADA).to_string()]);
    }
    let otto_s = looked(&stage)
        .await
        .into_iter()
        .filter(|(who, _)| who == "Otto");
    assert_eq!(otto_s.count(), 0);
    // Where the contract requires commitments, the commitment comes first.
    *stage.node.footing.lock().unwrap() = Some(Footing {
        required: true,
        unregistered: vec![pair.ask],
        time: START.cast_unsigned(),
    });
    let found = page(&stage, &path, &otto).await;
    has(
        &found,
        &[
            "data-act=\"settle\" disabled",
            "a principal must commit it first.",
        ],
    );
    let ruth = stage.sign_in(RUTH).await;
    let found = page(&stage, &path, &ruth).await;
    has(
        &found,
        &[
            "Send the commitment",
            "disabled",
            "orderbook order register",
        ],
    );
    if let Some(footing) = stage.node.footing.lock().unwrap().as_mut() {
        footing.unregistered.clear();
    }
    let said = approved_again(&stage, id, &ruth).await;
    let data = said["commit"]["transaction"]["data"].as_str().unwrap();
    let found = page(&stage, &path, &ruth).await;
    has(&found, &[&format!("data-data=\"{data}\"")]);
    lacks(&found, &["Not on chain yet"]);
}

/// The commitment as in the JSON route.
async fn approved_again(stage: &Stage, id: Uuid, ruth: &Pass) -> Value {
    let found = stage.board.match_of_id(id).await.unwrap().unwrap();
    let pair = super::desk::Pair {
        bid: found.bid,
        ask: found.ask,
    };
    let sent = decision(stage, RUTH, Act::Approve, id, &pair);
    let path = format!("/v1/matches/{id}/approve");
    stage.post(&path, ruth, &sent).await.is(200).json()
}

#[tokio::test]
async fn a_committed_match_can_be_released_by_a_principal() {
    let stage = stage().await;
    let (id, _, _) = committed(&stage).await;
    let (ruth, dana) = (stage.sign_in(RUTH).await, stage.sign_in(DANA).await);
    let path = format!("/desk/matches/{id}");
    has(
        &page(&stage, &path, &ruth).await,
        &["Send the release", "15 Jan 2027 09:00 UTC"],
    );
    lacks(&page(&stage, &path, &dana).await, &["Send the release"]);
}

#[tokio::test]
async fn what_nobody_knows_the_outcome_of_is_on_top() {
    for stage in stages().await {
        let (id, pair) = proposed(&stage).await;
        approved(&stage, id, &pair).await;
        let sent = Submission {
            tx_hash: B256::repeat_byte(6),
            nonce: 1,
            sender: address(OTTO),
        };
        let by = || By::new("Otto");
        stage.board.record_submitted(id, sent, by()).await.unwrap();
        stage.board.record_unknown(id, by()).await.unwrap();
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        stage.posted(&ada, &order(ADA, Side::Bid, 50, 600)).await;
        stage.posted(&ben, &order(BEN, Side::Ask, 50, 500)).await;
        let dana = stage.sign_in(DANA).await;
        let found = page(&stage, "/desk", &dana).await;
        let at = |text: &str| {
            found
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {found}"))
        };
        assert!(at("Outcome unknown") < at("Crossing pairs"), "{found}");
        has(&found, &["orderbook sync"]);
    }
}

#[tokio::test]
async fn a_draft_is_the_act_that_the_board_then_takes() {
    for stage in stages().await {
        let pair = pair(&stage).await;
        let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
        let (id, why) = (Uuid::now_v7(), "the only pair of this size");
        let hash = digest(why.as_bytes());
        let path = format!(
            "/v1/acts/draft?act=propose&match={id}&bid={}&ask={}&reason={hash}",
            pair.bid, pair.ask
        );
        let said = stage.get(&path, &dana).await.is(200).json();
        let told = Told {
            act: Act::Propose,
            subject: of_match(id),
            bid: pair.bid,
            ask: pair.ask,
            total: TOTAL,
            reason: why,
        };
        let time = stage.now().as_second().cast_unsigned();
        let wanted = stage.board.act_hasher().digest(&told.at(time));
        assert_eq!(said["id"], json!(wanted));
        assert_eq!(
            (
                &said["subject"],
                &said["total"],
                &said["time"],
                &said["contract"]
            ),
            (
                &json!(of_match(id)),
                &json!(TOTAL.to_string()),
                &json!("2027-01-15T08:00:00Z"),
                &json!(identity().contract)
            )
        );
        let sent = super::desk::proposal(&stage, DANA, id, &pair);
        stage.post("/v1/matches", &dana, &sent).await.is(201);
        let none = digest(b"");
        let path = format!("/v1/acts/draft?act=approve&match={id}&reason={none}");
        let said = stage.get(&path, &ruth).await.is(200).json();
        let told = Told {
            act: Act::Approve,
            reason: "",
            ..told
        };
        let wanted = stage.board.act_hasher().digest(&told.at(time));
        assert_eq!(
            (&said["id"], &said["bid"]),
            (&json!(wanted), &json!(pair.bid))
        );
        let size = stage.size().await;
        let (other, zero) = (Uuid::now_v7(), B256::ZERO);
        for (query, name) in [
            (format!("act=staff&match={id}&reason={none}"), "act"),
            (format!("match={id}&reason={none}"), "act"),
            (format!("act=approve&reason={none}"), "match"),
            (format!("act=approve&match={id}"), "reason"),
            (format!("act=propose&match={id}&reason={none}"), "bid"),
            (
                format!(
                    "act=propose&match={id}&reason={none}&bid={zero}&ask={}",
                    pair.ask
                ),
                "bid",
            ),
            (
                format!(
                    "act=propose&match={id}&reason={none}&bid={}&ask={zero}",
                    pair.bid
                ),
                "ask",
            ),
        ] {
            let said = stage.get(&format!("/v1/acts/draft?{query}"), &dana).await;
            said.names(400, "BAD_INPUT", &[name]);
        }
        let path = format!("/v1/acts/draft?act=refuse&match={other}&reason={none}");
        stage.get(&path, &dana).await.refuses(404, "NOT_FOUND");
        assert_eq!(stage.size().await, size);
    }
}

#[tokio::test]
async fn a_confirmation_has_the_facts_the_transaction_and_the_proof() {
    for stage in stages().await {
        let (bid, ask) = trade(&stage, 100, 1_035, 1).await;
        let (ada, ben, dana) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(DANA).await,
        );
        let path = format!("/orders/{bid}/confirmation");
        let found = page(&stage, &path, &ada).await;
        let hash = B256::repeat_byte(1).to_string();
        has(
            &found,
            &[
                "You bought",
                "100 HRBR",
                "$10.35",
                "$1,035.00",
                "US0378331005",
                "agent",
                &hash,
                "none covers it yet",
            ],
        );
        has(
            &found,
            &["furnished on written request", "billed separately"],
        );
        stage.get(&path, &ben).await.is(404);
        has(
            &page(&stage, &format!("/orders/{ask}/confirmation"), &ben).await,
            &["You sold"],
        );
        assert_eq!(looked(&stage).await, []);
        page(&stage, &path, &dana).await;
        let route = "GET /orders/{order}/confirmation";
        assert_eq!(
            looked(&stage).await,
            [("Dana".to_owned(), route.to_owned())]
        );
        let head = stage.board.head().await.unwrap();
        let anchor = BookAnchored {
            block: 9,
            root: head.root,
            size: head.size,
            tx_hash: B256::repeat_byte(7),
        };
        stage
            .board
            .record_anchored(anchor, By::new("otto"))
            .await
            .unwrap();
        has(&page(&stage, &path, &ada).await, &[&head.root.to_string()]);
        // An order that was not filled has none.
        let open = stage.posted(&ada, &order(ADA, Side::Bid, 3, 30)).await;
        stage
            .get(&format!("/orders/{open}/confirmation"), &ada)
            .await
            .is(404);
    }
}

#[tokio::test]
async fn the_blotter_has_the_trades_of_some_days_and_their_sum() {
    for stage in stages().await {
        trade(&stage, 100, 1_035, 1).await;
        trade(&stage, 50, 600, 2).await;
        let rex = stage.sign_in(REX).await;
        let found = page(&stage, "/desk/blotter", &rex).await;
        has(
            &found,
            &[
                "2 trades",
                "$1,635.00",
                "10.35",
                "12.00",
                "Ada",
                "A-2",
                "aria-current=\"true\">Today",
            ],
        );
        assert!(
            looked(&stage)
                .await
                .contains(&("Rex".to_owned(), "GET /desk/blotter".to_owned()))
        );
        let other = page(&stage, "/desk/blotter?security=QUAY", &rex).await;
        has(
            &other,
            &[
                "0 trades",
                "Nothing settled on these days.",
                "security=QUAY",
            ],
        );
        let later = page(&stage, "/desk/blotter?from=2027-01-16&to=2027-01-17", &rex).await;
        has(&later, &["16 Jan 2027 to 17 Jan 2027", "Nothing settled"]);
        stage.get("/desk/blotter?security=NONE", &rex).await.is(404);
        stage.get("/desk/blotter?from=soon", &rex).await.is(400);
    }
}

#[tokio::test]
async fn reports_show_days_holders_and_subscribers() {
    let stage = stage().await;
    trade(&stage, 100, 1_035, 1).await;
    *stage.node.holders.lock().unwrap() = vec![Count {
        of: Counted::All,
        holders: 1_996,
        limit: 2_000,
    }];
    let ruth = stage.sign_in(RUTH).await;
    let found = page(&stage, "/desk/reports", &ruth).await;
    has(
        &found,
        &[
            "1,035.00",
            "1,996 of 2,000",
            "95% reached",
            "Ada",
            "not accepted here",
        ],
    );
    stage.node.gone.store(true, Ordering::SeqCst);
    let found = page(&stage, "/desk/reports", &ruth).await;
    has(&found, &["The node does not answer", "1,035.00"]);
}

#[tokio::test]
async fn people_are_shown_with_who_granted_what_and_who_looked_at_whose_orders() {
    for stage in stages().await {
        let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
        let id = stage.posted(&ada, &order(ADA, Side::Bid, 3, 30)).await;
        for _ in 0..101 {
            stage.get(&format!("/orders/{id}"), &dana).await.is(200);
        }
        let (rex, alma) = (stage.sign_in(REX).await, stage.sign_in(ALMA).await);
        let found = page(&stage, "/desk/people", &rex).await;
        has(
            &found,
            &[
                "by Alma",
                "records officer",
                "Dana joined as trader",
                "Earlier rows",
            ],
        );
        has(&found, &["GET /orders/{order}", "Ada"]);
        let (_, rest) = found.split_once("/desk/people?cursor=").unwrap();
        let (cursor, _) = rest.split_once('#').unwrap();
        let path = format!("/desk/people?cursor={cursor}");
        let rest = page(&stage, &path, &rex).await;
        has(&rest, &["Newest", "data-label=\"Row\">1<"]);
        lacks(&rest, &["data-label=\"Row\">2<", "Earlier rows"]);
        stage.get("/desk/people?cursor=AAAA", &rex).await.is(400);
        // An admin sees the staff, but not who looked at what.
        let found = page(&stage, "/desk/people", &alma).await;
        has(&found, &["by Alma"]);
        lacks(
            &found,
            &["Who looked at whose orders", "GET /orders/{order}"],
        );
    }
}

/// Names and texts from others run nothing and make no markup.
#[tokio::test]
async fn a_rationale_with_markup_is_shown_as_text() {
    let stage = stage().await;
    let pair = pair(&stage).await;
    let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
    let (id, why) = (
        Uuid::now_v7(),
        "<script>alert(1)</script><img src=x onerror=alert(2)>",
    );
    let told = Told {
        act: Act::Propose,
        subject: of_match(id),
        bid: pair.bid,
        ask: pair.ask,
        total: TOTAL,
        reason: why,
    };
    let signed = stage.sign(DANA, &told);
    let sent = json!({
        "id": id, "bid": pair.bid, "ask": pair.ask, "rationale": why, "passed_over": [],
        "signature": signed.signature, "time": stage.now(),
    });
    stage.post("/v1/matches", &dana, &sent).await.is(201);
    let found = page(&stage, &format!("/desk/matches/{id}"), &ruth).await;
    lacks(&found, &["<script>alert", "<img"]);
    has(&found, &["data-total=\"1040000000\""]);
}

#[tokio::test]
async fn each_role_comes_first_to_the_page_that_it_works_on() {
    let stage = stage().await;
    for (number, first) in [
        (ADA, "/market"),
        (DANA, "/desk"),
        (RUTH, "/desk"),
        (OTTO, "/desk"),
        (REX, "/desk"),
        (ALMA, "/desk/people"),
    ] {
        let pass = stage.sign_in(number).await;
        let said = stage.get("/", &pass).await.is(303);
        assert_eq!(said.header("location"), first);
        stage.get(first, &pass).await.is(200);
    }
}
