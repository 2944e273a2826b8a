//! Everything that would make a settlement fail now, in words and with the remedy.

use alloy::primitives::{Address, U256};
use book::market::amount::{plain as amount, plain_dollars, time};
use book::market::record::OrderRecord;
use serde::Serialize;

use super::commitment::Commitment;
use super::explain::{self, Movement};
use super::trade::Trade;
use crate::chain::abi::{IDvPSettlement, ISecurityToken};
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
    pub remedy: String,
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

/// Asks the settlement contract, and the tokens for the facts behind its codes. An empty list means that it would
/// settle now.
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
                bid: bid.signed(),
                bidSignature: bid.signature.clone(),
                ask: ask.signed(),
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
        remedy: failure.remedy().to_string(),
    };
    Ok(match failure {
        Failure::BidExpired => plain(format!("the bid expired on {}", time(bid.expiry))),
        Failure::AskExpired => plain(format!("the ask expired on {}", time(ask.expiry))),
        Failure::PricesDoNotCross => plain(format!(
            "the bid pays at most ${}, but the ask takes at least ${}",
            plain_dollars(U256::from(bid.limit_total)),
            plain_dollars(U256::from(ask.limit_total))
        )),
        Failure::Restricted => {
            let movement = Movement {
                token: trade.token,
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
                remedy: restriction.remedy().to_string(),
            }
        }
        Failure::SellerBalance => plain(Leg::security(trade).balance(chain).await?),
        Failure::SellerAllowance => {
            let leg = Leg::security(trade);
            with_exact_allowance(plain(leg.allowance(chain, settlement).await?), &leg)
        }
        Failure::BuyerBalance => plain(Leg::cash(trade).balance(chain).await?),
        Failure::BuyerAllowance => {
            let leg = Leg::cash(trade);
            with_exact_allowance(plain(leg.allowance(chain, settlement).await?), &leg)
        }
        Failure::OtherCommitment => plain(
            other_commitment(chain, settlement, bid, ask)
                .await?
                .unwrap_or_else(|| failure.meaning().to_string()),
        ),
        _ => plain(failure.meaning().to_string()),
    })
}

/// Asks for what the trade needs and no more: a commitment uses up the allowance.
fn with_exact_allowance(reason: Reason, leg: &Leg) -> Reason {
    let remedy = format!("have {} run: {}", leg.who, leg.approve());
    Reason { remedy, ..reason }
}

/// Which of the two is committed to what.
async fn other_commitment(
    chain: &Chain,
    settlement: Address,
    bid: &OrderRecord,
    ask: &OrderRecord,
) -> Result<Option<String>, ChainError> {
    let mut found = Vec::new();
    for (order, name, other) in [(bid, "bid", ask), (ask, "ask", bid)] {
        if let Some(known) = Commitment::of(chain, settlement, order.id).await?
            && !known.is_with(other.id)
        {
            let (with, until) = (known.other(), time(known.until));
            found.push(format!(
                "the {name} is committed to order {with}… until {until}"
            ));
        }
    }
    Ok((!found.is_empty()).then(|| found.join(" and ")))
}

/// The commands with which both owners let the settlement contract take what a trade needs, and no more.
pub fn allowances(trade: &Trade) -> [String; 2] {
    [Leg::security(trade).approve(), Leg::cash(trade).approve()]
}

/// What one side of a trade gives, and so must hold and have approved.
struct Leg {
    who: &'static str,
    owner: Address,
    token: Address,
    needed: U256,
    /// Decimals and ticker of a security; dollars have neither.
    security: Option<(u8, String)>,
}

impl Leg {
    fn security(trade: &Trade) -> Self {
        Self {
            who: "the seller",
            owner: trade.seller,
            token: trade.token,
            needed: trade.quantity,
            security: Some((trade.decimals, trade.symbol.clone())),
        }
    }

    fn cash(trade: &Trade) -> Self {
        Self {
            who: "the buyer",
            owner: trade.buyer,
            token: trade.payment,
            needed: trade.total,
            security: None,
        }
    }

    /// What its owner holds, compared with what is needed.
    async fn balance(&self, chain: &Chain) -> Result<String, ChainError> {
        let call = ISecurityToken::balanceOfCall {
            account: self.owner,
        };
        let words = self.words("holds", chain.view(self.token, call).await?);
        let held = explain::held(chain, self.token, self.owner).await?;
        if held.is_zero() {
            return Ok(words);
        }
        Ok(format!(
            "{words}, with {} held for matched trades",
            self.amount(held)
        ))
    }

    /// The command with which its owner approves exactly what the trade needs.
    fn approve(&self) -> String {
        match &self.security {
            Some((decimals, symbol)) => {
                format!(
                    "orderbook approve {symbol} {}",
                    amount(self.needed, *decimals)
                )
            }
            None => format!("orderbook approve coin {}", plain_dollars(self.needed)),
        }
    }

    /// What its owner has approved, compared with what is needed.
    async fn allowance(&self, chain: &Chain, spender: Address) -> Result<String, ChainError> {
        let call = ISecurityToken::allowanceCall {
            owner: self.owner,
            spender,
        };
        let approved = chain.view(self.token, call).await?;
        Ok(self.words("has approved the settlement contract for", approved))
    }

    fn words(&self, verb: &str, found: U256) -> String {
        let (found, needed) = (self.amount(found), self.amount(self.needed));
        format!("{} {verb} {found}, but the trade needs {needed}", self.who)
    }

    fn amount(&self, value: U256) -> String {
        match &self.security {
            Some((decimals, symbol)) => format!("{} {symbol}", amount(value, *decimals)),
            None => format!("${}", plain_dollars(value)),
        }
    }
}
