//! `order register`.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::failure::Result;
use crate::render::Answer;

/// Put an order and its signature on chain before it is settled: it is then public, and survives even if this book is
/// lost
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook order register 0x12ab34\n\n`settle` does this by itself; the operator can cancel only registered orders."
)]
pub(super) struct Register {
    /// Its id, or the first digits of it
    id: String,
}

impl Register {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let order = board.order(&self.id).await?.record;
        let operator = context.sender("operator", format!("registering order {}", order.id))?;
        let chain = context.chain().await?;
        let desk = context.desk(&board, &chain, &operator).await?;
        let hash = desk.register(&order).await?;
        let data = json!({ "id": order.id, "transaction": hash });
        let words = format!("order {} is registered on chain", order.id);
        Ok(Answer::line(data, format!("{words}\n  transaction {hash}")))
    }
}
