//! Which views a step can have changed.

use std::collections::BTreeSet;

use acceptance::bindings::{
    IDvPSettlement::IDvPSettlementCalls as Dvp, ISecurityToken::ISecurityTokenCalls as Security,
    ITsUSDC::ITsUSDCCalls as Coin,
};
use alloy::primitives::Address;

use crate::{
    model::{Act, Step, permit::Claim},
    observe::View,
    stage::Stage,
};

impl Stage {
    /// The one contract that an act can change, unless it is the settlement contract's.
    pub(crate) fn changed(&self, act: &Act) -> Option<Address> {
        match act {
            Act::Settlement(_) => None,
            Act::Security(token, _) => Some(*token),
            Act::Coin(_) => Some(self.cast.coin),
            Act::Delegate(_) => Some(self.cast.settlement),
        }
    }

    /// Views of everything a step could have changed.
    pub(crate) fn touched(&self, step: &Step) -> Vec<View> {
        let mut accounts = BTreeSet::from([step.from]);
        let mut orders = BTreeSet::new();
        match &step.act {
            Act::Settlement(Dvp::settle(call)) => orders.extend([call.bidId, call.askId]),
            Act::Settlement(Dvp::settleSigned(call)) => {
                orders.extend([self.world.id(&call.bid), self.world.id(&call.ask)]);
                accounts.extend([call.bid.owner, call.ask.owner]);
            }
            Act::Settlement(Dvp::registerOrder(call)) => {
                orders.insert(self.world.id(&call.order));
            }
            Act::Settlement(Dvp::cancelOrder(call)) => {
                orders.insert(self.world.id(&call.order));
            }
            Act::Settlement(Dvp::cancelOrderSigned(call)) => {
                orders.insert(self.world.id(&call.order));
            }
            Act::Settlement(Dvp::commitMatch(call)) => orders.extend([call.bid, call.ask]),
            Act::Settlement(Dvp::releaseMatch(call)) => orders.extend([call.bid, call.ask]),
            Act::Settlement(Dvp::cancelOrderById(call)) => {
                orders.insert(call.id);
            }
            Act::Settlement(Dvp::grantRole(call)) => accounts.extend([call.account]),
            Act::Settlement(Dvp::revokeRole(call)) => accounts.extend([call.account]),
            Act::Security(_, Security::transfer(call)) => accounts.extend([call.to]),
            Act::Security(_, Security::transferFrom(call)) => accounts.extend([call.from, call.to]),
            Act::Security(_, Security::placeHold(call)) => accounts.extend([call.owner]),
            Act::Security(_, Security::useHold(call)) => accounts.extend([call.owner, call.to]),
            Act::Security(_, Security::dropHold(call)) => accounts.extend([call.owner]),
            Act::Security(_, Security::mint(call)) => accounts.extend([call.to]),
            Act::Security(_, Security::mintLocked(call)) => accounts.extend([call.to]),
            Act::Security(_, Security::mintLockedBatch(call)) => accounts.extend(&call.to),
            Act::Security(_, Security::revokeVesting(call)) => {
                accounts.extend([call.holder, call.to]);
            }
            Act::Security(_, Security::burn(call)) => accounts.extend([call.from]),
            Act::Security(_, Security::grantVesting(call)) => accounts.extend([call.holder]),
            Act::Security(_, Security::lockTokens(call)) => accounts.extend([call.holder]),
            Act::Security(_, Security::unlockTokens(call)) => accounts.extend([call.holder]),
            Act::Security(_, Security::setWallet(call)) => {
                accounts.extend([call.wallet, self.cast.sibling(call.wallet)]);
            }
            Act::Security(_, Security::setInvestor(call)) => {
                accounts.extend(self.world.investors(call.investorId));
            }
            Act::Security(_, Security::removeWallet(call)) => accounts.extend([call.wallet]),
            Act::Security(_, Security::recoverWallet(call)) => {
                accounts.extend([call.lost, call.replacement]);
            }
            Act::Security(_, Security::forcedTransfer(call)) => {
                accounts.extend([call.from, call.to]);
            }
            Act::Security(_, Security::forcedBurn(call)) => accounts.extend([call.from]),
            Act::Security(_, Security::setSanctioned(call)) => {
                let siblings = call
                    .accounts
                    .iter()
                    .map(|account| self.cast.sibling(*account));
                accounts.extend(siblings.chain(call.accounts.iter().copied()));
            }
            Act::Security(_, Security::setAddressFrozen(call)) => {
                accounts.extend([call.account, self.cast.sibling(call.account)]);
            }
            Act::Coin(Coin::placeHold(call)) => accounts.extend([call.owner]),
            Act::Coin(Coin::useHold(call)) => accounts.extend([call.owner, call.to]),
            Act::Coin(Coin::dropHold(call)) => accounts.extend([call.owner]),
            Act::Coin(Coin::seize(call)) => accounts.extend([call.from, call.to]),
            Act::Coin(Coin::transfer(call)) => accounts.extend([call.to]),
            Act::Coin(Coin::transferFrom(call)) => accounts.extend([call.from, call.to]),
            _ => {}
        }
        let known = orders
            .iter()
            .filter_map(|id| self.world.settlement.orders.get(id));
        accounts.extend(known.map(|known| known.order.owner));
        accounts.remove(&self.cast.settlement);
        let mut views = self.world.counters();
        if let Some((token, owner, spender)) = self.allowed(step) {
            accounts.insert(owner);
            views.push(self.world.allowance(token, owner, spender));
        }
        views.extend(
            accounts
                .into_iter()
                .flat_map(|account| self.world.account(account)),
        );
        views.extend(orders.into_iter().flat_map(|id| self.world.order(id)));
        views
    }

    /// The allowance that a step would change: token, owner and spender.
    fn allowed(&self, step: &Step) -> Option<(Address, Address, Address)> {
        if let Some((token, claim)) = Claim::of(&step.act, self.cast.coin) {
            return Some((token, claim.owner, claim.spender));
        }
        match &step.act {
            Act::Security(token, Security::approve(call)) => {
                Some((*token, step.from, call.spender))
            }
            Act::Coin(Coin::approve(call)) => Some((self.cast.coin, step.from, call.spender)),
            _ => None,
        }
    }

    /// Views of all accounts and everything else, except old orders.
    pub(crate) fn everything(&self) -> Vec<View> {
        let mut views = self.world.totals();
        let people = self.world.people.iter();
        views.extend(people.flat_map(|account| self.world.account(*account)));
        views
    }
}
