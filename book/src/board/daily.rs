//! Some days of the board by security: what was posted, taken off, matched and traded.

use std::collections::BTreeMap;
use std::io::Write;

use alloy::primitives::{Address, B256, U256};
use jiff::civil::Date;
use serde::Serialize;

use super::error::BoardError;
use super::fills::Fills;
use super::{Board, spreadsheet};
use crate::log::body::Body;
use crate::log::event::Event;
use crate::market::amount::{COIN_DECIMALS, plain};
use crate::market::days::Days;
use crate::market::order::Side;
use crate::market::security::Security;
use crate::store::engine::Link;
use crate::store::head::HeadRow;
use crate::store::{query, row};

/// Events read at once.
const PAGE: u32 = 2_048;

/// Columns of the summary.
const COLUMNS: [&str; 15] = [
    "from",
    "to",
    "symbol",
    "isin",
    "bids_posted",
    "asks_posted",
    "taken_off",
    "proposed",
    "approved",
    "refused",
    "committed",
    "released",
    "trades",
    "quantity",
    "total_usd",
];

/// What happened in one security.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Ticker.
    pub symbol: String,
    /// ISIN.
    pub isin: String,
    /// Bids that were posted.
    pub bids_posted: u64,
    /// Asks that were posted.
    pub asks_posted: u64,
    /// Orders that were taken off the board or cancelled on chain.
    pub taken_off: u64,
    /// Matches that were proposed.
    pub proposed: u64,
    /// Matches that were approved.
    pub approved: u64,
    /// Matches that were refused, or ended with one of their orders.
    pub refused: u64,
    /// Matches that were committed on chain.
    pub committed: u64,
    /// Matches that were released on chain.
    pub released: u64,
    /// Trades whose block was made on these days.
    pub trades: u64,
    /// Whole tokens that moved in them.
    pub quantity: String,
    /// Dollars that moved in them.
    pub total_usd: String,
}

/// Some days of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Daily {
    /// The first day; `None` for everything up to `to`.
    pub from: Option<Date>,
    /// The last day; `None` for everything since `from`.
    pub to: Option<Date>,
    /// The time zone in which they are counted.
    pub zone: String,
    /// The first and the last event recorded on them; none if there was none.
    pub events: Option<(u64, u64)>,
    /// Every listed security, in the order of listing.
    pub securities: Vec<Activity>,
}

/// Counts being made.
#[derive(Debug, Clone, Default)]
struct Counts {
    posted: [u64; 2],
    taken_off: u64,
    proposed: u64,
    approved: u64,
    refused: u64,
    committed: u64,
    released: u64,
    trades: u64,
    quantity: U256,
    total: U256,
}

/// The counts, by token.
#[derive(Debug, Default)]
struct Tally {
    counts: BTreeMap<Address, Counts>,
    /// The securities of orders and matches that an event only names by id.
    known: BTreeMap<String, Address>,
}

impl Tally {
    fn of(&mut self, token: Address) -> &mut Counts {
        self.counts.entry(token).or_default()
    }

    /// The security of an order.
    async fn order(&mut self, link: Link<'_>, id: B256) -> Result<Option<Address>, BoardError> {
        let subject = id.to_string();
        if let Some(token) = self.known.get(&subject) {
            return Ok(Some(*token));
        }
        let Some(found) = query::orders_among(link, &[id]).await?.pop() else {
            return Ok(None);
        };
        let record = row::order(found, jiff::Timestamp::MIN)?.record;
        self.known.insert(subject, record.security);
        Ok(Some(record.security))
    }

    /// The security that an event other than a posting is about.
    async fn subject(
        &mut self,
        mut link: Link<'_>,
        event: &Event,
    ) -> Result<Option<Address>, BoardError> {
        if let Ok(id) = event.subject.parse::<B256>() {
            return self.order(link, id).await;
        }
        if let Some(token) = self.known.get(&event.subject) {
            return Ok(Some(*token));
        }
        let found = query::match_by_id(link.reborrow(), &event.subject).await?;
        let Some(found) = found.map(row::matching).transpose()? else {
            return Ok(None);
        };
        let token = self.order(link, found.bid).await?;
        if let Some(token) = token {
            self.known.insert(event.subject.clone(), token);
        }
        Ok(token)
    }

    async fn take(&mut self, link: Link<'_>, event: &Event) -> Result<(), BoardError> {
        let add: fn(&mut Counts) = match row::body(event.seq, event.kind, &event.body)? {
            Body::OrderPosted(posted) => {
                let side = usize::from(posted.side == Side::Ask);
                self.of(posted.security).posted[side] += 1;
                return Ok(());
            }
            Body::OrderCancelled(_) => |counts| counts.taken_off += 1,
            Body::MatchProposed(_) => |counts| counts.proposed += 1,
            Body::MatchApproved(_) => |counts| counts.approved += 1,
            Body::MatchRefused(_) => |counts| counts.refused += 1,
            Body::MatchCommitted(_) => |counts| counts.committed += 1,
            Body::MatchReleased(_) => |counts| counts.released += 1,
            _ => return Ok(()),
        };
        if let Some(token) = self.subject(link, event).await? {
            add(self.of(token));
        }
        Ok(())
    }

    fn activity(&mut self, security: Security) -> Activity {
        let counts = self.counts.remove(&security.token).unwrap_or_default();
        let [bids_posted, asks_posted] = counts.posted;
        Activity {
            symbol: security.symbol,
            isin: security.isin.to_string(),
            bids_posted,
            asks_posted,
            taken_off: counts.taken_off,
            proposed: counts.proposed,
            approved: counts.approved,
            refused: counts.refused,
            committed: counts.committed,
            released: counts.released,
            trades: counts.trades,
            quantity: plain(counts.quantity, security.decimals),
            total_usd: plain(counts.total, COIN_DECIMALS),
        }
    }
}

