//! Acts ten and eleven: settlement, a sanction.

use alloy::primitives::{Address, U256};
use book::market::amount::{dollars, units};
use book::market::matching::Match;
use book::market::record::OrderRecord;
use desk::DeskError;
use desk::chain::ChainError;
use desk::chain::abi::{ISecurityToken, ITsUSDC};
use desk::preflight::Form;
use desk::settlement::{Desk, Settled};
use desk::trade::Trade;

use super::super::failure::{Failure, Result};
use super::issue::grouped;
use super::stage::Stage;
use super::world::{Listing, TRADER, World, carry_out};
use crate::render::{Cell, Table, Tone};

/// Whom the enforcer sanctions between match and settlement.
const SANCTIONED: &str = "corvid-capital";

/// One settled trade.
pub(super) struct Fill {
    pub(super) bid: OrderRecord,
    pub(super) settled: Settled,
}

/// An approved match with its two orders.
pub(super) struct Approved {
    pub(super) matched: Match,
    pub(super) bid: OrderRecord,
    pub(super) ask: OrderRecord,
}

/// What the two parties hold of both legs.
async fn holdings(world: &World, trade: &Trade) -> Result<[[U256; 2]; 2]> {
    let mut found = [[U256::ZERO; 2]; 2];
    for (index, account) in [trade.seller, trade.buyer].into_iter().enumerate() {
        found[index] = [
            world
                .chain
                .view(trade.token, ISecurityToken::balanceOfCall { account })
                .await?,
            world
                .chain
                .view(trade.payment, ITsUSDC::balanceOfCall { account })
                .await?,
        ];
    }
    Ok(found)
}

/// The desk that settles and anchors.
pub(super) async fn desk_of(world: &World) -> Result<Desk<'_>> {
    let (board, operator) = (world.board()?, world.key("desk")?);
    let by = World::by(TRADER, "");
    Ok(Desk::open(board, &world.chain, world.settlement_target(), operator, by).await?)
}

/// Act ten: securities against cash, or nothing.
pub(super) async fn settle(
    stage: &mut Stage,
    world: &World,
    approved: &[Approved],
) -> Result<Vec<Fill>> {
    stage.act("Settlement: securities against cash in one transaction, or nothing");
    stage.say(
        "The price is the midpoint of two signed limits, never an argument. The first match settles from what is held for it; \
         the others take one transaction each, orders and signatures included.",
    );
    stage.gap();
    let desk = desk_of(world).await?;
    let mut fills = Vec::new();
    let mut table = Table::new(&[
        ">no",
        "",
        ">quantity",
        "seller",
        "buyer",
        ">total",
        "how",
        ">gas",
    ]);
    let mut balances = None;
    for (index, match_) in approved.iter().enumerate() {
        let trade = Trade::of(&match_.bid, &match_.ask);
        if world.name(trade.buyer) == SANCTIONED {
            continue;
        }
        let before = holdings(world, &trade).await?;
        let form = if index == 0 {
            Form::Registered
        } else {
            Form::Signed
        };
        let settled = settle_one(&desk, match_, form).await?;
        if index == 0 {
            balances = Some((trade.clone(), before, holdings(world, &trade).await?));
        }
        table.row(row(world, &trade, &settled, form));
        fills.push(Fill {
            bid: match_.bid.clone(),
            settled,
        });
    }
    stage.table(&table);
    stage.gap();
    if let Some((trade, before, after)) = balances {
        stage.say("What the first of them moved:");
        stage.table(&moved(world, &trade, before, after));
        stage.gap();
    }
    holds_nothing(world).await?;
    stage.done(&format!(
        "{} trades settled; the settlement contract itself holds nothing",
        fills.len()
    ));
    Ok(fills)
}

/// A settled trade in the table of all.
fn row(world: &World, trade: &Trade, settled: &Settled, form: Form) -> [Cell; 8] {
    [
        settled.settlement_id.into(),
        Cell::new(trade.symbol.clone(), Tone::Strong),
        units(trade.quantity, trade.decimals).into(),
        world.name(trade.seller).into(),
        world.name(trade.buyer).into(),
        format!("${}", dollars(settled.total)).into(),
        if form == Form::Registered {
            "settle"
        } else {
            "settleSigned"
        }
        .into(),
        grouped(settled.gas).into(),
    ]
}

