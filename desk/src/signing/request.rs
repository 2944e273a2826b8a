//! What a wallet is asked to sign: always the thing itself, never a bare digest, so that the holder of the key can show
//! it.

use alloy::consensus::{SignableTransaction, TxEip1559};
use alloy::primitives::{Address, B256, Signature, U256};
use alloy::sol_types::{Eip712Domain, SolStruct};
use book::log::act::{self, ActHasher, DeskAct};
use book::market::order::{self, Order, OrderHasher};
use serde::{Deserialize, Serialize};

use super::sign_in::SignIn;

#[allow(missing_docs)]
mod abi {
    alloy::sol! {
        /// EIP-2612, the same for both tokens.
        struct Permit {
            address owner;
            address spender;
            uint256 value;
            uint256 nonce;
            uint256 deadline;
        }

        /// An owner's cancel that anybody may send to the settlement contract.
        struct CancelOrder {
            bytes32 id;
        }
    }
}

pub(super) use abi::{CancelOrder, Permit};

/// What should be signed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// An order of an investor.
    Order(OrderTerms),
    /// An owner's cancel of an order, for others to send.
    Cancel(CancelTerms),
    /// An allowance (EIP-2612).
    Permit(PermitTerms),
    /// An act of a person of the desk.
    Act(ActTerms),
    /// A transaction.
    Transaction(Box<TxEip1559>),
    /// The text with which a wallet signs in somewhere.
    SignIn(SignIn),
}

/// An order and what it is signed for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The fields of `Order`.
pub struct OrderTerms {
    /// The chain.
    pub chain_id: u64,
    /// The settlement contract.
    pub settlement: Address,
    pub owner: Address,
    pub side: u8,
    pub security: Address,
    pub payment: Address,
    pub quantity: U256,
    pub limit_total: U256,
    pub expiry: u64,
    pub epoch: u64,
    pub counterparty: Address,
    pub board_ref: B256,
}

/// A cancel and what it is signed for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CancelTerms {
    /// The chain.
    pub chain_id: u64,
    /// The settlement contract.
    pub settlement: Address,
    /// The order's id.
    pub id: B256,
}

impl CancelTerms {
    /// What is signed: EIP-712 in the domain of the order itself.
    pub fn digest(&self) -> B256 {
        self.message().eip712_signing_hash(&self.domain())
    }

    pub(super) fn message(&self) -> CancelOrder {
        CancelOrder { id: self.id }
    }

    pub(super) fn domain(&self) -> Eip712Domain {
        order::domain(self.chain_id, self.settlement)
    }
}

/// An allowance and the domain that it is signed in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The fields of `Permit`.
pub struct PermitTerms {
    /// The domain's name.
    pub name: String,
    /// The domain's version.
    pub version: String,
    /// The chain.
    pub chain_id: u64,
    /// The token.
    pub token: Address,
    pub owner: Address,
    pub spender: Address,
    pub value: U256,
    pub nonce: U256,
    pub deadline: U256,
}

/// An act and the desk that it is signed for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The fields of `DeskAct`.
pub struct ActTerms {
    /// The chain.
    pub chain_id: u64,
    /// The desk's settlement contract.
    pub settlement: Address,
    pub act: String,
    pub subject: B256,
    pub bid: B256,
    pub ask: B256,
    pub total: U256,
    pub reason: B256,
    pub time: u64,
}

impl OrderTerms {
    /// An order for a settlement contract.
    pub fn of(chain_id: u64, settlement: Address, order: &Order) -> Self {
        Self {
            chain_id,
            settlement,
            owner: order.owner,
            side: order.side,
            security: order.security,
            payment: order.payment,
            quantity: order.quantity,
            limit_total: order.limitTotal,
            expiry: order.expiry,
            epoch: order.epoch,
            counterparty: order.counterparty,
            board_ref: order.boardRef,
        }
    }

    /// The order's id: what is signed.
    pub fn id(&self) -> B256 {
        OrderHasher::new(self.chain_id, self.settlement).id(&self.message())
    }

    pub(super) fn domain(&self) -> Eip712Domain {
        order::domain(self.chain_id, self.settlement)
    }

    pub(super) fn message(&self) -> Order {
        Order {
            owner: self.owner,
            side: self.side,
            security: self.security,
            payment: self.payment,
            quantity: self.quantity,
            limitTotal: self.limit_total,
            expiry: self.expiry,
            epoch: self.epoch,
            counterparty: self.counterparty,
            boardRef: self.board_ref,
        }
    }
}

impl PermitTerms {
    /// What is signed.
    pub fn digest(&self) -> B256 {
        self.message().eip712_signing_hash(&self.domain())
    }

    pub(super) fn domain(&self) -> Eip712Domain {
        Eip712Domain::new(
            Some(self.name.clone().into()),
            Some(self.version.clone().into()),
            Some(U256::from(self.chain_id)),
            Some(self.token),
            None,
        )
    }

    pub(super) fn message(&self) -> Permit {
        Permit {
            owner: self.owner,
            spender: self.spender,
            value: self.value,
            nonce: self.nonce,
            deadline: self.deadline,
        }
    }
}

