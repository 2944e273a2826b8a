//! Calls of the settlement contract by its desk, by owners of orders and by its admin, or by accounts that pose as one.

use acceptance::{
    bindings::IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
    order::{self, Signed},
};
use alloy::primitives::{Address, B256, keccak256};

use crate::model::{Act, World, role, settlement::LONGEST};

use super::{
    Generator, holder,
    matches::{settle, settle_signed},
};

impl Generator {
    /// Of the desk, or of an account that poses as the desk.
    pub(super) fn desk_act(&mut self, world: &World) -> (Address, Act) {
        let operator = self.operator(world);
        let Some((mut bid, mut ask)) = self.pair(world) else {
            return (operator, settle(B256::ZERO, B256::ZERO));
        };
        let act = match self.random.below(16) {
            0..=2 => settle(bid.id, ask.id),
            12 | 13 => return (self.principal(world), self.commit(world, &bid, &ask)),
            14 | 15 => {
                let by = if self.random.once_in(2) {
                    operator
                } else {
                    self.principal(world)
                };
                return (by, release(bid.id, ask.id));
            }
            3 => settle(keccak256(bid.id), ask.id),
            4 | 5 => {
                bid.signature = self.signature(world, &bid);
                ask.signature = self.signature(world, &ask);
                settle_signed(&bid, &ask)
            }
            6..=8 => {
                let signed = if self.random.once_in(2) { &bid } else { &ask };
                return self.register(world, signed);
            }
            9 => {
                self.distort(world, &mut bid.order);
                let odd = self.sign(world, bid.order);
                return self.register(world, &odd);
            }
            10 => {
                let (root, size) = (bid.id, self.random.below(1_000));
                let call = IDvPSettlement::anchorBookCall { root, size };
                let by = if self.random.once_in(5) {
                    self.person()
                } else {
                    operator
                };
                return (by, Act::Settlement(Dvp::anchorBook(call)));
            }
            _ => cancel_by_id(
                if self.random.once_in(5) {
                    keccak256(bid.id)
                } else {
                    bid.id
                },
                ask.id,
            ),
        };
        (operator, act)
    }

    /// Of an order's owner, or of an account that poses as the owner.
    pub(super) fn owner_act(&mut self, world: &World) -> (Address, Act) {
        let Some((bid, ask)) = self.pair(world) else {
            return (self.cast.stranger, cancel_by_id(B256::ZERO, B256::ZERO));
        };
        let signed = if self.random.once_in(2) { bid } else { ask };
        let owner = if self.acts(signed.order.owner) {
            signed.order.owner
        } else {
            self.cast.stranger
        };
        let from = self.entitled(owner);
        let act = match self.random.below(11) {
            8..=10 => return self.cancel_signed(world, signed),
            0..=2 => Act::Settlement(Dvp::cancelOrder(IDvPSettlement::cancelOrderCall {
                order: signed.order,
            })),
            3 | 4 => cancel_by_id(signed.id, B256::ZERO),
            5 => Act::Settlement(Dvp::cancelAllOrders(IDvPSettlement::cancelAllOrdersCall {})),
            6 => {
                // An unknown order.
                let mut order = signed.order;
                order.boardRef = keccak256(order.boardRef);
                Act::Settlement(Dvp::cancelOrder(IDvPSettlement::cancelOrderCall { order }))
            }
            _ => return self.register(world, &signed),
        };
        (from, act)
    }

    /// Anyone sends what an owner has or has not signed.
    fn cancel_signed(&mut self, world: &World, signed: Signed) -> (Address, Act) {
        let mut order = signed.order;
        if self.random.once_in(4) {
            order.boardRef = keccak256(order.boardRef);
        }
        let id = world.id(&order);
        let digest = match self.random.below(5) {
            // The signature of the order is not one of its cancellation.
            0 => id,
            _ => order::cancellation(id, &world.domain),
        };
        let signer = self.entitled(order.owner);
        let signature = self.cast.sign(signer, digest);
        let call = IDvPSettlement::cancelOrderSignedCall { order, signature };
        (self.person(), Act::Settlement(Dvp::cancelOrderSigned(call)))
    }

