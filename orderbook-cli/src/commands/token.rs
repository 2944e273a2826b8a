//! `token`: the acts of the issuer, its compliance officer and its enforcer.

use std::fs::File;
use std::path::PathBuf;

use alloy::primitives::{B256, U256};
use book::market::amount::{parse_time, parse_units, time, units};
use clap::{Args, Subcommand};
use desk::cap_table;
use desk::chain::abi::ISecurityToken;
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::{Failure, Result};
use super::registry;
use super::token_enforcement::Enforcement;
use super::token_rules::Rules;
use crate::config::Security;
use crate::render::Answer;

/// Act as the security's issuer, compliance officer or enforcer
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Register investors' wallets from a cap table (CSV), all or none
    #[command(
        after_help = "Example: orderbook token register HRBR examples/cap-table.csv\n\nColumns: account, investor, name, wallet, group, country, kyc_expiry, and optionally holding, cash.\n`wallet` is an address or the name of a wallet of the profile."
    )]
    Register {
        /// The security
        security: String,
        /// The cap table
        file: PathBuf,
        /// Also issue the holdings of the file
        #[arg(long)]
        issue: bool,
    },
    /// Open or close transfers from one group to another
    #[command(
        after_help = "Examples:\n  orderbook token group HRBR 1 2              open now\n  orderbook token group HRBR 2 1 --opens-at 2030-01-01\n  orderbook token group HRBR 1 2 --close"
    )]
    Group {
        /// The security
        security: String,
        /// From this group
        from: u8,
        /// To this group
        to: u8,
        /// From when on it is open: a date, RFC 3339 or a unix second
        #[arg(long, default_value = "1", value_parser = parse_time)]
        opens_at: u64,
        /// Close the pair
        #[arg(long, conflicts_with = "opens_at")]
        close: bool,
    },
    /// Issue tokens to a wallet
    #[command(after_help = "Example: orderbook token mint HRBR ada 1,000")]
    Mint(Amount),
    /// Redeem tokens of a wallet
    #[command(
        after_help = "Example: orderbook token burn HRBR ada 100 --reason 'redemption 2026-07'"
    )]
    Burn {
        #[command(flatten)]
        amount: Amount,
        /// Why: up to 32 characters, for the record on chain
        #[arg(long, value_parser = act::reason)]
        reason: B256,
    },
    /// Issue tokens under a vesting schedule
    #[command(
        after_help = "Example: orderbook token grant HRBR ada 1000 --cliff 31536000 --period 2592000 --periods 36"
    )]
    Grant(Grant),
    /// Lock part of a holding up until a time
    #[command(after_help = "Example: orderbook token lock HRBR ada 500 --until 2030-01-01")]
    Lock {
        #[command(flatten)]
        amount: Amount,
        /// When it is released: a date, RFC 3339 or a unix second
        #[arg(long, value_parser = parse_time)]
        until: u64,
    },
    /// Freeze a wallet, or part of its holding
    #[command(
        after_help = "Examples:\n  orderbook token freeze HRBR ada\n  orderbook token freeze HRBR ada --quantity 100\n  orderbook token freeze HRBR ada --lift"
    )]
    Freeze {
        /// The security
        security: String,
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// Only this much of the holding
        #[arg(long)]
        quantity: Option<String>,
        /// Lift it instead
        #[arg(long)]
        lift: bool,
    },
    /// Put wallets on the sanctions list, or take them off
    #[command(
        after_help = "Examples:\n  orderbook token sanction HRBR ada bob\n  orderbook token sanction HRBR ada --lift"
    )]
    Sanction {
        /// The security
        security: String,
        /// Wallets or addresses
        #[arg(id = "holders", value_name = "WALLET", required = true)]
        wallets: Vec<String>,
        /// Take them off
        #[arg(long)]
        lift: bool,
    },
    /// List the profile's wallets that hold or may hold the security
    #[command(after_help = "Example: orderbook token holders HRBR")]
    Holders {
        /// The security
        security: String,
    },
    /// Ask whether a transfer would be allowed, and why not
    #[command(after_help = "Example: orderbook token check HRBR ada bob 100")]
    Check {
        /// The security
        security: String,
        /// Who would send
        from: String,
        /// Who would receive
        to: String,
        /// How many
        quantity: String,
    },
    /// Admit the security to trading: on the settlement contract and on the board
    #[command(
        after_help = "Examples:\n  orderbook token admit HRBR\n  orderbook token admit HRBR --withdraw"
    )]
    Admit {
        /// The security
        security: String,
        /// Withdraw it from the settlement contract instead
        #[arg(long)]
        withdraw: bool,
    },
    #[command(flatten)]
    Rules(Rules),
    #[command(flatten)]
    Enforcement(Enforcement),
}