/// Preflight, registration where the form needs it, and the transaction.
async fn settle_one(desk: &Desk<'_>, approved: &Approved, form: Form) -> Result<Settled> {
    let Approved { matched, bid, ask } = approved;
    let states = desk.preflight(bid, ask, form).await?;
    if let Some(states) = states {
        desk.register_missing(bid, ask, states).await?;
    }
    let prepared = desk.prepare(bid, ask, form).await?;
    Ok(desk.submit(matched, &prepared).await?)
}

/// The settlement contract never keeps a token.
async fn holds_nothing(world: &World) -> Result<()> {
    for token in [world.coin, world.equity.token, world.notes.token] {
        let call = ISecurityToken::balanceOfCall {
            account: world.settlement,
        };
        if !world.chain.view(token, call).await?.is_zero() {
            return Err(Failure::other("the settlement contract holds tokens"));
        }
    }
    Ok(())
}

fn moved(world: &World, trade: &Trade, before: [[U256; 2]; 2], after: [[U256; 2]; 2]) -> Table {
    let security = |value| format!("{} {}", units(value, trade.decimals), trade.symbol);
    let cash = |value| format!("${}", dollars(value));
    let mut table = Table::new(&[
        "",
        "wallet",
        ">security before",
        ">after",
        ">cash before",
        ">after ",
    ]);
    for (index, (role, account)) in [("seller", trade.seller), ("buyer", trade.buyer)]
        .into_iter()
        .enumerate()
    {
        table.row([
            role.into(),
            world.name(account).into(),
            security(before[index][0]).into(),
            Cell::new(security(after[index][0]), Tone::Strong),
            cash(before[index][1]).into(),
            Cell::new(cash(after[index][1]), Tone::Strong),
        ]);
    }
    table
}

/// Act eleven: a sanction after the match; the settlement refuses, and nothing moves.
pub(super) async fn sanction(
    stage: &mut Stage,
    world: &World,
    approved: &[Approved],
) -> Result<()> {
    stage.act("A buyer is sanctioned after the match");
    let found = approved
        .iter()
        .find(|match_| world.name(match_.bid.owner) == SANCTIONED);
    let Some(Approved { bid, ask, .. }) = found else {
        return Err(Failure::other(format!(
            "no match of {SANCTIONED} was approved"
        )));
    };
    let trade = Trade::of(bid, ask);
    stage.say(&format!(
        "{} is matched and approved: {} {} for ${}. Before it settles, the issuer's enforcer sanctions the buyer.",
        SANCTIONED,
        units(trade.quantity, trade.decimals),
        trade.symbol,
        dollars(trade.total)
    ));
    stage.gap();
    let before = holdings(world, &trade).await?;
    for listing in world.listings() {
        set_sanctioned(world, listing, trade.buyer).await?;
    }
    let desk = desk_of(world).await?;
    match desk.preflight(bid, ask, Form::Signed).await {
        Err(DeskError::Preflight(reasons)) => {
            stage.say("The desk's preflight says no:");
            for reason in &reasons {
                stage.refused(&format!("failure {}: {}", reason.failure, reason.words));
            }
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(Failure::other("preflight did not see the sanction")),
    }
    stage.say("And if the desk ignores that and sends the transaction, the chain itself refuses:");
    match desk.prepare(bid, ask, Form::Signed).await {
        Err(DeskError::Chain(ChainError::Reverted(revert))) => stage.refused(&revert.to_string()),
        Err(error) => return Err(error.into()),
        Ok(_) => {
            return Err(Failure::other(
                "the chain did not refuse the sanctioned buyer",
            ));
        }
    }
    if holdings(world, &trade).await? != before {
        return Err(Failure::other("a refused settlement moved something"));
    }
    stage.done("not one token moved on either side");
    Ok(())
}

async fn set_sanctioned(world: &World, listing: &Listing, account: Address) -> Result<()> {
    let call = ISecurityToken::setSanctionedCall {
        accounts: vec![account],
        sanctioned: true,
    };
    let contract = world.token_contract(listing).await?;
    carry_out(world.key("counsel")?, &contract, call).await?;
    Ok(())
}
