//! `token`: the acts of the issuer, its compliance officer and its enforcer.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, U256};
use book::market::amount::time;
use book::market::literal::decimal;
use book::market::literal::time::{self as literal_time, Moment, TimeError};
use clap::{Args, Subcommand};
use desk::chain::abi::ISecurityToken;
use desk::chain::act::Provable;
use desk::chain::{Contract, Target};
use desk::plan::list;

use super::act;
use super::context::{Context, Party};
use super::failure::{Failure, Result};
use super::stake::Stake;
use super::token_enforcement::Enforcement;
use super::token_investor::Persons;
use super::token_migrate::Migrate;
use super::token_rules::Rules;
use super::{plan, registry};
use crate::config::Security;
use crate::render::Sentence;

/// Act as the security's issuer, compliance officer or enforcer
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Register investors' wallets from a cap table (CSV); only new and changed rows are sent
    #[command(
        after_help = "Example: orderbook token register HRBR examples/cap-table.csv\n\nColumns: account, investor, name, wallet, group, country, kyc_expiry, and optionally holding, cash.\n`wallet` is an address or the name of a wallet of the profile, `country` a code such as 840, USA or US.\nA file saved by a spreadsheet is accepted as it is: separated by semicolons or tabs, in UTF-16 or Windows-1252; what was\nassumed is reported. Numbers have a decimal point, days are written 2030-06-30.\nRunning the same file again sends nothing; after a failure, the same command carries on."
    )]
    Register {
        /// The security
        security: String,
        /// The cap table
        file: PathBuf,
        #[command(flatten)]
        how: plan::Register,
    },
    /// Open or close transfers from one group to another
    #[command(
        after_help = "Examples:\n  orderbook token group HRBR 1 2              open now\n  orderbook token group HRBR 2 1 --opens-at 2030-01-01\n  orderbook token group HRBR 1 2 --close"
    )]
    Group {
        /// The security
        security: String,
        /// From this group
        #[arg(value_parser = decimal::whole::<u8>)]
        from: u8,
        /// To this group
        #[arg(value_parser = decimal::whole::<u8>)]
        to: u8,
        /// When it opens: a day, an instant or a duration from now [default: now]
        #[arg(long, value_name = "TIME")]
        opens_at: Option<Moment>,
        /// Close the pair
        #[arg(long, conflicts_with = "opens_at")]
        close: bool,
    },
    /// Issue tokens to a wallet, free or locked up for a holding period
    #[command(
        after_help = "Examples:\n  orderbook token mint HRBR ada 1000\n  orderbook token mint HRBR ada 1000 --locked-until 365d\n\nA holding period (Rule 144, Regulations S and CF) ends at the end of a day in UTC: the time is rounded up, so that everything\nissued on one day shares one lock-up. A wallet can have at most 16."
    )]
    Mint {
        #[command(flatten)]
        amount: Amount,
        /// Locked up until the end of this day: a day, an instant or a duration from now
        #[arg(long, value_name = "TIME")]
        locked_until: Option<Moment>,
    },
    /// Redeem tokens of a wallet
    #[command(
        after_help = "Example: orderbook token burn HRBR ada 100 --reason 'redemption 2026-07'"
    )]
    Burn {
        #[command(flatten)]
        amount: Amount,
        /// Reason: up to 32 characters, recorded on chain
        #[arg(long, value_parser = act::reason)]
        reason: B256,
    },
    /// Issue tokens under a vesting schedule
    #[command(
        after_help = "Example: orderbook token grant HRBR ada 1000 --cliff 365d --period 30d --periods 36"
    )]
    Grant(Grant),
    /// Lock part of a holding up until a time
    #[command(after_help = "Example: orderbook token lock HRBR ada 500 --until 2030-01-01")]
    Lock {
        #[command(flatten)]
        amount: Amount,
        /// When it is released: a day, an instant or a duration from now
        #[arg(long, value_name = "TIME")]
        until: Moment,
    },
    /// Freeze an investor by any of its wallets, or part of a wallet's holding
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
    /// Put investors on the sanctions list by any of their wallets, or take them off
    #[command(
        after_help = "Examples:\n  orderbook token sanction HRBR ada bob\n  orderbook token sanction HRBR ada --lift\n  orderbook token sanction HRBR --file sanctions.txt --plan      one wallet or address per line"
    )]
    Sanction {
        /// The security
        security: String,
        #[command(flatten)]
        listed: plan::Listed,
    },
    /// List every wallet that holds or may hold the security, from its events since deployment
    #[command(
        after_help = "Examples:\n  orderbook token holders HRBR\n  orderbook token holders HRBR --page 2\n  orderbook token holders HRBR --csv > holders.csv\n\nThe sums are compared with the token's own at the last block. By investor, by lot and at another date: orderbook register HRBR"
    )]
    Holders(registry::Holders),
    /// Check whether a transfer would be allowed, and if not, why
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
    /// Move all holders to another token: new code, or a split; the old token is ended
    #[command(
        after_help = "Examples:\n  orderbook token migrate HRBR HRBR2 --plan\n  orderbook token migrate 0x00000000000000000000000000000000000000e1 HRBR --split 3:2 --fractions left-over.csv\n\nThe old token is paused, its commitments are released and its orders cancelled. Then the new one gets what it lacks: wallets,\nholdings with their locks and schedules, sanctions and freezes, KYC expiries, countries, limits, and finally the pairs of groups.\nBoth registers are compared, and the old token is deactivated.\nThe same command resumes where it was interrupted, and finds nothing to do at the end."
    )]
    Migrate(Migrate),
    #[command(flatten)]
    Persons(Persons),
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
    /// When it starts: a day, an instant or a duration from now [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<Moment>,
    /// How long nothing vests, such as 365d
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    cliff: u32,
    /// How long each later step takes, such as 30d
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = seconds)]
    period: u32,
    /// Later steps
    #[arg(long, default_value = "0", value_parser = decimal::whole::<u16>)]
    periods: u16,
    /// Share that vests at the cliff, in basis points or as 12.5%; 0 with periods means an equal share
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = decimal::basis_points)]
    first_bips: u16,
    /// May be revoked
    #[arg(long)]
    revocable: bool,
}

