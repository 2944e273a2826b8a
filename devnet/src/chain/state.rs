//! The world state as a value: cloning shares everything, so each block, snapshot and call has its own.

use super::diff::{AccountChange, Diff};
use crate::evm::{ARBOS, arbos::calldata_floor_slot};
use alloy::primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256, map::DefaultHashBuilder,
};
use revm::{Database, bytecode::Bytecode, state::AccountInfo};
use rpds::HashTrieMapSync;
use std::{convert::Infallible, fmt};

type Map<K, V> = HashTrieMapSync<K, V, DefaultHashBuilder>;

fn empty_map<K: Eq + std::hash::Hash, V>() -> Map<K, V> {
    Map::new_with_hasher_and_ptr_kind(DefaultHashBuilder::default())
}

/// One account: what stands at an address.
#[derive(Clone)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// Hash of the code; of the empty string when there is none.
    pub code_hash: B256,
    storage: Map<U256, U256>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
            storage: empty_map(),
        }
    }
}

/// All accounts at one moment.
///
/// Persistent maps make a clone cost nothing and a change cost what it touches; that is what
/// snapshots, historic calls and reads beside a running transaction rest on.
#[derive(Clone)]
pub struct State {
    accounts: Map<Address, Account>,
    codes: Map<B256, Bytecode>,
    commitment: B256,
}

impl Default for State {
    fn default() -> Self {
        Self {
            accounts: empty_map(),
            codes: empty_map(),
            commitment: B256::ZERO,
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (accounts, commitment) = (self.accounts.size(), self.commitment);
        f.debug_struct("State")
            .field("accounts", &accounts)
            .field("commitment", &commitment)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The account at `address`, if it exists.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address)
    }

    /// Wei held by `address`.
    pub fn balance(&self, address: &Address) -> U256 {
        self.account(address)
            .map_or(U256::ZERO, |account| account.balance)
    }

    /// The next nonce of `address`.
    pub fn nonce(&self, address: &Address) -> u64 {
        self.account(address).map_or(0, |account| account.nonce)
    }

    /// The code at `address`, empty when there is none.
    pub fn code(&self, address: &Address) -> Bytes {
        self.account(address)
            .and_then(|account| self.codes.get(&account.code_hash))
            .map(Bytecode::original_bytes)
            .unwrap_or_default()
    }

    /// The word in `slot` of `address`.
    pub fn storage(&self, address: &Address, slot: &U256) -> U256 {
        self.account(address)
            .and_then(|account| account.storage.get(slot).copied())
            .unwrap_or_default()
    }

    /// Whether an owner of the chain wants EIP-7623's floor under what calldata costs.
    pub(super) fn has_calldata_floor(&self) -> bool {
        !self.storage(&ARBOS, &calldata_floor_slot()).is_zero()
    }

    /// A hash of every change since the empty state, in order.
    ///
    /// It stands in headers where Ethereum has the root of the state trie: this chain keeps no trie
    /// (nothing here proves against one), yet two chains agree on it exactly when their histories do.
    pub const fn commitment(&self) -> B256 {
        self.commitment
    }

    /// Applies `diff` and commits to it.
    pub(super) fn apply(&mut self, diff: &Diff) {
        self.write(diff);
        self.commit(diff);
    }

    /// Commits to `diff`, which has been written.
    pub(super) fn commit(&mut self, diff: &Diff) {
        self.commitment = diff.commit(self.commitment);
    }

    /// Writes `diff` without committing to it yet: a block commits once to all it changed.
    pub(super) fn write(&mut self, diff: &Diff) {
        for code in &diff.codes {
            self.codes
                .insert_mut(keccak256(code), bytecode(code.clone()));
        }
        for change in &diff.accounts {
            self.write_account(change);
        }
    }

    fn write_account(&mut self, change: &AccountChange) {
        if change.removed {
            self.accounts.remove_mut(&change.address);
            return;
        }
        let mut account = self.account(&change.address).cloned().unwrap_or_default();
        account.nonce = change.nonce;
        account.balance = change.balance;
        account.code_hash = change.code_hash;
        if change.cleared {
            account.storage = empty_map();
        }
        for slot in &change.storage {
            if slot.value.is_zero() {
                account.storage.remove_mut(&slot.key);
            } else {
                account.storage.insert_mut(slot.key, slot.value);
            }
        }
        self.accounts.insert_mut(change.address, account);
    }
}

/// Code ready to run. Code that only looks like a delegation (EIP-7702) but is none runs as plain code.
fn bytecode(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// What a transaction sees: a state and the hashes of the blocks before it.
#[derive(Debug)]
pub(super) struct View<'a, H> {
    state: &'a State,
    hashes: H,
}

impl<'a, H: Fn(u64) -> B256> View<'a, H> {
    /// A view of `state`; `hashes` answers the hash of the block of a number (zero when unknown).
    pub(super) const fn new(state: &'a State, hashes: H) -> Self {
        Self { state, hashes }
    }
}

impl<H: Fn(u64) -> B256> Database for View<'_, H> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.state.account(&address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: Some(
                self.state
                    .codes
                    .get(&account.code_hash)
                    .cloned()
                    .unwrap_or_default(),
            ),
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self
            .state
            .codes
            .get(&code_hash)
            .cloned()
            .unwrap_or_default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.state.storage(&address, &slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok((self.hashes)(number))
    }
}
