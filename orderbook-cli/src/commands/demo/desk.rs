//! Acts five to eight: orders, book, matches, permits.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use book::board::Board;
use book::board::pairing::Reach;
use book::board::posting::Posting;
use book::log::act::{Act, Told, of_match};
use book::market::amount::{dollars, short_id, units};
use book::market::filter::OrderFilter;
use book::market::matching::midpoint;
use book::market::order::Side;
use book::market::record::{OrderRecord, OrderState};
use desk::chain::codes::Failure as Code;
use desk::order_form::{OrderForm, SignedOrder};
use desk::preflight::{self, Form};
use desk::trade::Trade;
use desk::{DeskError, eligibility, permit};
use uuid::Uuid;

use super::super::failure::{Failure, Result};
use super::super::matches::told;
use super::issue::grouped;
use super::stage::Stage;
use super::trade::Approved;
use super::world::{PRINCIPAL, TRADER, World, carry_out};
use crate::render::{Cell, Table, Tone, book as book_view};

/// Act five: every order is signed and posted; a forged one is not.
pub(super) async fn orders(stage: &mut Stage, world: &mut World) -> Result<()> {
    stage.act("Investors sign orders");
    stage.say(
        "An order is signed by its owner (EIP-712); its digest is its id, on the board and on chain alike. Nobody can alter a \
         posted order, not even the broker-dealer.",
    );
    stage.gap();
    let board = world.board()?;
    let directory = board.directory().await?;
    let (mut bids, mut asks, mut forged) = (0, 0, None);
    let (mut sample, mut ineligible) = (None, Vec::new());
    for (line, form) in world.forms()? {
        let signed = signed(world, line, &form)?;
        match eligibility::check(&world.chain, signed.security, signed.owner).await {
            Err(error @ DeskError::Ineligible { .. }) => {
                ineligible.push(format!("{}: {error}", form.wallet));
                continue;
            }
            other => other?,
        }
        let statement = form.statement(TRADER).map_err(Failure::usage)?;
        let posting = statement
            .posting(&signed, &directory)
            .map_err(Failure::usage)?;
        let record = board
            .post(
                posting.clone(),
                Some(&world.chain),
                world.signed(TRADER, &Told::about(Act::Post, signed.id, ""))?,
            )
            .await?;
        match record.side {
            Side::Bid => bids += 1,
            Side::Ask => asks += 1,
        }
        sample.get_or_insert(record);
        forged = Some(posting);
    }
    stage.done(&format!(
        "{} orders signed and posted: {bids} bids, {asks} asks",
        bids + asks
    ));
    if let Some(record) = sample {
        stage.done(&format!(
            "the first: {} of {}, {} {} at ${}, id {}",
            record.side,
            world.name(record.owner),
            units(U256::from(record.quantity), record.decimals),
            record.symbol,
            record.price,
            short_id(record.id)
        ));
    }
    for words in ineligible {
        stage.refused(&words);
    }
    match forged {
        Some(posting) => forge(stage, board, posting).await,
        None => Ok(()),
    }
}

/// An order as its owner signs it at home.
fn signed(world: &World, line: u64, form: &OrderForm) -> Result<SignedOrder> {
    let security = world.security(&form.security)?;
    let key = world.key(&form.wallet)?;
    form.sign(&world.venue(), security.token, security.decimals, key, 0)
        .map_err(|words| Failure::usage(format!("orders.csv line {line}: {words}")))
}

/// Twice the quantity of a signed order is not posted.
async fn forge(stage: &Stage, board: &Board, mut posting: Posting) -> Result<()> {
    stage.say("Somebody doubles the quantity of a signed order and posts it:");
    let order = &mut posting.order;
    order.quantity = order.quantity.saturating_mul(U256::from(2));
    order.limitTotal = order.limitTotal.saturating_mul(U256::from(2));
    match board.post(posting, None, World::by(TRADER, "")).await {
        Err(error) => stage.refused(&error.to_string()),
        Ok(_) => return Err(Failure::other("a forged order was posted")),
    }
    Ok(())
}

/// Act six: both books.
pub(super) async fn book(stage: &mut Stage, world: &World) -> Result<()> {
    stage.act("The book");
    for (listing, levels) in [(&world.equity, 8), (&world.notes, 4)] {
        let view = world.board()?.book(listing.symbol, levels).await?;
        stage.say(&format!("{}  {}", listing.symbol, listing.name));
        stage.drawn(&book_view::render(&view, stage.surface()));
        stage.gap();
    }
    Ok(())
}

