//! A Merkle Patricia trie as a value: what `--state-root` keeps in addition to the accounts.
//!
//! Leaves are in 256 boxes by the first byte of their keys. A change rebuilds the trie of one box; of the
//! others, the root only needs the hash of the topmost branch. Copies share their boxes.

use super::diff::{AccountChange, Diff};
use alloy::{
    consensus::TrieAccount,
    primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256},
    trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, proof::ProofRetainer},
};
use rpds::HashTrieMapSync;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// The leaves whose keys begin with the same byte.
#[derive(Clone, Debug, Default)]
struct Group {
    leaves: BTreeMap<B256, Vec<u8>>,
    /// Where the branch above all of them is, and its hash; for two leaves or more.
    branch: OnceLock<(Nibbles, B256)>,
}

impl Group {
    /// The topmost branch: where, and its hash.
    ///
    /// A branch here is never so short that it is embedded in its parent: for that, two keys, which are
    /// hashes, would have to share more than 28 of their 32 bytes.
    fn branch(&self) -> Option<(Nibbles, B256)> {
        let (Some((first, _)), Some((last, _))) =
            (self.leaves.first_key_value(), self.leaves.last_key_value())
        else {
            return None;
        };
        if self.leaves.len() < 2 {
            return None;
        }
        let branch = self.branch.get_or_init(|| {
            let first = Nibbles::unpack(first);
            let shared = first.common_prefix_length(&Nibbles::unpack(last));
            let mut below = HashBuilder::default();
            for (key, value) in &self.leaves {
                below.add_leaf(Nibbles::unpack(key).slice(shared..), value);
            }
            (first.slice(..shared), below.root())
        });
        Some(*branch)
    }
}

/// Values by key, and their root.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    groups: Arc<[Option<Arc<Group>>; 256]>,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            groups: Arc::new([const { None }; 256]),
        }
    }
}

impl Trie {
    /// Puts `value` at `key`, or removes what is there.
    fn set(&mut self, key: B256, value: Option<Vec<u8>>) {
        let place = &mut Arc::make_mut(&mut self.groups)[usize::from(key[0])];
        let group = Arc::make_mut(place.get_or_insert_default());
        group.branch.take();
        match value {
            Some(value) => {
                group.leaves.insert(key, value);
            }
            None => {
                group.leaves.remove(&key);
            }
        }
        if group.leaves.is_empty() {
            *place = None;
        }
    }

    /// Passes the contents of the trie to `builder`, leaf by leaf where a key must be proved.
    fn build<K: AsRef<alloy::trie::proof::AddedRemovedKeys>>(
        &self,
        builder: &mut HashBuilder<K>,
        proved: &[B256],
    ) {
        for group in self.groups.iter().flatten() {
            let opened = group
                .leaves
                .first_key_value()
                .is_some_and(|(first, _)| proved.iter().any(|key| key[0] == first[0]));
            match group.branch().filter(|_| !opened) {
                Some((place, hash)) => builder.add_branch(place, hash, false),
                None => {
                    for (key, value) in &group.leaves {
                        builder.add_leaf(Nibbles::unpack(key), value);
                    }
                }
            }
        }
    }

    /// The root.
    pub(super) fn root(&self) -> B256 {
        let mut builder = HashBuilder::default();
        self.build(&mut builder, &[]);
        builder.root()
    }

    /// The root, and for each of `keys` the nodes that lead from it to the value there, or to where it would
    /// be.
    fn prove(&self, keys: &[B256]) -> (B256, Vec<Vec<Bytes>>) {
        let paths: Vec<Nibbles> = keys.iter().map(Nibbles::unpack).collect();
        let retainer = ProofRetainer::new(paths.clone());
        let mut builder = HashBuilder::default().with_proof_retainer(retainer);
        self.build(&mut builder, keys);
        let root = builder.root();
        if root == EMPTY_ROOT_HASH {
            // Without leaves, the root alone is the proof.
            return (root, vec![Vec::new(); keys.len()]);
        }
        let nodes = builder.take_proof_nodes();
        let proof = |path: &Nibbles| {
            let nodes = nodes.matching_nodes_sorted(path).into_iter();
            nodes.map(|(_, node)| node).collect()
        };
        (root, paths.iter().map(proof).collect())
    }
}

/// The accounts, and the storage of each.
#[derive(Clone, Debug, Default)]
pub(super) struct StateTrie {
    accounts: Trie,
    storage: HashTrieMapSync<Address, Trie>,
}

/// The proof of an account and words of its storage (EIP-1186).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The root that the account is proved against.
    pub state_root: B256,
    /// The root that the words are proved against; it is part of the account.
    pub storage_root: B256,
    /// From the state root to the account.
    pub account: Vec<Bytes>,
    /// From the storage root to each word.
    pub words: Vec<Vec<Bytes>>,
}

impl StateTrie {
    /// Writes `diff`.
    pub(super) fn write(&mut self, diff: &Diff) {
        for change in &diff.accounts {
            self.write_account(change);
        }
    }

