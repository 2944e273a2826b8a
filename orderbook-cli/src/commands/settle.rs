//! `settle`: one match; several are in [`super::settle_batch`].

use std::time::Duration;

use alloy::primitives::U256;
use book::board::Board;
use book::market::matching::{Match, MatchState};
use book::market::record::OrderRecord;
use clap::Args;
use desk::preflight::{Form, States};
use desk::settlement::{Desk, Settled};
use desk::trade::Trade;
use desk::wallet_gas::Dear;
use desk::{DeskError, finality, sync};
use serde_json::json;

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use super::matches::find;
use super::settle_batch;
use super::stake::Stake;
use crate::render::{Answer, Block, Cell, Sentence};

/// Settle an approved match: preflight, simulate, write down, send, wait, record
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook settle 0190f3c2 --dry-run\n  orderbook settle 0x12ab34 0x56cd78 --signed        by its bid and ask\n  orderbook settle 0190f3c2 0190f3c7 0190f3d1        one after the other, a result line for each\n  orderbook settle --all-approved\n\nWithout --signed the two orders are registered on chain first, each in a transaction of its own.\nOf several matches, one that a rule refuses is named and the next one follows; the exit code is then 3. Any other\nfailure ends the run, and the matches that were not tried are named.\nA lost connection leaves the match UNKNOWN (exit code 7); ask the chain: orderbook sync\nA book whose fills are recorded once their block is safe (orderbook settlement record-at) leaves the match SUBMITTED\nuntil then; --wait waits for it."
)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Settle {
    /// Matches by their ids, or the first or last digits of them; or one match by its bid and its ask, which begin with 0x
    #[arg(
        value_name = "MATCH",
        required_unless_present = "all_approved",
        conflicts_with = "all_approved"
    )]
    names: Vec<String>,
    /// Every match that is approved or committed
    #[arg(long)]
    all_approved: bool,
    /// Orders, signatures and settlement in one transaction
    #[arg(long)]
    signed: bool,
    /// Preflight and simulate only
    #[arg(long)]
    dry_run: bool,
    /// If fills are recorded once their block is safe or final: wait until it is
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
}

/// A match to settle, with its orders.
pub(super) struct Chosen {
    /// The match.
    pub(super) matched: Match,
    bid: OrderRecord,
    ask: OrderRecord,
}

impl Chosen {
    async fn of(board: &Board, matched: Match) -> Result<Self> {
        let bid = board.order(&matched.bid.to_string()).await?.record;
        let ask = board.order(&matched.ask.to_string()).await?.record;
        Ok(Self { matched, bid, ask })
    }

    /// What changes hands.
    pub(super) fn trade(&self) -> Trade {
        Trade::of(&self.bid, &self.ask)
    }

    /// Refuses a match that cannot be settled in its state on the board.
    pub(super) fn check(&self, dry_run: bool) -> Result<()> {
        let Match { id, state, .. } = &self.matched;
        if state.is_in_flight() {
            let words = format!("match {id} is {state}: a transaction may be on its way");
            return Err(Failure::refused("IN_FLIGHT", words).hint("ask the chain: orderbook sync"));
        }
        let ready = matches!(
            state,
            MatchState::Approved | MatchState::Committed | MatchState::Failed
        );
        if ready || dry_run && state.is_live() {
            return Ok(());
        }
        let words = format!("match {id} is {state}, not approved");
        Err(Failure::refused("NOT_APPROVED", words)
            .hint("have another person approve it: orderbook match approve MATCH"))
    }
}

/// On a live profile a large share of the security or of the coin must be typed again.
pub(super) async fn confirm(context: &Context, trade: &Trade) -> Result<()> {
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
        let (chosen, several) = self.chosen(&board).await?;
        let form = if self.signed {
            Form::Signed
        } else {
            Form::Registered
        };
        let run = Manner {
            form,
            dry_run: self.dry_run,
            wait: self.wait,
        };
        match chosen.as_slice() {
            [one] if !several => run.one(context, &board, one).await,
            all => settle_batch::run(context, &board, all, run).await,
        }
    }

    /// The matches, and whether several were meant.
    async fn chosen(&self, board: &Board) -> Result<(Vec<Chosen>, bool)> {
        if self.all_approved {
            let mut chosen = Vec::new();
            for state in [MatchState::Approved, MatchState::Committed] {
                for matched in board.matches(Some(state)).await? {
                    chosen.push(Chosen::of(board, matched).await?);
                }
            }
            chosen.sort_by_key(|one| one.matched.proposed_seq);
            return Ok((chosen, true));
        }
        let is_order = |name: &String| name.starts_with("0x");
        if let [bid, ask] = self.names.as_slice()
            && is_order(bid)
            && is_order(ask)
        {
            let bid = board.order(bid).await?.record;
            let ask = board.order(ask).await?.record;
            let matched = board.match_of(bid.id, ask.id).await?;
            let matched = matched.ok_or(DeskError::NoMatch {
                bid: bid.id,
                ask: ask.id,
            })?;
            return Ok((vec![Chosen { matched, bid, ask }], false));
        }
        if let Some(order) = self.names.iter().find(|name| is_order(name)) {
            let words = format!(
                "{order} is an order: name one match by its bid and its ask, or matches by their own ids"
            );
            return Err(Failure::usage(words).hint("see: orderbook match list"));
        }
        let mut chosen: Vec<Chosen> = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let matched = find(board, name).await?;
            if chosen.iter().all(|known| known.matched.id != matched.id) {
                chosen.push(Chosen::of(board, matched).await?);
            }
        }
        Ok((chosen, self.names.len() > 1))
    }
}

