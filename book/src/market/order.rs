//! The order as its owner signs it and as the settlement contract takes it: the EIP-712 struct of
//! `docs/interfaces/IDvPSettlement.sol`.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256, keccak256};
use alloy::sol_types::{Eip712Domain, SolStruct, eip712_domain};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The settlement contract's interface as published: the order that it takes is the one that its owner signs.
#[allow(missing_docs, clippy::pedantic, clippy::too_many_arguments)]
pub mod abi {
    alloy::sol!(
        #![sol(all_derives)]
        "../docs/interfaces/IDvPSettlement.sol"
    );
}

pub use abi::IDvPSettlement::Order;

/// The longest life of an order, seconds (366 days, as in the settlement contract).
pub const MAX_LIFETIME: u64 = 366 * 24 * 60 * 60;

/// Which way the security moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Buys the security.
    Bid,
    /// Sells the security.
    Ask,
}

impl Side {
    /// The number in the signed order.
    pub fn code(self) -> u8 {
        match self {
            Self::Bid => 0,
            Self::Ask => 1,
        }
    }

    /// The side with that number.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Bid),
            1 => Some(Self::Ask),
            _ => None,
        }
    }

    /// `bid` or `ask`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bid => "bid",
            Self::Ask => "ask",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is neither `bid` nor `ask`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("side {0:?} is unknown: write bid or ask")]
pub struct SideError(String);

impl FromStr for Side {
    type Err = SideError;

    fn from_str(text: &str) -> Result<Self, SideError> {
        match text {
            "bid" | "buy" => Ok(Self::Bid),
            "ask" | "sell" => Ok(Self::Ask),
            _ => Err(SideError(text.to_owned())),
        }
    }
}

/// The name of the EIP-712 domain of every settlement contract.
pub const DOMAIN: &str = "DvP Settlement";

/// The EIP-712 domain of one settlement contract.
pub fn domain(chain_id: u64, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: DOMAIN,
        version: "1",
        chain_id: chain_id,
        verifying_contract: contract,
    }
}

/// Computes order ids for one domain; its separator and the order's type are hashed once.
#[derive(Debug, Clone, Copy)]
pub struct OrderHasher {
    separator: B256,
    type_hash: B256,
}

impl OrderHasher {
    /// For the settlement contract at `contract` on the chain `chain_id`.
    pub fn new(chain_id: u64, contract: Address) -> Self {
        Self {
            separator: domain(chain_id, contract).separator(),
            type_hash: keccak256(Order::eip712_root_type().as_bytes()),
        }
    }

    /// The digest the owner signs, which is the order's id on the board and on chain alike.
    pub fn id(&self, order: &Order) -> B256 {
        let mut words = self.type_hash.to_vec();
        words.extend(order.eip712_encode_data());
        let mut preimage = [0u8; 66];
        preimage[..2].copy_from_slice(&[0x19, 0x01]);
        preimage[2..34].copy_from_slice(self.separator.as_slice());
        preimage[34..].copy_from_slice(keccak256(words).as_slice());
        keccak256(preimage)
    }
}

/// The board's reference of a new order: a UUID v7 in the first 16 bytes, zeros after it.
pub fn new_board_ref() -> B256 {
    board_ref(Uuid::now_v7())
}

/// That UUID as the signed 32 bytes.
pub fn board_ref(uuid: Uuid) -> B256 {
    let mut bytes = B256::ZERO;
    bytes[..16].copy_from_slice(uuid.as_bytes());
    bytes
}

/// The UUID v7 inside a board reference; `None` when the 32 bytes contain anything else.
pub(crate) fn board_ref_uuid(reference: B256) -> Option<Uuid> {
    let (uuid, rest) = reference.split_at(16);
    let uuid = Uuid::from_slice(uuid).ok()?;
    (uuid.get_version_num() == 7 && rest.iter().all(|&byte| byte == 0)).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{U256, address};

    fn order() -> Order {
        Order {
            owner: address!("0x00000000000000000000000000000000000000a1"),
            side: 1,
            security: address!("0x00000000000000000000000000000000000000b2"),
            payment: address!("0x00000000000000000000000000000000000000c3"),
            quantity: U256::from(100),
            limitTotal: U256::from(1_020),
            expiry: 1_800_000_000,
            epoch: 2,
            counterparty: Address::ZERO,
            boardRef: B256::repeat_byte(7),
        }
    }

    #[test]
    fn the_type_string_is_the_contract_s() {
        assert_eq!(
            Order::eip712_root_type(),
            "Order(address owner,uint8 side,address security,address payment,uint256 quantity,uint256 limitTotal,\
             uint64 expiry,uint64 epoch,address counterparty,bytes32 boardRef)"
        );
    }

    #[test]
    fn the_id_is_the_eip_712_signing_hash() {
        let contract = address!("0x00000000000000000000000000000000000000d4");
        let domain = domain(42_161, contract);
        let id = OrderHasher::new(42_161, contract).id(&order());
        assert_eq!(id, order().eip712_signing_hash(&domain));
        assert_ne!(id, OrderHasher::new(42_162, contract).id(&order()));
        assert_ne!(id, OrderHasher::new(42_161, Address::ZERO).id(&order()));
    }

    #[test]
    fn a_board_reference_holds_a_uuid_v7() {
        let uuid = Uuid::now_v7();
        assert_eq!(board_ref_uuid(board_ref(uuid)), Some(uuid));
        assert_eq!(board_ref_uuid(B256::ZERO), None);
        assert_eq!(board_ref_uuid(B256::repeat_byte(0x77)), None);
    }
}
