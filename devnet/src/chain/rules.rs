//! The rules for making blocks, changed from outside while the chain runs.

use super::{Chain, error::ChainError, settings::Settings};
use alloy::primitives::{Address, B256};
use std::sync::{PoisonError, RwLockReadGuard};

/// The chain's configuration, the changes since, and what applies to the next block only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    configured: Settings,
    lasting: Settings,
    next_base_fee: Option<u64>,
    next_randao: Option<B256>,
}

impl Rules {
    /// The rules of a chain configured with `settings`.
    pub(super) const fn new(settings: Settings) -> Self {
        Self {
            configured: settings,
            lasting: settings,
            next_base_fee: None,
            next_randao: None,
        }
    }

    /// The chain's configuration.
    pub(super) const fn configured(&self) -> Settings {
        self.configured
    }

    /// The rules of the next block.
    pub(super) fn next(&self) -> Settings {
        Settings {
            base_fee: self.next_base_fee.unwrap_or(self.lasting.base_fee),
            prev_randao: self.next_randao.or(self.lasting.prev_randao),
            ..self.lasting
        }
    }

    /// A block was made: what applied to it only is cleared.
    pub(super) const fn block_made(&mut self) {
        self.next_base_fee = None;
        self.next_randao = None;
    }
}

impl Chain {
    pub(super) fn rules(&self) -> RwLockReadGuard<'_, Rules> {
        // A panic cannot leave rules half written.
        self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only for callers that hold the producer: a block keeps its rules while it is made.
    pub(super) fn change_rules(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// From now on, transactions are signed for `chain_id`, and CHAINID answers it.
    pub fn set_chain_id(&self, chain_id: u64) {
        let _producer = self.producer();
        self.change_rules(|rules| rules.lasting.chain_id = chain_id);
    }

    /// Sets the next block's base fee to `wei` per gas; those after it have the usual one again.
    pub fn set_next_base_fee(&self, wei: u64) {
        let _producer = self.producer();
        self.change_rules(|rules| rules.next_base_fee = Some(wei));
    }

    /// Sets the next block's PREVRANDAO and `mixHash`.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] for zero, which in a header stands for Arbitrum's 1.
    pub fn set_next_randao(&self, value: B256) -> Result<(), ChainError> {
        if value.is_zero() {
            return Err(ChainError::InvalidParameter(
                "prevRandao must not be zero, which a header cannot distinguish from an absent value"
                    .into(),
            ));
        }
        let _producer = self.producer();
        self.change_rules(|rules| rules.next_randao = Some(value));
        Ok(())
    }

    /// Makes `coinbase` the author of blocks from now on.
    pub fn set_coinbase(&self, coinbase: Address) {
        let _producer = self.producer();
        self.change_rules(|rules| rules.lasting.coinbase = coinbase);
    }

    /// Sets the gas limit in headers to `gas` from now on; where it is less than a block's usual capacity,
    /// it becomes the capacity, and transactions that ask for more are refused.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] for zero, with which no transaction could ever be included.
    pub fn set_block_gas_limit(&self, gas: u64) -> Result<(), ChainError> {
        if gas == 0 {
            return Err(ChainError::InvalidParameter(
                "a block with a gas limit of 0 cannot contain a transaction".into(),
            ));
        }
        let _producer = self.producer();
        self.change_rules(|rules| rules.lasting.block_gas_limit = gas);
        Ok(())
    }
}
