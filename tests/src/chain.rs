//! A node, accessed over JSON-RPC: devnet by default, or the one that `ACCEPTANCE_RPC_URL` names.

use std::{
    collections::BTreeSet,
    fmt,
    io::Write,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip7702, TxEnvelope},
    eips::{eip2718::Encodable2718, eip7702::Authorization},
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::{Provider, ProviderBuilder, RootProvider},
    rpc::{
        client::BatchRequest,
        json_rpc::{RpcRecv, RpcSend},
        types::{Block, Filter, Log, TransactionReceipt},
    },
    signers::SignerSync,
    sol_types::SolCall,
    transports::{RpcError, TransportErrorKind},
};
use devnet::{ArbOs, Devnet};
use futures::future::join_all;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{account::Account, refusal};

/// Gas limit of every transaction; far above what any of them needs, and below Arbitrum's limit for one.
pub const GAS_LIMIT: u64 = 30_000_000;

/// How long to wait for a receipt before the transaction counts as lost: a public chain may be busy.
const RECEIPT_PATIENCE: Duration = Duration::from_mins(2);
/// The longest pause between two requests for a receipt.
const RECEIPT_PAUSE: Duration = Duration::from_millis(500);
/// The codes for a method that a node does not have: JSON-RPC's, and that of EIP-1474.
const NO_SUCH_METHOD: [i64; 2] = [-32601, -32004];

/// A node and a funded account on it.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: RootProvider,
    /// Its URL.
    pub url: String,
    /// The node's chain id, read once.
    pub chain_id: u64,
    /// Pays for everything.
    pub funded: Account,
    /// Twice the node's gas price when the connection was made, wei.
    pub max_fee: u128,
    /// Whether the node is ours.
    development: bool,
    /// The first method that scenarios need for the clock and that the node does not have.
    without: Option<&'static str>,
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    /// The node's message.
    pub message: String,
    /// The contract's revert data; `None` when the node gives none.
    pub data: Option<Bytes>,
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Some(data) => write!(f, "{} ({})", refusal::describe(data), self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Outlives every test of the binary, unlike the runtime of a single test.
fn background() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a tokio runtime"))
}

/// Spawns devnet once per test binary; later calls return the same URL.
async fn devnet_url() -> String {
    static DEVNET: tokio::sync::OnceCell<Devnet> = tokio::sync::OnceCell::const_new();
    let devnet = DEVNET
        .get_or_init(|| async {
            background()
                .spawn(async { Devnet::builder().spawn().await })
                .await
                .expect("the runtime keeps running")
                .expect("devnet starts on a free port")
        })
        .await;
    devnet.url()
}

/// The key of Nitro's development node, which devnet also funds.
const DEVNET_KEY: &str = "0xb6b15c8cb491557369f3c7d2c287b053eb229daa9c22138887752191c9520659";

impl Chain {
    /// Connects to the node that the environment names, or to this binary's devnet.
    ///
    /// # Panics
    /// When the node does not answer, or `ACCEPTANCE_RPC_URL` is set without `ACCEPTANCE_KEY`.
    pub async fn connect() -> Self {
        let (url, key, development) = match std::env::var("ACCEPTANCE_RPC_URL") {
            Ok(url) => {
                let key = std::env::var("ACCEPTANCE_KEY")
                    .expect("ACCEPTANCE_RPC_URL needs ACCEPTANCE_KEY, a funded private key");
                (url, key, false)
            }
            Err(_) => (devnet_url().await, DEVNET_KEY.to_owned(), true),
        };
        Self::at(url, &key, development).await
    }

