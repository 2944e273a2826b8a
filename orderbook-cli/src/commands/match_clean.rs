//! `match approve --all-clean`: approves every match without an obstacle, each as a signed act of the person.

use alloy::primitives::B256;
use book::ErrorClass;
use book::board::{Board, BoardError};
use book::log::act::Act;
use book::market::matching::{Match, MatchState};
use desk::preflight::Reason;
use desk::suggest::{self, is_clean};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::Result;
use super::match_list::{match_json, short};
use super::matches::told;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Approves every proposed match whose preflight finds nothing except that it is not committed yet; the others stay as
/// they are, each with its reason. A board that cannot be written ends the command; what was approved stays approved.
pub(super) async fn approve_all_clean(context: &Context, board: &Board, reason: &str) -> Result {
    let proposed = board.matches(Some(MatchState::Proposed)).await?;
    let judged = judged(context, board, &proposed).await?;
    let pen = if judged.iter().any(|reasons| is_clean(reasons)) {
        Some(context.pen(board, Act::Approve).await?)
    } else {
        None
    };
    let mut table = Table::new(&["match", "outcome", "why"]);
    let mut data = Vec::with_capacity(proposed.len());
    for (found, reasons) in proposed.iter().zip(&judged) {
        let outcome = match &pen {
            Some(pen) if is_clean(reasons) => {
                let by = pen.by(&told(Act::Approve, found, reason), None)?;
                approved(board.approve(found.id, by).await)?
            }
            _ => Err(words(reasons)),
        };
        let (cell, why) = match &outcome {
            Ok(_) => (Cell::new("approved", Tone::Good), String::new()),
            Err(why) => (Cell::new("left", Tone::Warn), why.clone()),
        };
        table.row([short(found.id), cell, why.clone().into()]);
        let mut row = match_json(outcome.as_ref().unwrap_or(found));
        row["approved"] = json!(outcome.is_ok());
        row["why"] = json!(outcome.err());
        row["reasons"] = json!(reasons);
        data.push(row);
    }
    let answer = Answer::new(Value::Array(data));
    Ok(if proposed.is_empty() {
        answer.with(Block::Line("no match is waiting for approval".into()))
    } else {
        answer.with(Block::Table(table))
    })
}

/// What preflight says about each.
async fn judged(context: &Context, board: &Board, proposed: &[Match]) -> Result<Vec<Vec<Reason>>> {
    if proposed.is_empty() {
        return Ok(Vec::new());
    }
    let settlement = context.settlement()?;
    let chain = context.chain().await?;
    let ids: Vec<_> = proposed.iter().flat_map(|one| [one.bid, one.ask]).collect();
    let orders = board.find_all(&ids).await?;
    let mut pairs = Vec::with_capacity(proposed.len());
    for found in proposed {
        let order = |id: B256| {
            let order = orders.get(&id).map(|order| &order.record);
            order.ok_or_else(|| BoardError::UnknownOrder(id.to_string()))
        };
        pairs.push((order(found.bid)?, order(found.ask)?));
    }
    Ok(suggest::judged(&chain, settlement, &pairs).await?)
}

/// A refusal by the board is reported for its match; anything else ends the command.
fn approved(
    outcome: std::result::Result<Match, BoardError>,
) -> Result<std::result::Result<Match, String>> {
    match outcome {
        Ok(approved) => Ok(Ok(approved)),
        Err(error @ BoardError::ApproverProposed(_)) => Ok(Err(error.to_string())),
        Err(error) if error.class() == ErrorClass::Refused => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

fn words(reasons: &[Reason]) -> String {
    let words: Vec<_> = reasons.iter().map(|reason| reason.words.as_str()).collect();
    words.join("; ")
}
