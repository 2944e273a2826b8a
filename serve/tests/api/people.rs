//! The staff over HTTP: what an admin signs is recorded by the book's own function, and counts at once.

use alloy::primitives::Bytes;
use book::log::act::{Act, Told};
use book::log::staff::{Role, StaffChange, subject};
use book::market::order::Side;
use serde_json::{Value, json};
use uuid::Uuid;

use super::desk;
use super::stage::*;

/// A change as a client sends it, signed by these admins.
fn sent(stage: &Stage, change: &StaffChange, id: Uuid, reason: &str, admins: &[u8]) -> Value {
    let told = Told::about(Act::Staff, subject(change, id), reason);
    let signed = |admin: u8| {
        let signed = stage.sign(admin, &told);
        json!({ "wallet": signed.wallet, "signature": signed.signature, "time": stage.now() })
    };
    let first = signed(admins[0]);
    let mut body = json!({
        "change": change,
        "id": id,
        "reason": reason,
        "signature": first["signature"],
        "time": first["time"],
    });
    if let Some(second) = admins.get(1) {
        body["second"] = signed(*second);
    }
    body
}

fn added(person: &str, wallet: u8, roles: &[Role]) -> StaffChange {
    StaffChange::Added {
        crd: Some(7_000_000 + u64::from(wallet)),
        person: person.into(),
        roles: roles.iter().copied().collect(),
        wallet: address(wallet),
    }
}

#[tokio::test]
async fn an_admin_adds_changes_and_suspends_people_and_their_sessions_follow_at_once() {
    for stage in stages().await {
        let alma = stage.sign_in(ALMA).await;
        let tina = 0x71;
        let change = added("Tina", tina, &[Role::Trader]);
        let body = sent(&stage, &change, Uuid::now_v7(), "new on the desk", &[ALMA]);
        let said = stage.post("/v1/staff", &alma, &body).await.is(201).json();
        let size = stage.size().await;
        assert_eq!(
            (&said["seq"], &said["person"], &said["signed_by"]),
            (&json!(size), &json!("Tina"), &json!("Alma"))
        );
        assert_eq!(said["change"]["what"], "added");
        // The same signed change under another key is not made again.
        let again = stage.post("/v1/staff", &alma, &body).await.is(200).json();
        assert_eq!((again, stage.size().await), (said, size));

        let pass = stage.sign_in(tina).await;
        stage.get("/v1/matches", &pass).await.is(200);
        let key = super::keys::made(&stage, &pass, &["read"]).await;
        let key = Pass {
            key: Some(key),
            cookie: None,
        };
        stage.get("/v1/matches", &key).await.is(200);
        let (person, role) = ("Tina".to_owned(), Role::Trader);
        let change = StaffChange::RoleEnded {
            person: person.clone(),
            role,
        };
        let body = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA]);
        stage.post("/v1/staff", &alma, &body).await.is(201);
        stage
            .get("/v1/matches", &pass)
            .await
            .refuses(403, "NOT_ALLOWED");

        let change = StaffChange::Suspended {
            person: person.clone(),
        };
        let body = sent(&stage, &change, Uuid::now_v7(), "on leave", &[ALMA]);
        stage.post("/v1/staff", &alma, &body).await.is(201);
        stage
            .get("/v1/session", &key)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        let change = StaffChange::Restored { person };
        let body = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA]);
        stage.post("/v1/staff", &alma, &body).await.is(201);
        // The session is over for good, though nobody used it in the meantime.
        stage
            .get("/v1/session", &pass)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        stage.sign_in(tina).await;

        let rex = stage.sign_in(REX).await;
        let listed = stage.get("/v1/staff", &rex).await.is(200).json();
        let people = listed["staff"].as_array().unwrap();
        let tina = people.iter().find(|one| one["person"] == "Tina").unwrap();
        assert_eq!(
            (&tina["roles"], &tina["crd"]),
            (&json!([]), &json!(7_000_113))
        );
        assert_eq!(listed["signing_demanded_by"], 2);
        let report = book::audit::verify::verify(&stage.board, &[], |_| {});
        assert_eq!(report.await.unwrap().finding, None);
    }
}

