//! `role grant, revoke, show`: who may do what on a contract.

use alloy::primitives::{Address, B256};
use book::market::amount::time;
use clap::{Args, Subcommand};
use desk::carry;
use desk::chain::abi::{ISecurityToken, ROLE_NAMES, role, role_name};
use desk::chain::act::{Act, Provable};
use desk::chain::{Contract, Target};
use desk::signing::signer::Signer;

use super::act;
use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::{Answer, Cell, Table, Tone};

/// Roles of the security token, and who holds them in the profile.
pub(super) const TOKEN_ROLES: &[(&str, &str)] = &[
    ("ISSUER_ROLE", "issuer"),
    ("COMPLIANCE_ROLE", "compliance"),
    ("ENFORCER_ROLE", "enforcer"),
    ("PAUSER_ROLE", "enforcer"),
];

/// Roles of the coin, and who holds them in the profile.
pub(super) const COIN_ROLES: &[(&str, &str)] = &[
    ("MASTER_MINTER_ROLE", "master_minter"),
    ("ATTESTOR_ROLE", "attestor"),
    ("BLACKLISTER_ROLE", "blacklister"),
    ("PAUSER_ROLE", "blacklister"),
];

/// Roles of the distribution contract, and who holds them in the profile.
pub(super) const DISTRIBUTION_ROLES: &[(&str, &str)] = &[
    ("DISTRIBUTOR_ROLE", "distributor"),
    ("COMPLIANCE_ROLE", "compliance"),
    ("PAUSER_ROLE", "enforcer"),
];

/// Grant, revoke and show the roles of a contract
#[derive(Debug, Subcommand)]
pub(super) enum Role {
    /// Grant a role; the default admin signs
    #[command(after_help = "Example: orderbook role grant coin MASTER_MINTER_ROLE treasury")]
    Grant(Change),
    /// Revoke a role; the default admin signs
    #[command(after_help = "Example: orderbook role revoke settlement OPERATOR_ROLE desk")]
    Revoke(Change),
    /// Renounce one of your own roles
    #[command(after_help = "Example: orderbook role renounce HRBR ENFORCER_ROLE --wallet counsel")]
    Renounce {
        /// coin, settlement, or a security
        contract: String,
        /// The role, such as ISSUER_ROLE
        role: String,
    },
    /// Hand over the default admin, step 1 of 2: the admin proposes the next one
    #[command(
        after_help = "Example: orderbook role hand-over HRBR counsel-new\n\nNothing changes until the new admin accepts, within 30 days: orderbook role accept HRBR --wallet counsel-new"
    )]
    HandOver {
        /// coin, settlement, or a security
        contract: String,
        /// Wallet or address of the next admin
        account: String,
    },
    /// Hand over the default admin, step 2 of 2: the next admin accepts
    #[command(after_help = "Example: orderbook role accept HRBR --wallet counsel-new")]
    Accept {
        /// coin, settlement, or a security
        contract: String,
    },
    /// Withdraw a hand-over that has not been accepted
    #[command(after_help = "Example: orderbook role keep HRBR")]
    Keep {
        /// coin, settlement, or a security
        contract: String,
    },
    /// Show everybody who has a role, since when and granted by whom; warns if one key has roles that should check each
    /// other
    #[command(
        after_help = "Example: orderbook role show settlement\n\nFrom the contract's events since deployment, compared with its own answers: everybody with a role is listed."
    )]
    Show {
        /// coin, settlement, or a security
        contract: String,
    },
}

/// Which role of which contract for whom.
#[derive(Args, Debug)]
pub(super) struct Change {
    /// coin, settlement, or a security
    contract: String,
    /// The role, such as ISSUER_ROLE
    role: String,
    /// Wallet or address
    account: String,
}

