//! The settlement contract as described in `docs/settlement.md` and the failure table of its ABI file.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Call},
        Order,
    },
    deploy::BROKER_DEALER,
    market::DAY,
    order::{self, BID, state},
    replay::Commitment,
};
use alloy::primitives::{Address, B256, Bytes, Log, U256};

use super::{Outcome, Refusal, Roles, World, holds::Hold, log, refused, role};

pub(crate) use table::{Verdict, midpoint};

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
    /// What each security supported when it was last listed: the extension for spenders, and holds.
    pub(crate) probed: BTreeMap<Address, (bool, bool)>,
    /// The commitments of every order that was ever committed.
    pub(crate) commitments: BTreeMap<B256, Commitment>,
    /// Orders that were settled from their holds.
    pub(crate) used: BTreeSet<B256>,
    pub(crate) commitment_required: bool,
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

/// The longest commitment, seconds.
pub(crate) const LONGEST: u64 = 72 * 3_600;
/// How long an offer to become default admin is valid, seconds.
pub(crate) const OFFER: u64 = 30 * DAY;

impl Settlement {
    pub(crate) fn epoch(&self, owner: Address) -> u64 {
        self.epochs.get(&owner).copied().unwrap_or_default()
    }

    /// The commitment that binds an order at a given second.
    pub(crate) fn commitment(&self, id: B256, now: u64) -> Option<Commitment> {
        let known = self.commitments.get(&id).copied();
        known.filter(|known| !known.released && now < known.until && self.state(id) == state::OPEN)
    }

    /// Whether two orders are committed to each other.
    pub(crate) fn is_committed(&self, bid: B256, ask: B256, now: u64) -> bool {
        let to = |id| self.commitment(id, now).map(|commitment| commitment.other);
        to(bid) == Some(ask) && to(ask) == Some(bid)
    }

