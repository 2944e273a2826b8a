//! Which contracts are indexed, and which of their events: read strictly, because a skipped log is a wrong balance.

use alloy::primitives::{Address, B256, IntoLogData as _, LogData};
use alloy::rpc::types::Log;
use alloy::sol_types::{SolEvent as _, SolEventInterface as _};

use super::error::IndexError;
use super::page::Entry;
use crate::chain::abi::IDvPSettlement::{self, Settled};
use crate::chain::abi::ISecurityToken::{
    self, AddressFrozen, Approval, Burned, ClassLimitSet, CountryBlockedSet, Deactivated,
    DefaultAdminTransferScheduled, ForcedBurn, ForcedTransfer, GroupHolderLimitSet, GroupRuleSet,
    HoldBroken, HoldDropped, HoldPlaced, HoldUsed, ISecurityTokenEvents, LimitsSet, Paused,
    RoleGranted, RoleRevoked, SanctionSet, SupplyCapSet, TokensFrozen, TokensLocked,
    TokensUnfrozen, TokensUnlocked, Transfer, Unpaused, VestingGranted, VestingMoved,
    VestingReduced, VestingRevoked, WalletRecovered, WalletRemoved, WalletSet,
};
use crate::chain::{Chain, ChainError};

/// A security's events in the order of their numbers in a page: more can be added at the end.
const SECURITY: [B256; 34] = [
    Transfer::SIGNATURE_HASH,
    Approval::SIGNATURE_HASH,
    RoleGranted::SIGNATURE_HASH,
    RoleRevoked::SIGNATURE_HASH,
    DefaultAdminTransferScheduled::SIGNATURE_HASH,
    WalletSet::SIGNATURE_HASH,
    WalletRemoved::SIGNATURE_HASH,
    WalletRecovered::SIGNATURE_HASH,
    GroupRuleSet::SIGNATURE_HASH,
    CountryBlockedSet::SIGNATURE_HASH,
    LimitsSet::SIGNATURE_HASH,
    GroupHolderLimitSet::SIGNATURE_HASH,
    ClassLimitSet::SIGNATURE_HASH,
    SupplyCapSet::SIGNATURE_HASH,
    TokensLocked::SIGNATURE_HASH,
    TokensUnlocked::SIGNATURE_HASH,
    VestingGranted::SIGNATURE_HASH,
    VestingRevoked::SIGNATURE_HASH,
    VestingReduced::SIGNATURE_HASH,
    VestingMoved::SIGNATURE_HASH,
    Burned::SIGNATURE_HASH,
    ForcedBurn::SIGNATURE_HASH,
    ForcedTransfer::SIGNATURE_HASH,
    SanctionSet::SIGNATURE_HASH,
    AddressFrozen::SIGNATURE_HASH,
    TokensFrozen::SIGNATURE_HASH,
    TokensUnfrozen::SIGNATURE_HASH,
    HoldPlaced::SIGNATURE_HASH,
    HoldUsed::SIGNATURE_HASH,
    HoldDropped::SIGNATURE_HASH,
    HoldBroken::SIGNATURE_HASH,
    Paused::SIGNATURE_HASH,
    Unpaused::SIGNATURE_HASH,
    Deactivated::SIGNATURE_HASH,
];

/// The same for the coin and the settlement contract, from which only these are requested.
const ROLES: [B256; 3] = [
    RoleGranted::SIGNATURE_HASH,
    RoleRevoked::SIGNATURE_HASH,
    DefaultAdminTransferScheduled::SIGNATURE_HASH,
];
const SETTLEMENT: [B256; 4] = [
    RoleGranted::SIGNATURE_HASH,
    RoleRevoked::SIGNATURE_HASH,
    DefaultAdminTransferScheduled::SIGNATURE_HASH,
    Settled::SIGNATURE_HASH,
];

