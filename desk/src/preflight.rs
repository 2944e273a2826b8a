//! Everything that would make a settlement fail now, in words and with the remedy.

use alloy::primitives::{Address, U256};
use book::market::amount::{plain as amount, plain_dollars, time};
use book::market::record::OrderRecord;
use serde::Serialize;

use super::explain::{self, Movement};
use super::trade::{Trade, on_chain};
use crate::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC};
use crate::chain::codes::{Failure, Restriction};
use crate::chain::{Chain, ChainError};

/// One reason why a settlement would fail.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reason {
    /// The settlement contract's failure code.
    pub failure: Failure,
    /// The token's restriction code, when `failure` is `Restricted`.
    pub restriction: Option<Restriction>,
    /// A stable name.
    pub name: &'static str,
    /// What is wrong.
    pub words: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Which form of `settle` is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Both orders are registered on chain.
    Registered,
    /// Orders and signatures travel in the transaction.
    Signed,
}

/// The contract's states of two orders: 0 none, 1 open, 2 filled, 3 cancelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct States {
    /// The bid's.
    pub bid: u8,
    /// The ask's.
    pub ask: u8,
}

impl States {
    /// The state of an order that the contract has never seen.
    pub(crate) const NONE: u8 = 0;
    /// The state of a registered order.
    const OPEN: u8 = 1;

    /// Asks the contract.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn of(
        chain: &Chain,
        settlement: Address,
        bid: &OrderRecord,
        ask: &OrderRecord,
    ) -> Result<Self, ChainError> {
        let state = |id| chain.view(settlement, IDvPSettlement::orderStateCall { id });
        Ok(Self {
            bid: state(bid.id).await?,
            ask: state(ask.id).await?,
        })
    }

    /// The form in which the two could be settled as they stand: only open orders are registered.
    pub fn form(self) -> Form {
        if (self.bid, self.ask) == (Self::OPEN, Self::OPEN) {
            Form::Registered
        } else {
            Form::Signed
        }
    }
}

/// Asks the settlement contract, and the tokens for the facts behind its codes. Empty: it would settle now.
///
/// # Errors
/// What the chain answers.
pub async fn run(
    chain: &Chain,
    settlement: Address,
    bid: &OrderRecord,
    ask: &OrderRecord,
    form: Form,
) -> Result<Vec<Reason>, ChainError> {
    let (failures, restriction) = match form {
        Form::Registered => {
            let call = IDvPSettlement::preflightCall {
                bidId: bid.id,
                askId: ask.id,
            };
            let answer = chain.view(settlement, call).await?;
            (answer.failures, answer.restrictionCode)
        }
        Form::Signed => {
            let call = IDvPSettlement::preflightSignedCall {
                bid: on_chain(bid),
                bidSignature: bid.signature.clone(),
                ask: on_chain(ask),
                askSignature: ask.signature.clone(),
            };
            let answer = chain.view(settlement, call).await?;
            (answer.failures, answer.restrictionCode)
        }
    };
    let trade = Trade::of(bid, ask);
    let mut reasons = Vec::with_capacity(failures.len());
    for failure in failures {
        let (failure, restriction) = (Failure::from(failure), Restriction::from(restriction));
        reasons.push(explain(chain, settlement, &trade, bid, ask, failure, restriction).await?);
    }
    Ok(reasons)
}

async fn explain(
    chain: &Chain,
    settlement: Address,
    trade: &Trade,
    bid: &OrderRecord,
    ask: &OrderRecord,
    failure: Failure,
    restriction: Restriction,
) -> Result<Reason, ChainError> {
    let plain = |words: String| Reason {
        failure,
        restriction: None,
        name: failure.name(),
        words,
        remedy: failure.remedy(),
    };
    let (token, payment) = (trade.token, trade.payment);
    let needs_security = |found: U256, verb: &str| {
        format!(
            "the seller {verb} {} {}, the trade needs {}",
            amount(found, trade.decimals),
            trade.symbol,
            amount(trade.quantity, trade.decimals)
        )
    };
    let needs_cash = |found: U256, verb: &str| {
        format!(
            "the buyer {verb} ${}, the trade needs ${}",
            plain_dollars(found),
            plain_dollars(trade.total)
        )
    };
    Ok(match failure {
        Failure::BidExpired => plain(format!("the bid expired on {}", time(bid.expiry))),
        Failure::AskExpired => plain(format!("the ask expired on {}", time(ask.expiry))),
        Failure::PricesDoNotCross => plain(format!(
            "the bid pays at most ${}, the ask takes at least ${}",
            plain_dollars(U256::from(bid.limit_total)),
            plain_dollars(U256::from(ask.limit_total))
        )),
        Failure::Restricted => {
            let movement = Movement {
                token,
                decimals: trade.decimals,
                from: trade.seller,
                to: trade.buyer,
                quantity: trade.quantity,
                names: ("the seller", "the buyer"),
            };
            Reason {
                failure,
                restriction: Some(restriction),
                name: restriction.name(),
                words: explain::restriction(chain, restriction, &movement).await?,
                remedy: restriction.remedy(),
            }
        }
        Failure::SellerBalance => {
            let call = ISecurityToken::balanceOfCall {
                account: trade.seller,
            };
            plain(needs_security(chain.view(token, call).await?, "holds"))
        }
        Failure::SellerAllowance => {
            let call = ISecurityToken::allowanceCall {
                owner: trade.seller,
                spender: settlement,
            };
            plain(needs_security(
                chain.view(token, call).await?,
                "has approved the settlement contract for",
            ))
        }
        Failure::BuyerBalance => {
            let call = ITsUSDC::balanceOfCall {
                account: trade.buyer,
            };
            plain(needs_cash(chain.view(payment, call).await?, "holds"))
        }
        Failure::BuyerAllowance => {
            let call = ITsUSDC::allowanceCall {
                owner: trade.buyer,
                spender: settlement,
            };
            plain(needs_cash(
                chain.view(payment, call).await?,
                "has approved the settlement contract for",
            ))
        }
        _ => plain(failure.meaning().to_string()),
    })
}