    /// The account that may become default admin at a given second.
    pub(crate) fn pending(&self, now: u64) -> Address {
        if now >= self.roles.offered + OFFER {
            Address::ZERO
        } else {
            self.roles.pending
        }
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
                // "The block's time in seconds, or one more than before if that is larger."
                let epoch = self.now.max(self.settlement.epoch(from) + 1);
                self.settlement.epochs.insert(from, epoch);
                Ok(vec![log(
                    address,
                    &IDvPSettlement::EpochAdvanced { owner: from, epoch },
                )])
            }
            Call::cancelOrderSigned(call) => {
                let (order, id) = (&call.order, self.id(&call.order));
                let digest = order::cancellation(id, &self.domain);
                if !self.is_signed_by(order.owner, digest, &call.signature) {
                    return refused(&IDvPSettlement::InvalidSignature { owner: order.owner });
                }
                self.cancel(order.owner, id, B256::ZERO, Some(order))
            }
            Call::commitMatch(call) => self.commit(from, call.bid, call.ask, call.until),
            Call::releaseMatch(call) => self.release(from, call.bid, call.ask, call.reason),
            Call::setCommitmentRequired(call) => {
                self.settlement.roles.check(from, B256::ZERO)?;
                let required = call.required;
                self.settlement.commitment_required = required;
                let event = IDvPSettlement::CommitmentRequiredSet { required };
                Ok(vec![log(address, &event)])
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
                let listing = log(
                    address,
                    &IDvPSettlement::SecurityListed { security, listed },
                );
                if !listed {
                    self.settlement.listed.remove(&security);
                    return Ok(vec![listing]);
                }
                if !self.has_code(security) {
                    return refused(&IDvPSettlement::NotAContract { account: security });
                }
                let Some((checksSpender, holds)) = self.probe(security) else {
                    return refused(&IDvPSettlement::NotASecurity { token: security });
                };
                self.settlement.listed.insert(security);
                self.settlement
                    .probed
                    .insert(security, (checksSpender, holds));
                let probed = IDvPSettlement::SecurityProbed {
                    security,
                    checksSpender,
                    holds,
                };
                Ok(vec![listing, log(address, &probed)])
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
                self.settlement.roles.check(from, B256::ZERO)?;
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
    pub(crate) fn would_register(
        &self,
        from: Address,
        order: &Order,
        signature: &Bytes,
    ) -> Result<B256, Refusal> {
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
        Ok(id)
    }

    fn register(&mut self, from: Address, order: &Order, signature: &Bytes) -> Outcome {
        self.would_register(from, order, signature)?;
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

    /// What a security answers when it is listed: whether it checks spenders, and whether it has holds. None if it is
    /// the coin, or does not answer the restriction view.
    fn probe(&self, security: Address) -> Option<(bool, bool)> {
        if self.securities.contains_key(&security) {
            return Some((true, true));
        }
        let weird = self.weird.get(&security)?;
        (weird.restriction() == 0).then_some((false, false))
    }

    /// "Both OPEN, the whole failure table empty now, order expiries not before `until`, `until` after now and at most 72
    /// hours ahead: writes the commitment, places both holds, then asks that they stand."
    fn commit(&mut self, from: Address, bid: B256, ask: B256, until: u64) -> Outcome {
        let before = self.clone();
        let outcome = self.commit_or_leave(from, bid, ask, until);
        if outcome.is_err() {
            *self = before;
        }
        outcome
    }

    fn commit_or_leave(&mut self, from: Address, bid: B256, ask: B256, until: u64) -> Outcome {
        let principal = role("PRINCIPAL_ROLE");
        self.settlement.roles.check(from, principal)?;
        let mut verdict = self.preflight(bid, ask);
        // 32 says that the pair is not committed yet, which this call changes.
        verdict.failures.retain(|failure| *failure != 32);
        if let Some(refusal) = verdict.refuse() {
            return refusal;
        }
        for id in [bid, ask] {
            if self.settlement.commitments.contains_key(&id) {
                return refused(&IDvPSettlement::OrderCommittedBefore { id });
            }
        }
        let [buys, sells] = [bid, ask].map(|id| self.settlement.orders[&id].order.clone());
        let latest = (self.now + LONGEST).min(buys.expiry).min(sells.expiry);
        if until <= self.now || until > latest {
            return refused(&IDvPSettlement::CommitmentTime { until, latest });
        }
        let (security, now) = (sells.security, self.now);
        if !self.securities.contains_key(&security) {
            return refused(&IDvPSettlement::NoHolds { token: security });
        }
        for (id, other) in [(bid, ask), (ask, bid)] {
            let commitment = Commitment {
                until,
                other,
                released: false,
            };
            self.settlement.commitments.insert(id, commitment);
        }
        let placer = self.settlement.address;
        let total = midpoint(&buys, &sells);
        let committed = IDvPSettlement::MatchCommitted {
            bid,
            ask,
            principal: from,
            until,
            total,
        };
        let mut logs = Vec::new();
        let hold = |id, amount| Hold {
            placer,
            id,
            amount,
            until,
        };
        let token = self.securities.get_mut(&security).expect("it has holds");
        logs.extend(token.place_hold(sells.owner, hold(ask, sells.quantity), now)?);
        logs.extend(self.coin.place_hold(buys.owner, hold(bid, total), now)?);
        let token = &self.securities[&security];
        let name = (placer, ask);
        let code = token.hold_restriction(name, sells.owner, buys.owner, until - 1);
        if code != 0 {
            return refused(&IDvPSettlement::SettlementRefused {
                failure: 19,
                restrictionCode: code,
            });
        }
        logs.push(log(placer, &committed));
        Ok(logs)
    }

    /// "Both orders are merely OPEN again, then each hold is dropped by a call of its own whose failure is logged."
    fn release(&mut self, from: Address, bid: B256, ask: B256, reason: B256) -> Outcome {
        let (roles, now) = (&self.settlement.roles, self.now);
        if roles.check(from, role("PRINCIPAL_ROLE")).is_err() {
            roles.check(from, role("OPERATOR_ROLE"))?;
        }
        let buys = |id| {
            self.settlement
                .orders
                .get(&id)
                .map(|known| known.order.side)
                == Some(BID)
        };
        // "Committed to each other, and bid is the bid."
        if !self.settlement.is_committed(bid, ask, now) || !buys(bid) {
            return refused(&IDvPSettlement::NotCommitted { bid, ask });
        }
        let placer = self.settlement.address;
        for id in [bid, ask] {
            let commitment = self.settlement.commitments.get_mut(&id);
            commitment.expect("it is committed").released = true;
        }
        let event = IDvPSettlement::MatchReleased {
            bid,
            ask,
            by: from,
            reason,
        };
        let mut logs = vec![log(placer, &event)];
        let [buys, sells] = [bid, ask].map(|id| self.settlement.orders[&id].order.clone());
        let not_dropped =
            |token, id| vec![log(placer, &IDvPSettlement::HoldNotDropped { token, id })];
        let dropped = self.coin.drop_hold(placer, buys.owner, bid, now);
        let coin = self.coin.ledger.address;
        logs.extend(dropped.unwrap_or_else(|_| not_dropped(coin, bid)));
        let security = sells.security;
        let token = self.securities.get_mut(&security).expect("it has holds");
        let dropped = token.drop_hold((placer, ask), sells.owner, now);
        logs.extend(dropped.unwrap_or_else(|_| not_dropped(security, ask)));
        Ok(logs)
    }

    fn cancel(&mut self, by: Address, id: B256, reason: B256, order: Option<&Order>) -> Outcome {
        let state = self.settlement.state(id);
        let address = self.settlement.address;
        if let Some(Commitment { until, .. }) = self.settlement.commitment(id, self.now) {
            return refused(&IDvPSettlement::OrderCommitted { id, until });
        }
        let mut logs = Vec::new();
        match (state, self.settlement.orders.get_mut(&id), order) {
            (state::OPEN, Some(known), _) => known.state = state::CANCELLED,
            (state::NONE, None, Some(order)) => {
                self.enter(order, state::CANCELLED, false);
                let voided = IDvPSettlement::OrderVoided {
                    id,
                    owner: order.owner,
                    order: order.clone(),
                };
                logs.push(log(address, &voided));
            }
            _ => return refused(&IDvPSettlement::OrderNotCancellable { id, state }),
        }
        let event = IDvPSettlement::OrderCancelled { id, by, reason };
        logs.push(log(address, &event));
        Ok(logs)
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
        let (bid_id, ask_id) = (self.id(bid), self.id(ask));
        let is_committed = self.settlement.is_committed(bid_id, ask_id, self.now);
        let mut logs = Vec::new();
        if let Some(token) = self.securities.get_mut(&security) {
            let leg = if is_committed {
                let name = (settlement, ask_id);
                token.use_hold(name, seller, buyer, quantity, self.now)
            } else {
                token.transfer_from(settlement, seller, buyer, quantity, self.now)
            };
            logs.extend(leg.expect("invariant I5"));
        } else {
            let token = self
                .weird
                .get_mut(&security)
                .expect("a security that passed the checks");
            token.leg(seller, buyer, quantity)?;
        }
        let leg = if is_committed {
            self.coin
                .use_hold(settlement, buyer, bid_id, seller, total, self.now)
        } else {
            self.coin
                .transfer_from(settlement, buyer, seller, total, self.now)
        };
        logs.extend(leg.expect("invariant I5"));
        if is_committed {
            for id in [bid_id, ask_id] {
                self.settlement.used.insert(id);
            }
        }
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
        let (address, now) = (self.settlement.address, self.now);
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
                // "No account holds OPERATOR_ROLE and PRINCIPAL_ROLE at once."
                let both = ["OPERATOR_ROLE", "PRINCIPAL_ROLE"].map(role);
                let other = both.iter().find(|other| **other != call.role).copied();
                if let Some(other) = other.filter(|_| both.contains(&call.role))
                    && roles.held.contains(&(other, call.account))
                {
                    let role = call.role;
                    return refused(&IDvPSettlement::RolesExclude { role, other });
                }
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
                roles.offered = now;
                Ok(scheduled(call.newAdmin))
            }
            Call::acceptDefaultAdminTransfer(_) => {
                // "An offered hand-over lapses after 30 days."
                if roles.pending != from || now >= roles.offered + OFFER {
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