/// Seconds of a duration, as the contract keeps them.
fn seconds(text: &str) -> std::result::Result<u32, TimeError> {
    let seconds = literal_time::duration(text)?;
    u32::try_from(seconds).map_err(|_| TimeError::TooLong(text.into()))
}

impl Token {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Register {
                security,
                file,
                how,
            } => how.run(context, &security, &file).await,
            Self::Group {
                security,
                from,
                to,
                opens_at,
                close,
            } => group(context, &security, (from, to), opens_at, close).await,
            Self::Mint {
                amount,
                locked_until: Some(until),
            } => mint_locked(context, &amount, until).await,
            Self::Mint { amount, .. } => {
                let sum = amount.read(context)?;
                let call = ISecurityToken::mintCall {
                    to: sum.holder.address,
                    value: sum.value,
                };
                sum.moved(context, "issuer", &call, sum.words("issued to"))
                    .await
            }
            Self::Burn { amount, reason } => {
                let sum = amount.read(context)?;
                let call = ISecurityToken::burnCall {
                    from: sum.holder.address,
                    value: sum.value,
                    reason,
                };
                sum.moved(context, "issuer", &call, sum.words("redeemed from"))
                    .await
            }
            Self::Grant(grant) => grant.run(context).await,
            Self::Lock { amount, until } => lock(context, &amount, until).await,
            Self::Freeze {
                security,
                wallet,
                quantity,
                lift,
            } => freeze(context, &security, &wallet, quantity, lift).await,
            Self::Sanction { security, listed } => {
                let security = context.security(&security)?;
                let list = format!("the sanctions list of {}", security.symbol);
                let to = (&security).into();
                listed
                    .run(context, "enforcer", to, list::Act::Sanction, &list)
                    .await
            }
            Self::Migrate(command) => Box::pin(command.run(context)).await,
            Self::Persons(command) => command.run(context).await,
            Self::Rules(command) => command.run(context).await,
            Self::Enforcement(command) => command.run(context).await,
            Self::Holders(command) => command.run(context).await,
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

/// An amount of a security and a holder, as they were read.
struct Sum {
    security: Security,
    holder: Party,
    value: U256,
}

impl Amount {
    fn read(&self, context: &Context) -> Result<Sum> {
        let security = context.security(&self.security)?;
        let value = decimal::amount(&self.quantity, security.decimals).map_err(Failure::usage)?;
        let holder = context.party(&self.wallet)?;
        Ok(Sum {
            security,
            holder,
            value,
        })
    }
}

impl Sum {
    fn words(&self, verb: &str) -> Sentence {
        let (security, holder) = (&self.security, &self.holder);
        Sentence::of(|reader| {
            let amount = reader.units(self.value, security.decimals);
            format!("{amount} {} {verb} {holder}", security.symbol)
        })
    }

