//! Calldata as an act of one of the profile's contracts. Bytes that encode more or less than the act are not accepted.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use alloy::sol_types::{SolCall as _, SolInterface as _};

use super::ProposeError;
use super::batch::{Batch, Call};
use crate::chain::Target;
use crate::chain::abi::IDistribution::IDistributionCalls as DistributionCalls;
use crate::chain::abi::IDocuments::IDocumentsCalls as DocumentsCalls;
use crate::chain::abi::IDvPSettlement::IDvPSettlementCalls as SettlementCalls;
use crate::chain::abi::ISecurityToken::{ISecurityTokenCalls as SecurityCalls, approveCall};
use crate::chain::abi::ITsUSDC::ITsUSDCCalls as CoinCalls;
use crate::chain::abi::canonical;
use crate::chain::act::{Expected, Kind, Provable, Sent};

/// The contracts of a profile, and its names for accounts.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Chain id.
    pub chain_id: u64,
    /// The contracts.
    pub targets: Vec<Target>,
    /// Accounts with their names.
    pub names: BTreeMap<Address, String>,
}

/// An act that somebody with a role carries out.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// On the roles of any contract; all have the same.
    Role(SecurityCalls),
    /// On a security.
    Security(SecurityCalls),
    /// On the coin.
    Coin(CoinCalls),
    /// On the settlement contract.
    Settlement(Box<SettlementCalls>),
    /// On the distribution contract.
    Distribution(Distributing),
    /// On the registry of documents.
    Documents(DocumentsCalls),
    /// The coin's allowance for the profile's distribution contract: what a funder gives before it opens a
    /// distribution.
    Funding(approveCall),
}

/// An act on distributions.
#[derive(Clone, Debug)]
pub(super) struct Distributing {
    pub(super) call: Box<DistributionCalls>,
    /// What the contract pays in, where that is known.
    pub(super) coin: Option<Address>,
}

/// A call that was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The contract that it goes to.
    pub target: Target,
    pub(super) deed: Deed,
}

/// The events that prove a call, if it is one of those listed.
macro_rules! proof_of {
    ($calls:ident, $call:expr, $sent:expr; $($name:ident)+) => {
        match $call {
            $($calls::$name(call) => Some(call.proof($sent)),)+
            _ => None,
        }
    };
}

impl Deed {
    /// The act that `input` is on a contract.
    fn read(target: &Target, input: &[u8], known: &Known) -> Option<Self> {
        let deed = match (target, canonical::<SecurityCalls>(input)) {
            (Target::Documents(_), _) => Self::Documents(canonical(input)?),
            (_, Some(call)) if is_of_roles(&call) => Self::Role(call),
            (Target::Security { .. }, found) => Self::Security(found?),
            (Target::Coin(_), Some(SecurityCalls::approve(call))) if known.funds(call.spender) => {
                Self::Funding(call)
            }
            (Target::Coin(_), _) => Self::Coin(canonical(input)?),
            (Target::Settlement { .. }, _) => Self::Settlement(Box::new(canonical(input)?)),
            (Target::Distribution { coin, .. }, _) => Self::Distribution(Distributing {
                call: Box::new(canonical(input)?),
                coin: *coin,
            }),
            (Target::Deployer(_) | Target::Programs, _) => return None,
        };
        // A call without proof is not an act, or not one that can be proposed.
        let nobody = Sent {
            sender: Address::ZERO,
            contract: Address::ZERO,
            chain_id: 0,
        };
        deed.proof(&nobody)
            .is_some_and(|proof| !proof.is_empty())
            .then_some(deed)
    }

    /// The events that prove it; `None` for what cannot be proposed to a Safe: what the log must know before it is sent
    /// (settlements, registrations, cancels, commitments, anchors), what only a holder does, and views.
    fn proof(&self, sent: &Sent) -> Option<Vec<Expected>> {
        match self {
            Self::Role(call) => proof_of! { SecurityCalls, call, sent;
                grantRole revokeRole renounceRole beginDefaultAdminTransfer acceptDefaultAdminTransfer
                cancelDefaultAdminTransfer
            },
            Self::Security(call) => proof_of! { SecurityCalls, call, sent;
                setWallets setInvestor removeWallet setGroupRule setCountryBlocked setLimits setGroupHolderLimit
                setClassLimit setSupplyCap lockTokens unlockTokens mint mintBatch mintLocked mintLockedBatch burn grantVesting
                revokeVesting setSanctioned setAddressFrozen freezePartialTokens unfreezePartialTokens forcedTransfer
                forcedBurn recoverWallet pause unpause deactivate
            },
            Self::Coin(call) => proof_of! { CoinCalls, call, sent;
                attestReserves setReserveMaxAge configureMinter removeMinter mint mintWithReference burn
                burnWithReference blacklistBatch unBlacklist pause unpause seize rescueERC20
            },
            Self::Settlement(call) => proof_of! { SettlementCalls, &**call, sent;
                listSecurity setCommitmentRequired pause unpause
            },
            Self::Distribution(act) => proof_of! { DistributionCalls, &*act.call, sent;
                open payBatch redirect sweep pause unpause
            },
            Self::Documents(call) => proof_of! { DocumentsCalls, call, sent;
                setDocument removeDocument
            },
            Self::Funding(call) => Some(call.proof(sent)),
        }
    }
}

