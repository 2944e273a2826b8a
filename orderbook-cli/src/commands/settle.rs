//! `settle BID ASK`.

use alloy::primitives::U256;
use book::board::Board;
use book::market::matching::{Match, MatchState};
use book::market::record::OrderRecord;
use clap::Args;
use desk::DeskError;
use desk::preflight::{Form, States};
use desk::settlement::{Desk, Settled};
use desk::trade::Trade;
use desk::wallet_gas::Dear;
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use super::stake::Stake;
use crate::render::{Answer, Block, Cell, Sentence};

/// Settle an approved match: preflight, simulate, write down, send, wait, record
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook settle 0x12ab34 0x56cd78 --dry-run\n  orderbook settle 0x12ab34 0x56cd78 --signed\n\nWithout --signed the two orders are registered on chain first, each in a transaction of its own.\nA lost connection leaves the match UNKNOWN (exit code 7): orderbook sync asks the chain."
)]
pub(super) struct Settle {
    /// The bid's id, or the first digits of it
    bid: String,
    /// The ask's id, or the first digits of it
    ask: String,
    /// Orders, signatures and settlement in one transaction
    #[arg(long)]
    signed: bool,
    /// Preflight and simulate only
    #[arg(long)]
    dry_run: bool,
}

/// A large share of the security or of the coin is typed again on a live profile.
async fn confirm(context: &Context, trade: &Trade) -> Result<()> {
    let security = context.security(&trade.symbol)?;
    Stake::tokens(&security, trade.quantity)
        .confirm(context)
        .await?;
    Stake::coin(trade.payment, trade.total)
        .confirm(context)
        .await
}

impl Settle {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let bid = board.order(&self.bid).await?.record;
        let ask = board.order(&self.ask).await?.record;
        let matched = self.matched(&board, &bid, &ask).await?;
        let trade = Trade::of(&bid, &ask);
        let what = words(&trade);
        let operator = if self.dry_run {
            context.signer("operator")?
        } else {
            confirm(context, &trade).await?;
            context.sender("operator", what.clone().after("settling "))?
        };
        let chain = context.chain().await?;
        let desk = context.desk(&board, &chain, &operator).await?;
        context.keys_apart(&chain, "PRINCIPAL_ROLE").await?;
        let form = if self.signed {
            Form::Signed
        } else {
            Form::Registered
        };
        let states = desk.preflight(&bid, &ask, form).await?;
        if self.dry_run {
            // Registering is a transaction; the signed form simulates both orders whether registered or not.
            let form = states.map_or(Form::Signed, States::form);
            desk.prepare(&bid, &ask, form).await?;
            let data = json!({ "dry_run": true, "would_settle": true });
            let answer = Answer::line(data, what.after("would settle: "));
            return Ok(dear(&desk, form, &bid, &ask).await?.fold(answer));
        }
        let dear = dear(&desk, states.map_or(form, States::form), &bid, &ask).await?;
        if let Some(states) = states {
            desk.register_missing(&bid, &ask, states).await?;
        }
        let prepared = desk.prepare(&bid, &ask, form).await?;
        let settled = desk.submit(&matched, &prepared).await?;
        let anchored = desk.anchor_daily().await;
        let answer = dear.fold(describe(&matched, &trade, &settled));
        // The fill stands whatever becomes of the anchor.
        Ok(match anchored {
            Ok(_) => answer,
            Err(error) => answer.warn(format!(
                "the daily anchor failed: {error}; run: orderbook audit anchor"
            )),
        })
    }

    /// The match of the two orders, which must be one that can be settled now.
    async fn matched(&self, board: &Board, bid: &OrderRecord, ask: &OrderRecord) -> Result<Match> {
        let (bid, ask) = (bid.id, ask.id);
        let matched = board.match_of(bid, ask).await?;
        let matched = matched.ok_or(DeskError::NoMatch { bid, ask })?;
        if matched.state.is_in_flight() {
            let words = format!(
                "match {} is {}: a transaction may be on its way",
                matched.id, matched.state
            );
            return Err(Failure::refused("IN_FLIGHT", words).hint("ask the chain: orderbook sync"));
        }
        let ready = matches!(
            matched.state,
            MatchState::Approved | MatchState::Committed | MatchState::Failed
        );
        if !self.dry_run && !ready {
            let words = format!("match {} is {}, not approved", matched.id, matched.state);
            return Err(Failure::refused("NOT_APPROVED", words).hint("orderbook match approve"));
        }
        Ok(matched)
    }
}

/// Warnings of owners whose wallets take much gas.
struct Warnings(Vec<String>);

impl Warnings {
    fn fold(self, answer: Answer) -> Answer {
        self.0.into_iter().fold(answer, Answer::warn)
    }
}

/// Names the owners whose wallets run in the transaction and take much gas.
async fn dear(
    desk: &Desk<'_>,
    form: Form,
    bid: &OrderRecord,
    ask: &OrderRecord,
) -> Result<Warnings> {
    if form == Form::Registered {
        return Ok(Warnings(Vec::new()));
    }
    let dear = desk.dear_wallets(&[bid, ask]).await?;
    let words = dear.iter().map(|Dear { owner, gas }| match gas {
        Some(gas) => format!("the wallet {owner} takes {gas} gas to check its signature"),
        None => format!(
            "the wallet {owner} takes more gas to check its signature than the node lets it have"
        ),
    });
    Ok(Warnings(words.collect()))
}

/// What changes hands.
fn words(trade: &Trade) -> Sentence {
    Sentence::of(|reader| {
        let quantity = reader.units(trade.quantity, trade.decimals);
        format!(
            "{quantity} {} for {}",
            trade.symbol,
            reader.dollars(trade.total)
        )
    })
}

fn describe(matched: &Match, trade: &Trade, settled: &Settled) -> Answer {
    let data = json!({
        "settlement_id": settled.settlement_id.to_string(),
        "match": matched.id,
        "bid": matched.bid,
        "ask": matched.ask,
        "quantity": trade.quantity.to_string(),
        "total": settled.total.to_string(),
        "transaction": settled.tx_hash,
        "block": settled.block,
        "gas": settled.gas,
    });
    Answer::new(data).with(Block::Pairs(vec![
        ("settlement".into(), settled.settlement_id.into()),
        ("moved".into(), Cell::sentence(&words(trade))),
        ("seller".into(), trade.seller.into()),
        ("buyer".into(), trade.buyer.into()),
        ("transaction".into(), settled.tx_hash.into()),
        ("block".into(), settled.block.into()),
        ("gas".into(), Cell::units(U256::from(settled.gas), 0)),
    ]))
}
