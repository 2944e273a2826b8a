//! Proofs that an order is in the log, for whoever may see the order.

use book::audit::proof;

use crate::access;
use crate::orders;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};

/// `GET /v1/proofs/{order}`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let order = orders::seen(&call, call.place("order")).await?;
    access::seen(&call, "GET /v1/proofs/{order}", [order.record.owner]).await?;
    let id = order.record.id.to_string();
    let proof = proof::prove_order(&call.app.board, &id).await;
    Reply::ok(&proof.map_err(refusal::board)?)
}
