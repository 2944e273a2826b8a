//! The settlement contract as `docs/settlement.md` and the failure table of its ABI file have it.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Call},
        Order,
    },
    deploy::BROKER_DEALER,
    market::DAY,
    order::{self, ASK, BID, state},
};
use alloy::primitives::{Address, B256, Bytes, Log, U256};

use super::{Outcome, Refusal, Roles, World, log, refused, role};

/// One broker-dealer's contract.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settlement {
    pub(crate) address: Address,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
    pub(crate) count: u64,
    pub(crate) orders: BTreeMap<B256, Known>,
    pub(crate) epochs: BTreeMap<Address, u64>,
    pub(crate) listed: BTreeSet<Address>,
    pub(crate) anchors: Vec<(B256, u64)>,
}

/// An order whose state is not NONE.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) order: Order,
    pub(crate) state: u8,
    /// An order that was never registered by itself "knows owner, side and state only".
    pub(crate) has_terms: bool,
}

/// One side of a match.
struct Party<'a> {
    order: &'a Order,
    /// OPEN, or fit to be registered.
    is_open: bool,
    is_signed: bool,
}

/// All that stands against a match, by the failure table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) failures: Vec<u8>,
    /// The token's code when 19 is among them, else 0.
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

impl Settlement {
    pub(crate) fn epoch(&self, owner: Address) -> u64 {
        self.epochs.get(&owner).copied().unwrap_or_default()
    }

    pub(crate) fn state(&self, id: B256) -> u8 {
        self.orders
            .get(&id)
            .map_or(state::NONE, |known| known.state)
    }
}

impl World {
    /// The id of an order.
    pub(crate) fn id(&self, order: &Order) -> B256 {
        order::id(order, &self.domain)
    }

    /// "0-based index of the first bad field of Order."
    pub(crate) fn bad_field(&self, order: &Order) -> Option<u8> {
        let fits = |value: U256| value > U256::ZERO && value < U256::from(1) << 128;
        let bad = [
            order.owner == Address::ZERO,
            order.side > ASK,
            !self.settlement.listed.contains(&order.security),
            order.payment != self.coin.address,
            !fits(order.quantity),
            !fits(order.limitTotal),
            order.expiry <= self.now || order.expiry > self.now + 366 * DAY,
            order.epoch != self.settlement.epoch(order.owner),
        ];
        let first = bad.iter().position(|bad| *bad)?;
        Some(u8::try_from(first).expect("ten fields"))
    }

