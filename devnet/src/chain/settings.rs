//! What one chain is configured with.

use crate::rules::ArbOs;
use alloy::primitives::{Address, address};

/// The coinbase of Arbitrum's sequencer.
pub(super) const SEQUENCER: Address = address!("0xa4b000000000000000000073657175656e636572");

/// The rules of one chain, fixed for its life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The version of `ArbOS`; `None` for the one that a state file names, or the newest for a new
    /// chain. A chain may go on under a newer version than it began with.
    pub arbos: Option<ArbOs>,
    /// Seconds between blocks of the parent chain, whose number contracts are told; 0 for the chain's own.
    pub parent_block_time: u64,
    /// Wei per gas, in every block.
    pub base_fee: u64,
    /// What headers name as gas limit: on Arbitrum it bounds nothing.
    pub block_gas_limit: u64,
    /// Gas one transaction may burn, and what a block holds.
    pub transaction_gas_limit: u64,
    /// Gas for `eth_call` when the caller names none, and the most it gets.
    pub call_gas_limit: u64,
    /// How many blocks keep their state for calls in the past.
    pub history: usize,
    /// How many transactions may wait for a block.
    pub pool_capacity: usize,
    /// Accounts of the test mnemonic, besides Nitro's own.
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
            transaction_gas_limit: 32_000_000,
            call_gas_limit: 50_000_000,
            history: 16_384,
            pool_capacity: 4_096,
            accounts: 10,
        }
    }
}
