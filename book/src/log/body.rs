//! The particulars of each event type. Field names are in alphabetical order, as canonical JSON writes them.

use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::act::Signed;
use super::event::EventType;
use super::fact::{
    AccessClosed, DocumentsReceived, LogKey, MatchCommitted, MatchReleased, OrderReplaced,
    RecordingRule, SigningDemanded, TermsAccepted,
};
use super::staff::StaffChanged;
use crate::market::isin::Isin;
use crate::market::lei::Lei;
use crate::market::order::Side;
use crate::market::price::Price;
use crate::market::record::Capacity;
use crate::market::security::Security;

/// Who a book belongs to and which contract it settles through. Fixed for the life of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookOpened {
    /// The broker-dealer's legal name.
    pub broker_dealer: String,
    /// The chain.
    pub chain_id: u64,
    /// The settlement contract.
    pub contract: Address,
    /// The broker-dealer's CRD number.
    pub crd: u64,
    /// The broker-dealer's LEI.
    pub lei: Lei,
    /// The settlement coin.
    pub payment: Address,
}

/// An order's record; its id is the event's subject, its capture time the event's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // `market::record::OrderRecord` says what each means.
pub struct OrderPosted {
    pub account: String,
    pub board_ref: B256,
    pub capacity: Capacity,
    pub chain_id: u64,
    pub contract: Address,
    pub counterparty: Address,
    pub decimals: u8,
    pub epoch: u64,
    pub expiry: u64,
    pub isin: Isin,
    #[serde(with = "decimal")]
    pub limit_total: u128,
    pub owner: Address,
    pub payment: Address,
    pub price: Price,
    #[serde(with = "decimal")]
    pub quantity: u128,
    pub security: Address,
    pub side: Side,
    pub signature: Bytes,
    /// Of the person who posted it on the owner's behalf.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
    pub solicited: bool,
    pub symbol: String,
    pub taken_by: String,
}

/// An order was cancelled; its id is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Of the person who cancelled it on the owner's behalf.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
    /// The transaction that cancelled it, when the chain did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tx_hash: Option<B256>,
}

/// Two orders were proposed as a match; the match's id is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchProposed {
    /// The ask's id.
    pub ask: B256,
    /// The bid's id.
    pub bid: B256,
    /// Of the person who proposes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
    /// Coin base units that will move.
    #[serde(with = "decimal")]
    pub total: u128,
}

/// A match was approved; its id is the event's subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchApproved {
    /// Of the person who approves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
}

/// A match was refused or withdrawn, or one of its orders left the board; its id is the event's subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRefused {
    /// The order of the match that leaves the board in the same commit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<B256>,
    /// Of the person who refuses.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
}

/// Written before a transaction is sent, so that a crash at any point leaves its hash behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementSubmitted {
    /// The sender's nonce.
    pub nonce: u64,
    /// The operator's wallet.
    pub sender: Address,
    /// The transaction's hash.
    pub tx_hash: B256,
}

/// What the chain's `Settled` log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementSettled {
    /// The ask's id.
    pub ask: B256,
    /// The bid's id.
    pub bid: B256,
    /// The block's number.
    pub block: u64,
    /// The match that it fulfils; none when it was settled outside this board.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub match_id: Option<Uuid>,
    /// The contract's sequence number.
    #[serde(with = "decimal_u256")]
    pub settlement_id: U256,
    /// Coin base units moved.
    #[serde(with = "decimal")]
    pub total: u128,
    /// The transaction's hash.
    pub tx_hash: B256,
}

/// A settlement transaction reverted, or its nonce was used by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementFailed {
    /// The contract's failure code, when it gave one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<u8>,
    /// The token's restriction code, when the failure is a restriction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub restriction: Option<u8>,
    /// The transaction's hash.
    pub tx_hash: B256,
}

/// The connection was lost before the outcome was known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementUnknown {
    /// The transaction's hash.
    pub tx_hash: B256,
}

