//! An order before it is signed: its ten fields and its id, as this board would take it. The wallet's own page also
//! computes the id, and asks for a signature only if the two are the same.

use alloy::primitives::{Address, U256};
use axum::http::StatusCode;
use book::market::order::{Order, OrderHasher, Side, new_board_ref};
use book::market::price::{Price, PriceError};
use serde_json::json;

use crate::fields;
use crate::problem::{Bad, Problem};
use crate::query::{self, Query};
use crate::refusal;
use crate::route::{Call, Reply};
use crate::sight;

/// Unix seconds of a time without a fraction.
fn expiry(text: &str) -> Result<u64, String> {
    let time = fields::instant(text)?;
    if time.subsec_nanosecond() != 0 {
        return Err(format!("{text:?} has a fraction of a second"));
    }
    u64::try_from(time.as_second()).map_err(|_| format!("{text:?} is before 1970"))
}

/// A parameter that must be there.
fn must<T, E: std::fmt::Display>(
    query: &Query,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Problem> {
    let found = query.take(name, read)?;
    found.ok_or_else(|| query::bad(name, "it is missing"))
}

/// The problem of a price that gives a quantity no exact total, with the nearest prices that do.
fn price_problem(error: &PriceError) -> Problem {
    let words = error.to_string();
    let bad = Bad::new("price", "BOARD_REFUSED", words.clone());
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "BOARD_REFUSED", words);
    let problem = problem.fields([bad]);
    match error {
        PriceError::NotWhole { below, above, .. } => problem
            .with("below", json!(below))
            .with("above", json!(above)),
        _ => problem,
    }
}

/// `GET /v1/securities/{security}/draft?side=bid&quantity=1000&price=12.50&expires_at=...`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    let query = &call.query;
    let side = must(query, "side", str::parse::<Side>)?;
    let quantity = must(query, "quantity", fields::amount)?;
    let price = must(query, "price", str::parse::<Price>)?;
    let expiry = must(query, "expires_at", expiry)?;
    let counterparty = query.take("counterparty", book::market::address::parse)?;
    query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::open(app, caller).await?;
    let security = open.find(call.place("security"))?;
    let total = price
        .total(quantity, security.decimals)
        .map_err(|error| price_problem(&error))?;
    let book = app.board.identity();
    let order = Order {
        owner: caller.wallet,
        side: side.code(),
        security: security.token,
        payment: book.payment,
        quantity: U256::from(quantity),
        limitTotal: U256::from(total),
        expiry,
        epoch: open.sight.as_ref().map_or(0, |sight| sight.epoch),
        counterparty: counterparty.unwrap_or(Address::ZERO),
        boardRef: new_board_ref(),
    };
    let id = OrderHasher::new(book.chain_id, book.contract).id(&order);
    Reply::ok(&json!({
        "id": id,
        "symbol": security.symbol,
        "price": price,
        "order": {
            "chain_id": book.chain_id,
            "contract": book.contract,
            "owner": order.owner,
            "side": side,
            "security": order.security,
            "payment": order.payment,
            "quantity": quantity.to_string(),
            "limit_total": total.to_string(),
            "expiry": refusal::instant(expiry),
            "epoch": order.epoch,
            "counterparty": order.counterparty,
            "board_ref": order.boardRef,
        },
    }))
}
