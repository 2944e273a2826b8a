//! `eth_`: transactions and receipts.

use super::{
    Context, Methods,
    arguments::{Arguments, Owned},
    error::RpcError,
};
use crate::chain::{PooledTransaction, Position};
use alloy::{
    consensus::{ReceiptEnvelope, Transaction as _, transaction::Recovered},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, Signature, U64, U256},
    rpc::types::{Log, Transaction, TransactionReceipt, TransactionRequest},
};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::{sync::broadcast::error::RecvError, task::block_in_place};

/// How long `eth_sendRawTransactionSync` waits by default, and at most, as in geth.
const SYNC_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_SYNC_TIMEOUT: Duration = Duration::from_mins(1);

/// A receipt on the wire, with what Arbitrum adds to it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    #[serde(flatten)]
    inner: TransactionReceipt<ReceiptEnvelope<Log>>,
    gas_used_for_l1: U64,
    l1_block_number: U64,
}

/// A transaction signed but not sent.
#[derive(Clone, Debug, Serialize)]
struct Signed {
    raw: Bytes,
    tx: Transaction,
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.brief("eth_sendRawTransaction", 1, |context, arguments| {
        let raw: Bytes = arguments.required(0, "signed transaction")?;
        Ok(context.chain.submit_raw(&raw)?)
    })?;
    methods.brief("eth_sendTransaction", 1, |context, arguments| {
        Ok(context.chain.send(own(arguments)?)?)
    })?;
    methods.brief("eth_sendUnsignedTransaction", 1, |context, arguments| {
        Ok(context.chain.send_unsigned(own(arguments)?)?)
    })?;
    methods.blocking("eth_signTransaction", 1, sign)?;
    methods.blocking("eth_fillTransaction", 1, fill)?;
    methods.waiting("eth_sendRawTransactionSync", 2, send_and_wait)?;
    methods.brief("eth_getTransactionByHash", 1, by_hash)?;
    methods.blocking("eth_getRawTransactionByHash", 1, raw)?;
    methods.quick("eth_getTransactionReceipt", 1, |context, arguments| {
        let hash: B256 = arguments.required(0, "transaction hash")?;
        let position = context.chain.ledger().transaction(&hash);
        Ok(position.and_then(|position| receipt_on_wire(&position)))
    })
}

/// A transaction for the node to sign; `from` is required.
fn own(arguments: &Arguments<'_>) -> Result<TransactionRequest, RpcError> {
    let request: TransactionRequest = arguments.required(0, "transaction")?;
    if request.from.is_none() {
        return Err(RpcError::invalid(
            "invalid argument 0 (transaction): missing field `from`",
        ));
    }
    Ok(request)
}

fn sign(context: &Context, arguments: &Arguments<'_>) -> Result<Signed, RpcError> {
    let request = own(arguments)?;
    context.chain.require_signed()?;
    let sender: Address = request.from.unwrap_or_default();
    let transaction = context.chain.complete(request)?;
    let envelope = context
        .chain
        .keys()
        .sign_transaction(&sender, transaction)
        .ok_or_else(|| RpcError::refused("unknown account"))?;
    let raw = envelope.encoded_2718().into();
    let tx = waiting_on_wire(PooledTransaction {
        envelope,
        sender,
        impersonated: false,
    });
    Ok(Signed { raw, tx })
}

/// The transaction with its missing fields filled in, not signed.
fn fill(context: &Context, arguments: &Arguments<'_>) -> Result<Signed, RpcError> {
    let request: TransactionRequest = arguments.required(0, "transaction")?;
    let sender = request.from.unwrap_or_default();
    let transaction = context.chain.complete(request)?;
    let unsigned = Signature::new(U256::ZERO, U256::ZERO, false);
    let envelope = transaction.into_envelope(unsigned);
    let raw = envelope.encoded_2718().into();
    let tx = waiting_on_wire(PooledTransaction {
        envelope,
        sender,
        impersonated: false,
    });
    Ok(Signed { raw, tx })
}