impl Board {
    /// Some days: orders and matches by when they were recorded, trades by the time of their block, as in the blotter.
    ///
    /// # Errors
    /// The store's.
    pub async fn daily(&self, days: &Days) -> Result<Daily, BoardError> {
        let securities = self.securities().await?;
        let now = self.store.clock().now();
        let mut snapshot = self.store.snapshot().await?;
        let head = HeadRow::read(snapshot.link()).await?;
        let size = head.map_or(0, |head| head.size());
        let first = match days.from() {
            Some(from) => query::first_since(&mut snapshot.link(), size, |at| at >= from).await?,
            None => 1,
        };
        let last = match days.to() {
            Some(to) => query::first_since(&mut snapshot.link(), size, |at| at > to).await? - 1,
            None => size,
        };
        let mut tally = Tally::default();
        let mut next = first;
        while next <= last {
            let page = query::events(snapshot.link(), next, PAGE).await?;
            let Some(end) = page.last().map(|found| row::unsigned(found.0)) else {
                break;
            };
            for found in page {
                let event = row::event(found)?;
                if event.seq <= last {
                    tally.take(snapshot.link(), &event).await?;
                }
            }
            next = end + 1;
        }
        let mut fills = Fills::new(days, u64::MAX);
        while let Some(page) = fills.next(snapshot.link(), now).await? {
            for fill in page {
                let Some(order) = fill.either() else { continue };
                let (token, quantity) = (order.security, order.quantity);
                let counts = tally.of(token);
                counts.trades += 1;
                counts.quantity = counts.quantity.saturating_add(U256::from(quantity));
                let total = U256::from(fill.settled.total);
                counts.total = counts.total.saturating_add(total);
            }
        }
        let activity = securities.into_iter().map(|one| tally.activity(one));
        let securities = activity.collect();
        Ok(Daily {
            from: days.first(),
            to: days.last(),
            zone: days.zone().to_owned(),
            events: (first <= last).then_some((first, last)),
            securities,
        })
    }
}

impl Daily {
    /// Writes the summary as CSV. Returns the number of rows.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<u64> {
        spreadsheet::header(out, &COLUMNS)?;
        let mut rows = 0;
        for one in &self.securities {
            let mut line = spreadsheet::Line::default();
            line.maybe(self.from.as_ref())
                .maybe(self.to.as_ref())
                .text(&one.symbol)
                .text(&one.isin);
            for count in [
                one.bids_posted,
                one.asks_posted,
                one.taken_off,
                one.proposed,
                one.approved,
                one.refused,
                one.committed,
                one.released,
                one.trades,
            ] {
                line.number(&count);
            }
            line.number(&one.quantity).number(&one.total_usd);
            line.end(out)?;
            rows += 1;
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::body::SettlementSettled;
    use crate::sample::{self, START, by};
    use jiff::Timestamp;

    /// The tests begin on 15 January 2027, 03:00 in New York.
    fn days(day: &str) -> Days {
        let day = day.parse().unwrap();
        Days::new(Some(day), Some(day), "America/New_York").unwrap()
    }

    #[tokio::test]
    async fn a_day_has_what_was_posted_taken_off_matched_and_traded_on_it() {
        for book in sample::books().await {
            let board = &book.board;
            let (bid, ask) = (
                book.post(1, Side::Bid, 100, 1_050).await.id,
                book.post(2, Side::Ask, 100, 1_020).await.id,
            );
            let off = book.post(1, Side::Bid, 5, 50).await.id;
            board.cancel(off, by("ada")).await.unwrap();
            let matched = board.propose(bid, ask, by("dana")).await.unwrap();
            board.approve(matched.id, by("ruth")).await.unwrap();
            book.hands.turn(24 * 3_600);
            let settled = SettlementSettled {
                ask,
                bid,
                block: 7,
                match_id: None,
                settlement_id: "1".parse().unwrap(),
                total: 1_035_000_000,
                tx_hash: B256::repeat_byte(9),
            };
            // Recorded a day after its block was made: it belongs to the day of the block.
            let at = Timestamp::from_second(START + 60).unwrap();
            board
                .record_settled(settled, at, by("chain"))
                .await
                .unwrap();

            let first = board.daily(&days("2027-01-15")).await.unwrap();
            let found = &first.securities[0];
            assert_eq!(found.symbol, "HRBR");
            assert_eq!(
                (found.bids_posted, found.asks_posted, found.taken_off),
                (2, 1, 1)
            );
            assert_eq!((found.proposed, found.approved, found.refused), (1, 1, 0));
            assert_eq!((found.trades, found.quantity.as_str()), (1, "100"));
            assert_eq!(found.total_usd, "1035");
            let last = board.head().await.unwrap().size - 1;
            assert_eq!(first.events, Some((1, last)));

            let second = board.daily(&days("2027-01-16")).await.unwrap();
            assert_eq!(second.events, Some((last + 1, last + 1)));
            assert_eq!(
                (
                    second.securities[0].trades,
                    second.securities[0].bids_posted
                ),
                (0, 0)
            );
            let none = board.daily(&days("2027-01-17")).await.unwrap();
            assert_eq!(none.events, None);

            let mut text = Vec::new();
            assert_eq!(first.write(&mut text).unwrap(), 1);
            let text = String::from_utf8(text).unwrap();
            let row = text.lines().nth(1).unwrap();
            assert_eq!(
                row,
                "\"2027-01-15\",\"2027-01-15\",\"HRBR\",\"US0378331005\",2,1,1,1,1,0,0,0,1,100,1035"
            );
        }
    }
}
