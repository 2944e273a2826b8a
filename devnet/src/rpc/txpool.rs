//! `txpool_`: what waits for a block.

use super::{
    Context, Methods, arguments::Arguments, error::RpcError, transaction::waiting_on_wire,
};
use crate::chain::PooledTransaction;
use alloy::{
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

type BySender = BTreeMap<Address, BTreeMap<String, Transaction>>;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("txpool_content", 0, |context, _| Ok(content(context)))?;
    methods.blocking("txpool_status", 0, status)
}

fn content(context: &Context) -> Content<BySender> {
    let mut content = Content::<BySender>::default();
    for transaction in context.chain.waiting_all() {
        let PooledTransaction { sender, .. } = transaction;
        let ready = transaction.nonce() < context.chain.pending_nonce(&sender);
        let part = if ready {
            &mut content.pending
        } else {
            &mut content.queued
        };
        let nonce = transaction.nonce().to_string();
        part.entry(sender)
            .or_default()
            .insert(nonce, waiting_on_wire(transaction));
    }
    content
}

fn status(context: &Context, _: Arguments) -> Result<Content<U64>, RpcError> {
    let Content { pending, queued } = content(context);
    let count = |part: BySender| U64::from(part.values().map(BTreeMap::len).sum::<usize>());
    Ok(Content {
        pending: count(pending),
        queued: count(queued),
    })
}
