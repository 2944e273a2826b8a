//! What only a development chain allows: editing accounts, time and mining from outside.

use super::{
    Chain, PooledTransaction,
    block::Block,
    diff::{AccountChange, Diff, SlotChange},
    error::ChainError,
    record::{EditRecord, Record},
};
use crate::evm::{ImpersonatedSignatures, SignatureBytes};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// The most blocks one request may ask for.
const MAX_BLOCKS: u64 = 100_000;

impl Chain {
    /// Edits the account at `address` in the newest block's state.
    fn edit(
        &self,
        address: Address,
        change: impl FnOnce(&mut AccountChange) -> Result<Vec<Bytes>, ChainError>,
    ) -> Result<(), ChainError> {
        let mut producer = self.producer();
        let mut state = self.ledger().head_state().clone();
        let mut account = AccountChange::of(&state, address)?;
        let codes = change(&mut account)?;
        let diff = Diff {
            accounts: vec![account],
            codes,
        };
        state.apply(&diff);
        producer.write(|| Record::Edit(EditRecord { diff }))?;
        self.update_ledger(|ledger| ledger.replace_head_state(state));
        Ok(())
    }

    /// Gives `address` a balance of `wei`.
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub fn set_balance(&self, address: Address, wei: U256) -> Result<(), ChainError> {
        self.edit(address, |account| {
            account.balance = wei;
            Ok(Vec::new())
        })
    }

    /// Adds `wei` to what `address` has.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] beyond 256 bits, [`ChainError::Store`].
    pub fn add_balance(&self, address: Address, wei: U256) -> Result<(), ChainError> {
        self.edit(address, |account| {
            account.balance = account.balance.checked_add(wei).ok_or_else(|| {
                ChainError::InvalidParameter(format!(
                    "{address} has {} wei: adding {wei} would exceed 256 bits",
                    account.balance
                ))
            })?;
            Ok(Vec::new())
        })
    }

    /// Gives `address` a next nonce.
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub fn set_nonce(&self, address: Address, nonce: u64) -> Result<(), ChainError> {
        self.edit(address, |account| {
            account.nonce = nonce;
            Ok(Vec::new())
        })
    }

    /// Puts `code` at `address`.
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub fn set_code(&self, address: Address, code: Bytes) -> Result<(), ChainError> {
        self.edit(address, |account| {
            account.code_hash = keccak256(&code);
            Ok(vec![code])
        })
    }

    /// Puts `value` into `slot` of `address`.
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub fn set_storage(&self, address: Address, slot: U256, value: B256) -> Result<(), ChainError> {
        self.edit(address, |account| {
            account.storage.push(SlotChange {
                key: slot,
                value: U256::from_be_bytes(value.0),
            });
            Ok(Vec::new())
        })
    }

    /// Lets anybody send as `address`.
    pub fn impersonate(&self, address: Address) {
        self.producer().impersonated.insert(address);
    }

    /// Ends [`Self::impersonate`]; returns whether there was anything to end.
    pub fn stop_impersonating(&self, address: &Address) -> bool {
        self.producer().impersonated.remove(address)
    }

    /// Lets anybody send as any account, or ends that.
    pub fn impersonate_all(&self, on: bool) {
        self.producer().impersonate_all = on;
    }

    /// From now on `signature` counts as one of `signer`, whatever was signed, for ECRECOVER and for authorizations
    /// (EIP-7702). The sender of a transaction is still recovered from its own signature.
    pub fn impersonate_signature(&self, signature: SignatureBytes, signer: Address) {
        // A block is made with the signatures that applied when it was begun.
        let _producer = self.producer();
        self.change_signatures(|signatures| signatures.with(signature, signer));
    }

    /// Only for callers that hold the producer.
    pub(super) fn change_signatures(
        &self,
        change: impl FnOnce(&ImpersonatedSignatures) -> ImpersonatedSignatures,
    ) {
        let signatures = self.signatures.write();
        let mut signatures = signatures.unwrap_or_else(PoisonError::into_inner);
        *signatures = change(&signatures);
    }

    /// Whether every transaction gets its block at once.
    pub fn automine(&self) -> bool {
        self.producer().automine
    }

    /// Makes every transaction get its block at once, which ends [`Self::mine_every`], or wait for
    /// [`Self::mine`].
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub fn set_automine(&self, on: bool) -> Result<(), ChainError> {
        let mut producer = self.producer();
        producer.automine = on;
        if on {
            self.mining_interval.send_replace(None);
            self.drain(&mut producer)?;
        }
        Ok(())
    }