impl Role {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Grant(change) => change.send(context, true).await,
            Self::Revoke(change) => change.send(context, false).await,
            Self::Renounce {
                contract: name,
                role: named,
            } => {
                let to = contract(context, &name)?;
                let call = ISecurityToken::renounceRoleCall {
                    role: known(&named)?,
                    callerConfirmation: context.acting_account("default")?,
                };
                let words = format!("{named} of {name} renounced");
                let hand = context.hand("default", words.as_str())?;
                let contract = context.ground().await?.contract(to).await?;
                let (role, account) = (call.role, call.callerConfirmation);
                if !in_flight(context, &contract.act(call.clone()), hand.address())?
                    && !holds(&contract, role, account).await?
                {
                    return Ok(act::already(&words));
                }
                act::by(context, &contract.act(call), &hand, words).await
            }
            Self::HandOver {
                contract: name,
                account,
            } => {
                let to = contract(context, &name)?;
                let next = context.party(&account)?;
                let call = ISecurityToken::beginDefaultAdminTransferCall {
                    newAdmin: next.address,
                };
                let words = format!("{next} is proposed as the default admin of {name}");
                act::send_to(context, "admin", to, &call, words).await
            }
            Self::Accept { contract: name } => {
                let to = contract(context, &name)?;
                let call = ISecurityToken::acceptDefaultAdminTransferCall {};
                let words = format!("{name} has a new default admin");
                act::send_to(context, "default", to, &call, words).await
            }
            Self::Keep { contract: name } => {
                let to = contract(context, &name)?;
                let call = ISecurityToken::cancelDefaultAdminTransferCall {};
                let words = format!("{name} keeps its default admin");
                act::send_to(context, "admin", to, &call, words).await
            }
            Self::Show { contract } => show(context, &contract).await,
        }
    }
}

/// The id of a role that one of the contracts knows.
fn known(name: &str) -> Result<B256> {
    if ROLE_NAMES.contains(&name) {
        return Ok(role(name));
    }
    let known = ROLE_NAMES.join(", ");
    Err(Failure::usage(format!("there is no role '{name}'")).hint(known))
}

/// The contract that a word of the command line means.
pub(super) fn contract(context: &Context, name: &str) -> Result<Target> {
    match name.to_ascii_lowercase().as_str() {
        "coin" | "tsusdc" => context.coin_target(),
        "settlement" => context.settlement_target(),
        "distribution" => context.distribution_target(),
        _ => Ok((&context.security(name)?).into()),
    }
}

/// Whether an account has a role.
async fn holds(contract: &Contract, role: B256, account: Address) -> Result<bool> {
    let call = ISecurityToken::hasRoleCall { role, account };
    Ok(contract.view(call).await?)
}

impl Change {
    async fn send(self, context: &Context, grant: bool) -> Result {
        let role = known(&self.role)?;
        let holder = context.party(&self.account)?;
        let account = holder.address;
        let to = contract(context, &self.contract)?;
        let verb = if grant { "granted to" } else { "revoked from" };
        let words = format!("{} of {} {verb} {holder}", self.role, self.contract);
        let hand = context.hand("admin", words.as_str())?;
        let contract = context.ground().await?.contract(to).await?;
        let same = holds(&contract, role, account).await? == grant;
        if grant {
            let act = contract.act(ISecurityToken::grantRoleCall { role, account });
            if same && !in_flight(context, &act, hand.address())? {
                return Ok(act::already(&words));
            }
            act::by(context, &act, &hand, words).await
        } else {
            let act = contract.act(ISecurityToken::revokeRoleCall { role, account });
            if same && !in_flight(context, &act, hand.address())? {
                return Ok(act::already(&words));
            }
            act::by(context, &act, &hand, words).await
        }
    }
}

/// Whether an earlier run sent this and never reported the outcome.
pub(super) fn in_flight<C: Provable>(
    context: &Context,
    act: &Act<C>,
    sender: Address,
) -> Result<bool> {
    let digest = act.digest(sender);
    let flights = context.journal().flights()?;
    Ok(flights.iter().any(|flight| flight.act == digest))
}

