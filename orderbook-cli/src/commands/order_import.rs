//! `order import`: a file of signed orders, planned and posted.

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::board::csv::CsvFile;
use book::board::import_plan::ImportPlan;
use book::board::text::{Encoding, Survey};
use book::board::{Board, BoardError};
use book::log::By;
use book::log::act::{Act, Told, digest, digest_of};
use book::market::count::counted;
use clap::Args;
use desk::signed_file::SignedFile;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Failure, Result};
use super::order::side_cell;
use super::order_entry::Stated;
use crate::render::{Answer, Block, Cell, Table};

/// Import a file of signed orders: all of them or none
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order import signed.jsonl      what `order sign` writes, an order on each line\n  orderbook order import orders.csv --plan\n\nEvery bad row is reported with its line, and then nothing is imported. An order that is already on the board is left unchanged, whatever became of it: importing the same file again posts nothing. '-' reads stdin.\nFor JSON the desk states account, capacity, solicitation and receipt; a CSV file is the desk's own and states them itself.\nColumns of CSV: owner, side, security, quantity, limit_total, price, expiry, epoch, counterparty, board_ref, account,\ncapacity, solicited, received_at, taken_by, signature."
)]
pub(super) struct Import {
    /// CSV, or JSON with an order on each line; '-' is stdin
    file: PathBuf,
    #[command(flatten)]
    stated: Stated,
    /// Show what would be posted and post nothing
    #[arg(long)]
    plan: bool,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let Whole {
            mut file,
            sum,
            encoding,
        } = whole(&self.file)?;
        let form = self.form(&mut file, encoding)?;
        if self.plan {
            let by = context.by("")?;
            let plan = self.planned(context, &board, (file, form), by).await?;
            let answer = described(&plan, None, "planned");
            if plan.refused.is_empty() {
                return Ok(answer);
            }
            return Err(Failure::from(BoardError::BadRows(plan.refused)).found(answer));
        }
        let reason = format!("import of {}", self.file.display());
        let told = Told::about(Act::Post, sum, &reason);
        let by = context.acting_for(&board, &told, Some(sum)).await?;
        let bar = context.progress("importing");
        let follow = |rows| bar.set_position(rows);
        let imported = match form {
            Form::Json => {
                let statement = self.stated.by(&by.actor);
                let mut orders = SignedFile::new(file, statement, board.directory().await?);
                let next = move |count| orders.next(count);
                board.import_rows(next, by, follow).await?
            }
            Form::Csv(encoding) => {
                let mut rows = csv(context, file, encoding)?;
                board
                    .import_rows(move |count| rows.next(count), by, follow)
                    .await?
            }
        };
        bar.finish_and_clear();
        Ok(described(&imported.plan, imported.events, "imported"))
    }

    /// What kind of file it is, by its first character.
    fn form(&self, file: &mut impl BufRead, encoding: Encoding) -> Result<Form> {
        let start = file.fill_buf();
        let start = start.map_err(|e| Failure::usage(format!("{}: {e}", self.file.display())))?;
        if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            return Ok(Form::Json);
        }
        if self.stated.is_silent() {
            return Ok(Form::Csv(encoding));
        }
        let words =
            "a CSV file states account, capacity, solicitation and receipt for each of its rows";
        Err(Failure::usage(words).hint("leave these options out, or import JSON"))
    }

    async fn planned(
        self,
        context: &Context,
        board: &Board,
        (file, form): (File, Form),
        by: By,
    ) -> Result<ImportPlan> {
        let bar = context.progress("planning");
        let follow = |rows| bar.set_position(rows);
        let plan = match form {
            Form::Json => {
                let statement = self.stated.by(&by.actor);
                let mut orders = SignedFile::new(file, statement, board.directory().await?);
                let next = move |count| orders.next(count);
                board.plan_import_rows(next, by, follow).await?
            }
            Form::Csv(encoding) => {
                let mut rows = csv(context, file, encoding)?;
                board
                    .plan_import_rows(move |count| rows.next(count), by, follow)
                    .await?
            }
        };
        bar.finish_and_clear();
        Ok(plan)
    }
}

