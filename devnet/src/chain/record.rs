//! What the state file remembers of each event, and how it is written.

use super::{block::Block, diff::Diff, receipt::Receipt, transaction::PooledTransaction};
use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::eip2718::{Decodable2718, Encodable2718},
    primitives::{Address, B256, Bytes, Log, logs_bloom},
};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

/// The format of the records; a file of another one is refused.
const VERSION: u64 = 1;

/// The first record: what the chain started with.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct GenesisRecord {
    /// [`VERSION`].
    pub(super) version: u64,
    /// EIP-155 chain id.
    pub(super) chain_id: u64,
    /// Wei per gas.
    pub(super) base_fee: u64,
    /// Seconds since the epoch.
    pub(super) timestamp: u64,
    /// The accounts.
    pub(super) diff: Diff,
}

impl GenesisRecord {
    /// A record of the current format.
    pub(super) const fn new(chain_id: u64, base_fee: u64, timestamp: u64, diff: Diff) -> Self {
        Self {
            version: VERSION,
            chain_id,
            base_fee,
            timestamp,
            diff,
        }
    }
}

/// A transaction in a block and what it did.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct TransactionRecord {
    sender: Address,
    impersonated: bool,
    raw: Bytes,
    success: bool,
    gas_used: u64,
    logs: Vec<Log>,
}

/// A block and the change it made.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct BlockRecord {
    /// Its hash, to compare the restored block with.
    pub(super) hash: B256,
    /// Seconds since the epoch.
    pub(super) timestamp: u64,
    /// Seconds the clock ran ahead of the machine's, as two's complement.
    pub(super) clock_offset: u64,
    /// In order.
    pub(super) transactions: Vec<TransactionRecord>,
    /// What they changed.
    pub(super) diff: Diff,
}

impl BlockRecord {
    /// What to write down of `block`.
    pub(super) fn new(block: &Block, diff: Diff, clock_offset: i64) -> Self {
        let transactions = block
            .transactions
            .iter()
            .zip(&block.receipts)
            .map(|(transaction, receipt)| TransactionRecord {
                sender: transaction.sender,
                impersonated: transaction.impersonated,
                raw: transaction.envelope.encoded_2718().into(),
                success: receipt.success,
                gas_used: receipt.gas_used,
                logs: receipt.logs.clone(),
            })
            .collect();
        Self {
            hash: block.hash,
            timestamp: block.timestamp(),
            clock_offset: clock_offset.cast_unsigned(),
            transactions,
            diff,
        }
    }

    /// The transactions and their receipts again.
    ///
    /// # Errors
    /// A transaction that does not decode.
    pub(super) fn contents(
        &self,
        base_fee: u64,
    ) -> Result<(Vec<PooledTransaction>, Vec<Receipt>), alloy::eips::eip2718::Eip2718Error> {
        let mut transactions = Vec::with_capacity(self.transactions.len());
        let mut receipts = Vec::with_capacity(self.transactions.len());
        let (mut cumulative_gas_used, mut first_log_index) = (0_u64, 0_u64);
        for record in &self.transactions {
            let envelope = TxEnvelope::decode_2718(&mut record.raw.as_ref())?;
            cumulative_gas_used = cumulative_gas_used.saturating_add(record.gas_used);
            receipts.push(Receipt {
                tx_type: envelope.tx_type(),
                success: record.success,
                gas_used: record.gas_used,
                cumulative_gas_used,
                effective_gas_price: base_fee.into(),
                contract_address: envelope
                    .is_create()
                    .then(|| record.sender.create(envelope.nonce())),
                bloom: logs_bloom(record.logs.iter()),
                logs: record.logs.clone(),
                first_log_index,
            });
            first_log_index += record.logs.len() as u64;
            transactions.push(PooledTransaction {
                envelope,
                sender: record.sender,
                impersonated: record.impersonated,
            });
        }
        Ok((transactions, receipts))
    }
}

/// An account edited from outside between two blocks.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct EditRecord {
    /// What changed.
    pub(super) diff: Diff,
}

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Always the first.
    Genesis(GenesisRecord),
    /// A block on top of the one before.
    Block(BlockRecord),
    /// An edit of the newest block's state.
    Edit(EditRecord),
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        match self {
            Self::Genesis(record) => {
                payload.push(0);
                record.encode(&mut payload);
            }
            Self::Block(record) => {
                payload.push(1);
                record.encode(&mut payload);
            }
            Self::Edit(record) => {
                payload.push(2);
                record.encode(&mut payload);
            }
        }
        payload
    }

    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (tag, mut rest) = payload.split_first()?;
        let record = match tag {
            0 => Self::Genesis(GenesisRecord::decode(&mut rest).ok()?),
            1 => Self::Block(BlockRecord::decode(&mut rest).ok()?),
            2 => Self::Edit(EditRecord::decode(&mut rest).ok()?),
            _ => return None,
        };
        rest.is_empty().then_some(record)
    }
}