/// How matches are settled.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    form: Form,
    /// Preflight and simulate only.
    pub(super) dry_run: bool,
    /// Wait until the fill is recorded.
    pub(super) wait: bool,
}

/// What became of a match.
pub(super) enum Outcome {
    /// It would settle.
    Would(Warnings),
    /// It did.
    Done(Box<Settled>, Warnings),
}

impl Manner {
    async fn one(self, context: &Context, board: &Board, chosen: &Chosen) -> Result {
        chosen.check(self.dry_run)?;
        let trade = chosen.trade();
        let what = words(&trade);
        let operator = if self.dry_run {
            context.signer("operator")?
        } else {
            confirm(context, &trade).await?;
            context.sender("operator", what.clone().after("settling "))?
        };
        let chain = context.chain().await?;
        let desk = context.desk(board, &chain, &operator).await?;
        context.keys_apart(&chain, "PRINCIPAL_ROLE").await?;
        match self.settle(&desk, chosen).await? {
            Outcome::Would(dear) => {
                let data = json!({ "dry_run": true, "would_settle": true });
                Ok(dear.fold(Answer::line(data, what.after("would settle: "))))
            }
            Outcome::Done(mut settled, dear) => {
                if self.wait {
                    recorded(&desk, &chosen.matched, &mut settled).await?;
                }
                let answer = dear.fold(describe(&chosen.matched, &trade, &settled));
                Ok(anchor(&desk, answer).await)
            }
        }
    }

    /// Preflight, and unless it is a dry run: registration, simulation, submission.
    pub(super) async fn settle(self, desk: &Desk<'_>, chosen: &Chosen) -> Result<Outcome> {
        let Chosen { matched, bid, ask } = chosen;
        if !self.dry_run {
            desk.send_left_permits(bid, ask).await?;
        }
        let states = desk.preflight(bid, ask, self.form).await?;
        let form = states.map_or(Form::Signed, States::form);
        let dear = dear(desk, form, bid, ask).await?;
        if self.dry_run {
            // Registering is a transaction; the signed form simulates both orders whether registered or not.
            desk.prepare(bid, ask, form).await?;
            return Ok(Outcome::Would(dear));
        }
        if let Some(states) = states {
            desk.register_missing(bid, ask, states).await?;
        }
        let prepared = desk.prepare(bid, ask, self.form).await?;
        let settled = desk.submit(matched, &prepared).await?;
        Ok(Outcome::Done(Box::new(settled), dear))
    }
}

/// How often a waiting fill is checked.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// Waits until a fill is recorded, by whichever process.
pub(super) async fn recorded(
    desk: &Desk<'_>,
    matched: &Match,
    settled: &mut Settled,
) -> Result<()> {
    let (chain, contract) = (desk.contract.chain(), desk.contract.address());
    while settled.waits.is_some() {
        sync::resolve_in_flight(desk.board, chain, contract, &desk.by).await?;
        let found = find(desk.board, &matched.id.to_string()).await?;
        match found.state {
            MatchState::Settled => settled.waits = None,
            MatchState::Submitted | MatchState::Unknown => tokio::time::sleep(LOOK_EACH).await,
            state => {
                let words = format!(
                    "match {} is {state}: its transaction {} was in block {}, which the chain has dropped",
                    matched.id, settled.tx_hash, settled.block
                );
                return Err(Failure::new(Exit::Chain, "TRANSACTION_FAILED", words));
            }
        }
    }
    Ok(())
}

/// The state of a settlement, for programs.
pub(super) fn state(settled: &Settled) -> MatchState {
    match settled.waits {
        None => MatchState::Settled,
        Some(_) => MatchState::Submitted,
    }
}

/// The daily anchor. The fills are kept whatever becomes of it.
pub(super) async fn anchor(desk: &Desk<'_>, answer: Answer) -> Answer {
    match desk.anchor_daily().await {
        Ok(_) => answer,
        Err(error) => answer.warn(format!(
            "the daily anchor failed: {error}; run: orderbook audit anchor"
        )),
    }
}

/// Warnings of owners whose wallets take much gas.
pub(super) struct Warnings(Vec<String>);

impl Warnings {
    pub(super) fn fold(&self, answer: Answer) -> Answer {
        let warnings = self.0.iter();
        warnings.fold(answer, |answer, words| answer.warn(words.as_str()))
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
        Some(gas) => format!("the wallet {owner} needs {gas} gas to check its signature"),
        None => {
            format!("the wallet {owner} needs more gas to check its signature than the node allows")
        }
    });
    Ok(Warnings(words.collect()))
}

/// What changes hands.
pub(super) fn words(trade: &Trade) -> Sentence {
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
        "state": state(settled),
    });
    let block = match settled.waits {
        None => Cell::from(settled.block),
        Some(tag) => {
            let tag = finality::words(tag);
            format!("in block {}, recorded when it is {tag}", settled.block).into()
        }
    };
    Answer::new(data).with(Block::Pairs(vec![
        ("settlement".into(), settled.settlement_id.into()),
        ("moved".into(), Cell::sentence(&words(trade))),
        ("seller".into(), trade.seller.into()),
        ("buyer".into(), trade.buyer.into()),
        ("transaction".into(), settled.tx_hash.into()),
        ("block".into(), block),
        ("gas".into(), Cell::units(U256::from(settled.gas), 0)),
    ]))
}
