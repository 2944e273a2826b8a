//! What the contracts' views must answer if the model is right.

use acceptance::{
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC},
    order::{ASK, state},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall,
};

use crate::model::{World, role};

/// A view, and its answer.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) what: String,
    pub(crate) contract: Address,
    pub(crate) call: Bytes,
    pub(crate) expected: Bytes,
}

impl View {
    pub(crate) fn new<C: SolCall>(
        what: &str,
        contract: Address,
        call: &C,
        expected: &C::Return,
    ) -> Self {
        Self {
            what: format!("{} {what}", C::SIGNATURE),
            contract,
            call: call.abi_encode().into(),
            expected: C::abi_encode_returns(expected).into(),
        }
    }
}

impl World {
    /// Everything that does not belong to an account or an order: switches, sums, lists.
    pub(crate) fn totals(&self) -> Vec<View> {
        let mut views = self.counters();
        for (&token, security) in &self.securities {
            let what = || format!("of {token}");
            let count = ISecurityToken::holderCountCall {};
            views.push(View::new(
                &what(),
                token,
                &count,
                &security.holders(|_| true),
            ));
            for group in crate::cast::GROUPS {
                let answer = ISecurityToken::groupHoldersReturn {
                    count: security.holders(|other| other == group),
                    limit: security
                        .group_limits
                        .get(&group)
                        .copied()
                        .unwrap_or_default(),
                };
                let call = ISecurityToken::groupHoldersCall { group };
                views.push(View::new(
                    &format!("{group} of {token}"),
                    token,
                    &call,
                    &answer,
                ));
            }
            // Invariant I7: the supply is the sum.
            let supply = security.ledger.balances.values().copied().sum::<U256>();
            views.push(View::new(
                &what(),
                token,
                &ISecurityToken::totalSupplyCall {},
                &supply,
            ));
            for (call, answer) in [
                (ISecurityToken::pausedCall {}.abi_encode(), security.paused),
                (
                    ISecurityToken::deactivatedCall {}.abi_encode(),
                    security.deactivated,
                ),
            ] {
                views.push(View {
                    what: format!("a switch {}", what()),
                    contract: token,
                    call: call.into(),
                    expected: ISecurityToken::pausedCall::abi_encode_returns(&answer).into(),
                });
            }
            let cap = ISecurityToken::supplyCapCall {};
            views.push(View::new(&what(), token, &cap, &security.supply_cap));
            for (&lost, successor) in &security.successors {
                let call = ISecurityToken::successorOfCall { lost };
                views.push(View::new(&what(), token, &call, successor));
            }
        }
        let coin = self.coin.ledger.address;
        let supply = self.coin.ledger.balances.values().copied().sum::<U256>();
        views.push(View::new("", coin, &ITsUSDC::totalSupplyCall {}, &supply));
        views.push(View::new(
            "of the coin",
            coin,
            &ITsUSDC::pausedCall {},
            &self.coin.paused,
        ));
        let settlement = &self.settlement;
        for &security in self.securities.keys().chain(self.weird.keys()) {
            let listed = settlement.listed.contains(&security);
            let call = IDvPSettlement::isListedCall { security };
            views.push(View::new(
                &security.to_string(),
                settlement.address,
                &call,
                &listed,
            ));
            let probed = settlement.probed.get(&security).copied();
            let (checksSpender, holds) = probed.filter(|_| listed).unwrap_or_default();
            let answer = IDvPSettlement::listingReturn {
                listed,
                checksSpender,
                holds,
            };
            let call = IDvPSettlement::listingCall { security };
            if listed {
                let what = security.to_string();
                views.push(View::new(&what, settlement.address, &call, &answer));
            }
        }
        views
    }

