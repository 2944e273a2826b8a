//! Whether the rows folded from one event agree with it.

use alloy::primitives::B256;

use super::acts;
use super::posted::Posted;
use super::verify::{Fault, Finding, Reference};
use crate::board::act::WEB;
use crate::market::price::Price;
use crate::market::record::OrderState;
use crate::store::replay::{ClosingRow, OpenRow, StoredEvent, StoredOrder};
use crate::store::row::signed;

/// Compares the row of an order with the event that posts it. Returns the row of `open_orders` that belongs to it.
pub(super) fn posts<'a>(
    reference: &Reference,
    seq: u64,
    row: &StoredEvent<'_>,
    order: &StoredOrder<'a>,
) -> Result<OpenRow<'a>, Finding> {
    let posted: Posted<'_> = serde_json::from_str(&row.body)
        .map_err(|error| Finding::new(seq, Fault::Impossible, error.to_string()))?;
    let security = reference.securities.get(posted.security.as_ref());
    let price = posted
        .price
        .parse::<Price>()
        .map(Price::scaled)
        .unwrap_or_default();
    let quantity: u128 = posted.quantity.parse().unwrap_or_default();
    let columns = [
        ("id", is_hex(&row.subject, order.id)),
        ("security", security == Some(&order.security)),
        (
            "side",
            posted.side == if order.side == 0 { "bid" } else { "ask" },
        ),
        ("price", order.price == price.to_be_bytes()),
        ("quantity", order.quantity == quantity.to_be_bytes()),
        ("expiry", order.expiry == signed(posted.expiry)),
        ("owner", is_hex(&posted.owner, order.owner)),
        ("account", order.account == posted.account),
    ];
    if let Some((column, _)) = columns.into_iter().find(|(_, same)| !same) {
        let message = format!("table orders has a different {column}");
        return Err(projection(seq, message));
    }
    let posting = acts::Posting {
        own: posted.taken_by == WEB && !posted.solicited && posted.capacity == "agency",
        taken_by: &posted.taken_by,
        signed: posted.signed.as_ref(),
    };
    let id = B256::try_from(order.id).unwrap_or_default();
    reference.staff.posted(seq, id, row, &posting)?;
    Ok((
        order.security,
        order.side,
        order.price,
        order.seq,
        order.quantity,
        order.expiry,
    ))
}

pub(super) fn projection(seq: u64, message: impl Into<String>) -> Finding {
    Finding::new(seq, Fault::Projection, message)
}

pub(super) fn cancelled(
    seq: u64,
    row: &StoredEvent<'_>,
    closings: &[ClosingRow],
) -> Result<(), Finding> {
    match closings {
        [closing]
            if closing.1 == i64::from(OrderState::Cancelled.code())
                && is_hex(&row.subject, &closing.2) =>
        {
            Ok(())
        }
        _ => Err(projection(
            seq,
            "table closings does not have exactly the order that it cancels",
        )),
    }
}

/// Whether `text` is `0x` and the digits of `bytes` in lower case.
fn is_hex(text: &str, bytes: &[u8]) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let Some(digits) = text.strip_prefix("0x") else {
        return false;
    };
    digits.len() == 2 * bytes.len()
        && digits
            .as_bytes()
            .chunks_exact(2)
            .zip(bytes)
            .all(|(pair, byte)| {
                pair == [
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                ]
            })
}
