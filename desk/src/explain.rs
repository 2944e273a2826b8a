//! A restriction code in words that name the party and the fact, read from the security's own records.
//!
//! The code alone says "a party's KYC has expired"; a desk wants "the buyer's KYC expired on 2026-03-31".

use alloy::primitives::{Address, U256};
use book::market::amount::{date, plain, time};

use crate::chain::abi::{ISecurityToken as Token, named_groups};
use crate::chain::codes::Restriction;
use crate::chain::{Chain, ChainError};

/// The movement that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Movement {
    /// The security.
    pub token: Address,
    /// Its decimals.
    pub decimals: u8,
    /// Who sends.
    pub from: Address,
    /// Who receives.
    pub to: Address,
    /// Base units.
    pub quantity: U256,
    /// What to call the sender and the recipient.
    pub names: (&'static str, &'static str),
}

/// `restriction 16: the buyer's KYC expired on 2026-03-31`.
///
/// # Errors
/// What the chain answers; a fact that cannot be found is not an error: then the code's general meaning is given.
pub async fn restriction(
    chain: &Chain,
    code: Restriction,
    movement: &Movement,
) -> Result<String, ChainError> {
    let fact = fact(chain, code, movement).await?;
    let meaning = fact.unwrap_or_else(|| code.meaning().to_string());
    Ok(format!("restriction {code}: {meaning}"))
}

async fn fact(
    chain: &Chain,
    code: Restriction,
    movement: &Movement,
) -> Result<Option<String>, ChainError> {
    let (sender, recipient) = movement.names;
    match code {
        Restriction::NotAllowed
        | Restriction::NotOpenYet
        | Restriction::CountryBlocked
        | Restriction::KycExpired => registry_fact(chain, code, movement).await,
        Restriction::Sanctioned => sanctions_fact(chain, movement).await,
        Restriction::SenderFrozen => Ok(Some(format!("{sender}'s wallet is frozen"))),
        Restriction::RecipientFrozen => Ok(Some(format!("{recipient}'s wallet is frozen"))),
        Restriction::PartlyFrozen
        | Restriction::Locked
        | Restriction::NotVested
        | Restriction::Held => holding_fact(chain, movement).await.map(Some),
        Restriction::InvestorCap | Restriction::HolderCap | Restriction::InvalidSize => {
            limits_fact(chain, code, movement).await
        }
        Restriction::GroupHolderCap => group_fact(chain, movement).await,
        _ => Ok(None),
    }
}

/// Which of the two is sanctioned.
async fn sanctions_fact(chain: &Chain, movement: &Movement) -> Result<Option<String>, ChainError> {
    let Movement {
        token,
        from,
        to,
        names,
        ..
    } = *movement;
    let mut found = Vec::new();
    for (account, name) in [(from, names.0), (to, names.1)] {
        if chain
            .view(token, Token::isSanctionedCall { account })
            .await?
        {
            found.push(name);
        }
    }
    Ok((!found.is_empty()).then(|| format!("{} is sanctioned", found.join(" and "))))
}

/// What of the sender's holding cannot move.
async fn holding_fact(chain: &Chain, movement: &Movement) -> Result<String, ChainError> {
    let (token, from) = (movement.token, movement.from);
    let amount = |value: U256| plain(value, movement.decimals);
    let balance = chain
        .view(token, Token::balanceOfCall { account: from })
        .await?;
    let spendable = chain
        .view(token, Token::spendableBalanceOfCall { holder: from })
        .await?;
    let sums = chain
        .view(token, Token::encumbrancesOfCall { holder: from })
        .await?;
    let held = held(chain, token, from).await?;
    Ok(format!(
        "{} holds {} and may sell {} ({} frozen, {} locked up, {} not vested, {} held for matched trades), but the \
         transfer needs {}",
        movement.names.0,
        amount(balance),
        amount(spendable),
        amount(sums.frozen),
        amount(sums.locked),
        amount(sums.unvested),
        amount(held),
        amount(movement.quantity),
    ))
}

/// What of a balance is held for matched trades, base units; zero at a token without holds.
///
/// # Errors
/// What the chain answers.
pub async fn held(chain: &Chain, token: Address, owner: Address) -> Result<U256, ChainError> {
    match chain.view(token, Token::heldBalanceOfCall { owner }).await {
        Err(ChainError::Reverted(_) | ChainError::Undecodable { .. }) => Ok(U256::ZERO),
        answer => answer,
    }
}