/// What a contract is, and so which of its events are indexed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A security: everything that it logs except allowances.
    Security,
    /// The coin: its roles.
    Coin,
    /// The settlement contract: its roles, and what was paid.
    Settlement,
}

/// A contract that is indexed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Its chain.
    pub chain_id: u64,
    /// Its address.
    pub address: Address,
    /// What it is.
    pub kind: Kind,
    /// The block of its deployment, or one before it.
    pub first_block: u64,
}

impl Source {
    /// The first topics of its events, by their numbers in a page.
    pub(super) fn table(&self) -> &'static [B256] {
        match self.kind {
            Kind::Security => &SECURITY,
            Kind::Coin => &ROLES,
            Kind::Settlement => &SETTLEMENT,
        }
    }

    /// The first topics that are asked for; all of a security's, so that an event that this version does not know is
    /// not skipped.
    pub(super) fn topics(&self) -> &'static [B256] {
        match self.kind {
            Kind::Security => &[],
            Kind::Coin | Kind::Settlement => self.table(),
        }
    }

    /// Reads a log strictly: its event's number, or `None` for an allowance, which the index leaves out.
    ///
    /// # Errors
    /// `UnknownEvent`, `Malformed`.
    pub(super) fn check(&self, log: &Log, entry: &Entry) -> Result<Option<u8>, IndexError> {
        let topic = entry.topics.first().copied().unwrap_or_default();
        let number = self.table().iter().position(|known| *known == topic);
        let Some(number) = number else {
            return Err(IndexError::UnknownEvent {
                contract: self.address,
                block: entry.block,
                log: entry.log,
                topic,
            });
        };
        // What decodes and encodes to the same bytes again is exactly that event.
        let data = &log.inner.data;
        let again = |event: &LogData| event == data;
        let holds = if topic == Settled::SIGNATURE_HASH {
            Settled::decode_log_data(data).is_ok_and(|event| again(&event.encode_log_data()))
        } else {
            ISecurityTokenEvents::decode_raw_log(data.topics(), &data.data)
                .is_ok_and(|event| again(&event.to_log_data()))
        };
        if !holds || !entry.data.len().is_multiple_of(32) {
            return Err(IndexError::Malformed {
                contract: self.address,
                block: entry.block,
                log: entry.log,
                event: Self::name_of(topic),
            });
        }
        if topic == Approval::SIGNATURE_HASH {
            return Ok(None);
        }
        Ok(u8::try_from(number).ok())
    }

    fn name_of(topic: B256) -> String {
        let name = match topic {
            Settled::SIGNATURE_HASH => {
                IDvPSettlement::IDvPSettlementEvents::name_by_selector(topic.0)
            }
            _ => ISecurityTokenEvents::name_by_selector(topic.0),
        };
        name.map_or_else(|| topic.to_string(), str::to_owned)
    }
}

/// The block in which a contract's code came onto the chain; 0 if the node has not kept old states.
pub(super) async fn deployed(chain: &Chain, address: Address) -> Result<u64, ChainError> {
    let head = chain.head().await?.number;
    // `first` is at or before the block that is searched for, `has` is a block with code.
    let (mut first, mut has) = (0, head);
    while first < has {
        let middle = first + (has - first) / 2;
        match chain.had_code(address, middle).await {
            Ok(true) => has = middle,
            Ok(false) => first = middle + 1,
            Err(ChainError::Node { .. }) => return Ok(0),
            Err(error) => return Err(error),
        }
    }
    Ok(has)
}

/// The event of a log in the index.
pub(super) fn event(entry: &Entry) -> Option<ISecurityToken::ISecurityTokenEvents> {
    ISecurityTokenEvents::decode_raw_log(&entry.topics, &entry.data).ok()
}

