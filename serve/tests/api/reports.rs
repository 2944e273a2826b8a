//! Reports for the records officer and the principal.

use std::sync::atomic::Ordering;

use desk::index::report::{Count, Counted};
use serde_json::{Value, json};
use serve::house::{House, Paper, Terms};

use super::stage::*;
use super::trades::trade;

fn text(said: &Said) -> String {
    String::from_utf8(said.body.clone()).unwrap()
}

#[tokio::test]
async fn a_day_is_summed_up_security_by_security() {
    for stage in stages().await {
        trade(&stage, 100, 1_035, 1).await;
        let rex = stage.sign_in(REX).await;
        let said = stage.get("/v1/reports/daily", &rex).await.is(200).json();
        // 08:00 in UTC is 03:00 of the same day in New York.
        assert_eq!(
            (&said["from"], &said["to"], &said["zone"]),
            (
                &json!("2027-01-15"),
                &json!("2027-01-15"),
                &json!("America/New_York")
            )
        );
        let found = &said["securities"][0];
        assert_eq!(
            (
                &found["symbol"],
                &found["bids_posted"],
                &found["trades"],
                &found["total_usd"]
            ),
            (&json!("HRBR"), &json!(1), &json!(1), &json!("1035"))
        );
        assert_eq!(said["securities"][1]["trades"], 0);
        let csv = stage
            .get("/v1/reports/daily?format=csv", &rex)
            .await
            .is(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            csv.header("content-disposition"),
            "attachment; filename=\"daily.csv\""
        );
        assert!(text(&csv).lines().nth(1).unwrap().contains("\"HRBR\""));
        let other = "/v1/reports/daily?from=2027-01-16&to=2027-01-17";
        let none = stage.get(other, &rex).await.is(200).json();
        assert_eq!(none["events"], Value::Null);
        let csv = stage.get("/v1/reports/blotter", &rex).await.is(200);
        let csv = text(&csv);
        assert!(csv.contains(",100,10.35,1035,1035000000,\"A-1\","), "{csv}");
        assert!(
            csv.lines().last().unwrap().starts_with("\"1 trades\""),
            "{csv}"
        );
        // It shows orders of both customers, which is recorded; one without trades shows nobody's.
        let seen = stage.board.accesses(0, 10).await.unwrap();
        let mut both = [ADA, BEN].map(|owner| address(owner).to_string().to_lowercase());
        both.sort();
        let [row] = seen.as_slice() else {
            panic!("{seen:?}")
        };
        assert_eq!(
            (
                row.person.as_str(),
                row.route.as_str(),
                row.customers.as_str()
            ),
            ("Rex", "GET /v1/reports/blotter", both.join(" ").as_str())
        );
        let none = stage.get("/v1/reports/blotter?from=2027-01-16", &rex).await;
        assert_eq!(text(&none.is(200)).lines().count(), 2);
        assert_eq!(stage.board.accesses(0, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn subscribers_are_listed_with_the_terms_that_they_accepted() {
    for stage in stages().await {
        let paper = Paper::of("terms.txt", "the terms").unwrap();
        let sha256 = paper.sha256;
        let terms = Some(Terms {
            version: "=2".into(),
            paper,
        });
        let house = House {
            terms,
            ..House::default()
        };
        let stage = stage.housed(house).await;
        let (ada, rex) = (stage.sign_in(ADA).await, stage.sign_in(REX).await);
        let sent = json!({ "version": "=2", "sha256": sha256 });
        stage.post("/v1/terms", &ada, &sent).await.is(201);
        let said = stage
            .get("/v1/reports/subscribers", &rex)
            .await
            .is(200)
            .json();
        let all = said["subscribers"].as_array().unwrap();
        assert_eq!(all.len(), 3);
        for one in all {
            let accepted = one["name"] == "Ada";
            assert_eq!(one["terms"].is_object(), accepted, "{one}");
        }
        let csv = stage.get("/v1/reports/subscribers?format=csv", &rex).await;
        let csv = text(&csv.is(200));
        // A text that a spreadsheet would take for a formula.
        assert!(csv.contains("\"'=2\""), "{csv}");
    }
}

#[tokio::test]
async fn holders_stand_against_their_limits() {
    let stage = stage().await;
    let count = |of, holders, limit| Count { of, holders, limit };
    *stage.node.holders.lock().unwrap() =
        vec![count(Counted::All, 96, 100), count(Counted::Group(3), 5, 0)];
    let rex = stage.sign_in(REX).await;
    let said = stage.get("/v1/reports/holders", &rex).await.is(200).json();
    let found = &said["securities"][0];
    assert_eq!(found["symbol"], "HRBR");
    assert_eq!(
        found["counts"],
        json!([
            { "of": "all", "groups": null, "holders": 96, "limit": 100, "warning": 95 },
            { "of": "group", "groups": "3", "holders": 5, "limit": null, "warning": null },
        ])
    );
    let csv = stage
        .get("/v1/reports/holders?format=csv", &rex)
        .await
        .is(200);
    let csv = text(&csv);
    assert!(
        csv.contains("\"HRBR\",\"US0378331005\",\"all\",\"\",96,100,95"),
        "{csv}"
    );
    stage.node.gone.store(true, Ordering::SeqCst);
    stage
        .get("/v1/reports/holders", &rex)
        .await
        .refuses(503, "RPC_UNREACHABLE");
}

#[tokio::test]
async fn reports_are_for_records_officers_and_principals_and_written_as_asked() {
    let stage = stage().await;
    let (ruth, rex) = (stage.sign_in(RUTH).await, stage.sign_in(REX).await);
    let reports = ["daily", "blotter", "subscribers", "holders"];
    for report in reports {
        let path = format!("/v1/reports/{report}");
        for pass in [&ruth, &rex] {
            stage.get(&path, pass).await.is(200);
        }
        for number in [ADA, DANA, OTTO, ALMA] {
            let pass = stage.sign_in(number).await;
            stage.get(&path, &pass).await.refuses(403, "NOT_ALLOWED");
        }
        stage
            .get(&path, &nobody())
            .await
            .refuses(401, "NOT_SIGNED_IN");
        let said = stage.get(&format!("{path}?colour=red"), &rex).await;
        said.names(400, "BAD_INPUT", &["colour"]);
    }
    for (query, name) in [
        ("daily?format=xml", "format"),
        ("daily?from=15.01.2027", "from"),
        ("daily?from=2027-01-15&to=2027-01-14", "to"),
        ("blotter?to=soon", "to"),
    ] {
        let said = stage.get(&format!("/v1/reports/{query}"), &rex).await;
        said.names(400, "BAD_INPUT", &[name]);
    }
}
