//! `match approve --commit`, `match release`: the principal's second key, on chain.

use alloy::primitives::{Address, B256, U256};
use book::board::Board;
use book::log::By;
use book::log::act::Act;
use book::log::fact::MatchCommitted;
use book::market::amount::{short_id, time};
use book::market::literal::time::Moment;
use book::market::matching::{Match, MatchState};
use clap::Args;
use desk::chain::Chain;
use desk::commitment::LONGEST;
use desk::preflight::allowances;
use desk::settlement::Desk;
use desk::trade::Trade;
use serde_json::{Value, json};

use super::act;
use super::context::Context;
use super::failure::{Failure, Result};
use super::matches::told;
use super::stake::Stake;
use crate::render::{Answer, Sentence};

/// A match to release.
#[derive(Args, Debug)]
pub(super) struct Release {
    /// The match's id, or the first or last digits of it
    pub(super) id: String,
    /// Why: up to 32 characters, recorded on chain
    #[arg(id = "reason", long, value_name = "REASON", value_parser = act::reason)]
    reason: B256,
}

/// Approves a match unless it is approved already, and commits it on chain for `seconds` with the principal's own key.
/// Anything that the chain would refuse is found before the book is written.
pub(super) async fn approve_and_commit(
    context: &Context,
    board: &Board,
    found: Match,
    reason: &str,
    seconds: u64,
) -> Result {
    let open = [
        MatchState::Proposed,
        MatchState::Approved,
        MatchState::Failed,
    ];
    if !open.contains(&found.state) {
        let words = format!("match {} is {}, not approved", found.id, found.state);
        return Err(Failure::refused("NOT_APPROVED", words).hint("see: orderbook match list"));
    }
    let bid = board.order(&found.bid.to_string()).await?.record;
    let ask = board.order(&found.ask.to_string()).await?.record;
    let trade = Trade::of(&bid, &ask);
    let security = context.security(&trade.symbol)?;
    Stake::tokens(&security, trade.quantity)
        .confirm(context)
        .await?;
    Stake::coin(trade.payment, trade.total)
        .confirm(context)
        .await?;
    let what = words(&found, &trade);
    let principal = context.sender("principal", what.clone().after("committing "))?;
    let chain = context.chain().await?;
    let desk = desk(context, board, &chain, &principal, By::new("")).await?;
    context.keys_apart(&chain, "OPERATOR_ROLE").await?;
    let until = until(&chain, seconds).await?;
    desk.send_left_permits(&bid, &ask).await?;
    desk.check_commit(&bid, &ask).await?;
    let approved = if found.state == MatchState::Proposed {
        let by = context
            .acting(board, &told(Act::Approve, &found, reason))
            .await?;
        board.approve(found.id, by).await?
    } else {
        found
    };
    let actor = approved.approved_by.clone().unwrap_or_default();
    let desk = Desk {
        by: By::new(actor.as_str()).because(reason),
        ..desk
    };
    let committed = desk.commit(&approved, &bid, &ask, until).await?;
    let words = what.after("committed: ").and(&format!(
        ", until {}\n  transaction {}",
        time(until),
        committed.tx_hash
    ));
    Ok(Answer::line(json(&approved, &committed), words))
}

impl Release {
    pub(super) async fn run(self, context: &Context, board: &Board, matched: &Match) -> Result {
        let bid = board.order(&matched.bid.to_string()).await?.record;
        let ask = board.order(&matched.ask.to_string()).await?.record;
        let trade = Trade::of(&bid, &ask);
        let what = words(matched, &trade);
        // Either may release: the profile says which of the two this is.
        let role = match &context.settings.profile().roles.principal {
            Some(_) => "principal",
            None => "operator",
        };
        let signer = context.sender(role, what.clone().after("releasing "))?;
        let chain = context.chain().await?;
        let by = context.by("the match is released")?;
        let desk = desk(context, board, &chain, &signer, by).await?;
        let released = desk.release(matched, self.reason).await?;
        let data = json!({
            "match": matched.id,
            "bid": matched.bid,
            "ask": matched.ask,
            "transaction": released.tx_hash,
            "not_dropped": released.left,
        });
        let words = what
            .after("released: ")
            .and(&format!("\n  transaction {}", released.tx_hash));
        let [seller, buyer] = allowances(&trade);
        let answer = Answer::line(data, words).note(format!(
            "the commitment used up the allowances: before these orders are settled or committed again, the seller runs \
             {seller} and the buyer {buyer}"
        ));
        let left = released.left.into_iter().map(not_dropped);
        Ok(left.fold(answer, Answer::warn))
    }
}

fn not_dropped(token: Address) -> String {
    format!("the token {token} did not release its hold, which ends when it expires")
}

/// The desk with a principal's key, or the key of another who may release.
async fn desk<'a>(
    context: &Context,
    board: &'a Board,
    chain: &Chain,
    signer: &'a desk::signing::signer::Signer,
    by: By,
) -> Result<Desk<'a>> {
    let target = context.settlement_target()?;
    Ok(Desk::open(board, chain, target, signer, by).await?)
}

/// When a commitment of that many seconds ends, by the chain's clock.
async fn until(chain: &Chain, seconds: u64) -> Result<u64> {
    if seconds == 0 || seconds > LONGEST {
        let words = format!(
            "a commitment lasts from one second to {} hours, not {seconds} s",
            LONGEST / 3_600
        );
        return Err(Failure::usage(words));
    }
    let now = chain.head().await?.time;
    Moment::In(seconds).after(now).map_err(Failure::usage)
}

/// What is committed or released.
fn words(matched: &Match, trade: &Trade) -> Sentence {
    Sentence::of(|reader| {
        format!(
            "bid {} with ask {}, {} {} for {}",
            short_id(matched.bid),
            short_id(matched.ask),
            reader.units(trade.quantity, trade.decimals),
            trade.symbol,
            reader.dollars(U256::from(matched.total))
        )
    })
}

/// A commitment for programs.
fn json(matched: &Match, committed: &MatchCommitted) -> Value {
    json!({
        "id": matched.id,
        "state": "COMMITTED",
        "bid": matched.bid,
        "ask": matched.ask,
        "total": matched.total.to_string(),
        "principal": committed.principal,
        "until": committed.until,
        "transaction": committed.tx_hash,
    })
}
