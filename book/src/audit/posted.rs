//! The body of an order's posting, read in place: for tables that are compared with it, and those written from it.

use std::borrow::Cow;

use serde::Deserialize;

use crate::log::act::Signed;

/// The body of a posting in place, with nothing copied.
#[derive(Deserialize)]
pub(super) struct Posted<'a> {
    #[serde(borrow)]
    pub(super) account: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) board_ref: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) capacity: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) counterparty: Cow<'a, str>,
    pub(super) decimals: u8,
    pub(super) epoch: u64,
    pub(super) expiry: u64,
    #[serde(borrow)]
    pub(super) isin: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) limit_total: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) owner: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) price: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) quantity: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) security: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) side: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) signature: Cow<'a, str>,
    #[serde(default)]
    pub(super) signed: Option<Signed>,
    pub(super) solicited: bool,
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) taken_by: Cow<'a, str>,
}