fn is_of_roles(call: &SecurityCalls) -> bool {
    matches!(
        call,
        SecurityCalls::grantRole(_)
            | SecurityCalls::revokeRole(_)
            | SecurityCalls::renounceRole(_)
            | SecurityCalls::beginDefaultAdminTransfer(_)
            | SecurityCalls::acceptDefaultAdminTransfer(_)
            | SecurityCalls::cancelDefaultAdminTransfer(_)
    )
}

impl Known {
    /// Whether an account is a distribution contract of the profile.
    fn funds(&self, account: Address) -> bool {
        let mut targets = self.targets.iter();
        targets.any(|one| one.kind() == Kind::Distribution && one.address() == account)
    }
}

impl Reading {
    /// Reads the call in a place of a batch, counted from 1.
    ///
    /// # Errors
    /// `OtherTarget`, `Unreadable`.
    pub fn of(at: usize, call: &Call, known: &Known) -> Result<Self, ProposeError> {
        let to = call.to;
        let mut targets = known.targets.iter();
        let target = targets.find(|target| target.address() == to);
        let target = target.ok_or(ProposeError::OtherTarget { at, to })?;
        let kind = target.kind();
        let deed = Deed::read(target, &call.data, known);
        let deed = deed.ok_or(ProposeError::Unreadable { at, to, kind })?;
        let target = target.clone();
        Ok(Self { target, deed })
    }

    /// Reads every call of a batch.
    ///
    /// # Errors
    /// `OtherChain`, `OtherTarget`, `Unreadable`: for the first call that is one.
    pub fn all(batch: &Batch, known: &Known) -> Result<Vec<Self>, ProposeError> {
        let (found, wanted) = (batch.chain_id, known.chain_id);
        if found != wanted {
            return Err(ProposeError::OtherChain { found, wanted });
        }
        let calls = (1..).zip(&batch.calls);
        calls.map(|(at, call)| Self::of(at, call, known)).collect()
    }

