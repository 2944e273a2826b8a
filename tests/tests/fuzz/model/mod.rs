//! What the specification says the contracts are and do, as plain values.
//!
//! Written from the pages of `docs/` and the ABI files, never from the contracts. A mistake that both share cannot be
//! found here.

pub(crate) mod coin;
pub(crate) mod holds;
pub(crate) mod ledger;
pub(crate) mod permit;
pub(crate) mod security;
pub(crate) mod settlement;
pub(crate) mod weird;

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    bindings::{
        IDvPSettlement::{AccessControlUnauthorizedAccount, IDvPSettlementCalls},
        ISecurityToken::ISecurityTokenCalls,
        ITsUSDC::ITsUSDCCalls,
    },
    order::with_high_s,
};
use alloy::{
    primitives::{Address, B256, Bytes, Log, Signature, U256, keccak256},
    sol_types::{Eip712Domain, SolError, SolEvent},
};

use coin::Coin;
use permit::Claim;
use security::Security;
use settlement::Settlement;
use weird::Weird;

/// Everything that decides what a call does.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The next block's time, unix seconds.
    pub(crate) now: u64,
    /// The domain of the orders.
    pub(crate) domain: Eip712Domain,
    /// All accounts whose holdings are checked.
    pub(crate) people: Vec<Address>,
    /// Accounts that run a wallet's code, by kind.
    pub(crate) code: BTreeMap<Address, Code>,
    pub(crate) settlement: Settlement,
    pub(crate) coin: Coin,
    /// Share classes of this workspace.
    pub(crate) securities: BTreeMap<Address, Security>,
    /// Securities made by others.
    pub(crate) weird: BTreeMap<Address, Weird>,
}

/// Why an account has code. Either kind accepts signatures that begin with the byte 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// It is a contract.
    Wallet,
    /// Its key has delegated it (EIP-7702).
    Delegated,
}

/// One call by one account.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Of the settlement contract.
    Settlement(IDvPSettlementCalls),
    /// Of a share class.
    Security(Address, ISecurityTokenCalls),
    /// Of the coin.
    Coin(ITsUSDCCalls),
    /// The account delegates itself to a wallet's code, or to nothing.
    Delegate(bool),
}

/// A call at a given time.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at: u64,
    pub(crate) from: Address,
    pub(crate) act: Act,
}

/// How a call ends: with these logs, or refused without changes.
pub(crate) type Outcome = Result<Vec<Log>, Refusal>;

/// Why a call reverts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// With exactly these bytes.
    Exactly(Bytes),
    /// With an error whose name the specification leaves to the contract, but not with empty data.
    Typed,
}

/// A refusal with an error of the ABI.
pub(crate) fn refused<T, E: SolError>(error: &E) -> Result<T, Refusal> {
    Err(Refusal::Exactly(error.abi_encode().into()))
}

/// A log of a contract.
pub(crate) fn log<E: SolEvent>(contract: Address, event: &E) -> Log {
    Log {
        address: contract,
        data: event.encode_log_data(),
    }
}

/// The role of that name, which the ABI files define as its hash.
pub(crate) fn role(name: &str) -> B256 {
    keccak256(name)
}

/// The refusal of an account without a role.
pub(crate) fn unauthorised<T>(account: Address, needed: B256) -> Result<T, Refusal> {
    refused(&AccessControlUnauthorizedAccount {
        account,
        neededRole: needed,
    })
}

impl World {
    /// What a step does, and the world after it. A refused step changes only the time.
    pub(crate) fn apply(&mut self, step: &Step) -> Outcome {
        self.now = step.at;
        if let Some((token, claim)) = Claim::of(&step.act, self.coin.ledger.address) {
            return self.permit(token, &claim);
        }
        match &step.act {
            Act::Settlement(call) => self.settlement_call(step.from, call),
            Act::Security(token, call) => {
                let now = self.now;
                let token = self.securities.get_mut(token).expect("a share class");
                token.call(step.from, call, now)
            }
            Act::Coin(call) => self.coin.call(step.from, call, self.now),
            Act::Delegate(true) => {
                self.code.insert(step.from, Code::Delegated);
                Ok(Vec::new())
            }
            Act::Delegate(false) => {
                self.code.remove(&step.from);
                Ok(Vec::new())
            }
        }
    }

    /// The wallets of an investor in any share class.
    pub(crate) fn investors(&self, investor: B256) -> BTreeSet<Address> {
        let classes = self.securities.values();
        classes
            .flat_map(|token| token.wallets_of(investor))
            .collect()
    }

    /// Whether there is code at an address.
    pub(crate) fn has_code(&self, address: Address) -> bool {
        self.code.contains_key(&address)
            || self.securities.contains_key(&address)
            || self.weird.contains_key(&address)
            || address == self.coin.ledger.address
            || address == self.settlement.address
    }

    /// Whether a signature over a digest is an account's: "65 bytes, low s, v 27/28, ERC-1271 of any length for accounts
    /// with code", and of a delegated key "ERC-1271 first, then recover".
    pub(crate) fn is_signed_by(&self, owner: Address, digest: B256, signature: &Bytes) -> bool {
        let accepted = self.code.contains_key(&owner) && signature.first() == Some(&1);
        if self.has_code(owner) && self.code.get(&owner) != Some(&Code::Delegated) {
            return accepted;
        }
        accepted || recovers(owner, digest, signature)
    }
}

fn recovers(owner: Address, digest: B256, signature: &Bytes) -> bool {
    if signature.len() != 65 || !matches!(signature[64], 27 | 28) {
        return false;
    }
    // Of the two values of s that verify, the low one is below the other.
    let s = U256::from_be_slice(&signature[32..64]);
    let other = U256::from_be_slice(&with_high_s(signature)[32..64]);
    s < other
        && Signature::from_raw(signature)
            .ok()
            .and_then(|signature| signature.recover_address_from_prehash(&digest).ok())
            == Some(owner)
}

/// Who has which role, and who administers them, the same in all three contracts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles {
    pub(crate) held: BTreeSet<(B256, Address)>,
    pub(crate) admin: Address,
    pub(crate) pending: Address,
    /// When the pending one was offered the role, unix seconds.
    pub(crate) offered: u64,
}

impl Roles {
    /// Refuses an account without the role.
    pub(crate) fn check(&self, account: Address, needed: B256) -> Result<(), Refusal> {
        let has = if needed == B256::ZERO {
            account == self.admin
        } else {
            self.held.contains(&(needed, account))
        };
        if has {
            Ok(())
        } else {
            unauthorised(account, needed)
        }
    }
}
