//! Live updates: who is sent what, and that nobody misses an event or gets it twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{B256, U256};
use axum::Router;
use axum::body::{Body, Bytes};
use book::board::Board;
use book::board::watched::{Look, SeenFill, Watched};
use book::log::By;
use book::log::act::Act;
use book::log::body::{ChainSynced, SettlementSettled};
use book::log::staff::{Role, StaffChange};
use book::market::order::Side;
use book::store::Store;
use desk::chain::codes::Restriction;
use futures::StreamExt as _;
use futures::channel::mpsc;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde_json::{Value, json};
use serve::app::App;
use serve::config::Face;
use serve::gate;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::desk::{Pair, TOTAL, decision, pair, proposal};
use super::stage::*;

/// How often a stream gives a sign of life in these tests.
const TICK: Duration = Duration::from_millis(40);
/// How long a test waits for an event before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: Option<u64>,
    kind: String,
    /// Its data, byte for byte.
    text: String,
}

impl Event {
    fn read(frame: &str) -> Option<Self> {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        Some(Self {
            id: field("id: ").map(|id| id.parse().unwrap()),
            kind: field("event: ")?.to_owned(),
            text: field("data: ")?.to_owned(),
        })
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A stream as a browser reads it.
struct Reading {
    /// What has been read of it.
    parts: BoxStream<'static, Bytes>,
    /// Reads it, unless that is left to the test.
    reader: Option<JoinHandle<Result<(), mpsc::SendError>>>,
    rest: String,
    events: VecDeque<Event>,
    /// The lines that say when to reconnect.
    retries: Vec<u64>,
    /// The last id, as a browser sends it.
    last: Option<u64>,
}

/// The platform of one process on a board.
struct Instance {
    app: Arc<App>,
    router: Router,
    board: Board,
}

async fn instance(stage: &Stage, board: Board) -> Instance {
    let url = URL.parse().unwrap();
    let app = App::new(
        board.clone(),
        stage.node.clone(),
        url,
        Face::ALL.to_vec(),
        None,
    )
    .await;
    let app = Arc::new(app.unwrap().silent().limited(u32::MAX).ticking(TICK));
    Instance {
        router: gate::router(&app),
        app,
        board,
    }
}

/// A platform on the stage's own board, and one of another process on the same store.
async fn two(stage: &Stage) -> [Instance; 2] {
    let clock = stage.board.store().clock().clone();
    let store = Store::open(&stage.url, clock).await.unwrap();
    let other = Board::open_store(store).await.unwrap();
    let here = instance(stage, stage.board.clone()).await;
    [here, instance(stage, other).await]
}

impl Instance {
    /// Asks for a stream; returns the answer.
    async fn ask(&self, pass: &Pass, query: &str, last: Option<&str>) -> axum::response::Response {
        let mut request = Stage::request("GET", &format!("/v1/stream{query}"), pass);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A stream that is read all the time, whatever the test is doing: one that is not read for ten seconds is cut off.
    async fn open(&self, pass: &Pass, query: &str, last: Option<u64>) -> Reading {
        let mut reading = self.open_unread(pass, query, last).await;
        let (sender, parts) = mpsc::unbounded();
        let unread = std::mem::replace(&mut reading.parts, parts.boxed());
        reading.reader = Some(tokio::spawn(unread.map(Ok).forward(sender)));
        reading
    }

    /// A stream that is read only while the test waits for an event.
    async fn open_unread(&self, pass: &Pass, query: &str, last: Option<u64>) -> Reading {
        let last = last.map(|last| last.to_string());
        let response = self.ask(pass, query, last.as_deref()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body().into_data_stream();
        Reading {
            // Nothing comes after an error.
            parts: body
                .filter_map(|part| std::future::ready(part.ok()))
                .boxed(),
            reader: None,
            rest: String::new(),
            events: VecDeque::new(),
            retries: Vec::new(),
            last: last.and_then(|last| last.parse().ok()),
        }
    }

    async fn refused(&self, pass: &Pass, query: &str) -> Said {
        let (parts, body) = self.ask(pass, query, None).await.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Said {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_vec(),
        }
    }
}

impl Reading {
    /// The next event of any kind; nothing when the stream has ended, or was cut off.
    async fn any(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.last = event.id.or(self.last);
                return Some(event);
            }
            let next = tokio::time::timeout(PATIENCE, self.parts.next());
            let part = next.await.expect("nothing came")?;
            self.rest.push_str(std::str::from_utf8(&part).unwrap());
            while let Some(end) = self.rest.find("\n\n") {
                let frame: String = self.rest.drain(..end + 2).collect();
                let frame = frame.trim_end();
                let retry = frame.strip_prefix("retry: ");
                self.retries
                    .extend(retry.map(|retry| retry.parse::<u64>().unwrap()));
                self.events.extend(Event::read(frame));
            }
        }
    }

    /// The next event that is not a tick.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.any().await {
                Some(event) if event.kind == "tick" => {}
                other => return other,
            }
        }
    }

    /// The next event that is no tick, of this kind.
    #[track_caller]
    fn must(event: Option<Event>, kind: &str) -> Event {
        let event = event.unwrap_or_else(|| panic!("it ended before a {kind}"));
        assert_eq!(event.kind, kind, "{event:?}");
        event
    }

    async fn of(&mut self, kind: &str) -> Value {
        Self::must(self.next().await, kind).json()
    }

    /// All events with a number up to this one.
    async fn until(&mut self, id: u64) -> Vec<Event> {
        let mut all = Vec::new();
        while self.last.is_none_or(|last| last < id) {
            let event = self.next().await.expect("it ended");
            all.extend(event.id.is_some().then_some(event));
        }
        all
    }

    /// Disconnects.
    async fn close(self) {
        if let Some(reader) = self.reader {
            reader.abort();
            assert!(reader.await.unwrap_err().is_cancelled());
        }
    }

    /// Why it ends; nothing comes after that.
    async fn end(&mut self) -> Value {
        let end = loop {
            match self.next().await {
                Some(event) if event.kind == "end" => break event,
                Some(_) => {}
                None => panic!("it ended without a reason"),
            }
        };
        assert_eq!((end.id, self.any().await), (None, None));
        end.json()
    }
}

