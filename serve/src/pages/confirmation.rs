//! The confirmation of a trade for one of its parties: what Rule 10b-10 requires, the transaction, the proof. It prints
//! on one page.

use askama::Template;
use axum::http::StatusCode;
use book::audit::confirmation::Confirmation;
use book::market::amount::dollars;
use book::market::record::Capacity;

use super::decimals::{dollars as with_cents, grouped};
use super::frame::{Frame, Here, chain_name};
use super::html;
use super::time::Moment;
use super::words::{count, rounded_text};
use crate::problem::Problem;
use crate::route::{Call, Reply};
use crate::{access, orders, trades};

#[derive(Template)]
#[template(path = "confirmation.html")]
struct ConfirmationPage {
    frame: Frame,
    found: Confirmation,
    /// `order-0x12345678`: what files of it are called.
    name: String,
    /// Whole tokens with groups.
    quantity: String,
    price: String,
    total: String,
    commission: String,
    acted: &'static str,
    at: Moment,
    chain: String,
    block: String,
    seq: String,
    anchor_block: String,
}

fn acted(capacity: Capacity) -> &'static str {
    match capacity {
        Capacity::Agency => "agent",
        Capacity::Principal => "principal, for our own account",
        Capacity::RisklessPrincipal => {
            "riskless principal, for our own account against a customer's order"
        }
    }
}

/// `GET /orders/{order}/confirmation`.
pub(crate) async fn confirmation(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let order = orders::seen(&call, call.place("order")).await?;
    let route = "GET /orders/{order}/confirmation";
    access::seen(&call, route, [order.record.owner]).await?;
    let found = trades::confirmation_view(app, &order).await?;
    let found = found.ok_or_else(|| Problem::not_found("fill of this order"))?;
    let here = if caller.is_investor() {
        Here::Orders
    } else {
        Here::Elsewhere
    };
    let anchor = found.record.anchor.as_ref();
    let page = ConfirmationPage {
        frame: Frame::of(app, Some(caller), here, "Confirmation").await?,
        name: format!("confirmation-{}", &found.order.to_string()[2..10]),
        quantity: grouped(&found.quantity),
        price: if found.price_exact {
            with_cents(&found.price_usd)
        } else {
            rounded_text(&found.price_usd)
        },
        total: dollars(found.total_base_units.parse().unwrap_or_default()),
        commission: with_cents(&found.fees.commission_usd),
        acted: acted(found.capacity),
        at: Moment::read(&found.time.executed_at),
        chain: chain_name(found.transaction.chain_id),
        block: count(found.transaction.block),
        seq: count(found.record.seq),
        anchor_block: anchor.map_or_else(String::new, |anchor| count(anchor.block)),
        found,
    };
    html(&call.headers, StatusCode::OK, &page)
}
