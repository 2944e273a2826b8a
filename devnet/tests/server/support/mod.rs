//! Shared by the tests: a raw JSON-RPC client and a contract.

pub(crate) mod bytecode;
pub(crate) mod program;

use alloy::rpc::client::{ClientBuilder, RpcClient};
use devnet::{Builder, Devnet, chain::StoreError};
use serde_json::{Value, json};

/// A JSON-RPC error as it came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Option<Value>,
}

/// A devnet and a client that hides nothing.
pub(crate) struct Node {
    pub(crate) devnet: Devnet,
    pub(crate) client: RpcClient,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::of(Devnet::spawn().await.unwrap())
    }

    pub(crate) fn of(devnet: Devnet) -> Self {
        let client = client(&devnet.url());
        Self { devnet, client }
    }

    pub(crate) async fn try_call(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Value, Refusal> {
        call(&self.client, method, params).await
    }

    pub(crate) async fn call(&self, method: &'static str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap()
    }

    pub(crate) async fn refused(&self, method: &'static str, params: Value) -> Refusal {
        self.try_call(method, params).await.unwrap_err()
    }

    /// The `index`th funded account.
    pub(crate) fn account(&self, index: usize) -> String {
        self.devnet.accounts()[index].to_string()
    }

    /// Sends from the node's own account and returns the receipt.
    pub(crate) async fn send(&self, transaction: Value) -> Value {
        let hash = self.call("eth_sendTransaction", json!([transaction])).await;
        self.call("eth_getTransactionReceipt", json!([hash])).await
    }

    /// Creates a contract from `init_code` and returns its address.
    pub(crate) async fn create(&self, init_code: &str) -> String {
        let transaction = json!({ "from": self.account(0), "data": init_code });
        let receipt = self.send(transaction).await;
        assert_eq!(receipt["status"], "0x1");
        receipt["contractAddress"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn block_number(&self) -> u64 {
        quantity(&self.call("eth_blockNumber", json!([])).await)
    }

    pub(crate) async fn timestamp(&self, block: &str) -> u64 {
        let block = self
            .call("eth_getBlockByNumber", json!([block, false]))
            .await;
        quantity(&block["timestamp"])
    }
}

pub(crate) fn client(url: &str) -> RpcClient {
    install_tls();
    ClientBuilder::default().http(url.parse().unwrap())
}

pub(crate) async fn call(
    client: &RpcClient,
    method: &'static str,
    params: Value,
) -> Result<Value, Refusal> {
    let outcome = client.request::<_, Value>(method, params).await;
    outcome.map_err(|error| {
        let payload = error
            .as_error_resp()
            .unwrap_or_else(|| panic!("{method}: {error}"))
            .clone();
        Refusal {
            code: payload.code,
            message: payload.message.to_string(),
            data: payload
                .data
                .map(|data| serde_json::from_str(data.get()).unwrap()),
        }
    })
}

/// The number in a hexadecimal string.
pub(crate) fn quantity(value: &Value) -> u64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("not a quantity: {value}"));
    u64::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
}

pub(crate) fn invalid(message: &str) -> Refusal {
    Refusal {
        code: -32602,
        message: message.into(),
        data: None,
    }
}

pub(crate) fn refusal(message: &str) -> Refusal {
    Refusal {
        code: -32000,
        message: message.into(),
        data: None,
    }
}

/// Installs the cryptography for HTTP clients: they require it even where they do not speak TLS.
pub(crate) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Starts a chain, as soon as the previous one has released its state file.
pub(crate) async fn started(builder: Builder) -> Result<Devnet, devnet::Error> {
    loop {
        match builder.clone().spawn().await {
            Err(devnet::Error::Store(StoreError::Locked(_))) => tokio::task::yield_now().await,
            started => return started,
        }
    }
}