#[tokio::test]
async fn a_stream_begins_with_what_there_is_and_goes_on_with_what_happens() {
    for stage in stages().await {
        let [here, _] = two(&stage).await;
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        let first = stage.posted(&ada, &order(ADA, Side::Ask, 100, 1_050)).await;
        let size = stage.size().await;
        let mut own = here.open(&ada, "?security=HRBR", None).await;
        let mut other = here.open(&ben, "?security=HRBR", None).await;

        let seen = own.next().await.unwrap();
        assert_eq!((seen.id, seen.kind.as_str()), (Some(size), "snapshot"));
        let seen = seen.json();
        assert_eq!(
            (&seen["seq"], &seen["orders"][0]["id"]),
            (&json!(size), &json!(first))
        );
        let market = &seen["markets"][0];
        assert_eq!(
            (&market["symbol"], &market["truncated"]),
            (&json!("HRBR"), &json!(false))
        );
        assert_eq!(market["asks"][0]["own"], true);
        assert_eq!(market["asks"][0]["order"], json!(first));
        let reference = market["asks"][0]["lot"].clone();
        let theirs = other.of("snapshot").await;
        let lot = &theirs["markets"][0]["asks"][0];
        assert_eq!(
            (&lot["lot"], &lot["own"], &lot["price"]),
            (&reference, &json!(false), &json!("10.50"))
        );
        assert_eq!(
            (&theirs["orders"], &theirs["matches"]),
            (&json!([]), &json!([]))
        );
        assert_eq!((own.retries.len(), other.retries.len()), (1, 1));

        let second = stage.posted(&ada, &order(ADA, Side::Bid, 200, 2_050)).await;
        let seen = own.next().await.unwrap();
        assert_eq!((seen.id, seen.kind.as_str()), (Some(size + 1), "order"));
        let seen = seen.json();
        assert_eq!(
            (&seen["after"], &seen["order"]["id"]),
            (&json!(size), &json!(second))
        );
        assert_eq!(seen["order"]["state"], "OPEN");
        let theirs = other.of("lot").await;
        assert_eq!(
            (&theirs["after"], &theirs["removed"]),
            (&json!(size), &json!([]))
        );
        assert_eq!(theirs["added"], seen["added"]);
        let lot = theirs["added"][0].as_object().unwrap();
        let names: Vec<_> = lot.keys().map(String::as_str).collect();
        assert_eq!(names, ["expires_at", "lot", "price", "quantity", "side"]);
        assert_eq!(
            (&lot["side"], &lot["price"]),
            (&json!("bid"), &json!("10.25"))
        );

        stage
            .delete(&format!("/v1/orders/{first}"), &ada)
            .await
            .is(200);
        let gone = own.of("order").await;
        assert_eq!(gone["order"]["state"], "CANCELLED");
        let theirs = other.of("lot").await;
        assert_eq!(
            (&theirs["added"], &theirs["removed"]),
            (&json!([]), &json!([reference]))
        );
        assert_eq!(theirs["after"], json!(size + 1));

        // A replacement is one more event for its owner and two for the market.
        let sent = body(&order(ADA, Side::Bid, 200, 2_000));
        let path = format!("/v1/orders/{second}/replace");
        let new = stage.post(&path, &ada, &sent).await.is(201).json()["id"].clone();
        assert_eq!(own.of("order").await["order"]["state"], "CANCELLED");
        assert_eq!(own.of("order").await["order"]["id"], new);
        assert_eq!(own.of("order").await["order"]["replaced_by"], new);
        let gone = other.of("lot").await;
        assert_eq!(gone["removed"], json!([seen["added"][0]["lot"]]));
        assert_eq!(other.of("lot").await["added"][0]["price"], "10.00");
    }
}

