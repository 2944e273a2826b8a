//! The configuration of one chain.

use super::fork::Fork;
use crate::{evm::TRANSACTION_GAS_LIMIT, rules::ArbOs};
use alloy::{
    consensus::Header,
    primitives::{Address, B256, address},
};

/// The coinbase of Arbitrum's sequencer.
pub(super) const SEQUENCER: Address = address!("0xa4b000000000000000000073657175656e636572");

/// The rules of one chain: those it starts with, and those of its next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The version of `ArbOS`; `None` for the one in the state file, or the newest for a new chain. A
    /// chain can continue under a newer version than it began with.
    pub arbos: Option<ArbOs>,
    /// Seconds between blocks of the parent chain, whose block number contracts see; 0 for the chain's own.
    pub parent_block_time: u64,
    /// Wei per gas, in every block.
    pub base_fee: u64,
    /// The gas limit in headers. Arbitrum's is so large that it does not limit anything.
    pub block_gas_limit: u64,
    /// The author of blocks, in headers and for COINBASE.
    pub coinbase: Address,
    /// What PREVRANDAO answers, and the `mixHash` of headers; `None` is Arbitrum's 1, with no hash in headers.
    pub prev_randao: Option<B256>,
    /// The most gas of one transaction, and of a block.
    pub transaction_gas_limit: u64,
    /// Gas for `eth_call` when the caller specifies none, and the most it can have.
    pub call_gas_limit: u64,
    /// How many recent blocks keep their state for calls at past blocks.
    pub history: usize,
    /// Whether to keep the state trie, with its root in headers.
    pub state_root: bool,
    /// How many blocks the tag `safe` lags behind the newest.
    pub safe_lag: u64,
    /// How many blocks the tag `finalized` lags behind the newest; it is never ahead of `safe`.
    pub finalized_lag: u64,
    /// How many transactions may wait for a block.
    pub pool_capacity: usize,
    /// Whether signed transactions are accepted: by default, a fork accepts none.
    pub accept_signed: bool,
    /// Number of accounts of the test mnemonic, besides Nitro's own.
    pub accounts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chain_id: 412_346,
            arbos: None,
            parent_block_time: 12,
            base_fee: 100_000_000,
            block_gas_limit: 1 << 50,
            coinbase: SEQUENCER,
            prev_randao: None,
            transaction_gas_limit: TRANSACTION_GAS_LIMIT,
            call_gas_limit: 50_000_000,
            history: 16_384,
            state_root: false,
            safe_lag: 0,
            finalized_lag: 0,
            pool_capacity: 4_096,
            accept_signed: true,
            accounts: 10,
        }
    }
}

impl Settings {
    /// These rules with the chain id and the base fee of `fork`.
    #[must_use]
    pub(super) fn on(self, fork: &Fork) -> Self {
        Self {
            chain_id: fork.chain_id(),
            base_fee: fork.header().base_fee_per_gas.unwrap_or(self.base_fee),
            ..self
        }
    }

    /// The gas capacity of one block.
    pub fn block_capacity(&self) -> u64 {
        self.transaction_gas_limit.min(self.block_gas_limit)
    }

    /// These rules as they were in the block of `header`.
    #[must_use]
    pub(super) fn of_block(self, header: &Header) -> Self {
        Self {
            base_fee: header.base_fee_per_gas.unwrap_or(self.base_fee),
            block_gas_limit: header.gas_limit,
            coinbase: header.beneficiary,
            // Arbitrum's own headers, which contain a root of messages, have something else there.
            prev_randao: (!header.mix_hash.is_zero() && header.extra_data.is_empty())
                .then_some(header.mix_hash),
            ..self
        }
    }
}