/// How many of what for whom.
#[derive(Args, Debug)]
pub(super) struct Amount {
    /// The security
    security: String,
    /// Wallet or address
    #[arg(id = "holder", value_name = "WALLET")]
    wallet: String,
    /// How many tokens
    quantity: String,
}

/// A vesting schedule.
#[derive(Args, Debug)]
pub(super) struct Grant {
    #[command(flatten)]
    amount: Amount,
    /// When it starts: a date, RFC 3339 or a unix second [default: now]
    #[arg(long, value_parser = parse_time)]
    start: Option<u64>,
    /// Seconds before anything vests
    #[arg(long)]
    cliff: u32,
    /// Seconds of each later step
    #[arg(long, default_value_t = 0)]
    period: u32,
    /// Later steps
    #[arg(long, default_value_t = 0)]
    periods: u16,
    /// Basis points that vest at the cliff; 0 with periods means an equal share
    #[arg(long, default_value_t = 0)]
    first_bips: u16,
    /// May be revoked
    #[arg(long)]
    revocable: bool,
}

impl Token {
    #[allow(clippy::too_many_lines)] // One arm for each act.
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Register {
                security,
                file,
                issue,
            } => register(context, &security, file, issue).await,
            Self::Group {
                security,
                from,
                to,
                opens_at,
                close,
            } => {
                let security = context.security(&security)?;
                let opens_at = if close { 0 } else { opens_at };
                let call = ISecurityToken::setGroupRuleCall {
                    fromGroup: from,
                    toGroup: to,
                    opensAt: opens_at,
                };
                let state = match opens_at {
                    0 => "closed".to_string(),
                    1 => "open".to_string(),
                    at => format!("open from {}", time(at)),
                };
                let words = format!(
                    "{}: transfers from group {from} to group {to} are {state}",
                    security.symbol
                );
                act::send(context, "compliance", security.token, &call, words).await
            }
            Self::Mint(amount) => {
                let (security, to, value) = amount.read(context)?;
                let call = ISecurityToken::mintCall { to, value };
                act::send(
                    context,
                    "issuer",
                    security.token,
                    &call,
                    amount.words("issued to"),
                )
                .await
            }
            Self::Burn { amount, reason } => {
                let (security, from, value) = amount.read(context)?;
                let call = ISecurityToken::burnCall {
                    from,
                    value,
                    reason,
                };
                act::send(
                    context,
                    "issuer",
                    security.token,
                    &call,
                    amount.words("redeemed from"),
                )
                .await
            }
            Self::Grant(grant) => grant.run(context).await,
            Self::Lock { amount, until } => {
                let (security, holder, value) = amount.read(context)?;
                let call = ISecurityToken::lockTokensCall {
                    holder,
                    amount: value,
                    releaseTime: until,
                };
                let words = format!("{} until {}", amount.words("locked up for"), time(until));
                act::send(context, "compliance", security.token, &call, words).await
            }
            Self::Freeze {
                security,
                wallet,
                quantity,
                lift,
            } => freeze(context, &security, &wallet, quantity, lift).await,
            Self::Sanction {
                security,
                wallets,
                lift,
            } => {
                let security = context.security(&security)?;
                let accounts = wallets
                    .iter()
                    .map(|name| context.account(name))
                    .collect::<Result<Vec<_>>>()?;
                let call = ISecurityToken::setSanctionedCall {
                    accounts,
                    sanctioned: !lift,
                };
                let verb = if lift { "taken off" } else { "put on" };
                let words = format!(
                    "{} {verb} the sanctions list of {}",
                    wallets.join(", "),
                    security.symbol
                );
                act::send(context, "enforcer", security.token, &call, words).await
            }
            Self::Rules(command) => command.run(context).await,
            Self::Enforcement(command) => command.run(context).await,
            Self::Holders { security } => registry::holders(context, &security).await,
            Self::Check {
                security,
                from,
                to,
                quantity,
            } => registry::check(context, &security, &from, &to, &quantity).await,
            Self::Admit { security, withdraw } => {
                registry::admit(context, &security, !withdraw).await
            }
        }
    }
}

