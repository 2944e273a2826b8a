//! Securities that are not this workspace's ERC-1404 token; some of them misbehave.

use std::collections::BTreeMap;

use acceptance::{
    bindings::IDvPSettlement,
    hostile::{Answers, Moves, Token},
};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolError,
};

use super::Refusal;

/// What is odd about it. None has the spender extension, and each grants every allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Answers nothing, which is fine.
    Silent,
    /// Keeps a unit of each transfer.
    TakesFee,
    /// Reverts with 0xdeadbeef when it should move.
    Reverts,
    /// No longer answers its restriction view, once it was listed.
    Mute,
}

impl Oddity {
    pub(crate) const ALL: [Self; 4] = [Self::Silent, Self::TakesFee, Self::Reverts, Self::Mute];

    /// A contract with this oddity.
    pub(crate) fn token(self) -> Token {
        match self {
            Self::Silent => Token::that_moves(Moves::Silently),
            Self::TakesFee => Token::that_moves(Moves::MinusFee),
            Self::Reverts => Token::that_moves(Moves::RevertsWithData),
            Self::Mute => Token::that_detects(Answers::Reverts),
        }
    }
}

/// Such a security.
#[derive(Clone, Debug)]
pub(crate) struct Weird {
    pub(crate) oddity: Oddity,
    pub(crate) balances: BTreeMap<Address, U256>,
    /// Whether it still behaves, so that it can be listed.
    pub(crate) sleeps: bool,
}

impl Weird {
    /// "A reverting or undecodable answer is a refusal (19, code 255)."
    pub(crate) fn restriction(&self) -> u8 {
        if self.oddity == Oddity::Mute && !self.sleeps {
            255
        } else {
            0
        }
    }

    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// Why a settlement fails that passed every check; it leaves no changes.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self.oddity {
            Oddity::Reverts => Some(Refusal::Exactly(Bytes::from_static(&[
                0xde, 0xad, 0xbe, 0xef,
            ]))),
            Oddity::TakesFee => {
                let (failure, restrictionCode) = (29, 0);
                let error = IDvPSettlement::SettlementRefused {
                    failure,
                    restrictionCode,
                };
                Some(Refusal::Exactly(error.abi_encode().into()))
            }
            Oddity::Silent | Oddity::Mute => None,
        }
    }

    /// `transferFrom`, which logs nothing.
    pub(crate) fn leg(&mut self, from: Address, to: Address, value: U256) -> Result<(), Refusal> {
        self.refusal().map_or(Ok(()), Err)?;
        *self.balances.entry(from).or_default() -= value;
        *self.balances.entry(to).or_default() += value;
        Ok(())
    }
}
