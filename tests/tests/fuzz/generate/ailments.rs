//! What prevents matches from settling, and how it ends.

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
    /// Every state that prevents matches from settling, each as the act that ends it.
    pub(super) fn ailments(&self, world: &World) -> Vec<(Address, Act)> {
        let admin = self.cast.admin;
        let mut cures = Vec::new();
        let settlement = &world.settlement;
        let master = settlement.roles.admin;
        if settlement.paused {
            let unpause = Dvp::unpause(IDvPSettlement::unpauseCall {});
            cures.push((master, Act::Settlement(unpause)));
        }
        if settlement.commitment_required {
            let call = IDvPSettlement::setCommitmentRequiredCall { required: false };
            cures.push((master, Act::Settlement(Dvp::setCommitmentRequired(call))));
        }
        let needed = [
            ("PRINCIPAL_ROLE", self.cast.principal),
            ("OPERATOR_ROLE", self.cast.operator),
            ("PAUSER_ROLE", admin),
        ];
        for (name, account) in needed {
            if holder(world, name).is_none() {
                let role = role(name);
                let grant = IDvPSettlement::grantRoleCall { role, account };
                cures.push((master, Act::Settlement(Dvp::grantRole(grant))));
            }
        }
        for &security in self.cast.shares.iter().chain(&self.cast.weird) {
            let is_mute = world
                .weird
                .get(&security)
                .is_some_and(|weird| weird.restriction() != 0);
            if !settlement.listed.contains(&security) && !is_mute {
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
            let unpause = Coin::unpause(ITsUSDC::unpauseCall {});
            cures.push((self.cast.treasurer, Act::Coin(unpause)));
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
        for &(groups, _) in &security.classes {
            let call = ISecurityToken::setClassLimitCall {
                groups,
                maxHolders: 0,
            };
            cures.push(Security::setClassLimit(call));
        }
        if security.supply_cap > U256::ZERO {
            let supplyCap = U256::ZERO;
            let call = ISecurityToken::setSupplyCapCall { supplyCap };
            cures.push(Security::setSupplyCap(call));
        }
        for &wallet in &self.cast.investors {
            // A lost wallet never comes back.
            if security.successors.contains_key(&wallet) {
                continue;
            }
            let valid = security
                .records
                .get(&wallet)
                .is_some_and(|record| record.kyc_expiry > world.now);
            if !valid {
                let sibling = security.records.get(&self.cast.sibling(wallet));
                let group = sibling.map_or(self.cast.home(wallet), |record| record.group);
                cures.push(self.set_wallet(security, wallet, group, self.opened + 3_650 * DAY));
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
