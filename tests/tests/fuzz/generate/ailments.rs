//! What keeps matches from settling, and how it ends.

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
    },
    market::DAY,
};
use alloy::primitives::{Address, U256};

use crate::{
    cast::GROUPS,
    model::{Act, World, role, security::Limits},
};

use super::{Generator, holder};

impl Generator {
    /// Every state that keeps matches from settling, each as the act that ends it.
    pub(super) fn ailments(&self, world: &World) -> Vec<(Address, Act)> {
        let admin = self.cast.admin;
        let mut cures = Vec::new();
        let settlement = &world.settlement;
        if settlement.paused {
            let grant = IDvPSettlement::grantRoleCall {
                role: role("PAUSER_ROLE"),
                account: admin,
            };
            cures.push(match holder(world, "PAUSER_ROLE") {
                Some(pauser) => (
                    pauser,
                    Act::Settlement(Dvp::unpause(IDvPSettlement::unpauseCall {})),
                ),
                None => (
                    settlement.roles.admin,
                    Act::Settlement(Dvp::grantRole(grant)),
                ),
            });
        }
        if holder(world, "OPERATOR_ROLE").is_none() {
            let account = self.cast.operator;
            let grant = IDvPSettlement::grantRoleCall {
                role: role("OPERATOR_ROLE"),
                account,
            };
            cures.push((
                settlement.roles.admin,
                Act::Settlement(Dvp::grantRole(grant)),
            ));
        }
        for &security in self.cast.shares.iter().chain(&self.cast.weird) {
            if !settlement.listed.contains(&security) {
                let list = IDvPSettlement::listSecurityCall {
                    security,
                    listed: true,
                };
                cures.push((
                    settlement.roles.admin,
                    Act::Settlement(Dvp::listSecurity(list)),
                ));
            }
        }
        if world.coin.paused {
            cures.push((admin, Act::Coin(Coin::unpause(ITsUSDC::unpauseCall {}))));
        }
        for &account in &world.coin.blacklisted {
            cures.push((
                admin,
                Act::Coin(Coin::unBlacklist(ITsUSDC::unBlacklistCall { account })),
            ));
        }
        for &token in &self.cast.shares {
            let calls = self.ailments_of(world, token);
            cures.extend(
                calls
                    .into_iter()
                    .map(|call| (admin, Act::Security(token, call))),
            );
        }
        cures
    }

    fn ailments_of(&self, world: &World, token: Address) -> Vec<Security> {
        let security = &world.securities[&token];
        let mut cures = Vec::new();
        if security.paused {
            cures.push(Security::unpause(ISecurityToken::unpauseCall {}));
        }
        for &account in &security.sanctioned {
            let call = ISecurityToken::setSanctionedCall {
                accounts: vec![account],
                sanctioned: false,
            };
            cures.push(Security::setSanctioned(call));
        }
        for &account in &security.frozen {
            let call = ISecurityToken::setAddressFrozenCall {
                account,
                frozen: false,
            };
            cures.push(Security::setAddressFrozen(call));
        }
        for (&account, &amount) in security
            .partly
            .iter()
            .filter(|(_, amount)| **amount > U256::ZERO)
        {
            let call = ISecurityToken::unfreezePartialTokensCall { account, amount };
            cures.push(Security::unfreezePartialTokens(call));
        }
        for &wallet in &self.cast.investors {
            let valid = security
                .records
                .get(&wallet)
                .is_some_and(|record| record.kyc_expiry > world.now);
            if !valid {
                cures.push(self.set_wallet(
                    wallet,
                    self.cast.home(wallet),
                    self.opened + 3_650 * DAY,
                ));
            }
        }
        for &country in &security.blocked {
            let call = ISecurityToken::setCountryBlockedCall {
                country,
                blocked: false,
            };
            cures.push(Security::setCountryBlocked(call));
        }
        for from in GROUPS {
            for to in GROUPS {
                if security
                    .rules
                    .get(&(from, to))
                    .is_none_or(|&opens| opens == 0 || opens > world.now)
                {
                    let call = ISecurityToken::setGroupRuleCall {
                        fromGroup: from,
                        toGroup: to,
                        opensAt: 1,
                    };
                    cures.push(Security::setGroupRule(call));
                }
            }
        }
        if security.limits != Limits::default() {
            cures.push(Security::setLimits(ISecurityToken::setLimitsCall {
                maxPerInvestor: U256::ZERO,
                maxBipsPerInvestor: 0,
                maxHolders: 0,
                minHolding: U256::ZERO,
                granularity: U256::ZERO,
            }));
        }
        for (&group, _) in security
            .group_limits
            .iter()
            .filter(|(_, limit)| **limit > 0)
        {
            let call = ISecurityToken::setGroupHolderLimitCall {
                group,
                maxHolders: 0,
            };
            cures.push(Security::setGroupHolderLimit(call));
        }
        cures
    }
}
