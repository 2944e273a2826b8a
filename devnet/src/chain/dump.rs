//! All accounts as one document: `anvil_dumpState` and `anvil_loadState`.

use super::{
    Chain,
    diff::{AccountChange, Diff, SlotChange},
    error::ChainError,
    fork::ForkError,
    record::{EditRecord, Record},
    state::State,
};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One account, with the field names of anvil's dumps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DumpedAccount {
    nonce: u64,
    balance: U256,
    code: Bytes,
    #[serde(default)]
    storage: BTreeMap<B256, B256>,
}

/// Accounts at one moment, without blocks and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    accounts: BTreeMap<Address, DumpedAccount>,
}

impl Dump {
    fn of(state: &State) -> Result<Self, ChainError> {
        let accounts = state.accounts().map(|(address, account)| {
            let words = account.storage_words();
            let dumped = DumpedAccount {
                nonce: account.nonce,
                balance: account.balance,
                code: state.code(address)?,
                storage: words
                    .map(|(slot, word)| (B256::from(*slot), B256::from(*word)))
                    .collect(),
            };
            Ok((*address, dumped))
        });
        Ok(Self {
            accounts: accounts.collect::<Result<_, ForkError>>()?,
        })
    }

    fn into_diff(self) -> Diff {
        let mut codes = Vec::new();
        let accounts = self.accounts.into_iter().map(|(address, account)| {
            let code_hash = keccak256(&account.code);
            if !account.code.is_empty() {
                codes.push(account.code);
            }
            let word = |bytes: B256| U256::from_be_bytes(bytes.0);
            AccountChange {
                address,
                removed: false,
                cleared: true,
                nonce: account.nonce,
                balance: account.balance,
                code_hash,
                storage: account
                    .storage
                    .into_iter()
                    .map(|(key, value)| SlotChange {
                        key: word(key),
                        value: word(value),
                    })
                    .collect(),
            }
        });
        Diff {
            accounts: accounts.collect(),
            codes,
        }
    }
}

impl Chain {
    /// All accounts of the newest block's state; on a fork, those that may differ from the forked chain's,
    /// with the slots that may differ.
    ///
    /// # Errors
    /// [`ChainError::Fork`].
    pub fn dump(&self) -> Result<Dump, ChainError> {
        let state = self.ledger().head_state().clone();
        Dump::of(&state)
    }

    /// Replaces the accounts at the addresses in `dump`, storage included; other accounts stay as they
    /// are.
    ///
    /// # Errors
    /// [`ChainError::Store`]; nothing has changed then.
    pub fn load(&self, dump: Dump) -> Result<(), ChainError> {
        let diff = dump.into_diff();
        let mut producer = self.producer();
        let mut state = self.ledger().head_state().clone();
        state.apply(&diff);
        producer.write(|| Record::Edit(EditRecord { diff }))?;
        self.update_ledger(|ledger| ledger.replace_head_state(state));
        Ok(())
    }
}
