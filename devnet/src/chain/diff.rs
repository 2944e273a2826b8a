//! What changed between two states, as a value that can be stored.

use super::{fork::ForkError, state::State};
use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use revm::state::EvmState;
use std::collections::BTreeMap;

/// A word written to storage; zero clears the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct SlotChange {
    /// The slot.
    pub(super) key: U256,
    /// Its word afterwards.
    pub(super) value: U256,
}

/// One account afterwards.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct AccountChange {
    /// Whose account.
    pub(super) address: Address,
    /// The account is gone; the other fields do not matter.
    pub(super) removed: bool,
    /// Storage was emptied before `storage` was written.
    pub(super) cleared: bool,
    /// Afterwards.
    pub(super) nonce: u64,
    /// Afterwards, wei.
    pub(super) balance: U256,
    /// Afterwards.
    pub(super) code_hash: B256,
    /// Slots written, by slot.
    pub(super) storage: Vec<SlotChange>,
}

/// Changed accounts by address, and code that is new.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct Diff {
    /// By address, each once.
    pub(super) accounts: Vec<AccountChange>,
    /// Code that the changed accounts refer to.
    pub(super) codes: Vec<Bytes>,
}

impl AccountChange {
    /// The account at `address` as it is in `state`: the start of an edit.
    ///
    /// # Errors
    /// [`ForkError`].
    pub(super) fn of(state: &State, address: Address) -> Result<Self, ForkError> {
        let account = state.account(&address)?.unwrap_or_default();
        Ok(Self {
            address,
            removed: false,
            cleared: false,
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            storage: Vec::new(),
        })
    }
}

impl From<AccountChange> for Diff {
    fn from(change: AccountChange) -> Self {
        Self {
            accounts: vec![change],
            codes: Vec::new(),
        }
    }
}

impl From<EvmState> for Diff {
    /// What a transaction changed. Accounts that are empty afterwards do not exist (EIP-161).
    fn from(touched: EvmState) -> Self {
        let mut accounts = Vec::with_capacity(touched.len());
        let mut codes = BTreeMap::new();
        for (address, account) in touched {
            if !account.is_touched() {
                continue;
            }
            let removed = account.is_selfdestructed() || account.is_empty();
            let mut storage: Vec<SlotChange> = if removed {
                Vec::new()
            } else {
                account
                    .changed_storage_slots()
                    .map(|(key, slot)| SlotChange {
                        key: *key,
                        value: slot.present_value,
                    })
                    .collect()
            };
            storage.sort_unstable_by_key(|slot| slot.key);
            let info = &account.info;
            let new_code =
                account.is_created() || info.code_hash != account.original_info.code_hash;
            if let Some(code) = &info.code
                && !removed
                && new_code
                && info.code_hash != KECCAK256_EMPTY
            {
                codes.insert(info.code_hash, code.original_bytes());
            }
            accounts.push(AccountChange {
                address,
                removed,
                cleared: account.is_created(),
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
                storage,
            });
        }
        accounts.sort_unstable_by_key(|change| change.address);
        Self {
            accounts,
            codes: codes.into_values().collect(),
        }
    }
}

impl Diff {
    /// This change followed by `next`.
    pub(super) fn merge(&mut self, next: Self) {
        if self.accounts.is_empty() && self.codes.is_empty() {
            *self = next;
            return;
        }
        let mut accounts: BTreeMap<Address, AccountChange> = self
            .accounts
            .drain(..)
            .map(|change| (change.address, change))
            .collect();
        for mut change in next.accounts {
            if let Some(earlier) = accounts.get(&change.address)
                && !change.removed
                && !change.cleared
            {
                let mut storage: BTreeMap<U256, U256> = earlier
                    .storage
                    .iter()
                    .map(|slot| (slot.key, slot.value))
                    .collect();
                storage.extend(change.storage.iter().map(|slot| (slot.key, slot.value)));
                change.storage = storage
                    .into_iter()
                    .map(|(key, value)| SlotChange { key, value })
                    .collect();
                change.cleared = earlier.cleared || earlier.removed;
            }
            accounts.insert(change.address, change);
        }
        self.accounts = accounts.into_values().collect();
        self.codes.extend(next.codes);
        self.codes.sort_unstable();
        self.codes.dedup();
    }

    /// The commitment of a state that had `commitment` and underwent this change.
    pub(super) fn commit(&self, commitment: B256) -> B256 {
        let mut bytes = commitment.to_vec();
        alloy_rlp::Encodable::encode(self, &mut bytes);
        keccak256(bytes)
    }
}