    /// A separate devnet that runs this version of `ArbOS`, for as long as the tests run.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn of_arbos(version: ArbOs) -> Self {
        let started = background()
            .spawn(async move { Devnet::builder().arbos(version).spawn().await })
            .await
            .expect("the runtime keeps running");
        let devnet = Box::leak(Box::new(started.expect("devnet starts on a free port")));
        Self::at(devnet.url(), DEVNET_KEY, true).await
    }

    async fn at(url: String, key: &str, development: bool) -> Self {
        // For a chain over https; an error means that another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(url.parse().expect("ACCEPTANCE_RPC_URL is a URL"));
        let chain_id = provider
            .get_chain_id()
            .await
            .expect("the node answers eth_chainId");
        let max_fee = 2 * provider
            .get_gas_price()
            .await
            .expect("the node answers eth_gasPrice");
        let without = missing(&provider).await;
        Self {
            provider,
            url,
            chain_id,
            funded: Account::from_key(key),
            max_fee,
            development,
            without,
        }
    }

    /// Sends any request, for what the typed methods do not cover.
    ///
    /// # Panics
    /// When the node refuses it.
    pub async fn request<P: RpcSend, R: RpcRecv>(&self, method: &'static str, params: P) -> R {
        self.provider
            .raw_request(method.into(), params)
            .await
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Calls a view.
    ///
    /// # Panics
    /// When it reverts or its answer is not a value of the declared type.
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let answer = self
            .simulate(Address::ZERO, to, call.abi_encode().into())
            .await
            .unwrap_or_else(|revert| panic!("{} reverts: {revert}", C::SIGNATURE));
        C::abi_decode_returns(&answer)
            .unwrap_or_else(|error| panic!("{} answers {answer}: {error}", C::SIGNATURE))
    }

    /// What a transaction would return or revert with in the latest block.
    ///
    /// # Errors
    /// The node's refusal with the revert data.
    ///
    /// # Panics
    /// When the node is gone.
    pub async fn simulate(
        &self,
        from: Address,
        to: Address,
        input: Bytes,
    ) -> Result<Bytes, Revert> {
        let call = json!({ "from": from, "to": to, "input": input, "gas": U256::from(GAS_LIMIT) });
        self.provider
            .raw_request("eth_call".into(), (call, "latest"))
            .await
            .map_err(revert)
    }

    /// [`Self::simulate`] of many calls, each from an account to a contract, in one request.
    ///
    /// # Panics
    /// When the node is gone, or does not accept a batch of that size.
    pub async fn simulate_all(
        &self,
        calls: &[(Address, Address, Bytes)],
    ) -> Vec<Result<Bytes, Revert>> {
        let mut batch = BatchRequest::new(self.provider.client());
        let mut answers = Vec::with_capacity(calls.len());
        for (from, to, input) in calls {
            let call =
                json!({ "from": from, "to": to, "input": input, "gas": U256::from(GAS_LIMIT) });
            let answer = batch
                .add_call("eth_call", &(call, "latest"))
                .expect("a call is JSON");
            answers.push(answer);
        }
        batch.send().await.expect("the node takes the batch");
        join_all(
            answers
                .into_iter()
                .map(async |answer| answer.await.map_err(revert)),
        )
        .await
    }

    /// Whether a call in any form that the node accepts would succeed.
    pub async fn accepts(&self, call: &serde_json::Value) -> bool {
        let answer: Result<Bytes, _> = self
            .provider
            .raw_request("eth_call".into(), (call, "latest"))
            .await;
        answer.map_err(revert).is_ok()
    }

    /// The node's gas estimate for a transaction.
    ///
    /// # Errors
    /// The node's refusal with the revert data.
    ///
    /// # Panics
    /// When the node is gone.
    pub async fn estimate(&self, from: Address, to: Address, input: Bytes) -> Result<U256, Revert> {
        let call = json!({ "from": from, "to": to, "input": input });
        self.provider
            .raw_request("eth_estimateGas".into(), (call,))
            .await
            .map_err(revert)
    }

    /// Sends a transaction that must succeed.
    ///
    /// # Panics
    /// With the decoded error when it reverts.
    pub async fn send<C: SolCall>(
        &self,
        from: &Account,
        to: Address,
        call: &C,
    ) -> TransactionReceipt {
        let input = Bytes::from(call.abi_encode());
        let receipt = self
            .attempt(from, TxKind::Call(to), input.clone(), U256::ZERO)
            .await;
        if !receipt.status() {
            let why = match self.simulate(from.address, to, input).await {
                Ok(_) => "no longer, when simulated".to_owned(),
                Err(revert) => revert.to_string(),
            };
            panic!("{} reverts: {why}", C::SIGNATURE);
        }
        receipt
    }

    /// Sends a transaction and waits for its receipt, whatever its outcome.
    ///
    /// # Panics
    /// When the node refuses the transaction itself, or never includes it.
    pub async fn attempt(
        &self,
        from: &Account,
        to: TxKind,
        input: Bytes,
        value: U256,
    ) -> TransactionReceipt {
        self.attempt_with(from, to, input, value, GAS_LIMIT).await
    }

    /// [`Self::attempt`] with its own gas limit.
    ///
    /// # Panics
    /// When the node refuses the transaction itself, or never includes it.
    pub async fn attempt_with(
        &self,
        from: &Account,
        to: TxKind,
        input: Bytes,
        value: U256,
        gas_limit: u64,
    ) -> TransactionReceipt {
        let nonce: U256 = self
            .request("eth_getTransactionCount", (from.address, "pending"))
            .await;
        let mut transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: nonce.to(),
            gas_limit,
            max_fee_per_gas: self.max_fee,
            to,
            value,
            input,
            ..TxEip1559::default()
        };
        let signature = from
            .signer
            .sign_transaction_sync(&mut transaction)
            .expect("a local key signs");
        self.include(TxEnvelope::from(transaction.into_signed(signature)))
            .await
    }

    /// Sends a signed transaction and waits for its receipt.
    async fn include(&self, envelope: TxEnvelope) -> TransactionReceipt {
        let hash: B256 = self
            .request(
                "eth_sendRawTransaction",
                (Bytes::from(envelope.encoded_2718()),),
            )
            .await;
        let sent = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let receipt: Option<TransactionReceipt> =
                self.request("eth_getTransactionReceipt", (hash,)).await;
            if let Some(receipt) = receipt {
                return receipt;
            }
            assert!(
                sent.elapsed() < RECEIPT_PATIENCE,
                "transaction {hash} has no receipt after {} s",
                RECEIPT_PATIENCE.as_secs()
            );
            // Only other nodes need the wait: ours has the receipt before it is asked.
            tokio::time::sleep(pause).await;
            pause = RECEIPT_PAUSE.min(pause * 2);
        }
    }

    /// Makes a key's account run the code of `target` from now on (EIP-7702); the zero address undoes that.
    ///
    /// # Panics
    /// When the node refuses it.
    pub async fn delegate(&self, account: &Account, target: Address) {
        let nonce = async |of: Address| -> u64 {
            let nonce: U256 = self
                .request("eth_getTransactionCount", (of, "pending"))
                .await;
            nonce.to()
        };
        let authorization = Authorization {
            chain_id: U256::from(self.chain_id),
            address: target,
            nonce: nonce(account.address).await,
        };
        let signature = account
            .signer
            .sign_hash_sync(&authorization.signature_hash())
            .expect("a local key signs");
        let mut transaction = TxEip7702 {
            chain_id: self.chain_id,
            nonce: nonce(self.funded.address).await,
            gas_limit: GAS_LIMIT,
            max_fee_per_gas: self.max_fee,
            to: account.address,
            authorization_list: vec![authorization.into_signed(signature)],
            ..TxEip7702::default()
        };
        let signature = self
            .funded
            .signer
            .sign_transaction_sync(&mut transaction)
            .expect("a local key signs");
        self.include(TxEnvelope::from(transaction.into_signed(signature)))
            .await;
    }

    /// Gives an account ether.
    ///
    /// # Panics
    /// When the funded account does not have enough.
    pub async fn fund(&self, account: Address, wei: U256) {
        let receipt = self
            .attempt(&self.funded, TxKind::Call(account), Bytes::new(), wei)
            .await;
        assert!(receipt.status(), "funding {account} failed");
    }

    /// The code at an address.
    pub async fn code(&self, address: Address) -> Bytes {
        self.request("eth_getCode", (address, "latest")).await
    }

    /// One storage word.
    pub async fn storage(&self, address: Address, slot: U256) -> U256 {
        let word: B256 = self
            .request("eth_getStorageAt", (address, slot, "latest"))
            .await;
        word.into()
    }

    /// Every log of a contract from the first block on.
    pub async fn logs(&self, address: Address) -> Vec<Log> {
        self.request(
            "eth_getLogs",
            (Filter::new().address(address).from_block(0),),
        )
        .await
    }

    /// The latest block's time, unix seconds.
    pub async fn now(&self) -> u64 {
        let block: Block = self
            .request("eth_getBlockByNumber", ("latest", false))
            .await;
        block.header.timestamp
    }

    /// Control over the node's clock, if it has the methods for that. Otherwise reports that the scenario is
    /// skipped, and why.
    pub fn clock(&self) -> Option<Clock<'_>> {
        if let Some(method) = self.without {
            skip(&format!("the node has no {method}"));
            return None;
        }
        Some(Clock(self))
    }

    /// Whether nobody else uses the chain, and we have its owners' privileges.
    pub fn is_development(&self) -> bool {
        self.development
    }
}

