//! `role grant, revoke, show`: who may do what on a contract.

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::chain::abi::{ISecurityToken, ROLE_NAMES, role};
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
    Revoke(Change),
    /// Show which of the profile's wallets hold which role
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
            Self::Show { contract } => show(context, &contract).await,
        }
    }
}

/// The contract that a word of the command line means.
pub(super) fn contract(context: &Context, name: &str) -> Result<Address> {
    match name.to_ascii_lowercase().as_str() {
        "coin" | "tsusdc" => context.coin(),
        "settlement" => context.settlement(),
        _ => Ok(context.security(name)?.token),
    }
}

impl Change {
    async fn send(self, context: &Context, grant: bool) -> Result {
        if !ROLE_NAMES.contains(&self.role.as_str()) {
            let known = ROLE_NAMES.join(", ");
            return Err(Failure::usage(format!("there is no role '{}'", self.role)).hint(known));
        }
        let account = context.account(&self.account)?;
        let to = contract(context, &self.contract)?;
        let verb = if grant { "granted to" } else { "revoked from" };
        let sentence = format!("{} of {} {verb} {account}", self.role, self.contract);
        let signer = context.sender("admin", &sentence)?;
        let chain = context.chain().await?;
        let role = role(&self.role);
        let receipt = if grant {
            let call = ISecurityToken::grantRoleCall { role, account };
            chain.execute(&signer, to, &call).await?
        } else {
            let call = ISecurityToken::revokeRoleCall { role, account };
            chain.execute(&signer, to, &call).await?
        };
        let data = json!({ "role": self.role, "account": account, "granted": grant,
            "transaction": receipt.transaction_hash });
        Ok(Answer::line(data, sentence))
    }
}

/// Grants a fresh contract's roles to the profile's wallets; the sender must be its admin.
pub(super) async fn grant_profile(
    context: &Context,
    contract: Address,
    roles: &[(&str, &str)],
) -> Result<Vec<String>> {
    let chain = context.chain().await?;
    let signer = context.signer("admin")?;
    let admin = chain
        .view(contract, ISecurityToken::defaultAdminCall {})
        .await?;
    if admin != signer.address() {
        return Ok(vec![format!(
            "{admin} is the admin and has to grant the roles: orderbook role grant"
        )]);
    }
    let mut notes = Vec::new();
    for (name, holder) in roles {
        let wallet = context.wallet_of(holder)?;
        let account = context.account(&wallet)?;
        let call = ISecurityToken::grantRoleCall {
            role: role(name),
            account,
        };
        chain.execute(&signer, contract, &call).await?;
        notes.push(format!("{name} to {wallet}"));
    }
    Ok(notes)
}

async fn show(context: &Context, name: &str) -> Result {
    let address = contract(context, name)?;
    let chain = context.chain().await?;
    let admin = chain
        .view(address, ISecurityToken::defaultAdminCall {})
        .await?;
    let mut table = Table::new(&["role", "wallet", "address"]);
    let mut wallets: Vec<_> = context.addresses()?.into_iter().collect();
    wallets.sort();
    let named = wallets
        .iter()
        .find(|(_, a)| *a == admin)
        .map_or("", |(n, _)| n.as_str());
    table.row([
        Cell::new("DEFAULT_ADMIN_ROLE", Tone::Strong),
        named.into(),
        admin.into(),
    ]);
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
