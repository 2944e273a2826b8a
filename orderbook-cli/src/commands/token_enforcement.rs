//! `token encumbrances, revoke, force, force-burn, recover`: what is done to a holding without its holder.

use alloy::primitives::{Address, B256, U256};
use book::market::amount::time;
use book::market::literal::decimal;
use book::market::literal::time::spelled;
use clap::{Args, Subcommand};
use desk::chain::abi::ISecurityToken;
use desk::chain::{Chain, Contract, Target};
use desk::explain;
use serde_json::{Value, json};

use super::act;
use super::context::{Context, Party};
use super::failure::{Failure, Result};
use super::stake::Stake;
use crate::config::Security;
use crate::render::{Answer, Block, Cell, Sentence, Table};

/// Enforcement of one security.
#[derive(Debug, Subcommand)]
pub(super) enum Enforcement {
    /// Show what part of a holding cannot move: frozen, locked up, unvested, held
    #[command(after_help = "Example: orderbook token encumbrances HRBR ada")]
    Encumbrances {
        /// The security
        security: String,
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
    },
    /// Revoke a vesting schedule and reclaim the unvested tokens
    #[command(
        after_help = "Example: orderbook token revoke HRBR ada 0 --to issuer\n\nSchedules and their numbers: orderbook token encumbrances HRBR ada"
    )]
    Revoke {
        /// The security
        security: String,
        /// Wallet or address of the grantee
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// Number of the schedule, from 0
        #[arg(value_parser = decimal::whole::<u64>)]
        schedule: u64,
        /// Who receives the unvested tokens
        #[arg(long, value_name = "WALLET")]
        to: String,
    },
    /// Move tokens from one wallet to another by order of a court or regulator
    #[command(
        after_help = "Example: orderbook token force HRBR ada bob 100 --reason 'court order 26-114'"
    )]
    Force {
        /// The security
        security: String,
        /// Whose tokens
        from: String,
        /// Who receives them
        to: String,
        /// How many tokens
        quantity: String,
        #[command(flatten)]
        why: Why,
    },
    /// Destroy tokens of a wallet by order of a court or regulator
    #[command(
        after_help = "Example: orderbook token force-burn HRBR ada 100 --reason 'court order 26-114'"
    )]
    ForceBurn {
        /// The security
        security: String,
        /// Whose tokens
        from: String,
        /// How many tokens
        quantity: String,
        #[command(flatten)]
        why: Why,
    },
    /// Move a whole holding, with its lock-ups and schedules, from a lost wallet to another of its investor
    #[command(
        after_help = "Example: orderbook token recover HRBR ada ada-new --reason 'key lost, ID checked'\n\nRegister the new wallet for the same investor first: orderbook token register HRBR new.csv. The lost one can never be\nregistered again, and its holds for matched trades end."
    )]
    Recover {
        /// The security
        security: String,
        /// The lost wallet
        lost: String,
        /// The wallet that takes its place
        replacement: String,
        #[command(flatten)]
        why: Why,
    },
}

/// What goes on chain for good.
#[derive(Args, Debug)]
pub(super) struct Why {
    /// Reason: up to 32 characters, recorded on chain
    #[arg(id = "reason", long, value_name = "REASON", value_parser = act::reason)]
    code: B256,
}

impl Enforcement {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Encumbrances { security, wallet } => {
                encumbrances(context, &security, &wallet).await
            }
            Self::Revoke {
                security,
                wallet,
                schedule,
                to,
            } => revoke(context, &security, &wallet, schedule, &to).await,
            Self::Force {
                security,
                from,
                to,
                quantity,
                why,
            } => force(context, &security, (&from, &to), &quantity, why.code).await,
            Self::ForceBurn {
                security,
                from,
                quantity,
                why,
            } => force_burn(context, &security, &from, &quantity, why.code).await,
            Self::Recover {
                security,
                lost,
                replacement,
                why,
            } => recover(context, &security, &lost, &replacement, why.code).await,
        }
    }
}

