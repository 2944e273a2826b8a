//! Persons of the desk: signing their acts, and asking the chain who may name the first of them.

use std::collections::BTreeMap;
use std::fmt;

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use book::audit::verify::NamedByChain;
use book::log::act::{Act, Signed, Told};
use book::log::staff::Roster;
use jiff::Timestamp;

use crate::chain::abi::IDvPSettlement;
use crate::chain::{Chain, ChainError};
use crate::error::DeskError;
use crate::reconcile::Difference;
use crate::signing::request::{ActTerms, Request};
use crate::signing::signer::Signer;

/// Signs an act for the desk of a settlement contract, now.
///
/// # Errors
/// `Sign`.
pub fn sign(
    chain_id: u64,
    settlement: Address,
    key: &Signer,
    told: &Told<'_>,
    now: Timestamp,
) -> Result<Signed, ChainError> {
    let time = u64::try_from(now.as_second()).unwrap_or_default();
    let terms = ActTerms::of(chain_id, settlement, told.at(time));
    let signature = key
        .sign(&Request::Act(terms))
        .map_err(|error| ChainError::Sign(error.to_string()))?;
    Ok(Signed {
        file: None,
        signature: signature.as_bytes().to_vec().into(),
        time,
        wallet: key.address(),
    })
}

/// Refuses a wallet that is not the default admin of the settlement contract.
///
/// # Errors
/// `NotDefaultAdmin`, `Chain`.
pub async fn require_default_admin(
    chain: &Chain,
    settlement: Address,
    wallet: Address,
) -> Result<(), DeskError> {
    let admin = chain
        .view(settlement, IDvPSettlement::defaultAdminCall {})
        .await?;
    if admin == wallet {
        return Ok(());
    }
    Err(DeskError::NotDefaultAdmin {
        found: wallet,
        admin,
    })
}

/// One person who may propose and another who may approve, with both keys in one folder: each with the wallet's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TwoEyes {
    /// Who may propose, and the wallet.
    pub proposer: (String, String),
    /// Who may approve, and the wallet.
    pub approver: (String, String),
}

impl fmt::Display for TwoEyes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((proposer, first), (approver, second)) = (&self.proposer, &self.approver);
        write!(
            f,
            "{proposer} ({first}) proposes and {approver} ({second}) approves, but this user of this machine has both \
             keys: that is not four eyes"
        )
    }
}

/// Whether one user of one machine, who has these wallets, can act as both persons of a match. The first such pair by
/// name.
pub fn two_eyes(roster: &Roster, wallets: &BTreeMap<String, Address>) -> Option<TwoEyes> {
    let who = |act| {
        wallets.iter().filter_map(move |(name, wallet)| {
            let person = roster.entitled(*wallet, u64::MAX, act).ok()?;
            Some((person.name.clone(), name.clone()))
        })
    };
    who(Act::Propose).find_map(|proposer| {
        let approver = who(Act::Approve).find(|(person, _)| *person != proposer.0)?;
        Some(TwoEyes { proposer, approver })
    })
}

/// How far the clocks of a desk and of the chain may differ, seconds.
const APART: u64 = 60;

/// Compares those who named admin persons as the contract's default admin with what the contract logged: each must have
/// been its default admin at the time that the log recorded.
///
/// # Errors
/// What the chain answers.
pub async fn compare(
    chain: &Chain,
    settlement: Address,
    first_block: u64,
    named: &[NamedByChain],
) -> Result<Vec<Difference>, DeskError> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let mut terms = Terms::default();
    let granted = chain
        .events::<IDvPSettlement::RoleGranted>(settlement, first_block)
        .await?;
    for (event, log) in granted {
        if event.role == B256::ZERO {
            let begin = time(chain, &log).await?;
            terms.0.push((event.account, begin, None));
        }
    }
    let revoked = chain
        .events::<IDvPSettlement::RoleRevoked>(settlement, first_block)
        .await?;
    for (event, log) in revoked {
        if event.role == B256::ZERO {
            let end = time(chain, &log).await?;
            terms.end(event.account, end);
        }
    }
    let wrong = named.iter().filter(|named| {
        let at = u64::try_from(named.captured_at.as_second()).unwrap_or_default();
        !terms.covers(named.wallet, at)
    });
    Ok(wrong
        .map(|named| Difference {
            kind: "staff",
            seq: Some(named.seq),
            words: format!(
                "{} named an admin person, but was not the settlement contract's default admin at the time",
                named.wallet
            ),
        })
        .collect())
}

/// Who was default admin from when until when, unix seconds.
#[derive(Debug, Default)]
struct Terms(Vec<(Address, u64, Option<u64>)>);

