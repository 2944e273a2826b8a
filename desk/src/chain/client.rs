//! Reads, simulations and transactions over JSON-RPC.
//!
//! A transaction is prepared (nonce, fee, signature, hash) before it is sent, so that its hash can be written down first:
//! whatever happens afterwards, the chain can be asked about that very hash.

use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip2930::AccessList;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::state::StateOverride;
use alloy::rpc::types::{Filter, Log, TransactionInput, TransactionReceipt, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::http::reqwest::Url;
use jiff::Timestamp;

use super::error::ChainError;
use super::transport::Http;
use crate::signing::request::Request;
use crate::signing::signer::Signer;

/// Blocks asked for logs at once: public endpoints refuse larger ranges.
const STEP: u64 = 5_000;

/// What the chain says about a mined transaction.
pub type Receipt = TransactionReceipt;

/// A signed transaction.
#[derive(Debug)]
pub(super) struct Signed {
    /// Its hash: what to ask the chain for.
    pub(super) hash: B256,
    /// The sender's nonce it uses.
    pub(super) nonce: u64,
    /// The sender.
    pub(super) from: Address,
    /// The bytes to send.
    raw: Bytes,
}

/// What a transaction does, before it is signed.
#[derive(Clone, Debug)]
pub(super) struct Unsigned {
    /// The contract that is called, or that one is created.
    pub(super) to: TxKind,
    /// Ether that goes along, in wei.
    pub(super) value: U256,
    /// Selector and arguments, or the code that creates.
    pub(super) input: Bytes,
}

/// What became of a transaction that was signed once.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is in a block.
    Mined(Box<Receipt>),
    /// The node has it, and it is in no block yet.
    Waiting,
    /// Another transaction has its nonce: it can never be mined.
    Replaced,
    /// The node does not have it, and its nonce is unused: it may still come.
    Lost,
}

/// What the desk needs of a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, unix seconds.
    pub time: u64,
}

/// Where and when something was mined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mined {
    /// The transaction.
    pub tx_hash: B256,
    /// The number of its block.
    pub block: u64,
    /// The time of its block; one beyond the calendar's end is its end.
    pub time: Timestamp,
}

/// One chain behind one RPC URL.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: RootProvider,
    url: String,
    /// The URL as far as it may be said: without login, path and query, where endpoints have their keys.
    place: String,
    id: u64,
    timeout: Duration,
}

impl Chain {
    /// Connects and compares the chain id with the profile's, when that names one. `timeout` is for one request, and for a
    /// transaction to be mined.
    ///
    /// # Errors
    /// `Url`, `Unreachable`, `Node`, `WrongChain`.
    pub async fn connect(
        url: &str,
        expected: Option<u64>,
        timeout: Duration,
    ) -> Result<Self, ChainError> {
        let parsed: Url = url.parse().map_err(|_| ChainError::Url(url.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(ChainError::Url(url.to_string()));
        }
        let place = origin(&parsed);
        let http = Http::new(parsed, timeout).map_err(|e| ChainError::Unreachable {
            url: place.clone(),
            cause: e.without_url().to_string(),
        })?;
        let provider = RootProvider::new(RpcClient::new(http, false));
        let id = provider
            .get_chain_id()
            .await
            .map_err(|e| ChainError::from_rpc(&place, e))?;
        if let Some(expected) = expected.filter(|expected| *expected != id) {
            return Err(ChainError::WrongChain {
                expected,
                found: id,
            });
        }
        Ok(Self {
            provider,
            url: url.to_string(),
            place,
            id,
            timeout,
        })
    }

    /// The chain id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn rpc(
        &self,
        error: alloy::transports::RpcError<alloy::transports::TransportErrorKind>,
    ) -> ChainError {
        ChainError::from_rpc(&self.place, error)
    }

    /// Calls a view and decodes its answer.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `Reverted`; `NoCode` and `Undecodable` when the address is not such a contract.
    pub async fn view<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, ChainError> {
        let request = TransactionRequest::default()
            .to(to)
            .input(call.abi_encode().into());
        let answer = self.provider.call(request).await.map_err(|e| self.rpc(e))?;
        if answer.is_empty() && self.code_size(to).await? == 0 {
            return Err(ChainError::NoCode(to));
        }
        C::abi_decode_returns(&answer).map_err(|_| ChainError::Undecodable {
            address: to,
            expected: C::SIGNATURE,
        })
    }