/// The first of the methods for setting the clock and reverting that the node does not have.
///
/// They are called without the parameters that they need, which never changes anything.
async fn missing(provider: &RootProvider) -> Option<&'static str> {
    for method in ["evm_setNextBlockTimestamp", "evm_revert"] {
        let answer: Result<serde_json::Value, _> = provider.raw_request(method.into(), ()).await;
        if let Err(error) = answer {
            let lacking = match error.as_error_resp() {
                Some(response) => lacks(response.code, &response.message),
                // A server in front of the node that blocks the method.
                None => true,
            };
            if lacking {
                return Some(method);
            }
        }
    }
    None
}

/// Whether this refusal means that the node does not have the method.
fn lacks(code: i64, message: &str) -> bool {
    let message = message.to_lowercase();
    NO_SUCH_METHOD.contains(&code)
        || ["unsupported method", "method not found", "does not exist"]
            .iter()
            .any(|words| message.contains(words))
}

/// Reports once that a scenario did not run, and how many did not so far, where the test harness does not hide it.
fn skip(why: &str) {
    static SKIPPED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a scenario");
    let mut skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
    if skipped.insert(test.to_owned()) {
        // It does not matter if nobody reads it.
        let _ = writeln!(
            std::io::stderr(),
            "skipped, {} so far: {test}: {why}",
            skipped.len()
        );
    }
}

