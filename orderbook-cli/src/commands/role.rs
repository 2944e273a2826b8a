//! `role grant, revoke, show`: who may do what on a contract.

use alloy::primitives::{Address, B256};
use clap::{Args, Subcommand};
use desk::carry;
use desk::chain::abi::{ISecurityToken, ROLE_NAMES, role};
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
        /// The role, as ISSUER_ROLE
        role: String,
    },
    /// Hand over the default admin, step 1 of 2: the admin proposes the next
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
    /// Show which of the profile's wallets hold which role
    #[command(after_help = "Example: orderbook role show settlement")]
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
    /// The role, as ISSUER_ROLE
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
                    callerConfirmation: context.account(&context.wallet_of("default")?)?,
                };
                let words = format!("{named} of {name} renounced");
                let signer = context.sender("default", words.as_str())?;
                let contract = context.ground().await?.contract(to).await?;
                let (role, account) = (call.role, call.callerConfirmation);
                if !in_flight(context, &contract.act(call.clone()), &signer)?
                    && !holds(&contract, role, account).await?
                {
                    return Ok(act::already(&words));
                }
                act::carry_out(context, &contract.act(call), &signer, words).await
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
        let signer = context.sender("admin", words.as_str())?;
        let contract = context.ground().await?.contract(to).await?;
        let same = holds(&contract, role, account).await? == grant;
        if grant {
            let act = contract.act(ISecurityToken::grantRoleCall { role, account });
            if same && !in_flight(context, &act, &signer)? {
                return Ok(act::already(&words));
            }
            act::carry_out(context, &act, &signer, words).await
        } else {
            let act = contract.act(ISecurityToken::revokeRoleCall { role, account });
            if same && !in_flight(context, &act, &signer)? {
                return Ok(act::already(&words));
            }
            act::carry_out(context, &act, &signer, words).await
        }
    }
}

/// Whether an earlier run sent this and never said what came of it.
fn in_flight<C: Provable>(context: &Context, act: &Act<C>, signer: &Signer) -> Result<bool> {
    let digest = act.digest(signer.address());
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
            "the admin is {admin}, who must grant the roles: orderbook role grant"
        )]);
    }
    let mut notes = Vec::new();
    for (name, holder) in roles {
        let wallet = context.wallet_of(holder)?;
        let account = context.account(&wallet)?;
        grant_one(context, &contract, &signer, name, account, &wallet).await?;
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
    if !holds(contract, role, account).await? {
        let call = ISecurityToken::grantRoleCall { role, account };
        let words = format!("{name} granted to {wallet}");
        let journal = context.journal();
        let carried = carry::carry_out(&contract.act(call), admin, &journal, &words).await?;
        journal.strike(&[carried.key()])?;
    }
    Ok(())
}

async fn show(context: &Context, name: &str) -> Result {
    let address = contract(context, name)?.address();
    let chain = context.chain().await?;
    let admin = chain
        .view(address, ISecurityToken::defaultAdminCall {})
        .await?;
    let mut table = Table::new(&["role", "wallet", "address"]);
    let mut wallets: Vec<_> = context.addresses()?.into_iter().collect();
    wallets.sort();
    let named = |account| {
        let found = wallets.iter().find(|(_, address)| *address == account);
        found.map_or("", |(name, _)| name.as_str()).into()
    };
    table.row([
        Cell::new("DEFAULT_ADMIN_ROLE", Tone::Strong),
        named(admin),
        admin.into(),
    ]);
    let next = chain
        .view(address, ISecurityToken::pendingDefaultAdminCall {})
        .await?;
    if !next.is_zero() {
        table.row([
            Cell::new("DEFAULT_ADMIN_ROLE (once accepted)", Tone::Warn),
            named(next),
            next.into(),
        ]);
    }
    for role_name in &ROLE_NAMES[1..] {
        for (wallet, account) in &wallets {
            let call = ISecurityToken::hasRoleCall {
                role: role(role_name),
                account: *account,
            };
            if chain.view(address, call).await? {
                table.row([role_name.into(), wallet.into(), account.into()]);
            }
        }
    }
    Ok(Answer::table(table))
}
