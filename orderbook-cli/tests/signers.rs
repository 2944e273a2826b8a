//! Keys in a cloud's key management: `orderbook` signs with them against stand-ins on this machine, which answer as the
//! services do. The stand-ins sign with the high `s`, as half of the signatures of such a service have it.
//!
//! Built and run by `make test-signers` alone.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use alloy::primitives::bytes::Bytes;
use alloy::primitives::{B256, Signature, U256, uint};
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// The order of the curve.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

const KEY_NAME: &str = "projects/p/locations/eu/keyRings/r/cryptoKeys/desk/cryptoKeyVersions/1";

/// A public key of secp256k1 as X.509 has it (RFC 5480).
fn public_key(key: &PrivateKeySigner) -> Vec<u8> {
    let head = "3056301006072a8648ce3d020106052b8104000a03420004";
    let mut bytes = alloy::hex::decode(head).expect("digits");
    bytes.extend(key.public_key());
    bytes
}

/// A signature of a digest in DER, with the high `s`.
fn signed(key: &PrivateKeySigner, digest: B256) -> Vec<u8> {
    fn integer(value: U256) -> Vec<u8> {
        let mut bytes = value.to_be_bytes_trimmed_vec();
        if bytes.first().is_some_and(|byte| *byte >= 0x80) {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).expect("short")], bytes].concat()
    }
    let low = key.sign_hash_sync(&digest).expect("a signature");
    assert!(low.normalize_s().is_none());
    let body = [integer(low.r()), integer(ORDER - low.s())].concat();
    [vec![0x30, u8::try_from(body.len()).expect("short")], body].concat()
}

/// Answers HTTP/1.1 for as long as the test runs: `answer` gives the answer to a request's head and body.
fn serve(answer: impl Fn(&str, &[u8]) -> Value + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
            let (head, body) = loop {
                let count = stream.read(&mut part).expect("a request");
                assert!(count > 0, "a request that ends early");
                bytes.extend_from_slice(&part[..count]);
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
                if bytes.len() >= end + 4 + length {
                    break (head, bytes[end + 4..].to_vec());
                }
            };
            let said = answer(&head, &body).to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let length = said.len();
            write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{said}").expect("an answer");
        }
    });
    url
}

/// AWS KMS, as far as a signer uses it.
fn aws(key: &PrivateKeySigner) -> String {
    let key = key.clone();
    serve(move |head, body| {
        assert!(head.contains("authorization: aws4-hmac-sha256"), "{head}");
        let asked: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(asked["KeyId"], "alias/desk");
        if head.contains("x-amz-target: trentservice.getpublickey") {
            return json!({
                "KeyId": "alias/desk",
                "KeySpec": "ECC_SECG_P256K1",
                "PublicKey": BASE64.encode(public_key(&key)),
            });
        }
        assert!(head.contains("x-amz-target: trentservice.sign"), "{head}");
        assert_eq!(asked["MessageType"], "DIGEST");
        assert_eq!(asked["SigningAlgorithm"], "ECDSA_SHA_256");
        let digest = BASE64.decode(asked["Message"].as_str().expect("a message"));
        let digest = B256::from_slice(&digest.expect("base64"));
        json!({ "KeyId": "alias/desk", "Signature": BASE64.encode(signed(&key, digest)) })
    })
}

/// Google Cloud KMS, as far as a signer uses it: gRPC on HTTP/2.
fn gcp(key: &PrivateKeySigner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    listener.set_nonblocking(true).expect("a socket");
    let key = key.clone();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let key = key.clone();
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        tokio::spawn(answer(key.clone(), request, respond));
                    }
                });
            }
        });
    });
    url
}

/// One call: a message with its length before it and the outcome after it.
async fn answer(
    key: PrivateKeySigner,
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
) {
    let (head, mut body) = request.into_parts();
    assert_eq!(head.headers["authorization"], "Bearer stand-in");
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.expect("a body");
        let _ = body.flow_control().release_capacity(chunk.len());
        bytes.extend_from_slice(&chunk);
    }
    let message = &bytes[5..];
    let asked = fields(message);
    assert_eq!(asked[0], (1, KEY_NAME.as_bytes()));
    let said = if head.uri.path().ends_with("/GetPublicKey") {
        let text = BASE64.encode(public_key(&key));
        field(
            format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n",
                &text[..64],
                &text[64..]
            )
            .as_bytes(),
        )
    } else {
        assert!(head.uri.path().ends_with("/AsymmetricSign"), "{}", head.uri);
        let (_, digest) = asked
            .into_iter()
            .find(|(number, _)| *number == 3)
            .expect("a digest");
        let (_, digest) = fields(digest)[0];
        field(&signed(&key, B256::from_slice(digest)))
    };
    let length = u32::try_from(said.len()).expect("short").to_be_bytes();
    let frame = [&[0][..], &length, &said].concat();
    let head = http::Response::builder().header("content-type", "application/grpc");
    let mut stream = respond
        .send_response(head.body(()).expect("a head"), false)
        .expect("a stream");
    stream.send_data(frame.into(), false).expect("a message");
    let mut outcome = http::HeaderMap::new();
    outcome.insert("grpc-status", "0".parse().expect("a number"));
    stream.send_trailers(outcome).expect("an outcome");
}

/// The fields of a message that have their length with them: number and bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().expect("a number");
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = number(&mut message);
        assert_eq!(tag & 7, 2, "a field of another kind");
        let length = usize::try_from(number(&mut message)).expect("short");
        let (value, rest) = message.split_at(length);
        fields.push((tag >> 3, value));
        message = rest;
    }
    fields
}

/// Field 1 of a message.
fn field(value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x0a];
    let mut length = value.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).expect("seven bits"));
    bytes.extend_from_slice(value);
    bytes
}