    /// What `preflight` says of two ids.
    pub(crate) fn preflight(&self, bid: B256, ask: B256) -> Verdict {
        let party = |id| {
            // An order of which only owner and side are known is judged as an unknown one.
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
        self.judge(bid == ask, party(bid).as_ref(), party(ask).as_ref())
    }

    /// What `preflightSigned` says of two orders.
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
                is_open: is_open || state == state::NONE && self.bad_field(order).is_none(),
                is_signed: !is_asked || self.is_signed_by(order.owner, id, signature),
            }
        };
        let parties = (party(bid, bid_signature), party(ask, ask_signature));
        self.judge(
            self.id(bid) == self.id(ask),
            Some(&parties.0),
            Some(&parties.1),
        )
    }

    /// The failure table. "What needs an unknown order is left out."
    fn judge(&self, is_same: bool, bid: Option<&Party>, ask: Option<&Party>) -> Verdict {
        let (bid_terms, ask_terms) = (bid.map(|bid| bid.order), ask.map(|ask| ask.order));
        let (buyer, seller) = (
            bid_terms.map(|bid| bid.owner),
            ask_terms.map(|ask| ask.owner),
        );
        let coin = &self.coin;
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
        let delivered = ask_terms.or(bid_terms);
        let restriction = both.map_or(0, |(bid, ask)| self.restriction(ask, bid.owner));
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
                    .any(|order| of(*order, &|order| order.payment != coin.address)),
            ),
            (11, of(bid_terms, &expired)),
            (12, of(ask_terms, &expired)),
            (13, of(bid_terms, &stale)),
            (14, of(ask_terms, &stale)),
            (15, of(bid_terms, &|bid| unwanted(bid, seller))),
            (16, of(ask_terms, &|ask| unwanted(ask, buyer))),
            (17, crosses == Some(false)),
            (
                18,
                is(delivered.map(|order| !self.settlement.listed.contains(&order.security))),
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
                    self.securities_allowed(ask.security, ask.owner) < ask.quantity
                }),
            ),
            (
                22,
                is(buyer
                    .zip(total)
                    .map(|(buyer, total)| coin.balance(buyer) < total)),
            ),
            (
                23,
                is(buyer
                    .zip(total)
                    .map(|(buyer, total)| coin.allowance(buyer, self.settlement.address) < total)),
            ),
            (24, blocked(buyer)),
            (25, blocked(seller)),
            (26, coin.paused),
            (27, bid.is_some_and(|bid| !bid.is_signed)),
            (28, ask.is_some_and(|ask| !ask.is_signed)),
            // 29 shows only when the legs have moved.
            (30, blocked(Some(self.settlement.address))),
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

    /// What `settle` would say to an operator: the id of the settlement, or why not.
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
            .and_then(super::weird::Weird::refusal);
        odd.map_or(Ok(U256::from(self.settlement.count + 1)), Err)
    }

    fn restriction(&self, ask: &Order, buyer: Address) -> u8 {
        let settlement = self.settlement.address;
        if let Some(token) = self.securities.get(&ask.security) {
            return token.restriction(settlement, ask.owner, buyer, ask.quantity, self.now);
        }
        self.weird
            .get(&ask.security)
            .map_or(0, super::weird::Weird::restriction)
    }

    /// An address that is no token has no balances.
    pub(crate) fn securities_of(&self, security: Address, account: Address) -> U256 {
        let weird = || {
            self.weird
                .get(&security)
                .map(|token| token.balance(account))
        };
        let token = self.securities.get(&security);
        token
            .map(|token| token.balance(account))
            .or_else(weird)
            .unwrap_or_default()
    }

    fn securities_allowed(&self, security: Address, owner: Address) -> U256 {
        let weird = || self.weird.contains_key(&security).then_some(U256::MAX);
        let token = self.securities.get(&security);
        let allowed = token.map(|token| token.allowance(owner, self.settlement.address));
        allowed.or_else(weird).unwrap_or_default()
    }

    /// What a call of the settlement contract does.
    pub(crate) fn settlement_call(&mut self, from: Address, call: &Call) -> Outcome {
        let address = self.settlement.address;
        let operator = role("OPERATOR_ROLE");
        match call {
            Call::registerOrder(call) => self.register(from, &call.order, &call.signature),
            Call::cancelOrder(call) => {
                let id = self.id(&call.order);
                if call.order.owner != from {
                    return refused(&IDvPSettlement::NotOrderOwner { id, caller: from });
                }
                self.cancel(from, id, B256::ZERO, Some(&call.order))
            }
            Call::cancelOrderById(call) => {
                let owner = self
                    .settlement
                    .orders
                    .get(&call.id)
                    .map(|known| known.order.owner);
                let is_entitled =
                    owner == Some(from) || self.settlement.roles.check(from, operator).is_ok();
                if owner.is_some() && !is_entitled {
                    return refused(&IDvPSettlement::NotOrderOwner {
                        id: call.id,
                        caller: from,
                    });
                }
                self.cancel(from, call.id, call.reason, None)
            }
            Call::cancelAllOrders(_) => {
                let epoch = self.settlement.epoch(from) + 1;
                self.settlement.epochs.insert(from, epoch);
                Ok(vec![log(
                    address,
                    &IDvPSettlement::EpochAdvanced { owner: from, epoch },
                )])
            }
            Call::settle(call) => self.settle(from, call.bidId, call.askId),
            Call::settleSigned(call) => self.settle_signed(from, call),
            Call::anchorBook(call) => {
                self.settlement.roles.check(from, operator)?;
                self.running()?;
                let (root, size) = (call.root, call.size);
                self.settlement.anchors.push((root, size));
                Ok(vec![log(
                    address,
                    &IDvPSettlement::BookAnchored {
                        root,
                        size,
                        operator: from,
                    },
                )])
            }
            Call::listSecurity(call) => {
                self.settlement.roles.check(from, B256::ZERO)?;
                let (security, listed) = (call.security, call.listed);
                if listed && !self.has_code(security) {
                    return refused(&IDvPSettlement::NotAContract { account: security });
                }
                if listed {
                    self.settlement.listed.insert(security);
                } else {
                    self.settlement.listed.remove(&security);
                }
                Ok(vec![log(
                    address,
                    &IDvPSettlement::SecurityListed { security, listed },
                )])
            }
            Call::pause(_) => {
                self.settlement.roles.check(from, role("PAUSER_ROLE"))?;
                self.running()?;
                self.settlement.paused = true;
                Ok(vec![log(
                    address,
                    &IDvPSettlement::Paused { account: from },
                )])
            }
            Call::unpause(_) => {
                self.settlement.roles.check(from, role("PAUSER_ROLE"))?;
                if !self.settlement.paused {
                    return refused(&IDvPSettlement::ExpectedPause {});
                }
                self.settlement.paused = false;
                Ok(vec![log(
                    address,
                    &IDvPSettlement::Unpaused { account: from },
                )])
            }
            _ => self.administer(from, call),
        }
    }

    fn running(&self) -> Result<(), Refusal> {
        if self.settlement.paused {
            refused(&IDvPSettlement::EnforcedPause {})
        } else {
            Ok(())
        }
    }

    /// "OPERATOR_ROLE with the owner's signature, or the owner itself (the signature is then empty or valid)."
    fn register(&mut self, from: Address, order: &Order, signature: &Bytes) -> Outcome {
        if from != order.owner {
            self.settlement.roles.check(from, role("OPERATOR_ROLE"))?;
        }
        self.running()?;
        if let Some(field) = self.bad_field(order) {
            return refused(&IDvPSettlement::InvalidOrder { field });
        }
        let id = self.id(order);
        let state = self.settlement.state(id);
        if state != state::NONE {
            return refused(&IDvPSettlement::OrderNotRegistrable { id, state });
        }
        let needs_none = from == order.owner && signature.is_empty();
        if !needs_none && !self.is_signed_by(order.owner, id, signature) {
            return refused(&IDvPSettlement::InvalidSignature { owner: order.owner });
        }
        self.enter(order, state::OPEN, true);
        Ok(vec![self.registered(from, order, signature)])
    }

    fn enter(&mut self, order: &Order, state: u8, has_terms: bool) {
        let id = self.id(order);
        let known = Known {
            order: order.clone(),
            state,
            has_terms,
        };
        self.settlement.orders.insert(id, known);
    }

    fn registered(&self, by: Address, order: &Order, signature: &Bytes) -> Log {
        log(
            self.settlement.address,
            &IDvPSettlement::OrderRegistered {
                id: self.id(order),
                owner: order.owner,
                security: order.security,
                order: order.clone(),
                signature: signature.clone(),
                by,
            },
        )
    }

    fn cancel(&mut self, by: Address, id: B256, reason: B256, order: Option<&Order>) -> Outcome {
        let state = self.settlement.state(id);
        match (state, self.settlement.orders.get_mut(&id), order) {
            (state::OPEN, Some(known), _) => known.state = state::CANCELLED,
            (state::NONE, None, Some(order)) => self.enter(order, state::CANCELLED, false),
            _ => return refused(&IDvPSettlement::OrderNotCancellable { id, state }),
        }
        let event = IDvPSettlement::OrderCancelled { id, by, reason };
        Ok(vec![log(self.settlement.address, &event)])
    }

    fn settle(&mut self, from: Address, bid: B256, ask: B256) -> Outcome {
        self.settlement.roles.check(from, role("OPERATOR_ROLE"))?;
        if let Some(refusal) = self.preflight(bid, ask).refuse() {
            return refusal;
        }
        let [bid, ask] = [bid, ask].map(|id| self.settlement.orders[&id].order.clone());
        self.exchange(from, &bid, &ask)
    }

    fn settle_signed(&mut self, from: Address, call: &IDvPSettlement::settleSignedCall) -> Outcome {
        self.settlement.roles.check(from, role("OPERATOR_ROLE"))?;
        let IDvPSettlement::settleSignedCall {
            bid,
            bidSignature,
            ask,
            askSignature,
        } = call;
        if let Some(refusal) = self
            .preflight_signed(bid, bidSignature, ask, askSignature)
            .refuse()
        {
            return refusal;
        }
        // "Registration, checks and settlement at once, with the same ids, states and events."
        let mut logs = Vec::new();
        for (order, signature) in [(bid, bidSignature), (ask, askSignature)] {
            if self.settlement.state(self.id(order)) == state::NONE {
                logs.push(self.registered(from, order, signature));
            }
        }
        logs.extend(self.exchange(from, bid, ask)?);
        Ok(logs)
    }

    /// Both legs, or nothing.
    fn exchange(&mut self, operator: Address, bid: &Order, ask: &Order) -> Outcome {
        let (buyer, seller, security) = (bid.owner, ask.owner, ask.security);
        let (quantity, total) = (ask.quantity, midpoint(bid, ask));
        let settlement = self.settlement.address;
        let mut logs = Vec::new();
        if let Some(token) = self.securities.get_mut(&security) {
            let leg = token.transfer_from(settlement, seller, buyer, quantity, self.now);
            logs.extend(leg.expect("invariant I5"));
        } else {
            let token = self
                .weird
                .get_mut(&security)
                .expect("a security that passed the checks");
            token.leg(seller, buyer, quantity)?;
        }
        let leg = self.coin.transfer_from(settlement, buyer, seller, total);
        logs.extend(leg.expect("invariant I5"));
        for order in [bid, ask] {
            let has_terms = self.settlement.orders.contains_key(&self.id(order));
            self.enter(order, state::FILLED, has_terms);
        }
        self.settlement.count += 1;
        logs.push(log(
            settlement,
            &IDvPSettlement::Settled {
                settlementId: U256::from(self.settlement.count),
                bidId: self.id(bid),
                askId: self.id(ask),
                buyer,
                seller,
                security,
                quantity,
                total,
                bidLimit: bid.limitTotal,
                askLimit: ask.limitTotal,
                operator,
                crd: BROKER_DEALER.1,
            },
        ));
        Ok(logs)
    }

    /// The roles and the one default admin, who moves in two steps.
    fn administer(&mut self, from: Address, call: &Call) -> Outcome {
        let address = self.settlement.address;
        let roles = &mut self.settlement.roles;
        let scheduled = |newAdmin| {
            vec![log(
                address,
                &IDvPSettlement::DefaultAdminTransferScheduled { newAdmin },
            )]
        };
        let granted = |role, account| {
            log(
                address,
                &IDvPSettlement::RoleGranted {
                    role,
                    account,
                    sender: from,
                },
            )
        };
        let revoked = |role, account| {
            log(
                address,
                &IDvPSettlement::RoleRevoked {
                    role,
                    account,
                    sender: from,
                },
            )
        };
        let rules = || refused(&IDvPSettlement::AccessControlEnforcedDefaultAdminRules {});
        let invalid =
            |account| refused(&IDvPSettlement::AccessControlInvalidDefaultAdmin { account });
        match call {
            Call::grantRole(call) => {
                if call.role == B256::ZERO {
                    return rules();
                }
                roles.check(from, B256::ZERO)?;
                let is_new = roles.held.insert((call.role, call.account));
                Ok(is_new
                    .then(|| granted(call.role, call.account))
                    .into_iter()
                    .collect())
            }
            Call::revokeRole(call) => {
                if call.role == B256::ZERO {
                    return rules();
                }
                roles.check(from, B256::ZERO)?;
                let was_held = roles.held.remove(&(call.role, call.account));
                Ok(was_held
                    .then(|| revoked(call.role, call.account))
                    .into_iter()
                    .collect())
            }
            Call::renounceRole(call) => {
                if call.role == B256::ZERO {
                    return rules();
                }
                if call.callerConfirmation != from {
                    return Err(Refusal::Typed);
                }
                let was_held = roles.held.remove(&(call.role, from));
                Ok(was_held
                    .then(|| revoked(call.role, from))
                    .into_iter()
                    .collect())
            }
            Call::beginDefaultAdminTransfer(call) => {
                roles.check(from, B256::ZERO)?;
                if call.newAdmin == Address::ZERO {
                    return invalid(call.newAdmin);
                }
                roles.pending = call.newAdmin;
                Ok(scheduled(call.newAdmin))
            }
            Call::acceptDefaultAdminTransfer(_) => {
                if roles.pending != from {
                    return invalid(from);
                }
                let old = std::mem::replace(&mut roles.admin, from);
                roles.pending = Address::ZERO;
                Ok(vec![revoked(B256::ZERO, old), granted(B256::ZERO, from)])
            }
            Call::cancelDefaultAdminTransfer(_) => {
                roles.check(from, B256::ZERO)?;
                roles.pending = Address::ZERO;
                Ok(scheduled(Address::ZERO))
            }
            other => unreachable!("the generator makes no {other:?}"),
        }
    }
}

/// "total = floor((bid limit + ask limit) / 2)."
pub(crate) fn midpoint(bid: &Order, ask: &Order) -> U256 {
    let (bid, ask) = (bid.limitTotal, ask.limitTotal);
    // Never more than either limit, so without a sum that could overflow.
    let (low, high) = (bid.min(ask), bid.max(ask));
    low + (high - low) / U256::from(2)
}