/// Grants a fresh contract's roles to the profile's wallets; the sender must be its admin.
pub(super) async fn grant_profile(
    context: &Context,
    contract: Target,
    roles: &[(&str, &str)],
) -> Result<Vec<String>> {
    let contract = context.ground().await?.contract(contract).await?;
    let signer = context.signer("admin")?;
    let admin = contract.view(ISecurityToken::defaultAdminCall {}).await?;
    if admin != signer.address() {
        return Ok(vec![format!(
            "the admin is {admin} and must grant the roles, each with orderbook role grant CONTRACT ROLE WALLET"
        )]);
    }
    grant_all(context, &contract, &signer, roles).await
}

/// As [`grant_profile`], for a contract whose default admin has that role like any other.
pub(super) async fn grant_held(
    context: &Context,
    contract: Target,
    roles: &[(&str, &str)],
) -> Result<Vec<String>> {
    let contract = context.ground().await?.contract(contract).await?;
    let signer = context.signer("admin")?;
    if !holds(&contract, B256::ZERO, signer.address()).await? {
        return Ok(vec![
            "another account is the admin and must grant the roles, each with orderbook role grant CONTRACT ROLE WALLET".into(),
        ]);
    }
    grant_all(context, &contract, &signer, roles).await
}

/// Grants roles to the profile's wallets for them.
async fn grant_all(
    context: &Context,
    contract: &Contract,
    admin: &Signer,
    roles: &[(&str, &str)],
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for (name, holder) in roles {
        let wallet = context.holder_of(holder)?;
        let account = context.account(&wallet)?;
        grant_one(context, contract, admin, name, account, &wallet).await?;
        notes.push(format!("{name} to {wallet}"));
    }
    Ok(notes)
}

/// Grants a role of a fresh contract, unless the account has it.
pub(super) async fn grant_one(
    context: &Context,
    contract: &Contract,
    admin: &Signer,
    name: &str,
    account: Address,
    wallet: &str,
) -> Result<()> {
    let role = role(name);
    let act = contract.act(ISecurityToken::grantRoleCall { role, account });
    // What a killed run granted stays in the journal until its outcome is queried.
    if !holds(contract, role, account).await? || in_flight(context, &act, admin.address())? {
        let words = format!("{name} granted to {wallet}");
        let journal = context.journal();
        let carried = carry::carry_out(&act, admin, &journal, &words).await?;
        journal.strike(&[carried.key()])?;
    }
    Ok(())
}

/// Everybody who has a role, from the contract's events since deployment, compared with the contract's own answers.
async fn show(context: &Context, name: &str) -> Result {
    let current = context.current(&contract(context, name)?).await?;
    let roles = current.index.roles(&current.source).await?;
    let next = roles.verify(&current.chain).await?;
    let wallets = context.addresses()?;
    let named = |account: Address| {
        let found = wallets.iter().find(|(_, address)| **address == account);
        found.map_or_else(String::new, |(name, _)| name.clone())
    };
    let shown = |account: Address| Cell::named(&known_as(&named(account), account), account);
    let mut table = Table::new(&["role", "wallet", "address", "?since", "?granted by"]);
    for grant in roles.grants() {
        let (name, admin) = (role_name(grant.role), grant.role.is_zero());
        table.row([
            Cell::new(name, if admin { Tone::Strong } else { Tone::Plain }),
            named(grant.account).into(),
            grant.account.into(),
            time(grant.since).into(),
            shown(grant.by),
        ]);
        if admin && !next.is_zero() {
            table.row([
                Cell::new("DEFAULT_ADMIN_ROLE (once accepted)", Tone::Warn),
                named(next).into(),
                next.into(),
                "".into(),
                "".into(),
            ]);
        }
    }
    let together = roles.together().into_iter().map(|both| {
        let (first, second) = &both.roles;
        let who = known_as(&named(both.account), both.account);
        format!("{who} has {first} and {second}: {}", both.why)
    });
    let mut answer = Answer::table(table);
    answer.warnings = together.collect();
    Ok(answer)
}

/// The name of a wallet, or its address.
fn known_as(name: &str, account: Address) -> String {
    if name.is_empty() {
        account.to_string()
    } else {
        name.to_owned()
    }
}
