//! `book SECURITY`.

use ::book::board::Board;
use ::book::board::commitment::binds;
use ::book::log::fact::MatchCommitted;
use ::book::market::amount::{short_id, time};
use ::book::market::literal::decimal;
use ::book::market::matching::MatchState;
use ::book::market::security::Security;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::context::Context;
use super::failure::Result;
use crate::render::{Answer, Block, Surface, book};

/// Show both sides of a security's book: price levels, depth bars, spread
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook book HRBR --levels 20")]
pub(super) struct Book {
    /// Symbol, ISIN or token
    security: String,
    /// Price levels shown on each side
    #[arg(long, default_value = "10", value_parser = decimal::whole::<usize>)]
    levels: usize,
}

impl Book {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let view = board.book(&self.security, self.levels).await?;
        let text = book::render(&view, Surface::stdout());
        let mut data = book::json(&view);
        let committed = committed(&board, &view.security).await?;
        data["committed"] = json!(committed);
        let answer = Answer::new(data).with(Block::Raw(text));
        let answer = committed.iter().fold(answer, |answer, one| {
            answer.note(format!(
                "bid {} and ask {} are committed to each other until {}: they cannot be matched with other orders",
                short_id(one.bid),
                short_id(one.ask),
                time(one.until)
            ))
        });
        Ok(if view.truncated {
            answer.warn("there are more price levels: show them with --levels")
        } else {
            answer
        })
    }
}

/// The commitments that bind a security's orders now.
async fn committed(board: &Board, security: &Security) -> Result<Vec<MatchCommitted>> {
    let mut found = Vec::new();
    for matched in board.matches(Some(MatchState::Committed)).await? {
        let bid = board.order(&matched.bid.to_string()).await?.record;
        let committed = board.commitment(matched.id).await?;
        let binding = committed.filter(|one| binds(one.until, Timestamp::now()));
        if bid.security == security.token
            && let Some(committed) = binding
        {
            found.push(committed);
        }
    }
    Ok(found)
}