#[tokio::test]
async fn a_wallet_that_is_ended_has_no_session_from_then_on() {
    for stage in stages().await {
        let alma = stage.sign_in(ALMA).await;
        let wallet = address(0x78);
        let person = || "Dana".to_owned();
        let change = StaffChange::WalletAdded {
            person: person(),
            wallet,
        };
        let body = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA]);
        stage.post("/v1/staff", &alma, &body).await.is(201);
        let (lost, dana) = (stage.sign_in(0x78).await, stage.sign_in(DANA).await);
        stage.get("/v1/matches", &lost).await.is(200);
        let change = StaffChange::WalletEnded {
            person: person(),
            wallet,
        };
        let body = sent(&stage, &change, Uuid::now_v7(), "laptop stolen", &[ALMA]);
        stage.post("/v1/staff", &alma, &body).await.is(201);
        stage
            .get("/v1/matches", &lost)
            .await
            .refuses(401, "NOT_SIGNED_IN");
        stage.get("/v1/matches", &dana).await.is(200);
    }
}

#[tokio::test]
async fn the_power_of_a_principal_takes_two_admins_where_there_are_two() {
    let stage = stage().await;
    let alma = stage.sign_in(ALMA).await;
    let boris = 0x79;
    let change = added("Boris", boris, &[Role::Admin]);
    let body = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA]);
    stage.post("/v1/staff", &alma, &body).await.is(201);
    let size = stage.size().await;
    let change = added("Paula", 0x7a, &[Role::Principal]);
    let alone = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA]);
    let said = stage.post("/v1/staff", &alma, &alone).await;
    said.names(422, "BOARD_REFUSED", &["/second"]);
    let twice = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA, ALMA]);
    let said = stage.post("/v1/staff", &alma, &twice).await;
    said.names(422, "BOARD_REFUSED", &["/second"]);
    assert_eq!(stage.size().await, size);
    let both = sent(&stage, &change, Uuid::now_v7(), "", &[ALMA, boris]);
    stage.post("/v1/staff", &alma, &both).await.is(201);
    assert_eq!(stage.size().await, size + 1);
}

#[tokio::test]
async fn what_breaks_a_rule_or_is_signed_by_another_records_nothing_and_names_the_field() {
    for stage in stages().await {
        let alma = stage.sign_in(ALMA).await;
        let size = stage.size().await;
        let id = Uuid::now_v7();
        let good = |change: &StaffChange| sent(&stage, change, id, "why", &[ALMA]);
        let post = |body: Value| {
            let (stage, alma) = (&stage, alma.clone());
            async move { stage.post("/v1/staff", &alma, &body).await }
        };
        let person = |name: &str| name.to_owned();
        for (change, pointer) in [
            (added("dana", 0x7b, &[]), "/change/person"),
            (added("web", 0x7b, &[]), "/change/person"),
            (added("Tina", DANA, &[]), "/change/wallet"),
            (added("Tina", 0x7b, &[Role::Admin, Role::Trader]), "/change"),
            (
                StaffChange::Restored {
                    person: person("Dana"),
                },
                "/change/person",
            ),
            (
                StaffChange::Suspended {
                    person: person("Nobody"),
                },
                "/change/person",
            ),
            (
                StaffChange::RoleGranted {
                    person: person("Dana"),
                    role: Role::Trader,
                },
                "/change/role",
            ),
            (
                StaffChange::RoleEnded {
                    person: person("Dana"),
                    role: Role::Operator,
                },
                "/change/role",
            ),
            (
                StaffChange::WalletEnded {
                    person: person("Dana"),
                    wallet: address(RUTH),
                },
                "/change/wallet",
            ),
        ] {
            post(good(&change))
                .await
                .names(422, "BOARD_REFUSED", &[pointer]);
        }
        let change = added("Tina", 0x7b, &[Role::Trader]);
        // Ruth's key, another reason, another id, another person, no signature.
        let forged = sent(&stage, &change, id, "why", &[RUTH]);
        post(forged)
            .await
            .names(422, "NOT_ALLOWED", &["/signature"]);
        for (name, value) in [
            ("reason", json!("another")),
            ("id", json!(Uuid::now_v7())),
            ("change", json!(added("Tim", 0x7b, &[Role::Trader]))),
            ("signature", json!(Bytes::new())),
        ] {
            let mut other = good(&change);
            other[name] = value;
            post(other).await.names(422, "NOT_ALLOWED", &["/signature"]);
        }
        let named = json!({ "what": "admin_named", "person": "Eve", "wallet": address(EVE) });
        let mut other = good(&change);
        other["change"] = named;
        post(other)
            .await
            .names(422, "BAD_INPUT", &["/change/what", "/change/wallet"]);
        let mut other = good(&change);
        other["change"]["role"] = json!("trader");
        post(other).await.names(422, "BAD_INPUT", &["/change/role"]);
        let missing = post(json!({})).await;
        missing.names(422, "BAD_INPUT", &["/change", "/id", "/signature", "/time"]);
        let old = good(&change);
        stage.turn(901);
        post(old).await.names(422, "NOT_ALLOWED", &["/time"]);
        assert_eq!(stage.size().await, size);
    }
}