    /// The settlement contract's own state and holdings (invariant I1).
    pub(crate) fn counters(&self) -> Vec<View> {
        let settlement = &self.settlement;
        let address = settlement.address;
        let count = U256::from(settlement.count);
        let view = || String::from("of the settlement contract");
        let mut views = vec![
            View::new(
                &view(),
                address,
                &IDvPSettlement::settlementCountCall {},
                &count,
            ),
            View::new(
                &view(),
                address,
                &IDvPSettlement::pausedCall {},
                &settlement.paused,
            ),
            View::new(
                &view(),
                address,
                &IDvPSettlement::defaultAdminCall {},
                &settlement.roles.admin,
            ),
            View::new(
                &view(),
                address,
                &IDvPSettlement::pendingDefaultAdminCall {},
                &settlement.pending(self.now),
            ),
            View::new(
                &view(),
                address,
                &IDvPSettlement::commitmentRequiredCall {},
                &settlement.commitment_required,
            ),
        ];
        views.extend(self.holdings(address));
        views
    }

    fn holdings(&self, account: Address) -> Vec<View> {
        let who = || account.to_string();
        let mut views = Vec::new();
        for &token in self.securities.keys().chain(self.weird.keys()) {
            let call = ISecurityToken::balanceOfCall { account };
            let what = format!("{account} in {token}");
            views.push(View::new(
                &what,
                token,
                &call,
                &self.securities_of(token, account),
            ));
        }
        let call = ITsUSDC::balanceOfCall { account };
        views.push(View::new(
            &who(),
            self.coin.ledger.address,
            &call,
            &self.coin.ledger.balance(account),
        ));
        views
    }

    /// Everything that the three kinds of contracts store about one account.
    pub(crate) fn account(&self, account: Address) -> Vec<View> {
        let who = || account.to_string();
        let spender = self.settlement.address;
        let mut views = self.holdings(account);
        for (&token, security) in &self.securities {
            let call = ISecurityToken::allowanceCall {
                owner: account,
                spender,
            };
            views.push(View::new(
                &who(),
                token,
                &call,
                &security.ledger.allowance(account, spender),
            ));
            let [frozen, locked, unvested] = security.encumbrances(account, self.now);
            let answer = ISecurityToken::encumbrancesOfReturn {
                frozen,
                locked,
                unvested,
            };
            let call = ISecurityToken::encumbrancesOfCall { holder: account };
            views.push(View::new(&who(), token, &call, &answer));
            let call = ISecurityToken::heldBalanceOfCall { owner: account };
            let held = security.holds.held(account, self.now, None);
            views.push(View::new(&who(), token, &call, &held));
            let call = ISecurityToken::spendableBalanceOfCall { holder: account };
            let free = security.spendable(account, self.now);
            views.push(View::new(&who(), token, &call, &free));
            let fit = security.is_fit(account, self.now);
            let call = ISecurityToken::canSendCall { account };
            views.push(View::new(&who(), token, &call, &fit));
            let call = ISecurityToken::canReceiveCall { account };
            views.push(View::new(&who(), token, &call, &fit));
            views.push(self.nonce(token, account));
            let schedules = security
                .vestings
                .get(&account)
                .map_or(&[][..], Vec::as_slice);
            let call = ISecurityToken::vestingCountCall { holder: account };
            let count = U256::from(schedules.len());
            views.push(View::new(&who(), token, &call, &count));
            for (place, vesting) in schedules.iter().enumerate() {
                let call = ISecurityToken::vestingOfCall {
                    holder: account,
                    index: U256::from(place),
                };
                views.push(View::new(&who(), token, &call, &vesting.answer(self.now)));
            }
            for hold in security.holds.live(account, self.now) {
                let call = ISecurityToken::holdOfCall {
                    placer: hold.placer,
                    owner: account,
                    id: hold.id,
                };
                let answer = ISecurityToken::holdOfReturn {
                    amount: hold.amount,
                    until: hold.until,
                };
                views.push(View::new(&who(), token, &call, &answer));
            }
            let record = security.records.get(&account);
            let answer = ISecurityToken::walletRecordReturn {
                investorId: record.map(|record| record.investor).unwrap_or_default(),
                group: record.map(|record| record.group).unwrap_or_default(),
                country: record.map(|record| record.country).unwrap_or_default(),
                kycExpiry: record.map(|record| record.kyc_expiry).unwrap_or_default(),
                frozen: security.frozen.contains(&account),
                sanctioned: security.sanctioned.contains(&account),
            };
            let call = ISecurityToken::walletRecordCall { wallet: account };
            views.push(View::new(&who(), token, &call, &answer));
        }
        let coin = self.coin.ledger.address;
        let call = ITsUSDC::allowanceCall {
            owner: account,
            spender,
        };
        views.push(View::new(
            &who(),
            coin,
            &call,
            &self.coin.ledger.allowance(account, spender),
        ));
        views.push(self.nonce(coin, account));
        let call = ITsUSDC::heldBalanceOfCall { owner: account };
        let held = self.coin.holds.held(account, self.now, None);
        views.push(View::new(&who(), coin, &call, &held));
        let call = ITsUSDC::isBlacklistedCall { account };
        views.push(View::new(
            &who(),
            coin,
            &call,
            &self.coin.blacklisted.contains(&account),
        ));
        let settlement = &self.settlement;
        let call = IDvPSettlement::epochOfCall { owner: account };
        views.push(View::new(
            &who(),
            settlement.address,
            &call,
            &settlement.epoch(account),
        ));
        for name in ["OPERATOR_ROLE", "PRINCIPAL_ROLE", "PAUSER_ROLE"] {
            let call = IDvPSettlement::hasRoleCall {
                role: role(name),
                account,
            };
            let has = settlement.roles.held.contains(&(role(name), account));
            views.push(View::new(
                &format!("{name} {account}"),
                settlement.address,
                &call,
                &has,
            ));
        }
        views
    }

