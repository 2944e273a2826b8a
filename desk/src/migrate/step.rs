//! One call of a migration, whichever it is.

use alloy::sol_types::SolCall;

use crate::carry::carry_out_planned;
use crate::chain::abi::ISecurityToken;
use crate::chain::act::{Contract, Done};
use crate::error::DeskError;
use crate::journal::Journal;
use crate::propose::batch::Call;
use crate::signing::signer::Signer;

/// Who makes the call at the new token.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Hand {
    /// `COMPLIANCE_ROLE`.
    Compliance,
    /// `ISSUER_ROLE`.
    Issuer,
    /// `ENFORCER_ROLE`.
    Enforcer,
}

/// Declares the calls in the order in which they are sent, each with its words and the role that makes it.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident($call:ident, $hand:ident, $words:literal);)+) => {
        /// A call on the new token.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Step {
            $($(#[$doc])* $name(ISecurityToken::$call),)+
        }

        impl Step {
            /// Whose it is.
            pub fn hand(&self) -> Hand {
                match self { $(Self::$name(_) => Hand::$hand,)+ }
            }

            /// What it does, in a word or two.
            pub fn words(&self) -> &'static str {
                match self { $(Self::$name(_) => $words,)+ }
            }

            /// The call as a Safe makes it.
            pub fn call(&self, contract: &Contract) -> Call {
                let data = match self { $(Self::$name(call) => call.abi_encode().into(),)+ };
                Call { to: contract.address(), data }
            }

            /// Sends it, as a part of a plan.
            pub(super) async fn send(
                &self,
                contract: &Contract,
                signer: &Signer,
                journal: &Journal,
                nonce: Option<u64>,
            ) -> Result<Done, DeskError> {
                let what = format!("migration: {}", self.words());
                match self {
                    $(Self::$name(call) => {
                        let act = contract.act(call.clone());
                        carry_out_planned(&act, signer, journal, nonce, &what).await
                    })+
                }
            }
        }
    };
}

steps! {
    /// Wallets are registered, with a provisional KYC expiry where the true one would not let them receive.
    Register(setWalletsCall, Compliance, "wallets registered");
    /// A vesting schedule continues where it was.
    Grant(grantVestingCall, Issuer, "schedules granted");
    /// What a schedule released at the old token, and then left the wallet, is redeemed at the new one.
    Redeem(burnCall, Issuer, "released parts redeemed");
    /// What force took from a schedule is taken again.
    Reduce(forcedBurnCall, Enforcer, "schedules reduced");
    /// Holdings that are locked.
    MintLocked(mintLockedBatchCall, Issuer, "locked holdings issued");
    /// Locks of more than there is free.
    Lock(lockTokensCall, Compliance, "locks set");
    /// Holdings.
    Mint(mintBatchCall, Issuer, "holdings issued");
    /// Sanctions.
    Sanction(setSanctionedCall, Enforcer, "sanctions set");
    /// Freezes of investors.
    Freeze(setAddressFrozenCall, Enforcer, "freezes set");
    /// Freezes of parts.
    FreezePart(freezePartialTokensCall, Enforcer, "parts frozen");
    /// The true KYC expiries.
    Kyc(setWalletsCall, Compliance, "KYC expiries set");
    /// Blocked countries.
    Country(setCountryBlockedCall, Compliance, "countries set");
    /// Limits of groups.
    GroupLimit(setGroupHolderLimitCall, Compliance, "limits of groups set");
    /// Limits of classes.
    ClassLimit(setClassLimitCall, Compliance, "limits of classes set");
    /// Limits of holdings.
    Limits(setLimitsCall, Compliance, "limits set");
    /// Pairs of groups, last of all.
    Pair(setGroupRuleCall, Compliance, "pairs of groups set");
}

impl Step {
    /// Wallets, pairs or limits that it is about.
    pub fn rows(&self) -> usize {
        match self {
            Self::Register(call) | Self::Kyc(call) => call.wallets.len(),
            Self::MintLocked(call) => call.to.len(),
            Self::Mint(call) => call.to.len(),
            Self::Sanction(call) => call.accounts.len(),
            _ => 1,
        }
    }
}
