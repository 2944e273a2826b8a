//! Every route with each role, and with none.

use serve::caller::Part;
use serve::config::Face;
use serve::route::{ROUTES, Route, Verb, Who};

use super::stage::*;
use book::log::staff::Role;
use std::sync::Arc;

const PEOPLE: [(u8, Part); 6] = [
    (ADA, Part::Investor),
    (DANA, Part::Staff(Role::Trader)),
    (RUTH, Part::Staff(Role::Principal)),
    (OTTO, Part::Staff(Role::Operator)),
    (REX, Part::Staff(Role::RecordsOfficer)),
    (ALMA, Part::Staff(Role::Admin)),
];

/// A path with something in each placeholder.
fn path(route: &Route) -> String {
    route
        .path
        .replace("{security}", "HRBR")
        .replace("{order}", &format!("0x{}", "0".repeat(64)))
        .replace("{sha256}", &format!("0x{}", "0".repeat(64)))
        .replace("{permit}", "0190f3c2-0000-7000-8000-000000000000")
        .replace("{match}", "0190f3c2-0000-7000-8000-000000000000")
        .replace("{webhook}", "0190f3c2-0000-7000-8000-000000000000")
        .replace("{key}", "0190f3c2-0000-7000-8000-000000000000")
        .replace("{*tile}", "0/000.p/1")
        .replace("{descriptor}", "orders.json")
        .replace("/assets/{asset}", &serve::pages::asset_path("board.js"))
}

async fn ask(stage: &Stage, route: &Route, pass: &Pass) -> Said {
    let path = path(route);
    match route.verb {
        Verb::Get => stage.get(&path, pass).await,
        Verb::Post => stage.post(&path, pass, &serde_json::json!({})).await,
        Verb::Delete => stage.delete(&path, pass).await,
    }
}

#[tokio::test]
async fn every_route_answers_each_role_by_the_table_and_nobody_without_one() {
    let stage = stage().await;
    for route in ROUTES {
        let name = format!("{} {}", route.verb.as_str(), route.path);
        let anonymous = ask(&stage, route, &nobody()).await;
        match route.who {
            Who::Anybody => assert!(![401, 403].contains(&anonymous.status), "{name}"),
            Who::SignedIn | Who::Any(_) if route.page => {
                assert_eq!(anonymous.is(303).header("location"), "/", "{name}");
            }
            Who::SignedIn | Who::Any(_) => {
                anonymous.refuses(401, "NOT_SIGNED_IN");
            }
        }
        for (number, part) in PEOPLE {
            let pass = stage.sign_in(number).await;
            let said = ask(&stage, route, &pass).await;
            let allowed = match route.who {
                Who::Anybody | Who::SignedIn => true,
                Who::Any(parts) => parts.contains(&part),
            };
            if allowed {
                assert!(
                    ![401, 403].contains(&said.status),
                    "{name} of {part:?}: {said:?}"
                );
                assert!(said.status < 500, "{name} of {part:?}: {said:?}");
            } else if route.page {
                let text = String::from_utf8(said.is(403).body).unwrap();
                assert!(text.contains(route.rule), "{name}: {text}");
            } else {
                let problem = said.refuses(403, "NOT_ALLOWED");
                assert_eq!(problem["detail"], route.rule, "{name}");
            }
        }
    }
}

/// From the docs: an admin has no orders and no matches, a records officer changes nothing, an operator
/// sees no open order.
#[tokio::test]
async fn roles_are_apart() {
    let parts = |route: &Route| match route.who {
        Who::Any(parts) => parts.to_vec(),
        _ => Vec::new(),
    };
    for route in ROUTES {
        let who = parts(route);
        let market =
            route.path.starts_with("/v1/orders") || route.path.starts_with("/v1/securities");
        let matches = route.path.starts_with("/v1/matches");
        if market || matches {
            assert!(!who.contains(&Part::Staff(Role::Admin)), "{}", route.path);
        }
        if market {
            assert!(
                !who.contains(&Part::Staff(Role::Operator)),
                "{}",
                route.path
            );
        }
        if route.verb.is_unsafe() {
            assert!(
                !who.contains(&Part::Staff(Role::RecordsOfficer)),
                "{}",
                route.path
            );
        }
        if matches {
            assert!(!who.contains(&Part::Investor), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn a_face_that_is_not_offered_is_not_there() {
    let stage = stage().await;
    for face in Face::ALL {
        let url = URL.parse().unwrap();
        let app = serve::app::App::new(
            stage.board.clone(),
            stage.node.clone(),
            url,
            vec![face],
            None,
        );
        let app = Arc::new(app.await.unwrap().silent().limited(u32::MAX));
        let offered = super::stage::stage().await.behind(&app);
        for route in ROUTES {
            let said = ask(&offered, route, &nobody()).await;
            let there = said.status != 404
                || said.header("content-type").starts_with("text/html")
                || said.json()["detail"].as_str().unwrap().contains("tile")
                || said.json()["code"] != "NOT_FOUND";
            let wrong_method = said.status == 405;
            assert_eq!(
                there && !wrong_method,
                route.faces.contains(&face),
                "{face:?} {}: {said:?}",
                route.path
            );
        }
    }
}
