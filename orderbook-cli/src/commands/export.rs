//! `export blotter, orders, events, exam`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use alloy::primitives::U256;
use book::board::export::Period;
use book::board::{Board, BoardError};
use book::market::amount::dollars;
use book::market::filter::OrderFilter;
use book::market::literal::time;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::stream::{self, unless_closed};
use crate::render::{Answer, Block, Table};

/// Export the record as CSV and JSON lines
#[derive(Debug, Subcommand)]
pub(super) enum Export {
    /// Every trade, one CSV line each, and a last line with the sums
    #[command(
        after_help = "Example: orderbook export blotter --from 2026-01-01 --to 2026-03-31 --out blotter.csv"
    )]
    Blotter(Scope),
    /// Every order, as CSV
    #[command(after_help = "Example: orderbook export orders --out orders.csv")]
    Orders(Scope),
    /// Every event of the log, as JSON lines
    #[command(after_help = "Example: orderbook export events --out events.jsonl")]
    Events(Scope),
    /// All of it into a folder, with a legend and checksums: what an examiner asks for
    #[command(
        after_help = "Example: orderbook export exam --from 2026-01-01 --to 2026-03-31 --out exam-q1"
    )]
    Exam(Scope),
    /// The whole book in one file, from which `init --from` restores it in any store
    #[command(
        after_help = "Example: orderbook export book --out book.jsonl\n         orderbook init --book --from book.jsonl --store postgres://..."
    )]
    Book {
        /// File [default: stdout]
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
    },
}

/// Which days, and where the file goes.
#[derive(Args, Debug)]
pub(super) struct Scope {
    /// First day, UTC
    #[arg(long, value_name = "DAY", value_parser = time::day)]
    from: Option<Date>,
    /// Last day, UTC
    #[arg(long, value_name = "DAY", value_parser = time::day)]
    to: Option<Date>,
    /// File, or for exam a folder [default: stdout, or ./exam]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// What is written besides the exam pack.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Blotter,
    Orders,
    Events,
    Book,
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        match self {
            Self::Blotter(scope) => scope.write(&board, Kind::Blotter, context.json).await,
            Self::Orders(scope) => scope.write(&board, Kind::Orders, context.json).await,
            Self::Events(scope) => scope.write(&board, Kind::Events, context.json).await,
            Self::Exam(scope) => scope.exam(&board).await,
            Self::Book { out } => {
                let (from, to) = (None, None);
                let scope = Scope { from, to, out };
                scope.write(&board, Kind::Book, context.json).await
            }
        }
    }
}

impl Scope {
    /// Whole days: from the first second of the first to the last nanosecond of the last.
    fn period(&self) -> Result<Period> {
        let start = |day: Date| -> Result<Timestamp> {
            let zoned = day.to_zoned(TimeZone::UTC);
            Ok(zoned
                .map_err(|e| Failure::usage(e.to_string()))?
                .timestamp())
        };
        let end = |day: Date| -> Result<Timestamp> {
            let next = day.tomorrow().map_err(|e| Failure::usage(e.to_string()))?;
            let instant = SignedDuration::from_nanos(1);
            start(next)?
                .checked_sub(instant)
                .map_err(|e| Failure::usage(e.to_string()))
        };
        Ok(Period {
            from: self.from.map(start).transpose()?,
            to: self.to.map(end).transpose()?,
        })
    }

    async fn write(&self, board: &Board, kind: Kind, json: bool) -> Result {
        let period = self.period()?;
        let Some(path) = &self.out else {
            return to_stdout(board, kind, period, json).await;
        };
        let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        let rows = rows(board, kind, period, &mut file).await?;
        file.flush().map_err(failed)?;
        let words = format!("{rows} rows written to {}", path.display());
        Ok(Answer::line(json!({ "rows": rows, "file": path }), words))
    }

    async fn exam(&self, board: &Board) -> Result {
        let folder = self.out.clone().unwrap_or_else(|| "exam".into());
        let files = board.export_exam(self.period()?, &folder).await?;
        let head = board.head().await?;
        let mut table = Table::new(&["file", ">rows", "sha256"]);
        let mut data = Vec::new();
        for file in &files {
            table.row([
                file.name.into(),
                file.rows.into(),
                file.sha256.clone().into(),
            ]);
            data.push(json!({ "file": file.name, "rows": file.rows, "sha256": file.sha256 }));
        }
        let data = json!({ "folder": folder, "files": Value::Array(data),
            "log_size": head.size, "log_root": head.root });
        Ok(Answer::new(data).with(Block::Table(table)))
    }
}

/// Memory does not grow with the text: it goes straight to stdout, or through a temporary file into the envelope.
async fn to_stdout(board: &Board, kind: Kind, period: Period, json: bool) -> Result {
    let failed = |e: std::io::Error| Failure::other(format!("export: {e}"));
    if json {
        let mut file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        let rows = rows(board, kind, period, &mut file).await?;
        let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
        unless_closed(stream::envelope(file, rows, stream::stdout())).map_err(failed)?;
    } else {
        let mut out = stream::stdout();
        match rows(board, kind, period, &mut out).await {
            Err(BoardError::File(error)) => unless_closed(Err(error)).map_err(failed)?,
            written => {
                written?;
                unless_closed(out.flush()).map_err(failed)?;
            }
        }
    }
    Ok(Answer::sent())
}

async fn rows(
    board: &Board,
    kind: Kind,
    period: Period,
    out: &mut (dyn std::io::Write + Send),
) -> std::result::Result<u64, BoardError> {
    match kind {
        Kind::Blotter => {
            let sums = board.export_blotter(period, out).await?;
            let total = sums
                .total
                .map_or("more than fits".into(), |t| dollars(U256::from(t)));
            let _ = writeln!(std::io::stderr(), "{} trades, ${total}", sums.trades);
            Ok(sums.trades)
        }
        Kind::Orders => {
            board
                .export_orders(&OrderFilter::default(), period, out)
                .await
        }
        Kind::Events => board.export_events(period, out).await,
        Kind::Book => Ok(board.export_book(out).await?.size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_includes_both_its_days() {
        let scope = Scope {
            from: Some("2026-01-02".parse().unwrap()),
            to: Some("2026-01-03".parse().unwrap()),
            out: None,
        };
        let period = scope.period().unwrap();
        assert_eq!(period.from.unwrap().to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(
            period.to.unwrap().to_string(),
            "2026-01-03T23:59:59.999999999Z"
        );
    }
}