/// Which limit of the security it would break.
async fn limits_fact(
    chain: &Chain,
    code: Restriction,
    movement: &Movement,
) -> Result<Option<String>, ChainError> {
    let limits = chain.view(movement.token, Token::limitsCall {}).await?;
    let amount = |value: U256| plain(value, movement.decimals);
    let words = match code {
        Restriction::InvestorCap => Some(format!(
            "{} would hold more than the limit for one investor ({} tokens, {} basis points of the supply; 0 means no limit)",
            movement.names.1,
            amount(limits.maxPerInvestor),
            limits.maxBipsPerInvestor,
        )),
        Restriction::HolderCap => Some(format!(
            "the security already has {} holders, the most it allows",
            limits.maxHolders
        )),
        Restriction::InvalidSize => Some(format!(
            "{} is not a multiple of {}, or would leave a holding below {}",
            amount(movement.quantity),
            amount(limits.granularity),
            amount(limits.minHolding),
        )),
        _ => None,
    };
    Ok(words)
}

/// Which group or class of groups has as many holders as it may.
async fn group_fact(chain: &Chain, movement: &Movement) -> Result<Option<String>, ChainError> {
    let (token, wallet) = (movement.token, movement.to);
    let record = chain
        .view(token, Token::walletRecordCall { wallet })
        .await?;
    let group = record.group;
    let own = chain.view(token, Token::groupHoldersCall { group }).await?;
    if own.limit != 0 && own.count >= own.limit {
        let words = format!(
            "group {group} has {} holders, the most it allows",
            own.count
        );
        return Ok(Some(words));
    }
    let classes = chain.view(token, Token::classLimitsCall {}).await?;
    let rows = classes
        .groups
        .iter()
        .zip(&classes.maxHolders)
        .zip(&classes.holders);
    let full = rows
        .map(|((groups, most), holders)| (*groups, *most, *holders))
        .find(|(groups, most, holders)| groups.bit(group.into()) && holders >= most);
    Ok(full.map(|(groups, most, holders)| {
        let groups = named_groups(groups);
        format!("groups {groups} have {holders} holders together, the most allowed is {most}")
    }))
}

async fn registry_fact(
    chain: &Chain,
    code: Restriction,
    movement: &Movement,
) -> Result<Option<String>, ChainError> {
    let Movement {
        token,
        from,
        to,
        names,
        ..
    } = *movement;
    let seller = chain
        .view(token, Token::walletRecordCall { wallet: from })
        .await?;
    let buyer = chain
        .view(token, Token::walletRecordCall { wallet: to })
        .await?;
    let parties = [(&seller, names.0), (&buyer, names.1)];
    let (groups, now) = ((seller.group, buyer.group), chain.head().await?.time);
    let words = match code {
        Restriction::NotAllowed => match parties
            .iter()
            .find(|(record, _)| record.investorId.is_zero())
        {
            Some((_, name)) => Some(format!("{name} is not registered")),
            None => Some(format!(
                "transfers from group {} to group {} are closed",
                groups.0, groups.1
            )),
        },
        Restriction::NotOpenYet => {
            let call = Token::groupRuleCall {
                fromGroup: groups.0,
                toGroup: groups.1,
            };
            let opens = chain.view(token, call).await?;
            Some(format!(
                "transfers from group {} to group {} open on {}",
                groups.0,
                groups.1,
                time(opens)
            ))
        }
        Restriction::CountryBlocked => {
            let mut found = None;
            for (record, name) in parties {
                let call = Token::isCountryBlockedCall {
                    country: record.country,
                };
                if found.is_none() && chain.view(token, call).await? {
                    found = Some(format!(
                        "{name}'s country ({:03}) is blocked",
                        record.country
                    ));
                }
            }
            found
        }
        Restriction::KycExpired => parties
            .iter()
            .find(|(record, _)| record.kycExpiry <= now)
            .map(|(record, name)| format!("{name}'s KYC expired on {}", date(record.kycExpiry))),
        _ => None,
    };
    Ok(words)
}
