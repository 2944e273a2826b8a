//! What a person of the desk signs: one EIP-712 type for every act.

use std::fmt;
use std::io::{self, Read};

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{Eip712Domain, SolStruct, eip712_domain};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::market::order::board_ref;

#[allow(missing_docs)]
mod abi {
    alloy::sol! {
        /// What a person signs: `subject` is the match or order, `total` in coin base units, `reason` the SHA-256 of the
        /// text, `time` unix seconds. What an act does not have is zero.
        #[derive(Debug, PartialEq, Eq)]
        struct DeskAct {
            string act;
            bytes32 subject;
            bytes32 bid;
            bytes32 ask;
            uint256 total;
            bytes32 reason;
            uint64 time;
        }
    }
}

pub use abi::DeskAct;

/// Which act it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Two orders are put together.
    Propose,
    /// A match is approved.
    Approve,
    /// A match is refused or withdrawn.
    Refuse,
    /// An order is taken off the board on its owner's behalf.
    Cancel,
    /// An order, or a file of orders, is posted on its owner's behalf.
    Post,
    /// The staff changes.
    Staff,
    /// The book demands signatures from then on.
    Demand,
}

impl Act {
    /// The word that is signed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Cancel => "cancel",
            Self::Post => "post",
            Self::Staff => "staff",
            Self::Demand => "demand",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A person's signature as it is in an event's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The SHA-256 of the file that was signed as a whole; only where an order came in one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<B256>,
    /// 65 bytes over the digest of the act.
    pub signature: Bytes,
    /// When it was signed, unix seconds.
    pub time: u64,
    /// The wallet that signed.
    pub wallet: Address,
}

/// An act as its event states it: all that is signed except the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// Which act.
    pub act: Act,
    /// The match's or order's id, see [`of_match`]; chosen by the signer, so that no signature counts twice.
    pub subject: B256,
    /// The bid of the match.
    pub bid: B256,
    /// The ask of the match.
    pub ask: B256,
    /// Coin base units of the match.
    pub total: u128,
    /// The event's reason.
    pub reason: &'a str,
}

impl<'a> Told<'a> {
    /// An act about a `subject` that is not a match.
    pub fn about(act: Act, subject: B256, reason: &'a str) -> Self {
        Self {
            act,
            subject,
            bid: B256::ZERO,
            ask: B256::ZERO,
            total: 0,
            reason,
        }
    }

    /// What is signed at `time`, unix seconds.
    pub fn at(&self, time: u64) -> DeskAct {
        DeskAct {
            act: self.act.as_str().to_owned(),
            subject: self.subject,
            bid: self.bid,
            ask: self.ask,
            total: U256::from(self.total),
            reason: digest(self.reason.as_bytes()),
            time,
        }
    }
}

/// A match's id as the 32 bytes that are signed: its UUID, then zeros.
pub fn of_match(id: Uuid) -> B256 {
    board_ref(id)
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> B256 {
    B256::new(Sha256::digest(bytes).into())
}

/// SHA-256 of everything a reader yields.
///
/// # Errors
/// The reader's.
pub fn digest_of(reader: &mut impl Read) -> io::Result<B256> {
    let (mut hasher, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut part)? {
            0 => return Ok(B256::new(hasher.finalize().into())),
            count => hasher.update(&part[..count]),
        }
    }
}

/// The EIP-712 domain of the desk of one settlement contract.
pub fn domain(chain_id: u64, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: "Orderbook Desk",
        version: "1",
        chain_id: chain_id,
        verifying_contract: contract,
    }
}

/// Hashes acts for one desk.
#[derive(Debug, Clone)]
pub struct ActHasher(Eip712Domain);

impl ActHasher {
    /// For the desk of the settlement contract at `contract` on the chain `chain_id`.
    pub fn new(chain_id: u64, contract: Address) -> Self {
        Self(domain(chain_id, contract))
    }

    /// The digest that a person signs.
    pub fn digest(&self, act: &DeskAct) -> B256 {
        act.eip712_signing_hash(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{address, keccak256};

    use super::*;

    #[test]
    fn the_type_string_is_the_one_that_wallets_show() {
        assert_eq!(
            DeskAct::eip712_root_type(),
            "DeskAct(string act,bytes32 subject,bytes32 bid,bytes32 ask,uint256 total,bytes32 reason,uint64 time)"
        );
    }

    #[test]
    fn the_digest_is_that_of_eip_712_word_by_word() {
        let contract = address!("0x00000000000000000000000000000000000000d4");
        let id = Uuid::from_u128(7);
        let told = Told {
            act: Act::Approve,
            subject: of_match(id),
            bid: B256::repeat_byte(1),
            ask: B256::repeat_byte(2),
            total: 1_035_000_000,
            reason: "clean",
        };
        let text =
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
        let word = |number: u64| U256::from(number).to_be_bytes::<32>();
        let separator = keccak256(
            [
                keccak256(text).0,
                keccak256("Orderbook Desk").0,
                keccak256("1").0,
                word(412_346),
                contract.into_word().0,
            ]
            .concat(),
        );
        let mut subject = [0; 32];
        subject[15] = 7;
        let reason: [u8; 32] = Sha256::digest("clean").into();
        let hash = keccak256(
            [
                keccak256(DeskAct::eip712_root_type().as_bytes()).0,
                keccak256("approve").0,
                subject,
                [1; 32],
                [2; 32],
                word(1_035_000_000),
                reason,
                word(1_800_000_000),
            ]
            .concat(),
        );
        let wanted = keccak256([&[0x19, 0x01], &separator[..], &hash[..]].concat());
        let hasher = ActHasher::new(412_346, contract);
        assert_eq!(hasher.digest(&told.at(1_800_000_000)), wanted);
        let elsewhere = ActHasher::new(412_347, contract);
        assert_ne!(elsewhere.digest(&told.at(1_800_000_000)), wanted);
    }
}