/// Act seven: proposals, preflight, the second person.
pub(super) async fn matches(stage: &mut Stage, world: &World) -> Result<Vec<Approved>> {
    stage.act("The desk proposes, a principal decides");
    stage.say(&format!(
        "{TRADER} proposes what crosses at equal quantity. {PRINCIPAL}, a registered principal, reads each preflight: every \
         reason why the chain would refuse it."
    ));
    stage.gap();
    let board = world.board()?;
    let mut table = Table::new(&["", ">quantity", "seller", "buyer", ">total", "decision"]);
    let (mut approved, mut same_person) = (Vec::new(), None);
    for (bid, ask) in candidates(world).await? {
        let id = Uuid::now_v7();
        let proposal = Told {
            act: Act::Propose,
            subject: of_match(id),
            bid: bid.id,
            ask: ask.id,
            total: midpoint(bid.limit_total, ask.limit_total).unwrap_or_default(),
            reason: "crossing limits",
        };
        let by = world.signed(TRADER, &proposal)?;
        let matched = board.propose_as(id, bid.id, ask.id, by).await?;
        if same_person.is_none() {
            let by = world.signed(TRADER, &told(Act::Approve, &matched, ""))?;
            let refusal = board.approve(matched.id, by).await;
            same_person = refusal.err().map(|error| error.to_string());
        }
        let trade = Trade::of(&bid, &ask);
        // Allowances come after the match: until then their absence does not count against it.
        let reasons: Vec<_> =
            preflight::run(&world.chain, world.settlement, &bid, &ask, Form::Signed)
                .await?
                .into_iter()
                .filter(|reason| {
                    !matches!(reason.failure, Code::SellerAllowance | Code::BuyerAllowance)
                })
                .collect();
        let decision = if let Some(reason) = reasons.first() {
            let by = world.signed(PRINCIPAL, &told(Act::Refuse, &matched, &reason.words))?;
            board.refuse(matched.id, by).await?;
            Cell::new(format!("refused: {}", reason.words), Tone::Bad)
        } else {
            let by = world.signed(PRINCIPAL, &told(Act::Approve, &matched, "suitable"))?;
            let matched = board.approve(matched.id, by).await?;
            approved.push(Approved { matched, bid, ask });
            Cell::new("approved", Tone::Good)
        };
        table.row([
            Cell::new(trade.symbol.clone(), Tone::Strong),
            units(trade.quantity, trade.decimals).into(),
            world.name(trade.seller).into(),
            world.name(trade.buyer).into(),
            format!("${}", dollars(trade.total)).into(),
            decision,
        ]);
    }
    stage.table(&table);
    stage.gap();
    stage.say(&format!("{TRADER} tries to approve a match of her own:"));
    stage.refused(
        &same_person.ok_or_else(|| Failure::other("the proposer approved her own match"))?,
    );
    Ok(approved)
}

async fn candidates(world: &World) -> Result<Vec<(OrderRecord, OrderRecord)>> {
    let reach = Reach {
        pairs: usize::MAX,
        bids: None,
    };
    let mut found = Vec::new();
    for listing in world.listings() {
        let pairs = world.board()?.pairs(listing.symbol, reach).await?.pairs;
        found.extend(pairs.into_iter().map(|pair| (pair.bid, pair.ask)));
    }
    Ok(found)
}

/// Act eight: signed allowances.
pub(super) async fn permits(stage: &mut Stage, world: &World) -> Result<()> {
    stage.act("Both sides give the settlement contract its allowance");
    stage.say("Investors sign permits (EIP-2612) at home; the desk sends them. Nobody hands anything over.");
    stage.gap();
    let filter = OrderFilter {
        state: Some(OrderState::Open),
        limit: Some(1_000),
        ..OrderFilter::default()
    };
    let mut needed: BTreeMap<(Address, Address), U256> = BTreeMap::new();
    for order in world.board()?.orders(&filter).await? {
        let record = order.record;
        let (token, amount) = match record.side {
            Side::Ask => (record.security, record.quantity),
            Side::Bid => (record.payment, record.limit_total),
        };
        let sum = needed.entry((record.owner, token)).or_default();
        *sum = sum.saturating_add(U256::from(amount));
    }
    let (chain, desk) = (&world.chain, world.key("desk")?);
    let deadline = chain.head().await?.time + 3_600;
    let coin = world.coin_contract().await?;
    let mut securities = Vec::new();
    for listing in world.listings() {
        securities.push(world.token_contract(listing).await?);
    }
    let mut gas = 0;
    for ((owner, token), value) in &needed {
        let key = world.key(&world.name(*owner))?;
        let signed = permit::sign(chain, key, *token, world.settlement, *value, deadline).await?;
        let contract = if *token == world.coin {
            &coin
        } else {
            let found = securities
                .iter()
                .find(|contract| contract.address() == *token);
            found.ok_or_else(|| {
                Failure::other("an order is for a token that is not part of the demo")
            })?
        };
        gas += carry_out(desk, contract, signed.call())
            .await?
            .receipt
            .gas_used;
    }
    let count = needed.len() as u64;
    stage.done(&format!(
        "{count} permits signed and sent, for all open orders, {} gas each on average",
        grouped(gas / count.max(1))
    ));
    Ok(())
}
