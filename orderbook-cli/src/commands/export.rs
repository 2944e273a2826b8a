//! `export blotter, orders, events, exam, book`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use alloy::primitives::U256;
use book::audit::confirmation::Disclosures;
use book::audit::exam::{Cover, Exam};
use book::board::export::Period;
use book::board::{Board, BoardError};
use book::market::amount::dollars;
use book::market::commission::Schedule;
use book::market::count::counted;
use book::market::days::{Days, US_EASTERN};
use book::market::filter::OrderFilter;
use book::market::literal::time;
use clap::{Args, Subcommand};
use desk::chain::act::Kind;
use desk::exam::{self, Source};
use jiff::civil::Date;
use serde_json::{Value, json};
use tempfile::TempPath;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::stream::{self, unless_closed};
use crate::render::{Answer, Block, Table};

/// Export the record as CSV and JSON lines
#[derive(Debug, Subcommand)]
pub(super) enum Export {
    /// Every trade, one CSV line each, and a last line with the totals
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
    /// What an examiner asks for, in a folder: tickets, trades, acts, persons, a legend, and a verifier in Python
    #[command(
        after_help = "Example: orderbook export exam --from 2026-01-01 --to 2026-03-31 --out exam-q1\n\nThe folder is written completely or not at all. Anchor the log first: no root on chain covers what is newer than the\nlast anchor. Anybody who has the folder can check it with: python3 exam-q1/verify.py --rpc URL"
    )]
    Exam {
        #[command(flatten)]
        scope: Scope,
        /// Leave out what only the chain knows: coin.csv, compliance.csv, roles.csv
        #[arg(long)]
        offline: bool,
    },
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
    /// First day
    #[arg(long, value_name = "DAY", value_parser = time::day)]
    from: Option<Date>,
    /// Last day
    #[arg(long, value_name = "DAY", value_parser = time::day)]
    to: Option<Date>,
    /// Time zone of the days, such as UTC or Europe/London
    #[arg(long, value_name = "ZONE", default_value = US_EASTERN)]
    zone: String,
    /// File, or a folder for exam [default: stdout, or ./exam]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// What is written besides the exam pack.
#[derive(Clone, Debug)]
enum What {
    Blotter(Schedule),
    Orders,
    Events,
    Book,
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        match self {
            Self::Blotter(scope) => {
                let what = What::Blotter(context.settings.commissions()?);
                scope.write(&board, &what, context.json).await
            }
            Self::Orders(scope) => scope.write(&board, &What::Orders, context.json).await,
            Self::Events(scope) => scope.write(&board, &What::Events, context.json).await,
            Self::Exam { scope, offline } => scope.exam(context, &board, offline).await,
            Self::Book { out } => {
                let scope = Scope {
                    from: None,
                    to: None,
                    zone: US_EASTERN.to_owned(),
                    out,
                };
                scope.write(&board, &What::Book, context.json).await
            }
        }
    }
}

impl Scope {
    fn days(&self) -> Result<Days> {
        Days::new(self.from, self.to, &self.zone).map_err(Failure::usage)
    }

