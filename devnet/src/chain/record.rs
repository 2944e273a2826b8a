//! What the state file records of each event, and how it is encoded.

use super::{
    block::Block,
    diff::Diff,
    receipt::{Outcome, Receipt},
    settings::Settings,
    transaction::PooledTransaction,
};
use crate::evm::{ImpersonatedSignatures, SignatureBytes};
use alloy::{
    consensus::{Header, TxEnvelope},
    eips::eip2718::{Decodable2718, Encodable2718},
    primitives::{Address, B256, Bytes, Log},
};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

/// The format of the records; a file of another one is refused.
const VERSION: u64 = 1;

/// The block of another chain that a fork began at.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct ForkRecord {
    /// Its number.
    pub(super) number: u64,
    /// Its hash.
    pub(super) hash: B256,
}

/// The first record: what the chain started with.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub(super) struct GenesisRecord {
    /// [`VERSION`].
    pub(super) version: u64,
    /// EIP-155 chain id.
    pub(super) chain_id: u64,
    /// Wei per gas.
    pub(super) base_fee: u64,
    /// Seconds since the epoch.
    pub(super) timestamp: u64,
    /// The accounts; on a fork, those that differ.
    pub(super) diff: Diff,
    /// What was forked.
    pub(super) fork: Option<ForkRecord>,
    /// 1 when headers contain the root of the state trie.
    pub(super) state_root: Option<u64>,
}

impl GenesisRecord {
    /// A record of the current format.
    pub(super) const fn new(
        chain_id: u64,
        base_fee: u64,
        timestamp: u64,
        diff: Diff,
        fork: Option<ForkRecord>,
        state_root: bool,
    ) -> Self {
        Self {
            version: VERSION,
            chain_id,
            base_fee,
            timestamp,
            diff,
            fork,
            state_root: if state_root { Some(1) } else { None },
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

/// The rules of one block where they differ from those that the chain was configured with.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct RulesRecord {
    base_fee: u64,
    block_gas_limit: u64,
    coinbase: Address,
    mix_hash: B256,
}

impl RulesRecord {
    /// The rules in `header`; `None` when they are those of `settings`.
    fn of(header: &Header, settings: &Settings) -> Option<Self> {
        (settings.of_block(header) != *settings).then(|| Self {
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            block_gas_limit: header.gas_limit,
            coinbase: header.beneficiary,
            mix_hash: header.mix_hash,
        })
    }
}

/// A signature that counted as an account's that never made it.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct SignatureRecord {
    signature: SignatureBytes,
    signer: Address,
}

/// A block and the change it made.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub(super) struct BlockRecord {
    /// Its hash, to compare the restored block with.
    pub(super) hash: B256,
    /// Seconds since the epoch.
    pub(super) timestamp: u64,
    /// Seconds the clock ran ahead of the machine's, in two's complement.
    pub(super) clock_offset: u64,
    /// In order.
    pub(super) transactions: Vec<TransactionRecord>,
    /// What they changed.
    pub(super) diff: Diff,
    /// Rules that apply to this block only.
    pub(super) rules: Option<RulesRecord>,
    /// Signatures that counted as another account's.
    signatures: Option<Vec<SignatureRecord>>,
}

impl BlockRecord {
    /// The record of `block` on a chain that was configured with `settings`.
    pub(super) fn new(block: &Block, diff: Diff, clock_offset: i64, settings: &Settings) -> Self {
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
            rules: RulesRecord::of(&block.header, settings),
            signatures: (!block.signatures.is_empty()).then(|| {
                let signatures = block.signatures.iter();
                signatures
                    .map(|(signature, signer)| SignatureRecord {
                        signature: *signature,
                        signer: *signer,
                    })
                    .collect()
            }),
        }
    }

    /// Signatures that counted as another account's.
    pub(super) fn signatures(&self) -> ImpersonatedSignatures {
        let signatures = self.signatures.iter().flatten();
        signatures
            .map(|record| (record.signature, record.signer))
            .collect()
    }

    /// The rules of the block on a chain that was configured with `settings`.
    pub(super) fn settings(&self, settings: &Settings) -> Settings {
        self.rules.as_ref().map_or(*settings, |rules| Settings {
            base_fee: rules.base_fee,
            block_gas_limit: rules.block_gas_limit,
            coinbase: rules.coinbase,
            prev_randao: (!rules.mix_hash.is_zero()).then_some(rules.mix_hash),
            ..*settings
        })
    }

    /// Restores the transactions and their receipts.
    ///
    /// # Errors
    /// A transaction that does not decode.
    pub(super) fn contents(
        &self,
        base_fee: u64,
    ) -> Result<(Vec<PooledTransaction>, Vec<Receipt>), alloy::eips::eip2718::Eip2718Error> {
        let mut transactions = Vec::with_capacity(self.transactions.len());
        let mut receipts: Vec<Receipt> = Vec::with_capacity(self.transactions.len());
        for record in &self.transactions {
            let envelope = TxEnvelope::decode_2718(&mut record.raw.as_ref())?;
            let transaction = PooledTransaction {
                envelope,
                sender: record.sender,
                impersonated: record.impersonated,
            };
            let outcome = Outcome {
                success: record.success,
                gas_used: record.gas_used,
                logs: record.logs.clone(),
            };
            let price = base_fee.into();
            receipts.push(Receipt::after(
                receipts.last(),
                &transaction,
                price,
                outcome,
            ));
            transactions.push(transaction);
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
    /// The chain was reset.
    Reset(GenesisRecord),
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
            Self::Reset(record) => {
                payload.push(3);
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
            3 => Self::Reset(GenesisRecord::decode(&mut rest).ok()?),
            _ => return None,
        };
        rest.is_empty().then_some(record)
    }
}
