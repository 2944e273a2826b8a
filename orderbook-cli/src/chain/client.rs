//! Reads, simulations and transactions over JSON-RPC.
//!
//! A transaction is prepared (nonce, fee, signature, hash) before it is sent, so that its hash can be written down first:
//! whatever happens afterwards, the chain can be asked about that very hash.

use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip2930::AccessList;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::state::StateOverride;
use alloy::rpc::types::{Filter, Log, TransactionInput, TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;

use super::error::ChainError;

/// What the chain says about a mined transaction.
pub type Receipt = TransactionReceipt;

/// A signed transaction that has not been sent yet.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its hash: what to ask the chain for.
    pub hash: B256,
    /// The sender's nonce it uses.
    pub nonce: u64,
    /// The sender.
    pub from: Address,
    /// The bytes to send.
    raw: Bytes,
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

/// One chain behind one RPC URL.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: RootProvider,
    url: String,
    id: u64,
    timeout: Duration,
}

impl Chain {
    /// Connects and compares the chain id with the profile's, when that names one.
    ///
    /// # Errors
    /// `Url`, `Unreachable`, `Node`, `WrongChain`.
    pub async fn connect(
        url: &str,
        expected: Option<u64>,
        timeout: Duration,
    ) -> Result<Self, ChainError> {
        let parsed = url.parse().map_err(|_| ChainError::Url(url.to_string()))?;
        let provider = RootProvider::new_http(parsed);
        let id = provider
            .get_chain_id()
            .await
            .map_err(|e| ChainError::from_rpc(url, e))?;
        if let Some(expected) = expected.filter(|expected| *expected != id) {
            return Err(ChainError::WrongChain {
                expected,
                found: id,
            });
        }
        Ok(Self {
            provider,
            url: url.to_string(),
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
        ChainError::from_rpc(&self.url, error)
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
    pub async fn simulate_over(
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
    /// `Unreachable`, `Node`.
    pub async fn head(&self) -> Result<Block, ChainError> {
        let head = self.find_block(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| ChainError::Node {
            code: 0,
            message: "there is no latest block".into(),
        })
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
        Ok(block.map(|block| Block {
            number: block.header.number,
            hash: block.header.hash,
            time: block.header.timestamp,
        }))
    }

    /// The logs of one contract in a range of blocks, both ends included.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn logs(&self, address: Address, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let filter = Filter::new().address(address).from_block(from).to_block(to);
        self.provider
            .get_logs(&filter)
            .await
            .map_err(|e| self.rpc(e))
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

    /// Signs a call with the sender's next nonce (pending ones counted) and room of one fifth above the estimate.
    ///
    /// # Errors
    /// `Unreachable`, `Node`, `Reverted` (the estimate runs the call), `Sign`.
    pub async fn prepare<C: SolCall>(
        &self,
        signer: &PrivateKeySigner,
        to: Address,
        value: U256,
        call: &C,
    ) -> Result<Prepared, ChainError> {
        self.prepare_raw(signer, to, value, call.abi_encode().into())
            .await
    }

    /// As [`Self::prepare`], with the input as bytes; empty input sends ether.
    ///
    /// # Errors
    /// As `prepare`.
    pub async fn prepare_raw(
        &self,
        signer: &PrivateKeySigner,
        to: Address,
        value: U256,
        input: Bytes,
    ) -> Result<Prepared, ChainError> {
        let from = signer.address();
        let request = TransactionRequest::default()
            .from(from)
            .to(to)
            .value(value)
            .input(input.clone().into());
        let estimate = self
            .provider
            .estimate_gas(request)
            .await
            .map_err(|e| self.rpc(e))?;
        let nonce = self
            .provider
            .get_transaction_count(from)
            .block_id(BlockId::pending())
            .await
            .map_err(|e| self.rpc(e))?;
        let price = self
            .provider
            .get_gas_price()
            .await
            .map_err(|e| self.rpc(e))?;
        let mut tx = TxEip1559 {
            chain_id: self.id,
            nonce,
            gas_limit: estimate.saturating_add(estimate / 5),
            // Arbitrum charges the base fee whatever is offered above it; twice covers its next moves.
            max_fee_per_gas: price.saturating_mul(2),
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(to),
            value,
            access_list: AccessList::default(),
            input,
        };
        let signature = signer
            .sign_transaction_sync(&mut tx)
            .map_err(|e| ChainError::Sign(e.to_string()))?;
        let envelope = TxEnvelope::from(tx.into_signed(signature));
        Ok(Prepared {
            hash: *envelope.tx_hash(),
            nonce,
            from,
            raw: envelope.encoded_2718().into(),
        })
    }

    /// Sends a prepared transaction and waits for its receipt.
    ///
    /// # Errors
    /// `Node` when the node refused it, `Failed` when it was mined and reverted; `OutcomeUnknown` when the connection was
    /// lost at any moment after the sending began, or no receipt came in time.
    pub async fn send(&self, prepared: &Prepared) -> Result<Receipt, ChainError> {
        let sent = self.provider.send_raw_transaction(&prepared.raw).await;
        if let Err(error) = sent {
            match self.rpc(error) {
                ChainError::Unreachable { cause, .. } => {
                    return Err(ChainError::OutcomeUnknown {
                        hash: prepared.hash,
                        cause,
                    });
                }
                // A node that has it already will mine it; one that has mined it already has a receipt.
                ChainError::Node { message, .. } if message.contains("already known") => {}
                refusal => match self.receipt(prepared.hash).await {
                    Ok(Some(_)) => {}
                    _ => return Err(refusal),
                },
            }
        }
        let receipt = self.wait(prepared.hash).await?;
        if receipt.status() {
            return Ok(receipt);
        }
        Err(ChainError::Failed {
            hash: prepared.hash,
            reason: "the call reverted in its block".into(),
        })
    }

    /// The receipt, if the transaction was mined.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ChainError> {
        self.provider
            .get_transaction_receipt(hash)
            .await
            .map_err(|e| self.rpc(e))
    }

    /// Whether the node still knows an unmined transaction.
    ///
    /// # Errors
    /// `Unreachable`, `Node`.
    pub async fn knows(&self, hash: B256) -> Result<bool, ChainError> {
        let found = self
            .provider
            .get_transaction_by_hash(hash)
            .await
            .map_err(|e| self.rpc(e))?;
        Ok(found.is_some())
    }

    async fn wait(&self, hash: B256) -> Result<Receipt, ChainError> {
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

    /// Prepares, sends and waits: for acts that need no record before they are sent.
    ///
    /// # Errors
    /// As [`Self::prepare`] and [`Self::send`].
    pub async fn execute<C: SolCall>(
        &self,
        signer: &PrivateKeySigner,
        to: Address,
        call: &C,
    ) -> Result<Receipt, ChainError> {
        let prepared = self.prepare(signer, to, U256::ZERO, call).await?;
        self.send(&prepared).await
    }
}
