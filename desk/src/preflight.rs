//! Everything that would make a settlement fail now, in words and with the remedy.

use alloy::primitives::{Address, U256};
use book::market::amount::{dollars, time, units};
use book::market::record::OrderRecord;
use serde::Serialize;

use super::explain::{self, Movement};
use super::trade::{Trade, on_chain};
use crate::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC};
use crate::chain::{Chain, ChainError, words};

/// One reason why a settlement would fail.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reason {
    /// The settlement contract's failure code.
    pub failure: u8,
    /// The token's restriction code, when `failure` is 19.
    pub restriction: Option<u8>,
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
    failure: u8,
    restriction: u8,
) -> Result<Reason, ChainError> {
    let code = words::failure(failure);
    let plain = |words: String| Reason {
        failure,
        restriction: None,
        name: code.name,
        words,
        remedy: code.remedy,
    };
    let (token, payment) = (trade.token, trade.payment);
    let needs_security = |found: U256, verb: &str| {
        format!(
            "the seller {verb} {} {}, {} are needed",
            units(found, trade.decimals),
            trade.symbol,
            units(trade.quantity, trade.decimals)
        )
    };
    let needs_cash = |found: U256, verb: &str| {
        format!(
            "the buyer {verb} ${}, ${} are needed",
            dollars(found),
            dollars(trade.total)
        )
    };
    Ok(match failure {
        11 => plain(format!("the bid expired on {}", time(bid.expiry))),
        12 => plain(format!("the ask expired on {}", time(ask.expiry))),
        17 => plain(format!(
            "the bid pays at most ${}, the ask takes at least ${}",
            dollars(U256::from(bid.limit_total)),
            dollars(U256::from(ask.limit_total))
        )),
        19 => {
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
                name: words::restriction(restriction).name,
                words: explain::restriction(chain, restriction, &movement).await?,
                remedy: words::restriction(restriction).remedy,
            }
        }
        20 => {
            let call = ISecurityToken::balanceOfCall {
                account: trade.seller,
            };
            plain(needs_security(chain.view(token, call).await?, "holds"))
        }
        21 => {
            let call = ISecurityToken::allowanceCall {
                owner: trade.seller,
                spender: settlement,
            };
            plain(needs_security(
                chain.view(token, call).await?,
                "has approved the settlement contract for",
            ))
        }
        22 => {
            let call = ITsUSDC::balanceOfCall {
                account: trade.buyer,
            };
            plain(needs_cash(chain.view(payment, call).await?, "holds"))
        }
        23 => {
            let call = ITsUSDC::allowanceCall {
                owner: trade.buyer,
                spender: settlement,
            };
            plain(needs_cash(
                chain.view(payment, call).await?,
                "has approved the settlement contract for",
            ))
        }
        _ => plain(code.meaning.to_string()),
    })
}