async fn revoke(
    context: &Context,
    security: &str,
    wallet: &str,
    schedule: u64,
    to: &str,
) -> Result {
    let security = context.security(security)?;
    let (holder, to) = (context.party(wallet)?, context.party(to)?);
    let call = ISecurityToken::revokeVestingCall {
        holder: holder.address,
        index: U256::from(schedule),
        to: to.address,
    };
    let words = format!(
        "{}: schedule {schedule} of {holder} revoked, the unvested tokens go to {to}",
        security.symbol
    );
    act::send(context, "issuer", security.token, &call, words).await
}

async fn force(
    context: &Context,
    security: &str,
    (from, to): (&str, &str),
    quantity: &str,
    reason: B256,
) -> Result {
    let security = context.security(security)?;
    let (from, to) = (context.party(from)?, context.party(to)?);
    let value = quantity_of(&security, quantity)?;
    let call = ISecurityToken::forcedTransferCall {
        from: from.address,
        to: to.address,
        value,
        reason,
    };
    let words = Sentence::of(|reader| {
        let quantity = reader.units(value, security.decimals);
        let symbol = &security.symbol;
        format!("{quantity} {symbol} forcibly transferred from {from} to {to}")
    });
    let stake = Stake::tokens(&security, value);
    act::move_amount(context, "enforcer", security.token, &call, &stake, words).await
}

async fn force_burn(
    context: &Context,
    security: &str,
    from: &str,
    quantity: &str,
    reason: B256,
) -> Result {
    let security = context.security(security)?;
    let from = context.party(from)?;
    let value = quantity_of(&security, quantity)?;
    let call = ISecurityToken::forcedBurnCall {
        from: from.address,
        value,
        reason,
    };
    let words = Sentence::of(|reader| {
        let quantity = reader.units(value, security.decimals);
        format!("{quantity} {} of {from} forcibly burned", security.symbol)
    });
    let stake = Stake::tokens(&security, value);
    act::move_amount(context, "enforcer", security.token, &call, &stake, words).await
}

async fn recover(
    context: &Context,
    security: &str,
    lost: &str,
    replacement: &str,
    reason: B256,
) -> Result {
    let security = context.security(security)?;
    let (lost, replacement) = (context.party(lost)?, context.party(replacement)?);
    let contract = context
        .ground()
        .await?
        .contract(Target::from(&security))
        .await?;
    check_replacement(&contract, &lost, &replacement).await?;
    let balance = ISecurityToken::balanceOfCall {
        account: lost.address,
    };
    let held = contract.view(balance).await?;
    let call = ISecurityToken::recoverWalletCall {
        lost: lost.address,
        replacement: replacement.address,
        reason,
    };
    let words = Sentence::of(|reader| {
        let quantity = reader.units(held, security.decimals);
        let symbol = &security.symbol;
        format!("{replacement} replaces {lost} and takes over its {quantity} {symbol}")
    });
    let stake = Stake::tokens(&security, held);
    act::move_amount(context, "enforcer", security.token, &call, &stake, words).await
}

/// The position goes to a wallet that compliance has seen: the same investor's, and not the lost one itself.
async fn check_replacement(contract: &Contract, lost: &Party, replacement: &Party) -> Result<()> {
    if lost.address == replacement.address {
        let words = format!("{lost} cannot take its own place");
        return Err(Failure::refused("SAME_WALLET", words).hint("name the investor's new wallet"));
    }
    let record = |wallet| contract.view(ISecurityToken::walletRecordCall { wallet });
    let (before, after) = (
        record(lost.address).await?,
        record(replacement.address).await?,
    );
    if before.investorId.is_zero() {
        let words = format!("{lost} is not registered, so nothing can be recovered from it");
        return Err(Failure::refused("NOT_REGISTERED", words)
            .hint("see the registry: orderbook token holders SECURITY"));
    }
    if after.investorId != before.investorId {
        let words = format!("{replacement} is not registered for the investor of {lost}");
        return Err(Failure::refused("OTHER_INVESTOR", words).hint(
            "nothing was sent; register the new wallet for the same investor first: orderbook token register SECURITY FILE; an investor \
             with 8 wallets must remove an empty one before that: orderbook token remove SECURITY WALLET",
        ));
    }
    Ok(())
}

