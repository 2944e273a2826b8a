//! An act in words, from its calldata alone: every argument is shown.

mod distribution;
mod security;

use alloy::primitives::{Address, B256, U256};
use book::market::amount::time;
use book::market::literal::time::spelled;

use super::reading::{Deed, Known, Reading};
use crate::cap_table::investor_code;
use crate::chain::Target;
use crate::chain::abi::IDvPSettlement::IDvPSettlementCalls as SettlementCalls;
use crate::chain::abi::ISecurityToken::ISecurityTokenCalls as SecurityCalls;
use crate::chain::abi::ITsUSDC::ITsUSDCCalls as CoinCalls;
use crate::chain::abi::role_name;

/// How amounts are written for the reader.
pub trait Amounts {
    /// An amount of a token, without its unit.
    fn units(&self, value: U256, decimals: u8) -> String;
    /// An amount of dollars, with its sign.
    fn dollars(&self, value: U256) -> String;
}

impl Known {
    /// What an account is called, with its address.
    pub fn name(&self, account: Address) -> String {
        let target = self.targets.iter().find(|one| one.address() == account);
        match (self.names.get(&account), target) {
            (Some(name), _) => format!("{name} ({account})"),
            (None, Some(target)) => format!("{} ({account})", called(target)),
            (None, None) => account.to_string(),
        }
    }
}

/// What a contract of the profile is called.
pub fn called(target: &Target) -> String {
    match target {
        Target::Security { symbol, .. } => symbol.clone(),
        Target::Coin(_) => "the coin".into(),
        Target::Settlement { .. } => "the settlement contract".into(),
        other => other.kind().to_string(),
    }
}

impl Reading {
    /// What the call does: a sentence, and a line for each row where it has rows.
    pub fn words(&self, known: &Known, amounts: &dyn Amounts) -> Vec<String> {
        let writer = Writer {
            known,
            amounts,
            target: &self.target,
        };
        match &self.deed {
            Deed::Role(call) => vec![writer.role(call)],
            Deed::Security(call) => writer.security(call),
            Deed::Coin(call) => writer.coin(call),
            Deed::Settlement(call) => vec![writer.settlement(call)],
            Deed::Distribution(act) => writer.distribution(&act.call),
            Deed::Documents(call) => vec![writer.documents(call)],
            Deed::Funding(call) => vec![format!(
                "{} may take {} from the Safe",
                writer.who(call.spender),
                writer.dollars(call.value)
            )],
        }
    }
}

struct Writer<'a> {
    known: &'a Known,
    amounts: &'a dyn Amounts,
    target: &'a Target,
}

/// A call that no [`Deed`] has: [`Reading::of`] refuses it.
const NONE: &str = "an act that cannot be proposed";

