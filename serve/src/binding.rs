//! Commitments, which principals make and end with their own wallets: the answer to an approval and to a release is the
//! transaction for that wallet. The match is COMMITTED, or released, at the contract's event and not before.

use alloy::primitives::B256;
use book::market::matching::{Match, MatchState};
use book::market::record::{OrderRecord, OrderView};
use desk::chain::abi::IDvPSettlement;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::fields::Fields;
use crate::matches;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::transaction::Transaction;

/// How long a commitment binds by default, seconds.
const LASTS: u64 = 24 * 60 * 60;

/// The commitment that an approved match waits for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CommitView {
    /// The contract settles only committed pairs.
    pub(crate) required: bool,
    /// Until when the transaction binds both orders: a day, or the end of the first of them.
    pub(crate) until: Value,
    /// Orders that must be registered on chain first.
    pub(crate) unregistered: Vec<B256>,
    /// The transaction that the principal's wallet sends.
    pub(crate) transaction: Transaction,
}

/// The bid and the ask of a match.
pub(crate) async fn orders(app: &App, found: &Match) -> Result<[OrderView; 2], Problem> {
    let gone = || Problem::internal(format!("match {} has no orders", found.id));
    let orders = app.board.find_all(&[found.bid, found.ask]).await;
    let mut orders = orders.map_err(refusal::board)?;
    let mut order = |id| orders.remove(&id).ok_or_else(gone);
    Ok([order(found.bid)?, order(found.ask)?])
}

/// The commitment that a match waits for; `None` unless it is approved and the contract has commitments, or while the
/// chain does not answer.
///
/// # Errors
/// 503 from the store.
pub(crate) async fn commit_view(app: &App, found: &Match) -> Result<Option<CommitView>, Problem> {
    if !matches!(found.state, MatchState::Approved | MatchState::Failed) {
        return Ok(None);
    }
    let [bid, ask] = orders(app, found).await?;
    let (bid, ask): (OrderRecord, OrderRecord) = (bid.record, ask.record);
    // The approval is recorded, whether or not the chain can be queried for the next step.
    let Ok(Some(footing)) = app.node.footing(&bid, &ask).await else {
        return Ok(None);
    };
    let until = (footing.time + LASTS).min(bid.expiry).min(ask.expiry);
    let (book, (bid, ask)) = (app.board.identity(), (found.bid, found.ask));
    let call = IDvPSettlement::commitMatchCall { bid, ask, until };
    Ok(Some(CommitView {
        required: footing.required,
        until: refusal::instant(until),
        unregistered: footing.unregistered,
        transaction: Transaction::of(book.chain_id, book.contract, &call),
    }))
}

/// A reason as it is recorded on chain.
fn reason(text: &str) -> Result<B256, String> {
    let plain = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if (1..=32).contains(&text.len()) && plain {
        return Ok(B256::right_padding_from(text.as_bytes()));
    }
    Err(format!("{text:?} is not 1 to 32 ASCII characters"))
}

/// `POST /v1/matches/{match}/release`.
pub(crate) async fn release(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    let reason = fields.text("reason", reason);
    let reason = fields.end(reason)?;
    let (app, found) = (&call.app, matches::seen(&call).await?);
    let committed = app.board.commitment(found.id).await;
    let committed = committed.map_err(refusal::board)?;
    let live = [
        MatchState::Committed,
        MatchState::Failed,
        MatchState::Submitted,
        MatchState::Unknown,
    ];
    let Some(committed) = committed.filter(|_| live.contains(&found.state)) else {
        let words = format!("match {} is {}, not committed", found.id, found.state);
        return Err(Problem::conflict(words)
            .with("match", found.id.to_string())
            .with("state", found.state.as_str()));
    };
    let book = app.board.identity();
    let sent = IDvPSettlement::releaseMatchCall {
        bid: found.bid,
        ask: found.ask,
        reason,
    };
    let answer = json!({
        "match": found.id,
        "state": found.state,
        "until": refusal::instant(committed.until),
        "transaction": Transaction::of(book.chain_id, book.contract, &sent),
    });
    let reply = Reply::ok(&answer)?;
    if let Some(slot) = &call.answer {
        slot.fill(app, &reply).await?;
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_fits_on_chain() {
        assert_eq!(reason("customer asked").unwrap()[..14], *b"customer asked");
        for bad in ["", "ü", "a\nb", &"x".repeat(33)] {
            assert!(reason(bad).is_err(), "{bad:?}");
        }
    }
}