/// The chain's events were read up to and with this block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainSynced {
    /// The last block read.
    pub block: u64,
    /// Its hash.
    pub block_hash: B256,
}

/// The log's root and size were put on chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookAnchored {
    /// The block's number.
    pub block: u64,
    /// The Merkle root over the first `size` events.
    pub root: B256,
    /// How many events it covers.
    pub size: u64,
    /// The transaction's hash.
    pub tx_hash: B256,
}

/// The particulars of an event, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// See [`EventType::BookOpened`].
    BookOpened(BookOpened),
    /// See [`EventType::SecurityListed`].
    SecurityListed(Security),
    /// See [`EventType::OrderPosted`].
    OrderPosted(Box<OrderPosted>),
    /// See [`EventType::OrderCancelled`].
    OrderCancelled(OrderCancelled),
    /// See [`EventType::MatchProposed`].
    MatchProposed(MatchProposed),
    /// See [`EventType::MatchApproved`].
    MatchApproved(MatchApproved),
    /// See [`EventType::MatchRefused`].
    MatchRefused(MatchRefused),
    /// See [`EventType::SettlementSubmitted`].
    SettlementSubmitted(SettlementSubmitted),
    /// See [`EventType::SettlementSettled`].
    SettlementSettled(SettlementSettled),
    /// See [`EventType::SettlementFailed`].
    SettlementFailed(SettlementFailed),
    /// See [`EventType::SettlementUnknown`].
    SettlementUnknown(SettlementUnknown),
    /// See [`EventType::ChainSynced`].
    ChainSynced(ChainSynced),
    /// See [`EventType::BookAnchored`].
    BookAnchored(BookAnchored),
    /// See [`EventType::Note`]; the remark itself is the event's reason.
    Note,
    /// See [`EventType::StaffChanged`].
    StaffChanged(StaffChanged),
    /// See [`EventType::SigningDemanded`].
    SigningDemanded(SigningDemanded),
    /// See [`EventType::TermsAccepted`].
    TermsAccepted(TermsAccepted),
    /// See [`EventType::DocumentsReceived`].
    DocumentsReceived(DocumentsReceived),
    /// See [`EventType::OrderReplaced`].
    OrderReplaced(OrderReplaced),
    /// See [`EventType::MatchCommitted`].
    MatchCommitted(MatchCommitted),
    /// See [`EventType::MatchReleased`].
    MatchReleased(MatchReleased),
    /// See [`EventType::RecordingRule`].
    RecordingRule(RecordingRule),
    /// See [`EventType::LogKey`].
    LogKey(LogKey),
    /// See [`EventType::AccessClosed`].
    AccessClosed(AccessClosed),
}

impl Body {
    /// The type of event it belongs to.
    pub fn kind(&self) -> EventType {
        match self {
            Self::BookOpened(_) => EventType::BookOpened,
            Self::SecurityListed(_) => EventType::SecurityListed,
            Self::OrderPosted(_) => EventType::OrderPosted,
            Self::OrderCancelled(_) => EventType::OrderCancelled,
            Self::MatchProposed(_) => EventType::MatchProposed,
            Self::MatchApproved(_) => EventType::MatchApproved,
            Self::MatchRefused(_) => EventType::MatchRefused,
            Self::SettlementSubmitted(_) => EventType::SettlementSubmitted,
            Self::SettlementSettled(_) => EventType::SettlementSettled,
            Self::SettlementFailed(_) => EventType::SettlementFailed,
            Self::SettlementUnknown(_) => EventType::SettlementUnknown,
            Self::ChainSynced(_) => EventType::ChainSynced,
            Self::BookAnchored(_) => EventType::BookAnchored,
            Self::Note => EventType::Note,
            Self::StaffChanged(_) => EventType::StaffChanged,
            Self::SigningDemanded(_) => EventType::SigningDemanded,
            Self::TermsAccepted(_) => EventType::TermsAccepted,
            Self::DocumentsReceived(_) => EventType::DocumentsReceived,
            Self::OrderReplaced(_) => EventType::OrderReplaced,
            Self::MatchCommitted(_) => EventType::MatchCommitted,
            Self::MatchReleased(_) => EventType::MatchReleased,
            Self::RecordingRule(_) => EventType::RecordingRule,
            Self::LogKey(_) => EventType::LogKey,
            Self::AccessClosed(_) => EventType::AccessClosed,
        }
    }

