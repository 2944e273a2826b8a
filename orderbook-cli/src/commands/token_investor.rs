//! `token investor, class-limit`: rules about persons rather than wallets.

use alloy::primitives::U256;
use book::market::amount::date;
use book::market::country;
use book::market::literal::decimal;
use book::market::literal::time::instant;
use clap::{Args, Subcommand};
use desk::cap_table::investor_id;
use desk::chain::abi::{ISecurityToken, named_groups};

use super::act;
use super::context::Context;
use super::failure::{Failure, Result};
use super::token_rules::dust;
use crate::render::Sentence;

/// Rules about investors.
#[derive(Debug, Subcommand)]
pub(super) enum Persons {
    Investor(Investor),
    ClassLimit(ClassLimit),
}

/// Change group, country and KYC of an investor, in all wallets at once
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook token investor HRBR HSS-INV-1001 --group 1 --country 840 --kyc-expiry 2030-06-30\n\nThe code is the cap table's. A new wallet is added with: orderbook token register HRBR new.csv"
)]
pub(super) struct Investor {
    /// The security
    security: String,
    /// The investor's code
    #[arg(id = "investor", value_name = "CODE")]
    code: String,
    /// The group of all its wallets
    #[arg(long, value_parser = decimal::whole::<u8>)]
    group: u8,
    /// ISO 3166-1 code, such as 840, USA or US
    #[arg(long, value_name = "CODE", value_parser = country::numeric)]
    country: u16,
    /// When its KYC ends: a day or an instant
    #[arg(long, value_name = "TIME", value_parser = instant)]
    kyc_expiry: u64,
}

/// Limit how many investors of several groups together may hold the security
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook token class-limit HRBR 1,2 500      12(g): holders of record that are not accredited\n  orderbook token class-limit HRBR 2 35         506(b)\n  orderbook token class-limit HRBR 1,2 0        no limit any more\n\nUp to 8 classes, which may overlap. Limits in force: orderbook token limits HRBR"
)]
pub(super) struct ClassLimit {
    /// The security
    security: String,
    /// The groups, such as 1,2
    #[arg(value_parser = groups)]
    groups: U256,
    /// Maximum number of investors; 0 means no limit
    #[arg(value_parser = decimal::whole::<u32>)]
    holders: u32,
}

/// A set of groups, one bit for each.
fn groups(text: &str) -> std::result::Result<U256, String> {
    let mut set = U256::ZERO;
    for part in text.split(',') {
        let group = decimal::whole::<u8>(part.trim()).map_err(|error| error.to_string())?;
        if group == 0 {
            return Err("groups are numbered from 1".into());
        }
        set.set_bit(group.into(), true);
    }
    Ok(set)
}

impl Persons {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Investor(investor) => investor.run(context).await,
            Self::ClassLimit(limit) => limit.run(context).await,
        }
    }
}

impl Investor {
    async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let call = ISecurityToken::setInvestorCall {
            investorId: investor_id(&self.code).map_err(Failure::usage)?,
            group: self.group,
            country: self.country,
            kycExpiry: self.kyc_expiry,
        };
        let words = format!(
            "{}: every wallet of {} is in group {}, country {:03}, KYC until {}",
            security.symbol,
            self.code,
            self.group,
            self.country,
            date(self.kyc_expiry)
        );
        act::send(context, "compliance", security.token, &call, words).await
    }
}

impl ClassLimit {
    async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let call = ISecurityToken::setClassLimitCall {
            groups: self.groups,
            maxHolders: self.holders,
        };
        let names = named_groups(self.groups);
        let words = Sentence::of(|reader| {
            let limit = match self.holders {
                0 => "no limit".into(),
                holders => format!("{} at most", reader.units(U256::from(holders), 0)),
            };
            format!(
                "{}: holders of groups {names} together: {limit}",
                security.symbol
            )
        });
        let answer = act::send(context, "compliance", security.token, &call, words).await?;
        if self.holders == 0 {
            return Ok(answer);
        }
        dust(context, &security, answer).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_groups_has_a_bit_for_each() {
        assert_eq!(groups("1"), Ok(U256::from(2)));
        assert_eq!(
            groups("1, 3,255"),
            Ok((U256::from(1) << 255) | U256::from(0b1010))
        );
        assert_eq!(groups("2,2"), Ok(U256::from(4)));
        for bad in ["", "0", "1,", "256", "1-3", "1;2"] {
            assert!(groups(bad).is_err(), "{bad:?}");
        }
        assert_eq!(named_groups(U256::from(0b1010)), "1, 3");
    }
}
