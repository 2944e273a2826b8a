//! The record as files: CSV for people, JSON lines for the log. Rows are written as they are read.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use alloy::primitives::U256;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::error::BoardError;
use super::{Board, damaged, spreadsheet};
use crate::log::body::{Body, SettlementSettled};
use crate::log::event::{Event, EventType};
use crate::log::hash::Columns;
use crate::market::amount::{COIN_DECIMALS, plain};
use crate::market::filter::OrderFilter;
use crate::market::price::Price;
use crate::market::record::{OrderRecord, OrderView};
use crate::store::{query, row};

/// Rows read at once.
const PAGE: u32 = 2_048;

/// From when until when, both included; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The last moment.
    pub to: Option<Timestamp>,
}

impl Period {
    fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

/// What a blotter adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Trades.
    pub trades: u64,
    /// Coin base units moved; `None` beyond 2^128 - 1.
    pub total: Option<u128>,
}

/// A file of an exam pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExamFile {
    /// Its name.
    pub name: &'static str,
    /// Rows below the header.
    pub rows: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
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
pub(crate) const BLOTTER_COLUMNS: [&str; 17] = [
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
];

/// What the columns mean, for whoever gets the files.
pub(crate) const LEGEND: &str = "\
# Legend

Times are UTC (RFC 3339) to the microsecond. Base units are the smallest units of a token: 10^-decimals of one.
All files are UTF-8. In CSV numbers stand plain and every text in quotes; one that begins with = + - @, a tab, a return or
one of their full-width forms has an apostrophe (') in front, so that no spreadsheet takes it for a formula: it is not part
of the text. SHA256SUMS has the checksum of each (`sha256sum -c SHA256SUMS`).

## orders.csv: every order that was posted in the period
id: EIP-712 digest, the same on chain. board_ref: UUID v7 in its first 16 bytes. state: OPEN, FILLED or CANCELLED now.
quantity: whole tokens. quantity_base_units: the same in base units. price_usd: US dollars per whole token.
limit_total_base_units: coin base units (10^-6 dollars) for the whole quantity. expiry: unix seconds. epoch: the
owner's epoch at the settlement contract. counterparty: the only owner it may meet; empty is anyone. capacity: agency,
principal or riskless_principal. received_at: when the customer's order arrived. captured_at: when the board recorded
it. taken_by: who took it. signature: the owner's.

## blotter.csv: every trade that settled in the period; the last line has the sums
settled_at: time of the block. total_usd: what the buyer paid the seller. price_usd: total per whole token, rounded
down to 18 places where it is not exact. Fields of an order that is not on this board are empty.

## events.jsonl: every event of the log that was captured in the period, one canonical JSON object (RFC 8785) per line
hash: SHA-256 of the same object without hash. prev: the hash of the event before it. captured_at, occurred_at: unix
microseconds. The Merkle tree (RFC 6962, SHA-256) over the hashes has the roots that are anchored on chain.
";

impl Board {
    /// Writes the orders of a filter as CSV, oldest first; its sort, limit and offset do not count. Returns the rows.
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

    /// Writes the log as JSON lines. Returns the rows.
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

    /// Writes every settled trade as CSV, with a last line that has the sums.
    ///
    /// # Errors
    /// [`BoardError::File`], or the store's.
    pub async fn export_blotter(
        &self,
        period: Period,
        out: &mut (dyn Write + Send),
    ) -> Result<Sums, BoardError> {
        spreadsheet::header(out, &BLOTTER_COLUMNS)?;
        let mut sums = Sums {
            trades: 0,
            total: Some(0),
        };
        let mut after = 0;
        loop {
            let mut reader = self.store.reader().await?;
            let kind = EventType::SettlementSettled;
            let page = query::events_of_type(reader.link(), kind, after, PAGE).await?;
            drop(reader);
            let Some(last) = page.last() else { break };
            after = row::unsigned(last.0);
            for event in page {
                let event = row::event(event)?;
                if !period.contains(event.occurred_at) {
                    continue;
                }
                let Body::SettlementSettled(settled) =
                    row::body(event.seq, event.kind, &event.body)?
                else {
                    return Err(damaged(event.seq, "it is no settlement"));
                };
                let bid = self.known(settled.bid).await?;
                let ask = self.known(settled.ask).await?;
                let row = blotter_row(&event, &settled, bid.as_ref(), ask.as_ref());
                spreadsheet::row(out, &BLOTTER_COLUMNS, &row)?;
                sums.trades += 1;
                sums.total = sums.total.and_then(|sum| sum.checked_add(settled.total));
            }
        }
        let mut last = [const { String::new() }; BLOTTER_COLUMNS.len()];
        last[0] = format!("{} trades", sums.trades);
        last[6] = sums
            .total
            .map_or_else(String::new, |sum| plain(U256::from(sum), COIN_DECIMALS));
        last[7] = sums.total.map_or_else(String::new, |sum| sum.to_string());
        spreadsheet::row(out, &BLOTTER_COLUMNS, &last)?;
        out.flush()?;
        Ok(sums)
    }

    /// Writes what an examiner asks for into a folder: blotter, orders, events, legend and checksums.
    ///
    /// # Errors
    /// [`BoardError::File`], or the store's.
    pub async fn export_exam(
        &self,
        period: Period,
        folder: &Path,
    ) -> Result<Vec<ExamFile>, BoardError> {
        std::fs::create_dir_all(folder)?;
        let mut files = Vec::new();
        let mut file = Checksummed::create(folder, "blotter.csv")?;
        let sums = self.export_blotter(period, &mut file).await?;
        files.push(file.finish("blotter.csv", sums.trades)?);
        let mut file = Checksummed::create(folder, "orders.csv")?;
        let rows = self
            .export_orders(&OrderFilter::default(), period, &mut file)
            .await?;
        files.push(file.finish("orders.csv", rows)?);
        let mut file = Checksummed::create(folder, "events.jsonl")?;
        let rows = self.export_events(period, &mut file).await?;
        files.push(file.finish("events.jsonl", rows)?);
        let mut file = Checksummed::create(folder, "LEGEND.md")?;
        file.write_all(LEGEND.as_bytes())?;
        files.push(file.finish("LEGEND.md", 0)?);
        let mut list = File::create(folder.join("SHA256SUMS"))?;
        for file in &files {
            writeln!(list, "{}  {}", file.sha256, file.name)?;
        }
        list.sync_all()?;
        Ok(files)
    }

    /// The order, if the board has it.
    async fn known(&self, id: alloy::primitives::B256) -> Result<Option<OrderRecord>, BoardError> {
        let found = query::order(self.store.reader().await?.link(), id).await?;
        let now = self.store.clock().now();
        Ok(found
            .map(|found| row::order(found, now))
            .transpose()?
            .map(|view| view.record))
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

fn blotter_row(
    event: &Event,
    settled: &SettlementSettled,
    bid: Option<&OrderRecord>,
    ask: Option<&OrderRecord>,
) -> [String; BLOTTER_COLUMNS.len()] {
    let either = bid.or(ask);
    let of = |order: Option<&OrderRecord>, field: fn(&OrderRecord) -> String| {
        order.map(field).unwrap_or_default()
    };
    [
        settled.settlement_id.to_string(),
        event.occurred_at.to_string(),
        of(either, |order| order.symbol.clone()),
        of(either, |order| order.isin.to_string()),
        of(either, |order| {
            plain(U256::from(order.quantity), order.decimals)
        }),
        either
            .map(|order| trade_price(settled.total, order))
            .unwrap_or_default(),
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
    ]
}

/// A midpoint need not come out whole; the total beside it is exact.
fn trade_price(total: u128, order: &OrderRecord) -> String {
    Price::rounded_down(total, order.quantity, order.decimals)
        .map_or_else(String::new, |price| price.to_string())
}

/// A file that knows its checksum.
struct Checksummed {
    file: BufWriter<File>,
    hasher: Sha256,
}

impl Checksummed {
    fn create(folder: &Path, name: &str) -> std::io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(File::create(folder.join(name))?),
            hasher: Sha256::new(),
        })
    }

    fn finish(self, name: &'static str, rows: u64) -> std::io::Result<ExamFile> {
        self.file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .sync_all()?;
        let sha256 = alloy::hex::encode(self.hasher.finalize());
        Ok(ExamFile { name, rows, sha256 })
    }
}

