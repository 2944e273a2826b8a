//! Reads, simulations and transactions over JSON-RPC.
//!
//! A transaction is prepared (nonce, fee, signature, hash) before it is sent, so that its hash can be written down
//! first: whatever happens afterwards, the chain can be queried for that hash.

use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction, Transaction as _, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip2930::AccessList;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionResponse as _;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::simulate::{SimBlock, SimulatePayload};
use alloy::rpc::types::state::StateOverride;
use alloy::rpc::types::{Filter, Log, TransactionInput, TransactionReceipt, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::http::reqwest::Url;
use jiff::Timestamp;

use super::error::ChainError;
use super::revert::Revert;
use super::transport::Http;
use crate::http::origin;
use crate::signing::request::Request;
use crate::signing::signer::Signer;

/// Blocks asked for logs at once: public endpoints refuse larger ranges.
const STEP: u64 = 5_000;

/// The longest that a node can take to be reached and to give its first answer: a node that is down is reported soon,
/// however long the wait for a transaction is.
pub const ANSWER: Duration = Duration::from_secs(4);
/// JSON-RPC's code for a method that the node does not have.
const NO_METHOD: i64 = -32601;

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

/// The outcome of calls that were run one after the other.
#[derive(Clone, Debug)]
pub struct Turns {
    /// Gas that each took, up to the first that was refused.
    pub gas: Vec<u64>,
    /// Why that one was.
    pub refused: Option<Revert>,
}

/// Where and when something was mined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mined {
    /// The transaction.
    pub tx_hash: B256,
    /// The number of its block.
    pub block: u64,
    /// The time of its block; a time beyond the calendar's end becomes its end.
    pub time: Timestamp,
}

/// The gas limit of a transaction, from the node's estimate: a fifth of headroom.
pub(super) fn gas_limit(estimate: u64) -> u64 {
    estimate.saturating_add(estimate / 5)
}

/// What is offered for a unit of gas. Arbitrum charges only the base fee, whatever is offered above it; twice as much
/// covers its next moves.
pub(super) fn max_fee(price: u128) -> u128 {
    price.saturating_mul(2)
}

/// One chain behind one RPC URL.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(super) provider: RootProvider,
    url: String,
    /// The part of the URL that can be shown: without login, path and query, where endpoints have their keys.
    place: String,
    id: u64,
    timeout: Duration,
}

impl Chain {
    /// Connects and compares the chain id with the profile's, when that names one. `timeout` is for one request, and
    /// for a transaction to be mined; the first request has [`ANSWER`] at most.
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
        let first: RootProvider = RootProvider::new(RpcClient::new(http.within(ANSWER), false));
        let provider = RootProvider::new(RpcClient::new(http, false));
        let id = first
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

    pub(super) fn rpc(
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
        let answer = self.raw_view(to, &call).await?;
        self.decoded_view::<C>(to, &answer).await
    }

    pub(super) async fn raw_view<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<Bytes, ChainError> {
        let answer = self.provider.call(request(to, call)).await;
        answer.map_err(|e| self.rpc(e))
    }

    pub(super) async fn decoded_view<C: SolCall>(
        &self,
        to: Address,
        answer: &Bytes,
    ) -> Result<C::Return, ChainError> {
        if answer.is_empty() && self.code_size(to).await? == 0 {
            return Err(ChainError::NoCode(to));
        }
        C::abi_decode_returns(answer).map_err(|_| ChainError::Undecodable {
            address: to,
            expected: C::SIGNATURE,
        })
    }

    /// As [`Self::view`], over the state after a block.
    ///
    /// # Errors
    /// As `view`; `Node` where the node has not kept that state.
    pub async fn view_at<C: SolCall>(
        &self,
        to: Address,
        call: C,
        block: u64,
    ) -> Result<C::Return, ChainError> {
        let request = TransactionRequest::default()
            .to(to)
            .input(call.abi_encode().into());
        let call = self.provider.call(request).block(block.into());
        let answer = call.await.map_err(|e| self.rpc(e))?;
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
        self.simulate_within(from, to, call, None).await
    }

