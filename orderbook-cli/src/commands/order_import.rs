//! `order import`: a file of signed orders, planned and posted.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::board::import_plan::ImportPlan;
use book::board::{Board, BoardError};
use book::log::By;
use book::log::act::{Act, Told, digest, digest_of};
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
    after_help = "Examples:\n  orderbook order import signed.jsonl      what `order sign` writes, an order on each line\n  orderbook order import orders.csv --plan\n\nEvery bad row is reported with its line, and then nothing is imported. An order that the board has already is unchanged, whatever became of it: the same file again posts nothing. '-' reads stdin.\nOf JSON the desk states account, capacity, solicitation and receipt; a CSV file is the desk's own and states them itself.\nColumns of CSV: owner, side, security, quantity, limit_total, price, expiry, epoch, counterparty, board_ref, account,\ncapacity, solicited, received_at, taken_by, signature."
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
        let (mut file, sum) = whole(&self.file)?;
        let form = self.form(&mut file)?;
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
            Form::Csv => board.import(file, by, follow).await?,
        };
        bar.finish_and_clear();
        Ok(described(&imported.plan, imported.events, "imported"))
    }

    /// What kind of file it is, by its first character.
    fn form(&self, file: &mut impl BufRead) -> Result<Form> {
        let start = file.fill_buf();
        let start = start.map_err(|e| Failure::usage(format!("{}: {e}", self.file.display())))?;
        if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            return Ok(Form::Json);
        }
        if self.stated.is_silent() {
            return Ok(Form::Csv);
        }
        let words =
            "a CSV file states account, capacity, solicitation and receipt of each of its rows";
        Err(Failure::usage(words).hint("give none of them beside it, or import JSON"))
    }

    async fn planned(
        self,
        context: &Context,
        board: &Board,
        (file, form): (Box<dyn BufRead + Send>, Form),
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
            Form::Csv => board.plan_import(file, by, follow).await?,
        };
        bar.finish_and_clear();
        Ok(plan)
    }
}

/// How orders stand in a file.
#[derive(Clone, Copy)]
enum Form {
    /// An object on each line: what `order sign` writes.
    Json,
    /// Rows of the desk's own.
    Csv,
}

/// What is to be done, or was; `done` is the word for it.
fn described(plan: &ImportPlan, events: Option<(u64, u64)>, done: &str) -> Answer {
    let data = data(plan, events);
    if plan.new == 0 && plan.refused.is_empty() {
        let words = format!(
            "nothing to do: {} orders are on the board as in the file",
            plan.same
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

/// What the new orders come to.
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

/// A file, or stdin for '-', with its SHA-256; what is read is what was hashed, as the file stays open.
fn whole(path: &Path) -> Result<(Box<dyn BufRead + Send>, B256)> {
    let unreadable = |e: std::io::Error| Failure::usage(format!("{}: {e}", path.display()));
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let sum = digest(&bytes);
        return Ok((Box::new(Cursor::new(bytes)), sum));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let sum = digest_of(&mut file).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok((Box::new(BufReader::new(file)), sum))
}
