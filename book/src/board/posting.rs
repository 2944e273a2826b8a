//! A signed order on its way to the board.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, Bytes, U256};
use jiff::Timestamp;

use super::error::BoardError;
use super::signature::{self, ContractSignatures, ContractVerdict, SignatureError};
use crate::log::body::{BookOpened, OrderPosted};
use crate::market::amount::time;
use crate::market::code;
use crate::market::order::{MAX_LIFETIME, Order, OrderHasher, Side, board_ref_uuid};
use crate::market::price::Price;
use crate::market::record::Capacity;
use crate::market::security::Security;

/// A signed order and what the broker-dealer must record with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// What the owner signed.
    pub order: Order,
    /// The owner's signature.
    pub signature: Bytes,
    /// The price the customer named, if any; it must give exactly the signed total.
    pub price: Option<Price>,
    /// The customer's account at the broker-dealer: 1 to 64 characters.
    pub account: String,
    /// The broker-dealer's capacity.
    pub capacity: Capacity,
    /// Whether the broker-dealer solicited the order.
    pub solicited: bool,
    /// When the customer's order reached the broker-dealer.
    pub received_at: Timestamp,
    /// Who took the order: 1 to 64 characters.
    pub taken_by: String,
}

/// What a posting is checked against; the same for one order and for a million.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Who the book belongs to and which contract it settles through.
    pub book: BookOpened,
    pub(crate) securities: HashMap<Address, Security>,
    hasher: OrderHasher,
}

/// How far the receipt of an order may be ahead of the clock, seconds.
const RECEIPT_TOLERANCE: i64 = 60;

/// Integers are exact in JSON below this.
const JSON_INTEGERS: u64 = 1 << 53;

impl Rules {
    pub(crate) fn new(book: BookOpened, securities: impl IntoIterator<Item = Security>) -> Self {
        let hasher = OrderHasher::new(book.chain_id, book.contract);
        let securities = securities
            .into_iter()
            .map(|listed| (listed.token, listed))
            .collect();
        Self {
            book,
            securities,
            hasher,
        }
    }

    /// The id of an order in this book.
    pub(super) fn id(&self, order: &Order) -> B256 {
        self.hasher.id(order)
    }

    /// Everything but the signature, in the order in which the settlement contract checks the fields.
    pub(crate) fn check(
        &self,
        posting: &Posting,
        now: Timestamp,
    ) -> Result<(B256, OrderPosted), BoardError> {
        let order = &posting.order;
        if order.owner.is_zero() {
            return Err(field("owner", order.owner, "expected the signing wallet"));
        }
        let side = Side::from_code(order.side)
            .ok_or_else(|| field("side", order.side, "expected 0 (bid) or 1 (ask)"))?;
        let security = self
            .securities
            .get(&order.security)
            .ok_or_else(|| BoardError::UnknownSecurity(order.security.to_string()))?;
        if order.payment != self.book.payment {
            let wanted = format!("expected the book's coin {}", self.book.payment);
            return Err(field("payment", order.payment, wanted));
        }
        let quantity = amount("quantity", order.quantity)?;
        let limit_total = amount("limitTotal", order.limitTotal)?;
        let now_seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let latest = now_seconds.saturating_add(MAX_LIFETIME);
        if order.expiry <= now_seconds || order.expiry > latest {
            let wanted = format!(
                "expected a time after now and by {} ({latest})",
                time(latest)
            );
            return Err(field("expiry", order.expiry, wanted));
        }
        if order.epoch >= JSON_INTEGERS {
            return Err(field(
                "epoch",
                order.epoch,
                "expected the owner's epoch, below 2^53",
            ));
        }
        if board_ref_uuid(order.boardRef).is_none() {
            let wanted = "expected a UUID v7 followed by 16 zero bytes";
            return Err(field("boardRef", order.boardRef, wanted));
        }
        let price = Price::of(limit_total, quantity, security.decimals)?;
        if let Some(named) = posting.price.filter(|named| *named != price) {
            let expected = named.total(quantity, security.decimals)?;
            return Err(BoardError::PriceMismatch {
                price: named,
                expected,
                signed: limit_total,
            });
        }
        plain_code("account", &posting.account)?;
        plain_code("taken_by", &posting.taken_by)?;
        if posting.received_at.as_second() > now.as_second() + RECEIPT_TOLERANCE {
            let wanted = format!("expected a time up to now ({now})");
            return Err(field("received_at", posting.received_at, wanted));
        }
        let id = self.id(order);
        let posted = OrderPosted {
            account: posting.account.clone(),
            board_ref: order.boardRef,
            capacity: posting.capacity,
            chain_id: self.book.chain_id,
            contract: self.book.contract,
            counterparty: order.counterparty,
            decimals: security.decimals,
            epoch: order.epoch,
            expiry: order.expiry,
            isin: security.isin,
            limit_total,
            owner: order.owner,
            payment: order.payment,
            price,
            quantity,
            security: order.security,
            side,
            signature: signature::canonical(order.owner, id, &posting.signature),
            signed: None,
            solicited: posting.solicited,
            symbol: security.symbol.clone(),
            taken_by: posting.taken_by.clone(),
        };
        Ok((id, posted))
    }
}

#[allow(clippy::needless_pass_by_value)] // Numbers and addresses alike are handed over.
fn field(
    field: &'static str,
    found: impl std::fmt::Display,
    wanted: impl Into<String>,
) -> BoardError {
    BoardError::Field {
        field,
        found: format!("{found}"),
        wanted: wanted.into(),
    }
}

fn amount(name: &'static str, value: U256) -> Result<u128, BoardError> {
    u128::try_from(value)
        .ok()
        .filter(|value| *value > 0)
        .ok_or_else(|| field(name, value, "expected 1 to 2^128 - 1 base units"))
}

/// Refuses a code that is empty, too long, or not what it appears to be.
fn plain_code(field: &'static str, found: &str) -> Result<(), BoardError> {
    text(field, found, 64)?;
    code::check(found).map_err(|cause| BoardError::Code { field, cause })
}

/// Refuses texts that a table or a log could not show on one line.
pub(crate) fn text(field: &'static str, found: &str, limit: usize) -> Result<(), BoardError> {
    let fits = (1..=limit).contains(&found.chars().count());
    if fits && !found.chars().any(char::is_control) && found.trim() == found {
        Ok(())
    } else {
        Err(BoardError::Text {
            field,
            found: found.to_owned(),
            limit,
        })
    }
}

/// The owner's key signed, or its contract accepts the signature.
pub(crate) async fn verify_signature(
    chain: Option<&dyn ContractSignatures>,
    owner: Address,
    id: B256,
    signature: &Bytes,
) -> Result<(), BoardError> {
    let refused = match signature::verify(owner, id, signature) {
        Ok(()) => return Ok(()),
        Err(refused) => refused,
    };
    match chain {
        None => Err(refused.into()),
        Some(chain) => match chain.verdict(owner, id, signature).await? {
            ContractVerdict::Accepts => Ok(()),
            ContractVerdict::Refuses => Err(SignatureError::ContractRefuses(owner).into()),
            ContractVerdict::NoCode | ContractVerdict::DelegateRefuses => Err(refused.into()),
        },
    }
}
