//! `match propose, approve, refuse, list`.

use alloy::primitives::U256;
use book::board::Board;
use book::market::amount::short_id;
use book::market::filter::OrderFilter;
use book::market::matching::{Match as Matched, MatchState, midpoint};
use book::market::record::OrderState;
use clap::{Args, Subcommand};
use desk::suggest;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::{Answer, Block, Cell, Sentence, Table, Tone};

/// Propose matches; another person approves or refuses them
#[derive(Debug, Subcommand)]
pub(super) enum Match {
    /// Propose to settle a bid with an ask
    #[command(after_help = "Example: orderbook match propose 0x12ab34 0x56cd78 --actor dana")]
    Propose {
        /// The bid's id, or the first digits of it
        bid: String,
        /// The ask's id, or the first digits of it
        ask: String,
        /// Why these two
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Approve a proposed match; whoever proposed it may not
    #[command(after_help = "Example: orderbook match approve 0190f3c2 --actor ruth")]
    Approve(Decision),
    /// Refuse a match: its orders are free for another
    #[command(
        after_help = "Example: orderbook match refuse 0190f3c2 --actor ruth --reason 'the buyer withdrew'"
    )]
    Refuse(Decision),
    /// List bids and asks of a security that could be matched: same quantity, crossing limits
    #[command(after_help = "Example: orderbook match suggest HRBR")]
    Suggest {
        /// Symbol, ISIN or token
        security: String,
    },
    /// List matches
    #[command(after_help = "Example: orderbook match list --state approved")]
    List {
        /// proposed, approved, refused, submitted, unknown, failed or settled
        #[arg(long)]
        state: Option<MatchState>,
    },
}

/// A principal's decision.
#[derive(Args, Debug)]
pub(super) struct Decision {
    /// The match's id, or the first or last digits of it
    id: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
}

impl Match {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        match self {
            Self::Propose { bid, ask, reason } => {
                let bid = board.order(&bid).await?.record.id;
                let ask = board.order(&ask).await?.record.id;
                Ok(answer(&board.propose(bid, ask, context.by(reason)?).await?))
            }
            Self::Approve(decision) => {
                let id = find(&board, &decision.id).await?;
                Ok(answer(
                    &board.approve(id, context.by(decision.reason)?).await?,
                ))
            }
            Self::Refuse(decision) => {
                let id = find(&board, &decision.id).await?;
                Ok(answer(
                    &board.refuse(id, context.by(decision.reason)?).await?,
                ))
            }
            Self::Suggest { security } => suggestions(&board, &security).await,
            Self::List { state } => {
                let matches = board.matches(state).await?;
                let answer = Answer::new(Value::Array(matches.iter().map(match_json).collect()));
                Ok(answer.with(Block::Table(table(&matches))))
            }
        }
    }
}

/// The match of an id or of the only one that begins or ends so: ids made in the same second begin alike.
async fn find(board: &Board, text: &str) -> Result<Uuid> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    // As a table shows it.
    let text = text.trim_matches('…').to_ascii_lowercase();
    let all = board.matches(None).await?;
    let mut found = all.iter().map(|matched| matched.id).filter(|id| {
        let id = id.to_string();
        id.starts_with(&text) || id.ends_with(&text)
    });
    match (found.next(), found.next()) {
        (Some(id), None) if text.len() >= 4 => Ok(id),
        (None, _) => Err(
            Failure::refused("NO_MATCH", format!("there is no match {text}"))
                .hint("see: orderbook match list"),
        ),
        _ => Err(Failure::usage(format!(
            "{text} matches more than one match: give more digits"
        ))),
    }
}

/// Open orders of a security that are in no live match, paired.
async fn suggestions(board: &Board, security: &str) -> Result {
    let filter = OrderFilter {
        security: Some(security.to_string()),
        state: Some(OrderState::Open),
        limit: Some(u32::MAX),
        ..OrderFilter::default()
    };
    let orders = board.orders(&filter).await?;
    let live = board.matches(None).await?;
    let taken = live
        .iter()
        .filter(|m| m.state.is_live())
        .flat_map(|m| [m.bid, m.ask])
        .collect();
    let mut table = Table::new(&[
        "bid",
        "ask",
        ">quantity",
        ">bid price",
        ">ask price",
        ">total",
    ]);
    let mut data = Vec::new();
    for (bid, ask) in suggest::pairs(&orders, &taken, Timestamp::now()) {
        let total = midpoint(bid.limit_total, ask.limit_total).unwrap_or_default();
        table.row([
            Cell::id(bid.id),
            Cell::id(ask.id),
            Cell::units(U256::from(bid.quantity), bid.decimals),
            bid.price.into(),
            ask.price.into(),
            Cell::dollars(U256::from(total)),
        ]);
        data.push(
            json!({ "bid": bid.id, "ask": ask.id, "quantity": bid.quantity.to_string(),
            "total": total.to_string() }),
        );
    }
    Ok(Answer::new(Value::Array(data)).with(Block::Table(table)))
}

fn answer(matched: &Matched) -> Answer {
    let words = Sentence::of(|reader| {
        format!(
            "match {} is {}: bid {} with ask {}, {}",
            matched.id,
            matched.state,
            short_id(matched.bid),
            short_id(matched.ask),
            reader.dollars(U256::from(matched.total))
        )
    });
    Answer::line(match_json(matched), words)
}

/// A table of matches.
pub(super) fn table(matches: &[Matched]) -> Table {
    let mut table = Table::new(&[
        "match",
        "bid",
        "ask",
        ">total",
        "state",
        "proposed by",
        "approved by",
        "transaction",
    ]);
    for matched in matches {
        let tone = match matched.state {
            MatchState::Settled => Tone::Good,
            MatchState::Refused | MatchState::Failed => Tone::Bad,
            MatchState::Unknown | MatchState::Submitted => Tone::Warn,
            MatchState::Proposed | MatchState::Approved => Tone::Plain,
        };
        let hash = matched.submission.map(|sent| Cell::id(sent.tx_hash));
        table.row([
            Cell::ending(&matched.id.to_string(), 8),
            Cell::id(matched.bid),
            Cell::id(matched.ask),
            Cell::dollars(U256::from(matched.total)),
            Cell::new(matched.state.as_str(), tone),
            matched.proposed_by.clone().into(),
            matched.approved_by.clone().unwrap_or_default().into(),
            hash.unwrap_or_default(),
        ]);
    }
    table
}

fn match_json(matched: &Matched) -> Value {
    json!({
        "id": matched.id,
        "bid": matched.bid,
        "ask": matched.ask,
        "total": matched.total.to_string(),
        "state": matched.state,
        "proposed_by": matched.proposed_by,
        "approved_by": matched.approved_by,
        "transaction": matched.submission.map(|s| s.tx_hash),
        "nonce": matched.submission.map(|s| s.nonce),
    })
}