impl ActTerms {
    /// An act for the desk of a settlement contract.
    pub fn of(chain_id: u64, settlement: Address, act: DeskAct) -> Self {
        Self {
            chain_id,
            settlement,
            act: act.act,
            subject: act.subject,
            bid: act.bid,
            ask: act.ask,
            total: act.total,
            reason: act.reason,
            time: act.time,
        }
    }

    fn digest(&self) -> B256 {
        ActHasher::new(self.chain_id, self.settlement).digest(&self.message())
    }

    pub(super) fn domain(&self) -> Eip712Domain {
        act::domain(self.chain_id, self.settlement)
    }

    pub(super) fn message(&self) -> DeskAct {
        DeskAct {
            act: self.act.clone(),
            subject: self.subject,
            bid: self.bid,
            ask: self.ask,
            total: self.total,
            reason: self.reason,
            time: self.time,
        }
    }
}

impl Request {
    /// What the key signs.
    pub fn digest(&self) -> B256 {
        match self {
            Self::Order(order) => order.id(),
            Self::Cancel(cancel) => cancel.digest(),
            Self::Permit(permit) => permit.digest(),
            Self::Act(act) => act.digest(),
            Self::Transaction(tx) => SignableTransaction::<Signature>::signature_hash(&**tx),
            Self::SignIn(text) => text.digest(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use alloy::eips::eip2930::AccessList;
    use alloy::primitives::{Bytes, TxKind, keccak256};
    use alloy::signers::local::PrivateKeySigner;
    use book::log::act::{Act, Told};
    use book::market::order::new_board_ref;

    use super::*;
    use crate::signing::signer::Signer;

    /// One of each kind.
    pub(in crate::signing) fn all(owner: Address) -> Vec<Request> {
        let order = Order {
            owner,
            side: 1,
            security: Address::repeat_byte(3),
            payment: Address::repeat_byte(2),
            quantity: U256::from(u128::MAX),
            limitTotal: U256::from(5),
            expiry: 1_800_000_000,
            epoch: 0,
            counterparty: Address::ZERO,
            boardRef: new_board_ref(),
        };
        let told = Told::about(Act::Cancel, B256::repeat_byte(8), "called");
        vec![
            Request::Cancel(CancelTerms {
                chain_id: 412_346,
                settlement: Address::repeat_byte(1),
                id: B256::repeat_byte(6),
            }),
            Request::Order(OrderTerms::of(412_346, Address::repeat_byte(1), &order)),
            Request::Permit(PermitTerms {
                name: "Harbor Street Class A".into(),
                version: "1".into(),
                chain_id: 412_346,
                token: Address::repeat_byte(3),
                owner,
                spender: Address::repeat_byte(1),
                value: U256::MAX,
                nonce: U256::ZERO,
                deadline: U256::from(1_800_000_000),
            }),
            Request::Act(ActTerms::of(
                412_346,
                Address::repeat_byte(1),
                told.at(1_800_000_000),
            )),
            Request::Transaction(Box::new(TxEip1559 {
                chain_id: 412_346,
                nonce: 7,
                gas_limit: 100_000,
                max_fee_per_gas: u128::from(u64::MAX) + 1,
                max_priority_fee_per_gas: 0,
                to: TxKind::Call(Address::repeat_byte(1)),
                value: U256::ZERO,
                access_list: AccessList::default(),
                input: Bytes::from_static(&[1, 2, 3, 4]),
            })),
        ]
    }

    #[test]
    fn a_request_travels_as_json_and_is_signed_by_its_signer() {
        let key = PrivateKeySigner::random();
        let signer = Signer::from(key.clone());
        for request in all(key.address()) {
            let text = serde_json::to_string(&request).unwrap();
            assert_eq!(
                serde_json::from_str::<Request>(&text).unwrap(),
                request,
                "{text}"
            );
            let signature = signer.sign(&request).unwrap();
            let recovered = signature.recover_address_from_prehash(&request.digest());
            assert_eq!(recovered.unwrap(), key.address());
        }
    }

    #[test]
    fn a_permits_digest_is_that_of_eip_2612() {
        let Request::Permit(permit) = &all(Address::repeat_byte(9))[2] else {
            panic!("the third is a permit")
        };
        let word = |number: u64| U256::from(number).to_be_bytes::<32>();
        let domain = keccak256(
            [
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
                )
                .0,
                keccak256("Harbor Street Class A").0,
                keccak256("1").0,
                word(412_346),
                Address::repeat_byte(3).into_word().0,
            ]
            .concat(),
        );
        let hash = keccak256(
            [
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
                )
                .0,
                Address::repeat_byte(9).into_word().0,
                Address::repeat_byte(1).into_word().0,
                U256::MAX.to_be_bytes::<32>(),
                word(0),
                word(1_800_000_000),
            ]
            .concat(),
        );
        let wanted = keccak256([&[0x19, 0x01], &domain[..], &hash[..]].concat());
        assert_eq!(permit.digest(), wanted);
    }
}
