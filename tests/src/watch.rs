//! Everything that a refused call must not change.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall,
};

use crate::{
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC},
    chain::Chain,
};

/// Views of the market, each with a name that identifies it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    views: BTreeMap<String, (Address, Bytes)>,
}

/// What the views answered at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight(BTreeMap<String, Bytes>);

impl Watch {
    /// Watches one view.
    pub fn view<C: SolCall>(&mut self, name: impl Into<String>, contract: Address, call: &C) {
        self.views
            .insert(name.into(), (contract, call.abi_encode().into()));
    }

    /// Watches an ERC-20: the supply, each account's balance, and the allowances among the accounts.
    pub fn erc20(&mut self, name: &str, token: Address, accounts: &[Address]) {
        self.view(
            format!("{name} supply"),
            token,
            &ISecurityToken::totalSupplyCall {},
        );
        for &account in accounts {
            let balance = ISecurityToken::balanceOfCall { account };
            self.view(format!("{name} balance of {account}"), token, &balance);
            for &spender in accounts {
                let allowance = ISecurityToken::allowanceCall {
                    owner: account,
                    spender,
                };
                self.view(
                    format!("{name} allowance of {account} to {spender}"),
                    token,
                    &allowance,
                );
            }
        }
    }

    /// Watches what a security token stores in addition to balances.
    pub fn security(&mut self, token: Address, accounts: &[Address]) {
        self.erc20("security", token, accounts);
        self.view("holders", token, &ISecurityToken::holderCountCall {});
        self.view("security paused", token, &ISecurityToken::pausedCall {});
        self.view("deactivated", token, &ISecurityToken::deactivatedCall {});
        self.view("limits", token, &ISecurityToken::limitsCall {});
        for &account in accounts {
            let record = ISecurityToken::walletRecordCall { wallet: account };
            self.view(format!("record of {account}"), token, &record);
            let encumbrances = ISecurityToken::encumbrancesOfCall { holder: account };
            self.view(format!("encumbrances of {account}"), token, &encumbrances);
            let locks = ISecurityToken::locksOfCall { holder: account };
            self.view(format!("locks of {account}"), token, &locks);
            let nonce = ISecurityToken::noncesCall { owner: account };
            self.view(format!("security nonce of {account}"), token, &nonce);
        }
    }

    /// Watches what TsUSDC stores in addition to balances.
    pub fn coin(&mut self, coin: Address, accounts: &[Address]) {
        self.erc20("coin", coin, accounts);
        self.view("coin paused", coin, &ITsUSDC::pausedCall {});
        self.view("reserves", coin, &ITsUSDC::reservesCall {});
        for &account in accounts {
            let blacklisted = ITsUSDC::isBlacklistedCall { account };
            self.view(format!("blacklisting of {account}"), coin, &blacklisted);
            let minter = ITsUSDC::minterAllowanceCall { minter: account };
            self.view(format!("minter allowance of {account}"), coin, &minter);
            let nonce = ITsUSDC::noncesCall { owner: account };
            self.view(format!("coin nonce of {account}"), coin, &nonce);
        }
    }

    /// Watches a settlement contract: its counter and switches, epochs, and the given orders.
    pub fn settlement(&mut self, settlement: Address, accounts: &[Address], orders: &[B256]) {
        self.view(
            "settlements",
            settlement,
            &IDvPSettlement::settlementCountCall {},
        );
        self.view(
            "settlement paused",
            settlement,
            &IDvPSettlement::pausedCall {},
        );
        for &owner in accounts {
            let epoch = IDvPSettlement::epochOfCall { owner };
            self.view(format!("epoch of {owner}"), settlement, &epoch);
        }
        for &id in orders {
            self.order(settlement, id);
        }
    }

    /// Watches one order's state and record.
    pub fn order(&mut self, settlement: Address, id: B256) {
        let state = IDvPSettlement::orderStateCall { id };
        self.view(format!("state of {id}"), settlement, &state);
        let record = IDvPSettlement::getOrderCall { id };
        self.view(format!("order {id}"), settlement, &record);
    }

    /// Queries everything.
    pub async fn read(&self, chain: &Chain) -> Sight {
        let views = self.views.values();
        let calls: Vec<_> = views
            .map(|(contract, call)| (Address::ZERO, *contract, call.clone()))
            .collect();
        let answers = chain.simulate_all(&calls).await;
        let seen = self.views.keys().zip(answers).map(|(name, answer)| {
            let answer =
                answer.unwrap_or_else(|revert| panic!("{name} is not to be seen: {revert}"));
            (name.clone(), answer)
        });
        Sight(seen.collect())
    }
}

impl Sight {
    /// Names everything that differs.
    ///
    /// # Panics
    /// When anything does.
    pub fn assert_unchanged(&self, after: &Self, what: &str) {
        let moved: Vec<_> = self
            .0
            .iter()
            .filter(|(name, seen)| after.0.get(*name) != Some(seen))
            .map(|(name, seen)| format!("  {name}: {} -> {}", short(seen), short(&after.0[name])))
            .collect();
        assert!(
            moved.is_empty(),
            "{what} is refused, yet:\n{}",
            moved.join("\n")
        );
    }
}

fn short(answer: &Bytes) -> String {
    if answer.len() == 32 {
        U256::from_be_slice(answer).to_string()
    } else {
        answer.to_string()
    }
}
