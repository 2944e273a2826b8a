//! Sequences of acts that lead to rare states: limits that are just reached, a share class that is wound up, and an
//! order whose twin is committed.

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
        Order,
    },
    market::{s, usd},
    order::{ASK, BID, Signed},
};
use alloy::primitives::{Address, B256, U256, keccak256};

use crate::{
    cast::Cast,
    model::{Act, World, security::Security as SecurityModel},
    probe::Transfer,
};

use super::{Generator, matches::settle};

impl Generator {
    /// Queues acts that lead to one of these.
    pub(super) fn guide(&mut self, world: &World) {
        let ending = self.cast.shares[1];
        if self.is_late() && !world.securities[&ending].deactivated {
            self.wind_up(ending);
            return;
        }
        match self.random.below(9) {
            0 => self.twins(world),
            1 => self.fill_supply(world),
            2..=5 => self.block(world),
            6 => self.freeze_unvested(world),
            _ => self.fill_holders(world),
        }
    }

    /// Whether the run is in its last tenth.
    pub(super) fn is_late(&self) -> bool {
        self.made >= self.steps - self.steps / 10
    }

    fn by_officer(&mut self, token: Address, call: Security) {
        self.begun
            .push_back((self.cast.admin, Act::Security(token, call)));
    }

    /// Winds up a share class.
    fn wind_up(&mut self, token: Address) {
        self.by_officer(token, Security::pause(ISecurityToken::pauseCall {}));
        let call = ISecurityToken::deactivateCall {};
        self.by_officer(token, Security::deactivate(call));
    }

    /// Sets the supply cap to the current supply.
    fn fill_supply(&mut self, world: &World) {
        let token = self.cast.shares[0];
        let supplyCap = world.securities[&token].ledger.supply + s(self.random.below(2));
        let call = ISecurityToken::setSupplyCapCall { supplyCap };
        self.by_officer(token, Security::setSupplyCap(call));
    }

    /// Revokes a schedule of a holder whose tokens are nearly all frozen.
    fn freeze_unvested(&mut self, world: &World) {
        let token = self.cast.shares[0];
        let security = &world.securities[&token];
        let holder = *self.random.pick(&self.cast.investors);
        let to = *self.random.pick(&self.cast.investors);
        let (amount, start) = (s(1 + self.random.below(9)), world.now);
        let cliff = 3 * 86_400;
        let call = ISecurityToken::grantVestingCall {
            holder,
            amount,
            start,
            cliff,
            period: 0,
            periods: 0,
            firstBips: 0,
            revocable: true,
        };
        self.by_officer(token, Security::grantVesting(call));
        let [frozen, ..] = security.encumbrances(holder, world.now);
        let call = ISecurityToken::freezePartialTokensCall {
            account: holder,
            amount: security.ledger.balance(holder).saturating_sub(frozen),
        };
        self.by_officer(token, Security::freezePartialTokens(call));
        let call = ISecurityToken::revokeVestingCall {
            holder,
            index: U256::from(security.next_place(holder, world.now)),
            to,
        };
        self.by_officer(token, Security::revokeVesting(call));
    }

    /// An investor loses everything, and the holder limit becomes the number of those left: in total or in its group.
    fn fill_holders(&mut self, world: &World) {
        let token = self.cast.shares[0];
        let security = &world.securities[&token];
        let alone = alone(&self.cast, security);
        if alone.is_empty() {
            return;
        }
        let guest = *self.random.pick(&alone);
        let heir = *self.random.pick(&self.cast.investors);
        let value = security.ledger.balance(guest);
        if value > U256::ZERO {
            let call = ISecurityToken::forcedTransferCall {
                from: guest,
                to: heir,
                value,
                reason: B256::repeat_byte(3),
            };
            self.by_officer(token, Security::forcedTransfer(call));
        }
        let rest = |among: &dyn Fn(u8) -> bool| {
            let holders = security.holders(among);
            holders - u32::from(value > U256::ZERO)
        };
        let group = security.records[&guest].group;
        let call = if self.random.once_in(2) {
            Security::setLimits(ISecurityToken::setLimitsCall {
                maxPerInvestor: U256::ZERO,
                maxBipsPerInvestor: 0,
                maxHolders: rest(&|_| true).max(1),
                minHolding: U256::ZERO,
                granularity: U256::ZERO,
            })
        } else {
            Security::setGroupHolderLimit(ISecurityToken::setGroupHolderLimitCall {
                group,
                maxHolders: rest(&|other| other == group).max(1),
            })
        };
        self.by_officer(token, call);
    }