#[tokio::test]
async fn where_log_and_chain_stand_is_told_to_everybody() {
    for stage in stages().await {
        let [here, there] = two(&stage).await;
        let (ada, otto) = (stage.sign_in(ADA).await, stage.sign_in(OTTO).await);
        let mut own = here.open(&ada, "", None).await;
        let mut other = there.open(&otto, "", None).await;
        let size = own.of("snapshot").await["seq"].clone();
        assert_eq!(other.of("snapshot").await["head"], Value::Null);
        // This one is sent to nobody else: the next event shows that nothing is missing.
        let order = stage.posted(&ada, &order(ADA, Side::Bid, 1, 10)).await;
        assert_eq!(own.of("order").await["order"]["id"], json!(order));
        let after = stage.size().await;
        let synced = ChainSynced {
            block: 8,
            block_hash: B256::repeat_byte(8),
        };
        let by = By::new("watcher");
        stage.board.record_synced(synced, by).await.unwrap();
        for (reading, before) in [(&mut own, json!(after)), (&mut other, size)] {
            let head = reading.next().await.unwrap();
            assert_eq!((head.id, head.kind.as_str()), (Some(after + 1), "head"));
            assert_eq!(
                (&head.json()["after"], &head.json()["synced"]["block"]),
                (&before, &json!(8))
            );
        }
        // A reader that sees no tick knows that it is not live.
        let tick = loop {
            let event = own.any().await.unwrap();
            if event.kind == "tick" && event.json()["head"]["block"] == 8 {
                break event;
            }
        };
        assert_eq!((tick.id, &tick.json()["seq"]), (None, &json!(after + 1)));
    }
}

#[tokio::test]
async fn every_instance_tells_the_same_and_resumes_without_a_gap_or_a_repetition() {
    for stage in stages().await {
        let instances = two(&stage).await;
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        let mut control = instances[0].open(&ben, "?security=HRBR", None).await;
        let mut reading = instances[1].open(&ben, "?security=HRBR", None).await;
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        let begun = control.next().await.unwrap();
        assert_eq!(begun.kind, "snapshot");
        assert_eq!(reading.next().await.unwrap(), begun);
        for round in 0..6_u128 {
            for number in 0..3 {
                let price = 1_000 + round * 10 + number;
                stage.posted(&ada, &order(ADA, Side::Ask, 100, price)).await;
                // These are sent to nobody else: they leave gaps in the numbers.
                stage
                    .board
                    .note("x", By::new("ada").because("y"))
                    .await
                    .unwrap();
            }
            for _ in 0..2 {
                found.push(reading.next().await.unwrap());
            }
            // Disconnected midway, and back at another instance.
            let (pass, last_id) = (&ben, reading.last);
            reading.close().await;
            stage
                .posted(&ben, &order(BEN, Side::Bid, 10, 90 + round))
                .await;
            let instance = &instances[usize::from(round % 2 == 0)];
            reading = instance.open(pass, "?security=HRBR", last_id).await;
        }
        let last = stage.posted(&ada, &order(ADA, Side::Ask, 7, 70)).await;
        let size = stage.size().await;
        assert!(stage.board.find(last).await.unwrap().is_some());
        found.extend(reading.until(size).await);
        wanted.extend(control.until(size).await);
        assert_eq!(found, wanted);
        assert_eq!(wanted.len(), 6 * 4 + 1);
        let mut before = begun.id;
        for event in &wanted {
            assert_eq!(event.json()["after"], json!(before));
            before = event.id;
        }
        // Nothing was missed: only a sign of life is sent.
        let mut again = instances[1].open(&ben, "?security=HRBR", Some(size)).await;
        assert_eq!(again.any().await.unwrap().kind, "tick");
    }
}

