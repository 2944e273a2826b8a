//! The record as files: CSV for people, JSON lines for the log. Rows are written as they are read.

use std::collections::BTreeSet;
use std::io::Write;

use alloy::primitives::{Address, U256};
use jiff::Timestamp;

use super::error::BoardError;
use super::fills::{Fill, Fills};
use super::{Board, spreadsheet};
use crate::log::event::Event;
use crate::log::hash::Columns;
use crate::market::amount::{COIN_DECIMALS, plain};
use crate::market::commission::Schedule;
use crate::market::days::Days;
use crate::market::filter::OrderFilter;
use crate::market::order::Side;
use crate::market::record::{Capacity, OrderRecord, OrderView};

/// Rows read at once.
const PAGE: u32 = 2_048;

/// From when until when, both included; `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The last moment.
    pub to: Option<Timestamp>,
}

impl From<&Days> for Period {
    fn from(days: &Days) -> Self {
        let (from, to) = (days.from(), days.to());
        Self { from, to }
    }
}

impl Period {
    fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

/// The sums of a blotter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Trades.
    pub trades: u64,
    /// Coin base units moved; `None` above 2^128 - 1.
    pub total: Option<u128>,
    /// The owners whose orders were filled; orders that the board does not have are left out.
    pub owners: BTreeSet<Address>,
}

/// Columns of an order export.
pub(crate) const ORDER_COLUMNS: [&str; 22] = [
    "id",
    "board_ref",
    "state",
    "symbol",
    "isin",
    "token",
    "side",
    "quantity",
    "quantity_base_units",
    "price_usd",
    "limit_total_base_units",
    "expiry",
    "epoch",
    "counterparty",
    "owner",
    "account",
    "capacity",
    "solicited",
    "received_at",
    "captured_at",
    "taken_by",
    "signature",
];

/// Columns of a blotter.
pub(crate) const BLOTTER_COLUMNS: [&str; 21] = [
    "settlement_id",
    "settled_at",
    "symbol",
    "isin",
    "quantity",
    "price_usd",
    "total_usd",
    "total_base_units",
    "buyer_account",
    "buyer",
    "buyer_capacity",
    "seller_account",
    "seller",
    "seller_capacity",
    "bid",
    "ask",
    "tx_hash",
    "block",
    "trade_day",
    "buyer_commission_usd",
    "seller_commission_usd",
];