impl Writer<'_> {
    fn who(&self, account: Address) -> String {
        self.known.name(account)
    }

    /// An amount of the security.
    fn tokens(&self, value: U256) -> String {
        match self.target {
            Target::Security {
                symbol, decimals, ..
            } => format!("{} {symbol}", self.amounts.units(value, *decimals)),
            _ => value.to_string(),
        }
    }

    fn dollars(&self, value: U256) -> String {
        self.amounts.dollars(value)
    }

    fn count(&self, value: u32) -> String {
        let value = U256::from(value);
        at_most(value, &self.amounts.units(value, 0))
    }

    fn role(&self, call: &SecurityCalls) -> String {
        let of = called(self.target);
        match call {
            SecurityCalls::grantRole(call) => {
                let (role, account) = (role_name(call.role), self.who(call.account));
                format!("{role} of {of} granted to {account}")
            }
            SecurityCalls::revokeRole(call) => {
                let (role, account) = (role_name(call.role), self.who(call.account));
                format!("{role} of {of} revoked from {account}")
            }
            SecurityCalls::renounceRole(call) => {
                let (role, account) = (role_name(call.role), self.who(call.callerConfirmation));
                format!("{role} of {of} renounced by {account}")
            }
            SecurityCalls::beginDefaultAdminTransfer(call) => {
                let next = self.who(call.newAdmin);
                format!("{next} is proposed as the default admin of {of}")
            }
            SecurityCalls::acceptDefaultAdminTransfer(_) => {
                format!("the Safe becomes the default admin of {of}")
            }
            SecurityCalls::cancelDefaultAdminTransfer(_) => {
                format!("{of} keeps its default admin")
            }
            _ => NONE.into(),
        }
    }

    fn coin(&self, call: &CoinCalls) -> Vec<String> {
        let line = match call {
            CoinCalls::blacklistBatch(call) => {
                let head = "these wallets put on the blacklist of the coin".to_string();
                return self.listed(head, &call.accounts);
            }
            CoinCalls::unBlacklist(call) => {
                format!(
                    "{} taken off the blacklist of the coin",
                    self.who(call.account)
                )
            }
            CoinCalls::attestReserves(call) => format!(
                "reserves of {} attested as of {}, evidence {}",
                self.dollars(call.reserves),
                time(call.asOf),
                call.evidence
            ),
            CoinCalls::setReserveMaxAge(call) => {
                format!("an attestation is valid for {}", spelled(call.maxAge))
            }
            CoinCalls::configureMinter(call) => {
                let (minter, most) = (
                    self.who(call.minter),
                    self.dollars(call.minterAllowedAmount),
                );
                format!("{minter} may mint {most}")
            }
            CoinCalls::removeMinter(call) => {
                format!("{} may no longer mint", self.who(call.minter))
            }
            CoinCalls::mint(call) => {
                format!(
                    "{} minted to {}",
                    self.dollars(call.amount),
                    self.who(call.to)
                )
            }
            CoinCalls::mintWithReference(call) => format!(
                "{} minted to {} for {}",
                self.dollars(call.amount),
                self.who(call.to),
                investor_code(call.bankReference)
            ),
            CoinCalls::burn(call) => format!("{} from the Safe burned", self.dollars(call.amount)),
            CoinCalls::burnWithReference(call) => format!(
                "{} from the Safe burned for {}",
                self.dollars(call.amount),
                investor_code(call.bankReference)
            ),
            CoinCalls::pause(_) => "the coin is paused".into(),
            CoinCalls::unpause(_) => "the coin is no longer paused".into(),
            CoinCalls::seize(call) => {
                let to = if call.to.is_zero() {
                    "and burned".to_string()
                } else {
                    format!("for {}", self.who(call.to))
                };
                let (from, order) = (self.who(call.from), reason(call.orderReference));
                format!("all dollars that {from} holds are seized {to}, order {order}")
            }
            CoinCalls::rescueERC20(call) => self.rescued(call.token, call.to, call.amount),
            _ => NONE.into(),
        };
        vec![line]
    }

    fn rescued(&self, token: Address, to: Address, amount: U256) -> String {
        let to = self.who(to);
        let mut targets = self.known.targets.iter();
        let what = match targets.find(|target| target.address() == token) {
            Some(Target::Security {
                symbol, decimals, ..
            }) => format!("{} {symbol}", self.amounts.units(amount, *decimals)),
            Some(Target::Coin(_)) => self.dollars(amount),
            _ => format!("{amount} base units of {token}"),
        };
        format!("{what} sent from the coin's contract to {to}")
    }

    fn settlement(&self, call: &SettlementCalls) -> String {
        match call {
            SettlementCalls::listSecurity(call) => {
                let security = self.who(call.security);
                if call.listed {
                    format!("{security} admitted to trading")
                } else {
                    format!("{security} withdrawn from trading")
                }
            }
            SettlementCalls::setCommitmentRequired(call) if call.required => {
                "only committed matches settle".into()
            }
            SettlementCalls::setCommitmentRequired(_) => {
                "every approved match settles, committed or not".into()
            }
            SettlementCalls::pause(_) => "settlement paused".into(),
            SettlementCalls::unpause(_) => "settlement resumed".into(),
            _ => NONE.into(),
        }
    }
}

/// A limit; zero means none.
fn at_most(value: U256, words: &str) -> String {
    if value.is_zero() {
        "no limit".into()
    } else {
        format!("{words} at most")
    }
}