    /// Runs a call as `from` without sending it; the revert, if any, is decoded.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `Reverted`.
    pub async fn simulate<C: SolCall>(
        &self,
        from: Address,
        to: Address,
        call: &C,
    ) -> Result<Bytes, ChainError> {
        let request = TransactionRequest::default()
            .from(from)
            .to(to)
            .input(call.abi_encode().into());
        self.provider.call(request).await.map_err(|e| self.rpc(e))
    }

    /// Like [`Self::simulate`], over changed accounts and with ether.
    ///
    /// # Errors
    /// As `simulate`.
    pub(crate) async fn simulate_over(
        &self,
        from: Address,
        to: Address,
        value: U256,
        input: Bytes,
        overrides: StateOverride,
    ) -> Result<Bytes, ChainError> {
        let request = TransactionRequest::default()
            .from(from)
            .to(to)
            .value(value)
            .input(TransactionInput::new(input));
        self.provider
            .call(request)
            .overrides(overrides)
            .await
            .map_err(|e| self.rpc(e))
    }

    /// The code at an address; empty for an account without code.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn code(&self, address: Address) -> Result<Bytes, ChainError> {
        self.provider
            .get_code_at(address)
            .await
            .map_err(|e| self.rpc(e))
    }

    /// Bytes of code at an address.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn code_size(&self, address: Address) -> Result<usize, ChainError> {
        Ok(self.code(address).await?.len())
    }

    /// Ether of an account, in wei.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn ether(&self, account: Address) -> Result<U256, ChainError> {
        self.provider
            .get_balance(account)
            .await
            .map_err(|e| self.rpc(e))
    }

    /// The latest block.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when there is none.
    pub async fn head(&self) -> Result<Block, ChainError> {
        let head = self.find_block(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| self.untrue("it has no latest block".into()))
    }

    /// A block by its number; `None` when the chain has not got that far.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn block(&self, number: u64) -> Result<Option<Block>, ChainError> {
        self.find_block(number.into()).await
    }

    async fn find_block(&self, tag: BlockNumberOrTag) -> Result<Option<Block>, ChainError> {
        let block = self
            .provider
            .get_block_by_number(tag)
            .await
            .map_err(|e| self.rpc(e))?;
        if let (Some(block), Some(number)) = (&block, tag.as_number())
            && block.header.number != number
        {
            let found = block.header.number;
            return Err(self.untrue(format!("asked for block {number}, it gave {found}")));
        }
        Ok(block.map(|block| Block {
            number: block.header.number,
            hash: block.header.hash,
            time: block.header.timestamp,
        }))
    }

    /// The logs of one contract in a range of blocks, both ends included.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when a log is of another contract or block.
    pub async fn logs(&self, address: Address, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        self.filtered(Filter::new(), address, from, to).await
    }

    async fn filtered(
        &self,
        filter: Filter,
        address: Address,
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        let filter = filter.address(address).from_block(from).to_block(to);
        let logs = self
            .provider
            .get_logs(&filter)
            .await
            .map_err(|e| self.rpc(e))?;
        let wanted = |log: &Log| {
            let within = log
                .block_number
                .is_some_and(|number| (from..=to).contains(&number));
            within && log.address() == address && !log.removed
        };
        if logs.iter().all(wanted) {
            return Ok(logs);
        }
        Err(self.untrue(format!(
            "asked for the logs of {address} in blocks {from} to {to}, it gave others"
        )))
    }

    /// The events of one kind that a contract logged, from a block to the last one.
    ///
    /// # Errors
    /// As [`Self::logs`].
    pub async fn events<E: SolEvent>(
        &self,
        address: Address,
        first: u64,
    ) -> Result<Vec<(E, Log)>, ChainError> {
        self.decoded(Filter::new(), address, first).await
    }

    /// As [`Self::events`], of those whose first indexed argument is this account.
    ///
    /// # Errors
    /// As `events`.
    pub async fn events_from<E: SolEvent>(
        &self,
        address: Address,
        account: Address,
        first: u64,
    ) -> Result<Vec<(E, Log)>, ChainError> {
        let filter = Filter::new().topic1(account.into_word());
        self.decoded(filter, address, first).await
    }

    /// Reads the events in as large ranges as the node allows.
    async fn decoded<E: SolEvent>(
        &self,
        filter: Filter,
        address: Address,
        first: u64,
    ) -> Result<Vec<(E, Log)>, ChainError> {
        let filter = filter.event_signature(E::SIGNATURE_HASH);
        let head = self.head().await?.number;
        let (mut events, mut next, mut step) = (Vec::new(), first, u64::MAX);
        while next <= head {
            let last = head.min(next.saturating_add(step - 1));
            let logs = match self.filtered(filter.clone(), address, next, last).await {
                Ok(logs) => logs,
                Err(ChainError::Node { .. }) if last - next >= STEP => {
                    step = STEP.max((last - next) / 8);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for log in logs {
                if let Ok(event) = E::decode_log(&log.inner) {
                    events.push((event.data, log));
                }
            }
            next = last + 1;
        }
        Ok(events)
    }

    /// Transactions an account has had mined: the nonce of its next one.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn nonce(&self, account: Address) -> Result<u64, ChainError> {
        self.provider
            .get_transaction_count(account)
            .await
            .map_err(|e| self.rpc(e))
    }

    /// Signs a call with room of one fifth above the estimate but no more than `cap` gas, and the sender's next nonce
    /// (pending ones counted) unless one is given. Only [`super::act`] may, which knows what must come of it.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `Reverted` (the estimate runs the call), `OverCap`, `Sign`.
    pub(super) async fn sign(
        &self,
        signer: &Signer,
        call: Unsigned,
        nonce: Option<u64>,
        cap: Option<u64>,
    ) -> Result<Signed, ChainError> {
        let from = signer.address();
        let Unsigned { to, value, input } = call;
        let cap = cap.unwrap_or(u64::MAX);
        let estimate = self.estimate_of(from, to, value, input.clone()).await?;
        if estimate > cap {
            let gas = estimate;
            return Err(ChainError::OverCap { gas, cap });
        }
        let nonce = match nonce {
            Some(nonce) => nonce,
            None => self
                .provider
                .get_transaction_count(from)
                .block_id(BlockId::pending())
                .await
                .map_err(|e| self.rpc(e))?,
        };
        let price = self
            .provider
            .get_gas_price()
            .await
            .map_err(|e| self.rpc(e))?;
        let tx = TxEip1559 {
            chain_id: self.id,
            nonce,
            gas_limit: estimate.saturating_add(estimate / 5).min(cap),
            // Arbitrum charges the base fee whatever is offered above it; twice covers its next moves.
            max_fee_per_gas: price.saturating_mul(2),
            max_priority_fee_per_gas: 0,
            to,
            value,
            access_list: AccessList::default(),
            input,
        };
        let signature = signer
            .sign(&Request::Transaction(Box::new(tx.clone())))
            .map_err(|e| ChainError::Sign(e.to_string()))?;
        let envelope = TxEnvelope::from(tx.into_signed(signature));
        Ok(Signed {
            hash: *envelope.tx_hash(),
            nonce,
            from,
            raw: envelope.encoded_2718().into(),
        })
    }

    /// Gas that a call would take now.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `Reverted`.
    pub async fn estimate(
        &self,
        from: Address,
        to: Address,
        value: U256,
        input: Bytes,
    ) -> Result<u64, ChainError> {
        self.estimate_of(from, TxKind::Call(to), value, input).await
    }

    async fn estimate_of(
        &self,
        from: Address,
        to: TxKind,
        value: U256,
        input: Bytes,
    ) -> Result<u64, ChainError> {
        let request = TransactionRequest {
            to: Some(to),
            ..TransactionRequest::default()
                .from(from)
                .value(value)
                .input(input.into())
        };
        let estimate = self.provider.estimate_gas(request).await;
        estimate.map_err(|e| self.rpc(e))
    }

    /// Sends a signed transaction and waits for its receipt. Only [`super::act`] may, which wrote its hash down.
    ///
    /// # Errors
    /// `Node` when the node refused it, `Failed` when it was mined and reverted; `OutcomeUnknown` when the connection was
    /// lost at any moment after the sending began, the node's refusal leaves open whether it has the transaction, or no
    /// receipt came in time.
    pub(super) async fn send(&self, signed: &Signed) -> Result<Receipt, ChainError> {
        let sent = self.provider.send_raw_transaction(&signed.raw).await;
        if let Err(error) = sent {
            match self.rpc(error) {
                ChainError::Unreachable { cause, .. } => {
                    return Err(ChainError::OutcomeUnknown {
                        hash: signed.hash,
                        cause,
                    });
                }
                // A node may refuse a transaction because it has it already: sent again after an answer was lost.
                refusal => match self.has(signed.hash).await {
                    Ok(true) => {}
                    Ok(false) if refusal.is_final() => return Err(refusal),
                    Ok(false) => {
                        return Err(ChainError::OutcomeUnknown {
                            hash: signed.hash,
                            cause: refusal.to_string(),
                        });
                    }
                    Err(error) => {
                        return Err(ChainError::OutcomeUnknown {
                            hash: signed.hash,
                            cause: format!("{refusal}; then {error}"),
                        });
                    }
                },
            }
        }
        let receipt = self.wait(signed.hash).await?;
        if receipt.status() {
            return Ok(receipt);
        }
        Err(ChainError::Failed {
            hash: signed.hash,
            reason: "the call reverted in its block".into(),
        })
    }

    /// The receipt, if the transaction was mined.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when it is of another transaction.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ChainError> {
        let receipt = self
            .provider
            .get_transaction_receipt(hash)
            .await
            .map_err(|e| self.rpc(e))?;
        match receipt {
            Some(receipt) if receipt.transaction_hash != hash => Err(self.untrue(format!(
                "asked for the receipt of {hash}, it gave that of {}",
                receipt.transaction_hash
            ))),
            receipt => Ok(receipt),
        }
    }

    /// Whether the node has a transaction, mined or waiting.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn has(&self, hash: B256) -> Result<bool, ChainError> {
        let found = self
            .provider
            .get_transaction_by_hash(hash)
            .await
            .map_err(|e| self.rpc(e))?;
        Ok(found.is_some())
    }

    pub(crate) fn untrue(&self, what: String) -> ChainError {
        ChainError::Untrue {
            url: self.place.clone(),
            what,
        }
    }

    /// Where and when something was mined, as its log or receipt states transaction and block.
    ///
    /// # Errors
    /// `Untrue` when either is missing or zero, or the node has no such block or one without a time; `Unreachable`, `Node`.
    pub async fn mined(
        &self,
        tx_hash: Option<B256>,
        block: Option<u64>,
    ) -> Result<Mined, ChainError> {
        let (tx_hash, number) = self.place_of(tx_hash, block)?;
        let found = self.block(number).await?;
        let Some(block) = found.filter(|block| block.time > 0) else {
            let what = format!("transaction {tx_hash} is in block {number}, it has no such block");
            return Err(self.untrue(what));
        };
        let time = i64::try_from(block.time).ok();
        let time = time.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Ok(Mined {
            tx_hash,
            block: number,
            time: time.unwrap_or(Timestamp::MAX),
        })
    }

    /// The transaction and the block that a log or receipt states; nothing is mined in block 0.
    pub(crate) fn place_of(
        &self,
        tx_hash: Option<B256>,
        block: Option<u64>,
    ) -> Result<(B256, u64), ChainError> {
        let Some(hash) = tx_hash.filter(|hash| !hash.is_zero()) else {
            return Err(self.untrue("what it says was mined is of no transaction".into()));
        };
        match block {
            Some(block) if block > 0 => Ok((hash, block)),
            _ => Err(self.untrue(format!("transaction {hash} was mined, but in no block"))),
        }
    }

    /// What became of a transaction that was signed once.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `Untrue`.
    pub async fn fate(&self, sender: Address, nonce: u64, hash: B256) -> Result<Fate, ChainError> {
        // The nonce is read before the receipt: a transaction mined between the two then shows its receipt.
        let used = self.nonce(sender).await? > nonce;
        if let Some(receipt) = self.receipt(hash).await? {
            return Ok(Fate::Mined(Box::new(receipt)));
        }
        if used {
            return Ok(Fate::Replaced);
        }
        let waits = self.has(hash).await?;
        Ok(if waits { Fate::Waiting } else { Fate::Lost })
    }

    /// Waits for a transaction's receipt.
    ///
    /// # Errors
    /// `OutcomeUnknown` when none came in time.
    pub async fn wait(&self, hash: B256) -> Result<Receipt, ChainError> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let cause = match self.receipt(hash).await {
                Ok(Some(receipt)) => return Ok(receipt),
                Ok(None) => "not mined in time".to_string(),
                Err(error) => error.to_string(),
            };
            if started.elapsed() >= self.timeout {
                return Err(ChainError::OutcomeUnknown { hash, cause });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_named_without_its_keys() {
        let url = "https://desk:secret@arb1.example.com:8443/v2/key?token=secret";
        assert_eq!(
            origin(&url.parse().unwrap()),
            "https://arb1.example.com:8443"
        );
    }

    #[tokio::test]
    async fn only_http_is_spoken() {
        for url in [
            "ftp://127.0.0.1:1",
            "file:///etc/passwd",
            "127.0.0.1:8547",
            "",
        ] {
            let error = Chain::connect(url, None, Duration::from_secs(1)).await;
            assert!(
                matches!(error, Err(ChainError::Url(given)) if given == url),
                "{url}"
            );
        }
    }
}