    /// As canonical JSON.
    ///
    /// # Errors
    /// Never for bodies of this module: their keys are texts and their numbers integers.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        // An order's is the longest.
        let mut json = Vec::with_capacity(1_024);
        let out = &mut json;
        match self {
            Self::BookOpened(body) => serde_json::to_writer(out, body),
            Self::SecurityListed(body) => serde_json::to_writer(out, body),
            Self::OrderPosted(body) => serde_json::to_writer(out, body),
            Self::OrderCancelled(body) => serde_json::to_writer(out, body),
            Self::MatchProposed(body) => serde_json::to_writer(out, body),
            Self::SettlementSubmitted(body) => serde_json::to_writer(out, body),
            Self::SettlementSettled(body) => serde_json::to_writer(out, body),
            Self::SettlementFailed(body) => serde_json::to_writer(out, body),
            Self::SettlementUnknown(body) => serde_json::to_writer(out, body),
            Self::ChainSynced(body) => serde_json::to_writer(out, body),
            Self::BookAnchored(body) => serde_json::to_writer(out, body),
            Self::MatchApproved(body) => serde_json::to_writer(out, body),
            Self::MatchRefused(body) => serde_json::to_writer(out, body),
            Self::Note => serde_json::to_writer(out, &serde_json::Map::new()),
            // Its members are not in the same order for all changes.
            Self::StaffChanged(body) => serde_jcs::to_writer(out, body),
            Self::SigningDemanded(body) => serde_json::to_writer(out, body),
            Self::TermsAccepted(body) => serde_json::to_writer(out, body),
            Self::DocumentsReceived(body) => serde_json::to_writer(out, body),
            Self::OrderReplaced(body) => serde_json::to_writer(out, body),
            Self::MatchCommitted(body) => serde_json::to_writer(out, body),
            Self::MatchReleased(body) => serde_json::to_writer(out, body),
            Self::RecordingRule(body) => serde_json::to_writer(out, body),
            Self::LogKey(body) => serde_json::to_writer(out, body),
            Self::AccessClosed(body) => serde_json::to_writer(out, body),
        }?;
        String::from_utf8(json).map_err(serde::ser::Error::custom)
    }

    /// Reads the body of an event of type `kind`.
    ///
    /// # Errors
    /// The text is not the JSON of that type.
    pub fn from_json(kind: EventType, json: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            EventType::BookOpened => Self::BookOpened(serde_json::from_str(json)?),
            EventType::SecurityListed => Self::SecurityListed(serde_json::from_str(json)?),
            EventType::OrderPosted => Self::OrderPosted(serde_json::from_str(json)?),
            EventType::OrderCancelled => Self::OrderCancelled(serde_json::from_str(json)?),
            EventType::MatchProposed => Self::MatchProposed(serde_json::from_str(json)?),
            EventType::MatchApproved => Self::MatchApproved(serde_json::from_str(json)?),
            EventType::MatchRefused => Self::MatchRefused(serde_json::from_str(json)?),
            EventType::SettlementSubmitted => {
                Self::SettlementSubmitted(serde_json::from_str(json)?)
            }
            EventType::SettlementSettled => Self::SettlementSettled(serde_json::from_str(json)?),
            EventType::SettlementFailed => Self::SettlementFailed(serde_json::from_str(json)?),
            EventType::SettlementUnknown => Self::SettlementUnknown(serde_json::from_str(json)?),
            EventType::ChainSynced => Self::ChainSynced(serde_json::from_str(json)?),
            EventType::BookAnchored => Self::BookAnchored(serde_json::from_str(json)?),
            EventType::Note => Self::Note,
            EventType::StaffChanged => Self::StaffChanged(serde_json::from_str(json)?),
            EventType::SigningDemanded => Self::SigningDemanded(serde_json::from_str(json)?),
            EventType::TermsAccepted => Self::TermsAccepted(serde_json::from_str(json)?),
            EventType::DocumentsReceived => Self::DocumentsReceived(serde_json::from_str(json)?),
            EventType::OrderReplaced => Self::OrderReplaced(serde_json::from_str(json)?),
            EventType::MatchCommitted => Self::MatchCommitted(serde_json::from_str(json)?),
            EventType::MatchReleased => Self::MatchReleased(serde_json::from_str(json)?),
            EventType::RecordingRule => Self::RecordingRule(serde_json::from_str(json)?),
            EventType::LogKey => Self::LogKey(serde_json::from_str(json)?),
            EventType::AccessClosed => Self::AccessClosed(serde_json::from_str(json)?),
        })
    }
}

