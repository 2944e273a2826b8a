//! The rules that blocks are made by, changed from outside while the chain runs.

use super::{Chain, error::ChainError, settings::Settings};
use alloy::primitives::{Address, B256};
use std::sync::{PoisonError, RwLockReadGuard};

/// What the chain was configured with, what was changed since, and what the next block alone has.
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

    /// What the chain was configured with.
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

    /// A block was made: what it alone had is used up.
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

    /// Only whoever holds the producer calls this: a block keeps its rules while it is made.
    pub(super) fn change_rules(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// From now on transactions are signed for `chain_id`, and CHAINID answers it.
    pub fn set_chain_id(&self, chain_id: u64) {
        let _producer = self.producer();
        self.change_rules(|rules| rules.lasting.chain_id = chain_id);
    }

    /// The next block's base fee is `wei` per gas; those after it have the usual one again.
    pub fn set_next_base_fee(&self, wei: u64) {
        let _producer = self.producer();
        self.change_rules(|rules| rules.next_base_fee = Some(wei));
    }

    /// The next block's PREVRANDAO and `mixHash`.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] for zero, which in a header stands for Arbitrum's 1.
    pub fn set_next_randao(&self, value: B256) -> Result<(), ChainError> {
        if value.is_zero() {
            return Err(ChainError::InvalidParameter(
                "prevRandao is zero, which a header cannot tell from none: use another value"
                    .into(),
            ));
        }
        let _producer = self.producer();
        self.change_rules(|rules| rules.next_randao = Some(value));
        Ok(())
    }

    /// Blocks are made by `coinbase` from now on.
    pub fn set_coinbase(&self, coinbase: Address) {
        let _producer = self.producer();
        self.change_rules(|rules| rules.lasting.coinbase = coinbase);
    }

    /// Blocks name `gas` as their limit from now on; where it is less than a block holds otherwise, it
    /// holds that much, and transactions that ask for more are refused.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] for none, with which no transaction could ever be included.
    pub fn set_block_gas_limit(&self, gas: u64) -> Result<(), ChainError> {
        if gas == 0 {
            return Err(ChainError::InvalidParameter(
                "a block gas limit of 0 lets no transaction in".into(),
            ));
        }
        let _producer = self.producer();
        self.change_rules(|rules| rules.lasting.block_gas_limit = gas);
        Ok(())
    }
}
