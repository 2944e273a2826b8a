//! A node that cannot be relied on: a proxy in front of devnet that does to each JSON-RPC request what a test says.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// What becomes of a request.
pub(crate) enum Act {
    /// The node answers.
    Relay,
    /// The node answers, and the result is changed on its way back.
    Edit(fn(&mut Value)),
    /// The node gets it; the connection dies before the answer.
    LoseAnswer,
    /// The node gets it; no answer ever comes, and the connection stays open.
    WithholdAnswer,
    /// The connection dies before the node gets it.
    LoseRequest,
    /// No answer ever comes; the connection stays open.
    Silence,
    /// A result that the node did not give.
    Say(Value),
    /// An error that the node did not give.
    Refuse(i64, &'static str),
    /// The node gets it and answers; the client gets an error that the node did not give.
    RefuseAfter(i64, &'static str),
    /// A status line and headers, and any body.
    Raw(&'static str, Vec<u8>),
    /// The node gets it and answers; the client gets this instead.
    RawAfter(&'static str, Vec<u8>),
    /// Megabyte after megabyte, as long as somebody reads.
    Endless,
}

/// A proxy that lives as long as the test process.
pub(crate) struct Proxy {
    pub(crate) url: String,
    methods: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Before the node at `upstream`; `judge` gets each request's method and says what becomes of it.
    pub(crate) fn before(
        upstream: &str,
        judge: impl Fn(&str) -> Act + Send + Sync + 'static,
    ) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_string();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let methods = Arc::new(Mutex::new(Vec::new()));
        let (seen, judge) = (methods.clone(), Arc::new(judge));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (upstream, seen, judge) = (upstream.clone(), seen.clone(), judge.clone());
                thread::spawn(move || {
                    let judge = |method: &str| {
                        seen.lock().expect("no panic").push(method.to_string());
                        judge(method)
                    };
                    // The client may be gone before the answer.
                    let _ = serve(client, &upstream, &judge);
                });
            }
        });
        Self { url, methods }
    }

    /// The methods asked for so far.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.methods.lock().expect("no panic").clone()
    }

    /// How many transactions were sent.
    pub(crate) fn sent(&self) -> usize {
        let methods = self.methods();
        methods.iter().filter(|method| *method == SEND).count()
    }
}

/// The method that sends a transaction.
pub(crate) const SEND: &str = "eth_sendRawTransaction";

fn serve(
    mut client: TcpStream,
    upstream: &str,
    judge: &dyn Fn(&str) -> Act,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = message(&mut reader)? {
        let asked: Value = body(&request);
        let id = asked["id"].clone();
        let say = |content: Value| {
            let mut answer = json!({ "jsonrpc": "2.0", "id": id });
            answer
                .as_object_mut()
                .expect("an object")
                .extend(content.as_object().expect("an object").clone());
            http(
                "200 OK\r\ncontent-type: application/json",
                answer.to_string().as_bytes(),
            )
        };
        let refuse = |code, message| say(json!({ "error": { "code": code, "message": message } }));
        let relay = || relay(upstream, &request);
        let answer = match judge(asked["method"].as_str().unwrap_or_default()) {
            Act::Relay => relay()?,
            Act::Edit(edit) => {
                let mut answer: Value = body(&relay()?);
                edit(&mut answer["result"]);
                say(json!({ "result": answer["result"] }))
            }
            Act::LoseRequest => return Ok(()),
            Act::LoseAnswer => return relay().map(|_| ()),
            Act::Silence => return hold(reader),
            Act::WithholdAnswer => {
                relay()?;
                return hold(reader);
            }
            Act::Say(result) => say(json!({ "result": result })),
            Act::Refuse(code, message) => refuse(code, message),
            Act::RefuseAfter(code, message) => {
                relay()?;
                refuse(code, message)
            }
            Act::Raw(head, body) => http(head, &body),
            Act::RawAfter(head, body) => {
                relay()?;
                http(head, &body)
            }
            Act::Endless => {
                client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")?;
                let spaces = vec![b' '; 1 << 20];
                loop {
                    client.write_all(&spaces)?;
                }
            }
        };
        client.write_all(&answer)?;
    }
    Ok(())
}

/// Keeps a connection open until the other side has had enough.
fn hold(mut reader: BufReader<TcpStream>) -> std::io::Result<()> {
    while message(&mut reader)?.is_some() {}
    Ok(())
}

fn relay(upstream: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut node = TcpStream::connect(upstream)?;
    node.write_all(request)?;
    let answer = message(&mut BufReader::new(node))?;
    answer.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

fn http(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The JSON after a message's head.
fn body(message: &[u8]) -> Value {
    let text = String::from_utf8_lossy(message);
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).expect("JSON")
}

/// One HTTP message with a Content-Length.
fn message(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        bytes.extend(line.as_bytes());
        if line == "\r\n" {
            break;
        }
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    reader.read_exact(&mut bytes[start..])?;
    Ok(Some(bytes))
}