/// Amounts are decimal texts: JSON numbers are exact only up to 2^53.
pub(super) mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::log) fn serialize<S: Serializer>(value: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    pub(in crate::log) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

mod decimal_u256 {
    use alloy::primitives::U256;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &U256, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<U256, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        U256::from_str_radix(&text, 10).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::fact::{Document, Finality};
    use crate::log::staff::{Role, StaffChange};
    use proptest::prelude::*;

    fn posted(account: String, quantity: u128, expiry: u64) -> OrderPosted {
        OrderPosted {
            account,
            board_ref: B256::repeat_byte(1),
            capacity: Capacity::RisklessPrincipal,
            chain_id: 42_161,
            contract: Address::repeat_byte(2),
            counterparty: Address::ZERO,
            decimals: 18,
            epoch: 0,
            expiry,
            isin: "US0378331005".parse().unwrap(),
            limit_total: quantity,
            owner: Address::repeat_byte(3),
            payment: Address::repeat_byte(4),
            price: "10.35".parse().unwrap(),
            quantity,
            security: Address::repeat_byte(5),
            side: Side::Ask,
            signature: Bytes::from_static(&[6; 65]),
            signed: None,
            solicited: false,
            symbol: "ACME".into(),
            taken_by: "desk".into(),
        }
    }

    #[allow(clippy::too_many_lines)] // One of each.
    fn all() -> Vec<Body> {
        let hash = B256::repeat_byte(9);
        vec![
            Body::BookOpened(BookOpened {
                broker_dealer: "Example Securities \"LLC\"".into(),
                chain_id: 1,
                contract: Address::ZERO,
                crd: 7,
                lei: "5493001KJTIIGC8Y1R12".parse().unwrap(),
                payment: Address::ZERO,
            }),
            Body::SecurityListed(Security {
                decimals: 18,
                isin: "US0378331005".parse().unwrap(),
                name: "Acmé".into(),
                symbol: "ACME".into(),
                token: Address::ZERO,
            }),
            Body::OrderPosted(Box::new(posted("A-1".into(), 1, 2))),
            Body::OrderCancelled(OrderCancelled {
                signed: Some(signed()),
                tx_hash: None,
            }),
            Body::OrderCancelled(OrderCancelled {
                signed: None,
                tx_hash: Some(hash),
            }),
            Body::MatchProposed(MatchProposed {
                ask: hash,
                bid: hash,
                signed: Some(signed()),
                total: 3,
            }),
            Body::MatchApproved(MatchApproved::default()),
            Body::MatchApproved(MatchApproved {
                signed: Some(signed()),
            }),
            Body::MatchRefused(MatchRefused {
                cause: Some(hash),
                signed: None,
            }),
            Body::SettlementSubmitted(SettlementSubmitted {
                nonce: 1,
                sender: Address::ZERO,
                tx_hash: hash,
            }),
            Body::SettlementSettled(SettlementSettled {
                ask: hash,
                bid: hash,
                block: 5,
                match_id: Some(Uuid::now_v7()),
                settlement_id: U256::MAX,
                total: u128::MAX,
                tx_hash: hash,
            }),
            Body::SettlementFailed(SettlementFailed {
                failure: Some(19),
                restriction: Some(16),
                tx_hash: hash,
            }),
            Body::SettlementUnknown(SettlementUnknown { tx_hash: hash }),
            Body::ChainSynced(ChainSynced {
                block: 1,
                block_hash: hash,
            }),
            Body::BookAnchored(BookAnchored {
                block: 1,
                root: hash,
                size: 2,
                tx_hash: hash,
            }),
            Body::Note,
            Body::StaffChanged(staff(StaffChange::Added {
                crd: Some(7),
                person: "Grace Hopper".into(),
                roles: [Role::Trader, Role::Principal].into(),
                wallet: Address::ZERO,
            })),
            Body::StaffChanged(staff(StaffChange::AdminNamed {
                crd: None,
                person: "Acmé".into(),
                wallet: Address::ZERO,
            })),
            Body::StaffChanged(staff(StaffChange::RoleGranted {
                person: "ada".into(),
                role: Role::RecordsOfficer,
            })),
            Body::StaffChanged(staff(StaffChange::Suspended {
                person: "ada".into(),
            })),
            Body::SigningDemanded(SigningDemanded::default()),
            Body::TermsAccepted(TermsAccepted {
                sha256: hash,
                version: "2".into(),
            }),
            Body::DocumentsReceived(DocumentsReceived {
                documents: vec![Document {
                    name: "memorandum.pdf".into(),
                    sha256: hash,
                }],
                security: Address::ZERO,
            }),
            Body::OrderReplaced(OrderReplaced { by: hash }),
            Body::MatchCommitted(MatchCommitted {
                ask: hash,
                bid: hash,
                block: 1,
                principal: Address::ZERO,
                total: u128::MAX,
                tx_hash: hash,
                until: 2,
            }),
            Body::MatchReleased(MatchReleased {
                block: 1,
                by: Address::ZERO,
                reason: hash,
                tx_hash: hash,
            }),
            Body::RecordingRule(RecordingRule {
                record_at: Finality::Safe,
            }),
            Body::LogKey(LogKey {
                key: hash,
                name: "board.example".into(),
                signed_by_last: Some(Bytes::from_static(&[1; 64])),
            }),
            Body::AccessClosed(AccessClosed {
                rows: 3,
                sha256: hash,
            }),
        ]
    }

    fn signed() -> Signed {
        Signed {
            file: Some(B256::repeat_byte(8)),
            signature: Bytes::from_static(&[6; 65]),
            time: 1_800_000_000,
            wallet: Address::repeat_byte(7),
        }
    }

    fn staff(change: StaffChange) -> StaffChanged {
        StaffChanged {
            change,
            id: Uuid::from_u128(1),
            second: Some(signed()),
            signed: signed(),
        }
    }

    #[test]
    fn every_type_round_trips_and_is_canonical() {
        for body in all() {
            let json = body.to_json().unwrap();
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json, serde_jcs::to_string(&value).unwrap());
            assert_eq!(Body::from_json(body.kind(), &json).unwrap(), body);
        }
        for kind in EventType::ALL {
            assert!(
                all().iter().any(|body| body.kind() == kind),
                "{kind} is untested"
            );
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }

    proptest! {
        #[test]
        fn orders_round_trip_and_are_canonical(
            account in any::<String>(), quantity in any::<u128>(), expiry in 0u64..1 << 53
        ) {
            let body = Body::OrderPosted(Box::new(posted(account, quantity, expiry)));
            let json = body.to_json().unwrap();
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&json, &serde_jcs::to_string(&value).unwrap());
            prop_assert_eq!(Body::from_json(EventType::OrderPosted, &json).unwrap(), body);
        }
    }
}