    /// A pair that could settle, except that the coin blocks one participant or everybody, that an owner advances its
    /// epoch, that only committed pairs settle, or that the security is no longer listed.
    fn block(&mut self, world: &World) {
        let Some((bid, ask)) = self.good_pair(world) else {
            return;
        };
        let accounts = [bid.owner, ask.owner, self.cast.settlement];
        let [bid, ask] = [bid, ask].map(|order| self.sign(world, order));
        self.prepare(world, [&bid, &ask]);
        let admin = self.cast.admin;
        self.begun.push_back(match self.random.below(8) {
            0 => (admin, Act::Coin(Coin::pause(ITsUSDC::pauseCall {}))),
            1 | 2 => {
                let call = IDvPSettlement::cancelAllOrdersCall {};
                let owner = *self.random.pick(&accounts[..2]);
                (owner, Act::Settlement(Dvp::cancelAllOrders(call)))
            }
            3 => {
                let required = true;
                let call = IDvPSettlement::setCommitmentRequiredCall { required };
                let master = world.settlement.roles.admin;
                (master, Act::Settlement(Dvp::setCommitmentRequired(call)))
            }
            4 => {
                let (security, listed) = (ask.order.security, false);
                let call = IDvPSettlement::listSecurityCall { security, listed };
                let master = world.settlement.roles.admin;
                (master, Act::Settlement(Dvp::listSecurity(call)))
            }
            _ => {
                let account = *self.random.pick(&accounts);
                let call = ITsUSDC::blacklistCall { account };
                (admin, Act::Coin(Coin::blacklist(call)))
            }
        });
        let operator = self.operator(world);
        self.begun.push_back((operator, settle(bid.id, ask.id)));
        self.remember(bid, ask);
    }

    /// A bid and two asks with the same terms: it is committed to one, and then tried to settle with the other.
    fn twins(&mut self, world: &World) {
        let Some((bid, ask)) = self.good_pair(world) else {
            return;
        };
        let twin = Order {
            boardRef: keccak256(ask.boardRef),
            ..ask.clone()
        };
        let [bid, ask, twin] = [bid, ask, twin].map(|order| self.sign(world, order));
        self.prepare(world, [&bid, &ask, &twin]);
        let principal = self.principal(world);
        let act = self.commit(world, &bid, &ask);
        self.begun.push_back((principal, act));
        let operator = self.operator(world);
        self.begun.push_back((operator, settle(bid.id, twin.id)));
        self.remember(bid.clone(), ask);
        self.remember(bid, twin);
    }

    /// A bid and an ask for amounts of which both owners have four times as much, unless there are no such owners.
    fn good_pair(&mut self, world: &World) -> Option<(Order, Order)> {
        let security = self.cast.shares[0];
        let (quantity, total) = (s(1 + self.random.below(3)), usd(1 + self.random.below(3)));
        let more = U256::from(4);
        let mut owners = self.cast.investors.clone();
        owners.retain(|owner| self.acts(*owner));
        let mut sellers = owners.clone();
        sellers.retain(|owner| {
            world.securities[&security].spendable(*owner, world.now) >= quantity * more
        });
        owners.retain(|owner| world.coin.free(*owner, world.now) >= total * more);
        if sellers.is_empty() || owners.is_empty() {
            return None;
        }
        let (seller, buyer) = (*self.random.pick(&sellers), *self.random.pick(&owners));
        if seller == buyer {
            return None;
        }
        let bid = self.order(world, buyer, seller, BID, security, quantity, total);
        let ask = self.order(world, seller, buyer, ASK, security, quantity, total);
        Some((bid, ask))
    }

    /// Unlimited allowances by the signers, and the registration of what they signed.
    fn prepare<const ORDERS: usize>(&mut self, world: &World, all: [&Signed; ORDERS]) {
        let (spender, value) = (self.cast.settlement, U256::MAX);
        for signed in &all[..2] {
            let act = if signed.order.side == BID {
                Act::Coin(Coin::approve(ITsUSDC::approveCall { spender, value }))
            } else {
                let call = ISecurityToken::approveCall { spender, value };
                Act::Security(signed.order.security, Security::approve(call))
            };
            self.begun.push_back((signed.order.owner, act));
        }
        let operator = self.operator(world);
        for signed in all {
            let call = IDvPSettlement::registerOrderCall {
                order: signed.order.clone(),
                signature: signed.signature.clone(),
            };
            self.begun
                .push_back((operator, Act::Settlement(Dvp::registerOrder(call))));
        }
    }

    /// A movement that would exceed a limit that is just reached, if there is one.
    pub(super) fn tight(&mut self, world: &World) -> Option<Transfer> {
        let token = self.cast.shares[0];
        let security = &world.securities[&token];
        let mut senders = self.cast.investors.clone();
        senders.retain(|wallet| security.spendable(*wallet, world.now) > s(1));
        let mut guests = alone(&self.cast, security);
        guests.retain(|wallet| security.ledger.balance(*wallet) == U256::ZERO);
        let mut choices = Vec::new();
        if security.supply_cap > U256::ZERO {
            let room = security.supply_cap.saturating_sub(security.ledger.supply);
            let to = *self.random.pick(&self.cast.investors);
            choices.push((Address::ZERO, to, room + U256::from(1)));
        }
        if !guests.is_empty() && !senders.is_empty() {
            let (from, to) = (*self.random.pick(&senders), *self.random.pick(&guests));
            choices.push((from, to, s(1)));
        }
        if choices.is_empty() {
            return None;
        }
        let (from, to, value) = *self.random.pick(&choices);
        let spender = if from == Address::ZERO {
            self.cast.admin
        } else {
            from
        };
        Some(Transfer {
            token,
            spender,
            from,
            to,
            value,
        })
    }
}

/// The wallets that are their investor's only one.
fn alone(cast: &Cast, security: &SecurityModel) -> Vec<Address> {
    let mut wallets = cast.investors.clone();
    wallets
        .retain(|wallet| cast.sibling(*wallet) == *wallet && security.records.contains_key(wallet));
    wallets
}