    async fn write(&self, board: &Board, what: &What, json: bool) -> Result {
        let days = self.days()?;
        let Some(path) = &self.out else {
            return to_stdout(board, what, &days, json).await;
        };
        let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
        // It gets its name only once it is complete.
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        let draft = path.with_file_name(name);
        let mut file = BufWriter::new(File::create(&draft).map_err(failed)?);
        let draft = TempPath::try_from_path(draft).map_err(failed)?;
        let rows = rows(board, what, &days, &mut file).await?;
        let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)?;
        draft.persist(path).map_err(|e| failed(e.error))?;
        let words = format!("{} written to {}", counted(rows, "row"), path.display());
        Ok(Answer::line(json!({ "rows": rows, "file": path }), words))
    }

    async fn exam(&self, context: &Context, board: &Board, offline: bool) -> Result {
        let folder = self.out.clone().unwrap_or_else(|| "exam".into());
        let stated = &context.settings.profile().confirmation;
        let cover = Cover {
            days: self.days()?,
            commissions: context.settings.commissions()?,
            disclosures: Disclosures::from(stated),
            software: format!("orderbook {}", env!("CARGO_PKG_VERSION")),
        };
        let mut pack = Exam::of(board, &cover, &folder).await?;
        if !offline {
            let chain = context.chain().await?;
            let sources = sources(context, board).await?;
            exam::write(board, &chain, &sources, cover.days.to(), &mut pack).await?;
        }
        let head = board.head().await?;
        let (files, digest) = pack.finish()?;
        let (confirmations, others): (Vec<_>, Vec<_>) = files
            .iter()
            .partition(|file| file.name.starts_with("confirmations/"));
        let mut table = Table::new(&["file", ">rows", "?sha256"]);
        let mut data = Vec::new();
        for file in others {
            table.row([
                file.name.clone().into(),
                file.rows.into(),
                file.sha256.clone().into(),
            ]);
            data.push(json!({ "file": file.name, "rows": file.rows, "sha256": file.sha256 }));
        }
        let data = json!({ "folder": folder, "files": Value::Array(data), "confirmations": confirmations.len(),
            "sha256": digest, "log_size": head.size, "log_root": head.root });
        let _ = writeln!(
            std::io::stderr(),
            "{} confirmations; SHA256SUMS, which covers all files, has SHA-256 {digest}",
            confirmations.len()
        );
        let answer = Answer::new(data).with(Block::Table(table));
        let anchored = board.last_anchored().await?;
        Ok(warned(
            answer,
            &cover,
            head.size,
            anchored.map(|(_, last)| last.size),
        ))
    }
}

/// What the examiner will ask about.
fn warned(answer: Answer, cover: &Cover, size: u64, anchored: Option<u64>) -> Answer {
    let covered = anchored.unwrap_or(0);
    // The note before an anchor and the event that records it are not covered by it.
    let answer = if size > covered + 2 {
        answer.warn(format!(
            "events {} to {size} are newer than the last anchor, so no root on chain covers them: run orderbook audit \
             anchor, then export again",
            covered + 1
        ))
    } else {
        answer
    };
    if cover.disclosures.sipc_member.is_none() {
        return answer.warn(
            "the profile does not say whether the broker-dealer is a member of SIPC, which confirmations must say if it \
             is not: set sipc_member under [confirmation]",
        );
    }
    answer
}

/// The contracts whose acts belong to this board.
async fn sources(context: &Context, board: &Board) -> Result<Vec<Source>> {
    let identity = board.identity();
    let profile = context.settings.profile();
    let mut sources = vec![
        Source {
            kind: Kind::Settlement,
            name: "settlement".to_owned(),
            address: identity.contract,
            first_block: context.first_block(),
        },
        Source {
            kind: Kind::Coin,
            name: "coin".to_owned(),
            address: identity.payment,
            first_block: 0,
        },
    ];
    for listed in board.securities().await? {
        let known = profile.securities.iter().find(|s| s.token == listed.token);
        sources.push(Source {
            kind: Kind::Security,
            name: listed.symbol,
            address: listed.token,
            first_block: known.and_then(|known| known.block).unwrap_or(0),
        });
    }
    Ok(sources)
}

/// Memory does not grow with the text: it goes straight to stdout, or through a temporary file into the envelope.
async fn to_stdout(board: &Board, what: &What, days: &Days, json: bool) -> Result {
    let failed = |e: std::io::Error| Failure::other(format!("export: {e}"));
    if json {
        let mut file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        let rows = rows(board, what, days, &mut file).await?;
        let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
        unless_closed(stream::envelope(file, rows, stream::stdout())).map_err(failed)?;
    } else {
        let mut out = stream::stdout();
        match rows(board, what, days, &mut out).await {
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
    what: &What,
    days: &Days,
    out: &mut (dyn std::io::Write + Send),
) -> std::result::Result<u64, BoardError> {
    match what {
        What::Blotter(commissions) => {
            let sums = board.export_blotter(days, commissions, out).await?;
            let total = sums
                .total
                .map_or("more than fits".into(), |t| dollars(U256::from(t)));
            let _ = writeln!(std::io::stderr(), "{} trades, ${total}", sums.trades);
            Ok(sums.trades)
        }
        What::Orders => {
            board
                .export_orders(&OrderFilter::default(), Period::from(days), out)
                .await
        }
        What::Events => board.export_events(Period::from(days), out).await,
        What::Book => Ok(board.export_book(out).await?.size),
    }
}
