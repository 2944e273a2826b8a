//! The settlement contract as `docs/settlement.md` and the failure table of its ABI file have it.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Call},
        Order,
    },
    deploy::BROKER_DEALER,
    order::{self, state},
};
use alloy::primitives::{Address, B256, Bytes, Log, U256};

use super::{Outcome, Refusal, Roles, World, log, refused, role};

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
