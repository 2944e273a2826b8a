//! `match suggest`: pairs that could be matched, why compliance would refuse each, and which orders each passes over.

use std::collections::HashMap;

use alloy::primitives::{B256, U256};
use book::board::Board;
use book::board::pairing::{Pair, Pairs, PassedOver, Reach};
use book::market::amount::short_id;
use book::market::investor::Directory;
use book::market::literal::decimal;
use book::market::matching::{Obstacle, midpoint};
use clap::Args;
use desk::preflight::Reason;
use desk::suggest::{self, is_a_step};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Result;
use super::order::owner;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Bids that are looked at without `--all`: each bid of a size that nobody offers costs ten microseconds.
const BIDS: u32 = 4_096;

/// List bids and asks of a security that could be matched: same quantity, crossing limits
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook match suggest HRBR\n  orderbook match suggest HRBR --limit 100 --all\n\nBest bids first; each gets the lowest ask of its size, and at the same price the earliest. Each pair is listed with what\npreflight finds against it, and with the orders ahead of either side that it would pass over."
)]
pub(super) struct Suggest {
    /// Symbol, ISIN or token
    security: String,
    /// Maximum number of pairs
    #[arg(long, default_value = "20", value_parser = decimal::whole::<u32>)]
    limit: u32,
    /// Look at every bid, not only at the best 4,096
    #[arg(long)]
    all: bool,
    /// Do not ask the chain: compliance is not shown
    #[arg(long)]
    offline: bool,
}

impl Suggest {
    pub(super) async fn run(self, context: &Context, board: &Board) -> Result {
        let reach = Reach {
            pairs: self.limit as usize,
            bids: (!self.all).then_some(BIDS),
        };
        let found = board.pairs(&self.security, reach).await?;
        let (judged, warning) = if self.offline {
            (None, None)
        } else {
            match judged(context, &found.pairs).await {
                Ok(judged) => (Some(judged), None),
                Err(failure) => (None, Some(failure.message)),
            }
        };
        let answered = answered(board, &found.pairs).await?;
        let answer = describe(
            &found,
            judged.as_deref(),
            &answered,
            &board.directory().await?,
        );
        let answer = warning.into_iter().fold(answer, |answer, cause| {
            answer.warn(format!("compliance could not be checked: {cause}"))
        });
        Ok(match (found.more, found.pairs.len() == reach.pairs) {
            (false, _) => answer,
            (true, true) => answer.warn(format!(
                "only the best {} pairs are listed: raise --limit",
                found.pairs.len()
            )),
            (true, false) => answer.warn(format!(
                "only the best {} bids were looked at: --all looks at every one",
                found.bids
            )),
        })
    }
}

/// The orders whose lots are answered, by the order that answers.
async fn answered(board: &Board, pairs: &[Pair]) -> Result<HashMap<B256, B256>> {
    let orders = pairs.iter().flat_map(|pair| [pair.bid.id, pair.ask.id]);
    let orders = board.find_all(&orders.collect::<Vec<_>>()).await?;
    Ok(board.answered_by(orders.values()).await?)
}

/// What preflight says about each pair; the chain is not asked if there are none.
async fn judged(context: &Context, pairs: &[Pair]) -> Result<Vec<Vec<Reason>>> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let settlement = context.settlement()?;
    let chain = context.chain().await?;
    let pairs: Vec<_> = pairs.iter().map(|pair| (&pair.bid, &pair.ask)).collect();
    Ok(suggest::judged(&chain, settlement, &pairs).await?)
}

fn describe(
    found: &Pairs,
    judged: Option<&[Vec<Reason>]>,
    answered: &HashMap<B256, B256>,
    directory: &Directory,
) -> Answer {
    let mut headings = vec![
        "bid",
        "buyer",
        "ask",
        "seller",
        ">quantity",
        "??>bid price",
        "??>ask price",
        "?>total",
        "compliance",
        "???passed over",
    ];
    // Few orders answer a lot: only investors in a browser see lots.
    if !answered.is_empty() {
        headings.push("?answers");
    }
    let mut table = Table::new(&headings);
    let mut data = Vec::with_capacity(found.pairs.len());
    for (at, pair) in found.pairs.iter().enumerate() {
        let Pair { bid, ask, .. } = pair;
        let reasons = judged.map(|all| all[at].as_slice());
        let total = midpoint(bid.limit_total, ask.limit_total).unwrap_or_default();
        let (bid_answers, ask_answers) = (answered.get(&bid.id), answered.get(&ask.id));
        let mut row = vec![
            Cell::id(bid.id),
            owner(directory, bid.owner),
            Cell::id(ask.id),
            owner(directory, ask.owner),
            Cell::units(U256::from(bid.quantity), bid.decimals),
            bid.price.into(),
            ask.price.into(),
            Cell::dollars(U256::from(total)),
            verdict(reasons),
            passed(&pair.passed_over),
        ];
        if !answered.is_empty() {
            row.push(answers(bid_answers, ask_answers));
        }
        table.row(row);
        data.push(json!({
            "bid": bid.id,
            "buyer": bid.owner,
            "buyer_name": directory.name_of(bid.owner),
            "ask": ask.id,
            "seller": ask.owner,
            "seller_name": directory.name_of(ask.owner),
            "quantity": bid.quantity.to_string(),
            "total": total.to_string(),
            "would_settle": reasons.map(<[Reason]>::is_empty),
            "reasons": reasons,
            "passed_over": pair.passed_over.iter().map(passed_json).collect::<Vec<_>>(),
            "bid_answers": bid_answers,
            "ask_answers": ask_answers,
        }));
    }
    Answer::new(Value::Array(data)).with(Block::Table(table))
}

/// What stops a pair, apart from the steps that every match still has ahead of it.
pub(super) fn verdict(reasons: Option<&[Reason]>) -> Cell {
    let Some(reasons) = reasons else {
        return Cell::new("not checked", Tone::Dim);
    };
    let refusals: Vec<_> = reasons
        .iter()
        .filter(|reason| !is_a_step(reason))
        .map(|reason| reason.words.as_str())
        .collect();
    if refusals.is_empty() {
        Cell::new("ok", Tone::Good)
    } else {
        Cell::new(refusals.join("; "), Tone::Bad)
    }
}

/// Orders that are passed over, in a few words.
fn passed(passed_over: &[PassedOver]) -> Cell {
    let words = passed_over.iter().map(|passed| {
        let id = short_id(passed.order.id);
        match passed.obstacle {
            Some(obstacle) => format!("{id} {}", obstacle.as_str()),
            None => id,
        }
    });
    Cell::new(words.collect::<Vec<_>>().join(", "), Tone::Warn)
}

/// Whose lots the two answer, in a few words.
fn answers(bid: Option<&B256>, ask: Option<&B256>) -> Cell {
    let words = [("bid", bid), ("ask", ask)].into_iter();
    let words = words.filter_map(|(side, lot)| Some(format!("the {side}: {}", short_id(*lot?))));
    Cell::new(words.collect::<Vec<_>>().join(", "), Tone::Plain)
}

/// An order that is passed over, for programs.
pub(super) fn passed_json(passed: &PassedOver) -> Value {
    json!({
        "id": passed.order.id,
        "side": passed.order.side,
        "price": passed.order.price,
        "owner": passed.order.owner,
        "obstacle": passed.obstacle.map(Obstacle::as_str),
    })
}