#[tokio::test]
async fn a_last_event_of_another_log_begins_anew() {
    let stage = stage().await;
    let [here, _] = two(&stage).await;
    let ada = stage.sign_in(ADA).await;
    let size = stage.size().await;
    let ahead = (size + 1).to_string();
    for foreign in [ahead.as_str(), "18446744073709551615", "-1", "x", ""] {
        let response = here.ask(&ada, "", Some(foreign)).await;
        let text = response
            .into_body()
            .into_data_stream()
            .next()
            .await
            .unwrap()
            .unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(
            text.contains(&format!("id: {size}\nevent: snapshot\n")),
            "{foreign}: {text}"
        );
    }
}

#[tokio::test]
async fn two_investors_are_told_the_same_bytes_and_nothing_of_what_they_may_not_see() {
    for stage in stages().await {
        let [here, there] = two(&stage).await;
        let eve_may = (address(EVE), security().token);
        stage.node.refused.lock().unwrap().remove(&eve_may);
        let (ada, ben, eve) = (
            stage.sign_in(ADA).await,
            stage.sign_in(BEN).await,
            stage.sign_in(EVE).await,
        );
        let mut first = here.open(&ada, "", None).await;
        let mut second = there.open(&ben, "", None).await;
        let both = [first.of("snapshot").await, second.of("snapshot").await];
        let symbols = |seen: &Value| {
            let all = seen["markets"].as_array().unwrap();
            all.iter()
                .map(|one| one["symbol"].clone())
                .collect::<Vec<_>>()
        };
        // Only Ben may hold QUAY.
        assert_eq!(
            (symbols(&both[0]), symbols(&both[1])),
            (vec![json!("HRBR")], vec![json!("HRBR"), json!("QUAY")])
        );
        let third = stage.posted(&eve, &order(EVE, Side::Ask, 30, 330)).await;
        let told = [first.next().await.unwrap(), second.next().await.unwrap()];
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0].kind, "lot");
        for hidden in [
            third.to_string(),
            address(EVE).to_string().to_lowercase(),
            "A-3".into(),
        ] {
            assert!(
                !told[0].text.to_lowercase().contains(&hidden),
                "{:?}",
                told[0]
            );
        }

        let mut hidden = order(BEN, Side::Ask, 1, 11);
        (hidden.security, hidden.quantity) = (quay().token, U256::from(5));
        let hidden = stage.posted(&ben, &hidden).await;
        assert_eq!(second.of("order").await["order"]["id"], json!(hidden));
        let cancelled = format!("/v1/orders/{hidden}");
        stage.delete(&cancelled, &ben).await.is(200);
        assert_eq!(second.of("order").await["order"]["state"], "CANCELLED");
        stage
            .delete(&format!("/v1/orders/{third}"), &eve)
            .await
            .is(200);
        let next = first.next().await.unwrap();
        // The one before it is the last one that she was sent.
        assert_eq!(
            (next.kind.as_str(), &next.json()["after"]),
            ("lot", &json!(told[0].id))
        );

        // What a reader may not see does not exist.
        let (quay_said, none_said) = (
            here.refused(&ada, "?security=QUAY").await,
            here.refused(&ada, "?security=NONE").await,
        );
        let plain = |said: Said| {
            let id = said.header("x-request-id").to_owned();
            String::from_utf8(said.is(404).body)
                .unwrap()
                .replace(&id, "")
        };
        assert_eq!(plain(quay_said), plain(none_said));
        let both = "?security=HRBR&security=QUAY";
        here.refused(&ada, both).await.refuses(404, "NOT_FOUND");
        assert_eq!(
            symbols(&there.open(&ben, both, None).await.of("snapshot").await).len(),
            2
        );
        here.refused(&ben, "?side=bid")
            .await
            .names(400, "BAD_INPUT", &["side"]);
        // A wallet that may hold nothing sees no lots, only its own orders.
        let eve = stage.sign_in(EVE).await;
        stage
            .node
            .refuse(EVE, security().token, Restriction::NotAllowed);
        stage.turn(60);
        let seen = here.open(&eve, "", None).await.of("snapshot").await;
        assert_eq!(seen["markets"], json!([]));
    }
}

