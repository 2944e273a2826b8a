//! `token limits, holder-limit, supply-cap, country, unlock, remove, pause, resume, deactivate`: what a security allows.

use alloy::primitives::U256;
use book::market::amount::time;
use book::market::country;
use book::market::literal::decimal;
use book::market::literal::time::instant;
use clap::{Args, Subcommand};
use desk::chain::abi::{ISecurityToken, named_groups};
use serde_json::{Value, json};

use super::act;
use super::context::Context;
use super::failure::{Failure, Result};
use crate::config::Security;
use crate::render::sentence::Reader;
use crate::render::{Answer, Block, Cell, Sentence};

/// Rules of one security.
#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    Limits(Limits),
    /// Limit how many investors of a group may hold the security
    #[command(after_help = "Example: orderbook token holder-limit HRBR 2 35")]
    HolderLimit {
        /// The security
        security: String,
        /// The group
        #[arg(value_parser = decimal::whole::<u8>)]
        group: u8,
        /// Maximum number of investors; 0 means no limit
        #[arg(value_parser = decimal::whole::<u32>)]
        holders: u32,
    },
    /// Change how many tokens can ever exist; the default admin signs
    #[command(after_help = "Example: orderbook token supply-cap HRBR 12_000_000")]
    SupplyCap {
        /// The security
        security: String,
        /// Maximum number of tokens; 0 means no cap
        quantity: String,
    },
    /// Block a country: its investors may neither send nor receive
    #[command(
        after_help = "Examples:\n  orderbook token country HRBR 643\n  orderbook token country HRBR 643 --lift"
    )]
    Country {
        /// The security
        security: String,
        /// Its ISO 3166-1 code, such as 840, USA or US
        #[arg(id = "country", value_name = "CODE", value_parser = country::numeric)]
        code: u16,
        /// Open it again
        #[arg(long)]
        lift: bool,
    },
    /// Release a lock-up before its time
    #[command(
        after_help = "Example: orderbook token unlock HRBR ada 2030-01-01\n\nLock-ups and their times: orderbook token encumbrances HRBR ada"
    )]
    Unlock {
        /// The security
        security: String,
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// When the lock-up would be released: a day or an instant
        #[arg(value_name = "TIME", value_parser = instant)]
        release: u64,
    },
    /// Remove an empty wallet from the registry
    #[command(after_help = "Example: orderbook token remove HRBR ada")]
    Remove {
        /// The security
        security: String,
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
    },
    /// Stop all transfers of the security
    #[command(
        after_help = "Example: orderbook token pause HRBR\n\nThe wallet of the profile's enforcer signs; it needs PAUSER_ROLE."
    )]
    Pause {
        /// The security
        security: String,
    },
    /// Resume transfers of the security
    #[command(
        after_help = "Example: orderbook token resume HRBR\n\nThe wallet of the profile's admin signs: whoever may pause may not resume."
    )]
    Resume {
        /// The security
        security: String,
    },
    /// Deactivate the security permanently: it can never be transferred again
    #[command(
        after_help = "Example: orderbook token deactivate HRBR --for-good\n\nOnly while it is paused: orderbook token pause HRBR"
    )]
    Deactivate {
        /// The security
        security: String,
        /// Confirm that this cannot be undone
        #[arg(long, required = true)]
        for_good: bool,
    },
}

/// Show the limits of holdings, or change those that are given
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook token limits HRBR\n  orderbook token limits HRBR --max-per-investor 50_000 --max-holders 99\n  orderbook token limits HRBR --max-holders 0      no limit"
)]
pub(super) struct Limits {
    /// The security
    security: String,
    /// Tokens that one investor may hold in all wallets; 0 means no limit
    #[arg(long, value_name = "QUANTITY")]
    max_per_investor: Option<String>,
    /// Share of the supply that one investor may hold, in basis points or as 12.5%; 0 means no limit
    #[arg(long, value_name = "SHARE", value_parser = decimal::basis_points)]
    max_bips: Option<u16>,
    /// Investors that may hold it; 0 means no limit
    #[arg(long, value_name = "COUNT", value_parser = decimal::whole::<u32>)]
    max_holders: Option<u32>,
    /// Minimum holding of a wallet that holds any
    #[arg(long, value_name = "QUANTITY")]
    min_holding: Option<String>,
    /// Transfers must be a multiple of this
    #[arg(long, value_name = "QUANTITY")]
    granularity: Option<String>,
}

impl Rules {
    /// The security that it is about, and whose wallet signs.
    fn about(&self) -> (&str, &'static str) {
        match self {
            Self::Limits(limits) => (&limits.security, "compliance"),
            Self::HolderLimit { security, .. }
            | Self::Country { security, .. }
            | Self::Unlock { security, .. }
            | Self::Remove { security, .. } => (security, "compliance"),
            Self::Pause { security } => (security, "enforcer"),
            Self::Resume { security }
            | Self::SupplyCap { security, .. }
            | Self::Deactivate { security, .. } => (security, "admin"),
        }
    }