/// What was paid, from a log of the settlement contract.
pub(super) fn settled(entry: &Entry) -> Option<Settled> {
    Settled::decode_raw_log(&entry.topics, &entry.data).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy::primitives::{U256, address};

    use super::*;

    const TOKEN: Address = address!("00000000000000000000000000000000000000e1");

    fn source(kind: Kind) -> Source {
        Source {
            chain_id: 412_346,
            address: TOKEN,
            kind,
            first_block: 1,
        }
    }

    fn log(data: LogData) -> (Log, Entry) {
        let entry = Entry {
            block: 7,
            log: 3,
            topics: data.topics().to_vec(),
            data: data.data.to_vec(),
            ..Entry::default()
        };
        let inner = alloy::primitives::Log {
            address: TOKEN,
            data,
        };
        let log = Log {
            inner,
            ..Log::default()
        };
        (log, entry)
    }

    fn checked(kind: Kind, data: LogData) -> Result<Option<u8>, IndexError> {
        let (log, entry) = log(data);
        source(kind).check(&log, &entry)
    }

    fn transfer() -> LogData {
        let (from, to) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let value = U256::from(5);
        Transfer { from, to, value }.encode_log_data()
    }

    #[test]
    fn every_event_of_the_security_s_abi_has_a_number() {
        let known: BTreeSet<[u8; 32]> = SECURITY.iter().map(|topic| topic.0).collect();
        let abi: BTreeSet<[u8; 32]> = ISecurityTokenEvents::SELECTORS.iter().copied().collect();
        assert_eq!(known, abi);
    }

    #[test]
    fn an_event_is_numbered_and_an_allowance_left_out() {
        assert_eq!(checked(Kind::Security, transfer()).unwrap(), Some(0));
        let (owner, spender) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let value = U256::MAX;
        let approval = Approval {
            owner,
            spender,
            value,
        }
        .encode_log_data();
        assert_eq!(checked(Kind::Security, approval).unwrap(), None);
    }

    #[test]
    fn an_event_of_a_newer_contract_is_refused_by_its_topic() {
        for (topics, found) in [
            (vec![B256::repeat_byte(9)], B256::repeat_byte(9)),
            (vec![], B256::ZERO),
        ] {
            let error = checked(
                Kind::Security,
                LogData::new_unchecked(topics, vec![].into()),
            );
            let Err(IndexError::UnknownEvent {
                contract,
                block,
                log,
                topic,
            }) = error
            else {
                panic!("{error:?}");
            };
            assert_eq!((contract, block, log, topic), (TOKEN, 7, 3, found));
        }
    }

    #[test]
    fn a_log_that_is_not_wholly_its_event_is_refused_with_the_event_s_name() {
        let whole = transfer();
        let mut dirty = whole.topics().to_vec();
        dirty[1].0[0] = 1;
        let mut longer = whole.data.to_vec();
        longer.extend([0; 32]);
        let fewer = whole.topics()[..2].to_vec();
        for data in [
            LogData::new_unchecked(dirty, whole.data.clone()),
            LogData::new_unchecked(whole.topics().to_vec(), longer.into()),
            LogData::new_unchecked(whole.topics().to_vec(), whole.data[..31].to_vec().into()),
            LogData::new_unchecked(fewer, whole.data.clone()),
        ] {
            let error = checked(Kind::Security, data);
            let Err(IndexError::Malformed {
                contract,
                block,
                log,
                event,
            }) = error
            else {
                panic!("{error:?}");
            };
            assert_eq!(
                (contract, block, log, event.as_str()),
                (TOKEN, 7, 3, "Transfer")
            );
        }
    }

    #[test]
    fn of_the_coin_only_roles_are_known() {
        let error = checked(Kind::Coin, transfer());
        assert!(
            matches!(error, Err(IndexError::UnknownEvent { .. })),
            "{error:?}"
        );
        let role = B256::repeat_byte(1);
        let (account, sender) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let granted = RoleGranted {
            role,
            account,
            sender,
        }
        .encode_log_data();
        assert_eq!(checked(Kind::Coin, granted).unwrap(), Some(0));
    }
}
