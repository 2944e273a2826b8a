//! Webhooks, sent by a courier to receivers on this machine.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use book::log::By;
use book::market::order::Side;
use ring::hmac;
use serde_json::{Value, json};
use serve::app::App;
use serve::config::Face;
use serve::courier::Courier;
use serve::outlet::{Exception, Found, Names, Outlet};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::stage::*;

const TAKEN: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const FAILED: &str = "HTTP/1.1 500 Internal Server Error\r\n\r\n";
/// Says nothing and holds the connection.
const SILENT: &str = "";

/// What was received: the head in lower case, and the body.
#[derive(Debug)]
struct Came {
    head: String,
    body: String,
}

impl Came {
    fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let mut lines = self.head.lines();
        let line = lines.find(|line| line.to_lowercase().starts_with(&start));
        &line.expect(name)[start.len()..]
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver.
struct Receiver {
    port: u16,
    came: UnboundedReceiver<Came>,
    /// The next answers; once it is empty, everything is accepted.
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

/// Reads one request, answers it, and waits until the other side hangs up.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &str,
    came: &UnboundedSender<Came>,
) {
    let mut said = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&said).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                let (head, body) = (head.to_owned(), body.to_owned());
                came.send(Came { head, body }).unwrap();
                break;
            }
        }
        let mut part = [0; 4_096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(count) => said.extend_from_slice(&part[..count]),
        }
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    // A test that reads nothing more ends it.
    let mut rest = [0; 1];
    let _ = stream.read(&mut rest).await;
}

