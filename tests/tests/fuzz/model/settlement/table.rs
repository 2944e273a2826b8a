//! The failure table of the ABI file.

use acceptance::{
    bindings::{
        IDvPSettlement::{self},
        Order,
    },
    market::DAY,
    order::{ASK, BID, state},
};
use alloy::primitives::{Address, B256, Bytes, U256};

use crate::model::{Refusal, World, refused, role, security::NO_HOLD};

/// One side of a match.
struct Party<'a> {
    order: &'a Order,
    /// OPEN, or can be registered.
    is_open: bool,
    is_signed: bool,
}

/// Everything that prevents a match, by the failure table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) failures: Vec<u8>,
    /// The token's code if 19 is among them, else 0.
    pub(crate) restriction: u8,
}

impl Verdict {
    /// "The first failure of that table."
    pub(crate) fn refuse<T>(&self) -> Option<Result<T, Refusal>> {
        let &failure = self.failures.first()?;
        let restrictionCode = if failure == 19 { self.restriction } else { 0 };
        Some(refused(&IDvPSettlement::SettlementRefused {
            failure,
            restrictionCode,
        }))
    }
}

impl World {
    /// "0-based index of the first bad field of Order."
    pub(crate) fn bad_field(&self, order: &Order) -> Option<u8> {
        let fits = |value: U256| value > U256::ZERO && value < U256::from(1) << 128;
        let bad = [
            order.owner == Address::ZERO || self.is_desk(order.owner),
            order.side > ASK,
            !self.settlement.listed.contains(&order.security),
            order.payment != self.coin.ledger.address,
            !fits(order.quantity),
            !fits(order.limitTotal),
            order.expiry <= self.now || order.expiry > self.now + 366 * DAY,
            order.epoch != self.settlement.epoch(order.owner),
        ];
        let first = bad.iter().position(|bad| *bad)?;
        Some(u8::try_from(first).expect("ten fields"))
    }

    /// "An owner with either role cannot register an order nor be settled by settleSigned."
    fn is_desk(&self, owner: Address) -> bool {
        let held = &self.settlement.roles.held;
        ["OPERATOR_ROLE", "PRINCIPAL_ROLE"]
            .iter()
            .any(|name| held.contains(&(role(name), owner)))
    }

    /// What `preflight` answers for two ids.
    pub(crate) fn preflight(&self, bid: B256, ask: B256) -> Verdict {
        let party = |id| {
            // An order of which only owner and side are known is treated as an unknown one.
            let known = self
                .settlement
                .orders
                .get(&id)
                .filter(|known| known.has_terms)?;
            Some(Party {
                order: &known.order,
                is_open: known.state == state::OPEN,
                is_signed: true,
            })
        };
        self.judge((bid, ask), party(bid).as_ref(), party(ask).as_ref())
    }

    /// What `preflightSigned` answers for two orders.
    pub(crate) fn preflight_signed(
        &self,
        bid: &Order,
        bid_signature: &Bytes,
        ask: &Order,
        ask_signature: &Bytes,
    ) -> Verdict {
        let party = |order, signature| {
            let id = self.id(order);
            let state = self.settlement.state(id);
            let is_open = state == state::OPEN;
            // "Checks a signature for every id that is not yet OPEN, and asks an owner with code always."
            let is_asked = !is_open || self.has_code(order.owner);
            Party {
                order,
                is_open: !self.is_desk(order.owner)
                    && (is_open || state == state::NONE && self.bad_field(order).is_none()),
                is_signed: !is_asked || self.is_signed_by(order.owner, id, signature),
            }
        };
        let parties = (party(bid, bid_signature), party(ask, ask_signature));
        self.judge(
            (self.id(bid), self.id(ask)),
            Some(&parties.0),
            Some(&parties.1),
        )
    }

