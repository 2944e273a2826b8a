//! `orderbook serve` on a real chain: wallets sign in and post, a desk matches and settles, and it shuts down in order.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use alloy::primitives::{B256, Bytes, U256};
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use book::log::act::{Act, Told, of_match};
use desk::signing::signer::Signer;
use desk::staff;
use desk::wallet::keystore::Wallets;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::process::{Market, signal};

/// A server on a market's book.
pub(crate) struct Served<'a> {
    market: &'a Market,
    child: Child,
    /// Host and port as browsers see them.
    host: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    head: String,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    fn cookie(&self, name: &str) -> String {
        let start = format!("set-cookie: {name}=");
        let line = self
            .head
            .lines()
            .find(|line| line.starts_with(&start))
            .expect("a cookie");
        let (pair, _) = line["set-cookie: ".len()..]
            .split_once(';')
            .expect("attributes");
        pair.to_owned()
    }
}

impl<'a> Served<'a> {
    fn start(market: &'a Market) -> Self {
        Self::start_with(market, &market.url, "")
    }

    /// With more flags, and through another RPC URL.
    pub(crate) fn start_with(market: &'a Market, url: &str, flags: &str) -> Self {
        let line = format!("serve --listen 127.0.0.1:0 --timeout 5{flags}");
        let mut command = market.command(url, &line);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("orderbook starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("it speaks");
        let begun: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        // Not reading on would block the server.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let url = begun["serving"].as_str().expect("a URL");
        let host = url.strip_prefix("http://").expect("without TLS").to_owned();
        Self {
            market,
            child,
            host,
        }
    }

    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        cookie: &str,
        body: Option<&Value>,
    ) -> Answer {
        let (_, port) = self.host.split_once(':').expect("a port");
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        let body = body.map(Value::to_string).unwrap_or_default();
        let (host, length, key) = (&self.host, body.len(), Uuid::now_v7());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: {cookie}\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("it answers");
        let (head, body) = said.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse()
            .expect("a number");
        Answer {
            status,
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    /// Lines of an answer that does not end, including its head.
    pub(crate) fn follow(&self, path: &str, cookie: &str) -> BufReader<TcpStream> {
        let (_, port) = self.host.split_once(':').expect("a port");
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        let host = &self.host;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: {cookie}\r\n\r\n"
        )
        .expect("it reads");
        BufReader::new(stream)
    }

    pub(crate) fn key(&self, name: &str) -> PrivateKeySigner {
        let wallets = Wallets::new(self.market.path().join("wallets"));
        let password = std::fs::read_to_string(self.market.path().join("password"));
        let password = password.expect("a password");
        wallets
            .open(name, password.lines().next().expect("a line"))
            .expect("a wallet")
    }

    /// Signs in with a wallet of the market: the cookie.
    pub(crate) fn sign_in(&self, name: &str) -> String {
        let key = self.key(name);
        let asked = json!({ "address": key.address() });
        let asked = self
            .ask("POST", "/v1/session/challenge", "", Some(&asked))
            .is(201);
        let message = asked.body["message"].as_str().expect("a message");
        let signature = key
            .sign_message_sync(message.as_bytes())
            .expect("a signature");
        let signature = Bytes::from(signature.as_bytes().to_vec());
        let answer = json!({ "nonce": asked.body["nonce"], "signature": signature });
        let browser = asked.cookie("__Host-sign-in");
        self.ask("POST", "/v1/session", &browser, Some(&answer))
            .is(201)
            .cookie("__Host-session")
    }

    /// An order as the command line signs it, as the platform takes it.
    fn signed(&self, line: &str) -> Value {
        let said = self
            .market
            .run_beside_others(&self.market.url, &format!("order sign {line}"));
        let order = said.exits(0).json()["data"][0].clone();
        let decimal = |name: &str| {
            let value: U256 = order[name]
                .as_str()
                .expect("a number")
                .parse()
                .expect("digits");
            value.to_string()
        };
        let expiry = order["expiry"].as_i64().expect("seconds");
        json!({
            "order": {
                "chain_id": order["chain_id"],
                "contract": order["settlement"],
                "owner": order["owner"],
                "side": order["side"],
                "security": order["security"],
                "payment": order["payment"],
                "quantity": decimal("quantity"),
                "limit_total": decimal("limit_total"),
                "expiry": Timestamp::from_second(expiry).expect("a time"),
                "epoch": order["epoch"],
                "counterparty": order["counterparty"],
                "board_ref": order["board_ref"],
            },
            "signature": order["signature"],
            "price": order["price"],
        })
    }

    /// Posts an order by HTTP, which may answer a lot; its id.
    fn posted(&self, wallet: &str, line: &str, lot: &Value) -> String {
        let cookie = self.sign_in(wallet);
        let mut sent = self.signed(&format!("{line} --wallet {wallet}"));
        if !lot.is_null() {
            sent["answers"] = lot.clone();
        }
        let said = self.ask("POST", "/v1/orders", &cookie, Some(&sent)).is(201);
        said.body["id"].as_str().expect("an id").to_owned()
    }

    /// Runs a command alongside it.
    pub(crate) fn data(&self, line: &str) -> Value {
        let said = self.market.run_beside_others(&self.market.url, line);
        said.exits(0).json()["data"].clone()
    }

    /// Kills it on the spot.
    pub(crate) fn dies(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Stops it, and returns how it ended.
    pub(crate) fn ends(mut self) -> i32 {
        signal(&self.child, "TERM");
        self.child
            .wait()
            .expect("it ends")
            .code()
            .expect("it was not killed")
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a person signs for a match.
struct Signing<'a> {
    served: &'a Served<'a>,
    id: Uuid,
    bid: B256,
    ask: B256,
    total: u128,
}

impl Signing<'_> {
    fn signature(&self, wallet: &str, act: Act, reason: &str, now: Timestamp) -> Bytes {
        let told = Told {
            act,
            subject: of_match(self.id),
            bid: self.bid,
            ask: self.ask,
            total: self.total,
            reason,
        };
        let settings = self.served.data("config show");
        let settings = settings.as_array().expect("a list");
        let value = |name: &str| {
            let found = settings.iter().find(|entry| entry["setting"] == name);
            found.expect("a setting")["value"]
                .as_str()
                .expect("a text")
                .to_owned()
        };
        let (chain, contract) = (value("chain_id"), value("settlement"));
        let key = Signer::from(self.served.key(wallet));
        let signed = staff::sign(
            chain.parse().expect("a number"),
            contract.parse().expect("an address"),
            &key,
            &told,
            now,
        );
        signed.expect("a signature").signature
    }
}

#[test]
fn a_trade_goes_from_two_investors_over_the_desk_to_its_settlement_while_it_serves() {
    for market in Market::on_every_store() {
        let served = Served::start(&market);
        let (dana, ruth) = (served.sign_in("dana"), served.sign_in("ruth"));
        let bid = served.posted("victor-chen", "bid HRBR 10 24.50", &Value::Null);
        let path = "/v1/securities/HRBR/lots?side=bid";
        let lots = served.ask("GET", path, &dana, None).is(200).body;
        let mut lots = lots["lots"].as_array().expect("a list").iter();
        let lot = &lots.find(|lot| lot["order"] == bid).expect("its lot")["lot"];
        let ask = served.posted("ada-lindqvist", "ask HRBR 10 24.50", lot);
        let pairs = served.data("match suggest HRBR");
        let mut pairs = pairs.as_array().expect("a list").iter();
        let pair = pairs.find(|pair| pair["ask"] == ask).expect("its pair");
        assert_eq!(
            (&pair["ask_answers"], &pair["bid_answers"]),
            (&json!(bid), &Value::Null)
        );
        // The command line sees what came in over the web, on the same book.
        let shown = served.data(&format!("order show {bid}"));
        let text = shown.to_string();
        assert!(
            text.contains("A-1028") && text.contains("\"web\""),
            "{text}"
        );

        let now = Timestamp::now();
        let signing = Signing {
            served: &served,
            id: Uuid::now_v7(),
            bid: bid.parse().expect("an id"),
            ask: ask.parse().expect("an id"),
            total: 245_000_000,
        };
        let why = "the two meet at one price";
        let proposal = json!({
            "id": signing.id,
            "bid": bid,
            "ask": ask,
            "rationale": why,
            "passed_over": [],
            "signature": signing.signature("dana", Act::Propose, why, now),
            "time": now,
        });
        let said = served.ask("POST", "/v1/matches", &dana, Some(&proposal));
        let passed = said.body["passed_over"].clone();
        // The demo's market has other orders: those that are passed over are named.
        let said = if said.status == 422 {
            let mut proposal = proposal;
            proposal["passed_over"] = passed;
            served.ask("POST", "/v1/matches", &dana, Some(&proposal))
        } else {
            said
        };
        said.is(201);
        let path = format!("/v1/matches/{}", signing.id);
        let approval = json!({
            "signature": signing.signature("ruth", Act::Approve, "", now),
            "time": now,
        });
        let said = served.ask("POST", &format!("{path}/approve"), &ruth, Some(&approval));
        assert_eq!(said.is(200).body["state"], "APPROVED");

        // What is missing on chain is said in words, and once it is there nothing is said.
        let reasons = served
            .ask("GET", &format!("{path}/preflight"), &ruth, None)
            .is(200)
            .body;
        assert_eq!(reasons["would_settle"], false, "{reasons}");
        served.data("approve coin 1000000 --wallet victor-chen");
        served.data("approve HRBR 1000 --wallet ada-lindqvist");
        let reasons = served
            .ask("GET", &format!("{path}/preflight"), &ruth, None)
            .is(200)
            .body;
        assert_eq!(reasons["reasons"], json!([]), "{reasons}");
        served.data(&format!("settle {bid} {ask}"));
        let said = served.ask("GET", &path, &ruth, None).is(200).body;
        assert_eq!(said["state"], "SETTLED");
        assert_eq!(served.ends(), 0);
        market.assert_closed("serve");
        market.data("audit verify");
    }
}

#[test]
fn a_frozen_wallet_sees_nothing_and_posts_nothing_and_without_a_node_nothing_is_posted() {
    let mut market = Market::open();
    market.data("token freeze HRBR victor-chen");
    {
        let served = Served::start(&market);
        let victor = served.sign_in("victor-chen");
        let said = served
            .ask("GET", "/v1/securities", &victor, None)
            .is(200)
            .body;
        assert!(!said.to_string().contains("HRBR"), "{said}");
        served
            .ask("GET", "/v1/securities/HRBR/book", &victor, None)
            .is(404);
        let sent = served.signed("bid HRBR 10 24.50 --wallet victor-chen");
        let said = served
            .ask("POST", "/v1/orders", &victor, Some(&sent))
            .is(422)
            .body;
        assert_eq!(
            (&said["code"], &said["restriction"]),
            (&json!("RESTRICTION_5"), &json!(5))
        );
        assert_eq!(served.ends(), 0);
    }
    let orders = market.data("order list").as_array().map(Vec::len);
    market.data("token freeze HRBR victor-chen --lift");
    let sent = {
        let served = Served::start(&market);
        served.signed("bid HRBR 10 24.50 --wallet victor-chen")
    };
    market.stop_node();
    let served = Served::start(&market);
    let victor = served.sign_in("victor-chen");
    let said = served
        .ask("POST", "/v1/orders", &victor, Some(&sent))
        .is(503)
        .body;
    assert_eq!(said["code"], "RPC_UNREACHABLE");
    assert_eq!(served.ends(), 0);
    assert_eq!(market.data("order list").as_array().map(Vec::len), orders);
}

#[test]
fn it_refuses_to_listen_for_others_without_tls() {
    let market = Market::open();
    let said = market.run("serve --listen 0.0.0.0:0").exits(2);
    assert!(said.stdout.contains("not a loopback address"), "{said:?}");
    let said = market
        .run("serve --listen 10.0.3.2:0 --behind-proxy 0.0.0.0/0")
        .exits(2);
    assert!(said.stdout.contains("every address there is"), "{said:?}");
}
