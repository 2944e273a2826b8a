//! `export blotter, orders, events, exam`.

use std::io::Write;
use std::path::{Path, PathBuf};

use alloy::primitives::U256;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::audit::event_json;
use super::context::Context;
use super::failure::{Failure, Result};
use crate::audit::body::{Body, SettlementSettled};
use crate::audit::event::{Event, EventType};
use crate::board::Board;
use crate::board::filter::OrderFilter;
use crate::render::amount::COIN_DECIMALS;
use crate::render::{Answer, Block};

/// What the columns of the exports mean; goes beside them.
const LEGEND: &str = include_str!("export-legend.md");
/// Events read at once.
const PAGE: u32 = 10_000;

/// Export the record as CSV and JSON lines
#[derive(Debug, Subcommand)]
pub(super) enum Export {
    /// Every trade, one CSV line each, and a last line with the sums
    Blotter(Period),
    /// Every order, as CSV
    Orders(Period),
    /// Every event of the log, as JSON lines
    Events(Period),
    /// All of it into a folder, with a legend: what an examiner asks for
    #[command(
        after_help = "Example: orderbook export exam --from 2026-01-01 --to 2026-03-31 --out exam-q1"
    )]
    Exam(Period),
}

/// Which days, and where to.
#[derive(Args, Debug)]
pub(super) struct Period {
    /// First day, UTC
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Last day, UTC
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// File, or for exam a folder [default: stdout, or ./exam]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

impl Period {
    fn contains(&self, at: Timestamp) -> bool {
        let day = at.to_zoned(TimeZone::UTC).date();
        self.from.is_none_or(|from| day >= from) && self.to.is_none_or(|to| day <= to)
    }