    fn write_account(&mut self, change: &AccountChange) {
        let key = keccak256(change.address);
        if change.removed {
            self.accounts.set(key, None);
            self.storage.remove_mut(&change.address);
            return;
        }
        let before = self.storage.get(&change.address);
        let mut storage = before
            .filter(|_| !change.cleared)
            .cloned()
            .unwrap_or_default();
        for slot in &change.storage {
            let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            storage.set(keccak256(B256::from(slot.key)), value);
        }
        let account = TrieAccount {
            nonce: change.nonce,
            balance: change.balance,
            storage_root: storage.root(),
            code_hash: change.code_hash,
        };
        self.storage.insert_mut(change.address, storage);
        // An empty account does not exist (EIP-161).
        let exists = account.nonce != 0
            || !account.balance.is_zero()
            || account.code_hash != KECCAK256_EMPTY;
        self.accounts
            .set(key, exists.then(|| alloy_rlp::encode(account)));
    }

    /// The state's root.
    pub(super) fn root(&self) -> B256 {
        self.accounts.root()
    }

    /// Proves the account at `address` and the words in its `slots`.
    pub(super) fn prove(&self, address: Address, slots: &[U256]) -> AccountProof {
        let (state_root, accounts) = self.accounts.prove(&[keccak256(address)]);
        let keys: Vec<B256> = slots
            .iter()
            .map(|slot| keccak256(B256::from(*slot)))
            .collect();
        let storage = self.storage.get(&address).cloned().unwrap_or_default();
        let (storage_root, words) = storage.prove(&keys);
        AccountProof {
            state_root,
            storage_root,
            account: accounts.into_iter().flatten().collect(),
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::trie::root::{state_root_unhashed, storage_root_unhashed};
    use proptest::{collection::vec, prelude::*};
    use std::collections::HashMap;

    proptest! {
        /// Whatever is written and removed, in any order, the root is that of what is left.
        #[test]
        fn the_root_is_that_of_all_leaves_at_once(changes in vec((0_u64..600, 0_u64..3), 0..900)) {
            let mut trie = Trie::default();
            let mut left = HashMap::new();
            for (slot, value) in changes {
                let (slot, value) = (B256::from(U256::from(slot)), U256::from(value));
                left.insert(slot, value);
                let leaf = (!value.is_zero()).then(|| alloy_rlp::encode(value));
                trie.set(keccak256(slot), leaf);
            }
            left.retain(|_, value| !value.is_zero());
            prop_assert_eq!(trie.root(), storage_root_unhashed(left));
        }

        /// Keys that share their first bytes, up to half of all, put an extension above the branch of their group.
        #[test]
        fn long_shared_prefixes_make_the_same_root(ends in vec((0_u8..4, 0_u8..4, any::<u8>()), 0..40)) {
            let mut trie = Trie::default();
            let mut leaves = BTreeMap::new();
            for (first, middle, end) in ends {
                let mut key = B256::repeat_byte(0x77);
                (key[0], key[9], key[15]) = (first, middle, end);
                leaves.insert(key, U256::from(end) + U256::ONE);
                trie.set(key, Some(alloy_rlp::encode(U256::from(end) + U256::ONE)));
            }
            prop_assert_eq!(trie.root(), alloy::trie::root::storage_root(leaves));
        }
    }

    #[test]
    fn accounts_come_and_go_with_their_storage() {
        let address = Address::with_last_byte;
        let change = |last, balance: u64, slots: &[(u64, u64)]| AccountChange {
            address: address(last),
            removed: false,
            cleared: false,
            nonce: 0,
            balance: U256::from(balance),
            code_hash: KECCAK256_EMPTY,
            storage: slots
                .iter()
                .map(|(key, value)| super::super::diff::SlotChange {
                    key: U256::from(*key),
                    value: U256::from(*value),
                })
                .collect(),
        };
        let mut trie = StateTrie::default();
        let mut write = |change: AccountChange| {
            trie.write(&Diff::from(change));
            trie.root()
        };
        let account = |balance: u64, slots: &[(u64, u64)]| TrieAccount {
            balance: U256::from(balance),
            storage_root: storage_root_unhashed(
                slots
                    .iter()
                    .map(|(key, value)| (B256::from(U256::from(*key)), U256::from(*value))),
            ),
            ..TrieAccount::default()
        };
        let root = |accounts: Vec<(u8, TrieAccount)>| {
            let accounts = accounts.into_iter();
            state_root_unhashed(accounts.map(|(last, account)| (address(last), account)))
        };
        write(change(1, 5, &[(1, 1), (2, 2)]));
        let both = write(change(2, 6, &[]));
        let expected = vec![(1, account(5, &[(1, 1), (2, 2)])), (2, account(6, &[]))];
        assert_eq!(both, root(expected));
        let cleared = AccountChange {
            cleared: true,
            ..change(1, 5, &[(3, 3)])
        };
        let expected = vec![(1, account(5, &[(3, 3)])), (2, account(6, &[]))];
        assert_eq!(write(cleared), root(expected));
        let removed = AccountChange {
            removed: true,
            ..change(1, 0, &[])
        };
        assert_eq!(write(removed), root(vec![(2, account(6, &[]))]));
        // The old storage does not come back, and an empty account does not exist.
        let expected = vec![(1, account(1, &[])), (2, account(6, &[]))];
        assert_eq!(write(change(1, 1, &[])), root(expected));
        assert_eq!(write(change(2, 0, &[])), root(vec![(1, account(1, &[]))]));
    }
}