async fn approved(stage: &Stage, pair: &Pair) -> Uuid {
    let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
    let id = Uuid::now_v7();
    let sent = proposal(stage, DANA, id, pair);
    stage.post("/v1/matches", &dana, &sent).await.is(201);
    let sent = decision(stage, RUTH, Act::Approve, id, pair);
    stage
        .post(&format!("/v1/matches/{id}/approve"), &ruth, &sent)
        .await
        .is(200);
    id
}

/// Streams of the desk, of an operator, of both parties and of somebody else, each begun with its own orders or everybody's.
async fn five(stage: &Stage, here: &Instance, there: &Instance) -> [Reading; 5] {
    let people = [
        (REX, here, 2),
        (OTTO, there, 0),
        (ADA, here, 1),
        (BEN, there, 1),
        (EVE, here, 0),
    ];
    let opened = people.map(|(number, instance, orders)| async move {
        let pass = stage.sign_in(number).await;
        let mut reading = instance.open(&pass, "", None).await;
        let seen = reading.of("snapshot").await;
        assert_eq!(seen["orders"].as_array().unwrap().len(), orders, "{seen}");
        reading
    });
    let readings = futures::future::join_all(opened).await;
    readings.try_into().unwrap_or_else(|_| unreachable!())
}

#[tokio::test]
async fn matches_and_trades_are_told_to_the_desk_their_owners_and_the_market_each_in_its_way() {
    for stage in stages().await {
        let [here, there] = two(&stage).await;
        let eve_may = (address(EVE), security().token);
        stage.node.refused.lock().unwrap().remove(&eve_may);
        let pair = pair(&stage).await;
        let [mut desk, mut operator, mut buyer, mut seller, mut market] =
            five(&stage, &here, &there).await;
        let id = approved(&stage, &pair).await;
        let seen = desk.of("match").await;
        assert_eq!(
            (&seen["match"]["state"], &seen["match"]["proposed_by"]),
            (&json!("PROPOSED"), &json!("Dana"))
        );
        assert_eq!(seen["match"]["approved_by"], Value::Null);
        assert_eq!(desk.of("match").await["match"]["approved_by"], "Ruth");
        // An operator hears of it once it is approved.
        let seen = operator.of("match").await;
        assert_eq!(
            (&seen["match"]["id"], &seen["match"]["state"]),
            (&json!(id), &json!("APPROVED"))
        );
        for (reading, own, other) in [
            (&mut buyer, pair.bid, pair.ask),
            (&mut seller, pair.ask, pair.bid),
        ] {
            for state in ["PROPOSED", "APPROVED"] {
                let seen = Reading::must(reading.next().await, "match");
                assert!(!seen.text.contains(&other.to_string()), "{seen:?}");
                assert!(
                    !seen.text.contains("Dana") && !seen.text.contains("Ruth"),
                    "{seen:?}"
                );
                let shown = seen.json()["match"].clone();
                assert_eq!(
                    (&shown["id"], &shown["orders"], &shown["state"]),
                    (&json!(id), &json!([own]), &json!(state))
                );
            }
        }
        let settled = SettlementSettled {
            ask: pair.ask,
            bid: pair.bid,
            block: 9,
            match_id: None,
            settlement_id: U256::from(4),
            total: TOTAL,
            tx_hash: B256::repeat_byte(9),
        };
        let at = Timestamp::from_second(START + 1).unwrap();
        there
            .board
            .record_settled(settled, at, By::new("watcher"))
            .await
            .unwrap();
        let seen = market.next().await.unwrap();
        let shown = seen.json();
        assert_eq!(
            (seen.kind.as_str(), &shown["state"]),
            ("settlement", &json!("recorded"))
        );
        assert_eq!(
            (&shown["settlement"]["price"], &shown["settlement"]["block"]),
            (&json!("10.40"), &json!(9))
        );
        assert_eq!(shown["removed"].as_array().unwrap().len(), 2);
        for order in [pair.bid, pair.ask] {
            assert!(!seen.text.contains(&order.to_string()), "{seen:?}");
        }
        assert!(!seen.text.contains(&id.to_string()), "{seen:?}");
        for (reading, own) in [
            (&mut buyer, vec![pair.bid]),
            (&mut seller, vec![pair.ask]),
            (&mut desk, vec![pair.bid, pair.ask]),
        ] {
            let shown = reading.of("settlement").await;
            assert_eq!(
                (&shown["orders"], &shown["match"]),
                (&json!(own), &json!(id))
            );
            assert_eq!(shown["settlement"]["total"], TOTAL.to_string());
        }
        assert_eq!(operator.of("settlement").await["match"], json!(id));
        // Whose orders a person on the staff saw is recorded once for each stream.
        let rows = stage.board.accesses(0, 100).await.unwrap();
        let looked = |person: &str| {
            let of = rows
                .iter()
                .filter(|row| row.person == person && row.route == "GET /v1/stream");
            of.map(|row| row.customers.split(' ').count())
                .collect::<Vec<_>>()
        };
        assert_eq!((looked("Rex"), looked("Otto")), (vec![2], vec![2]));
    }
}