    /// The function's signature.
    pub fn signature(&self) -> &'static str {
        let of = |selector: Option<&'static str>| selector.unwrap_or_default();
        match &self.deed {
            Deed::Role(call) | Deed::Security(call) => {
                of(SecurityCalls::signature_by_selector(call.selector()))
            }
            Deed::Coin(call) => of(CoinCalls::signature_by_selector(call.selector())),
            Deed::Settlement(call) => of(SettlementCalls::signature_by_selector(call.selector())),
            Deed::Distribution(act) => of(DistributionCalls::signature_by_selector(
                act.call.selector(),
            )),
            Deed::Documents(call) => of(DocumentsCalls::signature_by_selector(call.selector())),
            Deed::Funding(_) => approveCall::SIGNATURE,
        }
    }

    /// The security that it puts on the settlement contract's list.
    pub fn lists(&self) -> Option<Address> {
        let Deed::Settlement(call) = &self.deed else {
            return None;
        };
        match &**call {
            SettlementCalls::listSecurity(call) if call.listed => Some(call.security),
            _ => None,
        }
    }

    /// The events that prove it when `safe` does it.
    pub(super) fn proof(&self, safe: Address, chain_id: u64) -> Vec<Expected> {
        let sent = self.sent(safe, chain_id);
        self.deed.proof(&sent).unwrap_or_default()
    }

    /// The other events that it may log.
    pub(super) fn besides(&self, safe: Address, chain_id: u64) -> Vec<Expected> {
        self.deed.besides(&self.sent(safe, chain_id))
    }

    fn sent(&self, sender: Address, chain_id: u64) -> Sent {
        Sent {
            sender,
            contract: self.target.address(),
            chain_id,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use alloy::primitives::{B256, Bytes, U256};
    use alloy::sol_types::SolCall;

    use super::*;
    use crate::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC};

    pub(in crate::propose) const TOKEN: Address = Address::repeat_byte(3);
    pub(in crate::propose) const COIN: Address = Address::repeat_byte(2);
    pub(in crate::propose) const SETTLEMENT: Address = Address::repeat_byte(1);

    pub(in crate::propose) fn known() -> Known {
        Known {
            chain_id: 412_346,
            targets: vec![
                Target::Security {
                    token: TOKEN,
                    symbol: "HRBR".into(),
                    isin: "US0378331005".into(),
                    decimals: 6,
                },
                Target::Coin(COIN),
                Target::Settlement {
                    contract: SETTLEMENT,
                    payment: Some(COIN),
                    crd: None,
                },
            ],
            names: BTreeMap::from([(Address::repeat_byte(9), "ada".to_string())]),
        }
    }

    pub(in crate::propose) fn call<C: SolCall>(to: Address, call: &C) -> Call {
        let data = call.abi_encode().into();
        Call { to, data }
    }

    fn read(to: Address, data: &[u8]) -> Result<Reading, ProposeError> {
        let data = Bytes::copy_from_slice(data);
        Reading::of(1, &Call { to, data }, &known())
    }

    #[test]
    fn an_act_is_read_by_the_contract_that_it_goes_to() {
        let mint = ISecurityToken::mintCall {
            to: Address::repeat_byte(9),
            value: U256::from(5),
        };
        // Both have a function of that selector.
        let of_token = read(TOKEN, &mint.abi_encode()).unwrap();
        assert!(matches!(
            of_token.deed,
            Deed::Security(SecurityCalls::mint(_))
        ));
        let of_coin = read(COIN, &mint.abi_encode()).unwrap();
        assert!(matches!(of_coin.deed, Deed::Coin(CoinCalls::mint(_))));
        assert_eq!(of_token.signature(), "mint(address,uint256)");
        assert!(matches!(
            read(SETTLEMENT, &mint.abi_encode()),
            Err(ProposeError::Unreadable {
                at: 1,
                to: SETTLEMENT,
                kind: Kind::Settlement
            })
        ));
        let elsewhere = Address::repeat_byte(7);
        assert!(matches!(
            read(elsewhere, &mint.abi_encode()),
            Err(ProposeError::OtherTarget { at: 1, to }) if to == elsewhere
        ));
    }

    #[test]
    fn roles_are_read_of_every_contract() {
        let grant = ISecurityToken::grantRoleCall {
            role: B256::ZERO,
            account: Address::repeat_byte(9),
        };
        for to in [TOKEN, COIN, SETTLEMENT] {
            let reading = read(to, &grant.abi_encode()).unwrap();
            assert!(matches!(reading.deed, Deed::Role(_)), "{to}");
        }
    }

    #[test]
    fn bytes_that_say_more_or_less_than_an_act_are_none() {
        let refused = |to, data: &[u8]| {
            assert!(
                matches!(read(to, data), Err(ProposeError::Unreadable { at: 1, .. })),
                "{data:?}"
            );
        };
        let pause = ISecurityToken::pauseCall {}.abi_encode();
        assert!(read(TOKEN, &pause).is_ok());
        refused(TOKEN, &[&pause[..], &[0]].concat());
        refused(TOKEN, &[&pause[..], &[0; 32]].concat());
        let mut mint = ISecurityToken::mintCall {
            to: Address::repeat_byte(9),
            value: U256::from(5),
        }
        .abi_encode();
        refused(TOKEN, &mint[..mint.len() - 1]);
        // A bit above the twenty bytes of the address.
        mint[4] = 1;
        refused(TOKEN, &mint);
        refused(TOKEN, &[]);
        refused(TOKEN, &[0xde, 0xad, 0xbe, 0xef]);
    }

    /// What the log must know before it is sent, what only a holder does, views, and empty lists.
    #[test]
    fn what_cannot_be_proposed_is_not_read() {
        let settle = IDvPSettlement::settleCall {
            bidId: B256::ZERO,
            askId: B256::ZERO,
        };
        let anchor = IDvPSettlement::anchorBookCall {
            root: B256::ZERO,
            size: 1,
        };
        let approve = ISecurityToken::approveCall {
            spender: SETTLEMENT,
            value: U256::MAX,
        };
        let nobody = ISecurityToken::setSanctionedCall {
            accounts: Vec::new(),
            sanctioned: true,
        };
        for (to, data) in [
            (SETTLEMENT, settle.abi_encode()),
            (SETTLEMENT, anchor.abi_encode()),
            (TOKEN, approve.abi_encode()),
            (COIN, approve.abi_encode()),
            (TOKEN, nobody.abi_encode()),
            (COIN, ITsUSDC::totalSupplyCall {}.abi_encode()),
        ] {
            assert!(
                matches!(read(to, &data), Err(ProposeError::Unreadable { .. })),
                "{data:?}"
            );
        }
    }

    #[test]
    fn a_batch_of_another_chain_is_refused() {
        let batch = Batch {
            chain_id: 42_161,
            safe: Address::repeat_byte(5),
            name: String::new(),
            description: String::new(),
            created_at: 0,
            calls: vec![call(TOKEN, &ISecurityToken::pauseCall {})],
        };
        assert!(matches!(
            Reading::all(&batch, &known()),
            Err(ProposeError::OtherChain {
                found: 42_161,
                wanted: 412_346
            })
        ));
    }
}
