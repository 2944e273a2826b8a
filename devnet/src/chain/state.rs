//! The world state as a value: cloning shares everything, so each block, snapshot and call can have its own.

use super::{
    diff::{AccountChange, Diff},
    fork::{Fork, ForkError},
    trie::{AccountProof, StateTrie},
};
use crate::evm::{ARBOS, arbos::calldata_floor_slot};
use alloy::primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256, map::DefaultHashBuilder,
};
use revm::{Database, bytecode::Bytecode, state::AccountInfo};
use rpds::HashTrieMapSync;
use std::{fmt, sync::Arc};

type Map<K, V> = HashTrieMapSync<K, V, DefaultHashBuilder>;

fn empty_map<K: Eq + std::hash::Hash, V>() -> Map<K, V> {
    Map::new_with_hasher_and_ptr_kind(DefaultHashBuilder::default())
}

/// One account: what is at an address.
#[derive(Clone)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// Hash of the code; of the empty string when there is none.
    pub code_hash: B256,
    storage: Map<U256, U256>,
    /// Slots not in `storage` are read from the forked chain.
    forked: bool,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
            storage: empty_map(),
            forked: false,
        }
    }
}

/// All accounts at one moment.
///
/// With persistent maps a clone costs nothing and a change costs only what it touches; snapshots,
/// historic calls and reads during a transaction rely on that. On a fork they contain what differs
/// from the forked chain, and any read can fail.
#[derive(Clone)]
pub struct State {
    accounts: Map<Address, Account>,
    codes: Map<B256, Bytecode>,
    commitment: B256,
    fork: Option<Arc<Fork>>,
    trie: Option<StateTrie>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            accounts: empty_map(),
            codes: empty_map(),
            commitment: B256::ZERO,
            fork: None,
            trie: None,
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

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("nonce", &self.nonce)
            .field("balance", &self.balance)
            .field("code_hash", &self.code_hash)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Slots written and their words, in no order.
    pub fn storage_words(&self) -> impl Iterator<Item = (&U256, &U256)> {
        self.storage.iter()
    }
}

impl State {
    /// The state of `fork` without changes; without a fork, no accounts, and their trie if it is kept.
    pub(super) fn on(fork: Option<&Arc<Fork>>, trie: bool) -> Self {
        Self {
            fork: fork.cloned(),
            trie: trie.then(StateTrie::default),
            ..Self::default()
        }
    }

