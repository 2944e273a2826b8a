//! Blocks: headers with their hashes, and the contents of blocks.

use super::{receipt::Receipt, settings::Settings, transaction::PooledTransaction};
use crate::evm::{ImpersonatedSignatures, parent_chain_number};
use alloy::{
    consensus::{EMPTY_OMMER_ROOT_HASH, Header, proofs},
    eips::eip2718::Encodable2718,
    primitives::{B256, Bloom, U256},
};
use revm::context::BlockEnv;

/// What Arbitrum's blocks say about the parent chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParentChain {
    /// Its block number, as contracts see it.
    pub number: u64,
    /// The root over the messages sent to it.
    pub send_root: B256,
    /// How many messages were sent to it.
    pub send_count: u64,
}

impl ParentChain {
    /// For block `number` of a chain with `settings` that sends no messages.
    fn at(settings: &Settings, number: u64, timestamp: u64) -> Self {
        let parent = parent_chain_number(U256::from(timestamp), settings.parent_block_time);
        Self {
            number: parent.map_or(number, |parent| parent.saturating_to()),
            ..Self::default()
        }
    }

    /// From another chain's `header`, on a chain with `settings`: Nitro puts it in `extraData` and `mixHash`
    /// (`core/types/arb_types.go: DeserializeHeaderExtraInformation`).
    pub(super) fn of(settings: &Settings, header: &Header) -> Self {
        let (extra, mix) = (&header.extra_data[..], header.mix_hash);
        let nitro = header.base_fee_per_gas.is_some() && header.difficulty == U256::from(1);
        let Some(send_root) = B256::try_from(extra).ok().filter(|_| nitro) else {
            return Self::at(settings, header.number, header.timestamp);
        };
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |all, byte| all << 8 | u64::from(*byte))
        };
        Self {
            number: number(&mix[8..16]),
            send_root,
            send_count: number(&mix[..8]),
        }
    }
}

/// A block that no longer changes.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header.
    pub header: Header,
    /// The header's hash.
    pub hash: B256,
    /// What it says about the parent chain.
    pub parent_chain: ParentChain,
    /// In order.
    pub transactions: Vec<PooledTransaction>,
    /// One per transaction.
    pub receipts: Vec<Receipt>,
    /// Signatures that counted as another account's when it was made.
    pub(super) signatures: ImpersonatedSignatures,
}

impl Block {
    /// Seals `transactions` and their receipts into a block on top of `parent`.
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
            parent_chain: ParentChain::at(settings, header.number, timestamp),
            header,
            hash,
            transactions,
            receipts,
            signatures: ImpersonatedSignatures::default(),
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
        // Arbitrum answers 1 to PREVRANDAO: it has no randomness.
        prevrandao: Some(settings.prev_randao.unwrap_or(B256::with_last_byte(1))),
        ..BlockEnv::default()
    }
}

/// The environment that the transactions of `block` saw.
pub(super) fn environment_of(settings: &Settings, block: &Block) -> BlockEnv {
    let settings = settings.of_block(&block.header);
    environment(&settings, block.number(), block.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Bytes, b256};

    #[test]
    fn the_parent_chains_number_is_its_time_in_blocks_or_the_chains_own() {
        let at = |parent_block_time| {
            let settings = Settings {
                parent_block_time,
                ..Settings::default()
            };
            ParentChain::at(&settings, 7, 1_000_000_011)
        };
        // 83,333,334 blocks of 12 seconds, and 3 seconds.
        assert_eq!(at(12).number, 83_333_334);
        assert_eq!(at(0).number, 7);
        assert_eq!((at(12).send_root, at(12).send_count), (B256::ZERO, 0));
    }

    #[test]
    fn nitros_headers_tell_theirs() {
        let settings = Settings::default();
        // Eight bytes each: 5 messages, block 22,000,000 of the parent, format 40.
        let mix_hash = b256!("0x000000000000000500000000014fb18000000000000000280000000000000000");
        let root = B256::repeat_byte(0xab);
        let nitro = Header {
            timestamp: 1_200,
            difficulty: U256::from(1),
            base_fee_per_gas: Some(1),
            extra_data: Bytes::from(root),
            mix_hash,
            ..Header::default()
        };
        let told = ParentChain {
            number: 22_000_000,
            send_root: root,
            send_count: 5,
        };
        assert_eq!(ParentChain::of(&settings, &nitro), told);
        // A header that lacks one of its marks is not Nitro's: 1,200 seconds are 100 blocks.
        for other in [
            Header {
                base_fee_per_gas: None,
                ..nitro.clone()
            },
            Header {
                difficulty: U256::ZERO,
                ..nitro.clone()
            },
            Header {
                extra_data: Bytes::new(),
                ..nitro
            },
        ] {
            let expected = ParentChain {
                number: 100,
                ..ParentChain::default()
            };
            assert_eq!(ParentChain::of(&settings, &other), expected);
        }
    }
}
