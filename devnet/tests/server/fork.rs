//! A fork of another node: what it reads, what it requests, what it refuses.

use alloy::{
    primitives::{Address, B256, U256},
    rpc::client::RpcClient,
};
use devnet::{Devnet, Error, chain::ForkError};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Forwards everything to a node, and counts the HTTP requests.
struct Counter {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Counter {
    async fn before(url: &str) -> Self {
        let node = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&node).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_server, &mut to_client).await },
                );
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    loop {
                        let read = from_client.read(&mut buffer).await.unwrap_or_default();
                        if read == 0 {
                            break;
                        }
                        let begun = buffer[..read].windows(5).filter(|w| w == b"POST ");
                        count.fetch_add(begun.count(), Ordering::SeqCst);
                        if to_server.write_all(&buffer[..read]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// Requests since the last call of this.
    fn take(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

/// A fork, and a client of it.
struct Fork {
    client: RpcClient,
    devnet: Devnet,
}

impl Fork {
    async fn of(url: &str, block: u64, cache: Option<PathBuf>) -> Self {
        let builder = Devnet::builder().fork(url).fork_block(block);
        Self::start(builder.fork_cache(cache)).await
    }

    async fn start(builder: devnet::Builder) -> Self {
        let devnet = builder.spawn().await.unwrap();
        let client = crate::support::client(&devnet.url());
        Self { client, devnet }
    }

    async fn call(&self, method: &'static str, params: Value) -> Value {
        let answer = self.client.request::<_, Value>(method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn refused(&self, method: &'static str, params: Value) -> String {
        let answer = self.client.request::<_, Value>(method, params).await;
        answer
            .unwrap_err()
            .as_error_resp()
            .unwrap()
            .message
            .to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_takes_nothing_that_is_signed_unless_told_to() {
    let remote = Devnet::spawn().await.unwrap();
    let fork = Fork::of(&remote.url(), 0, None).await;
    assert_eq!(fork.devnet.chain_id(), remote.chain_id());
    let own = fork.devnet.accounts()[1];
    let words = "this is a fork of chain 412346, where a signed transaction would be valid too: send it unsigned \
                 from an impersonated account (hardhat_impersonateAccount), or start devnet with --accept-signed";
    let transfer = json!({ "from": own, "to": Address::with_last_byte(0xEE), "value": "0x7" });
    for (method, params) in [
        ("eth_sendRawTransaction", json!(["0x02"])),
        ("eth_signTransaction", json!([transfer])),
    ] {
        assert_eq!(fork.refused(method, params).await, words);
    }
    // The node's own accounts send without a signature: what is stored as one was not made with their keys.
    let hash = fork.call("eth_sendTransaction", json!([transfer])).await;
    let sent = fork.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(sent["s"], "0x1");

    let builder = Devnet::builder().fork(remote.url()).fork_cache(None);
    let fork = Fork::start(builder.accept_signed()).await;
    let signed = fork.call("eth_signTransaction", json!([transfer])).await;
    let hash = fork
        .call("eth_sendRawTransaction", json!([signed["raw"]]))
        .await;
    let receipt = fork.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_of_a_call_asks_the_chain_itself_for_nothing() {
    let remote = Devnet::spawn().await.unwrap();
    let client = crate::support::client(&remote.url());
    let keeper = Address::with_last_byte(0xAA);
    // Returns the word in slot 0.
    let code = json!([keeper, "0x5f545f5260205ff3"]);
    let _: Value = client.request("hardhat_setCode", code).await.unwrap();
    let word = B256::with_last_byte(7);
    let slot = json!([keeper, "0x0", word]);
    let _: Value = client.request("hardhat_setStorageAt", slot).await.unwrap();
    let call = json!([{ "to": keeper }, "latest"]);

    let counter = Counter::before(&remote.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = Some(folder.path().to_owned());
    let fork = Fork::of(&counter.url, 0, cache.clone()).await;
    assert!(counter.take() > 0);
    assert_eq!(fork.call("eth_call", call.clone()).await, json!(word));
    assert!(counter.take() > 0);
    assert_eq!(fork.call("eth_call", call.clone()).await, json!(word));
    assert_eq!(counter.take(), 0);
    drop(fork);

    // Another fork of the same block only checks that it is the same, and reads no state.
    let fork = Fork::of(&counter.url, 0, cache).await;
    assert_eq!(counter.take(), 1);
    assert_eq!(fork.call("eth_call", call).await, json!(word));
    assert_eq!(counter.take(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_on_a_fork_hides_what_the_chain_itself_has() {
    let remote = Devnet::spawn().await.unwrap();
    let client = crate::support::client(&remote.url());
    let account = Address::with_last_byte(0xEE);
    let word = |number: u64| B256::from(U256::from(number));
    let set = |slot: &'static str, value: u64| json!([account, slot, word(value)]);
    for (method, params) in [
        ("hardhat_setBalance", json!([account, "0x5"])),
        ("hardhat_setNonce", json!([account, "0x3"])),
        ("hardhat_setCode", json!([account, "0x600160005500"])),
        ("hardhat_setStorageAt", set("0x0", 8)),
        ("hardhat_setStorageAt", set("0x1", 9)),
    ] {
        let _: Value = client.request(method, params).await.unwrap();
    }
    let builder = Devnet::builder().fork(remote.url()).fork_cache(None);
    let fork = Fork::start(builder).await;
    let at = |slot: &'static str| json!([account, slot, "latest"]);
    assert_eq!(fork.call("eth_getBalance", json!([account])).await, "0x5");
    assert_eq!(
        fork.call("eth_getTransactionCount", json!([account])).await,
        "0x3"
    );
    assert_eq!(
        fork.call("eth_getCode", json!([account])).await,
        "0x600160005500"
    );
    assert_eq!(
        fork.call("eth_getStorageAt", at("0x0")).await,
        json!(word(8))
    );

    fork.call("hardhat_setStorageAt", set("0x1", 0)).await;
    assert_eq!(
        fork.call("eth_getStorageAt", at("0x1")).await,
        json!(word(0))
    );
    assert_eq!(
        fork.call("eth_getStorageAt", at("0x0")).await,
        json!(word(8))
    );
    // Running the code changes the other slot, only on the fork.
    let run = json!({ "from": fork.devnet.accounts()[1], "to": account });
    fork.call("eth_sendTransaction", json!([run])).await;
    assert_eq!(
        fork.call("eth_getStorageAt", at("0x0")).await,
        json!(word(1))
    );
    let there: Value = client.request("eth_getStorageAt", at("0x0")).await.unwrap();
    assert_eq!(there, json!(word(8)));

    // A reset goes back to the forked block; later changes of the chain itself are still not seen.
    let _: Value = client
        .request(
            "hardhat_setBalance",
            json!([Address::with_last_byte(0xDD), "0x1"]),
        )
        .await
        .unwrap();
    fork.call("hardhat_reset", json!([])).await;
    assert_eq!(
        fork.call("eth_getStorageAt", at("0x0")).await,
        json!(word(8))
    );
    assert_eq!(
        fork.call("eth_getStorageAt", at("0x1")).await,
        json!(word(9))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_not_there_or_not_kept_is_an_error_in_words() {
    let remote = Devnet::builder().history(2).spawn().await.unwrap();
    for _ in 0..5 {
        remote.chain().mine().unwrap();
    }
    let host = remote.address().to_string();
    let start = |block: u64| {
        let builder = Devnet::builder().fork(remote.url()).fork_block(block);
        builder.fork_cache(None).spawn()
    };
    let Err(Error::Fork(error)) = start(9).await else {
        panic!("block 9 is forked")
    };
    let number = "9".to_owned();
    assert_eq!(
        error,
        ForkError::NoBlock {
            host: host.clone(),
            number
        }
    );
    let Err(Error::Fork(error)) = start(1).await else {
        panic!("block 1 is forked")
    };
    let words = error.to_string();
    assert!(
        words.starts_with(&format!(
            "the forked chain's node {host} does not provide the state of block 1 "
        )),
        "{words}"
    );
    assert!(
        words.ends_with("fork from a later block, or from an archive node"),
        "{words}"
    );
    let Err(Error::Fork(error)) = Devnet::builder().fork("ftp://127.0.0.1").spawn().await else {
        panic!("an ftp server is forked")
    };
    assert_eq!(
        error.to_string(),
        "cannot fork from \"ftp://127.0.0.1\": expected http or https, not ftp"
    );
    let Err(Error::Fork(error)) = Devnet::builder()
        .fork(remote.url())
        .state_root()
        .spawn()
        .await
    else {
        panic!("a fork has a state root")
    };
    assert_eq!(error, ForkError::StateRoot);
}