    /// Makes a block of the waiting transactions every `interval`, even an empty one, instead of one per
    /// transaction at once; `None` ends that, and transactions wait for [`Self::mine`].
    pub fn mine_every(&self, interval: Option<Duration>) {
        let mut producer = self.producer();
        if interval.is_some() {
            producer.automine = false;
        }
        self.mining_interval.send_replace(interval);
    }

    /// How often a block is made.
    pub fn mining_interval(&self) -> watch::Receiver<Option<Duration>> {
        self.mining_interval.subscribe()
    }

    /// Makes `count` blocks, `interval` seconds apart when given.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] for too many, [`ChainError::Store`].
    pub fn mine_many(&self, count: u64, interval: Option<u64>) -> Result<(), ChainError> {
        if count > MAX_BLOCKS {
            return Err(ChainError::InvalidParameter(format!(
                "more than {MAX_BLOCKS} blocks"
            )));
        }
        let mut producer = self.producer();
        for index in 0..count {
            if let Some(interval) = interval
                && index > 0
            {
                let parent = self.head().timestamp();
                producer
                    .clock
                    .set_next(parent.saturating_add(interval), parent)?;
            }
            self.produce_any(&mut producer)?;
        }
        Ok(())
    }

    /// Makes a block at `timestamp`, seconds since the epoch.
    ///
    /// # Errors
    /// [`ChainError::TimestampTooLow`], [`ChainError::InvalidParameter`], [`ChainError::Store`].
    pub fn mine_at(&self, timestamp: u64) -> Result<Arc<Block>, ChainError> {
        let mut producer = self.producer();
        producer
            .clock
            .set_next(timestamp, self.head().timestamp())?;
        self.produce_any(&mut producer)
    }

    /// Moves time forward; returns how many seconds it is now ahead of the machine's.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`].
    pub fn increase_time(&self, seconds: u64) -> Result<i64, ChainError> {
        self.producer().clock.increase(seconds)
    }

    /// The next block gets `timestamp`, seconds since the epoch.
    ///
    /// # Errors
    /// [`ChainError::TimestampTooLow`], [`ChainError::InvalidParameter`].
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), ChainError> {
        let mut producer = self.producer();
        let parent = self.head().timestamp();
        producer.clock.set_next(timestamp, parent)
    }

    /// Sets the time to `timestamp`, seconds since the epoch; returns how many seconds that is ahead of
    /// the machine's time.
    ///
    /// # Errors
    /// [`ChainError::TimestampTooLow`], [`ChainError::InvalidParameter`].
    pub fn set_time(&self, timestamp: u64) -> Result<i64, ChainError> {
        let mut producer = self.producer();
        let previous = self.head().timestamp();
        if timestamp < previous {
            return Err(ChainError::TimestampTooLow {
                asked: timestamp,
                previous,
            });
        }
        producer.clock.set(timestamp);
        Ok(producer.clock.offset())
    }

    /// Puts blocks `interval` seconds apart, whatever the machine's time; `None` ends that.
    pub fn set_block_interval(&self, interval: Option<u64>) {
        self.producer().clock.set_interval(interval);
    }

    /// The timestamp the next block would get now, seconds since the epoch.
    pub fn pending_timestamp(&self) -> u64 {
        let producer = self.producer();
        producer.clock.peek(self.head().timestamp())
    }

    /// Drops the waiting transaction with this hash; returns whether there was one.
    pub fn drop_transaction(&self, hash: &B256) -> bool {
        self.producer().pool.remove(hash)
    }

    /// Drops the waiting transactions of `sender`, or all of them; returns how many there were.
    pub fn drop_transactions(&self, sender: Option<&Address>) -> usize {
        self.producer().pool.clear(sender)
    }

    /// The waiting transaction with this hash.
    pub fn waiting(&self, hash: &B256) -> Option<PooledTransaction> {
        self.producer().pool.get(hash).cloned()
    }

    /// All waiting transactions, by sender in no order, then by nonce.
    pub fn waiting_all(&self) -> Vec<PooledTransaction> {
        self.producer().pool.iter().cloned().collect()
    }

    /// How many transactions have been accepted, and the hashes of those from the `from`th.
    pub fn accepted_since(&self, from: usize) -> (usize, Vec<B256>) {
        let accepted = &self.producer().accepted;
        (
            accepted.len(),
            accepted.get(from..).unwrap_or_default().to_vec(),
        )
    }
}