    /// The failure table. "What needs an unknown order is left out."
    fn judge(&self, ids: (B256, B256), bid: Option<&Party>, ask: Option<&Party>) -> Verdict {
        let (bid_id, ask_id) = ids;
        let is_same = bid_id == ask_id;
        let (settlement, now) = (&self.settlement, self.now);
        let is_firm = settlement.is_committed(bid_id, ask_id, now);
        // "A live commitment of either order is with another order than the one given."
        let is_bound = |id, other| {
            settlement
                .commitment(id, now)
                .is_some_and(|commitment| commitment.other != other)
        };
        // "13 and 14 do not hold for an order that is committed."
        let is_free = |id| settlement.commitment(id, now).is_none();
        let here = settlement.address;
        let (bid_terms, ask_terms) = (bid.map(|bid| bid.order), ask.map(|ask| ask.order));
        let (buyer, seller) = (
            bid_terms.map(|bid| bid.owner),
            ask_terms.map(|ask| ask.owner),
        );
        let (coin, cash) = (&self.coin, &self.coin.ledger);
        let expired = |order: &Order| self.now >= order.expiry;
        let stale = |order: &Order| order.epoch != self.settlement.epoch(order.owner);
        let unwanted = |order: &Order, other: Option<Address>| {
            order.counterparty != Address::ZERO
                && other.is_some_and(|other| other != order.counterparty)
        };
        let both = bid_terms.zip(ask_terms);
        let is = |holds: Option<bool>| holds.unwrap_or(false);
        let of = |order: Option<&Order>, holds: &dyn Fn(&Order) -> bool| order.is_some_and(holds);
        let crosses = both.map(|(bid, ask)| bid.limitTotal >= ask.limitTotal);
        let total = both
            .filter(|_| crosses == Some(true))
            .map(|(bid, ask)| midpoint(bid, ask));
        let restriction = match both {
            Some((bid, ask)) if is_firm => {
                self.hold_restriction(ask.security, ask_id, ask.owner, bid.owner)
            }
            Some((bid, ask)) => self.restriction(ask, bid.owner),
            None => 0,
        };
        let blocked = |account: Option<Address>| {
            account.is_some_and(|account| coin.blacklisted.contains(&account))
        };

        let table = [
            (1, self.settlement.paused),
            (2, is_same),
            (3, !bid.is_some_and(|bid| bid.is_open)),
            (4, !ask.is_some_and(|ask| ask.is_open)),
            (5, bid.is_some_and(|bid| bid.order.side != BID)),
            (6, ask.is_some_and(|ask| ask.order.side != ASK)),
            (
                7,
                is(buyer.zip(seller).map(|(buyer, seller)| buyer == seller)),
            ),
            (8, is(both.map(|(bid, ask)| bid.security != ask.security))),
            (9, is(both.map(|(bid, ask)| bid.quantity != ask.quantity))),
            (
                10,
                [bid_terms, ask_terms]
                    .iter()
                    .any(|order| of(*order, &|order| order.payment != cash.address)),
            ),
            (11, of(bid_terms, &expired)),
            (12, of(ask_terms, &expired)),
            (13, is_free(bid_id) && of(bid_terms, &stale)),
            (14, is_free(ask_id) && of(ask_terms, &stale)),
            (15, of(bid_terms, &|bid| unwanted(bid, seller))),
            (16, of(ask_terms, &|ask| unwanted(ask, buyer))),
            (17, crosses == Some(false)),
            (
                18,
                [bid_terms, ask_terms].iter().any(|order| {
                    of(*order, &|order| {
                        !settlement.listed.contains(&order.security)
                    })
                }),
            ),
            (19, restriction != 0),
            (
                20,
                of(ask_terms, &|ask| {
                    self.securities_of(ask.security, ask.owner) < ask.quantity
                }),
            ),
            (
                21,
                of(ask_terms, &|ask| {
                    if is_firm {
                        self.hold_restriction(ask.security, ask_id, ask.owner, ask.owner) == NO_HOLD
                    } else {
                        self.securities_allowed(ask.security, ask.owner) < ask.quantity
                    }
                }),
            ),
            (
                22,
                is(buyer.zip(total).map(|(buyer, total)| {
                    let there = if is_firm {
                        cash.balance(buyer)
                    } else {
                        coin.free(buyer, now)
                    };
                    there < total
                })),
            ),
            (
                23,
                is(buyer.zip(total).map(|(buyer, total)| {
                    if is_firm {
                        coin.holds.find((here, bid_id), buyer, now).is_none()
                    } else {
                        cash.allowance(buyer, here) < total
                    }
                })),
            ),
            (24, blocked(buyer)),
            (25, blocked(seller)),
            (26, coin.paused),
            (27, bid.is_some_and(|bid| !bid.is_signed)),
            (28, ask.is_some_and(|ask| !ask.is_signed)),
            // 29 shows only when the legs have moved.
            (30, blocked(Some(here))),
            (31, is_bound(bid_id, ask_id) || is_bound(ask_id, bid_id)),
            (32, !is_firm && settlement.commitment_required),
        ];
        Verdict {
            failures: table
                .into_iter()
                .filter(|(_, holds)| *holds)
                .map(|(code, _)| code)
                .collect(),
            restriction,
        }
    }

    /// What `settle` would answer an operator: the id of the settlement, or why not.
    pub(crate) fn would_settle(
        &self,
        verdict: &Verdict,
        security: Address,
    ) -> Result<U256, Refusal> {
        if let Some(refusal) = verdict.refuse() {
            return refusal;
        }
        let odd = self
            .weird
            .get(&security)
            .and_then(crate::model::weird::Weird::refusal);
        odd.map_or(Ok(U256::from(self.settlement.count + 1)), Err)
    }

    /// What the security says about the hold of an ask.
    fn hold_restriction(
        &self,
        security: Address,
        ask: B256,
        seller: Address,
        buyer: Address,
    ) -> u8 {
        let name = (self.settlement.address, ask);
        let token = self
            .securities
            .get(&security)
            .expect("committed, so it has holds");
        token.hold_restriction(name, seller, buyer, self.now)
    }

    fn restriction(&self, ask: &Order, buyer: Address) -> u8 {
        let settlement = self.settlement.address;
        if let Some(token) = self.securities.get(&ask.security) {
            return token.restriction(settlement, ask.owner, buyer, ask.quantity, self.now);
        }
        self.weird
            .get(&ask.security)
            .map_or(0, crate::model::weird::Weird::restriction)
    }

    /// An address that is not a token has no balances.
    pub(crate) fn securities_of(&self, security: Address, account: Address) -> U256 {
        let weird = || {
            self.weird
                .get(&security)
                .map(|token| token.balance(account))
        };
        let token = self.securities.get(&security);
        token
            .map(|token| token.ledger.balance(account))
            .or_else(weird)
            .unwrap_or_default()
    }

    fn securities_allowed(&self, security: Address, owner: Address) -> U256 {
        let weird = || self.weird.contains_key(&security).then_some(U256::MAX);
        let token = self.securities.get(&security);
        let allowed = token.map(|token| token.ledger.allowance(owner, self.settlement.address));
        allowed.or_else(weird).unwrap_or_default()
    }
}

/// "total = floor((bid limit + ask limit) / 2)."
pub(crate) fn midpoint(bid: &Order, ask: &Order) -> U256 {
    let (bid, ask) = (bid.limitTotal, ask.limitTotal);
    // Without a sum of the limits, which could overflow.
    let (low, high) = (bid.min(ask), bid.max(ask));
    low + (high - low) / U256::from(2)
}