impl Write for Checksummed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;
    use crate::market::order::Side;
    use crate::sample::{self, START, by};

    #[tokio::test]
    async fn an_exam_pack_has_everything_with_sums_and_checksums() {
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
                book.board
                    .record_settled(settled, occurred_at, by("chain"))
                    .await
                    .unwrap();
            }
            let folder = tempfile::tempdir().unwrap();
            let files = book
                .board
                .export_exam(Period::default(), folder.path())
                .await
                .unwrap();
            let rows: Vec<_> = files.iter().map(|file| (file.name, file.rows)).collect();
            assert_eq!(
                rows,
                [
                    ("blotter.csv", 2),
                    ("orders.csv", 2),
                    ("events.jsonl", 6),
                    ("LEGEND.md", 0)
                ]
            );
            let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
            for file in &files {
                let sum = alloy::hex::encode(Sha256::digest(read(file.name)));
                assert_eq!(sum, file.sha256);
                assert!(read("SHA256SUMS").contains(&format!("{sum}  {}", file.name)));
            }
            let blotter = read("blotter.csv");
            assert!(
                blotter.contains(",100,10.35,1035,1035000000,\"A-1\","),
                "{blotter}"
            );
            assert!(
                blotter.ends_with("\"2 trades\",\"\",\"\",\"\",,,2070,2070000000,\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n"),
                "{blotter}"
            );
            assert!(read("orders.csv").contains(&format!("\"{bid}\",")));
            for (line, event) in read("events.jsonl")
                .lines()
                .zip(book.board.events(1, 100).await.unwrap())
            {
                let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(line, serde_jcs::to_string(&value).unwrap());
                let hash = value.as_object_mut().unwrap().remove("hash").unwrap();
                assert_eq!(hash, event.hash.to_string());
                let digest: [u8; 32] = Sha256::digest(serde_jcs::to_vec(&value).unwrap()).into();
                assert_eq!(B256::new(digest), event.hash);
            }
            for column in ORDER_COLUMNS {
                assert!(
                    LEGEND.contains(column)
                        || [
                            "symbol",
                            "isin",
                            "token",
                            "side",
                            "owner",
                            "account",
                            "solicited"
                        ]
                        .contains(&column),
                    "{column}"
                );
            }
            let later = Period {
                from: Some(Timestamp::from_second(START + 6).unwrap()),
                to: None,
            };
            let sums = book
                .board
                .export_blotter(later, &mut Vec::new())
                .await
                .unwrap();
            assert_eq!(
                sums,
                Sums {
                    trades: 0,
                    total: Some(0)
                }
            );
        }
    }
}
