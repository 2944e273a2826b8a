//! What is in a file of orders: what is new, what the board already has, and what cannot be posted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;

use alloy::primitives::{Address, B256, U256};
use jiff::Timestamp;

use super::error::{BadRow, BoardError};
use super::posting::Posting;
use crate::log::body::OrderPosted;
use crate::market::order::Side;
use crate::market::record::OrderRecord;
use crate::store::append::Draft;
use crate::store::engine::Link;
use crate::store::{query, row};

/// What is in a file of orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// Orders that the board does not have.
    pub new: u64,
    /// Orders that it has just as the file states them.
    pub same: u64,
    /// The totals of the new ones, by symbol and side.
    pub totals: Vec<Total>,
    /// Rows that cannot be posted, in the order of the file.
    pub refused: Vec<BadRow>,
}

/// Orders of one side of a security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The ticker.
    pub symbol: String,
    /// The security.
    pub token: Address,
    /// Its decimals.
    pub decimals: u8,
    /// The side.
    pub side: Side,
    /// How many.
    pub orders: u64,
    /// Base units of the security.
    pub quantity: U256,
    /// Base units of the coin.
    pub limit_total: U256,
}

impl Total {
    /// One order.
    pub(super) fn of(order: &OrderPosted) -> Self {
        Self {
            symbol: order.symbol.clone(),
            token: order.security,
            decimals: order.decimals,
            side: order.side,
            orders: 1,
            quantity: U256::from(order.quantity),
            limit_total: U256::from(order.limit_total),
        }
    }
}

/// One row, checked.
pub(super) type Checked = Result<CheckedRow, BadRow>;

/// One row that identifies its order, checked.
pub(super) struct CheckedRow {
    pub(super) line: u64,
    pub(super) id: B256,
    pub(super) posting: Posting,
    /// Whether the file says when it was received.
    pub(super) states_receipt: bool,
    /// Whether the signature is the owner's key's.
    pub(super) signed: Result<(), String>,
    /// The event that posts it, or why it cannot be posted now.
    pub(super) draft: Result<(Draft, Total), String>,
}

/// Separates what is new, what the board has, and what cannot be posted.
#[derive(Default)]
pub(super) struct Sorting {
    /// An order that was posted by this event or a later one comes from the file itself.
    first_seq: u64,
    /// Orders of the file that were not written.
    pub(super) unwritten: HashSet<B256>,
    new: u64,
    same: u64,
    totals: BTreeMap<(String, u8), Total>,
    pub(super) refused: Vec<BadRow>,
}

impl Sorting {
    /// For a file whose own orders are posted by this event and later ones.
    pub(super) fn before(first_seq: u64) -> Self {
        Self {
            first_seq,
            ..Self::default()
        }
    }

    /// The new orders of some rows, and the events that post them.
    pub(super) async fn sort(
        &mut self,
        from: Link<'_>,
        now: Timestamp,
        rows: Vec<Checked>,
    ) -> Result<(HashSet<B256>, Vec<Draft>), BoardError> {
        let ids = rows.iter().flatten().map(|row| row.id).collect::<Vec<_>>();
        let mut known = HashMap::new();
        for found in query::orders_among(from, &ids).await? {
            let order = row::order(found, now)?;
            known.insert(order.record.id, order);
        }
        let (mut drafts, mut here) = (Vec::with_capacity(rows.len()), HashSet::new());
        for checked in rows {
            let row = match checked {
                Ok(row) => row,
                Err(bad) => {
                    self.refused.push(bad);
                    continue;
                }
            };
            let (at, id) = (row.line, row.id);
            let sorted = match known.get(&id) {
                Some(order) if order.posted_seq < self.first_seq => {
                    row.compare(&order.record).map(|()| None)
                }
                Some(_) => Err(twice(id)),
                None if here.contains(&id) || self.unwritten.contains(&id) => Err(twice(id)),
                None => row.draft.map(Some),
            };
            match sorted {
                Ok(Some((draft, one))) => {
                    here.insert(id);
                    self.add(one);
                    drafts.push(draft);
                }
                Ok(None) => self.same += 1,
                Err(message) => self.refused.push(BadRow { line: at, message }),
            }
        }
        Ok((here, drafts))
    }

    fn add(&mut self, one: Total) {
        self.new += 1;
        match self.totals.entry((one.symbol.clone(), one.side.code())) {
            Entry::Vacant(first) => {
                first.insert(one);
            }
            Entry::Occupied(sum) => {
                let sum = sum.into_mut();
                sum.orders += one.orders;
                // Fewer than 2^64 amounts below 2^128 do not wrap.
                sum.quantity = sum.quantity.wrapping_add(one.quantity);
                sum.limit_total = sum.limit_total.wrapping_add(one.limit_total);
            }
        }
    }

    /// The plan for the rows so far.
    pub(super) fn plan(mut self) -> ImportPlan {
        self.refused.sort_by_key(|row| row.line);
        ImportPlan {
            new: self.new,
            same: self.same,
            totals: self.totals.into_values().collect(),
            refused: self.refused,
        }
    }
}

fn twice(id: B256) -> String {
    format!("order {id} is also on an earlier line of the file")
}

impl CheckedRow {
    /// Compares it with the order as it was posted, whose terms are the same, as the id is their digest. What has
    /// become of the order since then, and whether it could be posted now, does not matter.
    fn compare(&self, posted: &OrderRecord) -> Result<(), String> {
        let (id, posting) = (self.id, &self.posting);
        let differs = |field: &str, board: &dyn Display, file: &dyn Display| {
            Err(format!(
                "order {id} is on the board with {field} {board}, but the file says {file}: a posted order cannot change"
            ))
        };
        if posting.account != posted.account {
            return differs("account", &posted.account, &posting.account);
        }
        if posting.capacity != posted.capacity {
            return differs("capacity", &posted.capacity, &posting.capacity);
        }
        if posting.solicited != posted.solicited {
            return differs("solicited", &posted.solicited, &posting.solicited);
        }
        if let Some(price) = posting.price.filter(|price| *price != posted.price) {
            return differs("price", &posted.price, &price);
        }
        let (board, file) = (posted.received_at, posting.received_at);
        // The board keeps microseconds.
        if self.states_receipt && board.as_microsecond() != file.as_microsecond() {
            return differs("received_at", &board, &file);
        }
        if posting.signature == posted.signature {
            return Ok(());
        }
        self.signed.clone()
    }
}
