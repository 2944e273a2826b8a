//! Act nine: a principal commits a match, and the seller finds out what that means.

use alloy::primitives::U256;
use book::market::amount::{dollars, time, units};
use desk::chain::abi::{IDvPSettlement, ISecurityToken};
use desk::preflight::Form;
use desk::settlement::Desk;
use desk::trade::Trade;

use super::super::failure::{Failure, Result};
use super::issue::refusal;
use super::stage::Stage;
use super::trade::{Approved, desk_of};
use super::world::{PRINCIPAL, World};

/// How long the commitment binds, seconds.
const TERM: u64 = 24 * 60 * 60;

/// Commits the match on chain, lets the seller try to get out, and leaves it to be settled.
pub(super) async fn commit(stage: &mut Stage, world: &World, approved: &Approved) -> Result<()> {
    stage.act("A second key commits the match on chain");
    let Approved { matched, bid, ask } = approved;
    let trade = Trade::of(bid, ask);
    let (seller, buyer) = (world.name(trade.seller), world.name(trade.buyer));
    let quantity = format!("{} {}", units(trade.quantity, trade.decimals), trade.symbol);
    stage.say(&format!(
        "{PRINCIPAL} binds the first match with a key that cannot settle: {quantity} of {seller} and ${} of {buyer} are held, \
         each in its owner's own wallet, for that trade alone. Nobody takes custody. With `settlement commitments \
         --required`, which `deploy settlement` sets, nothing else settles.",
        dollars(trade.total)
    ));
    stage.gap();
    let operator = desk_of(world).await?;
    if let Some(states) = operator.preflight(bid, ask, Form::Registered).await? {
        operator.register_missing(bid, ask, states).await?;
    }
    let until = world.chain.head().await?.time + TERM;
    let principal = principal_of(world).await?;
    principal.check_commit(bid, ask).await?;
    let committed = principal.commit(matched, bid, ask, until).await?;
    stage.done(&format!(
        "bid and ask are committed to each other until {}",
        time(committed.until)
    ));
    let balance = world
        .chain
        .view(
            trade.token,
            ISecurityToken::balanceOfCall {
                account: trade.seller,
            },
        )
        .await?;
    stage.say(&format!(
        "{seller} regrets the price and tries to move all {} {} away:",
        units(balance, trade.decimals),
        trade.symbol
    ));
    let call = ISecurityToken::transferCall {
        to: trade.buyer,
        value: balance,
    };
    let revert = refusal(&world.chain, trade.seller, trade.token, &call).await?;
    stage.refused(&revert.words);
    stage.say(&format!("{seller} cancels the order:"));
    let call = IDvPSettlement::cancelOrderCall {
        order: ask.signed(),
    };
    let revert = refusal(&world.chain, trade.seller, world.settlement, &call).await?;
    stage.refused(&revert.words);
    held(world, &trade).await?;
    stage.done(&format!(
        "what was promised is still there: {seller} will be paid, as the next act shows"
    ));
    Ok(())
}

/// The desk with the principal's key.
async fn principal_of(world: &World) -> Result<Desk<'_>> {
    let (board, key) = (world.board()?, world.person(PRINCIPAL)?);
    let by = World::by(PRINCIPAL, "");
    Ok(Desk::open(board, &world.chain, world.settlement_target(), key, by).await?)
}

/// Both legs are held, exactly.
async fn held(world: &World, trade: &Trade) -> Result<()> {
    for (token, owner, amount) in [
        (trade.token, trade.seller, trade.quantity),
        (trade.payment, trade.buyer, trade.total),
    ] {
        let call = ISecurityToken::heldBalanceOfCall { owner };
        let found: U256 = world.chain.view(token, call).await?;
        if found != amount {
            let words = format!("{found} base units of {token} are held, not {amount}");
            return Err(Failure::other(words));
        }
    }
    Ok(())
}