impl Receiver {
    async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, came) = unbounded_channel();
        let answers: Arc<Mutex<VecDeque<&'static str>>> = Arc::default();
        let waiting = answers.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = waiting.lock().unwrap().pop_front().unwrap_or(TAKEN);
                let sender = sender.clone();
                tokio::spawn(async move { converse(stream, answer, &sender).await });
            }
        });
        Self {
            port,
            came,
            answers,
        }
    }

    async fn new() -> Self {
        Self::at("127.0.0.1:0").await
    }

    fn answer(&self, answers: impl IntoIterator<Item = &'static str>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn exception(&self) -> Exception {
        format!("127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// The ids and types of all messages so far, in order.
    fn all(&mut self) -> Vec<(String, String)> {
        let came = std::iter::from_fn(|| self.came.try_recv().ok());
        let told = came.map(|came| {
            let kind = came.json()["type"].as_str().unwrap().to_owned();
            (came.header("webhook-id").to_owned(), kind)
        });
        told.collect()
    }
}

/// A name's addresses, one answer after the other; the last one repeats.
struct Told {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Told {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |all: &&[&str]| all.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

fn named(names: &Arc<Told>) -> Arc<dyn Names> {
    names.clone()
}

impl Names for Told {
    fn find(&self, _: String) -> Found {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let last = answers.len() == 1;
        let answer = if last {
            answers[0].clone()
        } else {
            answers.pop_front().unwrap()
        };
        Box::pin(async { Ok(answer) })
    }
}

/// The stage with a platform that allows webhooks to these receivers.
async fn allowing(stage: Stage, exceptions: Vec<Exception>) -> Stage {
    let app = App::new(
        stage.board.clone(),
        stage.node.clone(),
        URL.parse().unwrap(),
        Face::ALL.to_vec(),
        None,
    );
    let app = app.await.unwrap().silent().limited(u32::MAX);
    stage.behind(&Arc::new(app.excepting(exceptions)))
}

async fn added(stage: &Stage, url: &str, types: &[&str]) -> Value {
    let alma = stage.sign_in(ALMA).await;
    let body = json!({ "url": url, "types": types });
    stage
        .post("/v1/webhooks", &alma, &body)
        .await
        .is(201)
        .json()
}

/// The deliveries to a webhook as an admin sees them, oldest first.
async fn deliveries(stage: &Stage, webhook: &Value) -> Vec<Value> {
    let alma = stage.sign_in(ALMA).await;
    let path = format!(
        "/v1/webhooks/{}/deliveries",
        webhook["id"].as_str().unwrap()
    );
    let said = stage.get(&path, &alma).await.is(200).json();
    let mut found = said["deliveries"].as_array().unwrap().clone();
    found.reverse();
    found
}

fn courier(stage: &Stage, receiver: &Receiver) -> Courier {
    let outlet = Outlet::new(vec![receiver.exception()]).unwrap();
    Courier::new(stage.board.clone(), outlet)
}

/// Posts an order of Ada's with the library, as another process would; returns its event.
async fn posted(stage: &Stage, dollars: u128) -> u64 {
    let ada = stage.sign_in(ADA).await;
    stage
        .posted(&ada, &order(ADA, Side::Bid, 100, dollars))
        .await;
    stage.size().await
}

#[tokio::test]
async fn what_happens_is_told_in_sequence_by_ids_alone_under_a_signature_that_checks() {
    for stage in stages().await {
        let mut receiver = Receiver::new().await;
        let stage = allowing(stage, vec![receiver.exception()]).await;
        posted(&stage, 1_000).await;
        let made = added(&stage, &receiver.url(), &["order.ended", "order.posted"]).await;
        let seq = posted(&stage, 1_050).await;
        let id = stage.board.events(seq, 1).await.unwrap()[0].subject.clone();
        // As the command line does it.
        let by = By::new("web").because("called");
        stage.board.cancel(id.parse().unwrap(), by).await.unwrap();
        assert!(courier(&stage, &receiver).pass().await.unwrap());

        let first = receiver.came.try_recv().unwrap();
        // Nothing from before, and nothing but ids.
        let wanted = json!({ "type": "order.posted", "data": { "order": id, "seq": seq } });
        assert_eq!(first.json(), wanted);
        let (name, time) = (
            first.header("webhook-id"),
            first.header("webhook-timestamp"),
        );
        assert_eq!(name, format!("msg_{seq}_1"));
        assert_eq!(time, stage.now().as_second().to_string());
        let secret = made["secret"]
            .as_str()
            .unwrap()
            .strip_prefix("whsec_")
            .unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(secret).unwrap());
        let signed = first
            .header("webhook-signature")
            .strip_prefix("v1,")
            .unwrap();
        let signed = BASE64.decode(signed).unwrap();
        let text = format!("{name}.{time}.{}", first.body);
        hmac::verify(&key, text.as_bytes(), &signed).unwrap();

        let second = receiver.came.try_recv().unwrap().json();
        assert_eq!(
            second,
            json!({ "type": "order.ended", "data": { "order": id, "seq": seq + 1 } })
        );
        assert_eq!(receiver.all(), []);
        let shown = deliveries(&stage, &made).await;
        assert_eq!(shown.len(), 2);
        assert_eq!(
            (&shown[0]["state"], &shown[0]["tries"]),
            (&json!("delivered"), &json!(1))
        );
        assert_eq!(
            (&shown[0]["said"], &shown[0]["seq"]),
            (&json!("status 204"), &json!(seq))
        );
        // Sent once.
        assert!(courier(&stage, &receiver).pass().await.is_ok());
        stage.turn(10);
        assert!(courier(&stage, &receiver).pass().await.unwrap());
        assert_eq!(receiver.all(), []);
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_an_ended_webhook_is_told_nothing_more() {
    for stage in stages().await {
        let mut receiver = Receiver::new().await;
        let stage = allowing(stage, vec![receiver.exception()]).await;
        let alma = stage.sign_in(ALMA).await;
        let body = json!({ "url": receiver.url(), "types": ["order.posted"] });
        let made = stage
            .post_as("w", "/v1/webhooks", &alma, &body)
            .await
            .is(201)
            .json();
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
        let again = stage
            .post_as("w", "/v1/webhooks", &alma, &body)
            .await
            .is(201);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(
            (&again.json()["id"], again.json().get("secret")),
            (&made["id"], None)
        );
        let listed = stage.get("/v1/webhooks", &alma).await.is(200).json();
        assert_eq!(listed["webhooks"].as_array().unwrap().len(), 1);
        assert!(listed["webhooks"][0].get("secret").is_none());
        posted(&stage, 1_000).await;
        let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
        stage.delete(&path, &alma).await.is(204);
        courier(&stage, &receiver).pass().await.unwrap();
        assert_eq!(receiver.all(), []);
        let listed = stage.get("/v1/webhooks", &alma).await.is(200).json();
        assert_eq!(listed["webhooks"][0]["ended_at"], json!(stage.now()));
        let nobody = "/v1/webhooks/0190f3c2-0000-7000-8000-000000000000";
        stage.delete(nobody, &alma).await.refuses(404, "NOT_FOUND");
        stage
            .delete("/v1/webhooks/x", &alma)
            .await
            .refuses(404, "NOT_FOUND");
        let page = format!("{path}/deliveries?cursor=AAAA");
        stage
            .get(&page, &alma)
            .await
            .names(400, "BAD_INPUT", &["cursor"]);
    }
}

#[tokio::test]
async fn a_url_that_leads_into_this_network_is_not_taken() {
    let stage = stage().await;
    let alma = stage.sign_in(ALMA).await;
    for url in [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest",
        "https://10.0.0.5/",
        "https://hooks.example:8443/",
        "http://hooks.example/",
        "file:///etc/passwd",
        "https://user:secret@hooks.example/",
    ] {
        let body = json!({ "url": url, "types": ["order.posted"] });
        let said = stage.post("/v1/webhooks", &alma, &body).await;
        said.names(422, "BAD_INPUT", &["/url"]);
    }
    let body = json!({ "url": "https://hooks.example/", "types": ["order.read"] });
    let said = stage.post("/v1/webhooks", &alma, &body).await;
    said.names(422, "BAD_INPUT", &["/types/0"]);
    let body = json!({ "url": "https://hooks.example/", "types": [] });
    let said = stage.post("/v1/webhooks", &alma, &body).await;
    said.names(422, "BAD_INPUT", &["/types"]);
    let listed = stage.get("/v1/webhooks", &alma).await.is(200).json();
    assert_eq!(listed, json!({ "webhooks": [] }));
    let body = json!({ "url": "https://hooks.example/", "types": ["order.posted"] });
    for _ in 0..32 {
        stage.post("/v1/webhooks", &alma, &body).await.is(201);
    }
    let said = stage.post("/v1/webhooks", &alma, &body).await;
    said.refuses(409, "BOARD_REFUSED");
}

#[tokio::test]
async fn every_address_of_a_name_must_be_public() {
    for answer in [
        &["127.0.0.1"][..],
        // One of several is enough.
        &["1.1.1.1", "10.0.0.5"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["fe80::1"],
    ] {
        let stage = stage().await;
        let made = added(&stage, "https://hooks.example/", &["order.posted"]).await;
        posted(&stage, 1_000).await;
        let names = Told::new(&[answer]);
        let outlet = Outlet::with(&named(&names), Vec::new(), &[]).unwrap();
        let courier = Courier::new(stage.board.clone(), outlet);
        assert!(courier.pass().await.unwrap());
        assert_eq!(names.asked.load(Ordering::SeqCst), 1);
        let shown = deliveries(&stage, &made).await;
        let said = shown[0]["said"].as_str().unwrap();
        assert!(said.ends_with("is not a public address"), "{said}");
        assert_eq!(shown[0]["state"], "waiting");
    }
}

#[tokio::test]
async fn a_name_is_asked_once_a_try_and_what_was_looked_at_is_connected_to() {
    let mut first = Receiver::new().await;
    let mut second = Receiver::at(&format!("127.0.0.2:{}", first.port)).await;
    let exception = format!("hooks.example:{}", first.port);
    let exceptions: Vec<Exception> = vec![exception.parse().unwrap()];
    let stage = allowing(stage().await, exceptions.clone()).await;
    let made = added(&stage, &format!("http://{exception}/"), &["order.posted"]).await;
    let names = Told::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outlet = Outlet::with(&named(&names), exceptions, &[]).unwrap();
    let courier = Courier::new(stage.board.clone(), outlet);
    posted(&stage, 1_000).await;
    assert!(courier.pass().await.unwrap());
    assert_eq!((first.all().len(), second.all().len()), (1, 0));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    // The next try resolves again: no earlier connection is reused.
    posted(&stage, 1_001).await;
    assert!(courier.pass().await.unwrap());
    assert_eq!((first.all().len(), second.all().len()), (0, 1));
    assert_eq!(names.asked.load(Ordering::SeqCst), 2);
    // The same name without its port is not an exception.
    let elsewhere = Outlet::with(&named(&Told::new(&[&["127.0.0.1"]])), Vec::new(), &[]).unwrap();
    posted(&stage, 1_002).await;
    stage.turn(10);
    let courier = Courier::new(stage.board.clone(), elsewhere);
    assert!(courier.pass().await.unwrap());
    assert_eq!((first.all().len(), second.all().len()), (0, 0));
    let shown = deliveries(&stage, &made).await;
    assert!(
        shown[2]["said"].as_str().unwrap().contains("port 443"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_body_is_not_read() {
    let mut receiver = Receiver::new().await;
    let mut elsewhere = Receiver::new().await;
    let exceptions = vec![receiver.exception(), elsewhere.exception()];
    let stage = allowing(stage().await, exceptions.clone()).await;
    let made = added(&stage, &receiver.url(), &["order.posted"]).await;
    let outlet = Outlet::new(exceptions).unwrap();
    let courier = Courier::new(stage.board.clone(), outlet);
    let moved = format!(
        "HTTP/1.1 307 Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url()
    );
    // Reading the body would wait for one that never comes.
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
    receiver.answer([Box::leak(moved.into_boxed_str()), endless]);
    posted(&stage, 1_000).await;
    assert!(courier.pass().await.unwrap());
    assert_eq!((receiver.all().len(), elsewhere.all().len()), (1, 0));
    let shown = deliveries(&stage, &made).await;
    assert_eq!(shown[0]["said"], "status 307: redirects are not followed");
    stage.turn(60);
    assert!(courier.pass().await.unwrap());
    assert_eq!((receiver.all().len(), elsewhere.all().len()), (1, 0));
    let shown = deliveries(&stage, &made).await;
    assert_eq!(
        (&shown[0]["said"], &shown[0]["tries"]),
        (&json!("status 200"), &json!(2))
    );
}

#[tokio::test]
async fn what_fails_is_tried_eight_times_in_a_day_and_nothing_overtakes_it() {
    for stage in stages().await {
        let mut receiver = Receiver::new().await;
        let stage = allowing(stage, vec![receiver.exception()]).await;
        let made = added(&stage, &receiver.url(), &["order.posted"]).await;
        let (first, second) = (posted(&stage, 1_000).await, posted(&stage, 1_001).await);
        receiver.answer([FAILED; 8]);
        let courier = courier(&stage, &receiver);
        let name = |seq: u64| (format!("msg_{seq}_1"), "order.posted".to_owned());
        let began = stage.now();
        for wait in [0, 60, 300, 1_800, 7_200, 14_400, 28_800] {
            if wait > 0 {
                stage.turn(wait - 1);
                assert!(courier.pass().await.unwrap());
                assert_eq!(receiver.all(), [], "{wait}");
                stage.turn(1);
            }
            assert!(courier.pass().await.unwrap());
            assert_eq!(receiver.all(), [name(first)]);
        }
        stage.turn(33_840);
        assert_eq!(stage.now().duration_since(began).as_hours(), 24);
        assert!(courier.pass().await.unwrap());
        // The eighth, and then the next message.
        assert_eq!(receiver.all(), [name(first), name(second)]);
        let shown = deliveries(&stage, &made).await;
        let states: Vec<_> = shown
            .iter()
            .map(|one| (&one["state"], &one["tries"]))
            .collect();
        assert_eq!(
            states,
            [
                (&json!("given_up"), &json!(8)),
                (&json!("delivered"), &json!(1))
            ]
        );
    }
}

#[tokio::test]
async fn a_process_that_dies_after_sending_is_followed_by_another_that_sends_the_same_again() {
    for stage in stages().await {
        let mut receiver = Receiver::new().await;
        let stage = allowing(stage, vec![receiver.exception()]).await;
        added(&stage, &receiver.url(), &["order.posted"]).await;
        let seq = posted(&stage, 1_000).await;
        receiver.answer([SILENT]);
        let (dying, next) = (courier(&stage, &receiver), courier(&stage, &receiver));
        let sending = tokio::spawn(async move { dying.pass().await });
        let first = receiver.came.recv().await.unwrap();
        sending.abort();
        assert!(sending.await.unwrap_err().is_cancelled());
        // The dead process still has the lease.
        assert!(!next.pass().await.unwrap());
        stage.turn(5);
        assert!(next.pass().await.unwrap());
        let second = receiver.came.try_recv().unwrap();
        assert_eq!(second.header("webhook-id"), format!("msg_{seq}_1"));
        assert_eq!(
            (second.header("webhook-id"), &second.body),
            (first.header("webhook-id"), &first.body)
        );
    }
}

#[tokio::test]
async fn the_certificate_must_be_the_name_s() {
    for (subject, delivered) in [("hooks.example", true), ("other.example", false)] {
        let made = rcgen::generate_simple_self_signed(vec![subject.to_owned()]).unwrap();
        let authority = reqwest::Certificate::from_der(made.cert.der()).unwrap();
        let chain = vec![made.cert.der().clone()];
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mut came) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    converse(stream, TAKEN, &sender).await;
                }
            }
        });
        let exceptions: Vec<Exception> = vec![format!("hooks.example:{port}").parse().unwrap()];
        let stage = allowing(stage().await, exceptions.clone()).await;
        let url = format!("https://hooks.example:{port}/");
        let webhook = added(&stage, &url, &["order.posted"]).await;
        posted(&stage, 1_000).await;
        let names = Told::new(&[&["127.0.0.1"]]);
        let outlet = Outlet::with(&named(&names), exceptions, &[authority]).unwrap();
        assert!(
            Courier::new(stage.board.clone(), outlet)
                .pass()
                .await
                .unwrap()
        );
        let shown = deliveries(&stage, &webhook).await;
        let said = shown[0]["said"].as_str().unwrap();
        assert_eq!(came.try_recv().is_ok(), delivered, "{said}");
        assert_eq!(said == "status 204", delivered, "{said}");
        if !delivered {
            assert!(said.contains("certificate"), "{said}");
        }
    }
}