    /// All accounts, in no order; on a fork, those that may differ from the forked chain's.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &Account)> {
        self.accounts.iter()
    }

    /// The account at `address` on the forked chain, if it exists.
    fn forked(&self, address: &Address) -> Result<Option<Account>, ForkError> {
        let Some(fork) = &self.fork else {
            return Ok(None);
        };
        let (fetched, code_hash) = fork.account(*address)?;
        let account = Account {
            nonce: fetched.nonce,
            balance: fetched.balance,
            code_hash,
            storage: empty_map(),
            forked: true,
        };
        let exists = account.nonce != 0
            || !account.balance.is_zero()
            || account.code_hash != KECCAK256_EMPTY;
        Ok(exists.then_some(account))
    }

    /// The account at `address`, if it exists.
    ///
    /// # Errors
    /// [`ForkError`], like every read.
    pub fn account(&self, address: &Address) -> Result<Option<Account>, ForkError> {
        match self.accounts.get(address) {
            Some(account) => Ok(Some(account.clone())),
            None => self.forked(address),
        }
    }

    /// Wei held by `address`.
    ///
    /// # Errors
    /// [`ForkError`].
    pub fn balance(&self, address: &Address) -> Result<U256, ForkError> {
        match self.accounts.get(address) {
            Some(account) => Ok(account.balance),
            None => Ok(self
                .forked(address)?
                .map_or(U256::ZERO, |account| account.balance)),
        }
    }

    /// The next nonce of `address`.
    ///
    /// # Errors
    /// [`ForkError`].
    pub fn nonce(&self, address: &Address) -> Result<u64, ForkError> {
        match self.accounts.get(address) {
            Some(account) => Ok(account.nonce),
            None => Ok(self.forked(address)?.map_or(0, |account| account.nonce)),
        }
    }

    /// The code at `address`, empty when there is none.
    ///
    /// # Errors
    /// [`ForkError`].
    pub fn code(&self, address: &Address) -> Result<Bytes, ForkError> {
        let Some(account) = self.account(address)? else {
            return Ok(Bytes::new());
        };
        let code = self.bytecode(address, account.code_hash)?;
        Ok(code.original_bytes())
    }

    /// The code of `code_hash`, which `address` has.
    fn bytecode(&self, address: &Address, code_hash: B256) -> Result<Bytecode, ForkError> {
        if let Some(code) = self.codes.get(&code_hash) {
            return Ok(code.clone());
        }
        let Some(fork) = self.fork.as_ref().filter(|_| code_hash != KECCAK256_EMPTY) else {
            return Ok(Bytecode::default());
        };
        if let Some(code) = fork.code(code_hash) {
            return Ok(code);
        }
        // A state file keeps the account, but not what was read from the forked chain.
        fork.account(*address)?;
        Ok(fork.code(code_hash).unwrap_or_default())
    }

    /// The word in `slot` of `address`.
    ///
    /// # Errors
    /// [`ForkError`].
    pub fn storage(&self, address: &Address, slot: &U256) -> Result<U256, ForkError> {
        let account = self.accounts.get(address);
        if let Some(word) = account.and_then(|account| account.storage.get(slot)) {
            return Ok(*word);
        }
        match &self.fork {
            None => Ok(U256::ZERO),
            Some(fork) if *address == ARBOS => Ok(fork.arbos_word(*slot)),
            Some(_) if account.is_some_and(|account| !account.forked) => Ok(U256::ZERO),
            Some(fork) => fork.word(*address, *slot),
        }
    }

    /// Whether an owner of the chain turned on EIP-7623's floor for the cost of calldata.
    pub(super) fn has_calldata_floor(&self) -> bool {
        // A fork does not ask its node for the storage of `ArbOS`, so this cannot fail.
        self.storage(&ARBOS, &calldata_floor_slot())
            .is_ok_and(|word| !word.is_zero())
    }

    /// The state root in headers: the trie's root if it is kept, else a hash of every change since the empty
    /// state, in order, which is equal for two chains exactly when their histories are.
    pub fn commitment(&self) -> B256 {
        self.trie.as_ref().map_or(self.commitment, StateTrie::root)
    }

    /// Proves the account at `address` and the words in its `slots`; `None` without a trie.
    pub(super) fn prove(&self, address: Address, slots: &[U256]) -> Option<AccountProof> {
        let trie = self.trie.as_ref()?;
        Some(trie.prove(address, slots))
    }

    /// Applies `diff` and commits to it.
    pub(super) fn apply(&mut self, diff: &Diff) {
        self.write(diff);
        self.commit(diff);
    }

    /// Commits to `diff`, which is already written.
    pub(super) fn commit(&mut self, diff: &Diff) {
        self.commitment = diff.commit(self.commitment);
    }

    /// Writes `diff` without committing to it yet: a block commits once to everything it changed.
    pub(super) fn write(&mut self, diff: &Diff) {
        for code in &diff.codes {
            self.codes
                .insert_mut(keccak256(code), bytecode(code.clone()));
        }
        for change in &diff.accounts {
            self.write_account(change);
        }
        if let Some(trie) = &mut self.trie {
            trie.write(diff);
        }
    }

    fn write_account(&mut self, change: &AccountChange) {
        let forks = self.fork.is_some();
        if change.removed {
            if forks {
                // What the forked chain has there is gone too.
                self.accounts.insert_mut(change.address, Account::default());
            } else {
                self.accounts.remove_mut(&change.address);
            }
            return;
        }
        let mut account = match self.accounts.get(&change.address) {
            Some(account) => account.clone(),
            None => Account {
                forked: forks,
                ..Account::default()
            },
        };
        account.nonce = change.nonce;
        account.balance = change.balance;
        account.code_hash = change.code_hash;
        if change.cleared {
            account.storage = empty_map();
            account.forked = false;
        }
        let hides_zero = account.forked || (forks && change.address == ARBOS);
        for slot in &change.storage {
            if slot.value.is_zero() && !hides_zero {
                account.storage.remove_mut(&slot.key);
            } else {
                account.storage.insert_mut(slot.key, slot.value);
            }
        }
        self.accounts.insert_mut(change.address, account);
    }
}

/// Code ready to run. Code that looks like a delegation (EIP-7702) but is not one runs as plain code.
pub(super) fn bytecode(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// What a transaction sees: a state and the hashes of the blocks before it.
#[derive(Debug)]
pub(super) struct View<'a, H> {
    state: &'a State,
    hashes: H,
}

impl<'a, H: Fn(u64) -> B256> View<'a, H> {
    /// A view of `state`; `hashes` returns the hash of the block with a number (zero when unknown).
    pub(super) const fn new(state: &'a State, hashes: H) -> Self {
        Self { state, hashes }
    }
}

impl<H: Fn(u64) -> B256> Database for View<'_, H> {
    type Error = ForkError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ForkError> {
        let Some(account) = self.state.account(&address)? else {
            return Ok(None);
        };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: Some(self.state.bytecode(&address, account.code_hash)?),
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ForkError> {
        let known = self.state.codes.get(&code_hash).cloned();
        let fork = self.state.fork.as_ref();
        Ok(known
            .or_else(|| fork.and_then(|fork| fork.code(code_hash)))
            .unwrap_or_default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ForkError> {
        self.state.storage(&address, &slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ForkError> {
        Ok((self.hashes)(number))
    }
}
