//! Blocks: headers that hash, and what stands in them.

use super::{receipt::Receipt, settings::Settings, transaction::PooledTransaction};
use alloy::{
    consensus::{EMPTY_OMMER_ROOT_HASH, Header, proofs},
    eips::eip2718::Encodable2718,
    primitives::{B256, Bloom, U256},
};
use revm::context::BlockEnv;

/// A block that will not change any more.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header.
    pub header: Header,
    /// The header's hash.
    pub hash: B256,
    /// In order.
    pub transactions: Vec<PooledTransaction>,
    /// One per transaction.
    pub receipts: Vec<Receipt>,
}

impl Block {
    /// Seals `transactions` with what they did into a block on top of `parent`.
    ///
    /// `commitment` stands for the state afterwards, see [`super::state::State::commitment`].
    pub(super) fn seal(
        settings: &Settings,
        parent: Option<&Self>,
        timestamp: u64,
        commitment: B256,
        transactions: Vec<PooledTransaction>,
        receipts: Vec<Receipt>,
    ) -> Self {
        let receipt_envelopes: Vec<_> = receipts.iter().map(Receipt::envelope).collect();
        let header = Header {
            parent_hash: parent.map_or(B256::ZERO, |block| block.hash),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: settings.coinbase,
            state_root: commitment,
            transactions_root: proofs::ordered_trie_root_with_encoder(
                &transactions,
                |transaction, buffer| transaction.envelope.encode_2718(buffer),
            ),
            receipts_root: proofs::calculate_receipt_root(&receipt_envelopes),
            logs_bloom: receipts
                .iter()
                .fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom),
            difficulty: U256::from(1),
            number: parent.map_or(0, |block| block.header.number + 1),
            gas_limit: settings.block_gas_limit,
            gas_used: receipts
                .last()
                .map_or(0, |receipt| receipt.cumulative_gas_used),
            timestamp,
            mix_hash: settings.prev_randao.unwrap_or_default(),
            base_fee_per_gas: Some(settings.base_fee),
            ..Header::default()
        };
        let hash = header.hash_slow();
        Self {
            header,
            hash,
            transactions,
            receipts,
        }
    }

    /// Its number.
    pub const fn number(&self) -> u64 {
        self.header.number
    }

    /// Seconds since the epoch.
    pub const fn timestamp(&self) -> u64 {
        self.header.timestamp
    }
}

/// The environment transactions see in block `number`.
pub(super) fn environment(settings: &Settings, number: u64, timestamp: u64) -> BlockEnv {
    BlockEnv {
        number: U256::from(number),
        beneficiary: settings.coinbase,
        timestamp: U256::from(timestamp),
        gas_limit: settings.block_gas_limit,
        basefee: settings.base_fee,
        difficulty: U256::from(1),
        // Arbitrum answers 1 to PREVRANDAO: there is no randomness to be had.
        prevrandao: Some(settings.prev_randao.unwrap_or(B256::with_last_byte(1))),
        ..BlockEnv::default()
    }
}

/// The environment that the transactions of `block` saw.
pub(super) fn environment_of(settings: &Settings, block: &Block) -> BlockEnv {
    let settings = settings.of_block(&block.header);
    environment(&settings, block.number(), block.timestamp())
}