/// How orders are written in a file.
#[derive(Clone, Copy)]
enum Form {
    /// An object on each line: what `order sign` writes.
    Json,
    /// The desk's own rows, in this encoding.
    Csv(Encoding),
}

type File = Box<dyn BufRead + Send>;

/// The rows of a CSV file; what was assumed about it is reported.
fn csv(context: &Context, file: File, encoding: Encoding) -> Result<CsvFile<File>> {
    let rows = CsvFile::open(file, encoding)?;
    context.tell(rows.assumed());
    Ok(rows)
}

/// What would be done, or was done; `done` is the word for it.
fn described(plan: &ImportPlan, events: Option<(u64, u64)>, done: &str) -> Answer {
    let data = data(plan, events);
    if plan.new == 0 && plan.refused.is_empty() {
        let words = format!(
            "nothing to do: {} on the board as in the file",
            counted(plan.same, "order")
        );
        return Answer::line(data, words);
    }
    let refused = match plan.refused.len() {
        0 => String::new(),
        count => format!(", {count} refused"),
    };
    let rows = format!("{} new, {} unchanged{refused}", plan.new, plan.same);
    let pairs = Block::Pairs(vec![("rows".to_owned(), rows.into())]);
    let answer = if events.is_some() {
        Answer::line(data, format!("orders imported: {}", plan.new)).with(pairs)
    } else {
        Answer::new(data).with(pairs)
    };
    let answer = if plan.totals.is_empty() {
        answer
    } else {
        answer.with(Block::Table(totals(plan)))
    };
    answer.warn(format!(
        "{done} without asking the chain for KYC records: the contracts check them at settlement"
    ))
}

fn data(plan: &ImportPlan, events: Option<(u64, u64)>) -> Value {
    let totals = plan.totals.iter().map(|total| {
        json!({
            "symbol": total.symbol,
            "token": total.token,
            "side": total.side,
            "orders": total.orders,
            "quantity": total.quantity.to_string(),
            "limit_total": total.limit_total.to_string(),
        })
    });
    let refused = plan.refused.iter();
    let refused = refused.map(|row| json!({ "line": row.line, "why": row.message }));
    json!({
        "orders": events.map_or(0, |_| plan.new),
        "first_seq": events.map(|(first, _)| first),
        "last_seq": events.map(|(_, last)| last),
        "new": plan.new,
        "same": plan.same,
        "totals": totals.collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
    })
}

/// What the new orders add up to.
fn totals(plan: &ImportPlan) -> Table {
    let mut table = Table::new(&["security", "side", ">orders", ">quantity", ">limit total"]);
    for total in &plan.totals {
        table.row([
            total.symbol.clone().into(),
            side_cell(total.side),
            total.orders.into(),
            Cell::units(total.quantity, total.decimals),
            Cell::dollars(total.limit_total),
        ]);
    }
    table
}

/// A file that was read through once.
struct Whole {
    file: File,
    /// Its SHA-256.
    sum: B256,
    encoding: Encoding,
}

/// A file, or stdin for '-'; what is read is what was hashed, as the file stays open.
fn whole(path: &Path) -> Result<Whole> {
    let unreadable = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let mut survey = Survey::new(std::io::stdin());
        survey.read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
        return Ok(Whole {
            sum: digest(&bytes),
            file: Box::new(Cursor::new(bytes)),
            encoding: survey.finish().map_err(|e| unreadable(&e))?,
        });
    }
    let mut file = fs::File::open(path).map_err(|e| unreadable(&e))?;
    let mut survey = Survey::new(&mut file);
    let sum = digest_of(&mut survey).map_err(|e| unreadable(&e))?;
    let encoding = survey.finish().map_err(|e| unreadable(&e))?;
    file.seek(SeekFrom::Start(0)).map_err(|e| unreadable(&e))?;
    Ok(Whole {
        file: Box::new(BufReader::new(file)),
        sum,
        encoding,
    })
}