impl Amount {
    fn read(&self, context: &Context) -> Result<(Security, alloy::primitives::Address, U256)> {
        let security = context.security(&self.security)?;
        let value = parse_units(&self.quantity, security.decimals).map_err(Failure::usage)?;
        Ok((security, context.account(&self.wallet)?, value))
    }

    fn words(&self, verb: &str) -> String {
        format!("{} {} {verb} {}", self.quantity, self.security, self.wallet)
    }
}

async fn register(context: &Context, name: &str, file: PathBuf, issue: bool) -> Result {
    let security = context.security(name)?;
    let opened =
        File::open(&file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let holders = cap_table::read(opened, security.decimals, &context.addresses()?)?;
    let words = format!(
        "{} wallets registered for {}",
        holders.len(),
        security.symbol
    );
    let compliance = context.sender("compliance", &words)?;
    let chain = context.chain().await?;
    let bar = context.progress("registering");
    bar.set_length(holders.len() as u64);
    for call in cap_table::register_calls(&holders) {
        chain.execute(&compliance, security.token, &call).await?;
        bar.inc(call.wallets.len() as u64);
    }
    bar.finish_and_clear();
    let mut total = U256::ZERO;
    if issue {
        let issuer = context.signer("issuer")?;
        for call in cap_table::mint_calls(&holders) {
            chain.execute(&issuer, security.token, &call).await?;
        }
        total = holders
            .iter()
            .fold(U256::ZERO, |sum, holder| sum.saturating_add(holder.holding));
    }
    let text = if issue {
        format!("{words}, {} issued", units(total, security.decimals))
    } else {
        words
    };
    Ok(Answer::line(
        json!({ "wallets": holders.len(), "issued": total.to_string() }),
        text,
    ))
}

impl Grant {
    async fn run(self, context: &Context) -> Result {
        let (security, holder, amount) = self.amount.read(context)?;
        let start = match self.start {
            Some(start) => start,
            None => context.chain().await?.head().await?.time,
        };
        let call = ISecurityToken::grantVestingCall {
            holder,
            amount,
            start,
            cliff: self.cliff,
            period: self.period,
            periods: self.periods,
            firstBips: self.first_bips,
            revocable: self.revocable,
        };
        let words = format!(
            "{}, vesting from {}",
            self.amount.words("granted to"),
            time(start)
        );
        act::send(context, "issuer", security.token, &call, words).await
    }
}

async fn freeze(
    context: &Context,
    security: &str,
    wallet: &str,
    quantity: Option<String>,
    lift: bool,
) -> Result {
    let security = context.security(security)?;
    let account = context.account(wallet)?;
    let verb = if lift { "unfrozen" } else { "frozen" };
    let Some(quantity) = quantity else {
        let call = ISecurityToken::setAddressFrozenCall {
            account,
            frozen: !lift,
        };
        return act::send(
            context,
            "enforcer",
            security.token,
            &call,
            format!("{wallet} is {verb}"),
        )
        .await;
    };
    let amount = parse_units(&quantity, security.decimals).map_err(Failure::usage)?;
    let words = format!("{quantity} {} of {wallet} are {verb}", security.symbol);
    if lift {
        let call = ISecurityToken::unfreezePartialTokensCall { account, amount };
        act::send(context, "enforcer", security.token, &call, words).await
    } else {
        let call = ISecurityToken::freezePartialTokensCall { account, amount };
        act::send(context, "enforcer", security.token, &call, words).await
    }
}
