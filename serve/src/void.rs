//! Off the board is not void: an order's signature is good until the settlement contract has logged its cancel. It
//! takes a transaction from the owner's own wallet, or a cancel that the owner signs and the desk sends.

use alloy::primitives::{B256, Bytes};
use axum::http::StatusCode;
use book::board::act::WEB;
use book::board::left::{Errand, LeftCancel};
use book::board::signature::{self, ContractVerdict, SignatureError};
use book::log::By;
use book::market::order::Order;
use book::market::record::{OrderRecord, OrderState, OrderView};
use desk::chain::abi::IDvPSettlement;
use desk::signing::request::{CancelTerms, Request};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::fields::Fields;
use crate::orders;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::transaction::Transaction;

/// The state of an order between the board and the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Voidness {
    /// The contract has logged its cancel: nobody can settle it any more.
    pub(crate) void: bool,
    /// The transaction that cancelled it.
    pub(crate) transaction: Option<B256>,
    /// A signed cancel that was left with the desk.
    pub(crate) left: Option<LeftView>,
}

/// A signed cancel that was left with the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LeftView {
    /// `waiting`, `sent` or `refused`.
    pub(crate) state: Errand,
    /// Why it was refused.
    pub(crate) said: String,
    /// When it was left.
    pub(crate) at: String,
}

impl LeftView {
    fn of(left: LeftCancel) -> Self {
        Self {
            state: left.state,
            said: left.said,
            at: left.made_at.to_string(),
        }
    }
}

/// The state of an order.
///
/// # Errors
/// 503.
pub(crate) async fn view(app: &App, order: &OrderView) -> Result<Voidness, Problem> {
    let id = order.record.id;
    // An open or filled order was never cancelled on chain.
    let transaction = match order.state {
        OrderState::Cancelled => app.board.voided_by(id).await.map_err(refusal::board)?,
        OrderState::Open | OrderState::Filled => None,
    };
    let left = app.board.left_cancel(id).await.map_err(refusal::board)?;
    Ok(Voidness {
        void: transaction.is_some(),
        transaction,
        left: left.map(LeftView::of),
    })
}

fn terms(order: &OrderRecord) -> CancelTerms {
    CancelTerms {
        chain_id: order.chain_id,
        settlement: order.contract,
        id: order.id,
    }
}

/// How to make an order void: the transaction for its owner's wallet, and what the owner signs for the desk to send.
pub(crate) fn how(order: &OrderView) -> Value {
    let record = &order.record;
    let signed: Order = record.signed();
    let call = IDvPSettlement::cancelOrderCall { order: signed };
    json!({
        "words": "the order is off the board, but its signature is good until it expires: only the settlement \
                  contract can make it void. Send the transaction from the owner's wallet, or sign the typed data and post \
                  the signature to `post_to`: the desk sends it",
        "contract": record.contract,
        "chain_id": record.chain_id,
        "call": "cancelOrder",
        "order": orders::signed_json(order),
        "transaction": Transaction::of(record.chain_id, record.contract, &call),
        "typed_data": Request::Cancel(terms(record)).typed(),
        "post_to": format!("/v1/orders/{}/void", record.id),
    })
}

/// Refuses a signature that is not the owner's for the cancel of this order.
async fn check(app: &App, order: &OrderRecord, signature: &Bytes) -> Result<(), Problem> {
    let digest = terms(order).digest();
    let Err(refused) = signature::verify(order.owner, digest, signature) else {
        return Ok(());
    };
    let verdict = app.node.verdict(order.owner, digest, signature).await;
    match verdict.map_err(Problem::node_gone)? {
        ContractVerdict::Accepts => Ok(()),
        ContractVerdict::Refuses => Err(refusal::signature(&SignatureError::ContractRefuses(
            order.owner,
        ))),
        ContractVerdict::NoCode | ContractVerdict::DelegateRefuses => {
            Err(refusal::signature(&refused))
        }
    }
}

/// `POST /v1/orders/{order}/void`.
pub(crate) async fn leave(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    let signature = fields.bytes("signature");
    let signature = fields.end(signature)?;
    let app = &call.app;
    let order = orders::seen(&call, call.place("order")).await?;
    let (id, owner) = (order.record.id, order.record.owner);
    let now = view(app, &order).await?;
    if now.void {
        return Reply::ok(&answer(id, &now));
    }
    let digest = terms(&order.record).digest();
    let signature = signature::canonical(owner, digest, &signature);
    check(app, &order.record, &signature).await?;
    let by = By::new(WEB).because("its owner signed its cancel, for the desk to send");
    let left = app.board.leave_cancel(id, &signature, by).await;
    let (_, is_new) = left.map_err(refusal::board)?;
    let status = if is_new {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let order = orders::seen(&call, call.place("order")).await?;
    let reply = Reply::json(status, &answer(id, &view(app, &order).await?))?;
    if let Some(slot) = &call.answer {
        slot.fill(app, &reply).await?;
    }
    Ok(reply)
}

fn answer(id: B256, voidness: &Voidness) -> Value {
    let mut answer = json!(voidness);
    answer["id"] = json!(id);
    answer["state"] = json!(OrderState::Cancelled);
    answer
}