    /// Like [`Self::simulate`], with no more gas than this.
    ///
    /// # Errors
    /// As `simulate`.
    pub(crate) async fn simulate_within<C: SolCall>(
        &self,
        from: Address,
        to: Address,
        call: &C,
        gas: Option<u64>,
    ) -> Result<Bytes, ChainError> {
        let mut request = TransactionRequest::default()
            .from(from)
            .to(to)
            .input(call.abi_encode().into());
        request.gas = gas;
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

    /// Runs calls one after the other as `from`, each on what the ones before it left behind, without sending any: the
    /// gas that each would take, up to the first that is refused, and why that one is.
    ///
    /// `None` from a node that cannot do that (`eth_simulateV1`).
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when the node answers about other calls.
    pub async fn simulate_in_turn(
        &self,
        from: Address,
        calls: &[(Address, Bytes)],
    ) -> Result<Option<Turns>, ChainError> {
        let request = |(to, input): &(Address, Bytes)| {
            TransactionRequest::default()
                .from(from)
                .to(*to)
                .input(TransactionInput::new(input.clone()))
        };
        let block = SimBlock::default().extend_calls(calls.iter().map(request));
        let payload = SimulatePayload::default().extend(block);
        let blocks = match self.provider.simulate(&payload).await {
            Ok(blocks) => blocks,
            Err(error) => {
                return match self.rpc(error) {
                    ChainError::Node {
                        code: NO_METHOD, ..
                    } => Ok(None),
                    other => Err(other),
                };
            }
        };
        let results = blocks.first().map(|block| &block.calls[..]);
        let results = results.filter(|results| results.len() == calls.len());
        let Some(results) = results else {
            return Err(self.untrue(format!(
                "asked to run {} calls, it ran different ones",
                calls.len()
            )));
        };
        let gas = results.iter().take_while(|result| result.status);
        let gas: Vec<u64> = gas.map(|result| result.gas_used).collect();
        let refused = results.get(gas.len()).map(|result| {
            let data = result.error.as_ref().and_then(|error| error.data.as_ref());
            Revert::decode(data.unwrap_or(&result.return_data))
        });
        Ok(Some(Turns { gas, refused }))
    }

    /// What a transaction called, and with what; `None` when the node has no such transaction.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when it is another transaction.
    pub async fn sent(&self, hash: B256) -> Result<Option<(TxKind, Bytes)>, ChainError> {
        let found = self
            .provider
            .get_transaction_by_hash(hash)
            .await
            .map_err(|e| self.rpc(e))?;
        match found {
            Some(found) if found.tx_hash() != hash => Err(self.untrue(format!(
                "asked for transaction {hash}, it gave {}",
                found.tx_hash()
            ))),
            found => Ok(found.map(|found| (found.kind(), found.input().clone()))),
        }
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

    /// Whether an account had code after a block.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, also where the node has not kept that state.
    pub async fn had_code(&self, address: Address, block: u64) -> Result<bool, ChainError> {
        let code = self.provider.get_code_at(address).block_id(block.into());
        Ok(!code.await.map_err(|e| self.rpc(e))?.is_empty())
    }

    /// The last block that is not after a second, of those up to `head`; `None` when all are.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when a block before `head` is missing.
    pub async fn block_at(&self, time: u64, head: Block) -> Result<Option<Block>, ChainError> {
        if head.time <= time {
            return Ok(Some(head));
        }
        // `low` is not after it, `high` is.
        let (mut low, mut high) = (None, head.number);
        let mut first = 0;
        while first < high {
            let middle = first + (high - first) / 2;
            let Some(block) = self.block(middle).await? else {
                return Err(self.untrue(format!(
                    "it has block {} but not block {middle}",
                    head.number
                )));
            };
            if block.time <= time {
                low = Some(block);
                first = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The latest block that no reorganisation can take back.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when there is none.
    pub async fn finalized(&self) -> Result<Block, ChainError> {
        let block = self.find_block(BlockNumberOrTag::Finalized).await?;
        block.ok_or_else(|| self.untrue("it has no finalized block".into()))
    }

    /// The latest block that the sequencer and the parent chain agree on.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when there is none.
    pub async fn safe(&self) -> Result<Block, ChainError> {
        let block = self.find_block(BlockNumberOrTag::Safe).await?;
        block.ok_or_else(|| self.untrue("it has no safe block".into()))
    }

    /// The latest block.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when there is none.
    pub async fn head(&self) -> Result<Block, ChainError> {
        let head = self.find_block(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| self.untrue("it has no latest block".into()))
    }

    /// A block by its number; `None` when the chain has not reached it.
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

    /// As [`Self::logs`], but only those with one of these first topics; all of them if no topics are given.
    ///
    /// # Errors
    /// As `logs`; `Untrue` when a log has another topic.
    pub async fn topics_of(
        &self,
        address: Address,
        topics: &[B256],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        if topics.is_empty() {
            return self.logs(address, from, to).await;
        }
        let filter = Filter::new().event_signature(topics.to_vec());
        let logs = self.filtered(filter, address, from, to).await?;
        let asked = |log: &Log| log.topic0().is_some_and(|topic| topics.contains(topic));
        if logs.iter().all(asked) {
            return Ok(logs);
        }
        Err(self.untrue(format!(
            "it gave events of {address} that were not asked for"
        )))
    }

    /// The logs of several contracts with one of these first topics, in a range of blocks, both ends included.
    ///
    /// # Errors
    /// As `logs`; `Untrue` when a log has another topic.
    pub(crate) async fn topics_of_all(
        &self,
        addresses: &[Address],
        topics: &[B256],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        let filter = Filter::new()
            .address(addresses.to_vec())
            .event_signature(topics.to_vec())
            .from_block(from)
            .to_block(to);
        let logs = self
            .provider
            .get_logs(&filter)
            .await
            .map_err(|e| self.rpc(e))?;
        let asked = |log: &Log| {
            let within = log
                .block_number
                .is_some_and(|number| (from..=to).contains(&number));
            let topic = log.topic0().is_some_and(|topic| topics.contains(topic));
            within && topic && addresses.contains(&log.address()) && !log.removed
        };
        if logs.iter().all(asked) {
            return Ok(logs);
        }
        Err(self.untrue(format!(
            "asked for the logs of {} contracts in blocks {from} to {to}, it gave others",
            addresses.len()
        )))
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

    /// As [`Self::events`], but only those whose first indexed argument is this account.
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
            let (logs, behind) = self
                .some_logs(&filter, address, (next, head), &mut step)
                .await?;
            for log in logs {
                if let Ok(event) = E::decode_log(&log.inner) {
                    events.push((event.data, log));
                }
            }
            next = behind;
        }
        Ok(events)
    }

    /// The logs of a contract that pass a filter, from the first of two blocks on, in as large a range as the node
    /// allows, and the block after them. `step` is how many blocks are asked for, adjusted by what the node answers.
    ///
    /// # Errors
    /// As [`Self::logs`].
    pub(crate) async fn some_logs(
        &self,
        filter: &Filter,
        address: Address,
        (next, last): (u64, u64),
        step: &mut u64,
    ) -> Result<(Vec<Log>, u64), ChainError> {
        loop {
            let end = last.min(next.saturating_add(*step - 1));
            match self.filtered(filter.clone(), address, next, end).await {
                Ok(logs) => return Ok((logs, end.saturating_add(1))),
                Err(ChainError::Node { .. }) if end - next >= STEP => {
                    *step = STEP.max((end - next) / 8);
                }
                Err(error) => return Err(error),
            }
        }
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

    /// The same as of a block.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, also where the node has not kept that state.
    pub(crate) async fn nonce_at(&self, account: Address, block: u64) -> Result<u64, ChainError> {
        self.provider
            .get_transaction_count(account)
            .block_id(block.into())
            .await
            .map_err(|e| self.rpc(e))
    }

    /// Signs a call with a fifth of headroom above the estimate but no more than `cap` gas, and the sender's next nonce
    /// (pending ones counted) unless one is given. Only [`super::act`] may do this: it knows what must come of it.
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
        let estimate = self
            .estimate_of(from, to, value, input.clone(), None)
            .await?;
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
        let price = self.gas_price().await?;
        let tx = TxEip1559 {
            chain_id: self.id,
            nonce,
            gas_limit: gas_limit(estimate).min(cap),
            max_fee_per_gas: max_fee(price),
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
        self.estimate_of(from, TxKind::Call(to), value, input, None)
            .await
    }

    /// Gas that a call would take over changed accounts; nothing is sent.
    ///
    /// # Errors
    /// As `estimate`.
    pub(super) async fn estimate_over(
        &self,
        from: Address,
        call: Unsigned,
        overrides: StateOverride,
    ) -> Result<u64, ChainError> {
        let Unsigned { to, value, input } = call;
        self.estimate_of(from, to, value, input, Some(overrides))
            .await
    }

    /// What a unit of gas costs now, in wei.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub(super) async fn gas_price(&self) -> Result<u128, ChainError> {
        self.provider.get_gas_price().await.map_err(|e| self.rpc(e))
    }

    async fn estimate_of(
        &self,
        from: Address,
        to: TxKind,
        value: U256,
        input: Bytes,
        overrides: Option<StateOverride>,
    ) -> Result<u64, ChainError> {
        let request = TransactionRequest {
            to: Some(to),
            ..TransactionRequest::default()
                .from(from)
                .value(value)
                .input(input.into())
        };
        let estimate = self.provider.estimate_gas(request);
        let estimate = match overrides {
            Some(overrides) => estimate.overrides(overrides).await,
            None => estimate.await,
        };
        estimate.map_err(|e| self.rpc(e))
    }

    /// Sends a signed transaction and waits for its receipt. Only [`super::act`] may do this: it wrote its hash down.
    ///
    /// # Errors
    /// `Node` when the node refused it, `Failed` when it was mined and reverted; `OutcomeUnknown` when the connection
    /// was lost at any moment after the sending began, the node's refusal leaves open whether it has the transaction,
    /// or no receipt came in time.
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
                // A node may refuse a transaction because it already has it, when it is sent again after an answer was
                // lost.
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
    /// `Unreachable`, `Node`; `Untrue` when it belongs to another transaction.
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

    /// Where and when something was mined, from the transaction and block in its log or receipt.
    ///
    /// # Errors
    /// `Untrue` when either is missing or zero, or the node has no such block or one without a time; `Unreachable`,
    /// `Node`.
    pub async fn mined(
        &self,
        tx_hash: Option<B256>,
        block: Option<u64>,
    ) -> Result<Mined, ChainError> {
        let (tx_hash, number) = self.place_of(tx_hash, block)?;
        let found = self.block(number).await?;
        let Some(block) = found.filter(|block| block.time > 0) else {
            let what =
                format!("transaction {tx_hash} is in block {number}, but it has no such block");
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
            return Err(self.untrue("it reports something mined that has no transaction".into()));
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

/// A call of a view.
pub(super) fn request<C: SolCall>(to: Address, call: &C) -> TransactionRequest {
    let input = call.abi_encode().into();
    TransactionRequest::default().to(to).input(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener whose connections nobody accepts: the first request is never answered.
    #[tokio::test]
    async fn a_node_that_never_answers_is_named_with_host_and_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = format!("http://{}", listener.local_addr().unwrap());
        let connected = Chain::connect(&place, None, Duration::from_millis(50)).await;
        let Err(ChainError::Unreachable { url, cause }) = connected else {
            panic!("{connected:?}")
        };
        assert_eq!(url, place);
        assert!(cause.contains("timed out"), "{cause}");
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