    async fn moved<C: Provable>(
        &self,
        context: &Context,
        role: &str,
        call: &C,
        words: Sentence,
    ) -> Result {
        let stake = Stake::tokens(&self.security, self.value);
        act::move_amount(context, role, self.security.token, call, &stake, words).await
    }
}

/// Unix seconds of a moment by the chain's clock.
pub(super) async fn resolve(context: &Context, moment: Moment) -> Result<u64> {
    let now = match moment {
        Moment::At(_) => 0,
        Moment::In(_) => context.chain().await?.head().await?.time,
    };
    moment.after(now).map_err(Failure::usage)
}

impl Grant {
    async fn run(self, context: &Context) -> Result {
        let sum = self.amount.read(context)?;
        let start = resolve(context, self.start.unwrap_or(Moment::In(0))).await?;
        let call = ISecurityToken::grantVestingCall {
            holder: sum.holder.address,
            amount: sum.value,
            start,
            cliff: self.cliff,
            period: self.period,
            periods: self.periods,
            firstBips: self.first_bips,
            revocable: self.revocable,
        };
        let words = sum.words("granted to").and(&format!(
            ", vesting from {}: {} at first, then {} steps of {}",
            time(start),
            literal_time::spelled(self.cliff.into()),
            self.periods,
            literal_time::spelled(self.period.into()),
        ));
        sum.moved(context, "issuer", &call, words).await
    }
}

/// Opens the transfers of a pair of groups, now or at a moment, or closes them.
async fn group(
    context: &Context,
    security: &str,
    (from, to): (u8, u8),
    opens_at: Option<Moment>,
    close: bool,
) -> Result {
    let security = context.security(security)?;
    let opens_at = match opens_at {
        _ if close => 0,
        None => 1,
        Some(moment) => resolve(context, moment).await?,
    };
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

/// The end of the day in UTC that a moment lies in; the first second of a day is the end of the one before.
fn end_of_day(time: u64) -> Option<u64> {
    time.checked_next_multiple_of(86_400)
}

/// Lock-ups that a wallet can have, and how many of them are worth a warning.
const LOCKS: usize = 16;
const MANY_LOCKS: usize = 12;

async fn mint_locked(context: &Context, amount: &Amount, until: Moment) -> Result {
    let sum = amount.read(context)?;
    let until = end_of_day(resolve(context, until).await?);
    let until = until.ok_or_else(|| Failure::usage("that time is too late"))?;
    let call = ISecurityToken::mintLockedCall {
        to: sum.holder.address,
        amount: sum.value,
        unlockAt: until,
    };
    let words = sum
        .words("issued to")
        .and(&format!(", locked up until {}", time(until)));
    let answer = sum.moved(context, "issuer", &call, words).await?;
    let holder = sum.holder.address;
    let chain = context.chain().await?;
    let locks = chain
        .view(sum.security.token, ISecurityToken::locksOfCall { holder })
        .await?;
    let count = locks.amounts.len();
    if count < MANY_LOCKS {
        return Ok(answer);
    }
    Ok(answer.warn(format!(
        "{} has {count} lock-ups of at most {LOCKS}: issue on fewer days, or wait until some are released",
        sum.holder
    )))
}

async fn lock(context: &Context, amount: &Amount, until: Moment) -> Result {
    let sum = amount.read(context)?;
    let until = resolve(context, until).await?;
    let call = ISecurityToken::lockTokensCall {
        holder: sum.holder.address,
        amount: sum.value,
        releaseTime: until,
    };
    let words = sum
        .words("locked up for")
        .and(&format!(" until {}", time(until)));
    act::send(context, "compliance", sum.security.token, &call, words).await
}

async fn freeze(
    context: &Context,
    security: &str,
    wallet: &str,
    quantity: Option<String>,
    lift: bool,
) -> Result {
    let security = context.security(security)?;
    let holder = context.party(wallet)?;
    let account = holder.address;
    let verb = if lift { "unfrozen" } else { "frozen" };
    let Some(quantity) = quantity else {
        let call = ISecurityToken::setAddressFrozenCall {
            account,
            frozen: !lift,
        };
        let contract = context
            .ground()
            .await?
            .contract(Target::from(&security))
            .await?;
        let others = others_of(&contract, account).await?;
        let with = match others {
            0 => String::new(),
            1 => ", and 1 other wallet of the same investor".into(),
            count => format!(", and {count} other wallets of the same investor"),
        };
        let words = format!("{}: {holder} is {verb}{with}", security.symbol);
        return act::send(context, "enforcer", security.token, &call, words).await;
    };
    let amount = decimal::amount(&quantity, security.decimals).map_err(Failure::usage)?;
    let words = Sentence::of(|reader| {
        let quantity = reader.units(amount, security.decimals);
        format!("{quantity} {} of {holder} are {verb}", security.symbol)
    });
    if lift {
        let call = ISecurityToken::unfreezePartialTokensCall { account, amount };
        act::send(context, "enforcer", security.token, &call, words).await
    } else {
        let call = ISecurityToken::freezePartialTokensCall { account, amount };
        act::send(context, "enforcer", security.token, &call, words).await
    }
}

/// How many other wallets the investor of one has.
async fn others_of(contract: &Contract, wallet: Address) -> Result<usize> {
    let record = contract
        .view(ISecurityToken::walletRecordCall { wallet })
        .await?;
    let investor = record.investorId;
    if investor.is_zero() {
        return Ok(0);
    }
    let call = ISecurityToken::walletsOfCall {
        investorId: investor,
    };
    Ok(contract.view(call).await?.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holding_period_ends_with_a_day_in_utc() {
        // 20,000 days after the epoch.
        let day = 20_000 * 86_400;
        assert_eq!(end_of_day(day), Some(day));
        assert_eq!(end_of_day(day + 1), Some(day + 86_400));
        assert_eq!(end_of_day(day + 86_399), Some(day + 86_400));
        assert_eq!(end_of_day(u64::MAX), None);
    }
}