/// Sends, and answers the receipt once the transaction is in a block (EIP-7966).
async fn send_and_wait(context: Arc<Context>, arguments: Owned) -> Result<Receipt, RpcError> {
    let (raw, timeout) = {
        let arguments = arguments.arguments()?;
        let raw: Bytes = arguments.required(0, "signed transaction")?;
        (raw, arguments.optional_number(1, "timeout")?)
    };
    let timeout = match timeout {
        None | Some(0) => SYNC_TIMEOUT,
        Some(milliseconds) => Duration::from_millis(milliseconds).min(MAX_SYNC_TIMEOUT),
    };
    // Listens before it is sent, so that no block can be missed.
    let mut events = context.chain.subscribe();
    let hash = block_in_place(|| context.chain.submit_raw(&raw))?;
    let receipt = || {
        let position = context.chain.ledger().transaction(&hash);
        position.and_then(|position| receipt_on_wire(&position))
    };
    let included = async {
        loop {
            if let Some(receipt) = receipt() {
                return receipt;
            }
            // Keep looking even if some events were lost.
            if matches!(events.recv().await, Err(RecvError::Closed)) {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::time::timeout(timeout, included).await.map_err(|_| {
        RpcError::unprocessed(
            format!(
                "The transaction was added to the transaction pool but wasn't processed in {timeout:?}"
            ),
            hash,
        )
    })
}

fn by_hash(context: &Context, arguments: &Arguments<'_>) -> Result<Option<Transaction>, RpcError> {
    let hash: B256 = arguments.required(0, "transaction hash")?;
    let position = context.chain.ledger().transaction(&hash);
    Ok(match position {
        Some(position) => transaction_on_wire(&position),
        None => context.chain.waiting(&hash).map(waiting_on_wire),
    })
}

fn raw(context: &Context, arguments: &Arguments<'_>) -> Result<Option<Bytes>, RpcError> {
    let hash: B256 = arguments.required(0, "transaction hash")?;
    let mined = context
        .chain
        .ledger()
        .transaction(&hash)
        .and_then(|position| position.block.transactions.get(position.index).cloned());
    let transaction = mined.or_else(|| context.chain.waiting(&hash));
    Ok(transaction.map(|transaction| transaction.envelope.encoded_2718().into()))
}

/// A waiting transaction on the wire. As in geth, its gas price is the most that it may pay.
pub(super) fn waiting_on_wire(transaction: PooledTransaction) -> Transaction {
    let most = transaction.envelope.max_fee_per_gas();
    Transaction {
        effective_gas_price: Some(most),
        inner: Recovered::new_unchecked(transaction.envelope, transaction.sender),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        block_timestamp: None,
    }
}

/// The transaction at `position` on the wire.
pub(super) fn transaction_on_wire(position: &Position) -> Option<Transaction> {
    let Position { block, index } = position;
    let (transaction, receipt) = (block.transactions.get(*index)?, block.receipts.get(*index)?);
    Some(Transaction {
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        transaction_index: Some(*index as u64),
        effective_gas_price: Some(receipt.effective_gas_price),
        block_timestamp: Some(block.timestamp()),
        ..waiting_on_wire(transaction.clone())
    })
}

/// The receipt at `position` on the wire.
pub(super) fn receipt_on_wire(position: &Position) -> Option<Receipt> {
    let Position { block, index } = position;
    let (transaction, receipt) = (block.transactions.get(*index)?, block.receipts.get(*index)?);
    let hash = transaction.hash();
    let inner = receipt.map_logs(|logs| {
        logs.iter()
            .zip(receipt.first_log_index..)
            .map(|(log, log_index)| Log {
                inner: log.clone(),
                block_hash: Some(block.hash),
                block_number: Some(block.number()),
                block_timestamp: Some(block.timestamp()),
                transaction_hash: Some(hash),
                transaction_index: Some(*index as u64),
                log_index: Some(log_index),
                removed: false,
            })
            .collect()
    });
    Some(Receipt {
        inner: TransactionReceipt {
            inner,
            transaction_hash: hash,
            transaction_index: Some(*index as u64),
            block_hash: Some(block.hash),
            block_number: Some(block.number()),
            gas_used: receipt.gas_used,
            effective_gas_price: receipt.effective_gas_price,
            blob_gas_used: None,
            blob_gas_price: None,
            from: transaction.sender,
            to: transaction.envelope.to(),
            contract_address: receipt.contract_address,
        },
        gas_used_for_l1: U64::ZERO,
        l1_block_number: U64::from(block.parent_chain.number),
    })
}
