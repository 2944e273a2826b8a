//! `txpool_`: what waits for a block.

use super::{Context, Methods, transaction::waiting_on_wire};
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
    methods.blocking("txpool_status", 0, |context, _| Ok(status(context)))
}

fn content(context: &Context) -> Content<BySender> {
    let mut found = Content::<BySender>::default();
    for transaction in context.chain.waiting_all() {
        let (sender, nonce) = (transaction.sender, transaction.nonce());
        let ready = nonce < context.chain.pending_nonce(&sender);
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

fn status(context: &Context) -> Content<U64> {
    let Content { pending, queued } = content(context);
    let count = |part: BySender| U64::from(part.values().map(BTreeMap::len).sum::<usize>());
    Content {
        pending: count(pending),
        queued: count(queued),
    }
}
