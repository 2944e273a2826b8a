//! The state of the book and its log, for anybody: nothing about any security.

use book::board::watched::Watched;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::watch::lag;

/// `GET /v1/status`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let board = &call.app.board;
    let head = board.head().await.map_err(refusal::board)?;
    let anchored = board.last_anchored().await.map_err(refusal::board)?;
    let synced = board.last_synced().await.map_err(refusal::board)?;
    let watched = board.watched().await.map_err(refusal::board)?;
    let book = board.identity();
    Reply::ok(&json!({
        "broker_dealer": book.broker_dealer,
        "crd": book.crd,
        "lei": book.lei,
        "chain_id": book.chain_id,
        "contract": book.contract,
        "time": call.received_at,
        "log": { "size": head.size, "root": head.root, "captured_at": head.captured_at },
        "anchored": anchored.map(|(_, anchor)| json!({
            "size": anchor.size,
            "root": anchor.root,
            "block": anchor.block,
            "transaction": anchor.tx_hash,
        })),
        "synced": synced.map(|synced| json!({ "block": synced.block, "hash": synced.block_hash })),
        "chain": watched.map(|watched| chain_json(&watched, book.chain_id, call.received_at)),
    }))
}

/// The chain's newest block, and by how many seconds our view of it lags.
pub(crate) fn chain_json(watched: &Watched, chain_id: u64, now: Timestamp) -> Value {
    json!({
        "block": watched.latest,
        "hash": watched.latest_hash,
        "time": refusal::instant(watched.latest_time),
        "safe": watched.safe,
        "final": watched.last,
        "looked_at": watched.looked_at,
        "lag_seconds": lag(watched, chain_id, now),
    })
}
