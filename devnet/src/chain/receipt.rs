//! What a transaction did.

use alloy::{
    consensus::{
        Eip658Value, Receipt as ConsensusReceipt, ReceiptEnvelope, ReceiptWithBloom,
        Transaction as _, TxType,
    },
    primitives::{Address, Bloom, Log, logs_bloom},
};

use super::transaction::PooledTransaction;

/// The outcome of one transaction in a block.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The transaction's type.
    pub tx_type: TxType,
    /// Whether it succeeded.
    pub success: bool,
    /// Gas it used.
    pub gas_used: u64,
    /// Gas used in the block up to and including it.
    pub cumulative_gas_used: u64,
    /// Wei per gas it paid.
    pub effective_gas_price: u128,
    /// The contract it created, for a transaction without recipient, even if that failed.
    pub contract_address: Option<Address>,
    /// In order of emission; none when it reverted.
    pub logs: Vec<Log>,
    /// The index of its first log in the block.
    pub first_log_index: u64,
    /// The bloom filter of its logs.
    pub bloom: Bloom,
}

/// How a transaction ended.
pub(super) struct Outcome {
    pub(super) success: bool,
    pub(super) gas_used: u64,
    pub(super) logs: Vec<Log>,
}

impl Receipt {
    /// The receipt of `transaction`, which follows the one with the receipt `before`. It pays `price` wei per gas.
    pub(super) fn after(
        before: Option<&Self>,
        transaction: &PooledTransaction,
        price: u128,
        outcome: Outcome,
    ) -> Self {
        let PooledTransaction {
            envelope, sender, ..
        } = transaction;
        let Outcome {
            success,
            gas_used,
            logs,
        } = outcome;
        let burned = before.map_or(0, |before| before.cumulative_gas_used);
        Self {
            tx_type: envelope.tx_type(),
            success,
            gas_used,
            cumulative_gas_used: burned.saturating_add(gas_used),
            effective_gas_price: price,
            contract_address: envelope
                .is_create()
                .then(|| sender.create(envelope.nonce())),
            bloom: logs_bloom(logs.iter()),
            first_log_index: before.map_or(0, |before| {
                before.first_log_index + before.logs.len() as u64
            }),
            logs,
        }
    }

    /// The receipt in its consensus encoding.
    pub fn envelope(&self) -> ReceiptEnvelope {
        self.map_logs(<[Log]>::to_vec)
    }

    /// The receipt in its consensus encoding, with its logs mapped by `logs`.
    pub fn map_logs<T>(&self, logs: impl FnOnce(&[Log]) -> Vec<T>) -> ReceiptEnvelope<T> {
        let receipt = ConsensusReceipt {
            status: Eip658Value::Eip658(self.success),
            cumulative_gas_used: self.cumulative_gas_used,
            logs: logs(&self.logs),
        };
        let receipt = ReceiptWithBloom {
            receipt,
            logs_bloom: self.bloom,
        };
        ReceiptEnvelope::from_typed(self.tx_type, receipt)
    }
}