#[tokio::test]
async fn a_signature_of_a_change_counts_once_whatever_came_between() {
    for stage in stages().await {
        let alma = stage.sign_in(ALMA).await;
        let person = || "Dana".to_owned();
        let post = |body: Value| {
            let (stage, alma) = (&stage, alma.clone());
            async move { stage.post("/v1/staff", &alma, &body).await }
        };
        let change = StaffChange::Suspended { person: person() };
        let first = sent(&stage, &change, Uuid::now_v7(), "why", &[ALMA]);
        post(first.clone()).await.is(201);
        let change = StaffChange::Restored { person: person() };
        post(sent(&stage, &change, Uuid::now_v7(), "", &[ALMA]))
            .await
            .is(201);
        let size = stage.size().await;
        post(first.clone()).await.is(200);
        let mut other = first;
        other["change"] = json!(added("Tina", 0x7b, &[]));
        post(other).await.names(422, "NOT_ALLOWED", &["/signature"]);
        assert_eq!(stage.size().await, size);
    }
}

#[tokio::test]
async fn whoever_of_the_staff_looks_at_a_customer_s_orders_is_written_down() {
    for stage in stages().await {
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        let (dana, rex) = (stage.sign_in(DANA).await, stage.sign_in(REX).await);
        // An empty page shows nobody.
        stage.get("/v1/orders", &dana).await.is(200);
        let bid = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_060)).await;
        // Looking at one's own orders is not recorded.
        stage.get("/v1/orders", &ada).await.is(200);
        stage.get(&format!("/v1/orders/{bid}"), &ada).await.is(200);
        let report = "/v1/reports/access";
        let empty = stage.get(report, &rex).await.is(200).json();
        assert_eq!(empty["accesses"], json!([]));
        stage.get(&format!("/v1/orders/{bid}"), &dana).await.is(200);
        stage.turn(1);
        stage.get("/v1/orders", &dana).await.is(200);
        stage.get(&format!("/v1/proofs/{bid}"), &rex).await.is(200);
        let said = stage.get(report, &rex).await.is(200).json();
        let lower = |number: u8| address(number).to_string().to_lowercase();
        let mut both = vec![lower(ADA), lower(BEN)];
        both.sort();
        let row = |number: u64, person: &str, route: &str, customers: Value, at: i64| {
            let at = jiff::Timestamp::from_second(START + at).unwrap();
            json!({ "row": number, "person": person, "route": route, "customers": customers, "seen_at": at })
        };
        let wanted = json!([
            row(1, "Dana", "GET /v1/orders/{order}", json!([lower(ADA)]), 0),
            row(2, "Dana", "GET /v1/orders", json!(both), 1),
            row(3, "Rex", "GET /v1/proofs/{order}", json!([lower(ADA)]), 1),
        ]);
        assert_eq!(said["accesses"], wanted);
        let first = stage
            .get(&format!("{report}?limit=2"), &rex)
            .await
            .is(200)
            .json();
        let cursor = first["cursor"].as_str().unwrap();
        let rest = stage
            .get(&format!("{report}?limit=2&cursor={cursor}"), &rex)
            .await
            .is(200)
            .json();
        assert_eq!(
            (&rest["accesses"], &rest["cursor"]),
            (&json!([wanted[2]]), &Value::Null)
        );
        stage
            .get(&format!("{report}?cursor={cursor}A"), &rex)
            .await
            .names(400, "BAD_INPUT", &["cursor"]);
        let said = stage
            .get(&format!("{report}?format=csv"), &rex)
            .await
            .is(200);
        assert_eq!(said.header("content-type"), "text/csv; charset=utf-8");
        let text = String::from_utf8(said.body).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "row,seen_at,person,route,customers");
        let wanted = format!(
            "1,\"2027-01-15T08:00:00Z\",\"Dana\",\"GET /v1/orders/{{order}}\",\"{}\"",
            lower(ADA)
        );
        assert_eq!((lines.len(), lines[1]), (4, wanted.as_str()));
        stage
            .get(&format!("{report}?format=xml"), &rex)
            .await
            .names(400, "BAD_INPUT", &["format"]);
        stage.get(report, &dana).await.refuses(403, "NOT_ALLOWED");
    }
}

