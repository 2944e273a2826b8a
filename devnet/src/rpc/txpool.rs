//! `txpool_`: the transactions waiting for a block.

use super::{Context, Methods, transaction::waiting_on_wire};
use alloy::{
    consensus::Transaction as TransactionTrait,
    primitives::{Address, U64},
    rpc::types::Transaction,
};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use std::collections::BTreeMap;

/// Transactions by sender and nonce: `pending` can go into the next block, `queued` wait for an
/// earlier nonce.
#[derive(Clone, Debug, Default, Serialize)]
struct Content<T> {
    pending: T,
    queued: T,
}

type BySender<T = Transaction> = BTreeMap<Address, BTreeMap<String, T>>;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("txpool_content", 0, |context, _| Ok(content(context)))?;
    methods.blocking("txpool_inspect", 0, |context, _| Ok(inspect(context)))?;
    methods.blocking("txpool_status", 0, |context, _| Ok(status(context)))
}

fn content(context: &Context) -> Content<BySender> {
    let mut found = Content::<BySender>::default();
    for transaction in context.chain.waiting_all() {
        let (sender, nonce) = (transaction.sender, transaction.nonce());
        let ready = context
            .chain
            .pending_nonce(&sender)
            .is_ok_and(|next| nonce < next);
        let part = if ready {
            &mut found.pending
        } else {
            &mut found.queued
        };
        part.entry(sender)
            .or_default()
            .insert(nonce.to_string(), waiting_on_wire(transaction));
    }
    found
}

/// Each transaction in one line of words, as geth has it.
fn inspect(context: &Context) -> Content<BySender<String>> {
    let Content { pending, queued } = content(context);
    Content {
        pending: lines(pending),
        queued: lines(queued),
    }
}

fn lines(part: BySender) -> BySender<String> {
    let of = |queue: BTreeMap<String, Transaction>| -> BTreeMap<String, String> {
        let lines = queue.into_iter();
        lines
            .map(|(nonce, transaction)| (nonce, line(&transaction)))
            .collect()
    };
    part.into_iter()
        .map(|(sender, queue)| (sender, of(queue)))
        .collect()
}

fn line(transaction: &Transaction) -> String {
    let to = transaction.to();
    let to = to.map_or_else(|| "contract creation".into(), |to| to.to_string());
    let (value, gas) = (transaction.value(), transaction.gas_limit());
    let price = TransactionTrait::max_fee_per_gas(transaction);
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}

fn status(context: &Context) -> Content<U64> {
    let Content { pending, queued } = content(context);
    let count = |part: BySender| U64::from(part.values().map(BTreeMap::len).sum::<usize>());
    Content {
        pending: count(pending),
        queued: count(queued),
    }
}