impl Terms {
    fn end(&mut self, account: Address, at: u64) {
        let mut open = self
            .0
            .iter_mut()
            .filter(|(of, begin, end)| (*of, end.is_none()) == (account, true) && *begin <= at);
        if let Some((_, _, end)) = open.next() {
            *end = Some(at);
        }
    }

    fn covers(&self, account: Address, at: u64) -> bool {
        self.0.iter().any(|(of, begin, end)| {
            let begun = *begin <= at.saturating_add(APART);
            *of == account && begun && end.is_none_or(|end| at <= end.saturating_add(APART))
        })
    }
}

/// When an event was logged, unix seconds.
async fn time(chain: &Chain, log: &Log) -> Result<u64, ChainError> {
    let mined = chain.mined(log.transaction_hash, log.block_number).await?;
    Ok(u64::try_from(mined.time.as_second()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use alloy::signers::local::PrivateKeySigner;
    use book::log::act::ActHasher;

    use super::*;

    #[test]
    fn a_default_admin_is_one_from_its_grant_to_its_end() {
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let mut terms = Terms(vec![(one, 1_000, None), (other, 2_000, None)]);
        terms.end(one, 2_000);
        for (account, at, wanted) in [
            (one, 939, false),
            (one, 940, true),
            (one, 2_060, true),
            (one, 2_061, false),
            (other, 1_939, false),
            (other, 1_940, true),
            (other, 9_999, true),
            (Address::ZERO, 1_500, false),
        ] {
            assert_eq!(terms.covers(account, at), wanted, "{account} at {at}");
        }
    }

    #[test]
    fn the_keys_of_a_proposer_and_of_an_approver_in_one_folder_are_two_eyes() {
        use book::log::staff::{Role, StaffChange, StaffChanged};

        let mut roster = Roster::default();
        let admin = Address::repeat_byte(1);
        let mut apply = |seq: u64, change| {
            let signed = Signed {
                file: None,
                signature: Vec::new().into(),
                time: 0,
                wallet: admin,
            };
            let id = uuid::Uuid::from_u128(seq.into());
            let second = None;
            roster
                .apply(
                    seq,
                    &StaffChanged {
                        change,
                        id,
                        second,
                        signed,
                    },
                )
                .unwrap();
        };
        apply(
            2,
            StaffChange::AdminNamed {
                crd: None,
                person: "Alma".into(),
                wallet: admin,
            },
        );
        for (seq, name, roles) in [
            (3, "Dana", [Role::Trader].into()),
            (4, "Ruth", [Role::Principal].into()),
            (5, "Paul", [Role::Trader, Role::Principal].into()),
        ] {
            apply(
                seq,
                StaffChange::Added {
                    crd: None,
                    person: name.into(),
                    roles,
                    wallet: Address::repeat_byte(u8::try_from(seq).unwrap()),
                },
            );
        }
        let folder = |wallets: &[(&str, u8)]| -> BTreeMap<String, Address> {
            let named = wallets.iter();
            named
                .map(|(name, byte)| ((*name).to_owned(), Address::repeat_byte(*byte)))
                .collect()
        };
        let here = |wallets: &[(&str, u8)]| two_eyes(&roster, &folder(wallets));
        let named = |person: &str, wallet: &str| (person.to_owned(), wallet.to_owned());
        let both = TwoEyes {
            proposer: named("Dana", "d"),
            approver: named("Ruth", "r"),
        };
        assert_eq!(here(&[("d", 3), ("r", 4), ("x", 9)]), Some(both));
        assert_eq!(here(&[("d", 3)]), None);
        // Anyone who may do both still cannot approve their own proposal.
        assert_eq!(here(&[("p", 5)]), None);
        assert!(here(&[("p", 5), ("r", 4)]).is_some());
    }

    #[test]
    fn a_signature_is_the_one_that_the_book_checks() {
        let key = Signer::from(PrivateKeySigner::random());
        let settlement = Address::repeat_byte(7);
        let hasher = ActHasher::new(412_346, settlement);
        let told = Told::about(book::log::act::Act::Cancel, B256::repeat_byte(8), "called");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let signed = sign(412_346, settlement, &key, &told, now).unwrap();
        assert_eq!((signed.wallet, signed.time), (key.address(), 1_800_000_000));
        let other = Told::about(book::log::act::Act::Post, B256::repeat_byte(8), "called");
        assert!(book::board::act::check_signature(&hasher, &told, &signed).is_ok());
        assert!(book::board::act::check_signature(&hasher, &other, &signed).is_err());
    }
}
