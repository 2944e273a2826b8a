//! `order adopt`.

use clap::Args;
use desk::adopt::adopt;

use super::context::Context;
use super::failure::Result;
use super::order::order_json;
use crate::render::Answer;

/// Take onto the board an order that its owner registered on chain, for an account that you name
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook order adopt 0x12ab34 --account A-1028\n\n`sync` adopts such orders by itself if the board knows exactly one account of the owner; it names the others."
)]
pub(super) struct Adopt {
    /// Its id on chain, or the first digits of it
    id: String,
    /// The owner's account
    #[arg(long)]
    account: String,
}

impl Adopt {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let (chain, settlement) = (context.chain().await?, context.settlement()?);
        let (first, by) = (context.first_block(), context.by("")?);
        let record = adopt(
            &board,
            &chain,
            settlement,
            first,
            &self.id,
            &self.account,
            &by,
        )
        .await?;
        let order = board.order(&record.id.to_string()).await?;
        let words = format!(
            "order {} is on the board for account {}",
            record.id, record.account
        );
        let directory = board.directory().await?;
        Ok(Answer::line(order_json(&order, &directory), words))
    }
}