#[tokio::test]
async fn a_fill_that_the_log_has_not_recorded_is_told_without_a_number() {
    for stage in stages().await {
        let [here, there] = two(&stage).await;
        let pair = pair(&stage).await;
        let id = approved(&stage, &pair).await;
        let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
        let mut buyer = here.open(&ada, "", None).await;
        let mut seller = there.open(&ben, "", None).await;
        assert_eq!(buyer.of("snapshot").await["settlements"], json!([]));
        let size = stage.size().await;
        assert_eq!(seller.of("snapshot").await["seq"], json!(size));
        let watched = |latest, safe| Watched {
            looked_at: stage.now(),
            latest,
            latest_hash: B256::repeat_byte(7),
            latest_time: START.cast_unsigned(),
            safe,
            last: 0,
            registry: 0,
        };
        let seen = SeenFill {
            bid: pair.bid,
            ask: pair.ask,
            settlement_id: U256::from(4),
            total: TOTAL,
            tx_hash: B256::repeat_byte(9),
            block: 9,
        };
        for (state, watched, fills) in [
            ("soft", watched(9, 3), vec![seen.clone()]),
            ("safe", watched(12, 10), vec![seen.clone()]),
            ("gone", watched(13, 3), Vec::new()),
        ] {
            let look = Look {
                watched,
                from: 1,
                fills,
            };
            stage.board.record_look(&look).await.unwrap();
            for (reading, own) in [(&mut buyer, pair.bid), (&mut seller, pair.ask)] {
                let event = Reading::must(reading.next().await, "settlement");
                let shown = event.json();
                assert_eq!(
                    (event.id, &shown["state"], &shown["orders"]),
                    (None, &json!(state), &json!([own]))
                );
                assert_eq!(
                    (&shown["match"], &shown["settlement"]["price"]),
                    (&json!(id), &json!("10.40"))
                );
            }
            // It is in the beginning of a stream, and is sent again to a reader that resumes.
            let fresh = there.open(&ada, "", None).await.of("snapshot").await;
            let resumed = here.open(&ada, "", Some(size)).await.any().await.unwrap();
            if state == "gone" {
                assert_eq!(
                    (&fresh["settlements"], resumed.kind.as_str()),
                    (&json!([]), "tick")
                );
            } else {
                assert_eq!(fresh["settlements"][0]["state"], state);
                assert_eq!(
                    (resumed.kind.as_str(), &resumed.json()),
                    ("settlement", &fresh["settlements"][0])
                );
            }
        }
        assert_eq!(stage.size().await, size);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_reason_when_its_reader_is_no_longer_let_in() {
    for stage in stages().await {
        let [here, there] = two(&stage).await;
        // Signed out at another instance.
        let ada = stage.sign_in(ADA).await;
        let mut reading = there.open(&ada, "", None).await;
        assert_eq!(reading.next().await.unwrap().kind, "snapshot");
        stage.delete("/v1/session", &ada).await.is(204);
        assert_eq!(reading.end().await["code"], "NOT_SIGNED_IN");
        // An API key that is ended, and one that expires.
        let ada = stage.sign_in(ADA).await;
        let asked =
            json!({ "name": "feed", "scopes": ["read"], "expires_at": "2027-01-15T08:10:00Z" });
        for late in [false, true] {
            let made = stage.post("/v1/keys", &ada, &asked).await.is(201).json();
            let pass = Pass {
                cookie: None,
                key: made["key"].as_str().map(str::to_owned),
            };
            let mut reading = here.open(&pass, "", None).await;
            if late {
                stage.turn(600);
            } else {
                let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
                stage.delete(&path, &ada).await.is(204);
            }
            assert_eq!(reading.end().await["code"], "NOT_SIGNED_IN");
        }
        // Half an hour without a request: a stream does not count as one.
        let mut reading = here.open(&ada, "", None).await;
        stage.turn(1_800);
        assert_eq!(reading.end().await["code"], "NOT_SIGNED_IN");

        // A suspended person is sent nothing of what comes after it.
        let (dana, ada) = (stage.sign_in(DANA).await, stage.sign_in(ADA).await);
        let mut reading = there.open(&dana, "", None).await;
        assert_eq!(reading.next().await.unwrap().kind, "snapshot");
        let (person, role) = ("Dana".to_owned(), Role::Trader);
        stage
            .staff(
                ALMA,
                StaffChange::Suspended {
                    person: person.clone(),
                },
            )
            .await;
        let order = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        let end = Reading::must(reading.next().await, "end");
        assert_eq!(end.json()["code"], "NOT_SIGNED_IN");
        assert_eq!(reading.any().await, None, "{order}");
        // Other roles mean another view.
        let ruth = stage.sign_in(RUTH).await;
        let mut reading = here.open(&ruth, "", None).await;
        let person = "Ruth".to_owned();
        stage
            .staff(ALMA, StaffChange::RoleGranted { person, role })
            .await;
        assert_eq!(reading.end().await["code"], "NOT_ALLOWED");
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_wallet_may_no_longer_hold_what_it_follows() {
    let stage = stage().await;
    let [here, there] = two(&stage).await;
    let ben = stage.sign_in(BEN).await;
    let mut both = here.open(&ben, "?security=HRBR&security=QUAY", None).await;
    let mut one = there.open(&ben, "?security=HRBR", None).await;
    assert_eq!(both.next().await.unwrap().kind, "snapshot");
    assert_eq!(one.next().await.unwrap().kind, "snapshot");
    stage
        .node
        .refuse(BEN, quay().token, Restriction::SenderFrozen);
    // What the chain reported counts for a minute.
    stage.turn(60);
    let end = both.end().await;
    let restriction = Restriction::SenderFrozen;
    assert_eq!(end["code"], format!("RESTRICTION_{restriction}"));
    assert_eq!(
        (&end["symbol"], &end["restriction"]),
        (&json!("QUAY"), &json!(restriction.number()))
    );
    let order = stage.posted(&ben, &order(BEN, Side::Bid, 100, 1_050)).await;
    assert_eq!(one.of("order").await["order"]["id"], json!(order));
    // What may be seen is not known: reads are refused then as well.
    stage
        .node
        .gone
        .store(true, std::sync::atomic::Ordering::SeqCst);
    stage.turn(60);
    assert_eq!(one.end().await["code"], "RPC_UNREACHABLE");
}

#[tokio::test]
async fn a_wallet_has_three_streams_and_streams_leave_room_for_requests() {
    let stage = stage().await;
    let [here, _] = two(&stage).await;
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(here.open(&ada, "", None).await);
    }
    let again = stage.sign_in(ADA).await;
    let said = here.refused(&again, "").await;
    assert_eq!(said.header("retry-after"), "10");
    said.refuses(429, "TOO_MANY_STREAMS");
    open.push(here.open(&ben, "", None).await);
    open.remove(0).close().await;
    open.push(here.open(&again, "", None).await);
    // More than the allowed number of requests at once.
    let all: Vec<u8> = (4..=0xff)
        .filter(|number| ![ALMA, DANA, RUTH, OTTO, REX].contains(number))
        .collect();
    for number in all.into_iter().take(180) {
        let pass = stage.sign_in(number).await;
        for _ in 0..3 {
            open.push(here.open(&pass, "", None).await);
        }
    }
    assert!(open.len() > 512);
    let request = Stage::request("GET", "/v1/session", &ada)
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        here.router.clone().oneshot(request).await.unwrap().status(),
        200
    );
    let order = stage.posted(&ben, &order(BEN, Side::Bid, 100, 1_050)).await;
    for reading in &mut open {
        reading.until(stage.size().await).await;
    }
    assert!(stage.board.find(order).await.unwrap().is_some());
}

#[tokio::test]
async fn who_is_too_far_behind_is_cut_off_and_nobody_else_is() {
    let stage = stage().await;
    let [here, _] = two(&stage).await;
    let (ada, rex) = (stage.sign_in(ADA).await, stage.sign_in(REX).await);
    let mut slow = here.open_unread(&rex, "", None).await;
    let mut quick = here.open(&rex, "", None).await;
    let begun = stage.posted(&ada, &order(ADA, Side::Bid, 1, 10)).await;
    for reading in [&mut slow, &mut quick] {
        assert_eq!(
            reading.of("snapshot").await["seq"],
            json!(stage.size().await - 1)
        );
        assert_eq!(reading.of("order").await["order"]["id"], json!(begun));
    }
    for number in 0..80 {
        let posted = stage
            .posted(&ada, &order(ADA, Side::Bid, 1, 11 + number))
            .await;
        assert_eq!(quick.of("order").await["order"]["id"], json!(posted));
    }
    let mut last = None;
    while let Some(event) = slow.any().await {
        last = event.id.or(last);
    }
    assert!(last < Some(stage.size().await));
    // It can reconnect, and is sent what it missed.
    let mut again = here.open(&rex, "", slow.last).await;
    let missed = again.until(stage.size().await).await;
    assert_eq!(
        missed.first().map(|event| event.json()["after"].clone()),
        Some(json!(slow.last))
    );
}

#[tokio::test]
async fn a_server_that_ends_says_when_to_come_again() {
    let stage = stage().await;
    let [here, there] = two(&stage).await;
    let mut retries = Vec::new();
    let mut open = Vec::new();
    for number in [ADA, BEN, EVE] {
        let pass = stage.sign_in(number).await;
        open.push(here.open(&pass, "", None).await);
    }
    here.app.end_streams();
    for reading in &mut open {
        assert_eq!(reading.end().await["code"], "ENDING");
        retries.extend(reading.retries.iter().copied());
    }
    assert_eq!(retries.len(), 6);
    assert!(
        retries.iter().all(|retry| (1_000..5_000).contains(retry)),
        "{retries:?}"
    );
    retries.dedup();
    assert!(retries.len() > 1, "everybody at once: {retries:?}");
    let ada = stage.sign_in(ADA).await;
    here.refused(&ada, "").await.refuses(503, "ENDING");
    let mut elsewhere = there.open(&ada, "", open[0].last).await;
    assert_eq!(elsewhere.any().await.unwrap().kind, "tick");
}

#[tokio::test]
async fn a_read_waits_for_what_another_instance_writes() {
    for stage in stages().await {
        let [_, there] = two(&stage).await;
        let ada = stage.sign_in(ADA).await;
        let wanted = stage.size().await + 1;
        let path = format!("/v1/orders?min_seq={wanted}");
        let request = Stage::request("GET", &path, &ada)
            .body(Body::empty())
            .unwrap();
        let sent = order(ADA, Side::Bid, 100, 1_050);
        let (read, posted) = tokio::join!(
            there.router.clone().oneshot(request),
            stage.posted(&ada, &sent)
        );
        let read = read.unwrap();
        assert_eq!(read.status(), 200);
        let body = axum::body::to_bytes(read.into_body(), usize::MAX)
            .await
            .unwrap();
        let read: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read["orders"][0]["id"], json!(posted));
        let late = format!("/v1/orders?min_seq={}", wanted + 1);
        let problem = stage.get(&late, &ada).await.refuses(503, "BEHIND");
        assert_eq!(problem["seq"], json!(wanted));
    }
}