    /// Writes to the file, or hands the text to stdout.
    fn deliver(&self, bytes: Vec<u8>, rows: u64) -> Result {
        match &self.out {
            None => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                Ok(Answer::new(json!({ "rows": rows, "text": text })).with(Block::Raw(text)))
            }
            Some(path) => {
                write(path, &bytes)?;
                let data = json!({ "rows": rows, "file": path });
                Ok(Answer::line(
                    data,
                    format!("{rows} rows written to {}", path.display()),
                ))
            }
        }
    }
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        match self {
            Self::Blotter(period) => {
                let (bytes, rows) = blotter(&board, &period).await?;
                period.deliver(bytes, rows)
            }
            Self::Orders(period) => {
                let (bytes, rows) = orders(&board, &period).await?;
                period.deliver(bytes, rows)
            }
            Self::Events(period) => {
                let (bytes, rows) = events(&board, &period).await?;
                period.deliver(bytes, rows)
            }
            Self::Exam(period) => exam(&board, &period).await,
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = std::fs::File::create(path)
        .map_err(|e| Failure::other(format!("{}: {e}", path.display())))?;
    file.write_all(bytes)
        .map_err(|e| Failure::other(format!("{}: {e}", path.display())))
}

async fn exam(board: &Board, period: &Period) -> Result {
    let folder = period.out.clone().unwrap_or_else(|| "exam".into());
    std::fs::create_dir_all(&folder)
        .map_err(|e| Failure::other(format!("{}: {e}", folder.display())))?;
    let (trades, trade_rows) = blotter(board, period).await?;
    let (posted, order_rows) = orders(board, period).await?;
    let (log, event_rows) = events(board, period).await?;
    for (name, bytes) in [
        ("blotter.csv", &trades[..]),
        ("orders.csv", &posted),
        ("events.jsonl", &log),
        ("LEGEND.md", LEGEND.as_bytes()),
    ] {
        write(&folder.join(name), bytes)?;
    }
    let head = board.head().await?;
    let data = json!({ "folder": folder, "trades": trade_rows, "orders": order_rows,
        "events": event_rows, "log_size": head.size, "log_root": head.root });
    let words = format!(
        "{}: {trade_rows} trades, {order_rows} orders, {event_rows} events; log of {} events with root {}",
        folder.display(),
        head.size,
        head.root
    );
    Ok(Answer::line(data, words))
}

/// Calls `take` with every event of the log, in sequence.
async fn walk(board: &Board, mut take: impl FnMut(Event)) -> Result<()> {
    let mut from = 1;
    loop {
        let page = board.events(from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        from = last.seq + 1;
        page.into_iter().for_each(&mut take);
    }
}

async fn events(board: &Board, period: &Period) -> Result<(Vec<u8>, u64)> {
    let (mut bytes, mut rows) = (Vec::new(), 0);
    walk(board, |event| {
        if period.contains(event.captured_at) {
            bytes.extend(event_json(&event).to_string().into_bytes());
            bytes.push(b'\n');
            rows += 1;
        }
    })
    .await?;
    Ok((bytes, rows))
}

async fn orders(board: &Board, period: &Period) -> Result<(Vec<u8>, u64)> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Failure::other(e.to_string());
    writer
        .write_record([
            "id",
            "board_ref",
            "security",
            "isin",
            "side",
            "quantity",
            "price",
            "limit_total",
            "expiry",
            "owner",
            "account",
            "capacity",
            "solicited",
            "received_at",
            "captured_at",
            "taken_by",
            "state",
        ])
        .map_err(failed)?;
    let mut rows = 0;
    let mut filter = OrderFilter {
        limit: Some(PAGE),
        ..OrderFilter::default()
    };
    loop {
        let page = board.orders(&filter).await?;
        let Some(last) = page.last() else { break };
        filter.after_seq = Some(last.posted_seq);
        for order in page
            .iter()
            .filter(|order| period.contains(order.record.captured_at))
        {
            let r = &order.record;
            writer
                .write_record([
                    r.id.to_string(),
                    r.board_ref.to_string(),
                    r.symbol.clone(),
                    r.isin.to_string(),
                    r.side.to_string(),
                    decimal(U256::from(r.quantity), r.decimals),
                    r.price.to_string(),
                    decimal(U256::from(r.limit_total), COIN_DECIMALS),
                    r.expiry.to_string(),
                    r.owner.to_string(),
                    r.account.clone(),
                    r.capacity.to_string(),
                    r.solicited.to_string(),
                    r.received_at.to_string(),
                    r.captured_at.to_string(),
                    r.taken_by.clone(),
                    order.state.to_string(),
                ])
                .map_err(failed)?;
            rows += 1;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| Failure::other(e.to_string()))?;
    Ok((bytes, rows))
}

async fn blotter(board: &Board, period: &Period) -> Result<(Vec<u8>, u64)> {
    let mut fills: Vec<(Timestamp, SettlementSettled)> = Vec::new();
    walk(board, |event| {
        if event.kind == EventType::SettlementSettled
            && period.contains(event.occurred_at)
            && let Ok(Body::SettlementSettled(body)) = Body::from_json(event.kind, &event.body)
        {
            fills.push((event.occurred_at, body));
        }
    })
    .await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Failure::other(e.to_string());
    writer
        .write_record([
            "settlement_id",
            "settled_at",
            "security",
            "isin",
            "quantity",
            "price",
            "total",
            "buyer_account",
            "buyer_wallet",
            "seller_account",
            "seller_wallet",
            "bid_id",
            "ask_id",
            "block",
            "transaction",
        ])
        .map_err(failed)?;
    let mut sum = U256::ZERO;
    for (at, fill) in &fills {
        let bid = board.order(&fill.bid.to_string()).await?.record;
        let ask = board.order(&fill.ask.to_string()).await?.record;
        sum = sum.saturating_add(U256::from(fill.total));
        writer
            .write_record([
                fill.settlement_id.to_string(),
                at.to_string(),
                ask.symbol,
                ask.isin.to_string(),
                decimal(U256::from(ask.quantity), ask.decimals),
                price(fill.total, ask.quantity, ask.decimals),
                decimal(U256::from(fill.total), COIN_DECIMALS),
                bid.account,
                bid.owner.to_string(),
                ask.account,
                ask.owner.to_string(),
                fill.bid.to_string(),
                fill.ask.to_string(),
                fill.block.to_string(),
                fill.tx_hash.to_string(),
            ])
            .map_err(failed)?;
    }
    let mut last = vec![String::new(); 15];
    last[0] = format!("{} trades", fills.len());
    last[6] = decimal(sum, COIN_DECIMALS);
    writer.write_record(&last).map_err(failed)?;
    let bytes = writer
        .into_inner()
        .map_err(|e| Failure::other(e.to_string()))?;
    Ok((bytes, fills.len() as u64))
}

/// Dollars for each whole token, to six decimals, rounded down: the total is the exact figure.
fn price(total: u128, quantity: u128, decimals: u8) -> String {
    let scale = U256::from(10).checked_pow(U256::from(decimals));
    let scaled = scale.and_then(|scale| U256::from(total).checked_mul(scale));
    match scaled.and_then(|scaled| scaled.checked_div(U256::from(quantity))) {
        Some(units) => decimal(units, COIN_DECIMALS),
        None => String::new(),
    }
}

/// Base units as a plain decimal, no thousands separators: for spreadsheets.
fn decimal(value: U256, decimals: u8) -> String {
    crate::render::amount::units(value, decimals).replace(',', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_includes_both_its_days() {
        let period = Period {
            from: Some("2026-01-02".parse().unwrap()),
            to: Some("2026-01-03".parse().unwrap()),
            out: None,
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(!period.contains(at("2026-01-01T23:59:59Z")));
        assert!(period.contains(at("2026-01-02T00:00:00Z")));
        assert!(period.contains(at("2026-01-03T23:59:59Z")));
        assert!(!period.contains(at("2026-01-04T00:00:00Z")));
    }

    #[test]
    fn a_blotter_price_is_dollars_for_a_whole_token() {
        assert_eq!(price(10_250_000_000, 1_000_000_000, 6), "10.25");
        assert_eq!(price(1, 0, 6), "");
    }
}