    pub(super) async fn run(self, context: &Context) -> Result {
        let (name, role) = self.about();
        let security = context.security(name)?;
        let (to, symbol) = (security.token, &security.symbol);
        match self {
            Self::Limits(limits) => limits.run(context, &security).await,
            Self::HolderLimit { group, holders, .. } => {
                let call = ISecurityToken::setGroupHolderLimitCall {
                    group,
                    maxHolders: holders,
                };
                let words = Sentence::of(|reader| {
                    let limit = at_most(reader, U256::from(holders), 0);
                    format!("{symbol}: holders of group {group}: {limit}")
                });
                let answer = act::send(context, role, to, &call, words).await?;
                if holders == 0 {
                    return Ok(answer);
                }
                dust(context, &security, answer).await
            }
            Self::SupplyCap { quantity, .. } => {
                supply_cap(context, role, &security, &quantity).await
            }
            Self::Country { code, lift, .. } => {
                let call = ISecurityToken::setCountryBlockedCall {
                    country: code,
                    blocked: !lift,
                };
                let state = if lift { "open again" } else { "blocked" };
                let words = format!("{symbol}: country {code:03} is {state}");
                act::send(context, role, to, &call, words).await
            }
            Self::Unlock {
                wallet, release, ..
            } => unlock(context, role, &security, &wallet, release).await,
            Self::Remove { wallet, .. } => remove(context, role, &security, &wallet).await,
            Self::Pause { .. } => {
                let call = ISecurityToken::pauseCall {};
                act::send(context, role, to, &call, format!("{symbol} is paused")).await
            }
            Self::Resume { .. } => {
                let call = ISecurityToken::unpauseCall {};
                let words = format!("{symbol} is no longer paused");
                act::send(context, role, to, &call, words).await
            }
            Self::Deactivate { .. } => {
                let call = ISecurityToken::deactivateCall {};
                let words = format!("{symbol} has been permanently deactivated");
                act::send(context, role, to, &call, words).await
            }
        }
    }
}

/// A holder limit without a minimum holding can be filled with dust by anybody who sells in tiny amounts: warns where
/// there is one.
pub(super) async fn dust(context: &Context, security: &Security, answer: Answer) -> Result {
    let chain = context.chain().await?;
    let limits = chain
        .view(security.token, ISecurityToken::limitsCall {})
        .await?;
    let lot = limits.granularity.max(one(security));
    if limits.minHolding >= lot {
        return Ok(answer);
    }
    let words = Sentence::of(|reader| {
        let lot = reader.units(lot, security.decimals);
        let symbol = &security.symbol;
        format!(
            "the number of holders of {symbol} is limited and a holding may be smaller than {lot}: a few tiny transfers to new \
             wallets fill the limit; set a minimum: orderbook token limits {symbol} --min-holding {lot}"
        )
    });
    Ok(answer.warn(words.programs()))
}

/// One whole token, the smallest quantity that a board trades where the security does not say otherwise.
fn one(security: &Security) -> U256 {
    U256::from(10).pow(U256::from(security.decimals))
}

async fn supply_cap(context: &Context, role: &str, security: &Security, quantity: &str) -> Result {
    let supply_cap = decimal::amount(quantity, security.decimals).map_err(Failure::usage)?;
    let call = ISecurityToken::setSupplyCapCall {
        supplyCap: supply_cap,
    };
    let words = Sentence::of(|reader| {
        let limit = at_most(reader, supply_cap, security.decimals);
        format!("{}: supply: {limit}", security.symbol)
    });
    act::send(context, role, security.token, &call, words).await
}

async fn unlock(
    context: &Context,
    role: &str,
    security: &Security,
    wallet: &str,
    release: u64,
) -> Result {
    let holder = context.party(wallet)?;
    let call = ISecurityToken::unlockTokensCall {
        holder: holder.address,
        releaseTime: release,
    };
    let words = format!(
        "{}: the lock-up of {holder} until {} released",
        security.symbol,
        time(release)
    );
    act::send(context, role, security.token, &call, words).await
}

async fn remove(context: &Context, role: &str, security: &Security, wallet: &str) -> Result {
    let holder = context.party(wallet)?;
    let call = ISecurityToken::removeWalletCall {
        wallet: holder.address,
    };
    let words = format!("{}: {holder} removed from the registry", security.symbol);
    act::send(context, role, security.token, &call, words).await
}

fn at_most(reader: Reader, limit: U256, decimals: u8) -> String {
    if limit.is_zero() {
        "no limit".into()
    } else {
        format!("{} at most", reader.units(limit, decimals))
    }
}

