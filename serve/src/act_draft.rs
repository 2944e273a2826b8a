//! An act about a match before somebody signs it: the `DeskAct` and its digest, at the board's own time. The signer's
//! page also computes the digest, and asks the wallet only if the two are the same.

use alloy::primitives::{B256, U256};
use book::log::act::{Act, DeskAct, of_match};
use book::market::matching::{Match, midpoint};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::fields;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};

/// The acts that are about a match.
fn act(text: &str) -> Result<Act, String> {
    let acts = [Act::Propose, Act::Approve, Act::Refuse];
    acts.into_iter()
        .find(|act| act.as_str() == text)
        .ok_or_else(|| format!("{text:?} is not propose, approve or refuse"))
}

/// What an act is about.
struct About {
    bid: B256,
    ask: B256,
    total: u128,
}

/// Two orders of the board that a proposal would put together.
async fn pair(app: &App, bid: B256, ask: B256) -> Result<About, Problem> {
    let orders = app.board.find_all(&[bid, ask]).await;
    let orders = orders.map_err(refusal::board)?;
    let limit = |name, id| {
        let order = orders.get(&id).map(|order| order.record.limit_total);
        order.ok_or_else(|| query::bad(name, "it is not an order on this board"))
    };
    let total = midpoint(limit("bid", bid)?, limit("ask", ask)?);
    let total = total.ok_or_else(|| query::bad("ask", "its limit is above the bid's"))?;
    Ok(About { bid, ask, total })
}

fn of(found: &Match) -> About {
    About {
        bid: found.bid,
        ask: found.ask,
        total: found.total,
    }
}

/// `GET /v1/acts/draft?act=approve&match=...&reason=...`: `reason` is the SHA-256 of the text; a proposal also names
/// `bid` and `ask`, and a match id that its signer has drawn.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    let query = &call.query;
    let missing = |name: &'static str| move || query::bad(name, "it is missing");
    let act = query.take("act", act)?.ok_or_else(missing("act"))?;
    let id = query.take("match", str::parse::<Uuid>)?;
    let id = id.ok_or_else(missing("match"))?;
    let reason = query.take("reason", fields::hash)?;
    let reason = reason.ok_or_else(missing("reason"))?;
    let (bid, ask) = (
        query.take("bid", fields::hash)?,
        query.take("ask", fields::hash)?,
    );
    query.end()?;
    let app = &call.app;
    let about = if act == Act::Propose {
        let bid = bid.ok_or_else(missing("bid"))?;
        pair(app, bid, ask.ok_or_else(missing("ask"))?).await?
    } else {
        let found = app.board.match_of_id(id).await.map_err(refusal::board)?;
        of(&found.ok_or_else(|| Problem::not_found("match"))?)
    };
    let time = u64::try_from(app.now().as_second()).unwrap_or_default();
    let signed = DeskAct {
        act: act.as_str().to_owned(),
        subject: of_match(id),
        bid: about.bid,
        ask: about.ask,
        total: U256::from(about.total),
        reason,
        time,
    };
    let book = app.board.identity();
    Reply::ok(&json!({
        "id": app.board.act_hasher().digest(&signed),
        "chain_id": book.chain_id,
        "contract": book.contract,
        "act": signed.act,
        "subject": signed.subject,
        "bid": signed.bid,
        "ask": signed.ask,
        "total": about.total.to_string(),
        "reason": signed.reason,
        "time": refusal::instant(time),
    }))
}
