//! `match show`: everything that is known about one match.

use alloy::primitives::U256;
use book::board::Board;
use book::board::pairing::PassedOver;
use book::market::amount::time;
use book::market::investor::Directory;
use book::market::matching::Match;
use book::market::record::OrderView;
use clap::Args;
use desk::preflight::Reason;
use desk::suggest;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Result;
use super::match_list::{Owners, state};
use super::match_suggest::passed_json;
use super::matches::find;
use super::order::{events, owner, side_cell, state_cell};
use super::preflight;
use crate::render::{Answer, Block, Cell, Sentence, Table, Tone};

/// Show one match: both orders, who did what, what would stop it settling now, and which orders it passes over
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook match show 0190f3c2")]
pub(super) struct Show {
    /// The match's id, or the first or last digits of it
    id: String,
    /// Do not ask the chain: what would stop it settling is not shown
    #[arg(long)]
    offline: bool,
}

impl Show {
    pub(super) async fn run(self, context: &Context, board: &Board) -> Result {
        let found = find(board, &self.id).await?;
        let bid = board.order(&found.bid.to_string()).await?;
        let ask = board.order(&found.ask.to_string()).await?;
        let passed = if found.state.is_live() {
            board.passed_over(&bid, &ask).await?
        } else {
            Vec::new()
        };
        let history = board.events_about(&found.id.to_string()).await?;
        let owners = Owners::of(board, std::slice::from_ref(&found)).await?;
        let mut data = owners.json(&found);
        data["passed_over"] = passed.iter().map(passed_json).collect();
        data["history"] = history
            .iter()
            .map(|e| json!({ "seq": e.seq, "type": e.kind, "at": e.captured_at, "actor": e.actor, "reason": e.reason }))
            .collect();
        let reasons = if found.state.is_live() && !self.offline {
            Some(reasons(context, &bid, &ask).await)
        } else {
            None
        };
        data["reasons"] = match &reasons {
            Some(Ok(reasons)) => json!(reasons),
            _ => Value::Null,
        };
        let directory = board.directory().await?;
        let until = data["committed_until"].as_u64();
        let mut answer = Answer::new(data)
            .with(Block::Pairs(pairs(&found, &bid, until)))
            .with(Block::Table(orders(&[bid, ask], &directory)));
        if !passed.is_empty() {
            answer = answer
                .with(Block::Line("it passes over:".into()))
                .with(Block::Table(passed_table(&passed, &directory)));
        }
        answer = match reasons {
            None => answer,
            Some(Ok(reasons)) if reasons.is_empty() => {
                answer.with(Block::Line("no obstacles: it would settle now".into()))
            }
            Some(Ok(reasons)) => answer
                .with(Block::Line("it would not settle now:".into()))
                .with(Block::Table(preflight::table(&reasons))),
            Some(Err(cause)) => answer.warn(format!("preflight could not be run: {cause}")),
        };
        Ok(answer.with(Block::Table(events(&history))))
    }
}

/// What preflight says now, or why it could not be run.
async fn reasons(
    context: &Context,
    bid: &OrderView,
    ask: &OrderView,
) -> std::result::Result<Vec<Reason>, String> {
    let asked = async {
        let settlement = context.settlement()?;
        let chain = context.chain().await?;
        Result::Ok(suggest::reasons(&chain, settlement, &bid.record, &ask.record).await?)
    };
    asked.await.map_err(|failure| failure.message)
}

fn pairs(found: &Match, bid: &OrderView, until: Option<u64>) -> Vec<(String, Cell)> {
    let total = Sentence::of(|reader| reader.dollars(U256::from(found.total)));
    let mut pairs = vec![
        ("match".to_owned(), found.id.into()),
        ("state".to_owned(), state(found.state)),
        ("security".to_owned(), bid.record.symbol.clone().into()),
        (
            "quantity".to_owned(),
            Cell::units(U256::from(bid.record.quantity), bid.record.decimals),
        ),
        ("total".to_owned(), Cell::sentence(&total)),
        ("proposed by".to_owned(), found.proposed_by.clone().into()),
    ];
    if let Some(approved) = &found.approved_by {
        pairs.push(("approved by".to_owned(), approved.clone().into()));
    }
    if let Some(until) = until {
        pairs.push(("committed until".to_owned(), time(until).into()));
    }
    if let Some(sent) = found.submission {
        pairs.push(("transaction".to_owned(), sent.tx_hash.into()));
    }
    pairs
}

fn orders(orders: &[OrderView], directory: &Directory) -> Table {
    let mut table = Table::new(&[
        "side",
        "order",
        "owner",
        "??account",
        ">price",
        "?expires",
        "state",
    ]);
    for order in orders {
        let record = &order.record;
        table.row([
            side_cell(record.side),
            Cell::id(record.id),
            owner(directory, record.owner),
            record.account.clone().into(),
            Cell::new(record.price.to_string(), Tone::Strong),
            time(record.expiry).into(),
            state_cell(order),
        ]);
    }
    table
}

fn passed_table(passed: &[PassedOver], directory: &Directory) -> Table {
    let mut table = Table::new(&["side", "order", "owner", ">price", "?received", "why not"]);
    for PassedOver { order, obstacle } in passed {
        let why = match obstacle {
            Some(obstacle) => Cell::new(obstacle.as_str(), Tone::Dim),
            None => Cell::new("it could be matched", Tone::Warn),
        };
        table.row([
            side_cell(order.side),
            Cell::id(order.id),
            owner(directory, order.owner),
            order.price.into(),
            order.received_at.strftime("%Y-%m-%d %H:%M:%S").into(),
            why,
        ]);
    }
    table
}
