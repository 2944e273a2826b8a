//! `book SECURITY`.

use ::book::market::literal::decimal;
use clap::Args;

use super::context::Context;
use super::failure::Result;
use crate::render::{Answer, Block, Surface, book};

/// Show both sides of a security's book: price levels, depth bars, spread
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook book HRBR --levels 20")]
pub(super) struct Book {
    /// Symbol, ISIN or token
    security: String,
    /// Price levels of each side
    #[arg(long, default_value = "10", value_parser = decimal::whole::<usize>)]
    levels: usize,
}

impl Book {
    pub(super) async fn run(self, context: &Context) -> Result {
        let view = context
            .board()
            .await?
            .book(&self.security, self.levels)
            .await?;
        let text = book::render(&view, Surface::stdout());
        let answer = Answer::new(book::json(&view)).with(Block::Raw(text));
        Ok(if view.truncated {
            answer.warn("there are more price levels: --levels")
        } else {
            answer
        })
    }
}
