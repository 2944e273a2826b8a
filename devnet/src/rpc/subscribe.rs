//! `eth_subscribe` over WebSocket.

use super::{Context, Methods, arguments::Arguments, block::header_on_wire, error::RpcError, logs};
use crate::chain::{Block, Event, matching_logs};
use alloy::rpc::types::Filter;
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionSink,
    core::{RegisterMethodError, SubscriptionError, SubscriptionResult},
    types::Params,
};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

enum Topic {
    Heads,
    Logs(Box<Filter>),
    Accepted,
}

impl Topic {
    fn parse(params: &Params<'_>) -> Result<Self, RpcError> {
        let arguments = Arguments::parse(params, 2)?;
        match arguments.required::<String>(0, "subscription")?.as_str() {
            "newHeads" => Ok(Self::Heads),
            "logs" => {
                let wanted = arguments.optional::<serde_json::Value>(1, "filter")?;
                let filter = if wanted.is_some() {
                    logs::filter(&arguments, 1)?
                } else {
                    Filter::new()
                };
                Ok(Self::Logs(Box::new(filter)))
            }
            "newPendingTransactions" => Ok(Self::Accepted),
            other => Err(RpcError::invalid(format!(
                "no \"{other}\" subscription in eth namespace; there are newHeads, logs and \
                 newPendingTransactions"
            ))),
        }
    }
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, context, _| async move { subscribe(params, pending, context).await },
    )?;
    Ok(())
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    context: Arc<Context>,
) -> SubscriptionResult {
    let topic = match Topic::parse(&params) {
        Ok(topic) => topic,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    // Before the answer, so that nothing after it is missed.
    let mut events = context.chain.subscribe();
    let sink = pending.accept().await?;
    loop {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            event = events.recv() => match event {
                Ok(event) => notify(&sink, &topic, event).await?,
                // It has lost events: end it rather than leave a gap. What is in the connection's buffer is sent first.
                Err(RecvError::Lagged(lost)) => return Err(too_slow(lost)),
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

/// The last notification of a listener that missed `lost` events.
fn too_slow(lost: u64) -> SubscriptionError {
    format!("the subscription ended: the client reads too slowly and missed {lost} events").into()
}

async fn notify(sink: &SubscriptionSink, topic: &Topic, event: Event) -> SubscriptionResult {
    match (topic, event) {
        (Topic::Heads, Event::Block(block)) => send(sink, &header_on_wire(&block)).await,
        (Topic::Logs(filter), Event::Block(block)) => send_logs(sink, filter, &block).await,
        (Topic::Accepted, Event::Accepted(hash)) => send(sink, &hash).await,
        _ => Ok(()),
    }
}

async fn send_logs(sink: &SubscriptionSink, filter: &Filter, block: &Block) -> SubscriptionResult {
    let mut found = Vec::new();
    matching_logs(block, filter, &mut found);
    for log in found {
        send(sink, &log).await?;
    }
    Ok(())
}

async fn send(sink: &SubscriptionSink, item: &impl Serialize) -> SubscriptionResult {
    let message = serde_json::value::to_raw_value(item)?;
    // Waits while the connection's buffer is full; a connection whose client reads nothing is closed.
    sink.send(message).await?;
    Ok(())
}
