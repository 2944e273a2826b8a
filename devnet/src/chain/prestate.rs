//! The accounts that a transaction read, or what it changed: geth's `prestateTracer`.

use super::{fork::ForkError, state::State};
use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::state::EvmState;
use serde::Serialize;
use std::collections::BTreeMap;

/// What to include in the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one per option of the tracer"
)]
pub struct PrestateOptions {
    /// What changed, before and after, instead of what was read.
    pub diff_mode: bool,
    /// Leave out code.
    pub disable_code: bool,
    /// Leave out storage.
    pub disable_storage: bool,
    /// Include accounts that do not exist.
    pub include_empty: bool,
}

/// An account on the wire; a missing field has not changed, or is empty.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<U256>,
    #[serde(skip_serializing_if = "no_code")]
    code: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_hash: Option<B256>,
    #[serde(skip_serializing_if = "is_zero")]
    nonce: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<B256, B256>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(nonce: &u64) -> bool {
    *nonce == 0
}

fn no_code(code: &Bytes) -> bool {
    code.is_empty()
}

type Accounts = BTreeMap<Address, Account>;

/// The answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Prestate {
    Read(Accounts),
    Changed { post: Accounts, pre: Accounts },
}

/// What a transaction read from `before`, and changed into `after`.
///
/// # Errors
/// [`ForkError`].
pub(super) fn of(
    before: &State,
    after: &EvmState,
    options: PrestateOptions,
) -> Result<Prestate, ForkError> {
    let (mut pre, mut post) = (Accounts::new(), Accounts::new());
    for (address, left) in after {
        let code = before.code(address)?;
        let hash = before.account(address)?.map(|account| account.code_hash);
        let mut found = Account {
            balance: Some(before.balance(address)?),
            code_hash: hash.filter(|hash| *hash != KECCAK256_EMPTY),
            nonce: before.nonce(address)?,
            code: if options.disable_code {
                Bytes::new()
            } else {
                code.clone()
            },
            storage: BTreeMap::new(),
        };
        let exists = found.nonce != 0 || !code.is_empty() || found.balance != Some(U256::ZERO);
        let mut slots = Vec::new();
        if !options.disable_storage {
            for (key, slot) in &left.storage {
                slots.push((*key, before.storage(address, key)?, slot.present_value));
            }
        }
        if !options.diff_mode {
            found.storage = slots
                .into_iter()
                .map(|(key, value, _)| (key.into(), value.into()))
                .collect();
            if exists || options.include_empty {
                pre.insert(*address, found);
            }
            continue;
        }
        let info = &left.info;
        let hash = Some(info.code_hash).filter(|hash| *hash != KECCAK256_EMPTY && !hash.is_zero());
        let recoded = hash != found.code_hash;
        let mut changed = Account {
            balance: Some(info.balance).filter(|balance| Some(*balance) != found.balance),
            nonce: if info.nonce == found.nonce {
                0
            } else {
                info.nonce
            },
            code_hash: recoded.then(|| hash.unwrap_or_default()),
            ..Account::default()
        };
        if recoded && !options.disable_code {
            let code = info.code.as_ref();
            changed.code = code
                .map(revm::state::Bytecode::original_bytes)
                .unwrap_or_default();
        }
        let mut modified = changed.balance.is_some() || info.nonce != found.nonce || recoded;
        for (key, value, present) in slots {
            if value == present {
                continue;
            }
            modified = true;
            for (side, value) in [(&mut found, value), (&mut changed, present)] {
                if !value.is_zero() {
                    side.storage.insert(key.into(), value.into());
                }
            }
        }
        let destroyed = left.is_selfdestructed();
        if (modified || destroyed) && exists {
            pre.insert(*address, found);
        }
        if modified && !destroyed {
            post.insert(*address, changed);
        }
    }
    Ok(if options.diff_mode {
        Prestate::Changed { post, pre }
    } else {
        Prestate::Read(pre)
    })
}