    /// A commitment of a match, mostly of a valid length.
    pub(super) fn commit(&mut self, world: &World, bid: &Signed, ask: &Signed) -> Act {
        let latest = bid.order.expiry.min(ask.order.expiry);
        let latest = latest.min(world.now + LONGEST);
        let until = match self.random.below(12) {
            0 => latest,
            1 => latest + 1 + self.random.below(40),
            2 => world.now,
            3 => world.now + 60 + self.random.below(LONGEST),
            _ => world.now + 60 + self.random.below(600),
        };
        let call = IDvPSettlement::commitMatchCall {
            bid: bid.id,
            ask: ask.id,
            until,
        };
        Act::Settlement(Dvp::commitMatch(call))
    }

    /// Of the settlement contract's admin, or of an account that poses as the admin.
    pub(super) fn admin_act(&mut self, world: &World) -> (Address, Act) {
        let roles = &world.settlement.roles;
        let admin = if self.random.once_in(5) {
            self.person()
        } else {
            roles.admin
        };
        let pauser = holder(world, "PAUSER_ROLE").unwrap_or(admin);
        let pauser = if self.random.once_in(5) {
            self.person()
        } else {
            pauser
        };
        let account = match self.random.below(4) {
            0 => self.cast.operator,
            1 => self.cast.desk,
            2 => self.cast.admin,
            _ => self.person(),
        };
        let names = ["OPERATOR_ROLE", "PRINCIPAL_ROLE", "PAUSER_ROLE"];
        let role = match self.random.below(12) {
            0 => B256::ZERO,
            1 => keccak256("ANOTHER_ROLE"),
            _ => role(self.random.pick(&names)),
        };
        let (from, call) = match self.random.below(15) {
            14 => {
                let required = !self.random.once_in(3);
                let call = IDvPSettlement::setCommitmentRequiredCall { required };
                (admin, Dvp::setCommitmentRequired(call))
            }
            0 => (pauser, Dvp::pause(IDvPSettlement::pauseCall {})),
            1 => (admin, Dvp::unpause(IDvPSettlement::unpauseCall {})),
            2 | 3 => {
                let security = match self.random.below(8) {
                    0 => self.cast.stranger,
                    1 => self.cast.coin,
                    _ => self.security(),
                };
                let listed = !self.random.once_in(3);
                (
                    admin,
                    Dvp::listSecurity(IDvPSettlement::listSecurityCall { security, listed }),
                )
            }
            4 | 5 => (
                admin,
                Dvp::grantRole(IDvPSettlement::grantRoleCall { role, account }),
            ),
            6 | 7 => (
                admin,
                Dvp::revokeRole(IDvPSettlement::revokeRoleCall { role, account }),
            ),
            8 | 9 => {
                let account = self.entitled(account);
                let callerConfirmation = self.entitled(account);
                let call = IDvPSettlement::renounceRoleCall {
                    role,
                    callerConfirmation,
                };
                (account, Dvp::renounceRole(call))
            }
            10 => {
                let newAdmin = if self.random.once_in(4) {
                    Address::ZERO
                } else {
                    account
                };
                let call = IDvPSettlement::beginDefaultAdminTransferCall { newAdmin };
                (admin, Dvp::beginDefaultAdminTransfer(call))
            }
            11 | 12 => {
                let from = if self.acts(roles.pending) {
                    roles.pending
                } else {
                    account
                };
                let call = IDvPSettlement::acceptDefaultAdminTransferCall {};
                (self.entitled(from), Dvp::acceptDefaultAdminTransfer(call))
            }
            _ => {
                let call = IDvPSettlement::cancelDefaultAdminTransferCall {};
                (admin, Dvp::cancelDefaultAdminTransfer(call))
            }
        };
        (from, Act::Settlement(call))
    }
}

fn cancel_by_id(id: B256, reason: B256) -> Act {
    Act::Settlement(Dvp::cancelOrderById(IDvPSettlement::cancelOrderByIdCall {
        id,
        reason,
    }))
}

pub(super) fn release(bid: B256, ask: B256) -> Act {
    let reason = B256::repeat_byte(0x0e);
    let call = IDvPSettlement::releaseMatchCall { bid, ask, reason };
    Act::Settlement(Dvp::releaseMatch(call))
}
