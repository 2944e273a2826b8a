//! `Web3Signer` over JSON-RPC: `eth_signTransaction`, `eth_signTypedData` and `eth_sign`, so that it can read what it
//! signs.

use std::time::Duration;

use alloy::consensus::{TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::hex;
use alloy::primitives::{Address, Signature, TxKind};
use alloy::transports::http::reqwest::{self, Url};
use serde_json::{Value, json};

use super::request::Request;
use crate::http;

/// How long it can take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest answer: far more than a signed transaction of a hundred rows.
const LONGEST: usize = 1 << 20;

/// Has it sign with the key of `address`.
pub(super) async fn sign(
    url: &str,
    address: Address,
    request: &Request,
) -> Result<Signature, String> {
    match request {
        Request::Transaction(tx) => {
            let answer = ask(url, "eth_signTransaction", json!([parameters(address, tx)])).await?;
            transaction(tx, &bytes(&answer)?)
        }
        Request::SignIn(text) => {
            let message = hex::encode_prefixed(text.text());
            let answer = ask(url, "eth_sign", json!([address, message])).await?;
            Signature::try_from(&bytes(&answer)?[..]).map_err(|error| error.to_string())
        }
        typed => {
            let data = typed.typed().unwrap_or_default();
            // It takes the typed data as a text.
            let parameters = json!([address, data.to_string()]);
            let answer = ask(url, "eth_signTypedData", parameters).await?;
            Signature::try_from(&bytes(&answer)?[..]).map_err(|error| error.to_string())
        }
    }
}

fn parameters(from: Address, tx: &TxEip1559) -> Value {
    let number = |value: u128| format!("{value:#x}");
    let mut parameters = json!({
        "from": from,
        "nonce": number(tx.nonce.into()),
        "gas": number(tx.gas_limit.into()),
        "maxFeePerGas": number(tx.max_fee_per_gas),
        "maxPriorityFeePerGas": number(tx.max_priority_fee_per_gas),
        "value": format!("{:#x}", tx.value),
        "data": tx.input,
    });
    if let TxKind::Call(to) = tx.to {
        parameters["to"] = json!(to);
    }
    parameters
}

/// The signature of the transaction that came back, which must be the one that was asked for in every field.
fn transaction(wanted: &TxEip1559, raw: &[u8]) -> Result<Signature, String> {
    let mut rest = raw;
    let read = TxEnvelope::decode_2718(&mut rest).map_err(|error| error.to_string())?;
    let TxEnvelope::Eip1559(signed) = read else {
        return Err("it signed a transaction of another type".into());
    };
    if !rest.is_empty() {
        return Err("extra bytes follow the transaction that it signed".into());
    }
    let found = signed.tx();
    if found.chain_id != wanted.chain_id {
        return Err(format!(
            "it signs for chain {}, but this transaction is for chain {}",
            found.chain_id, wanted.chain_id
        ));
    }
    if found != wanted {
        return Err("it signed a different transaction than was asked for".into());
    }
    Ok(*signed.signature())
}

fn bytes(answer: &Value) -> Result<Vec<u8>, String> {
    let text = answer.as_str().ok_or("its answer is not text")?;
    hex::decode(text).map_err(|error| error.to_string())
}

async fn ask(url: &str, method: &str, parameters: Value) -> Result<Value, String> {
    let url: Url = url
        .parse()
        .map_err(|error| format!("its URL cannot be read: {error}"))?;
    let lost = |error: reqwest::Error| {
        // A URL may contain a login.
        let cause = http::root_cause(&error.without_url());
        format!("{} does not answer: {cause}", http::origin(&url))
    };
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
    let client = http::client(&url, PATIENCE).map_err(lost)?;
    let sent = client
        .post(url.clone())
        .header("content-type", "application/json")
        .body(request.to_string())
        .send();
    let mut response = sent.await.map_err(lost)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err("its answer is too long".into());
        }
        bytes.extend_from_slice(&chunk);
    }
    let answer: Value =
        serde_json::from_slice(&bytes).map_err(|_| format!("HTTP {status}, not JSON-RPC"))?;
    match answer.get("error").filter(|error| !error.is_null()) {
        Some(error) => Err(error["message"]
            .as_str()
            .unwrap_or("it refused")
            .to_string()),
        None => Ok(answer["result"].clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use alloy::consensus::SignableTransaction as _;
    use alloy::eips::eip2718::Encodable2718 as _;
    use alloy::signers::SignerSync as _;
    use alloy::signers::local::PrivateKeySigner;
    use alloy_dyn_abi::TypedData;

    use super::super::remote::Keeper;
    use super::super::request::tests::all;
    use super::super::signer::Signer;
    use super::*;

    /// A stand-in that answers a number of requests, each as `answer` decides from method and parameters.
    fn serve(
        count: usize,
        answer: impl Fn(&str, &Value) -> Value + Send + 'static,
    ) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = thread::spawn(move || {
            for _ in 0..count {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut text, mut part) = (Vec::new(), [0; 4096]);
                let body = loop {
                    let read = stream.read(&mut part).unwrap();
                    text.extend_from_slice(&part[..read]);
                    let all = String::from_utf8_lossy(&text).into_owned();
                    if let Some((_, body)) = all.split_once("\r\n\r\n")
                        && let Ok(body) = serde_json::from_str::<Value>(body)
                    {
                        break body;
                    }
                };
                let method = body["method"].as_str().unwrap();
                let said = answer(method, &body["params"]).to_string();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
                    said.len()
                )
                .unwrap();
            }
        });
        (url, served)
    }

    fn result(bytes: &[u8]) -> Value {
        json!({ "jsonrpc": "2.0", "id": 1, "result": hex::encode_prefixed(bytes) })
    }

    /// What `Web3Signer` does with its parameters, written from its own documentation.
    fn honest(key: &PrivateKeySigner, chain_id: u64, method: &str, parameters: &Value) -> Value {
        if method == "eth_signTypedData" {
            assert_eq!(parameters[0], json!(key.address()));
            let text = parameters[1].as_str().unwrap();
            let typed: TypedData = serde_json::from_str(text).unwrap();
            let digest = typed.eip712_signing_hash().unwrap();
            return result(&key.sign_hash_sync(&digest).unwrap().as_bytes());
        }
        assert_eq!(method, "eth_signTransaction");
        let of = &parameters[0];
        let number = |name: &str| {
            let text = of[name].as_str().unwrap().trim_start_matches("0x");
            u128::from_str_radix(text, 16).unwrap()
        };
        let tx = TxEip1559 {
            chain_id,
            nonce: number("nonce").try_into().unwrap(),
            gas_limit: number("gas").try_into().unwrap(),
            max_fee_per_gas: number("maxFeePerGas"),
            max_priority_fee_per_gas: number("maxPriorityFeePerGas"),
            to: TxKind::Call(of["to"].as_str().unwrap().parse().unwrap()),
            value: of["value"].as_str().unwrap().parse().unwrap(),
            access_list: alloy::eips::eip2930::AccessList::default(),
            input: of["data"].as_str().unwrap().parse().unwrap(),
        };
        let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
        result(&TxEnvelope::from(tx.into_signed(signature)).encoded_2718())
    }

    fn kept(key: &PrivateKeySigner, url: String) -> Signer {
        let address = key.address();
        Signer::Kept(Keeper::Web3signer { address, url })
    }

    #[test]
    fn every_kind_of_request_is_signed_by_the_key_behind_it() {
        let key = PrivateKeySigner::random();
        let requests = all(key.address());
        let holder = key.clone();
        let (url, served) = serve(requests.len(), move |method, parameters| {
            honest(&holder, 412_346, method, parameters)
        });
        let signer = kept(&key, url);
        for request in &requests {
            let signature = signer.sign(request).unwrap();
            let found = signature.recover_address_from_prehash(&request.digest());
            assert_eq!(found.unwrap(), key.address());
        }
        served.join().unwrap();
    }

    /// What an answer of `answer` to the request in a place of [`all`] is refused with.
    fn refused(at: usize, answer: fn(&PrivateKeySigner, &str, &Value) -> Value) -> String {
        let key = PrivateKeySigner::random();
        let holder = key.clone();
        let (url, served) = serve(1, move |method, parameters| {
            answer(&holder, method, parameters)
        });
        let error = kept(&key, url).sign(&all(key.address())[at]).unwrap_err();
        served.join().unwrap();
        error.to_string()
    }

    #[test]
    fn an_answer_that_is_not_what_was_asked_for_is_none() {
        let other_key = refused(0, |_, method, parameters| {
            let typed: TypedData = serde_json::from_str(parameters[1].as_str().unwrap()).unwrap();
            let stranger = PrivateKeySigner::random();
            assert_eq!(method, "eth_signTypedData");
            let digest = typed.eip712_signing_hash().unwrap();
            result(&stranger.sign_hash_sync(&digest).unwrap().as_bytes())
        });
        assert!(other_key.contains("is a signature of"), "{other_key}");
        // As did versions that signed typed data as a personal message.
        let prefixed = refused(1, |key, _, parameters| {
            let text = parameters[1].as_str().unwrap();
            result(&key.sign_message_sync(text.as_bytes()).unwrap().as_bytes())
        });
        assert!(
            prefixed.contains("something other than was asked for"),
            "{prefixed}"
        );
        let chain = refused(4, |key, method, parameters| {
            honest(key, 1, method, parameters)
        });
        assert!(
            chain.ends_with("it signs for chain 1, but this transaction is for chain 412346"),
            "{chain}"
        );
        let changed = refused(4, |key, method, parameters| {
            let mut parameters = parameters.clone();
            parameters[0]["gas"] = json!("0x1");
            honest(key, 412_346, method, &parameters)
        });
        assert!(
            changed.ends_with("it signed a different transaction than was asked for"),
            "{changed}"
        );
        let unknown = refused(
            0,
            |_, _, _| json!({ "error": { "code": -32000, "message": "Signing from is not an unlocked account" } }),
        );
        assert_eq!(
            unknown,
            "Web3Signer: Signing from is not an unlocked account"
        );
        let nothing = refused(0, |_, _, _| json!({ "result": null }));
        assert!(nothing.ends_with("its answer is not text"), "{nothing}");
    }

    #[test]
    fn nobody_there_is_said_without_the_urls_login() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let key = PrivateKeySigner::random();
        let signer = kept(&key, format!("http://desk:secret@127.0.0.1:{port}"));
        let error = signer.sign(&all(key.address())[0]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "Web3Signer: http://127.0.0.1:{port} does not answer: Connection refused (os error 111)"
            )
        );
    }
}