impl Board {
    /// Writes the orders of a filter as CSV, oldest first; its sort, limit and offset are ignored. Returns the number
    /// of rows.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], [`BoardError::File`], or the store's.
    pub async fn export_orders(
        &self,
        filter: &OrderFilter,
        period: Period,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, BoardError> {
        spreadsheet::header(out, &ORDER_COLUMNS)?;
        let mut page = OrderFilter {
            limit: Some(PAGE),
            offset: 0,
            ..filter.clone()
        };
        (page.sort, page.descending) = (crate::market::filter::OrderSort::Posted, false);
        let mut rows = 0;
        loop {
            let orders = self.orders(&page).await?;
            let Some(last) = orders.last() else { break };
            page.after_seq = Some(last.posted_seq);
            for order in orders
                .iter()
                .filter(|order| period.contains(order.record.captured_at))
            {
                spreadsheet::row(out, &ORDER_COLUMNS, &order_row(order))?;
                rows += 1;
            }
        }
        out.flush()?;
        Ok(rows)
    }

    /// Writes the log as JSON lines. Returns the number of rows.
    ///
    /// # Errors
    /// [`BoardError::File`], or the store's.
    pub async fn export_events(
        &self,
        period: Period,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, BoardError> {
        self.write_events(period, u64::MAX, out).await
    }

    /// The same up to event `last`.
    pub(super) async fn write_events(
        &self,
        period: Period,
        last: u64,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, BoardError> {
        let (mut rows, mut from) = (0, 1);
        let mut line = Vec::new();
        loop {
            let events = self.events(from, PAGE).await?;
            let Some(end) = events.last().map(|event| event.seq) else {
                return Ok(rows);
            };
            let wanted = |event: &&Event| event.seq <= last && period.contains(event.captured_at);
            for event in events.iter().filter(wanted) {
                Columns::of(event).write_json_with_hash(&event.hash, &mut line);
                line.push(b'\n');
                out.write_all(&line)?;
                rows += 1;
            }
            if end >= last {
                return Ok(rows);
            }
            from = end + 1;
        }
    }

    /// Writes every trade that settled on these days as CSV, with a last line that has the sums.
    ///
    /// # Errors
    /// [`BoardError::File`], or the store's.
    pub async fn export_blotter(
        &self,
        days: &Days,
        commissions: &Schedule,
        out: &mut (dyn Write + Send),
    ) -> Result<Sums, BoardError> {
        let mut snapshot = self.store.snapshot().await?;
        let mut blotter = Blotter::begin(days, commissions, out)?;
        let mut fills = Fills::new(days, u64::MAX);
        let now = self.store.clock().now();
        while let Some(page) = fills.next(snapshot.link(), now).await? {
            for fill in page {
                blotter.row(&fill, out)?;
            }
        }
        Ok(blotter.end(out)?)
    }
}

/// A blotter being written.
#[derive(Debug)]
pub(crate) struct Blotter<'a> {
    days: &'a Days,
    commissions: &'a Schedule,
    sums: Sums,
}

impl<'a> Blotter<'a> {
    pub(crate) fn begin(
        days: &'a Days,
        commissions: &'a Schedule,
        out: &mut dyn Write,
    ) -> std::io::Result<Self> {
        spreadsheet::header(out, &BLOTTER_COLUMNS)?;
        Ok(Self {
            days,
            commissions,
            sums: Sums {
                trades: 0,
                total: Some(0),
                owners: BTreeSet::new(),
            },
        })
    }

    pub(crate) fn row(&mut self, fill: &Fill, out: &mut dyn Write) -> std::io::Result<()> {
        let cells = blotter_row(fill, self.days, self.commissions);
        self.sums.trades += 1;
        let total = fill.settled.total;
        self.sums.total = self.sums.total.and_then(|sum| sum.checked_add(total));
        self.sums.owners.extend(fill.owners());
        spreadsheet::row(out, &BLOTTER_COLUMNS, &cells)
    }

    /// Writes the last line.
    pub(crate) fn end(self, out: &mut dyn Write) -> std::io::Result<Sums> {
        let Sums { trades, total, .. } = self.sums;
        let mut last = [const { String::new() }; BLOTTER_COLUMNS.len()];
        last[0] = format!("{trades} trades");
        last[6] = total.map_or_else(String::new, |sum| plain(U256::from(sum), COIN_DECIMALS));
        last[7] = total.map_or_else(String::new, |sum| sum.to_string());
        spreadsheet::row(out, &BLOTTER_COLUMNS, &last)?;
        out.flush()?;
        Ok(self.sums)
    }
}

fn order_row(order: &OrderView) -> [String; ORDER_COLUMNS.len()] {
    let record = &order.record;
    let counterparty = if record.counterparty.is_zero() {
        String::new()
    } else {
        record.counterparty.to_string()
    };
    [
        record.id.to_string(),
        record.board_ref.to_string(),
        order.state.to_string(),
        record.symbol.clone(),
        record.isin.to_string(),
        record.security.to_string(),
        record.side.to_string(),
        plain(U256::from(record.quantity), record.decimals),
        record.quantity.to_string(),
        record.price.to_string(),
        record.limit_total.to_string(),
        record.expiry.to_string(),
        record.epoch.to_string(),
        counterparty,
        record.owner.to_string(),
        record.account.clone(),
        record.capacity.to_string(),
        record.solicited.to_string(),
        record.received_at.to_string(),
        record.captured_at.to_string(),
        record.taken_by.clone(),
        record.signature.to_string(),
    ]
}

/// What one side is billed: a commission, where the broker-dealer was agent.
pub(crate) fn commission(
    order: &OrderRecord,
    fill: &Fill,
    days: &Days,
    commissions: &Schedule,
) -> u128 {
    match order.capacity {
        Capacity::Agency => commissions.of(fill.settled.total, days.day_of(fill.event.occurred_at)),
        Capacity::Principal | Capacity::RisklessPrincipal => 0,
    }
}

fn blotter_row(
    fill: &Fill,
    days: &Days,
    commissions: &Schedule,
) -> [String; BLOTTER_COLUMNS.len()] {
    let Fill { event, settled, .. } = fill;
    let (either, bid, ask) = (fill.either(), fill.side(Side::Bid), fill.side(Side::Ask));
    let of = |order: Option<&OrderRecord>, field: fn(&OrderRecord) -> String| {
        order.map(field).unwrap_or_default()
    };
    let billed = |order: Option<&OrderRecord>| {
        let billed = order.map(|order| commission(order, fill, days, commissions));
        billed.map_or_else(String::new, |billed| {
            plain(U256::from(billed), COIN_DECIMALS)
        })
    };
    [
        settled.settlement_id.to_string(),
        event.occurred_at.to_string(),
        of(either, |order| order.symbol.clone()),
        of(either, |order| order.isin.to_string()),
        fill.quantity().unwrap_or_default(),
        fill.price()
            .map_or_else(String::new, |price| price.to_string()),
        plain(U256::from(settled.total), COIN_DECIMALS),
        settled.total.to_string(),
        of(bid, |order| order.account.clone()),
        of(bid, |order| order.owner.to_string()),
        of(bid, |order| order.capacity.to_string()),
        of(ask, |order| order.account.clone()),
        of(ask, |order| order.owner.to_string()),
        of(ask, |order| order.capacity.to_string()),
        settled.bid.to_string(),
        settled.ask.to_string(),
        settled.tx_hash.to_string(),
        settled.block.to_string(),
        days.day_of(event.occurred_at).to_string(),
        billed(bid),
        billed(ask),
    ]
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;
    use crate::log::body::SettlementSettled;
    use crate::market::commission::Rate;
    use crate::sample::{self, START, by};

    #[tokio::test]
    async fn a_blotter_has_every_trade_of_its_days_with_fees_and_sums() {
        for book in sample::books().await {
            let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
            let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
            let occurred_at = Timestamp::from_second(START + 5).unwrap();
            for (number, bid, ask) in [
                (1, bid, ask),
                (2, B256::repeat_byte(1), B256::repeat_byte(2)),
            ] {
                let settled = SettlementSettled {
                    ask,
                    bid,
                    block: 7,
                    match_id: None,
                    settlement_id: number.to_string().parse().unwrap(),
                    total: 1_035_000_000,
                    tx_hash: B256::repeat_byte(number),
                };
                let recorded = book.board.record_settled(settled, occurred_at, by("chain"));
                recorded.await.unwrap();
            }
            // The tests begin on 15 January 2027, 03:00 in New York.
            let day = |day: &str| Some(day.parse().unwrap());
            let commissions = Schedule::new(vec![Rate {
                from: "2027-01-01".parse().unwrap(),
                bips: 25,
            }])
            .unwrap();
            let every = Days::every().unwrap();
            let mut text = Vec::new();
            let sums = book
                .board
                .export_blotter(&every, &commissions, &mut text)
                .await
                .unwrap();
            let found = [bid, ask].map(|id| book.board.find(id));
            let owners = futures::future::try_join_all(found).await.unwrap();
            let owners = owners
                .into_iter()
                .flatten()
                .map(|order| order.record.owner)
                .collect();
            assert_eq!(
                sums,
                Sums {
                    trades: 2,
                    total: Some(2_070_000_000),
                    owners,
                }
            );
            let text = String::from_utf8(text).unwrap();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 4, "{text}");
            assert!(
                lines[1].contains(",100,10.35,1035,1035000000,\"A-1\","),
                "{text}"
            );
            // 25 basis points of 1,035 dollars, for each side that was handled as agent.
            assert!(
                lines[1].ends_with(",7,\"2027-01-15\",2.5875,2.5875"),
                "{text}"
            );
            // Nothing is known about orders that the board does not have.
            assert!(lines[2].ends_with(",7,\"2027-01-15\",,"), "{text}");
            assert!(
                lines[3].starts_with("\"2 trades\",\"\",\"\",\"\",,,2070,2070000000,\"\","),
                "{text}"
            );
            let later = Days::new(day("2027-01-16"), None, "America/New_York").unwrap();
            let none = Schedule::default();
            let sums = book
                .board
                .export_blotter(&later, &none, &mut Vec::new())
                .await
                .unwrap();
            assert_eq!((sums.trades, sums.total), (0, Some(0)));
            let fill = book.board.fill_of(bid).await.unwrap().unwrap();
            assert_eq!(fill.settled.ask, ask);
            assert_eq!(fill.price().unwrap().to_string(), "10.35");
        }
    }
}