/// A development chain's clock and snapshots.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a>(&'a Chain);

impl Clock<'_> {
    /// Sets the timestamp of the next block only.
    pub async fn next_block_at(&self, time: u64) {
        let _: serde_json::Value = self.0.request("evm_setNextBlockTimestamp", (time,)).await;
    }

    /// Mines an empty block at `time`: views then answer as of that time.
    pub async fn mine_at(&self, time: u64) {
        self.next_block_at(time).await;
        let _: serde_json::Value = self.0.request("evm_mine", ()).await;
        assert_eq!(self.0.now().await, time, "the node mined at another time");
    }

    /// Takes a snapshot of the whole chain.
    pub async fn snapshot(&self) -> U256 {
        self.0.request("evm_snapshot", ()).await
    }

    /// Reverts to a snapshot, which uses it up.
    ///
    /// # Panics
    /// When the node does not know it.
    pub async fn go_back(&self, snapshot: U256) {
        let known: bool = self.0.request("evm_revert", (snapshot,)).await;
        assert!(known, "snapshot {snapshot} is unknown");
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn revert(error: RpcError<TransportErrorKind>) -> Revert {
    match error.as_error_resp() {
        Some(response) => Revert {
            message: response.message.to_string(),
            data: response.as_revert_data(),
        },
        None => panic!("the node is gone: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_say_in_many_ways_that_they_lack_a_method() {
        for (code, message) in [
            (
                -32601,
                "the method evm_revert does not exist/is not available",
            ),
            (-32601, "Method not found"),
            (-32004, "Method not supported"),
            (-32600, "Unsupported method: evm_revert on ETH_MAINNET"),
            (-32000, "rpc method is unsupported: Method not found"),
        ] {
            assert!(lacks(code, message), "{code} {message}");
        }
        for (code, message) in [
            (-32602, "missing value for required argument 0 (snapshot)"),
            (-32602, "invalid length 0, expected a tuple of size 1"),
            (-32603, "internal error"),
        ] {
            assert!(!lacks(code, message), "{code} {message}");
        }
    }
}
