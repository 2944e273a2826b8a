//! Permits (ERC-2612), which both tokens accept: an allowance that its owner signs and anyone sends.

use std::borrow::Cow;

use acceptance::bindings::{
    ISecurityToken::ISecurityTokenCalls as Security,
    ITsUSDC::{self, ITsUSDCCalls as Coin},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{Eip712Domain, SolStruct},
};

use super::{Act, Outcome, Refusal, World, ledger::Ledger, refused};

sol! {
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

/// An allowance that its owner is claimed to have signed.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) owner: Address,
    pub(crate) spender: Address,
    pub(crate) value: U256,
    pub(crate) deadline: U256,
    pub(crate) signature: Bytes,
}

impl Claim {
    /// The permit in an act, and its token, if the act is a permit in either encoding.
    pub(crate) fn of(act: &Act, coin: Address) -> Option<(Address, Self)> {
        macro_rules! claim {
            ($call:ident, $signature:expr) => {
                Self {
                    owner: $call.owner,
                    spender: $call.spender,
                    value: $call.value,
                    deadline: $call.deadline,
                    signature: $signature,
                }
            };
        }
        match act {
            Act::Security(token, Security::permit(call)) => {
                Some((*token, claim!(call, joined(call.v, call.r, call.s))))
            }
            Act::Coin(Coin::permit_0(call)) => Some((coin, claim!(call, call.signature.clone()))),
            Act::Coin(Coin::permit_1(call)) => {
                Some((coin, claim!(call, joined(call.v, call.r, call.s))))
            }
            _ => None,
        }
    }

    /// What the owner signs, with its nonce.
    pub(crate) fn digest(&self, world: &World, token: Address, nonce: u64) -> B256 {
        let Self {
            owner,
            spender,
            value,
            deadline,
            ..
        } = *self;
        let permit = Permit {
            owner,
            spender,
            value,
            nonce: U256::from(nonce),
            deadline,
        };
        let domain = Eip712Domain::new(
            Some(Cow::Borrowed(world.ledger(token).name)),
            Some(Cow::Borrowed("1")),
            world.domain.chain_id,
            Some(token),
            None,
        );
        permit.eip712_signing_hash(&domain)
    }
}

fn joined(v: u8, r: B256, s: B256) -> Bytes {
    [&r[..], &s[..], &[v]].concat().into()
}

impl World {
    /// The ledger of the coin or of a share class.
    pub(crate) fn ledger(&self, token: Address) -> &Ledger {
        match self.securities.get(&token) {
            Some(security) => &security.ledger,
            None => &self.coin.ledger,
        }
    }

    fn ledger_mut(&mut self, token: Address) -> &mut Ledger {
        match self.securities.get_mut(&token) {
            Some(security) => &mut security.ledger,
            None => &mut self.coin.ledger,
        }
    }

    /// Valid at its deadline; the coin's pause stops it, and no pause of a share class does; "of the security token for
    /// spender zero with an invalid signature ERC20InvalidSpender, since the wallet is asked last".
    pub(super) fn permit(&mut self, token: Address, claim: &Claim) -> Outcome {
        let (owner, spender) = (claim.owner, claim.spender);
        let is_coin = token == self.coin.ledger.address;
        if is_coin && self.coin.paused {
            return refused(&ITsUSDC::EnforcedPause {});
        }
        let (deadline, now) = (claim.deadline, U256::from(self.now));
        if now > deadline {
            // No page says which of the two a share class reports.
            return if !is_coin && spender == Address::ZERO {
                Err(Refusal::Typed)
            } else {
                refused(&ITsUSDC::SignatureExpired {
                    deadline,
                    now_: now,
                })
            };
        }
        if !is_coin && spender == Address::ZERO {
            return refused(&ITsUSDC::ERC20InvalidSpender { spender });
        }
        let nonce = self.ledger(token).nonce(owner);
        let digest = claim.digest(self, token, nonce);
        if !self.is_signed_by(owner, digest, &claim.signature) {
            return refused(&ITsUSDC::InvalidSignature { signer: owner });
        }
        let ledger = self.ledger_mut(token);
        let logs = ledger.approve(owner, spender, claim.value)?;
        ledger.nonces.insert(owner, nonce + 1);
        Ok(logs)
    }
}