/// A reason as it was typed, or its bytes.
fn reason(code: B256) -> String {
    let length = code
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let plain = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic();
    match std::str::from_utf8(&code[..length]) {
        Ok(text) if length > 0 && text.bytes().all(|byte| plain(&byte)) => format!("'{text}'"),
        _ => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolCall;
    use book::market::amount;

    use super::super::reading::tests::{COIN, SETTLEMENT, TOKEN, call, known};
    use super::*;
    use crate::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC, role};

    pub(super) struct People;

    impl Amounts for People {
        fn units(&self, value: U256, decimals: u8) -> String {
            amount::units(value, decimals)
        }

        fn dollars(&self, value: U256) -> String {
            format!("${}", amount::dollars(value))
        }
    }

    const ADA: Address = Address::repeat_byte(9);
    const NAMED: &str = "ada (0x0909090909090909090909090909090909090909)";

    fn said<C: SolCall>(to: Address, what: &C) -> Vec<String> {
        let reading = Reading::of(1, &call(to, what), &known()).unwrap();
        let words = reading.words(&known(), &People);
        assert!(!words.iter().any(|line| line == NONE), "{}", C::SIGNATURE);
        words
    }

    #[test]
    fn amounts_and_accounts_are_said_as_people_write_them() {
        let value = U256::from(1_234_500_000_u64);
        assert_eq!(
            said(TOKEN, &ISecurityToken::mintCall { to: ADA, value }),
            [format!("1,234.5 HRBR issued to {NAMED}")]
        );
        assert_eq!(
            said(
                COIN,
                &ITsUSDC::mintCall {
                    to: ADA,
                    amount: value
                }
            ),
            [format!("$1,234.50 minted to {NAMED}")]
        );
        let burn = ISecurityToken::burnCall {
            from: ADA,
            value,
            reason: B256::right_padding_from(b"court order 26-114"),
        };
        assert_eq!(
            said(TOKEN, &burn),
            [format!(
                "1,234.5 HRBR redeemed from {NAMED}, reason 'court order 26-114'"
            )]
        );
        let grant = ISecurityToken::grantRoleCall {
            role: role("ISSUER_ROLE"),
            account: ADA,
        };
        assert_eq!(
            said(TOKEN, &grant),
            [format!("ISSUER_ROLE of HRBR granted to {NAMED}")]
        );
        let list = IDvPSettlement::listSecurityCall {
            security: TOKEN,
            listed: true,
        };
        assert_eq!(
            said(SETTLEMENT, &list),
            [format!("HRBR ({TOKEN}) admitted to trading")]
        );
    }

    #[test]
    fn every_row_of_a_list_is_said() {
        let other = Address::repeat_byte(8);
        let register = ISecurityToken::setWalletsCall {
            wallets: vec![ADA, other],
            investorIds: vec![B256::right_padding_from(b"INV-1"), B256::repeat_byte(0xff)],
            groups: vec![1, 2],
            countries: vec![840, 40],
            kycExpiries: vec![1_830_297_600, 1_830_297_600],
        };
        let unnamed = B256::repeat_byte(0xff);
        assert_eq!(
            said(TOKEN, &register),
            [
                "2 wallets registered for HRBR".to_string(),
                format!("{NAMED} of investor INV-1 in group 1, country 840, KYC until 2028-01-01"),
                format!(
                    "{other} of investor {unnamed} in group 2, country 040, KYC until 2028-01-01"
                ),
            ]
        );
        let values = vec![U256::from(1_000_000), U256::from(2_500_000)];
        let issue = ISecurityToken::mintBatchCall {
            to: vec![ADA, other],
            values,
        };
        assert_eq!(
            said(TOKEN, &issue),
            [
                "3.5 HRBR issued to 2 wallets".to_string(),
                format!("1 HRBR to {NAMED}"),
                format!("2.5 HRBR to {other}"),
            ]
        );
        let accounts = vec![ADA, other];
        let list = ITsUSDC::blacklistBatchCall { accounts };
        assert_eq!(said(COIN, &list).len(), 3);
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let limits = ISecurityToken::setLimitsCall {
            maxPerInvestor: U256::ZERO,
            maxBipsPerInvestor: 1_250,
            maxHolders: 99,
            minHolding: U256::from(1_000_000),
            granularity: U256::ZERO,
        };
        assert_eq!(
            said(TOKEN, &limits),
            [
                "HRBR: holding of one investor: no limit; its share of the supply: 12.50 % at most; investors: 99 at most; \
              a wallet holds at least 1 HRBR or nothing; transfers in multiples of 0 HRBR"
            ]
        );
    }

    #[test]
    fn a_reason_that_is_no_text_is_its_bytes() {
        assert_eq!(
            reason(B256::repeat_byte(1)),
            B256::repeat_byte(1).to_string()
        );
        assert_eq!(reason(B256::ZERO), B256::ZERO.to_string());
    }
}