fn quantity_of(security: &Security, text: &str) -> Result<U256> {
    decimal::amount(text, security.decimals).map_err(Failure::usage)
}

async fn encumbrances(context: &Context, name: &str, wallet: &str) -> Result {
    let security = context.security(name)?;
    let holder = context.account(wallet)?;
    let (chain, token) = (context.chain().await?, security.token);
    let amount = |value| Cell::units(value, security.decimals);
    let held = chain
        .view(token, ISecurityToken::balanceOfCall { account: holder })
        .await?;
    let free = chain
        .view(token, ISecurityToken::spendableBalanceOfCall { holder })
        .await?;
    let sums = chain
        .view(token, ISecurityToken::encumbrancesOfCall { holder })
        .await?;
    let on_hold = explain::held(&chain, token, holder).await?;
    let mut table = Table::new(&["what", ">quantity", ">vested", "release or start", "terms"]);
    let locks = locks(&chain, &security, holder, &mut table).await?;
    let schedules = schedules(&chain, &security, holder, &mut table).await?;
    let data = json!({
        "holding": held.to_string(), "free": free.to_string(), "frozen": sums.frozen.to_string(),
        "locked": sums.locked.to_string(), "unvested": sums.unvested.to_string(), "held": on_hold.to_string(),
        "locks": locks, "schedules": schedules,
    });
    let answer = Answer::new(data).with(Block::Pairs(vec![
        ("holding".into(), amount(held)),
        ("free".into(), amount(free)),
        ("frozen".into(), amount(sums.frozen)),
        ("locked up".into(), amount(sums.locked)),
        ("unvested".into(), amount(sums.unvested)),
        ("held for matched trades".into(), amount(on_hold)),
    ]));
    Ok(if table.is_empty() {
        answer
    } else {
        answer.with(Block::Table(table))
    })
}

/// The lock-ups of a holder: as rows, and for programs.
async fn locks(
    chain: &Chain,
    security: &Security,
    holder: Address,
    table: &mut Table,
) -> Result<Vec<Value>> {
    let call = ISecurityToken::locksOfCall { holder };
    let locks = chain.view(security.token, call).await?;
    let mut data = Vec::with_capacity(locks.amounts.len());
    for (quantity, release) in locks.amounts.iter().zip(&locks.releaseTimes) {
        table.row([
            "lock-up".into(),
            Cell::units(*quantity, security.decimals),
            "".into(),
            time(*release).into(),
            "".into(),
        ]);
        data.push(json!({ "quantity": quantity.to_string(), "release": release }));
    }
    Ok(data)
}

/// The vesting schedules of a holder: as rows, and for programs.
async fn schedules(
    chain: &Chain,
    security: &Security,
    holder: Address,
    table: &mut Table,
) -> Result<Vec<Value>> {
    let amount = |value| Cell::units(value, security.decimals);
    let call = ISecurityToken::vestingCountCall { holder };
    let count: u64 = chain.view(security.token, call).await?.saturating_to();
    let mut data = Vec::new();
    for index in 0..count {
        let call = ISecurityToken::vestingOfCall {
            holder,
            index: U256::from(index),
        };
        let schedule = chain.view(security.token, call).await?;
        let state = match (schedule.revoked, schedule.revocable) {
            (true, _) => "revoked",
            (false, true) => "revocable",
            (false, false) => "not revocable",
        };
        table.row([
            format!("schedule {index}").into(),
            amount(schedule.amount),
            amount(schedule.vested),
            time(schedule.start).into(),
            format!(
                "cliff {}, {} x {}, {state}",
                spelled(schedule.cliff.into()),
                schedule.periods,
                spelled(schedule.period.into())
            )
            .into(),
        ]);
        data.push(json!({ "index": index, "quantity": schedule.amount.to_string(),
            "vested": schedule.vested.to_string(), "start": schedule.start, "cliff": schedule.cliff,
            "period": schedule.period, "periods": schedule.periods, "first_bips": schedule.firstBips,
            "state": state }));
    }
    Ok(data)
}