impl Limits {
    async fn run(self, context: &Context, security: &Security) -> Result {
        let given = [&self.max_per_investor, &self.min_holding, &self.granularity];
        let unchanged = given.iter().all(|limit| limit.is_none())
            && self.max_bips.is_none()
            && self.max_holders.is_none();
        if !unchanged {
            // What is not given stays as it is, so make sure that this is the intended contract.
            let ground = context.ground().await?;
            ground.contract(security.into()).await?;
        }
        let call = self.call(context, security).await?;
        let pairs = limits(&call, security.decimals);
        let mut data = json!({
            "max_per_investor": call.maxPerInvestor.to_string(),
            "max_bips_per_investor": call.maxBipsPerInvestor,
            "max_holders": call.maxHolders,
            "min_holding": call.minHolding.to_string(),
            "granularity": call.granularity.to_string(),
        });
        let classes = classes(context, security).await?;
        data["classes"] = classes.iter().map(Class::json).collect();
        let pairs = pairs
            .into_iter()
            .chain(classes.iter().map(Class::pair))
            .collect();
        if unchanged {
            let answer = Answer::new(data).with(Block::Pairs(pairs));
            return limited(context, security, &call, &classes, answer).await;
        }
        let words = format!("limits of {} set", security.symbol);
        let sent = act::send(context, "compliance", security.token, &call, words).await?;
        data["transaction"] = sent.data["transaction"].clone();
        let answer = sent
            .blocks
            .into_iter()
            .fold(Answer::new(data), Answer::with);
        let answer = answer.with(Block::Pairs(pairs));
        limited(context, security, &call, &classes, answer).await
    }

    /// The limits that are given, and those of the contract where none is.
    async fn call(
        &self,
        context: &Context,
        security: &Security,
    ) -> Result<ISecurityToken::setLimitsCall> {
        let chain = context.chain().await?;
        let now = chain
            .view(security.token, ISecurityToken::limitsCall {})
            .await?;
        let quantity = |text: &Option<String>, now: U256| match text {
            None => Ok(now),
            Some(text) => decimal::amount(text, security.decimals).map_err(Failure::usage),
        };
        Ok(ISecurityToken::setLimitsCall {
            maxPerInvestor: quantity(&self.max_per_investor, now.maxPerInvestor)?,
            maxBipsPerInvestor: self.max_bips.unwrap_or(now.maxBipsPerInvestor),
            maxHolders: self.max_holders.unwrap_or(now.maxHolders),
            minHolding: quantity(&self.min_holding, now.minHolding)?,
            granularity: quantity(&self.granularity, now.granularity)?,
        })
    }
}

/// Warns where the number of holders is limited and tiny amounts count as holdings.
async fn limited(
    context: &Context,
    security: &Security,
    call: &ISecurityToken::setLimitsCall,
    classes: &[Class],
    answer: Answer,
) -> Result {
    if call.maxHolders == 0 && classes.is_empty() {
        return Ok(answer);
    }
    dust(context, security, answer).await
}

/// A limit on several groups together.
struct Class {
    groups: U256,
    most: u32,
    holders: u32,
}

impl Class {
    fn json(&self) -> Value {
        let set = (1..256_usize).filter(|group| self.groups.bit(*group));
        json!({ "groups": set.collect::<Vec<_>>(), "max_holders": self.most, "holders": self.holders })
    }

    fn pair(&self) -> (String, Cell) {
        let name = format!("investors of groups {}", named_groups(self.groups));
        let words = Sentence::of(|reader| {
            let most = reader.units(U256::from(self.most), 0);
            format!(
                "{most} at most, {} now",
                reader.units(U256::from(self.holders), 0)
            )
        });
        (name, Cell::sentence(&words))
    }
}

/// The security's classes.
async fn classes(context: &Context, security: &Security) -> Result<Vec<Class>> {
    let chain = context.chain().await?;
    let found = chain
        .view(security.token, ISecurityToken::classLimitsCall {})
        .await?;
    let rows = found
        .groups
        .iter()
        .zip(&found.maxHolders)
        .zip(&found.holders);
    Ok(rows
        .map(|((groups, most), holders)| Class {
            groups: *groups,
            most: *most,
            holders: *holders,
        })
        .collect())
}

/// Limits as a person reads them.
fn limits(call: &ISecurityToken::setLimitsCall, decimals: u8) -> Vec<(String, Cell)> {
    let tokens = |value| Sentence::of(|reader| at_most(reader, value, decimals));
    let count = |value: u32| Sentence::of(|reader| at_most(reader, U256::from(value), 0));
    let share = |bips: u16| match bips {
        0 => Sentence::from("no limit"),
        bips => format!("{}.{:02} % at most", bips / 100, bips % 100).into(),
    };
    let pairs = [
        (
            "maximum holding of one investor",
            Cell::sentence(&tokens(call.maxPerInvestor)),
        ),
        (
            "maximum share of one investor",
            Cell::sentence(&share(call.maxBipsPerInvestor)),
        ),
        ("investors", Cell::sentence(&count(call.maxHolders))),
        (
            "minimum holding of a wallet",
            Cell::units(call.minHolding, decimals),
        ),
        (
            "transfers in multiples of",
            Cell::units(call.granularity, decimals),
        ),
    ];
    pairs.map(|(name, value)| (name.to_string(), value)).into()
}