/// A match shows two orders.
#[tokio::test]
async fn whoever_looks_at_a_match_has_looked_at_both_customers_orders() {
    for stage in stages().await {
        let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
        let (pair, id) = (desk::pair(&stage).await, Uuid::now_v7());
        let sent = desk::proposal(&stage, DANA, id, &pair);
        stage.post("/v1/matches", &dana, &sent).await.is(201);
        let before = stage.board.accesses(0, 1_000).await.unwrap().len();
        let paths = [
            "/v1/matches".to_owned(),
            format!("/v1/matches/{id}"),
            format!("/v1/matches/{id}/preflight"),
        ];
        for path in &paths {
            stage.get(path, &ruth).await.is(200);
        }
        let rows = stage
            .board
            .accesses(0, 1_000)
            .await
            .unwrap()
            .split_off(before);
        let mut both = [ADA, BEN].map(|owner| address(owner).to_string().to_lowercase());
        both.sort();
        let found: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.person.as_str(),
                    row.route.as_str(),
                    row.customers.as_str(),
                )
            })
            .collect();
        let routes = [
            "GET /v1/matches",
            "GET /v1/matches/{match}",
            "GET /v1/matches/{match}/preflight",
        ];
        let both = both.join(" ");
        assert_eq!(found, routes.map(|route| ("Ruth", route, both.as_str())));
    }
}

/// What cannot be recorded is not shown.
#[tokio::test]
async fn nothing_is_shown_to_the_staff_while_nothing_can_be_written() {
    let stage = stage().await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    let bid = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    let pool = sqlx::SqlitePool::connect(&stage.url).await.unwrap();
    let refuse =
        "CREATE TRIGGER full BEFORE INSERT ON accesses BEGIN SELECT RAISE(ABORT, 'full'); END";
    sqlx::query(refuse).execute(&pool).await.unwrap();
    let path = format!("/v1/orders/{bid}");
    assert_eq!(stage.get(&path, &dana).await.status, 503);
    assert_eq!(stage.get("/v1/orders", &dana).await.status, 503);
    stage.get(&path, &ada).await.is(200);
    pool.close().await;
}