    fn nonce(&self, token: Address, owner: Address) -> View {
        let call = ISecurityToken::noncesCall { owner };
        let nonce = U256::from(self.ledger(token).nonce(owner));
        View::new(&owner.to_string(), token, &call, &nonce)
    }

    /// The allowances of an owner to a spender, for any two accounts.
    pub(crate) fn allowance(&self, token: Address, owner: Address, spender: Address) -> View {
        let call = ISecurityToken::allowanceCall { owner, spender };
        let allowance = self.ledger(token).allowance(owner, spender);
        View::new(&format!("{owner} {spender}"), token, &call, &allowance)
    }

    /// One order, known or not (invariant I2).
    pub(crate) fn order(&self, id: B256) -> Vec<View> {
        let address = self.settlement.address;
        let known = self.settlement.orders.get(&id);
        let found = known.map_or(state::NONE, |known| known.state);
        let terms = known
            .filter(|known| known.has_terms)
            .map(|known| &known.order);
        let expired = found == state::OPEN && terms.is_some_and(|order| order.expiry <= self.now);
        let answer = IDvPSettlement::getOrderReturn {
            owner: known.map(|known| known.order.owner).unwrap_or_default(),
            // An invalid side, of an order that was cancelled though it could never be registered, is not stored.
            side: u8::from(known.is_some_and(|known| known.order.side == ASK)),
            security: terms.map(|order| order.security).unwrap_or_default(),
            quantity: terms.map(|order| order.quantity).unwrap_or_default(),
            limitTotal: terms.map(|order| order.limitTotal).unwrap_or_default(),
            expiry: terms.map(|order| order.expiry).unwrap_or_default(),
            epoch: terms.map(|order| order.epoch).unwrap_or_default(),
            counterparty: terms.map(|order| order.counterparty).unwrap_or_default(),
            state: found,
        };
        let what = || id.to_string();
        // "Zeros when it was never committed, was released, or has settled" as a committed one; who lapsed keeps it.
        let known = self.settlement.commitments.get(&id);
        let bound = known.filter(|known| !known.released && !self.settlement.used.contains(&id));
        let commitment = IDvPSettlement::commitmentOfReturn {
            until: bound.map(|bound| bound.until).unwrap_or_default(),
            other: bound
                .map(|bound| bound.other[..27].try_into().expect("27 bytes"))
                .unwrap_or_default(),
        };
        let call = IDvPSettlement::commitmentOfCall { id };
        vec![
            View::new(&what(), address, &call, &commitment),
            View::new(
                &what(),
                address,
                &IDvPSettlement::orderStateCall { id },
                &found,
            ),
            View::new(
                &what(),
                address,
                &IDvPSettlement::isExpiredCall { id },
                &expired,
            ),
            View::new(
                &what(),
                address,
                &IDvPSettlement::getOrderCall { id },
                &answer,
            ),
        ]
    }
}