/// Signs an order with the wallet `hsm` of a profile that keeps it there.
fn sign(folder: &Path, keeper: &str) -> Output {
    let profile = format!(
        "name = \"desk\"\nchain_id = 412346\nrpc_url = \"http://127.0.0.1:1\"\n\n\
         [addresses]\ncoin = \"0x0202020202020202020202020202020202020202\"\n\
         settlement = \"0x0101010101010101010101010101010101010101\"\n\n\
         [signers.hsm]\n{keeper}\n\n\
         [[security]]\nsymbol = \"HRBR\"\nisin = \"US0378331005\"\ndecimals = 6\n\
         token = \"0x0303030303030303030303030303030303030303\"\n"
    );
    std::fs::write(folder.join("orderbook.toml"), profile).expect("a profile");
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbook"));
    for (name, _) in std::env::vars().filter(|(name, _)| {
        ["ORDERBOOK_", "AWS_", "GOOGLE_"]
            .iter()
            .any(|own| name.starts_with(own))
    }) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .args("order sign bid HRBR 10 24.50 --wallet hsm --json".split(' '))
        // What AWS's and Google's own tools look at; nothing else on this machine.
        .env("HOME", folder)
        .env("AWS_ACCESS_KEY_ID", "stand-in")
        .env("AWS_SECRET_ACCESS_KEY", "stand-in")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(
            "GOOGLE_APPLICATION_CREDENTIALS",
            folder.join("credentials.json"),
        )
        .stdin(Stdio::null())
        .output()
        .expect("orderbook runs")
}

fn envelope(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The order is signed by the key, with the low `s`.
fn signs(folder: &Path, keeper: &str, key: &PrivateKeySigner) {
    let output = sign(folder, keeper);
    assert!(output.status.success(), "{output:?}");
    let order = &envelope(&output)["data"][0];
    assert_eq!(
        order["owner"].as_str().map(str::to_lowercase),
        Some(format!("{:#x}", key.address()))
    );
    let text = |member: &str| order[member].as_str().expect("a text").to_string();
    let signature: Signature = text("signature").parse().expect("a signature");
    assert!(signature.normalize_s().is_none(), "its s is high");
    let id: B256 = text("id").parse().expect("an id");
    assert_eq!(
        signature.recover_address_from_prehash(&id).expect("a key"),
        key.address()
    );
}

fn refused(folder: &Path, keeper: &str) -> (Option<i32>, String) {
    let output = sign(folder, keeper);
    let message = envelope(&output)["errors"][0]["message"].to_string();
    (output.status.code(), message)
}

fn aws_keeper(key: &PrivateKeySigner, url: &str) -> String {
    let address = key.address();
    format!(
        "kind = \"aws-kms\"\naddress = \"{address}\"\nkey = \"alias/desk\"\nregion = \"eu-central-1\"\nendpoint = \"{url}\""
    )
}

#[test]
fn aws_kms_signs_and_only_with_the_key_that_the_profile_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = PrivateKeySigner::random();
    let url = aws(&key);
    signs(folder.path(), &aws_keeper(&key, &url), &key);
    let (exit, message) = refused(
        folder.path(),
        &aws_keeper(&PrivateKeySigner::random(), &url),
    );
    assert_eq!(exit, Some(4));
    assert!(
        message.contains(&format!("its key is that of {}", key.address())),
        "{message}"
    );
    let (exit, message) = refused(folder.path(), &aws_keeper(&key, "http://127.0.0.1:1"));
    assert_eq!(exit, Some(4));
    assert!(message.contains("AWS KMS: "), "{message}");
}

/// Credentials of a workload that another identity provider vouches for; the token comes from a stand-in too.
fn federated(folder: &Path) {
    let token = serve(
        |_, _| json!({ "access_token": "stand-in", "token_type": "Bearer", "expires_in": 3600 }),
    );
    std::fs::write(folder.join("subject"), "stand-in").expect("a token");
    let credentials = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": token,
        "credential_source": { "file": folder.join("subject") },
    });
    std::fs::write(folder.join("credentials.json"), credentials.to_string()).expect("credentials");
}

fn gcp_keeper(key: &PrivateKeySigner, url: &str) -> String {
    let address = key.address();
    format!(
        "kind = \"gcp-kms\"\naddress = \"{address}\"\nkey = \"{KEY_NAME}\"\nendpoint = \"{url}\""
    )
}

#[test]
fn google_cloud_kms_signs_and_only_with_the_key_that_the_profile_names() {
    let folder = tempfile::tempdir().expect("a folder");
    federated(folder.path());
    let key = PrivateKeySigner::random();
    let url = gcp(&key);
    signs(folder.path(), &gcp_keeper(&key, &url), &key);
    let (exit, message) = refused(
        folder.path(),
        &gcp_keeper(&PrivateKeySigner::random(), &url),
    );
    assert_eq!(exit, Some(4));
    assert!(
        message.contains(&format!("its key is that of {}", key.address())),
        "{message}"
    );
    std::fs::remove_file(folder.path().join("credentials.json")).expect("credentials");
    let (exit, message) = refused(folder.path(), &gcp_keeper(&key, &url));
    assert_eq!(exit, Some(4));
    assert!(message.contains("Google Cloud KMS: "), "{message}");
}

/// There is none here: it says so and signs nothing.
#[test]
fn a_ledger_that_is_not_there_signs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = PrivateKeySigner::random().address();
    let keeper = format!("kind = \"ledger\"\naddress = \"{address}\"\npath = \"m/44'/60'/0'/0/0\"");
    let (exit, message) = refused(folder.path(), &keeper);
    assert_eq!(exit, Some(4));
    assert!(message.contains("Ledger: "), "{message}");
}
