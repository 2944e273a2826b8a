//! Who may do what on a contract, from its events since deployment: complete, because everyone who got a role is there,
//! not only those that a profile knows.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};

use super::Index;
use super::error::IndexError;
use super::source::{self, Kind, Source};
use super::verify::{same, still};
use crate::chain::abi::ISecurityToken::{
    ISecurityTokenEvents as Event, defaultAdminCall, hasRoleCall, pendingDefaultAdminCall,
};
use crate::chain::abi::{role, role_name};
use crate::chain::{Block, Chain};

/// A role in somebody's hands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Grant {
    /// The role's id.
    pub role: B256,
    /// Who has it.
    pub account: Address,
    /// Since when, unix seconds.
    pub since: u64,
    /// The block of the grant.
    pub block: u64,
    /// Who granted it.
    pub by: Address,
}

/// The roles of a contract after a block.
#[derive(Clone, Debug)]
pub struct Roles {
    /// The contract.
    pub contract: Address,
    /// What it is.
    pub kind: Kind,
    /// The block.
    pub block: Block,
    /// Every account that has or had a role, and the grant if it still has it.
    known: BTreeMap<(B256, Address), Option<Grant>>,
    /// To whom the default admin's role was offered last.
    offered: Address,
}

/// Two roles in one hand that check each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Together {
    /// Who has both.
    pub account: Address,
    /// The roles' names.
    pub roles: (String, String),
    /// What one key can do with them.
    pub why: &'static str,
}

/// Pairs of roles that should have separate keys, by kind of contract, and what one key could do with both.
const APART: [(Kind, &str, &str, &str); 5] = [
    (
        Kind::Security,
        "ISSUER_ROLE",
        "COMPLIANCE_ROLE",
        "one key registers a wallet and issues to it",
    ),
    (
        Kind::Security,
        "ISSUER_ROLE",
        "ENFORCER_ROLE",
        "one key issues tokens and takes them from anybody by force",
    ),
    (
        Kind::Security,
        "COMPLIANCE_ROLE",
        "ENFORCER_ROLE",
        "one key registers a wallet and moves anybody's tokens to it",
    ),
    (
        Kind::Coin,
        "MASTER_MINTER_ROLE",
        "ATTESTOR_ROLE",
        "one key attests the reserves and allows coins to be minted against them",
    ),
    (
        Kind::Coin,
        "BLACKLISTER_ROLE",
        "SEIZER_ROLE",
        "one key blacklists anybody and takes the coins",
    ),
];

/// Of the default admin with any other role.
const ADMIN: &str = "this key can also grant every role: nobody else is needed";

/// Of the two who make a settlement.
const FOUR_EYES: &str = "one key commits a match and settles it: no second person is needed";

impl Index {
    /// The roles of a contract, as far as the index has read it.
    ///
    /// # Errors
    /// `Ahead`, `Damaged`, `Locked`, `Store`.
    pub async fn roles(&self, source: &Source) -> Result<Roles, IndexError> {
        let mut roles = Roles {
            contract: source.address,
            kind: source.kind,
            block: Block {
                number: 0,
                hash: B256::ZERO,
                time: 0,
            },
            known: BTreeMap::new(),
            offered: Address::ZERO,
        };
        roles.block = self
            .each(source, None, |entry| {
                match source::event(entry) {
                    Some(Event::RoleGranted(e)) => {
                        let grant = Grant {
                            role: e.role,
                            account: e.account,
                            since: entry.time,
                            block: entry.block,
                            by: e.sender,
                        };
                        roles.known.insert((e.role, e.account), Some(grant));
                        if e.role.is_zero() {
                            roles.offered = Address::ZERO;
                        }
                    }
                    Some(Event::RoleRevoked(e)) => {
                        roles.known.insert((e.role, e.account), None);
                    }
                    Some(Event::DefaultAdminTransferScheduled(e)) => roles.offered = e.newAdmin,
                    _ => {}
                }
                Ok(())
            })
            .await?;
        Ok(roles)
    }
}

impl Roles {
    /// Every role that somebody has, the default admin's first, then by the role's name and the account.
    pub fn grants(&self) -> Vec<Grant> {
        let mut grants: Vec<Grant> = self.known.values().flatten().copied().collect();
        grants.sort_by_key(|grant| (!grant.role.is_zero(), role_name(grant.role), grant.account));
        grants
    }

    /// Whether an account has a role.
    pub fn has(&self, role: B256, account: Address) -> bool {
        matches!(self.known.get(&(role, account)), Some(Some(_)))
    }

    /// Everybody who has two roles that check each other.
    pub fn together(&self) -> Vec<Together> {
        let mut found = Vec::new();
        let grants = self.grants();
        let named = |account, first: &str, second: &str, why| Together {
            account,
            roles: (first.to_owned(), second.to_owned()),
            why,
        };
        let admins = grants.iter().filter(|grant| grant.role.is_zero());
        for admin in admins {
            let others = grants.iter().filter(|grant| grant.account == admin.account);
            for other in others.filter(|grant| !grant.role.is_zero()) {
                let name = role_name(other.role);
                found.push(named(admin.account, "DEFAULT_ADMIN_ROLE", &name, ADMIN));
            }
        }
        let pairs = APART.into_iter().chain([(
            Kind::Settlement,
            "OPERATOR_ROLE",
            "PRINCIPAL_ROLE",
            FOUR_EYES,
        )]);
        for (_, first, second, why) in pairs.filter(|(kind, ..)| *kind == self.kind) {
            let (one, other) = (role(first), role(second));
            let both = grants
                .iter()
                .filter(|grant| grant.role == one && self.has(other, grant.account));
            found.extend(both.map(|grant| named(grant.account, first, second, why)));
        }
        found
    }

    /// Compares every role that was ever granted with what the contract says at the block. Returns who may accept the
    /// default admin's role at that block; zero means nobody.
    ///
    /// # Errors
    /// `Differs` with both answers; `Chain`.
    pub async fn verify(&self, chain: &Chain) -> Result<Address, IndexError> {
        let block = self.block.number;
        let admin = chain
            .view_at(self.contract, defaultAdminCall {}, block)
            .await?;
        let admins = self
            .grants()
            .into_iter()
            .filter(|grant| grant.role.is_zero());
        let admins: Vec<Address> = admins.map(|grant| grant.account).collect();
        let named = |accounts: &[Address]| {
            let accounts: Vec<_> = accounts.iter().map(Address::to_string).collect();
            accounts.join(", ")
        };
        same(
            block,
            "the default admin",
            &named(&admins),
            &named(&[admin]),
        )?;
        for ((role, account), grant) in &self.known {
            let call = hasRoleCall {
                role: *role,
                account: *account,
            };
            let has = chain.view_at(self.contract, call, block).await?;
            let what = format!("{account} has {}", role_name(*role));
            same(block, &what, &grant.is_some(), &has)?;
        }
        let pending = chain
            .view_at(self.contract, pendingDefaultAdminCall {}, block)
            .await?;
        // An offer lapses by time, without an event.
        if !pending.is_zero() {
            same(block, "the next default admin", &self.offered, &pending)?;
        }
        still(chain, self.block).await?;
        Ok(pending)
    }
}
