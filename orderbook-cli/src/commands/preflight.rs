//! `preflight BID ASK`.

use book::market::amount::time;
use clap::Args;
use desk::DeskError;
use desk::commitment::Commitment;
use desk::preflight::{self as check, Form, Reason, States};
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::{Answer, Block, Cell, Table, Tone};

/// List every reason why two orders would not settle now, each with its remedy
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook preflight 0x12ab34 0x56cd78\n\nExits with 0 when they would settle, with 3 when a rule refuses: scripts can check before they settle."
)]
pub(super) struct Preflight {
    /// The bid's id, or the first digits of it
    bid: String,
    /// The ask's id, or the first digits of it
    ask: String,
}

impl Preflight {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let bid = board.order(&self.bid).await?.record;
        let ask = board.order(&self.ask).await?.record;
        let (chain, settlement) = (context.chain().await?, context.settlement()?);
        let states = States::of(&chain, settlement, &bid, &ask).await?;
        let form = states.form();
        let registered = form == Form::Registered;
        let reasons = check::run(&chain, settlement, &bid, &ask, form).await?;
        let committed = Commitment::of(&chain, settlement, bid.id).await?;
        let committed = committed.filter(|found| found.is_with(ask.id));
        let until = committed.map(|found| found.until);
        let data = json!({ "would_settle": reasons.is_empty(), "registered": registered, "committed_until": until,
            "reasons": reasons });
        if reasons.is_empty() {
            let words = match until {
                Some(until) => format!(
                    "no obstacles: it would settle now, and is committed until {}",
                    time(until)
                ),
                None => "no obstacles: it would settle now".into(),
            };
            return Ok(Answer::line(data, words));
        }
        let answer = Answer::new(data).with(Block::Table(table(&reasons)));
        Err(Failure::from(DeskError::Preflight(reasons)).showing(answer))
    }
}

/// A table of reasons.
pub(super) fn table(reasons: &[Reason]) -> Table {
    let mut table = Table::new(&[">code", "reason", "remedy"]);
    for reason in reasons {
        table.row([
            reason.failure.into(),
            Cell::new(reason.words.clone(), Tone::Bad),
            reason.remedy.clone().into(),
        ]);
    }
    table
}
